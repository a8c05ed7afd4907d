//! Which methods are failing at the moment, so that calls to them are not repeated in vain.

use std::collections::HashMap;
use std::sync::Mutex;

use riftwatch_domain::routing::Route;

/// How often a call is tried while all is well.
const TRIES: u32 = 4;
/// So many failures in a row, over all calls, and each call is tried once only: Riot has had one
/// route's matches fail for days, and three repetitions of each would have cost three quarters of
/// the budget.
const FAILING: u32 = 12;

/// Failures in a row by route and method.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HashMap<(Route, &'static str), u32>>);

impl Health {
    /// How often a call may be tried in all.
    pub(super) fn tries(&self, route: Route, endpoint: &'static str) -> u32 {
        let failures = self.lock().get(&(route, endpoint)).copied().unwrap_or(0);
        if failures >= FAILING { 1 } else { TRIES }
    }

    pub(super) fn failed(&self, route: Route, endpoint: &'static str) {
        let mut failures = self.lock();
        let count = failures.entry((route, endpoint)).or_insert(0);
        *count = count.saturating_add(1);
    }

    pub(super) fn answered(&self, route: Route, endpoint: &'static str) {
        self.lock().remove(&(route, endpoint));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Route, &'static str), u32>> {
        self.0.lock().expect("no one panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use riftwatch_domain::routing::Region;

    use super::*;

    #[test]
    fn a_failing_method_is_tried_once_a_call_until_it_answers_again() {
        let health = Health::default();
        let route = Route::Region(Region::Europe);
        for _ in 0..FAILING {
            assert_eq!(health.tries(route, "m"), TRIES);
            health.failed(route, "m");
        }
        assert_eq!(health.tries(route, "m"), 1);
        assert_eq!(health.tries(route, "other"), TRIES);
        health.answered(route, "m");
        assert_eq!(health.tries(route, "m"), TRIES);
    }
}
