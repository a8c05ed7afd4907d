//! What an answer of Riot tells about the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;

use crate::error::LimitScope;

/// Longest window and longest wait that are believed; anything longer is taken for an error of
/// the sender, since a wait of years would look like a hang.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The rate-limit headers of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub(super) app: Told,
    pub(super) method: Told,
    pub(super) refusal: Option<Refusal>,
}

/// The pair of headers (limits, counts) of one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) limits: Rates,
    pub(super) counts: Rates,
}

/// One header of the form `20:1,100:120`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Rates {
    /// The header is not there.
    #[default]
    Absent,
    /// The header is there and not of the form.
    Garbled,
    /// Requests by the window's length in seconds. Riot does not keep an order (`100:120,20:1`
    /// was seen), so limits and counts are matched by length, never by place.
    Windows(BTreeMap<u32, u32>),
}

/// A 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Absent when a service behind Riot's edge refused.
    pub(super) scope: Option<LimitScope>,
    /// Where Riot said so.
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// Reads the headers of an answer. `header` looks one up by its lower-case name.
    pub fn read<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let told = |limits: &str, counts: &str| Told {
            limits: Rates::parse(header(limits), 1),
            counts: Rates::parse(header(counts), 0),
        };
        Self {
            app: told("x-app-rate-limit", "x-app-rate-limit-count"),
            method: told("x-method-rate-limit", "x-method-rate-limit-count"),
            refusal: (status == 429).then(|| Refusal {
                scope: header("x-rate-limit-type").and_then(parse_scope),
                retry_after: header("retry-after")
                    .and_then(|text| parse_retry_after(text, header("date"))),
            }),
        }
    }

    /// The scope and the wait of a 429, as far as Riot told them.
    pub(crate) fn refusal(&self) -> Option<(Option<LimitScope>, Option<Duration>)> {
        self.refusal.map(|refusal| (refusal.scope, refusal.retry_after))
    }

    /// How many of the four headers were there and could not be read.
    pub(super) fn garbled(&self) -> u64 {
        [&self.app.limits, &self.app.counts, &self.method.limits, &self.method.counts]
            .into_iter()
            .map(|rates| u64::from(*rates == Rates::Garbled))
            .sum()
    }
}

impl Rates {
    fn parse(header: Option<&str>, least: u32) -> Self {
        let Some(header) = header else { return Self::Absent };
        let mut windows = BTreeMap::new();
        for pair in header.split(',') {
            let Some((requests, seconds)) = parse_pair(pair) else { return Self::Garbled };
            if requests < least || seconds == 0 || Duration::from_secs(seconds.into()) > LONGEST {
                return Self::Garbled;
            }
            // Twice the same window makes no sense; the stricter one cannot do harm.
            windows
                .entry(seconds)
                .and_modify(|known: &mut u32| *known = requests.min(*known))
                .or_insert(requests);
        }
        Self::Windows(windows)
    }

    pub(super) fn windows(&self) -> Option<&BTreeMap<u32, u32>> {
        match self {
            Self::Windows(windows) => Some(windows),
            Self::Absent | Self::Garbled => None,
        }
    }
}

fn parse_pair(pair: &str) -> Option<(u32, u32)> {
    let (requests, seconds) = pair.split_once(':')?;
    Some((requests.trim().parse().ok()?, seconds.trim().parse().ok()?))
}

fn parse_scope(text: &str) -> Option<LimitScope> {
    match text.trim().to_ascii_lowercase().as_str() {
        "application" => Some(LimitScope::Application),
        "method" => Some(LimitScope::Method),
        "service" => Some(LimitScope::Service),
        _ => None,
    }
}

/// Riot sends whole seconds; what stands between may send parts of them, or a time. The time is taken
/// by the sender's clock, which need not agree with ours. Zero is no wait anyone can keep, so it counts
/// as not said.
fn parse_retry_after(text: &str, date: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = text.parse().ok()?;
        Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
    } else {
        let until = DateTime::parse_from_rfc2822(text).ok()?;
        let now = DateTime::parse_from_rfc2822(date?.trim()).ok()?;
        (until - now).to_std().ok()?.min(LONGEST)
    };
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(pairs: &[(u32, u32)]) -> Rates {
        Rates::Windows(pairs.iter().map(|(requests, seconds)| (*seconds, *requests)).collect())
    }

    #[test]
    fn limits_are_read_in_any_order_and_spacing() {
        let expected = windows(&[(20, 1), (100, 120)]);
        for text in ["20:1,100:120", "100:120,20:1", " 20:1 , 100:120 ", "20 : 1,100: 120"] {
            assert_eq!(Rates::parse(Some(text), 1), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_garbled_and_no_header_is_absent() {
        assert_eq!(Rates::parse(None, 1), Rates::Absent);
        for text in [
            "",
            "20",
            "20:",
            ":1",
            "a:b",
            "20:1,",
            "-1:1",
            "0:1",
            "20:0",
            "20:1:2",
            "20:99999999",
            "1e3:1",
        ] {
            assert_eq!(Rates::parse(Some(text), 1), Rates::Garbled, "{text}");
        }
        assert_eq!(Rates::parse(Some("0:120"), 0), windows(&[(0, 120)]), "a count may be zero");
    }

    #[test]
    fn the_scope_and_the_wait_are_read_on_a_429_only() {
        let header = |name: &str| match name {
            "x-rate-limit-type" => Some("Service"),
            "retry-after" => Some("7"),
            _ => None,
        };
        assert_eq!(
            Answer::read(429, header).refusal,
            Some(Refusal {
                scope: Some(LimitScope::Service),
                retry_after: Some(Duration::from_secs(7))
            })
        );
        assert_eq!(Answer::read(200, header).refusal, None);
        assert_eq!(
            Answer::read(429, |_| None).refusal,
            Some(Refusal { scope: None, retry_after: None })
        );
    }

    #[test]
    fn a_wait_of_nothing_or_nonsense_counts_as_not_said_and_an_absurd_one_is_cut() {
        for text in ["0", "0.0", "", ".", "1.2.3", "soon", "-3", "1e3", "inf", "NaN"] {
            assert_eq!(parse_retry_after(text, None), None, "{text}");
        }
        assert_eq!(parse_retry_after("18446744073709551616", None), Some(LONGEST));
    }

    #[test]
    fn a_wait_may_be_told_in_parts_of_seconds_or_as_a_time_of_the_senders_clock() {
        assert_eq!(parse_retry_after(" 1.5 ", None), Some(Duration::from_millis(1500)));
        let until = |date| parse_retry_after("Tue, 15 Nov 1994 08:12:31 GMT", date);
        let date = |text| until(Some(text));
        assert_eq!(date("Tue, 15 Nov 1994 08:12:11 GMT"), Some(Duration::from_secs(20)));
        assert_eq!(date("Tue, 15 Nov 1994 08:12:31 GMT"), None, "it is over");
        assert_eq!(date("Tue, 15 Nov 1994 09:00:00 GMT"), None, "long over");
        assert_eq!(date("Tue, 15 Nov 1904 08:12:31 GMT"), Some(LONGEST));
        assert_eq!(until(None), None, "by whose clock?");
    }

    proptest! {
        #[test]
        fn no_header_text_panics(text in ".{0,40}") {
            let answer = Answer::read(429, |_| Some(text.as_str()));
            prop_assert!(answer.garbled() <= 4);
        }
    }
}
