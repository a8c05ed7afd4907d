//! Players and their ranks.

use chrono::{DateTime, Utc};
use riftwatch_domain::player::Player;
use riftwatch_domain::rank::RankSnapshot;
use serde::Serialize;
use utoipa::ToSchema;

/// A player whom we know.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayerView {
    /// Riot's id of the player.
    puuid: String,
    /// Where the account plays.
    #[schema(example = "euw1")]
    platform: &'static str,
    /// The routing value of the player's matches.
    #[schema(example = "europe")]
    region: &'static str,
    /// The current Riot ID; null while nobody has told it.
    #[schema(example = "Name#TAG")]
    riot_id: Option<String>,
    /// The part of the Riot ID before `#`.
    game_name: Option<String>,
    /// The part of the Riot ID after `#`.
    tag_line: Option<String>,
    profile_icon_id: Option<i32>,
    /// Account level.
    summoner_level: Option<i64>,
    /// Whether the player is kept current.
    is_tracked: bool,
    /// Whether the newest evidence has been assessed.
    is_analyzed: bool,
    /// When tracking began.
    tracked_at: Option<DateTime<Utc>>,
    /// When the player was last brought current without a gap.
    last_synced_at: Option<DateTime<Utc>>,
    /// When the player was first met.
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Player> for PlayerView {
    fn from(player: Player) -> Self {
        Self {
            puuid: player.puuid.as_str().to_owned(),
            platform: player.platform.as_str(),
            region: player.platform.region().as_str(),
            riot_id: player.riot_id.as_ref().map(ToString::to_string),
            game_name: player.riot_id.as_ref().map(|id| id.game_name.clone()),
            tag_line: player.riot_id.map(|id| id.tag_line),
            profile_icon_id: player.profile_icon_id,
            summoner_level: player.summoner_level,
            is_tracked: player.is_tracked,
            is_analyzed: player.is_analyzed,
            tracked_at: player.tracked_at,
            last_synced_at: player.last_synced_at,
            created_at: player.created_at,
            updated_at: player.updated_at,
        }
    }
}

/// A rank in one queue, as it was seen first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankView {
    /// Riot's name of the ladder.
    #[schema(example = "RANKED_SOLO_5x5")]
    queue_type: String,
    /// Null for ladders without tiers.
    #[schema(example = "GOLD")]
    tier: Option<String>,
    /// Null for ladders without tiers; always `I` from Master upwards.
    #[schema(example = "II")]
    division: Option<&'static str>,
    league_points: i32,
    /// Won this season.
    wins: i32,
    /// Lost this season.
    losses: i32,
    hot_streak: bool,
    veteran: bool,
    fresh_blood: bool,
    inactive: bool,
    /// When the rank was seen first with these values.
    seen_at: DateTime<Utc>,
}

impl From<RankSnapshot> for RankView {
    fn from(snapshot: RankSnapshot) -> Self {
        let entry = snapshot.entry;
        Self {
            queue_type: entry.queue_type,
            tier: entry.tier.map(|tier| tier.as_str().to_owned()),
            division: entry.division.map(|division| division.as_str()),
            league_points: entry.league_points,
            wins: entry.wins,
            losses: entry.losses,
            hot_streak: entry.hot_streak,
            veteran: entry.veteran,
            fresh_blood: entry.fresh_blood,
            inactive: entry.inactive,
            seen_at: snapshot.seen_at,
        }
    }
}
