//! Looking at a player's rank, and how far it has moved.

use riftwatch_domain::player::Player;
use riftwatch_domain::rank::{RANKED_SOLO, RankEntry};
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{StoreError, looks, ranks};

use crate::deps::Deps;

/// A rank in the ranked solo queue that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankMove {
    /// The last stored snapshot.
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

/// What a look at a rank found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RankCheck {
    /// No ranked game ended since the ranks were last asked for, so nobody was asked.
    Unchanged,
    /// Riot was asked. The move in the ranked solo queue; `None`: unranked then or now, in a tier
    /// that we do not know, or on the same division.
    Asked(Option<RankMove>),
}

/// Asks for a player's rank, if a ranked game ended since it was last asked for; stores it if it
/// changed, and tells how it has moved in the ranked solo queue since the last snapshot. Costs one
/// call to Riot or none.
///
/// # Errors
///
/// See [`RankCheckError`].
pub async fn check_rank(
    deps: &Deps,
    caller: &Caller,
    player: &Player,
) -> Result<RankCheck, RankCheckError> {
    let store_error = |source| RankCheckError::Store { puuid: player.puuid.to_string(), source };
    let mut conn = deps.store.get().await.map_err(store_error)?;
    let due = looks::ranks_are_due(&mut conn, &player.puuid).await.map_err(store_error)?;
    drop(conn);
    if !due {
        return Ok(RankCheck::Unchanged);
    }
    let asked_at = deps.clock.now();
    let entries =
        deps.riot
            .league_entries_by_puuid(caller, player.platform, &player.puuid)
            .await
            .map_err(|source| RankCheckError::Riot { puuid: player.puuid.to_string(), source })?;
    let mut conn = deps.store.get().await.map_err(store_error)?;
    let latest = ranks::latest(&mut conn, &player.puuid).await.map_err(store_error)?;
    ranks::record(&mut conn, &player.puuid, &entries, deps.clock.now())
        .await
        .map_err(store_error)?;
    looks::ranks_looked_at(&mut conn, &player.puuid, asked_at).await.map_err(store_error)?;
    let is_solo = |entry: &RankEntry| entry.queue_type == RANKED_SOLO;
    let before = latest.into_iter().map(|snapshot| snapshot.entry).find(is_solo);
    let now = entries.into_iter().find(is_solo);
    Ok(RankCheck::Asked(before.zip(now).and_then(|(before, now)| {
        let divisions = now.divisions()? - before.divisions()?;
        (divisions != 0).then_some(RankMove { before, now, divisions })
    })))
}
