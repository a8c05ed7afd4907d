//! The limiter of one route as a pure state machine: time comes in as a value, who may go comes out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use riftwatch_domain::routing::Route;
use tokio::time::Instant;

use super::answer::Answer;
use super::budget::{Budget, Turn};
use super::gate::Gate;
use super::jobs::{JobId, Jobs};
use super::ledger::{BudgetLedger, Ledger, Reading};
use super::queue::Queue;
use super::shares::{CLASSES, Stride, expected_ahead, others_ahead};
use super::snapshot::{JobSnapshot, MethodSnapshot, Refusals, RouteSnapshot, Sharing, Waits};
use super::waits::WaitHistogram;
use crate::api::CallClass;
use crate::endpoints;
use crate::error::LimitScope;

/// What the least of keys may do. Held to until Riot tells the key's limits.
const LEAST_KEY: [(u32, u32); 2] = [(20, 1), (100, 120)];

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ticket(u64);

/// Tokens taken for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) ticket: Ticket,
    pub(super) method: &'static str,
    pub(super) class: CallClass,
    job: JobId,
    /// When the tokens were taken; the request is sent at this time or later.
    pub(super) at: Instant,
    /// The turn of this process in which they were taken.
    turn: u64,
}

/// What the state wants done.
#[derive(Debug)]
pub(super) struct Polled {
    /// Who may send, in this order.
    pub(super) granted: Vec<Granted>,
    /// When to look again. `None`: only an answer or a newcomer changes anything.
    pub(super) wake_at: Option<Instant>,
}

#[derive(Debug)]
struct Method {
    budget: Budget,
    queue: Queue,
    sent: u64,
    refusals: Refusals,
}

/// Everything about one route.
#[derive(Debug)]
pub(super) struct RouteState {
    usage_factor: f64,
    app: Budget,
    methods: BTreeMap<&'static str, Method>,
    classes: Stride,
    jobs: Jobs,
    next_ticket: u64,
    garbled_headers: u64,
    waits: [WaitHistogram; 3],
    pub(super) gate: Gate,
    /// Requests whose tokens were taken in this turn and are not back, and whether somebody waits for
    /// the answer.
    under_way: HashMap<Ticket, bool>,
    /// Counts the turns of this process at a shared budget. What was taken in an earlier turn is in
    /// the hands of others by now.
    turn: u64,
}

/// What a route's keeper goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// Calls that wait.
    pub(super) waiting: u32,
    /// Whether a person waits.
    pub(super) urgent: bool,
    /// Requests in flight.
    pub(super) in_flight: u32,
    /// When the key's limit lets a request through, so far as time alone decides.
    pub(super) app_free_at: Instant,
    /// The key's smallest limit of requests within a window.
    smallest_limit: u32,
}

/// Requests that are written down before they are sent: twice those that wait, within these bounds
/// and half of the key's smallest limit. A process that dies wastes as many.
const LEAST_RESERVE: u32 = 8;
const MOST_RESERVE: u32 = 64;

impl Demand {
    pub(super) fn reserve(self) -> u32 {
        let wanted = self.waiting.saturating_mul(2).clamp(LEAST_RESERVE, MOST_RESERVE);
        wanted.min(self.smallest_limit / 2).max(1)
    }
}

impl RouteState {
    pub(super) fn new(
        usage_factor: f64,
        job_shares: Arc<BTreeMap<String, u32>>,
        gate: Gate,
    ) -> Self {
        Self {
            usage_factor,
            app: Budget::guessed(&LEAST_KEY, usage_factor),
            methods: BTreeMap::new(),
            classes: Stride::default(),
            jobs: Jobs::new(job_shares),
            next_ticket: 0,
            garbled_headers: 0,
            waits: Default::default(),
            gate,
            under_way: HashMap::new(),
            turn: 0,
        }
    }

