//! Rate limits as they are written on a command line and sent in headers.

use std::fmt;
use std::str::FromStr;

/// At most so many calls in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Calls.
    pub calls: u32,
    /// Seconds.
    pub per_s: u32,
}

/// What a key may do on one routing value.
///
/// Reads `dev`, `personal`, `production`, `none`, or windows as `calls:seconds` with commas between
/// them, and optionally the windows of every single method: `20:1,100:120;method=2000:10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Windows over all calls of a key on a route.
    pub app: Vec<Limit>,
    /// Windows over the calls of one method of a key on a route.
    pub method: MethodLimits,
}

/// The windows of single methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodLimits {
    /// Riot's usual ones: match 2,000 in 10 s, match ids 600 in 10 s, summoner 1,600 in 60 s, the
    /// others 20,000 in 10 s and 1,200,000 in 600 s.
    Usual,
    /// The same windows for every method.
    Same(Vec<Limit>),
}

const fn limit(calls: u32, per_s: u32) -> Limit {
    Limit { calls, per_s }
}

impl Limits {
    /// A development or personal key: 20 a second and 100 in two minutes.
    pub fn dev() -> Self {
        Self { app: vec![limit(20, 1), limit(100, 120)], method: MethodLimits::Usual }
    }

    /// A production key: 500 in 10 s and 30,000 in 10 minutes.
    pub fn production() -> Self {
        Self { app: vec![limit(500, 10), limit(30_000, 600)], method: MethodLimits::Usual }
    }

    /// As good as none: 100,000 a second. The headers are still sent, because a careful client
    /// sends one call at a time until it has seen them.
    pub fn none() -> Self {
        let wide = limit(100_000, 1);
        Self { app: vec![wide], method: MethodLimits::Same(vec![wide]) }
    }

    /// The windows of a method, given by Riot's name of it.
    pub(crate) fn of_method(&self, method: &str) -> Vec<Limit> {
        match (&self.method, method) {
            (MethodLimits::Same(limits), _) => limits.clone(),
            (MethodLimits::Usual, "match-v5.getMatch") => vec![limit(2_000, 10)],
            (MethodLimits::Usual, "match-v5.getMatchIdsByPUUID") => vec![limit(600, 10)],
            (MethodLimits::Usual, "summoner-v4.getByPUUID") => vec![limit(1_600, 60)],
            (MethodLimits::Usual, _) => vec![limit(20_000, 10), limit(1_200_000, 600)],
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::production()
    }
}

/// The text is no set of limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// A window is not of the form `calls:seconds`.
    #[error(
        "{0:?} is not a limit: expected dev, personal, production, none, or windows of calls:seconds as in 20:1,100:120"
    )]
    Window(String),
    /// A number is zero or too large.
    #[error("the limit {0:?} must have at least 1 call and 1 second, and at most {max} of each", max = u32::MAX)]
    Range(String),
    /// Two windows have the same length.
    #[error("two windows of {0} seconds: give each length once")]
    Twice(u32),
    /// What follows `;` is not `method=…`.
    #[error("{0:?} after `;`: expected method= and windows, as in ;method=2000:10")]
    Suffix(String),
}

impl FromStr for Limits {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let (app, suffix) = match text.split_once(';') {
            Some((app, suffix)) => (app.trim(), Some(suffix.trim())),
            None => (text.trim(), None),
        };
        let mut limits = match app.to_ascii_lowercase().as_str() {
            "dev" | "development" | "personal" => Self::dev(),
            "production" => Self::production(),
            "none" => Self::none(),
            _ => Self { app: windows(app)?, method: MethodLimits::Usual },
        };
        if let Some(suffix) = suffix {
            let Some(method) = suffix.strip_prefix("method=") else {
                return Err(InvalidLimits::Suffix(suffix.to_owned()));
            };
            limits.method = MethodLimits::Same(windows(method)?);
        }
        Ok(limits)
    }
}

fn windows(text: &str) -> Result<Vec<Limit>, InvalidLimits> {
    let mut limits: Vec<Limit> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let digits = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        let Some((calls, per_s)) = part.split_once(':').filter(|(c, s)| digits(c) && digits(s))
        else {
            return Err(InvalidLimits::Window(part.to_owned()));
        };
        let (Ok(calls @ 1..), Ok(per_s @ 1..)) = (calls.parse(), per_s.parse()) else {
            return Err(InvalidLimits::Range(part.to_owned()));
        };
        if limits.iter().any(|limit| limit.per_s == per_s) {
            return Err(InvalidLimits::Twice(per_s));
        }
        limits.push(Limit { calls, per_s });
    }
    Ok(limits)
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.calls, self.per_s)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join(&self.app))?;
        match &self.method {
            MethodLimits::Usual => Ok(()),
            MethodLimits::Same(limits) => write!(f, ";method={}", join(limits)),
        }
    }
}

fn join(limits: &[Limit]) -> String {
    limits.iter().map(Limit::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_and_windows_read_and_print() {
        assert_eq!("dev".parse(), Ok(Limits::dev()));
        assert_eq!("Personal".parse(), Ok(Limits::dev()));
        assert_eq!("production".parse(), Ok(Limits::production()));
        assert_eq!("20:1, 100:120".parse(), Ok(Limits::dev()));
        assert_eq!(Limits::production().to_string(), "500:10,30000:600");
        let tight: Limits = "20:1,100:120;method=5:10".parse().expect("limits");
        assert_eq!(tight.to_string(), "20:1,100:120;method=5:10");
        assert_eq!(tight.of_method("match-v5.getMatch"), vec![Limit { calls: 5, per_s: 10 }]);
    }

    #[test]
    fn a_wrong_limit_names_the_fault() {
        let error = |text: &str| text.parse::<Limits>().expect_err(text);
        assert_eq!(error("fast"), InvalidLimits::Window("fast".to_owned()));
        assert_eq!(error("20:1,"), InvalidLimits::Window(String::new()));
        assert_eq!(error("20:-1"), InvalidLimits::Window("20:-1".to_owned()));
        assert_eq!(error("0:1"), InvalidLimits::Range("0:1".to_owned()));
        assert_eq!(error("1:99999999999"), InvalidLimits::Range("1:99999999999".to_owned()));
        assert_eq!(error("20:1,30:1"), InvalidLimits::Twice(1));
        assert_eq!(error("dev;foo=1:1"), InvalidLimits::Suffix("foo=1:1".to_owned()));
    }
}
