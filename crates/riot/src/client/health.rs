//! Which methods are in trouble at the moment, so that requests to them are not wasted: on a service
//! that is down, or on questions that Riot refuses, for which it locks out keys.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use riftwatch_domain::routing::Route;
use tokio::time::Instant;
use tracing::{info, warn};

/// How often a call is tried while all is well.
const TRIES: u32 = 4;
/// So many failures in a row, over all calls, and the method is left alone for a while: Riot has had
/// one route's matches fail for days.
const FAILING: u32 = 12;
/// So many refused questions in a row (400, 405, 415 and the like) do the same.
const REFUSING: u32 = 20;
/// The first rest; doubled after each try that fails …
const FIRST_REST: Duration = Duration::from_secs(5);
/// … up to this.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// Trouble by route and method. What is not in it is well.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HashMap<(Route, &'static str), Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    failures: u32,
    refusals: u32,
    /// The last status; `None`: there was no answer.
    status: Option<u16>,
    rests: u32,
    resting_until: Option<Instant>,
    /// A request tries whether the method answers again; the others rest meanwhile.
    is_tried: bool,
}

/// A method is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has failed again and again, and is left alone for {left:?}")]
pub(super) struct Resting {
    /// What it answered last, if anything.
    pub(super) status: Option<u16>,
    pub(super) left: Duration,
}

/// Leave to make requests of a method until there is an answer. Of a method that rests it is the one
/// that tries; dropped before anything came of it, it leaves that to the next.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    health: &'a Health,
    tries: Option<(Route, &'static str)>,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let Some(method) = self.tries else { return };
        if let Some(trouble) = self.health.lock().get_mut(&method).filter(|t| t.is_tried) {
            trouble.is_tried = false;
            trouble.rests -= 1;
            trouble.resting_until = Some(Instant::now());
        }
    }
}

impl Health {
    /// Whether requests may be made. After a rest one may, and the others when it went well.
    pub(super) fn admit(
        &self,
        route: Route,
        endpoint: &'static str,
    ) -> Result<Admission<'_>, Resting> {
        let mut tries = None;
        let mut troubles = self.lock();
        if let Some(trouble) = troubles.get_mut(&(route, endpoint))
            && let Some(until) = trouble.resting_until
        {
            let now = Instant::now();
            if now < until {
                return Err(Resting { status: trouble.status, left: until - now });
            }
            // The others wait for what becomes of this one.
            trouble.rest(now);
            trouble.is_tried = true;
            tries = Some((route, endpoint));
        }
        Ok(Admission { health: self, tries })
    }

    /// How often a call may be tried in all.
    pub(super) fn tries(&self, route: Route, endpoint: &'static str) -> u32 {
        let troubles = self.lock();
        let is_failing =
            troubles.get(&(route, endpoint)).is_some_and(|trouble| trouble.failures >= FAILING);
        if is_failing { 1 } else { TRIES }
    }

    /// The service failed, or did not answer.
    pub(super) fn failed(&self, route: Route, endpoint: &'static str, status: Option<u16>) {
        self.worse(route, endpoint, status, |trouble| &mut trouble.failures, FAILING);
    }

    /// Riot refused the question.
    pub(super) fn refused(&self, route: Route, endpoint: &'static str, status: u16) {
        self.worse(route, endpoint, Some(status), |trouble| &mut trouble.refusals, REFUSING);
    }

    fn worse(
        &self,
        route: Route,
        endpoint: &'static str,
        status: Option<u16>,
        count: impl Fn(&mut Trouble) -> &mut u32,
        too_many: u32,
    ) {
        let mut troubles = self.lock();
        let trouble = troubles.entry((route, endpoint)).or_default();
        trouble.status = status;
        trouble.is_tried = false;
        let count = count(trouble);
        *count = count.saturating_add(1);
        if *count >= too_many && trouble.resting_until.is_none() {
            trouble.rest(Instant::now());
            warn!(%route, endpoint, ?status, "{endpoint} keeps failing on {route}: it is left alone for a while");
        }
    }

    /// Riot answered the question.
    pub(super) fn answered(&self, route: Route, endpoint: &'static str) {
        let trouble = self.lock().remove(&(route, endpoint));
        if trouble.is_some_and(|trouble| trouble.resting_until.is_some()) {
            info!(%route, endpoint, "{endpoint} answers again on {route}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Route, &'static str), Trouble>> {
        self.0.lock().expect("no one panics while holding this lock")
    }
}

impl Trouble {
    fn rest(&mut self, now: Instant) {
        let rest = LONGEST_REST.min(FIRST_REST * 2_u32.pow(self.rests.min(10)));
        self.rests += 1;
        self.resting_until = Some(now + rest);
    }
}

#[cfg(test)]
mod tests {
    use riftwatch_domain::routing::Region;
    use tokio::time::advance;

    use super::*;

    const ROUTE: Route = Route::Region(Region::Europe);

    fn admitted(health: &Health, endpoint: &'static str) -> Result<(), Resting> {
        health.admit(ROUTE, endpoint).map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_is_given_up_leaves_it_to_the_next() {
        let health = Health::default();
        for _ in 0..FAILING {
            health.failed(ROUTE, "m", None);
        }
        advance(Duration::from_secs(5)).await;
        for _ in 0..3 {
            let tries = health.admit(ROUTE, "m").expect("the rest is over");
            let left = health.admit(ROUTE, "m").map(drop).expect_err("one tries").left;
            assert_eq!(left, Duration::from_secs(10));
            drop(tries);
        }
        let tries = health.admit(ROUTE, "m").expect("nobody tries any more");
        health.failed(ROUTE, "m", None);
        drop(tries);
        let left = health.admit(ROUTE, "m").map(drop).expect_err("something came of it").left;
        assert_eq!(left, Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_method_is_left_alone_longer_each_time_until_it_answers() {
        let health = Health::default();
        for _ in 0..FAILING {
            assert_eq!((health.tries(ROUTE, "m"), admitted(&health, "m")), (TRIES, Ok(())));
            health.failed(ROUTE, "m", Some(500));
        }
        for rest in [5, 10, 20, 40, 80, 160, 300, 300] {
            let rest = Duration::from_secs(rest);
            let resting = Resting { status: Some(500), left: rest };
            assert_eq!(admitted(&health, "m"), Err(resting));
            assert_eq!(admitted(&health, "other"), Ok(()));
            advance(rest).await;
            assert_eq!(health.tries(ROUTE, "m"), 1);
            let tries = health.admit(ROUTE, "m").expect("the rest is over");
            assert!(admitted(&health, "m").is_err(), "one tries, the others wait for it");
            health.failed(ROUTE, "m", Some(500));
            drop(tries);
        }
        health.answered(ROUTE, "m");
        assert_eq!((health.tries(ROUTE, "m"), admitted(&health, "m")), (TRIES, Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn questions_that_are_refused_again_and_again_are_not_asked_for_a_while() {
        let health = Health::default();
        for _ in 1..REFUSING {
            health.refused(ROUTE, "m", 400);
        }
        health.answered(ROUTE, "m");
        for _ in 1..REFUSING {
            health.refused(ROUTE, "m", 400);
            assert_eq!(admitted(&health, "m"), Ok(()));
        }
        health.refused(ROUTE, "m", 400);
        assert_eq!(admitted(&health, "m").map_err(|resting| resting.status), Err(Some(400)));
    }
}
