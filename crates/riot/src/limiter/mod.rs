//! The rate limiter: who may send a request, and when. It knows nothing of HTTP.
//!
//! The module `state` decides and is pure; this file gives it the time, wakes those whose turn has come,
//! and gives tokens back when a caller goes away. Where the budget is shared with other processes, the
//! module `keeper` opens and shuts the route's gate.

mod answer;
mod budget;
mod gate;
mod jobs;
mod keeper;
mod ledger;
mod queue;
mod record;
mod shares;
mod snapshot;
mod spent;
mod state;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use riftwatch_domain::routing::Route;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

pub use self::answer::Answer;
use self::gate::Gate;
use self::jobs::JobId;
use self::keeper::Keeper;
pub(crate) use self::keeper::KeySharing;
use self::ledger::Ledger;
use self::record::Taken;
pub use self::snapshot::{
    JobSnapshot, LimiterSnapshot, MethodSnapshot, Refusals, RouteSnapshot, Sharing, Waiting, Waits,
    WindowSnapshot,
};
pub use self::spent::{SharedBudget, SharedRoute, read_shared};
use self::state::{Demand, Granted, RouteState, Ticket};
pub use self::waits::WaitHistogram;
use crate::api::CallClass;

/// How long handing back the turns may take.
const LEAVING: Duration = Duration::from_secs(1);
/// Told to a caller who has run out of patience when nothing better is known.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The limiter of a key. Each route has its own limits. Clones share the state.
#[derive(Debug, Clone)]
pub struct Limiter(Arc<Key>);

#[derive(Debug)]
struct Key {
    usage_factor: f64,
    job_shares: Arc<BTreeMap<String, u32>>,
    sharing: Option<KeySharing>,
    routes: Mutex<BTreeMap<Route, Arc<RouteLimiter>>>,
}

impl Limiter {
    /// A limiter of a key that this process has to itself. `usage_factor`: the share of the key's
    /// limits to use, above 0 and up to 1; less than 1 for those who use the key elsewhere too.
    pub fn new(usage_factor: f64) -> Self {
        Self::of_key(usage_factor, Arc::default(), None)
    }

    pub(crate) fn of_key(
        usage_factor: f64,
        job_shares: Arc<BTreeMap<String, u32>>,
        sharing: Option<KeySharing>,
    ) -> Self {
        Self(Arc::new(Key { usage_factor, job_shares, sharing, routes: Mutex::default() }))
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
        job: &str,
        deadline: Option<Instant>,
    ) -> Result<Permit, Duration> {
        let route = self.route(route);
        let now = Instant::now();
        if let Some(deadline) = deadline {
            let turn = route.lock().state.earliest_turn(method, class, job, now);
            if turn > deadline {
                return Err(turn - now);
            }
        }
        let mut place = Place::take(&route, method, class, job);
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
                    let turn = route.lock().state.earliest_turn(method, class, job, now);
                    return Err((turn - now).max(LEAST_WAIT));
                }
            },
        };
        Ok(permit.expect("a place in the queue is kept until its permit is sent"))
    }

    /// The state now. Takes each route's lock for a moment.
    pub fn snapshot(&self) -> LimiterSnapshot {
        let routes: Vec<(Route, Arc<RouteLimiter>)> =
            lock(&self.0.routes).iter().map(|(route, limiter)| (*route, limiter.clone())).collect();
        let now = Instant::now();
        LimiterSnapshot {
            routes: routes
                .iter()
                .map(|(route, limiter)| limiter.lock().snapshot(*route, now))
                .collect(),
        }
    }

    /// Hands back the turns at shared budgets, so that other processes need not wait for their end.
    /// Takes at most about a second. A call made later takes a new turn.
    pub(crate) async fn leave(&self) {
        let routes: Vec<Arc<RouteLimiter>> = lock(&self.0.routes).values().cloned().collect();
        for route in &routes {
            route.lock().leaving = true;
            route.wake_keeper();
        }
        let until = Instant::now() + LEAVING;
        for route in routes {
            while route.lock().at_work && Instant::now() < until {
                sleep_until(Instant::now() + Duration::from_millis(10)).await;
            }
        }
    }

    fn route(&self, route: Route) -> Arc<RouteLimiter> {
        lock(&self.0.routes)
            .entry(route)
            .or_insert_with(|| RouteLimiter::start(&self.0, route))
            .clone()
    }
}

#[derive(Debug)]
struct RouteLimiter {
    inner: Mutex<Inner>,
    /// Wakes the keeper of a shared budget.
    wake: Option<Wake>,
}

/// Also when the limiter is gone.
#[derive(Debug)]
struct Wake(Arc<Notify>);

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[derive(Debug)]
struct Inner {
    state: RouteState,
    waiting: HashMap<Ticket, oneshot::Sender<Permit>>,
    /// When the earliest timer goes off.
    armed_for: Option<Instant>,
    sharing: Sharing,
    out_of_reach: bool,
    /// Its keeper has the turn, or stands in the queue for it.
    at_work: bool,
    /// The process is going, or at least has nothing more to ask for the time being.
    leaving: bool,
}

