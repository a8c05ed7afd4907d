//! Bringing one player current: new matches, and the ranks if they can have changed.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Duration, Utc};
use futures::stream::StreamExt;
use riftwatch_domain::causes::chain;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::Player;
use riftwatch_riot::api::{Caller, MatchIdsQuery};
use riftwatch_riot::error::{RiotError, Verdict};
use riftwatch_store::matches::{RejectReason, Stored};
use riftwatch_store::sync_cursors::ALL_QUEUES;
use riftwatch_store::{Conn, StoreError, looks, matches, players, ranks, sync_cursors};
use tokio_util::sync::CancellationToken;

use crate::asking::{Answer, Else};
use crate::deps::Deps;
use crate::{rekey, storing};

/// How far behind the cursor the list of matches begins. A match is listed when it has ended, and
/// lists of parallel queues are not strictly in order: what ends late started before.
const OVERLAP_H: i64 = 6;

/// The most ids that one list call gives.
const PAGE: u32 = 100;

/// Matches fetched side by side for one player. Enough to use a production key's 50 requests a
/// second at a round trip of 80 ms; each is stored as soon as it is there.
pub(crate) const LANES: usize = 4;

/// Something that was done for a player, told as it happens, so that no end of the run loses count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncEvent {
    /// A match was stored.
    MatchStored(Stored),
    /// A match cannot be stored, now (`false`) or ever (`true`); the others go on.
    MatchSkipped {
        /// Whether it will not be asked for again.
        for_good: bool,
    },
    /// So many queues' ranks had changed and were stored.
    RanksChanged(usize),
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synced {
    /// The player is current.
    Current,
    /// There is more to fetch: the limit per run was reached, a match failed, or somebody asked to
    /// stop. The next sync goes on from here.
    MoreToDo,
    /// Current but for a listed match that Riot does not have yet.
    WaitsForRiot,
    /// Riot does not know the player (any more).
    Unknown,
}

/// Why a sync broke off. What was stored stays stored.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Riot gave no answer that the work can go on with.
    #[error("asking riot for {what} of player {puuid}")]
    Riot {
        /// What was asked for.
        what: &'static str,
        /// Whose.
        puuid: String,
        /// Why there is none.
        #[source]
        source: RiotError,
    },
    /// The database gave no answer.
    #[error("storing matches of player {puuid}")]
    Store {
        /// Whose.
        puuid: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl SyncError {
    /// What the error means for the other players of the run.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Riot { source, .. } => source.verdict(),
            Self::Store { source, .. } if source.is_transient() => Verdict::Stop,
            Self::Store { .. } => Verdict::SkipItem,
        }
    }

    /// Whether the player's puuid belongs to another API key.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Riot { source, .. } if rekey::is_foreign(source))
    }
}

/// One player's work, and how to talk about it.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) caller: &'a Caller,
    pub(crate) player: &'a Player,
    pub(crate) on_event: &'a (dyn Fn(SyncEvent) + Send + Sync),
}

/// Fetches and stores what a player played since the cursor, oldest first and at most
/// `max_matches`, then the player's ranks, unless no ranked game ended since they were last seen.
///
/// The cursor moves to the start of the newest match before which everything listed is stored.
/// The first sync takes the newest `max_matches`: there tracking begins. Costs one call per hundred
/// listed matches, one per new match, one for the ranks.
///
/// # Errors
///
/// See [`SyncError`].
pub async fn sync_player(
    deps: &Deps,
    caller: &Caller,
    player: &Player,
    max_matches: u32,
    cancel: &CancellationToken,
    on_event: &(dyn Fn(SyncEvent) + Send + Sync),
) -> Result<Synced, SyncError> {
    let work = Work { deps, caller, player, on_event };
    let Some(matches) = work.matches(max_matches, cancel).await? else {
        return Ok(Synced::Unknown);
    };
    if cancel.is_cancelled() {
        return Ok(Synced::MoreToDo);
    }
    work.ranks().await?;
    if matches != Synced::MoreToDo {
        let mut conn = deps.store.get().await.map_err(|source| work.store_error(source))?;
        players::mark_synced(&mut conn, &player.puuid, deps.clock.now())
            .await
            .map_err(|source| work.store_error(source))?;
    }
    Ok(matches)
}

