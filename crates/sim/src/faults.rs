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
}

fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// The fault befalls every call.
    pub fn always(fault: Fault) -> Self {
        Self { fault, endpoint: None, path: None, skip: 0, count: None, probability: 1.0 }
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
}

/// Rules at work.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<(FaultRule, Dice)>,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        let mut faults = Self { seed, rules: Vec::new() };
        faults.replace(rules);
        faults
    }

    pub(crate) fn replace(&mut self, rules: Vec<FaultRule>) {
        let seed = self.seed;
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
    pub(crate) fn befall(&mut self, endpoint: &str, path: &str) -> Option<Fault> {
        for (rule, dice) in &mut self.rules {
            let is_meant = rule.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint)
                && rule.path.as_deref().is_none_or(|part| path.contains(part));
            if !is_meant || rule.count == Some(0) {
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
        let mut faults = Faults::new(1, vec![rule]);
        let mut befall = |endpoint| faults.befall(endpoint, "/x").is_some();
        assert!(!befall("account-v1.getByPuuid"));
        let seen: Vec<bool> = (0..4).map(|_| befall("match-v5.getMatch")).collect();
        assert_eq!(seen, [false, true, true, false]);
    }

    #[test]
    fn a_probability_is_kept_and_repeats_with_the_seed() {
        let rule = FaultRule { probability: 0.2, ..FaultRule::always(Fault::Hang) };
        let run = || -> Vec<bool> {
            let mut faults = Faults::new(9, vec![rule.clone()]);
            (0..1_000).map(|_| faults.befall("x", "/").is_some()).collect()
        };
        let seen = run();
        assert_eq!(seen, run());
        let n = seen.iter().filter(|failed| **failed).count();
        assert!((150..250).contains(&n), "{n}");
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