impl Inner {
    fn snapshot(&self, route: Route, now: Instant) -> RouteSnapshot {
        let sharing = match self.sharing {
            Sharing::Here | Sharing::Elsewhere
                if self.out_of_reach && !self.state.gate.is_open(now) =>
            {
                Sharing::Unavailable
            }
            sharing => sharing,
        };
        self.state.snapshot(route, sharing, now)
    }
}

impl RouteLimiter {
    fn start(key: &Key, route: Route) -> Arc<Self> {
        let (gate, sharing) = match key.sharing {
            Some(_) => (Gate::SHUT, Sharing::Elsewhere),
            None => (Gate::Open, Sharing::Alone),
        };
        let wake = key.sharing.as_ref().map(|_| Arc::new(Notify::new()));
        let limiter = Arc::new(Self {
            inner: Mutex::new(Inner {
                state: RouteState::new(key.usage_factor, key.job_shares.clone(), gate),
                waiting: HashMap::new(),
                armed_for: None,
                sharing,
                out_of_reach: false,
                at_work: false,
                leaving: false,
            }),
            wake: wake.clone().map(Wake),
        });
        if let Some((wake, sharing)) = wake.zip(key.sharing.clone()) {
            tokio::spawn(Keeper::new(&limiter, wake, route, sharing).run());
        }
        limiter
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    fn demand(&self) -> Demand {
        self.lock().state.demand(Instant::now())
    }

    /// Whether anybody waits for whom a turn is worth asking for.
    fn wants_turn(&self) -> bool {
        let inner = self.lock();
        !inner.leaving && inner.state.demand(Instant::now()).waiting > 0
    }

    fn is_running_out(&self, demand: Demand, now: Instant) -> bool {
        self.lock().state.is_running_out(demand, now)
    }

    fn ledger(&self) -> Ledger {
        self.lock().state.ledger(Instant::now())
    }

    /// A turn begins, in which `reserved` requests are written down already.
    fn take_over(self: &Arc<Self>, taken: &Taken, reserved: u32, until: Instant) {
        let mut inner = self.lock();
        let reading = taken.reading(Instant::now());
        inner.state.take_over(taken.ledger.as_ref(), reading);
        inner.state.gate = Gate::SHUT;
        inner.state.gate.allow(reserved, until);
        inner.sharing = Sharing::Here;
        drop(inner);
        self.advance();
    }

    /// A page of the turn is written: so many requests are allowed by it.
    fn page_written(self: &Arc<Self>, reserved: u32, until: Instant) {
        self.lock().state.gate.allow(reserved, until);
        self.advance();
    }

    /// The turn is over.
    fn shut(&self) {
        let mut inner = self.lock();
        inner.state.gate = Gate::SHUT;
        inner.sharing = Sharing::Elsewhere;
    }

    /// Notes whether the record could be reached. Whether it could not before.
    fn reached(&self, is_reached: bool) -> bool {
        std::mem::replace(&mut self.lock().out_of_reach, !is_reached)
    }

    fn wake_keeper(&self) {
        if let Some(wake) = &self.wake {
            wake.0.notify_one();
        }
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
            if self.wake.is_some() && inner.state.wants_keeper(Instant::now()) {
                self.wake_keeper();
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
    job: JobId,
    ticket: Ticket,
    permit: oneshot::Receiver<Permit>,
}

impl Place {
    fn take(route: &Arc<RouteLimiter>, method: &'static str, class: CallClass, job: &str) -> Self {
        let (sender, permit) = oneshot::channel();
        let mut inner = route.lock();
        let (ticket, job) = inner.state.enter(method, class, job, Instant::now());
        inner.waiting.insert(ticket, sender);
        inner.leaving = false;
        drop(inner);
        Self { route: route.clone(), method, class, job, ticket, permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.route.lock();
        // Without a sender the turn has come, and the permit is in the channel or was taken out.
        if inner.waiting.remove(&self.ticket).is_some() {
            inner.state.leave(self.method, self.class, self.job, self.ticket);
            drop(inner);
            self.route.wake_keeper();
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
    /// The request goes out now. `false`: it must not, since the budget went into other hands after
    /// the permit was given; a new one is needed.
    pub fn sending(&mut self) -> bool {
        if self.stage == Stage::Waiting {
            if !self.route.lock().state.sending(&self.granted, Instant::now()) {
                return false;
            }
            self.stage = Stage::Sending;
        }
        true
    }

    /// Held by who waits for the answer. Dropped while the request is under way, it says that nobody
    /// does any more: the token stays taken, and those who must wait for an answer, since the limits
    /// are not known yet or were exceeded, need not wait for this one.
    pub fn attendance(&self) -> Attendance {
        Attendance { route: self.route.clone(), granted: self.granted }
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

/// Somebody waits for an answer. See [`Permit::attendance`].
#[derive(Debug)]
#[must_use = "dropped, it says that nobody waits"]
pub struct Attendance {
    route: Arc<RouteLimiter>,
    granted: Granted,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let is_under_way = self.route.lock().state.forsaken(&self.granted);
        if is_under_way {
            self.route.advance();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no one panics while holding this lock")
}
