//! The limiter of one route as a pure state machine: time comes in as a value, who may go comes out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Answer;
use super::budget::{Budget, Turn};
use super::shares::{CLASSES, Shares, expected_ahead};
use super::snapshot::{MethodSnapshot, Refusals, RouteSnapshot, Waiting, WindowSnapshot};
use crate::api::CallClass;
use crate::error::LimitScope;
use riftwatch_domain::routing::Route;

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
    /// When the tokens were taken; the request is sent at this time or later.
    pub(super) at: Instant,
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
    /// First come, first served within a class. Other methods' callers are not in the way: a
    /// method that Riot has closed for a minute must not hold up the rest of the route.
    waiting: [VecDeque<Ticket>; 3],
    sent: u64,
    refusals: Refusals,
}

/// Everything about one route.
#[derive(Debug)]
pub(super) struct RouteState {
    usage_factor: f64,
    app: Budget,
    methods: BTreeMap<&'static str, Method>,
    shares: Shares,
    next_ticket: u64,
    garbled_headers: u64,
}

impl RouteState {
    pub(super) fn new(usage_factor: f64) -> Self {
        Self {
            usage_factor,
            app: Budget::guessed(&LEAST_KEY, usage_factor),
            methods: BTreeMap::new(),
            shares: Shares::default(),
            next_ticket: 0,
            garbled_headers: 0,
        }
    }

    fn method(&mut self, method: &'static str) -> &mut Method {
        let usage_factor = self.usage_factor;
        self.methods.entry(method).or_insert_with(|| Method {
            budget: Budget::guessed(&[], usage_factor),
            waiting: Default::default(),
            sent: 0,
            refusals: Refusals::default(),
        })
    }

    /// Stands in the queue. [`RouteState::poll`] says when it is this one's turn.
    pub(super) fn enter(&mut self, method: &'static str, class: CallClass) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.method(method).waiting[class as usize].push_back(ticket);
        ticket
    }

    /// Leaves the queue; nothing happens when the turn has come already.
    pub(super) fn leave(&mut self, method: &'static str, class: CallClass, ticket: Ticket) {
        let queue = &mut self.method(method).waiting[class as usize];
        if let Ok(index) = queue.binary_search(&ticket) {
            queue.remove(index);
        }
    }

    /// Takes tokens for everyone who may go now.
    pub(super) fn poll(&mut self, now: Instant) -> Polled {
        let mut granted = Vec::new();
        while let Some((class, method)) = self.next(now) {
            let entry = self.method(method);
            let ticket =
                entry.waiting[class as usize].pop_front().expect("it was chosen as waiting");
            entry.budget.take();
            self.app.take();
            granted.push(Granted { ticket, method, class, at: now });
        }
        let app = self.app.turn(now, 0);
        let wake_at = self
            .methods
            .values()
            .filter(|method| method.waiting.iter().any(|queue| !queue.is_empty()))
            .map(|method| app.and(method.budget.turn(now, 0)))
            .filter(|turn| !turn.needs_answer)
            .map(|turn| turn.not_before)
            .min();
        Polled { granted, wake_at }
    }