impl Work<'_> {
    async fn matches(
        &self,
        max_matches: u32,
        cancel: &CancellationToken,
    ) -> Result<Option<Synced>, SyncError> {
        let cursor = self.cursor().await?;
        let Some(listed) = self.list(cursor, max_matches).await? else {
            return Ok(None);
        };
        let mut walk = self.walk(listed).await?;
        let within_limit = usize::try_from(max_matches).unwrap_or(usize::MAX);
        let mut left = walk.missing.len() > within_limit;
        let mut todo = walk.missing.clone().into_iter().take(within_limit);

        // Until a cursor exists, a second start would list a later window and leave a gap behind
        // what is stored: so the oldest match goes first, alone, and leaves one.
        let mut result = Ok(());
        while cursor.is_none()
            && walk.reached().is_none()
            && result.is_ok()
            && !cancel.is_cancelled()
        {
            let Some(oldest) = todo.next() else { break };
            result = self.fetch(&oldest).await.map(|fetched| walk.settle(oldest, fetched));
            self.advance(&walk).await?;
        }
        let broken_off = AtomicBool::new(result.is_err());
        let go_on = || !cancel.is_cancelled() && !broken_off.load(Ordering::Relaxed);
        let mut lanes = pin!(
            self.claims(todo, &go_on)
                .map(async |claimed| {
                    let (id, wish) = claimed?;
                    let answer = self.ask(&id, wish, Else::Wait).await?;
                    Ok((self.take(answer).await?, id))
                })
                .buffer_unordered(LANES)
        );
        while let Some(fetched) = lanes.next().await {
            match fetched {
                Ok((fetched, id)) => walk.settle(id, fetched),
                // Nothing new is begun, but what the other lanes have under way is paid for:
                // it is waited for and stored.
                Err(error) => {
                    broken_off.store(true, Ordering::Relaxed);
                    result = result.and(Err(error));
                }
            }
        }
        self.advance(&walk).await?;
        result?;
        left |= !walk.missing_is_settled(within_limit);
        Ok(Some(match (left, walk.waits_for_riot) {
            (true, _) => Synced::MoreToDo,
            (false, true) => Synced::WaitsForRiot,
            (false, false) => Synced::Current,
        }))
    }

    async fn cursor(&self) -> Result<Option<sync_cursors::Synced>, SyncError> {
        let mut conn = self.conn().await?;
        sync_cursors::find(&mut conn, &self.player.puuid, ALL_QUEUES)
            .await
            .map_err(|source| self.store_error(source))
    }

    /// Ids of what may be new, oldest first; `None`: Riot does not know the player.
    async fn list(
        &self,
        cursor: Option<sync_cursors::Synced>,
        max_matches: u32,
    ) -> Result<Option<Vec<MatchId>>, SyncError> {
        // What was played before tracking began is none of a sync's business.
        let start_time =
            cursor.map(|synced| synced.from.max(synced.until - Duration::hours(OVERLAP_H)));
        let count = if cursor.is_some() { PAGE } else { max_matches.clamp(1, PAGE) };
        let mut seen = HashSet::new();
        let mut newest_first = Vec::new();
        loop {
            let start = u32::try_from(newest_first.len()).unwrap_or(u32::MAX);
            let query = MatchIdsQuery { start_time, start, count, ..MatchIdsQuery::default() };
            let region = self.player.platform.region();
            let page = self
                .deps
                .riot
                .match_ids(self.caller, region, &self.player.puuid, &query)
                .await
                .map_err(|source| self.riot_error("the matches", source))?;
            let Some(page) = page else { return Ok(None) };
            let full = page.len() >= count as usize;
            let before = newest_first.len();
            // A match that ends between two pages moves the rest down by one: the same id twice.
            newest_first.extend(page.into_iter().filter(|id| seen.insert(id.clone())));
            let grew = newest_first.len() > before;
            if cursor.is_none() || !full || !grew {
                break;
            }
        }
        newest_first.reverse();
        Ok(Some(newest_first))
    }

    /// What is known of the listed ids.
    async fn walk(&self, listed: Vec<MatchId>) -> Result<Walk, SyncError> {
        let now = self.deps.clock.now();
        let mut conn = self.conn().await?;
        let missing = matches::missing(&mut conn, &listed, now)
            .await
            .map_err(|source| self.store_error(source))?;
        let starts =
            matches::starts(&mut conn, &listed).await.map_err(|source| self.store_error(source))?;
        let starts = starts.into_iter().collect();
        Ok(Walk { listed, missing, starts, settled: HashSet::new(), waits_for_riot: false })
    }

    /// Gets one match and stores it. The only error is one that ends the whole sync.
    pub(crate) async fn fetch(&self, id: &MatchId) -> Result<Fetched, SyncError> {
        let answer = self.ask(id, self.wish_for(id).await?, Else::Wait).await?;
        self.take(answer).await
    }

    /// Stores what is there to be stored.
    async fn take(&self, answer: Answer) -> Result<Fetched, SyncError> {
        match answer {
            Answer::Match(game, held) => {
                let mut conn = self.conn().await?;
                let fetched = self.store(&mut conn, &game).await?;
                held.stored();
                Ok(fetched)
            }
            Answer::Stored(start) => Ok(Fetched::Stored(start)),
            Answer::Rejected { for_good: true } => Ok(Fetched::Rejected),
            Answer::Rejected { for_good: false } => Ok(Fetched::MayAppear),
            Answer::NotNow | Answer::Elsewhere => Ok(Fetched::NotNow),
        }
    }

    /// Stores a match. One that the tables refuse is written down, and does not stop the others.
    pub(crate) async fn store(&self, conn: &mut Conn, game: &Match) -> Result<Fetched, SyncError> {
        let id = &game.match_id;
        match storing::store(self.deps, conn, std::slice::from_ref(game)).await {
            Ok(stored) => {
                tracing::debug!(match.id = %id, "stored match {id}");
                stored.into_iter().map(SyncEvent::MatchStored).for_each(self.on_event);
                Ok(Fetched::Stored(game.game_start))
            }
            Err(source) if source.is_transient() => Err(self.store_error(source)),
            Err(error) => {
                tracing::warn!(match.id = %id, error = chain(&error), "match {id} does not fit the tables");
                self.reject(conn, id, RejectReason::Malformed, &chain(&error)).await?;
                Ok(Fetched::Rejected)
            }
        }
    }

    async fn advance(&self, walk: &Walk) -> Result<(), SyncError> {
        let Some(reached) = walk.reached() else { return Ok(()) };
        let mut conn = self.conn().await?;
        let now = self.deps.clock.now();
        sync_cursors::advance(&mut conn, &self.player.puuid, ALL_QUEUES, reached, now)
            .await
            .map_err(|source| self.store_error(source))
    }

    pub(crate) async fn ranks(&self) -> Result<(), SyncError> {
        let puuid = &self.player.puuid;
        let mut conn = self.conn().await?;
        let due = looks::ranks_are_due(&mut conn, puuid).await;
        drop(conn);
        if !due.map_err(|source| self.store_error(source))? {
            return Ok(());
        }
        // What ends while Riot answers is newer than the answer.
        let asked_at = self.deps.clock.now();
        let entries = self
            .deps
            .riot
            .league_entries_by_puuid(self.caller, self.player.platform, puuid)
            .await
            .map_err(|source| self.riot_error("the rank", source))?;
        let mut conn = self.conn().await?;
        let changed = ranks::record(&mut conn, puuid, &entries, self.deps.clock.now())
            .await
            .map_err(|source| self.store_error(source))?;
        looks::ranks_looked_at(&mut conn, puuid, asked_at)
            .await
            .map_err(|source| self.store_error(source))?;
        if changed > 0 {
            (self.on_event)(SyncEvent::RanksChanged(changed));
        }
        Ok(())
    }

    pub(crate) async fn conn(&self) -> Result<riftwatch_store::PooledConn, SyncError> {
        self.deps.store.get().await.map_err(|source| self.store_error(source))
    }

    pub(crate) fn riot_error(&self, what: &'static str, source: RiotError) -> SyncError {
        SyncError::Riot { what, puuid: self.player.puuid.to_string(), source }
    }

    pub(crate) fn store_error(&self, source: StoreError) -> SyncError {
        SyncError::Store { puuid: self.player.puuid.to_string(), source }
    }
}

