//! What the Riot API can be asked: the one trait that jobs and verbs know.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use riftwatch_domain::matches::{Match, MatchId, QueueId};
use riftwatch_domain::player::{Account, Puuid, RiotId, Summoner};
use riftwatch_domain::rank::RankEntry;
use riftwatch_domain::routing::{Platform, Region, Route};

use crate::error::RiotError;

/// The Riot API, in domain types.
///
/// Not found is `Ok(None)`. Each call costs at least one request of the key's budget, more when it
/// is repeated after a server's error; [`Caller::requests_sent`] counts them. Dropping a call's future gives up the
/// call; its place in the budget is freed when it is safe to.
#[async_trait]
pub trait RiotApi: Send + Sync + fmt::Debug {
    /// The account of a Riot ID, whatever its platform. `None`: nobody has this name.
    async fn account_by_riot_id(
        &self,
        caller: &Caller,
        region: Region,
        riot_id: &RiotId,
    ) -> Result<Option<Account>, RiotError>;

    /// The account of a puuid: its current Riot ID.
    async fn account_by_puuid(
        &self,
        caller: &Caller,
        region: Region,
        puuid: &Puuid,
    ) -> Result<Option<Account>, RiotError>;

    /// The League profile of an account on a platform. `None`: it does not play there.
    async fn summoner_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Option<Summoner>, RiotError>;

    /// Ranks in every ranked queue; empty when unranked.
    async fn league_entries_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Vec<RankEntry>, RiotError>;

    /// Match ids, newest first. `None`: Riot does not know the player.
    async fn match_ids(
        &self,
        caller: &Caller,
        region: Region,
        puuid: &Puuid,
        query: &MatchIdsQuery,
    ) -> Result<Option<Vec<MatchId>>, RiotError>;

    /// A match. `None`: gone, too old, or never a proper game. [`RiotError::PrivateMatch`]: it
    /// exists and may not be read.
    async fn match_by_id(
        &self,
        caller: &Caller,
        match_id: &MatchId,
    ) -> Result<Option<Match>, RiotError>;

    /// The share of the key's budget on a route that is free now, of its scarcest window: 0 to 1.
    /// Of a route that was never used all of it. For work that shall leave room for other work.
    fn free_share(&self, _route: Route) -> f64 {
        1.0
    }
}

/// Which of a player's matches to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchIdsQuery {
    /// Only matches that started at this time or later. Riot counts in whole seconds.
    pub start_time: Option<DateTime<Utc>>,
    /// Only matches that started before this time.
    pub end_time: Option<DateTime<Utc>>,
    /// Only matches of this queue.
    pub queue: Option<QueueId>,
    /// How many of the newest to skip.
    pub start: u32,
    /// How many to list, 0 to 100.
    pub count: u32,
}

impl Default for MatchIdsQuery {
    fn default() -> Self {
        Self { start_time: None, end_time: None, queue: None, start: 0, count: 20 }
    }
}

/// How urgent a call is. Waiting calls of a more urgent class go first, within a fair share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum CallClass {
    /// A person waits for the answer.
    Interactive,
    /// Keeping a known player current.
    #[default]
    Refresh,
    /// Filling up the past.
    Backfill,
}

/// Who asks: how urgent it is, how long the caller will wait for its turn, and a count of what
/// was sent. Clones share the count.
#[derive(Clone, Default)]
pub struct Caller {
    class: CallClass,
    patience: Option<Duration>,
    job: Option<Arc<str>>,
    sent: Arc<AtomicU64>,
    on_request: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("class", &self.class)
            .field("patience", &self.patience)
            .field("job", &self.job)
            .field("requests_sent", &self.requests_sent())
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller of a class, with endless patience.
    pub fn new(class: CallClass) -> Self {
        Self { class, ..Self::default() }
    }

    /// Gives up with [`RiotError::RateLimited`] at once when the call's turn in the budget is
    /// further away than this.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// For whom it is: a job type's kind. Within a class the jobs that wait share the turns, equally
    /// unless [`RiotClientConfig::job_shares`](crate::RiotClientConfig::job_shares) says otherwise;
    /// callers without a job count as one more.
    #[must_use]
    pub fn for_job(mut self, kind: impl Into<Arc<str>>) -> Self {
        self.job = Some(kind.into());
        self
    }

    /// Calls `then` at each request that goes out, for a count that outlives the caller.
    #[must_use]
    pub fn on_request(mut self, then: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_request = Some(Arc::new(then));
        self
    }

    /// How urgent it is.
    pub fn class(&self) -> CallClass {
        self.class
    }

    /// For which job type; empty: none.
    pub fn job(&self) -> &str {
        self.job.as_deref().unwrap_or_default()
    }

    /// How long to wait for a turn; `None`: as long as it takes.
    pub fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Requests that went out so far, repetitions included.
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Counts one request that goes out.
    pub fn count_request(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(then) = &self.on_request {
            then();
        }
    }
}
