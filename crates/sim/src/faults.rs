//! What goes wrong on purpose: rules that turn some of the calls into failures.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, Stream};

/// A failure as the caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429 with the headers that go with its scope.
    RateLimited {
        /// Who refuses.
        scope: FaultScope,
        /// Seconds in `Retry-After`.
        retry_after: u32,
    },
    /// 429 without type and without `Retry-After`, as services behind the edge send it.
    BareRateLimited,
    /// An error of the server, with an HTML body.
    ServerError {
        /// 500, 502, 503, 504.
        status: u16,
    },
    /// A success without a body.
    EmptyBody,
    /// A success whose JSON ends in the middle.
    TruncatedJson,
    /// A success that is an HTML page.
    NotJson,
    /// The proper answer, later.
    Slow {
        /// How much later, in milliseconds.
        delay_ms: u64,
    },
    /// The connection is closed without an answer.
    Reset,
    /// No answer while the caller waits (an hour at most).
    Hang,
    /// 403: a private match, or a key without rights.
    Forbidden,
    /// 401: the key has expired.
    KeyExpired,
    /// The proper answer without any limit headers.
    NoLimitHeaders,
    /// 429 that names its scope and not how long to wait.
    NoRetryAfter {
        /// Who refuses.
        scope: FaultScope,
    },
    /// An error of the server as the services behind the edge word it: JSON of another shape.
    ServiceError {
        /// 500, 502, 503, 504.
        status: u16,
    },
    /// A success whose JSON is whole and wrong: a colon is missing.
    MalformedJson,
    /// The proper JSON, called plain text.
    WrongContentType,
    /// The proper answer in pieces, slowly.
    Drip {
        /// Bytes in a piece.
        bytes: u32,
        /// Milliseconds between pieces.
        pause_ms: u64,
    },
    /// Half of the proper answer's bytes, then the connection closes.
    Cut,
    /// The proper answer with other application limits in its headers than those that are counted.
    OtherLimits {
        /// As in the header: `20:1,100:120`.
        app: String,
    },
    /// The proper answer with a `Date` that is off.
    ClockSkew {
        /// Seconds; negative is the past.
        seconds: i64,
    },
    /// A match in the shape that Riot sent in a year: without what came later.
    Era {
        /// 2020 to 2026.
        year: u32,
    },
    /// The proper answer with fields and words in it that nobody knows yet.
    Drift,
    /// 404, as for a match that is listed and not there.
    NotFound,
    /// A list of match ids in which the first stands twice.
    DuplicateId,
    /// A list of match ids from which the newest have gone since the page before.
    ShrunkList {
        /// How many have gone.
        by: u32,
    },
}

impl Fault {
    /// The query of a call as this fault sees it: a list that has shrunk by two gives its third
    /// entry where the first was asked for.
    pub(crate) fn query(&self, query: &str) -> Option<String> {
        let Self::ShrunkList { by } = self else { return None };
        let parts = query.split('&').filter(|part| !part.is_empty());
        let (starts, others): (Vec<&str>, Vec<&str>) =
            parts.partition(|part| part.starts_with("start="));
        let start = starts.first().and_then(|part| part["start=".len()..].parse::<u64>().ok());
        let start = start.unwrap_or(0) + u64::from(*by);
        let mut parts: Vec<String> = others.into_iter().map(str::to_owned).collect();
        parts.push(format!("start={start}"));
        Some(parts.join("&"))
    }
}

/// The scope of a made-up 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum FaultScope {
    Application,
    Method,
    Service,
}

impl FaultScope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Method => "method",
            Self::Service => "service",
        }
    }
}

/// Which calls a fault befalls. The first rule that matches a call is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// Riot's name of the method (`match-v5.getMatch`); `None` for all.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Only calls whose path contains this text, such as a match id; `None` for all.
    #[serde(default)]
    pub path: Option<String>,
    /// So many matching calls pass before the rule begins.
    #[serde(default)]
    pub skip: u32,
    /// At most so many calls fail; `None` for no end.
    #[serde(default)]
    pub count: Option<u32>,
    /// Share of the calls that fail, `0..=1`.
    #[serde(default = "always")]
    pub probability: f64,
    /// Seconds after the rule was given from which on it holds.
    #[serde(default)]
    pub after_s: f64,
    /// Seconds for which it then holds; `None` for no end.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// With `for_s`: it holds again and again, so many seconds from one beginning to the next.
    #[serde(default)]
    pub every_s: Option<f64>,
}

fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// The fault befalls every call.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            endpoint: None,
            path: None,
            skip: 0,
            count: None,
            probability: 1.0,
            after_s: 0.0,
            for_s: None,
            every_s: None,
        }
    }

    /// The fault befalls the next `count` calls.
    pub fn next(count: u32, fault: Fault) -> Self {
        Self { count: Some(count), ..Self::always(fault) }
    }

    /// Only calls of this method.
    #[must_use]
    pub fn on(self, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.to_owned()), ..self }
    }

    /// Only from so many seconds after the rule is given, and for so many.
    #[must_use]
    pub fn between(self, after_s: f64, for_s: f64) -> Self {
        Self { after_s, for_s: Some(for_s), ..self }
    }

    /// Whether the rule holds so many seconds after it was given.
    fn holds(&self, elapsed_s: f64) -> bool {
        let mut since_s = elapsed_s - self.after_s;
        if since_s < 0.0 {
            return false;
        }
        if let Some(every_s) = self.every_s.filter(|every_s| *every_s > 0.0) {
            since_s %= every_s;
        }
        self.for_s.is_none_or(|for_s| since_s < for_s)
    }
}

/// Rules at work.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<(FaultRule, Dice)>,
    /// When the rules were given, microseconds.
    given_us: i64,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<FaultRule>, now_us: i64) -> Self {
        let mut faults = Self { seed, rules: Vec::new(), given_us: now_us };
        faults.replace(rules, now_us);
        faults
    }

    pub(crate) fn replace(&mut self, rules: Vec<FaultRule>, now_us: i64) {
        let seed = self.seed;
        self.given_us = now_us;
        self.rules = rules
            .into_iter()
            .enumerate()
            .map(|(i, rule)| (rule, Dice::new(seed, Stream::Fault, 0, i as u64)))
            .collect();
    }

    /// The rules with what is left of their counts.
    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.rules.iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// What befalls this call.
    pub(crate) fn befall(&mut self, endpoint: &str, path: &str, now_us: i64) -> Option<Fault> {
        let elapsed_s = (now_us - self.given_us) as f64 / 1e6;
        for (rule, dice) in &mut self.rules {
            let is_meant = rule.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint)
                && rule.path.as_deref().is_none_or(|part| path.contains(part));
            if !is_meant || rule.count == Some(0) || !rule.holds(elapsed_s) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if !dice.chance(rule.probability) {
                continue;
            }
            if let Some(count) = &mut rule.count {
                *count -= 1;
            }
            return Some(rule.fault.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_counts_and_keeps_to_its_endpoint() {
        let rule =
            FaultRule { skip: 1, ..FaultRule::next(2, Fault::EmptyBody).on("match-v5.getMatch") };
        let mut faults = Faults::new(1, vec![rule], 0);
        let mut befall = |endpoint| faults.befall(endpoint, "/x", 0).is_some();
        assert!(!befall("account-v1.getByPuuid"));
        let seen: Vec<bool> = (0..4).map(|_| befall("match-v5.getMatch")).collect();
        assert_eq!(seen, [false, true, true, false]);
    }

    #[test]
    fn a_probability_is_kept_and_repeats_with_the_seed() {
        let rule = FaultRule { probability: 0.2, ..FaultRule::always(Fault::Hang) };
        let run = || -> Vec<bool> {
            let mut faults = Faults::new(9, vec![rule.clone()], 0);
            (0..1_000).map(|_| faults.befall("x", "/", 0).is_some()).collect()
        };
        let seen = run();
        assert_eq!(seen, run());
        let n = seen.iter().filter(|failed| **failed).count();
        assert!((150..250).contains(&n), "{n}");
    }

    #[test]
    fn a_schedule_begins_ends_and_comes_again() {
        let at = |rule: &FaultRule, s: f64| {
            Faults::new(1, vec![rule.clone()], 0).befall("x", "/", (s * 1e6) as i64).is_some()
        };
        let once = FaultRule::always(Fault::NotFound).between(10.0, 5.0);
        assert_eq!([9.9, 10.0, 14.9, 15.0].map(|s| at(&once, s)), [false, true, true, false]);
        let again = FaultRule { every_s: Some(60.0), ..once };
        assert_eq!(
            [9.0, 12.0, 40.0, 72.0, 76.0].map(|s| at(&again, s)),
            [false, true, false, true, false]
        );
    }

    #[test]
    fn a_list_that_has_shrunk_begins_later() {
        let query = |query| Fault::ShrunkList { by: 2 }.query(query).expect("another query");
        assert_eq!(query(""), "start=2");
        assert_eq!(query("count=5&start=20&queue=420"), "count=5&queue=420&start=22");
        assert_eq!(Fault::NotFound.query("start=1"), None);
    }

    #[test]
    fn rules_read_from_json() {
        let json = r#"[{"fault":{"kind":"rate_limited","scope":"service","retry_after":3},"count":2},
            {"fault":{"kind":"reset"},"endpoint":"match-v5.getMatch","probability":0.1}]"#;
        let rules: Vec<FaultRule> = serde_json::from_str(json).expect("rules");
        let limited = Fault::RateLimited { scope: FaultScope::Service, retry_after: 3 };
        assert_eq!(rules[0], FaultRule::next(2, limited));
        assert_eq!(rules[1].probability, 0.1);
    }
}