/// What became of one match.
pub(crate) enum Fetched {
    /// It is stored and started at this time.
    Stored(DateTime<Utc>),
    /// It will not be asked for again.
    Rejected,
    /// Riot lists it and does not have it: it is asked for again in some minutes.
    MayAppear,
    /// It failed for now: the cursor must not pass it.
    NotNow,
}

/// The listed matches, oldest first, and what is known of each.
struct Walk {
    listed: Vec<MatchId>,
    missing: Vec<MatchId>,
    starts: HashMap<MatchId, DateTime<Utc>>,
    settled: HashSet<MatchId>,
    waits_for_riot: bool,
}

impl Walk {
    fn settle(&mut self, id: MatchId, fetched: Fetched) {
        match fetched {
            Fetched::Stored(start) => {
                self.starts.insert(id.clone(), start);
                self.settled.insert(id);
            }
            Fetched::Rejected => {
                self.settled.insert(id);
            }
            // Nor does it hold the cursor, which looks back far enough.
            Fetched::MayAppear => {
                self.settled.insert(id);
                self.waits_for_riot = true;
            }
            Fetched::NotNow => {}
        }
    }

    fn missing_is_settled(&self, within_limit: usize) -> bool {
        self.missing.iter().take(within_limit).all(|id| self.settled.contains(id))
    }

    /// The span of the matches before the first gap.
    fn reached(&self) -> Option<sync_cursors::Synced> {
        let missing: HashSet<&MatchId> = self.missing.iter().collect();
        let starts = || {
            self.listed
                .iter()
                .take_while(|id| !missing.contains(id) || self.settled.contains(*id))
                .filter_map(|id| self.starts.get(id))
                .copied()
        };
        Some(sync_cursors::Synced { from: starts().min()?, until: starts().max()? })
    }
}
