//! How many requests somebody may make.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// So many requests a second over time, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Over time. At least 1.
    pub per_second: u32,
    /// At once, after a pause. At least 1.
    pub burst: u32,
}

/// The most keys that are remembered. Beyond it, newcomers share one budget.
const CAPACITY: usize = 50_000;

/// Budgets by key: the generic cell rate algorithm, which needs one time for each key.
#[derive(Debug)]
pub(super) struct Limiter<K> {
    /// What one request costs.
    cost: Duration,
    /// How far ahead of the present a budget may be used up.
    ahead: Duration,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    /// Until when the budget of a key is used up. A time in the past is a full budget, and as good
    /// as no entry.
    used_until: HashMap<K, Instant>,
    /// The budget of those for whom there is no room.
    crowd: Option<Instant>,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    pub(super) fn new(limit: Limit) -> Self {
        let cost = Duration::from_secs(1) / limit.per_second.max(1);
        Self {
            cost,
            ahead: cost * limit.burst.max(1),
            state: Mutex::new(State { used_until: HashMap::new(), crowd: None }),
        }
    }

    /// Takes one request out of the budget of `key`.
    ///
    /// # Errors
    ///
    /// How long to wait, when it is used up.
    pub(super) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().expect("nobody panics while holding this lock");
        if state.used_until.len() >= CAPACITY && !state.used_until.contains_key(key) {
            state.used_until.retain(|_, until| *until > now);
        }
        let until = state.used_until.get(key).copied();
        if until.is_none() && state.used_until.len() >= CAPACITY {
            let until = self.spend(state.crowd, now)?;
            state.crowd = Some(until);
            return Ok(());
        }
        let until = self.spend(until, now)?;
        state.used_until.insert(key.clone(), until);
        Ok(())
    }

    /// As [`Limiter::take`], without taking.
    pub(super) fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let state = self.state.lock().expect("nobody panics while holding this lock");
        self.spend(state.used_until.get(key).copied(), now).map(drop)
    }

    /// The time until which a budget is used up after one more request.
    fn spend(&self, until: Option<Instant>, now: Instant) -> Result<Instant, Duration> {
        let until = until.unwrap_or(now).max(now) + self.cost;
        let ahead = until - now;
        if ahead > self.ahead { Err(ahead - self.ahead) } else { Ok(until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limiter = Limiter::new(Limit { per_second: 10, burst: 3 });
        let begin = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.take(&"a", begin), Ok(()));
        }
        assert_eq!(limiter.take(&"a", begin), Err(Duration::from_millis(100)));
        assert_eq!(limiter.take(&"b", begin), Ok(()));
        let later = begin + Duration::from_millis(100);
        assert_eq!(limiter.check(&"a", later), Ok(()));
        assert_eq!(limiter.take(&"a", later), Ok(()));
        assert_eq!(limiter.take(&"a", later), Err(Duration::from_millis(100)));
        let rested = begin + Duration::from_secs(10);
        let passed = (0..10).filter(|_| limiter.take(&"a", rested).is_ok()).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn memory_is_bounded_and_newcomers_share_what_is_left() {
        let limiter = Limiter::new(Limit { per_second: 1, burst: 5 });
        let now = Instant::now();
        for key in 0..CAPACITY {
            assert_eq!(limiter.take(&key, now), Ok(()));
        }
        let passed = (0..100).filter(|n| limiter.take(&(CAPACITY + n), now).is_ok()).count();
        assert_eq!(passed, 5);
        assert_eq!(limiter.state.lock().unwrap().used_until.len(), CAPACITY);
        // Whoever was there before is not harmed, and once they rest there is room again.
        assert_eq!(limiter.take(&0, now), Ok(()));
        let later = now + Duration::from_secs(60);
        assert_eq!(limiter.take(&(CAPACITY + 1), later), Ok(()));
        assert_eq!(limiter.state.lock().unwrap().used_until.len(), 1);
    }
}
