//! The limiter's state at one moment, for metrics and for people.

use std::time::Duration;

use riftwatch_domain::routing::Route;

/// All routes that were used so far, in order of their names' declaration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimiterSnapshot {
    /// One per route.
    pub routes: Vec<RouteSnapshot>,
}

/// One route: what the key may do there, and its methods.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSnapshot {
    /// Which route.
    pub route: Route,
    /// Whether Riot has told the key's limits; `false`: they are guessed.
    pub limits_known: bool,
    /// The key's windows on the route.
    pub windows: Vec<WindowSnapshot>,
    /// How long a refusal still stops the whole route; zero when it does not.
    pub blocked_for: Duration,
    /// Requests that are sent and not answered.
    pub in_flight: u32,
    /// Rate-limit headers that were there and could not be read, since the start.
    pub garbled_headers: u64,
    /// The methods used so far.
    pub methods: Vec<MethodSnapshot>,
}

impl RouteSnapshot {
    /// Requests sent on the route since the start, repetitions included.
    pub fn sent(&self) -> u64 {
        self.methods.iter().map(|method| method.sent).sum()
    }

    /// Answers of status 429 on the route since the start.
    pub fn refusals(&self) -> Refusals {
        self.methods.iter().fold(Refusals::default(), |sum, method| sum.plus(method.refusals))
    }

    /// Calls that wait for their turn on the route.
    pub fn waiting(&self) -> Waiting {
        self.methods.iter().fold(Waiting::default(), |sum, method| sum.plus(method.waiting))
    }
}

/// One method on a route.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodSnapshot {
    /// Riot's method id, `match-v5.getMatch`.
    pub method: &'static str,
    /// Whether Riot has told the method's limits.
    pub limits_known: bool,
    /// The method's windows; none while they are not known.
    pub windows: Vec<WindowSnapshot>,
    /// How long a refusal still stops the method; zero when it does not.
    pub blocked_for: Duration,
    /// Requests that are sent and not answered.
    pub in_flight: u32,
    /// Calls that wait for their turn.
    pub waiting: Waiting,
    /// Requests sent since the start, repetitions included.
    pub sent: u64,
    /// Answers of status 429 since the start.
    pub refusals: Refusals,
}

/// One window of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSnapshot {
    /// Requests allowed, as Riot says.
    pub limit: u32,
    /// In how long.
    pub period: Duration,
    /// Tokens that our requests hold: in flight, or answered within the period.
    pub held: u64,
    /// Tokens set aside for use of the key by others.
    pub foreign: u64,
    /// Tokens that are left.
    pub free: u64,
    /// Earliest time at which one is free, from now.
    pub next_free_in: Duration,
}

/// Calls that wait, by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Somebody waits for the answer.
    pub interactive: usize,
    /// Known players are kept current.
    pub refresh: usize,
    /// The past is filled up.
    pub backfill: usize,
}

impl Waiting {
    /// Of all classes.
    pub fn total(self) -> usize {
        self.interactive + self.refresh + self.backfill
    }

    fn plus(self, other: Self) -> Self {
        Self {
            interactive: self.interactive + other.interactive,
            refresh: self.refresh + other.refresh,
            backfill: self.backfill + other.backfill,
        }
    }
}

/// Answers of status 429, by the scope that Riot named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals {
    /// The key's limit on the route.
    pub application: u64,
    /// The method's limit on the route.
    pub method: u64,
    /// A limit that all keys share.
    pub service: u64,
    /// None named.
    pub untyped: u64,
}

impl Refusals {
    /// Of all scopes.
    pub fn total(self) -> u64 {
        self.application + self.method + self.service + self.untyped
    }

    fn plus(self, other: Self) -> Self {
        Self {
            application: self.application + other.application,
            method: self.method + other.method,
            service: self.service + other.service,
            untyped: self.untyped + other.untyped,
        }
    }
}
