//! A model of how Riot counts: any of the three ways in which its windows can begin, and headers.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::limiter::Answer;

/// How a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Windowing {
    /// With the first request after the last window's end: what Riot is known to do.
    FromFirst,
    /// On the wall clock's multiples of its length.
    WallAligned,
    /// At every moment.
    Sliding,
}

/// One limit as Riot counts it.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) limit: u32,
    period: Duration,
    windowing: Windowing,
    /// Of the sliding window, or of the current one.
    arrivals: VecDeque<Instant>,
    window_start: Option<Instant>,
}

impl Rule {
    pub(super) fn new(limit: u32, seconds: u64, windowing: Windowing) -> Self {
        Self {
            limit,
            period: Duration::from_secs(seconds),
            windowing,
            arrivals: VecDeque::new(),
            window_start: None,
        }
    }

    /// Counts a request; how many there are in the window now.
    fn count(&mut self, now: Instant, epoch: Instant) -> u32 {
        match self.windowing {
            Windowing::FromFirst => {
                if self.window_start.is_none_or(|start| now >= start + self.period) {
                    self.window_start = Some(now);
                    self.arrivals.clear();
                }
            }
            Windowing::WallAligned => {
                let into = (now - epoch).as_nanos() % self.period.as_nanos();
                let start = now - Duration::from_nanos(u64::try_from(into).expect("small"));
                if self.window_start != Some(start) {
                    self.window_start = Some(start);
                    self.arrivals.clear();
                }
            }
            Windowing::Sliding => {
                while self.arrivals.front().is_some_and(|at| *at + self.period <= now) {
                    self.arrivals.pop_front();
                }
            }
        }
        self.arrivals.push_back(now);
        self.arrived()
    }

    fn arrived(&self) -> u32 {
        u32::try_from(self.arrivals.len()).expect("few")
    }

    /// Whole seconds until the window has room again.
    fn retry_after(&self, now: Instant) -> u64 {
        let start = match self.windowing {
            Windowing::Sliding => self.arrivals.front().copied(),
            Windowing::FromFirst | Windowing::WallAligned => self.window_start,
        };
        let end = start.unwrap_or(now) + self.period;
        end.saturating_duration_since(now).as_secs_f64().ceil() as u64
    }
}

/// Riot's edge for one route and one method.
#[derive(Debug)]
pub(super) struct Riot {
    epoch: Instant,
    pub(super) app: Vec<Rule>,
    pub(super) method: Vec<Rule>,
    /// Requests beyond a limit.
    pub(super) violations: u32,
    pub(super) counted: u32,
}

impl Riot {
    /// `epoch`: where the wall clock's windows are counted from.
    pub(super) fn new(epoch: Instant, app: Vec<Rule>, method: Vec<Rule>) -> Self {
        Self { epoch, app, method, violations: 0, counted: 0 }
    }

    /// A request arrives; the answer's rate-limit headers.
    pub(super) fn arrive(&mut self, now: Instant) -> Answer {
        self.counted += 1;
        let (app_limit, app_count, app_over) = count(&mut self.app, now, self.epoch);
        let (method_limit, method_count, method_over) = count(&mut self.method, now, self.epoch);
        let scope = match (app_over, method_over) {
            (true, _) => Some("application"),
            (false, true) => Some("method"),
            (false, false) => None,
        };
        self.violations += u32::from(scope.is_some());
        let over = self.app.iter().chain(&self.method).filter(|rule| rule.arrived() > rule.limit);
        let retry_after = over.map(|rule| rule.retry_after(now)).max().unwrap_or(0).to_string();
        Answer::read(if scope.is_some() { 429 } else { 200 }, |name| match name {
            "x-app-rate-limit" => Some(app_limit.as_str()),
            "x-app-rate-limit-count" => Some(app_count.as_str()),
            "x-method-rate-limit" => Some(method_limit.as_str()),
            "x-method-rate-limit-count" => Some(method_count.as_str()),
            "x-rate-limit-type" => scope,
            "retry-after" => scope.map(|_| retry_after.as_str()),
            _ => None,
        })
    }
}

/// The two headers, the limits in reversed order, and whether one was exceeded.
fn count(rules: &mut [Rule], now: Instant, epoch: Instant) -> (String, String, bool) {
    let mut limits = Vec::new();
    let mut counts = Vec::new();
    let mut over = false;
    for rule in rules {
        let count = rule.count(now, epoch);
        over |= count > rule.limit;
        limits.insert(0, format!("{}:{}", rule.limit, rule.period.as_secs()));
        counts.push(format!("{count}:{}", rule.period.as_secs()));
    }
    (limits.join(","), counts.join(","), over)
}

/// An answer with these headers and nothing else.
pub(super) fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
    Answer::read(status, |name| {
        headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    })
}
