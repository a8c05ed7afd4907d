//! The rate limiter: who may send a request, and when. It knows nothing of HTTP.
//!
//! The module `state` decides and is pure; this file gives it the time, wakes those whose turn has come,
//! and gives tokens back when a caller goes away.

mod answer;
mod budget;
mod shares;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use riftwatch_domain::routing::Route;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

pub use self::answer::Answer;
pub use self::snapshot::{
    LimiterSnapshot, MethodSnapshot, Refusals, RouteSnapshot, Waiting, WindowSnapshot,
};
use self::state::{Granted, RouteState, Ticket};
use crate::api::CallClass;

/// Told to a caller who has run out of patience when nothing better is known.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The limiter of a key. Each route has its own limits. Clones share the state.
#[derive(Debug, Clone)]
pub struct Limiter {
    usage_factor: f64,
    routes: Arc<Mutex<BTreeMap<Route, Arc<RouteLimiter>>>>,
}

impl Limiter {
    /// `usage_factor`: the share of the key's limits to use, above 0 and up to 1; less than 1 for
    /// those who use the key elsewhere too.
    pub fn new(usage_factor: f64) -> Self {
        Self { usage_factor, routes: Arc::default() }
    }

    /// Waits for a turn. The permit allows one request of the method on the route; until it is
    /// answered or dropped, it counts as being in flight. Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// When the turn is later than `deadline`, known now or found out then: how long to stay away.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn acquire(
        &self,
        route: Route,
        method: &'static str,
        class: CallClass,
        deadline: Option<Instant>,
    ) -> Result<Permit, Duration> {
        let route = self.route(route);
        let now = Instant::now();
        if let Some(deadline) = deadline {
            let turn = route.lock().state.earliest_turn(method, class, now);
            if turn > deadline {
                return Err(turn - now);
            }
        }
        let mut place = Place::take(&route, method, class);
        route.advance();
        let permit = match deadline {
            None => (&mut place.permit).await,
            Some(deadline) => match timeout_at(deadline, &mut place.permit).await {
                Ok(permit) => permit,
                Err(_) => {
                    // The turn may be at this very moment, and its timer a little late.
                    route.advance();
                    if let Ok(permit) = place.permit.try_recv() {
                        return Ok(permit);
                    }
                    drop(place);
                    let now = Instant::now();
                    let turn = route.lock().state.earliest_turn(method, class, now);
                    return Err((turn - now).max(LEAST_WAIT));
                }
            },
        };
        Ok(permit.expect("a place in the queue is kept until its permit is sent"))
    }

    /// The state now. Takes each route's lock for a moment.
    pub fn snapshot(&self) -> LimiterSnapshot {
        let routes: Vec<(Route, Arc<RouteLimiter>)> =
            lock(&self.routes).iter().map(|(route, limiter)| (*route, limiter.clone())).collect();
        let now = Instant::now();
        LimiterSnapshot {
            routes: routes
                .iter()
                .map(|(route, limiter)| limiter.lock().state.snapshot(*route, now))
                .collect(),
        }
    }

    fn route(&self, route: Route) -> Arc<RouteLimiter> {
        lock(&self.routes)
            .entry(route)
            .or_insert_with(|| Arc::new(RouteLimiter::new(self.usage_factor)))
            .clone()
    }
}

#[derive(Debug)]
struct RouteLimiter(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    state: RouteState,
    waiting: HashMap<Ticket, oneshot::Sender<Permit>>,
    /// When the earliest timer goes off.
    armed_for: Option<Instant>,
}

impl RouteLimiter {
    fn new(usage_factor: f64) -> Self {
        Self(Mutex::new(Inner {
            state: RouteState::new(usage_factor),
            waiting: HashMap::new(),
            armed_for: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }

    /// Lets everyone go whose turn it is, and sees to it that the next one is woken in time. To be
    /// called whenever something changed.
    fn advance(self: &Arc<Self>) {
        let (deliveries, timer) = {
            let mut inner = self.lock();
            let polled = inner.state.poll(Instant::now());
            let deliveries: Vec<_> = polled
                .granted
                .into_iter()
                .map(|granted| {
                    let sender = inner.waiting.remove(&granted.ticket);
                    (sender.expect("who is in the queue has a sender"), granted)
                })
                .collect();
            let timer = polled
                .wake_at
                .filter(|at| inner.armed_for.is_none_or(|armed| *at < armed))
                .zip(Handle::try_current().ok());
            if let Some((at, _)) = timer {
                inner.armed_for = Some(at);
            }
            (deliveries, timer)
        };
        // Outside the lock, because what is dropped here may want it: a permit whose receiver has
        // just gone, a timer on a runtime that is shutting down.
        for (sender, granted) in deliveries {
            let permit = Permit { route: self.clone(), granted, stage: Stage::Waiting };
            drop(sender.send(permit));
        }
        if let Some((at, runtime)) = timer {
            let timer = Timer { route: Arc::downgrade(self), at };
            runtime.spawn(async move {
                sleep_until(at).await;
                timer.ring();
            });
        }
    }
}

/// A place in the queue, left on drop.
struct Place {
    route: Arc<RouteLimiter>,
    method: &'static str,
    class: CallClass,
    ticket: Ticket,
    permit: oneshot::Receiver<Permit>,
}

impl Place {
    fn take(route: &Arc<RouteLimiter>, method: &'static str, class: CallClass) -> Self {
        let (sender, permit) = oneshot::channel();
        let mut inner = route.lock();
        let ticket = inner.state.enter(method, class);
        inner.waiting.insert(ticket, sender);
        drop(inner);
        Self { route: route.clone(), method, class, ticket, permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.route.lock();
        // Without a sender the turn has come, and the permit is in the channel or was taken out.
        if inner.waiting.remove(&self.ticket).is_some() {
            inner.state.leave(self.method, self.class, self.ticket);
        }
    }
}

/// Looks after a route once, at a time.
struct Timer {
    route: Weak<RouteLimiter>,
    at: Instant,
}

impl Timer {
    fn ring(self) {
        let route = self.route.upgrade();
        drop(self);
        if let Some(route) = route {
            route.advance();
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some(route) = self.route.upgrade() else { return };
        let mut inner = route.lock();
        if inner.armed_for == Some(self.at) {
            inner.armed_for = None;
        }
    }
}

/// Leave to send one request.
///
/// Dropped before [`Permit::sending`], its tokens are free at once. Dropped after it, they are
/// held as if an answer had come now; so whoever sends must hold the permit until no answer can
/// come any more.
#[derive(Debug)]
pub struct Permit {
    route: Arc<RouteLimiter>,
    granted: Granted,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sending,
    Done,
}

impl Permit {
    /// The request goes out now.
    pub fn sending(&mut self) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Sending;
            self.route.lock().state.sending(&self.granted);
        }
    }

    /// The request did not reach Riot after all: no connection could be made.
    pub fn not_sent(mut self) {
        self.stage = Stage::Waiting;
    }

    /// The answer's headers are here.
    pub fn answered(mut self, answer: &Answer) {
        self.stage = Stage::Done;
        let dice = rand::random();
        self.route.lock().state.answered(&self.granted, Instant::now(), answer, dice);
        self.route.advance();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.stage {
            Stage::Waiting => self.route.lock().state.unsent(&self.granted),
            Stage::Sending => self.route.lock().state.unanswered(&self.granted, Instant::now()),
            Stage::Done => return,
        }
        self.route.advance();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no one panics while holding this lock")
}
