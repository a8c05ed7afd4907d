//! Beginning and ending to keep a player current.

use riftwatch_domain::player::{Account, Player, Puuid, RiotId};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{StoreError, players, suppressions};

use crate::deps::Deps;

/// Tracking begins, or had begun before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tracking {
    /// It begins now.
    Begun(Player),
    /// It had begun before; nothing changed.
    Already(Player),
}

impl Tracking {
    /// The player in either case.
    pub fn player(&self) -> &Player {
        match self {
            Self::Begun(player) | Self::Already(player) => player,
        }
    }
}

/// Why a player is not tracked.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// Riot knows nobody of this name.
    #[error("riot knows no account {0}")]
    UnknownRiotId(RiotId),
    /// The puuid is not one that we know.
    #[error("no player with this puuid is known")]
    UnknownPuuid,
    /// The account exists and does not play on this platform.
    #[error("{riot_id} does not play on {platform}")]
    NotOnPlatform {
        /// Who was asked for.
        riot_id: RiotId,
        /// Where.
        platform: Platform,
    },
    /// As many players as allowed are tracked already.
    #[error("{max} players are tracked already: untrack one, or raise MAX_TRACKED_PLAYERS")]
    Full {
        /// The limit.
        max: u32,
    },
    /// The person was erased: nothing is stored about them any more.
    #[error("this player asked to be erased, and is not stored any more")]
    Erased,
    /// Riot gave no answer.
    #[error("asking riot")]
    Riot(#[from] RiotError),
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tracks the account of a Riot ID on a platform.
///
/// Costs no call to Riot when the player is tracked already, else two: the account by its name, since names change
/// hands, and the profile on the platform.
///
/// # Errors
///
/// See [`TrackError`].
pub async fn track_riot_id(
    deps: &Deps,
    caller: &Caller,
    riot_id: &RiotId,
    platform: Platform,
) -> Result<Tracking, TrackError> {
    if let Some(player) = known(deps, riot_id, platform).await?.filter(|p| p.is_tracked) {
        return Ok(Tracking::Already(player));
    }
    let account = deps
        .riot
        .account_by_riot_id(caller, platform.region().for_accounts(), riot_id)
        .await?
        .ok_or_else(|| TrackError::UnknownRiotId(riot_id.clone()))?;
    let summoner = deps
        .riot
        .summoner_by_puuid(caller, platform, &account.puuid)
        .await?
        .ok_or_else(|| TrackError::NotOnPlatform { riot_id: riot_id.clone(), platform })?;
    // Riot answers with the spelling that its owner chose.
    let account = Account { riot_id: account.riot_id.or_else(|| Some(riot_id.clone())), ..account };
    let tracking = begin(deps, &account, platform).await?;
    let mut conn = deps.store.get().await?;
    let now = deps.clock.now();
    players::record_profile(&mut conn, &account, Some(&summoner), now).await?;
    let player = players::find(&mut conn, &account.puuid).await?.ok_or(TrackError::UnknownPuuid)?;
    Ok(match tracking {
        Tracking::Begun(_) => Tracking::Begun(player),
        Tracking::Already(_) => Tracking::Already(player),
    })
}

/// Tracks a player whom we know. Costs no call to Riot.
///
/// # Errors
///
/// See [`TrackError`].
pub async fn track_known(deps: &Deps, puuid: &Puuid) -> Result<Tracking, TrackError> {
    let mut conn = deps.store.get().await?;
    let player = players::find(&mut conn, puuid).await?.ok_or(TrackError::UnknownPuuid)?;
    drop(conn);
    let account = Account { puuid: player.puuid, riot_id: player.riot_id };
    begin(deps, &account, player.platform).await
}

/// Stops tracking; what is stored stays.
///
/// # Errors
///
/// [`TrackError::UnknownPuuid`]; when the database fails.
pub async fn untrack(deps: &Deps, puuid: &Puuid) -> Result<Player, TrackError> {
    let mut conn = deps.store.get().await?;
    players::untrack(&mut conn, puuid, deps.clock.now()).await?.ok_or(TrackError::UnknownPuuid)
}

async fn known(
    deps: &Deps,
    riot_id: &RiotId,
    platform: Platform,
) -> Result<Option<Player>, StoreError> {
    let mut conn = deps.store.get().await?;
    players::find_by_riot_id(&mut conn, riot_id, platform).await
}

async fn begin(deps: &Deps, account: &Account, platform: Platform) -> Result<Tracking, TrackError> {
    let max = deps.max_tracked_players;
    let mut conn = deps.store.get().await?;
    if let Some(key) = &deps.suppression_key
        && suppressions::contains(&mut conn, key, &account.puuid, account.riot_id.as_ref()).await?
    {
        return Err(TrackError::Erased);
    }
    match players::track(&mut conn, account, platform, i64::from(max), deps.clock.now()).await? {
        players::Tracked::Now(player) => {
            tracing::info!(player.puuid = %player.puuid, "tracking {}", shown(&player));
            Ok(Tracking::Begun(player))
        }
        players::Tracked::Already(player) => Ok(Tracking::Already(player)),
        players::Tracked::Full => Err(TrackError::Full { max }),
    }
}

/// A player's name for a log line.
fn shown(player: &Player) -> String {
    match &player.riot_id {
        Some(riot_id) => format!("{riot_id} ({})", player.platform),
        None => format!("a nameless player ({})", player.platform),
    }
}
