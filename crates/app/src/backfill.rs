//! Filling up the past of players met in others' matches, as far as detection wants it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::StreamExt;
use riftwatch_domain::causes::chain;
use riftwatch_domain::matches::{Match, QueueId};
use riftwatch_domain::player::Player;
use riftwatch_domain::routing::Route;
use riftwatch_riot::api::{Caller, MatchIdsQuery};
use riftwatch_riot::error::{RiotError, Verdict};
use riftwatch_store::looks::{self, Fillable, Plan};
use riftwatch_store::matches::RejectReason;
use riftwatch_store::{StoreError, matches, players};
use tokio_util::sync::CancellationToken;

use crate::asking::{self, Answer, Asked, Else, ask_riot};
use crate::deps::Deps;
use crate::held::{Held, Wish};
use crate::sync::{Fetched, LANES, SyncError, SyncEvent, Work};
use crate::{rekey, storing};

/// Matches stored in one transaction. What a `kill -9` can waste at most, with what is under way.
const BATCH: usize = 10;

/// Who was filled is left alone for so long: the sample is there, or there is no more to have.
const PAUSE: TimeDelta = TimeDelta::days(7);

/// What to have of each player.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Ranked solo games.
    pub games: u32,
    /// None that began earlier. What is older than matches are kept would be let go of by the next
    /// clearing up, and asked for again.
    pub since: DateTime<Utc>,
}

/// How filling a player ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// As many ranked games as wanted are stored, or as many as there are.
    Full,
    /// Some could not be had, or somebody asked to stop. The next run goes on from here.
    MoreToDo,
    /// Riot does not know the player.
    Unknown,
}

/// Players worth filling: met in one of the newest `recent` matches, not tracked, with fewer than
/// `sample` ranked solo games stored; who needs the fewest requests first.
///
/// # Errors
///
/// When the database fails.
pub async fn fillable(
    deps: &Deps,
    recent: u32,
    sample: u32,
    limit: u32,
) -> Result<Vec<Fillable>, StoreError> {
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    asking::sweep(&mut conn).await?;
    looks::fillable(&mut conn, recent.into(), sample.into(), limit.into(), now).await
}

/// Whether less than `share` of the key's budget for a player's matches is in use, by whomever.
pub fn has_room(deps: &Deps, player: &Fillable, share: f64) -> bool {
    deps.riot.free_share(Route::Region(player.platform.region())) > 1.0 - share
}

/// Stores a player's newest ranked solo games up to the sample, never one that is stored, in batches;
/// and the player's ranks. Costs one call for the list, one for each missing match, one for the ranks.
///
/// # Errors
///
/// See [`SyncError`]. What was fetched is stored.
pub async fn fill(
    deps: &Deps,
    caller: &Caller,
    fillable: &Fillable,
    sample: Sample,
    cancel: &CancellationToken,
    on_event: &(dyn Fn(SyncEvent) + Send + Sync),
) -> Result<Filled, SyncError> {
    let store_error = |source| SyncError::Store { puuid: fillable.puuid.to_string(), source };
    let mut conn = deps.store.get().await.map_err(store_error)?;
    let player = players::find(&mut conn, &fillable.puuid).await.map_err(store_error)?;
    drop(conn);
    let Some(player) = player else { return Ok(Filled::Unknown) };
    let work = Work { deps, caller, player: &player, on_event };
    let filled = match work.fill(sample, cancel).await {
        Err(error) if error.is_foreign() => {
            let again = rekey::find_again(deps, caller, &player)
                .await
                .map_err(|error| error.of(&player))?;
            let Some(again) = again else {
                pause(deps, &player, None).await.map_err(store_error)?;
                return Err(error);
            };
            let work = Work { player: &again, ..work };
            let filled = work.fill(sample, cancel).await?;
            finish(deps, &again, filled).await.map_err(store_error)?;
            filled
        }
        Err(error) => return Err(error),
        Ok(filled) => {
            finish(deps, &player, filled).await.map_err(store_error)?;
            filled
        }
    };
    Ok(filled)
}

