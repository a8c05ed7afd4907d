//! Counts calls against their limits, the way Riot's edge does, and says what to tell the caller.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::limits::{Limit, Limits};

/// When a window of a limit begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowModel {
    /// Begins with the first call after the last one ended. Riot's.
    #[default]
    FromFirstCall,
    /// Begins at whole multiples of its length on the clock.
    WallAligned,
    /// Any stretch of its length.
    Sliding,
}

/// When a key that does not heed its limits is refused altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// Refusals (429) within a minute.
    pub refusals: u32,
    /// For how long every call is answered 403 then, from the last refusal on.
    pub length: Duration,
}

/// Which sort of limit refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Application,
    Method,
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Method => "method",
        }
    }
}

/// The verdict on one call, with what the headers need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Why the call is refused and after how many seconds to come again; `None` if it may pass.
    pub(crate) refusal: Option<(Scope, u32)>,
    /// The call came in a scope that had been told to wait longer.
    pub(crate) while_blocked: bool,
    /// The key is banned for too many refusals.
    pub(crate) is_banned: bool,
    /// Limits and counts: application, then method.
    pub(crate) app: Vec<(Limit, u32)>,
    pub(crate) method: Vec<(Limit, u32)>,
}

/// How full the application windows of a key on a route were so far.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Utilisation {
    /// The routing value.
    pub route: String,
    /// The end of the key.
    pub key: String,
    /// The window, as in the header: `100:120`.
    pub window: String,
    /// Calls that were let through.
    pub accepted: u64,
    /// The most calls counted in one window, refused ones included.
    pub peak: u32,
    /// Accepted calls against what the limit allows from the first call to now: windows back to
    /// back, each full. Above 1 early in a window.
    pub utilisation: f64,
}

/// All windows of all keys.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limits: Limits,
    model: WindowModel,
    ban: Option<Ban>,
    /// Refusals of the last minute, and the end of the ban, by key.
    refusals: BTreeMap<String, (VecDeque<i64>, i64)>,
    // Ordered, so that what is listed is listed in the same order every time.
    apps: BTreeMap<(String, &'static str), Bucket>,
    methods: BTreeMap<(String, &'static str, &'static str), Bucket>,
}

impl RateLimiter {
    pub(crate) fn new(limits: Limits, model: WindowModel, ban: Option<Ban>) -> Self {
        Self {
            limits,
            model,
            ban,
            refusals: BTreeMap::new(),
            apps: BTreeMap::new(),
            methods: BTreeMap::new(),
        }
    }

    /// New limits for everybody; counting begins anew.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        *self = Self::new(limits, self.model, self.ban);
    }

    /// Whether a key is banned now, this refusal of it (if it is one) included.
    fn is_banned(&mut self, key: &str, is_refused: bool, now_us: i64) -> bool {
        const MINUTE_US: i64 = 60_000_000;
        let Some(ban) = self.ban else { return false };
        let (times, until_us) = match self.refusals.get_mut(key) {
            Some(known) => known,
            None => self.refusals.entry(key.to_owned()).or_default(),
        };
        if is_refused {
            times.push_back(now_us);
            while times.front().is_some_and(|&at_us| at_us + MINUTE_US <= now_us) {
                times.pop_front();
            }
            if times.len() >= ban.refusals as usize {
                let length_us = i64::try_from(ban.length.as_micros()).unwrap_or(i64::MAX / 4);
                *until_us = (*until_us).max(now_us + length_us);
            }
        }
        now_us < *until_us
    }

    /// Counts a call that arrived at `now_us` (microseconds) and judges it. Refused calls count too.
    pub(crate) fn judge(
        &mut self,
        key: &str,
        route: &'static str,
        method: &'static str,
        now_us: i64,
    ) -> Verdict {
        let (limits, model) = (&self.limits, self.model);
        let app = self
            .apps
            .entry((key.to_owned(), route))
            .or_insert_with(|| Bucket::new(&limits.app, model, now_us));
        let method = self
            .methods
            .entry((key.to_owned(), route, method))
            .or_insert_with(|| Bucket::new(&limits.of_method(method), model, now_us));
        let while_blocked = now_us < app.blocked_until_us || now_us < method.blocked_until_us;
        let app_wait = app.count(now_us);
        let method_wait = method.count(now_us);
        let refusal = match (app_wait, method_wait) {
            (Some(wait_us), _) => Some((Scope::Application, wait_us)),
            (None, Some(wait_us)) => Some((Scope::Method, wait_us)),
            (None, None) => None,
        };
        let refusal = refusal.map(|(scope, wait_us)| {
            let wait_s = wait_us.div_euclid(1_000_000) + i64::from(wait_us % 1_000_000 != 0);
            let wait_s = u32::try_from(wait_s.max(1)).unwrap_or(u32::MAX);
            let bucket = if scope == Scope::Application { &mut *app } else { &mut *method };
            bucket.blocked_until_us = bucket.blocked_until_us.max(now_us + wait_us);
            (scope, wait_s)
        });
        let (app_counts, method_counts) = (app.counts(), method.counts());
        let is_banned = self.is_banned(key, refusal.is_some(), now_us);
        if refusal.is_none()
            && !is_banned
            && let Some(app) = self.apps.get_mut(&(key.to_owned(), route))
        {
            app.accepted += 1;
        }
        Verdict { refusal, while_blocked, is_banned, app: app_counts, method: method_counts }
    }

    pub(crate) fn utilisation(&self, now_us: i64) -> Vec<Utilisation> {
        let mut rows = Vec::new();
        for ((key, route), bucket) in &self.apps {
            for window in &bucket.windows {
                let elapsed_s = (now_us - bucket.first_us) as f64 / 1e6;
                let windows = (elapsed_s / f64::from(window.limit.per_s)).max(1.0);
                rows.push(Utilisation {
                    route: (*route).to_owned(),
                    key: key_end(key),
                    window: window.limit.to_string(),
                    accepted: bucket.accepted,
                    peak: window.peak,
                    utilisation: bucket.accepted as f64 / (windows * f64::from(window.limit.calls)),
                });
            }
        }
        rows
    }
}