    /// Who goes next, if anyone may.
    fn next(&mut self, now: Instant) -> Option<(CallClass, &'static str)> {
        if !self.app.turn(now, 0).is_now(now) {
            return None;
        }
        let mut first: [Option<(Ticket, &'static str)>; 3] = [None; 3];
        for (name, method) in &self.methods {
            if !method.waiting.iter().any(|queue| !queue.is_empty())
                || !method.budget.turn(now, 0).is_now(now)
            {
                continue;
            }
            for class in CLASSES {
                let Some(ticket) = method.waiting[class as usize].front() else { continue };
                let known = &mut first[class as usize];
                if known.is_none_or(|(earlier, _)| *ticket < earlier) {
                    *known = Some((*ticket, name));
                }
            }
        }
        let class = self.shares.pick(first.map(|place| place.is_some()))?;
        first[class as usize].map(|(_, method)| (class, method))
    }

    /// The earliest time at which a newcomer's turn can be, by all that is known.
    pub(super) fn earliest_turn(
        &mut self,
        method: &'static str,
        class: CallClass,
        now: Instant,
    ) -> Instant {
        self.method(method);
        let mut route_waiting = [0; 3];
        let mut method_waiting = [0; 3];
        for (name, other) in &self.methods {
            // Whoever waits for a closed method is not before us at the route's door.
            if *name != method && other.budget.blocked_until(now).is_some() {
                continue;
            }
            for class in CLASSES {
                let count = other.waiting[class as usize].len() as u64;
                route_waiting[class as usize] += count;
                if *name == method {
                    method_waiting[class as usize] += count;
                }
            }
        }
        let ahead = |waiting: [u64; 3]| expected_ahead(class, waiting[class as usize], waiting);
        let turn: Turn = self.app.turn(now, ahead(route_waiting));
        turn.and(self.methods[method].budget.turn(now, ahead(method_waiting))).not_before
    }

    /// The request goes out.
    pub(super) fn sending(&mut self, granted: &Granted) {
        self.method(granted.method).sent += 1;
    }

    /// The tokens were not needed: nothing reached Riot.
    pub(super) fn unsent(&mut self, granted: &Granted) {
        self.app.give_back();
        self.method(granted.method).budget.give_back();
    }

    /// The request was sent and will not be answered any more.
    pub(super) fn unanswered(&mut self, granted: &Granted, now: Instant) {
        self.app.hold(now);
        self.method(granted.method).budget.hold(now);
    }

    /// The request was answered. `dice`: a random number, 0 to 1.
    pub(super) fn answered(&mut self, granted: &Granted, now: Instant, answer: &Answer, dice: f64) {
        self.unanswered(granted, now);
        self.garbled_headers += answer.garbled();
        self.app.learn(now, granted.at, &answer.app);
        let method = self.method(granted.method);
        method.budget.learn(now, granted.at, &answer.method);
        let Some(refusal) = answer.refusal else {
            method.budget.accept(granted.at);
            self.app.accept(granted.at);
            return;
        };
        let wait = refusal.retry_after;
        match refusal.scope {
            Some(LimitScope::Application) => {
                method.refusals.application += 1;
                self.app.refuse(now, &answer.app, wait, dice);
            }
            Some(LimitScope::Method) => {
                method.refusals.method += 1;
                method.budget.refuse(now, &answer.method, wait, dice);
            }
            Some(LimitScope::Service | LimitScope::Local) => {
                method.refusals.service += 1;
                method.budget.back_off(now, granted.at, wait, dice);
            }
            None => {
                method.refusals.untyped += 1;
                method.budget.back_off(now, granted.at, wait, dice);
            }
        }
    }

    pub(super) fn snapshot(&self, route: Route, now: Instant) -> RouteSnapshot {
        let methods: Vec<MethodSnapshot> = self
            .methods
            .iter()
            .map(|(name, method)| MethodSnapshot {
                method: name,
                limits_known: method.budget.is_known(),
                windows: windows(&method.budget, now),
                blocked_for: blocked_for(&method.budget, now),
                in_flight: method.budget.in_flight(),
                waiting: Waiting {
                    interactive: method.waiting[CallClass::Interactive as usize].len(),
                    refresh: method.waiting[CallClass::Refresh as usize].len(),
                    backfill: method.waiting[CallClass::Backfill as usize].len(),
                },
                sent: method.sent,
                refusals: method.refusals,
            })
            .collect();
        RouteSnapshot {
            route,
            limits_known: self.app.is_known(),
            windows: windows(&self.app, now),
            blocked_for: blocked_for(&self.app, now),
            in_flight: self.app.in_flight(),
            garbled_headers: self.garbled_headers,
            methods,
        }
    }
}

fn windows(budget: &Budget, now: Instant) -> Vec<WindowSnapshot> {
    budget
        .windows()
        .iter()
        .map(|window| {
            let (held, foreign, free) = budget.use_of(window, now);
            WindowSnapshot {
                limit: window.limit,
                period: window.period,
                held,
                foreign,
                free,
                next_free_in: budget.next_free(window, now).saturating_duration_since(now),
            }
        })
        .collect()
}

fn blocked_for(budget: &Budget, now: Instant) -> Duration {
    budget.blocked_until(now).map_or(Duration::ZERO, |until| until - now)
}