/// Why matches that could not be read are not asked for again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// Riot gave no answer that the work can go on with.
    #[error("asking riot for a match that could not be read")]
    Riot(#[source] RiotError),
    /// The database gave no answer.
    #[error("matches that could not be read")]
    Store(#[from] StoreError),
}

/// Asks again for up to `limit` matches that an older reader could not read. Costs one call each, and
/// a look into an index when there is none.
///
/// # Errors
///
/// See [`RetryError`]. What was fetched is stored.
pub async fn retry_malformed(
    deps: &Deps,
    caller: &Caller,
    limit: u32,
    cancel: &CancellationToken,
    on_event: &(dyn Fn(SyncEvent) + Send + Sync),
) -> Result<(), RetryError> {
    let mut conn = deps.store.get().await?;
    let ids = matches::unread(&mut conn, limit.into()).await?;
    drop(conn);
    for id in ids {
        if cancel.is_cancelled() {
            break;
        }
        // Or somebody else tries it.
        let wishes = Held::wish(&deps.store, std::slice::from_ref(&id)).await?;
        let Some(Wish::Held(held)) = wishes.into_iter().next() else { continue };
        let (reason, detail) = match ask_riot(deps, caller, &id).await {
            Ok(Asked::Match(game)) => {
                let mut conn = deps.store.get().await?;
                match storing::store(deps, &mut conn, std::slice::from_ref(&*game)).await {
                    Ok(stored) => {
                        held.stored();
                        stored.into_iter().map(SyncEvent::MatchStored).for_each(on_event);
                        continue;
                    }
                    Err(error) if error.is_transient() => return Err(error.into()),
                    Err(error) => (RejectReason::Malformed, chain(&error)),
                }
            }
            Ok(Asked::Refused(reason, detail)) => (reason, detail),
            Err(error) if error.verdict() == Verdict::SkipItem => continue,
            Err(error) => return Err(RetryError::Riot(error)),
        };
        let mut conn = deps.store.get().await?;
        matches::reject(&mut conn, &id, reason, &detail, deps.clock.now()).await?;
    }
    Ok(())
}

async fn finish(deps: &Deps, player: &Player, filled: Filled) -> Result<(), StoreError> {
    match filled {
        Filled::MoreToDo => Ok(()),
        Filled::Full => pause(deps, player, Some(true)).await,
        Filled::Unknown => pause(deps, player, Some(false)).await,
    }
}

/// Leaves the player alone for a while. `known`: what Riot said of the account, if anything.
async fn pause(deps: &Deps, player: &Player, known: Option<bool>) -> Result<(), StoreError> {
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    let plan = Plan {
        puuid: &player.puuid,
        looked_at: known.map(|_| now),
        next_look_at: now + PAUSE,
        planned_on: None,
    };
    looks::plan(&mut conn, &[plan]).await?;
    if let Some(known) = known {
        looks::observe_reachable(&mut conn, &player.puuid, known, now).await?;
    }
    Ok(())
}

impl Work<'_> {
    async fn fill(&self, sample: Sample, cancel: &CancellationToken) -> Result<Filled, SyncError> {
        let query = MatchIdsQuery {
            queue: Some(QueueId::RANKED_SOLO),
            start_time: Some(sample.since),
            count: sample.games,
            ..MatchIdsQuery::default()
        };
        let region = self.player.platform.region();
        let listed = self
            .deps
            .riot
            .match_ids(self.caller, region, &self.player.puuid, &query)
            .await
            .map_err(|source| self.riot_error("the ranked matches", source))?;
        let Some(listed) = listed else { return Ok(Filled::Unknown) };
        let mut conn = self.conn().await?;
        let missing = matches::missing(&mut conn, &listed, self.deps.clock.now())
            .await
            .map_err(|source| self.store_error(source))?;
        drop(conn);

        let mut complete = true;
        let mut at_hand = Vec::with_capacity(BATCH);
        let mut held = Vec::with_capacity(BATCH);
        let mut elsewhere = Vec::new();
        let mut failed = None;
        let broken_off = AtomicBool::new(false);
        let go_on = || !cancel.is_cancelled() && !broken_off.load(Ordering::Relaxed);
        let mut lanes = pin!(
            self.claims(missing, &go_on)
                .map(async |claimed| {
                    let (id, wish) = claimed?;
                    Ok((self.ask(&id, wish, Else::Leave).await?, id))
                })
                .buffered(LANES)
        );
        while let Some(answer) = lanes.next().await {
            let (answer, id) = match answer {
                Ok(answered) => answered,
                // Nothing new is begun; what is under way is paid for, and waited for.
                Err(error) => {
                    broken_off.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                    continue;
                }
            };
            match answer {
                Answer::Match(game, theirs) => {
                    at_hand.push(*game);
                    held.push(theirs);
                }
                Answer::Stored(_) => {}
                Answer::Elsewhere => elsewhere.push(id),
                Answer::Rejected { for_good } => complete &= for_good,
                Answer::NotNow => complete = false,
            }
            if at_hand.len() >= BATCH {
                self.store_batch(&mut at_hand, &mut held).await?;
            }
        }
        self.store_batch(&mut at_hand, &mut held).await?;
        if let Some(error) = failed {
            return Err(error);
        }
        // Nothing is at hand that others could be waiting for.
        for id in elsewhere {
            if cancel.is_cancelled() {
                break;
            }
            complete &= matches!(self.fetch(&id).await?, Fetched::Stored(_) | Fetched::Rejected);
        }
        if cancel.is_cancelled() {
            return Ok(Filled::MoreToDo);
        }
        self.ranks().await?;
        Ok(if complete { Filled::Full } else { Filled::MoreToDo })
    }

    async fn store_batch(
        &self,
        at_hand: &mut Vec<Match>,
        held: &mut Vec<Held>,
    ) -> Result<(), SyncError> {
        if at_hand.is_empty() {
            return Ok(());
        }
        let mut conn = self.conn().await?;
        match storing::store(self.deps, &mut conn, at_hand).await {
            Ok(stored) => {
                for stored in stored {
                    (self.on_event)(SyncEvent::MatchStored(stored));
                }
            }
            Err(source) if source.is_transient() => return Err(self.store_error(source)),
            // One of them does not fit the tables: the others are stored one by one.
            Err(_) => {
                for game in at_hand.iter() {
                    self.store(&mut conn, game).await?;
                }
            }
        }
        at_hand.clear();
        held.drain(..).for_each(Held::stored);
        Ok(())
    }
}