/// Enough of a key to tell two apart.
fn key_end(key: &str) -> String {
    let end: Vec<char> = key.chars().rev().take(4).collect();
    end.into_iter().rev().collect()
}

#[derive(Debug)]
struct Bucket {
    windows: Vec<Window>,
    first_us: i64,
    accepted: u64,
    blocked_until_us: i64,
}

impl Bucket {
    fn new(limits: &[Limit], model: WindowModel, now_us: i64) -> Self {
        let windows = limits.iter().map(|&limit| Window::new(limit, model)).collect();
        Self { windows, first_us: now_us, accepted: 0, blocked_until_us: i64::MIN }
    }

    /// Counts a call in every window; the longest wait in microseconds where one is over its limit.
    fn count(&mut self, now_us: i64) -> Option<i64> {
        self.windows.iter_mut().filter_map(|window| window.count(now_us)).max()
    }

    fn counts(&self) -> Vec<(Limit, u32)> {
        self.windows.iter().map(|window| (window.limit, window.used)).collect()
    }
}

#[derive(Debug)]
struct Window {
    limit: Limit,
    model: WindowModel,
    start_us: i64,
    used: u32,
    peak: u32,
    /// Times of the calls; kept for the sliding model only.
    log: VecDeque<i64>,
}

impl Window {
    fn new(limit: Limit, model: WindowModel) -> Self {
        Self { limit, model, start_us: i64::MIN, used: 0, peak: 0, log: VecDeque::new() }
    }

