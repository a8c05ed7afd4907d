//! Takes turns at a shared budget on behalf of a route's callers.
//!
//! One task a route: it asks for the turn when somebody waits, opens the gate for as many requests as
//! it has written down, writes down more before they are used up, and hands on when others wait or
//! nobody here does. The records' database is asked once or twice a turn, never for each request.

use std::sync::{Arc, Weak};
use std::time::Duration;

use riftwatch_domain::routing::Route;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::RouteLimiter;
use super::record::{Again, Asked, GRACE, LONGEST_TURN, Page, Process, Record, TURN, Taken};
use crate::sharing::{BudgetId, SharedRecords, Unreachable};

/// Without a call for so long, the turn is handed back, so that the next process need not wait for
/// its end.
const IDLE: Duration = Duration::from_millis(200);
/// At the end of a turn, answers are waited for as long: one that comes later is counted for as long
/// as it could have taken.
const DRAIN: Duration = Duration::from_millis(400);
/// So long before a turn's end no more requests are sent when others wait, so that most are answered.
const DRAIN_LEAD: Duration = Duration::from_millis(100);
/// A record that is not read or written within this time counts as out of reach.
const REACH: Duration = Duration::from_secs(2);
/// Between two tries to reach it.
const RETRY: Duration = Duration::from_millis(500);
/// The process's part in sharing a key.
#[derive(Debug, Clone)]
pub(crate) struct KeySharing {
    pub(crate) records: Arc<dyn SharedRecords>,
    pub(crate) key_hash: Arc<str>,
    /// This start of the process, by a random number.
    pub(crate) process: Process,
    /// How long a request may take, from its turn to the last moment at which it can arrive at Riot.
    pub(crate) longest_request: Duration,
}

/// Looks after one route.
pub(super) struct Keeper {
    pub(super) limiter: Weak<RouteLimiter>,
    pub(super) wake: Arc<Notify>,
    pub(super) sharing: KeySharing,
    pub(super) budget: BudgetId,
}

/// What ended a turn.
enum Ended {
    /// Nobody here waits.
    Idle,
    /// Others have their turn now; how long to wait for the next.
    HandedOn(Option<Duration>),
    /// Another process took it.
    Lost,
}

impl Keeper {
    pub(super) fn new(
        limiter: &Arc<RouteLimiter>,
        wake: Arc<Notify>,
        route: Route,
        sharing: KeySharing,
    ) -> Self {
        let budget = BudgetId { key_hash: sharing.key_hash.clone(), route };
        Self { limiter: Arc::downgrade(limiter), wake, sharing, budget }
    }

    /// Runs until the limiter is gone.
    pub(super) async fn run(self) {
        loop {
            {
                let Some(limiter) = self.limiter.upgrade() else { return };
                let mut wait = None;
                limiter.lock().at_work = true;
                while limiter.wants_turn() {
                    let Some((taken, asked_at)) = self.ask(&limiter, wait.take()).await else {
                        break;
                    };
                    match self.hold(&limiter, &taken, asked_at).await {
                        Ended::Idle => {}
                        Ended::HandedOn(next) => wait = next,
                        Ended::Lost => {
                            info!(route = %self.budget.route, "another process took the turn")
                        }
                    }
                }
                limiter.lock().at_work = false;
            }
            self.wake.notified().await;
        }
    }

    /// Asks for the turn until it comes. `None`: nobody wants it any more.
    async fn ask(
        &self,
        limiter: &Arc<RouteLimiter>,
        first_wait: Option<Duration>,
    ) -> Option<(Taken, Instant)> {
        let me = self.sharing.process;
        let mut wait = first_wait;
        let mut is_queued = first_wait.is_some();
        let mut was_urgent = false;
        loop {
            if let Some(wait) = wait.take() {
                let until = Instant::now() + wait;
                loop {
                    let demand = limiter.demand();
                    // A person who comes while background work waits does not wait as long.
                    if !limiter.wants_turn() || (demand.urgent && !was_urgent) {
                        break;
                    }
                    if timeout_at(until, self.wake.notified()).await.is_err() {
                        break;
                    }
                }
            }
            if !limiter.wants_turn() {
                if is_queued {
                    // Where this fails, the turn comes to us in vain and is over soon.
                    let _ = self
                        .change(limiter, |record| {
                            record.withdraw(me);
                            true
                        })
                        .await;
                }
                return None;
            }
            let demand = limiter.demand();
            was_urgent = demand.urgent;
            let asked_at = Instant::now();
            let mut asked = None;
            let reached = self
                .change(limiter, |record| {
                    asked = Some(record.ask(me, demand.urgent, demand.reserve()));
                    true
                })
                .await;
            match (reached, asked) {
                (Ok(()), Some(Asked::Taken(taken))) => {
                    limiter.take_over(&taken, demand.reserve(), asked_at + TURN + GRACE);
                    return Some((*taken, asked_at));
                }
                (Ok(()), Some(Asked::Waiting(next))) => {
                    is_queued = true;
                    wait = Some(next);
                }
                (Ok(()) | Err(_), _) => sleep(RETRY).await,
            }
        }
    }

