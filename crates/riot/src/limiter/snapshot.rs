//! The limiter's state at one moment, for metrics and for people.

use std::time::Duration;

use riftwatch_domain::routing::Route;
use serde::{Serialize, Serializer};

use super::waits::WaitHistogram;
use crate::error::LimitScope;

/// All routes that were used so far, in order of their names' declaration.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LimiterSnapshot {
    /// One per route.
    pub routes: Vec<RouteSnapshot>,
}

/// One route: what the key may do there, and its methods.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteSnapshot {
    /// Which route.
    #[serde(serialize_with = "name")]
    pub route: Route,
    /// Who may spend the budget now.
    pub sharing: Sharing,
    /// Whether Riot has told the key's limits; `false`: they are guessed.
    pub limits_known: bool,
    /// The key's windows on the route.
    pub windows: Vec<WindowSnapshot>,
    /// How long a refusal still stops the whole route; zero when it does not.
    #[serde(rename = "blocked_for_seconds", serialize_with = "seconds")]
    pub blocked_for: Duration,
    /// Requests that are sent and not answered.
    pub in_flight: u32,
    /// Rate-limit headers that were there and could not be read, since the start.
    pub garbled_headers: u64,
    /// How long calls of each class waited for their turn.
    pub waits: Waits,
    /// The methods used so far.
    pub methods: Vec<MethodSnapshot>,
    /// The job types that made calls; the name is empty for calls of none.
    pub jobs: Vec<JobSnapshot>,
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodSnapshot {
    /// Riot's method id, `match-v5.getMatch`.
    pub method: &'static str,
    /// Whether Riot has told the method's limits.
    pub limits_known: bool,
    /// The method's windows; none while they are not known.
    pub windows: Vec<WindowSnapshot>,
    /// How long a refusal still stops the method; zero when it does not.
    #[serde(rename = "blocked_for_seconds", serialize_with = "seconds")]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowSnapshot {
    /// Requests allowed, as Riot says.
    pub limit: u32,
    /// In how long.
    #[serde(rename = "period_seconds", serialize_with = "seconds")]
    pub period: Duration,
    /// Tokens that our requests hold: in flight, or answered within the period.
    pub held: u64,
    /// Tokens that others used within the period with the same key, as Riot's counts betray.
    pub foreign: u64,
    /// Tokens set aside for others: for what they used, and for what they can be expected to use.
    pub set_aside: u64,
    /// Tokens that are left.
    pub free: u64,
    /// Earliest time at which one is free, from now.
    #[serde(rename = "next_free_in_seconds", serialize_with = "seconds")]
    pub next_free_in: Duration,
    /// Requests of this process since its first one, against what the window allows in that time
    /// (at least one period), `0..=1`. Near 1: the limit is what holds the work up.
    pub utilisation: f64,
}

/// Who may spend a route's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// This process; the budget is not shared with others.
    Alone,
    /// This process, for the moment.
    Here,
    /// Nobody in this process: another one has the turn, or nobody wants it.
    Elsewhere,
    /// Nobody, since the record of what was spent cannot be reached.
    Unavailable,
}

/// One job type on a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobSnapshot {
    /// Its kind.
    pub job: String,
    /// Its share of the turns, against those of the others that wait.
    pub share: u64,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// Requests sent since the start, repetitions included.
    pub sent: u64,
}

/// Waits by class, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Waits {
    /// Somebody waited for the answer.
    pub interactive: WaitHistogram,
    /// Known players were kept current.
    pub refresh: WaitHistogram,
    /// The past was filled up.
    pub backfill: WaitHistogram,
}

fn name<S: Serializer>(route: &Route, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(route.as_str())
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Calls that wait, by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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

    pub(super) fn count(&mut self, scope: Option<LimitScope>) {
        *match scope {
            Some(LimitScope::Application) => &mut self.application,
            Some(LimitScope::Method) => &mut self.method,
            Some(LimitScope::Service | LimitScope::Local) => &mut self.service,
            None => &mut self.untyped,
        } += 1;
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
