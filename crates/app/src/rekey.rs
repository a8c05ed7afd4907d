//! Finding a player again after the API key has changed: a puuid is a key's own.

use riftwatch_domain::player::{Player, Puuid};
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{StoreError, players};

use crate::deps::Deps;
use crate::sync::SyncError;

/// Why a player is not found again.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// Riot gave no answer.
    #[error("asking riot for the player's name")]
    Riot(#[from] RiotError),
    /// The database gave no answer.
    #[error("the player's new puuid")]
    Store(#[from] StoreError),
}

impl RekeyError {
    /// The same as an error of the player's sync.
    pub(crate) fn of(self, player: &Player) -> SyncError {
        let puuid = player.puuid.to_string();
        match self {
            Self::Riot(source) => SyncError::Riot { what: "the new puuid", puuid, source },
            Self::Store(source) => SyncError::Store { puuid, source },
        }
    }
}

/// Whether an error says that the puuid in the request belongs to another API key.
pub fn is_foreign(error: &RiotError) -> bool {
    matches!(error, RiotError::ForeignPuuid { .. })
}

/// Looks for a player whose puuid the key does not know by the last Riot ID, and gives the player
/// the new puuid in all that is stored. `None`: the name is not known, nobody has it now, or
/// somebody else does; nothing is changed then, and nothing is said about the account. Costs two
/// calls to Riot.
///
/// # Errors
///
/// See [`RekeyError`].
pub async fn find_again(
    deps: &Deps,
    caller: &Caller,
    player: &Player,
) -> Result<Option<Player>, RekeyError> {
    let Some(riot_id) = &player.riot_id else { return Ok(None) };
    let region = player.platform.region().for_accounts();
    let Some(account) = deps.riot.account_by_riot_id(caller, region, riot_id).await? else {
        return Ok(None);
    };
    if account.puuid == player.puuid {
        return Ok(None);
    }
    // Names change hands. An account's level never falls, and it plays where it played.
    let summoner = deps.riot.summoner_by_puuid(caller, player.platform, &account.puuid).await?;
    let is_same =
        summoner.as_ref().is_some_and(|s| player.summoner_level.is_none_or(|old| s.level >= old));
    if !is_same {
        tracing::warn!(player.puuid = %player.puuid, "somebody else is called {riot_id} now");
        return Ok(None);
    }
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    if !players::rekey(&mut conn, &player.puuid, &account.puuid, now).await? {
        return Ok(None);
    }
    players::record_profile(&mut conn, &account, summoner.as_ref(), now).await?;
    tracing::info!(player.puuid = %account.puuid, "{riot_id} has a new puuid: the api key has changed");
    Ok(players::find(&mut conn, &account.puuid).await?)
}

/// As [`find_again`], for a player of whom only the puuid is at hand.
///
/// # Errors
///
/// See [`RekeyError`].
pub async fn find_puuid_again(
    deps: &Deps,
    caller: &Caller,
    puuid: &Puuid,
) -> Result<Option<Player>, RekeyError> {
    let mut conn = deps.store.get().await?;
    let player = players::find(&mut conn, puuid).await?;
    drop(conn);
    match player {
        Some(player) => find_again(deps, caller, &player).await,
        None => Ok(None),
    }
}