    /// Has the turn, until others want it or nobody here does.
    async fn hold(&self, limiter: &Arc<RouteLimiter>, taken: &Taken, asked_at: Instant) -> Ended {
        let mut turn_end = asked_at + TURN;
        let mut others_wait = taken.others_wait;
        let mut active_at = Instant::now();
        let mut turn = stretched(limiter, Instant::now());
        let mut write = turn > TURN;
        loop {
            let now = Instant::now();
            let demand = limiter.demand();
            if demand.waiting > 0 || demand.in_flight > 0 {
                active_at = now;
            }
            if limiter.lock().leaving {
                return self.hand_on(limiter, taken.epoch).await;
            }
            if now >= active_at + IDLE {
                self.end(limiter, taken.epoch, Again::No).await;
                return Ended::Idle;
            }
            let is_over = now >= turn_end - if others_wait { DRAIN_LEAD } else { Duration::ZERO };
            if is_over && others_wait {
                return self.hand_on(limiter, taken.epoch).await;
            }
            if is_over {
                turn = stretched(limiter, now);
            }
            if write || is_over || limiter.is_running_out(demand, now) {
                let left =
                    if is_over || write { turn } else { turn_end.saturating_duration_since(now) };
                let end = now + left;
                match self.go_on(limiter, taken.epoch, left).await {
                    Ok(Some(others)) => {
                        others_wait = others;
                        turn_end = end;
                        write = false;
                    }
                    Ok(None) => {
                        limiter.shut();
                        return Ended::Lost;
                    }
                    // What is written down already may be spent meanwhile, until its time is over.
                    Err(_) => sleep(RETRY).await,
                }
                continue;
            }
            let look_at = (turn_end - if others_wait { DRAIN_LEAD } else { Duration::ZERO })
                .min(active_at.max(now) + IDLE);
            tokio::select! {
                () = sleep_until(look_at) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Lets what is in flight be answered, then gives the turn to the next.
    async fn hand_on(&self, limiter: &Arc<RouteLimiter>, epoch: u64) -> Ended {
        limiter.lock().state.gate.stop_granting();
        let until = Instant::now() + DRAIN;
        while limiter.demand().in_flight > 0
            && timeout_at(until, self.wake.notified()).await.is_ok()
        {}
        let again = match (limiter.wants_turn(), limiter.demand().urgent) {
            (false, _) => Again::No,
            (true, false) => Again::Yes,
            (true, true) => Again::Urgently,
        };
        Ended::HandedOn(self.end(limiter, epoch, again).await)
    }

    /// Writes down what was spent, for the last time in this turn.
    async fn end(&self, limiter: &Arc<RouteLimiter>, epoch: u64, again: Again) -> Option<Duration> {
        let me = self.sharing.process;
        limiter.shut();
        let mut wait = None;
        // Where this fails, the turn is over soon by itself, and counted for a little more.
        let _ = self
            .change(limiter, |record| {
                let page = self.page(limiter, 0, Duration::ZERO);
                wait = record.end(me, epoch, page, again);
                true
            })
            .await;
        wait
    }

    /// Writes down what was spent and what may be spent next. Whether others wait; `None`: the turn
    /// was lost.
    async fn go_on(
        &self,
        limiter: &Arc<RouteLimiter>,
        epoch: u64,
        turn: Duration,
    ) -> Result<Option<bool>, Unreachable> {
        let me = self.sharing.process;
        let before = Instant::now();
        let mut reserved = 0;
        let mut others = None;
        self.change(limiter, |record| {
            reserved = limiter.demand().reserve();
            limiter.lock().state.gate.begin_page(reserved);
            let page = self.page(limiter, reserved, turn);
            others = record.go_on(me, epoch, page);
            others.is_some()
        })
        .await?;
        if others.is_some() {
            limiter.page_written(reserved, before + turn + GRACE);
        }
        Ok(others)
    }

    fn page(&self, limiter: &Arc<RouteLimiter>, reserved: u32, turn: Duration) -> Page {
        Page {
            ledger: limiter.ledger(),
            reserved,
            turn,
            longest_request: self.sharing.longest_request,
        }
    }

    /// Changes the record. `true` from `change`: write it.
    async fn change(
        &self,
        limiter: &Arc<RouteLimiter>,
        mut change: impl FnMut(&mut Record) -> bool + Send,
    ) -> Result<(), Unreachable> {
        let mut change = |found| {
            let mut record = Record::read(found);
            change(&mut record).then(|| record.write())
        };
        let changing = self.sharing.records.change(&self.budget, &mut change);
        let reached = match timeout(REACH, changing).await {
            Ok(reached) => reached,
            Err(elapsed) => Err(Unreachable(elapsed.into())),
        };
        let was_out_of_reach = limiter.reached(reached.is_ok());
        match (&reached, was_out_of_reach) {
            (Err(error), false) => warn!(
                route = %self.budget.route, error = %error.0,
                "the record of the riot api budget cannot be reached: no calls are made until it can"
            ),
            (Ok(()), true) => {
                info!(route = %self.budget.route, "the record of the riot api budget is there again");
            }
            (Ok(()), false) | (Err(_), true) => {}
        }
        reached
    }
}

/// How long the turn is worth keeping from now on.
fn stretched(limiter: &Arc<RouteLimiter>, now: Instant) -> Duration {
    let free_in = limiter.demand().app_free_at.saturating_duration_since(now);
    if free_in <= TURN { TURN } else { (free_in + TURN / 4).min(LONGEST_TURN) }
}
