//! Looking at a player's rank, and how far it has moved.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::player::{Player, Puuid};
use riftwatch_domain::rank::{RANKED_SOLO, RankEntry, RankSnapshot};
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{Conn, StoreError, looks, ranks};

use crate::deps::Deps;

/// A rank in the ranked solo queue that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankMove {
    /// The rank that was judged last.
    pub before: RankEntry,
    /// The rank now.
    pub now: RankEntry,
    /// Divisions climbed; negative: fallen. See [`RankEntry::divisions`].
    pub divisions: i32,
}

/// Why a rank is not known.
#[derive(Debug, thiserror::Error)]
pub enum RankCheckError {
    /// Riot gave no answer.
    #[error("asking riot for the rank of player {puuid}")]
    Riot {
        /// Whose.
        puuid: String,
        /// Why.
        #[source]
        source: RiotError,
    },
    /// The database gave no answer.
    #[error("the ranks of player {puuid}")]
    Store {
        /// Whose.
        puuid: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Looks at a player's rank in the ranked solo queue, and tells how far it has moved since the last one
/// that was judged here, whoever stored the new one: each move once. The first time, that is the last
/// one stored. `None`: it did not move by a division, or is not in a tier that we know.
///
/// Riot is asked if a ranked game ended since it was last asked. Costs one call or none.
///
/// # Errors
///
/// See [`RankCheckError`].
pub async fn check_rank(
    deps: &Deps,
    caller: &Caller,
    player: &Player,
) -> Result<Option<RankMove>, RankCheckError> {
    let puuid = &player.puuid;
    let store_error = |source| RankCheckError::Store { puuid: puuid.to_string(), source };
    let mut conn = deps.store.get().await.map_err(store_error)?;
    let judged_at = looks::rank_judged_at(&mut conn, puuid).await.map_err(store_error)?;
    // A rank is judged by when it was seen: the last one is the newest from that time back.
    let until = judged_at.map(|at| at + TimeDelta::microseconds(1));
    let before = solo(&mut conn, puuid, until).await.map_err(store_error)?;
    let due = looks::ranks_are_due(&mut conn, puuid).await.map_err(store_error)?;
    drop(conn);
    if due {
        let asked_at = deps.clock.now();
        let entries = deps
            .riot
            .league_entries_by_puuid(caller, player.platform, puuid)
            .await
            .map_err(|source| RankCheckError::Riot { puuid: puuid.to_string(), source })?;
        let mut conn = deps.store.get().await.map_err(store_error)?;
        ranks::record(&mut conn, puuid, &entries, deps.clock.now()).await.map_err(store_error)?;
        looks::ranks_looked_at(&mut conn, puuid, asked_at).await.map_err(store_error)?;
    }
    let mut conn = deps.store.get().await.map_err(store_error)?;
    let now = solo(&mut conn, puuid, None).await.map_err(store_error)?;
    let Some(now) = now.filter(|now| Some(now.seen_at) > judged_at) else { return Ok(None) };
    let is_first =
        looks::judge_rank(&mut conn, puuid, judged_at, now.seen_at).await.map_err(store_error)?;
    Ok(before.filter(|_| is_first).and_then(|before| {
        let (before, now) = (before.entry, now.entry);
        let divisions = now.divisions()? - before.divisions()?;
        (divisions != 0).then_some(RankMove { before, now, divisions })
    }))
}

/// The newest rank in the ranked solo queue, of those seen before a time if given.
async fn solo(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<DateTime<Utc>>,
) -> Result<Option<RankSnapshot>, StoreError> {
    Ok(ranks::history(conn, puuid, RANKED_SOLO, before, 1).await?.pop())
}