    fn method(&mut self, method: &'static str) -> &mut Method {
        let usage_factor = self.usage_factor;
        self.methods.entry(method).or_insert_with(|| Method {
            budget: Budget::guessed(&[], usage_factor),
            queue: Queue::default(),
            sent: 0,
            refusals: Refusals::default(),
        })
    }

    /// Stands in the queue. [`RouteState::poll`] says when it is this one's turn.
    pub(super) fn enter(
        &mut self,
        method: &'static str,
        class: CallClass,
        job: &str,
        now: Instant,
    ) -> (Ticket, JobId) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let job = self.jobs.of(job);
        self.method(method).queue.enter(class, job, ticket, now);
        (ticket, job)
    }

    /// Leaves the queue; nothing happens when the turn has come already.
    pub(super) fn leave(
        &mut self,
        method: &'static str,
        class: CallClass,
        job: JobId,
        ticket: Ticket,
    ) {
        self.method(method).queue.leave(class, job, ticket);
    }

    /// Takes tokens for everyone who may go now.
    pub(super) fn poll(&mut self, now: Instant) -> Polled {
        let mut granted = Vec::new();
        while self.gate.is_open(now) {
            let Some((class, job, method)) = self.next(now) else { break };
            let entry = self.method(method);
            let (ticket, waited) =
                entry.queue.take(class, job, now).expect("it was chosen as waiting");
            entry.budget.take(now);
            self.app.take(now);
            self.under_way.insert(ticket, true);
            self.gate.spend();
            self.waits[class as usize].add(waited);
            granted.push(Granted { ticket, method, class, job, at: now, turn: self.turn });
        }
        if !self.gate.is_open(now) {
            // Its keeper opens it, and sees to it that we look again.
            return Polled { granted, wake_at: None };
        }
        let app = self.app.turn(now, 0);
        let wake_at = self
            .methods
            .values()
            .filter(|method| !method.queue.is_empty())
            .filter_map(|method| app.and(method.budget.turn(now, 0)).surely)
            .min();
        Polled { granted, wake_at }
    }

    /// Who goes next, if anyone may.
    fn next(&mut self, now: Instant) -> Option<(CallClass, JobId, &'static str)> {
        if !self.app.turn(now, 0).is_now(now) {
            return None;
        }
        let mut first: BTreeMap<(usize, JobId), (Ticket, &'static str)> = BTreeMap::new();
        for (name, method) in &self.methods {
            if method.queue.is_empty() || !method.budget.turn(now, 0).is_now(now) {
                continue;
            }
            for (class, job, ticket) in method.queue.fronts() {
                let known = first.entry((class, job)).or_insert((ticket, name));
                if ticket < known.0 {
                    *known = (ticket, name);
                }
            }
        }
        let mut wants = [false; 3];
        for (class, _) in first.keys() {
            wants[*class] = true;
        }
        let class = self.classes.pick_class(wants)?;
        let of_class = first.keys().filter(|(of, _)| *of == class as usize);
        let jobs: Vec<JobId> = of_class.map(|(_, job)| *job).collect();
        let job = self.jobs.pick(class as usize, &jobs)?;
        first.get(&(class as usize, job)).map(|(_, method)| (class, job, *method))
    }

    /// The earliest time at which a newcomer's turn can be, by all that is known.
    pub(super) fn earliest_turn(
        &mut self,
        method: &'static str,
        class: CallClass,
        job: &str,
        now: Instant,
    ) -> Instant {
        self.method(method);
        let job = self.jobs.of(job);
        let of_method = |name: &str| name == method;
        // Whoever waits for a closed method is not before us at the route's door.
        let at_the_door =
            |name: &str| name == method || self.methods[name].budget.blocked_until(now).is_none();
        let on_route = self.expected_ahead(class, job, at_the_door);
        let on_method = self.expected_ahead(class, job, of_method);
        let turn: Turn = self.app.turn(now, on_route);
        turn.and(self.methods[method].budget.turn(now, on_method)).not_before
    }

    /// How many of those who wait for some methods go before a newcomer.
    fn expected_ahead(&self, class: CallClass, job: JobId, counts: impl Fn(&str) -> bool) -> u64 {
        let queues: Vec<&Queue> = self
            .methods
            .iter()
            .filter(|(name, _)| counts(name))
            .map(|(_, method)| &method.queue)
            .collect();
        let of = |job| queues.iter().map(|queue| queue.of(class, job)).sum::<u64>();
        let own = of(job);
        let others = self
            .jobs
            .all()
            .filter(|(other, _)| *other != job)
            .map(|(id, other)| (of(id), other.weight));
        let in_class = own + others_ahead(own, self.jobs.weight(job), others);
        let waiting = queues.iter().fold([0; 3], |mut sum: [u64; 3], queue| {
            for (sum, count) in sum.iter_mut().zip(queue.by_class()) {
                *sum += count;
            }
            sum
        });
        expected_ahead(class, in_class, waiting)
    }

    /// The request is about to go out. `false`: it may not any more, since the budget is in other
    /// hands, or will be before the request arrives.
    pub(super) fn sending(&mut self, granted: &Granted, now: Instant) -> bool {
        if granted.turn != self.turn || !self.gate.may_send(now) {
            return false;
        }
        self.method(granted.method).sent += 1;
        self.jobs.get_mut(granted.job).sent += 1;
        true
    }

    /// The tokens were not needed: nothing reached Riot.
    pub(super) fn unsent(&mut self, granted: &Granted) {
        if granted.turn == self.turn {
            self.end(granted);
            self.app.give_back();
            self.method(granted.method).budget.give_back();
        }
    }

    /// Nobody waits for the answer any more: it does not hold up those who have to wait for one.
    /// `false`: it is not under way any more either.
    pub(super) fn forsaken(&mut self, granted: &Granted) -> bool {
        if granted.turn == self.turn
            && let Some(attended @ true) = self.under_way.get_mut(&granted.ticket)
        {
            *attended = false;
            self.app.forsake();
            self.method(granted.method).budget.forsake();
            return true;
        }
        false
    }

    fn end(&mut self, granted: &Granted) {
        if self.under_way.remove(&granted.ticket) == Some(false) {
            self.app.forget_forsaken();
            self.method(granted.method).budget.forget_forsaken();
        }
    }

    /// The request was sent and will not be answered any more.
    pub(super) fn unanswered(&mut self, granted: &Granted, now: Instant) {
        if granted.turn == self.turn {
            self.end(granted);
            self.app.hold(now);
            self.method(granted.method).budget.hold(now);
        }
    }

    /// The request was answered. `dice`: a random number, 0 to 1.
    pub(super) fn answered(&mut self, granted: &Granted, now: Instant, answer: &Answer, dice: f64) {
        self.unanswered(granted, now);
        self.garbled_headers += answer.garbled();
        if let Some(refusal) = answer.refusal {
            self.method(granted.method).refusals.count(refusal.scope);
        }
        if granted.turn != self.turn {
            return;
        }
        self.app.learn(now, granted.at, &answer.app);
        let method = self.methods.get_mut(granted.method).expect("it was granted");
        method.budget.learn(now, granted.at, &answer.method);
        let Some(refusal) = answer.refusal else {
            method.budget.accept(granted.at);
            self.app.accept(granted.at);
            return;
        };
        let wait = refusal.retry_after;
        match refusal.scope {
            Some(LimitScope::Application) => self.app.refuse(now, &answer.app, wait, dice),
            Some(LimitScope::Method) => method.budget.refuse(now, &answer.method, wait, dice),
            Some(LimitScope::Service | LimitScope::Local) | None => {
                method.budget.back_off(now, granted.at, wait, dice);
            }
        }
    }

    /// Whether there is something for the keeper to see to.
    pub(super) fn wants_keeper(&self, now: Instant) -> bool {
        let demand = self.demand(now);
        demand.in_flight == 0 || self.is_running_out(demand, now)
    }

    /// Whether more requests should be written down: before they are needed, where they can be sent.
    pub(super) fn is_running_out(&self, demand: Demand, now: Instant) -> bool {
        let is_low = self.gate.allowance() < demand.reserve() / 2 && demand.app_free_at <= now;
        demand.waiting > 0 && (is_low || self.gate.allowance() == 0)
    }

    /// What the keeper needs to know.
    pub(super) fn demand(&self, now: Instant) -> Demand {
        let mut waiting = [0; 3];
        for method in self.methods.values() {
            for (sum, count) in waiting.iter_mut().zip(method.queue.by_class()) {
                *sum += count;
            }
        }
        Demand {
            waiting: u32::try_from(waiting.iter().sum::<u64>()).unwrap_or(u32::MAX),
            urgent: waiting[CallClass::Interactive as usize] > 0,
            in_flight: self.app.in_flight,
            app_free_at: self.app.turn(now, 0).not_before,
            smallest_limit: self.app.windows.iter().map(|window| window.limit).min().unwrap_or(1),
        }
    }

    /// What was spent, for the next process.
    pub(super) fn ledger(&self, now: Instant) -> Ledger {
        let methods = self.methods.iter();
        Ledger {
            app: BudgetLedger::of(&self.app, now),
            methods: methods
                .map(|(name, method)| ((*name).to_owned(), BudgetLedger::of(&method.budget, now)))
                .collect(),
        }
    }

    /// A turn begins: goes on from what others have spent.
    pub(super) fn take_over(&mut self, ledger: Option<&Ledger>, reading: Reading) {
        // Nobody has written anything: what this process knows is all there is.
        let own;
        let ledger = match ledger {
            Some(ledger) => ledger,
            None if reading.unknown == 0 => return,
            None => {
                own = self.ledger(reading.now);
                &own
            }
        };
        self.turn += 1;
        self.under_way.clear();
        let usage_factor = self.usage_factor;
        self.app.replace(ledger.app.read(usage_factor, reading));
        for name in ledger.methods.keys() {
            self.method(endpoints::interned(name));
        }
        for (name, method) in &mut self.methods {
            // A method that nobody has used yet may have been used first after the writing.
            let unused = BudgetLedger::default();
            let ledger = ledger.methods.get(*name).unwrap_or(&unused);
            method.budget.replace(ledger.read(usage_factor, reading));
        }
    }

    pub(super) fn snapshot(&self, route: Route, sharing: Sharing, now: Instant) -> RouteSnapshot {
        let methods: Vec<MethodSnapshot> = self
            .methods
            .iter()
            .map(|(name, method)| MethodSnapshot {
                method: name,
                limits_known: method.budget.known,
                windows: method.budget.snapshot(now),
                blocked_for: blocked_for(&method.budget, now),
                in_flight: method.budget.in_flight,
                waiting: method.queue.waiting(),
                sent: method.sent,
                refusals: method.refusals,
            })
            .collect();
        let jobs = self.jobs.all().map(|(id, job)| JobSnapshot {
            job: job.name.to_string(),
            share: job.weight,
            waiting: self.methods.values().map(|method| method.queue.of_job(id)).sum(),
            sent: job.sent,
        });
        let [interactive, refresh, backfill] = CLASSES.map(|class| self.waits[class as usize]);
        RouteSnapshot {
            route,
            sharing,
            limits_known: self.app.known,
            windows: self.app.snapshot(now),
            blocked_for: blocked_for(&self.app, now),
            in_flight: self.app.in_flight,
            garbled_headers: self.garbled_headers,
            waits: Waits { interactive, refresh, backfill },
            methods,
            jobs: jobs.collect(),
        }
    }
}

pub(super) fn blocked_for(budget: &Budget, now: Instant) -> Duration {
    budget.blocked_until(now).map_or(Duration::ZERO, |until| until - now)
}