    fn count(&mut self, now_us: i64) -> Option<i64> {
        let length_us = i64::from(self.limit.per_s) * 1_000_000;
        match self.model {
            WindowModel::FromFirstCall => {
                if self.start_us == i64::MIN || now_us >= self.start_us + length_us {
                    (self.start_us, self.used) = (now_us, 0);
                }
                self.used += 1;
            }
            WindowModel::WallAligned => {
                let start_us = now_us.div_euclid(length_us) * length_us;
                if start_us != self.start_us {
                    (self.start_us, self.used) = (start_us, 0);
                }
                self.used += 1;
            }
            WindowModel::Sliding => {
                while self.log.front().is_some_and(|&at_us| at_us + length_us <= now_us) {
                    self.log.pop_front();
                }
                self.log.push_back(now_us);
                self.used = u32::try_from(self.log.len()).unwrap_or(u32::MAX);
            }
        }
        self.peak = self.peak.max(self.used);
        if self.used <= self.limit.calls {
            return None;
        }
        let frees_at_us = match self.model {
            WindowModel::FromFirstCall | WindowModel::WallAligned => self.start_us + length_us,
            // One more call fits when all but `calls - 1` of the counted ones have left.
            WindowModel::Sliding => {
                self.log[self.log.len() - self.limit.calls as usize] + length_us
            }
        };
        Some(frees_at_us - now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn limiter(limits: &str, model: WindowModel) -> RateLimiter {
        RateLimiter::new(limits.parse().expect("limits"), model, None)
    }

    fn call(limiter: &mut RateLimiter, now_us: i64) -> Option<(Scope, u32)> {
        limiter.judge("key", "europe", "match-v5.getMatch", now_us).refusal
    }

    #[test]
    fn a_key_that_goes_on_after_refusals_is_banned_for_a_time() {
        let ban = Ban { refusals: 3, length: Duration::from_secs(300) };
        let limits = "1:10".parse().expect("limits");
        let mut limiter = RateLimiter::new(limits, WindowModel::FromFirstCall, Some(ban));
        let mut banned =
            |key, s| limiter.judge(key, "europe", "match-v5.getMatch", s * S).is_banned;
        assert_eq!([0, 1, 2].map(|s| banned("key", s)), [false; 3]);
        assert!(banned("key", 3), "the third refusal");
        assert!(banned("key", 302), "also where the window has room");
        assert!(!banned("other", 3));
        assert!(!banned("key", 700));
    }

    #[test]
    fn a_window_from_the_first_call_ends_its_length_after_it() {
        let mut limiter = limiter("2:10", WindowModel::FromFirstCall);
        assert_eq!(call(&mut limiter, 7 * S), None);
        assert_eq!(call(&mut limiter, 16 * S), None);
        assert_eq!(call(&mut limiter, 16 * S + 1), Some((Scope::Application, 1)));
        assert_eq!(call(&mut limiter, 17 * S), None, "a new window");
        assert_eq!(call(&mut limiter, 26 * S), None);
        assert_eq!(call(&mut limiter, 26 * S), Some((Scope::Application, 1)));
        assert_eq!(call(&mut limiter, 27 * S), None);
    }

    #[test]
    fn a_wall_aligned_window_ends_on_the_clock() {
        let mut limiter = limiter("2:10", WindowModel::WallAligned);
        assert_eq!(call(&mut limiter, 8 * S), None);
        assert_eq!(call(&mut limiter, 9 * S), None);
        assert_eq!(call(&mut limiter, 9 * S + 1), Some((Scope::Application, 1)));
        assert_eq!(call(&mut limiter, 10 * S), None);
    }

    #[test]
    fn a_sliding_window_looks_back_from_every_call_and_counts_refused_ones() {
        let mut limiter = limiter("2:10", WindowModel::Sliding);
        assert_eq!(call(&mut limiter, 0), None);
        assert_eq!(call(&mut limiter, 9 * S), None);
        assert_eq!(call(&mut limiter, 9 * S), Some((Scope::Application, 10)));
        assert_eq!(call(&mut limiter, 12 * S), Some((Scope::Application, 7)));
        assert_eq!(call(&mut limiter, 19 * S), None);
    }

    #[test]
    fn the_wait_is_rounded_up_and_the_refused_call_is_counted() {
        let mut limiter = limiter("1:10,5:100", WindowModel::FromFirstCall);
        assert_eq!(call(&mut limiter, 0), None);
        let verdict = limiter.judge("key", "europe", "match-v5.getMatch", 2 * S + 1);
        assert_eq!(verdict.refusal, Some((Scope::Application, 8)));
        let counts: Vec<u32> = verdict.app.iter().map(|&(_, used)| used).collect();
        assert_eq!(counts, [2, 2]);
        assert!(!verdict.while_blocked, "nobody had told it to wait before");
        assert!(limiter.judge("key", "europe", "match-v5.getMatch", 3 * S).while_blocked);
    }

    #[test]
    fn keys_and_routes_have_windows_of_their_own_and_methods_within_them() {
        let mut limiter = limiter("3:10;method=1:10", WindowModel::FromFirstCall);
        assert_eq!(call(&mut limiter, 0), None);
        assert_eq!(call(&mut limiter, 0), Some((Scope::Method, 10)));
        assert_eq!(limiter.judge("key", "europe", "account-v1.getByPuuid", 0).refusal, None);
        assert_eq!(
            limiter.judge("key", "europe", "account-v1.getByRiotId", 0).refusal,
            Some((Scope::Application, 10))
        );
        assert_eq!(limiter.judge("key", "asia", "match-v5.getMatch", 0).refusal, None);
        assert_eq!(limiter.judge("other", "europe", "match-v5.getMatch", 0).refusal, None);
    }

    #[test]
    fn utilisation_counts_what_passed_against_full_windows() {
        let mut limiter = limiter("10:1,100:100", WindowModel::FromFirstCall);
        for _ in 0..11 {
            call(&mut limiter, 0);
        }
        let rows = limiter.utilisation(2 * S);
        assert_eq!(rows[0].accepted, 10);
        assert_eq!(rows[0].peak, 11);
        assert_eq!((rows[0].utilisation, rows[1].utilisation), (0.5, 0.1));
    }
}
