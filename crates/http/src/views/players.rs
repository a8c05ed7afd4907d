//! Players and their ranks.

use chrono::{DateTime, Utc};
use riftwatch_app::erasure::Erased;
use riftwatch_domain::player::Player;
use riftwatch_domain::rank::RankSnapshot;
use riftwatch_store::encounters::Encounter;
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

/// A player to choose from while somebody types.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuggestionView {
    puuid: String,
    #[schema(example = "Name#TAG")]
    riot_id: Option<String>,
    #[schema(example = "euw1")]
    platform: &'static str,
    is_tracked: bool,
}

impl From<Player> for SuggestionView {
    fn from(player: Player) -> Self {
        Self {
            riot_id: player.riot_id.as_ref().map(ToString::to_string),
            puuid: player.puuid.as_str().to_owned(),
            platform: player.platform.as_str(),
            is_tracked: player.is_tracked,
        }
    }
}

/// Somebody whom a player met in games.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EncounterView {
    /// The other player.
    puuid: String,
    /// The current Riot ID, if we know it.
    riot_id: Option<String>,
    /// Games in which both played.
    games: i64,
    /// Of these, on the same side.
    together: i64,
    /// Of these, on different sides.
    against: i64,
    /// Games won on the same side.
    won_together: i64,
    /// Games won against the other.
    won_against: i64,
    /// Start of the last game of both.
    last_met_at: DateTime<Utc>,
}

impl From<Encounter> for EncounterView {
    fn from(met: Encounter) -> Self {
        let riot_id = met.game_name.zip(met.tag_line);
        Self {
            puuid: met.puuid,
            riot_id: riot_id.map(|(name, tag)| format!("{name}#{tag}")),
            games: met.games,
            together: met.together,
            against: met.games - met.together,
            won_together: met.won_together,
            won_against: met.won_against,
            last_met_at: met.last_met_at,
        }
    }
}

/// What was there of a person, and is not any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasedView {
    /// Whether the player was known.
    known: bool,
    /// Participations that are anonymous now.
    participants: usize,
    /// Rows of evidence.
    ranked_games: usize,
    /// Ranks over time.
    ranks: usize,
    /// Assessments, with their reviews.
    assessments: usize,
    /// Runs, log lines, acts and settings in which the person's id or name was struck out.
    mentions: usize,
}

impl From<Erased> for ErasedView {
    fn from(erased: Erased) -> Self {
        Self {
            known: erased.players > 0,
            participants: erased.participants,
            ranked_games: erased.ranked_games,
            ranks: erased.ranks,
            assessments: erased.assessments,
            mentions: erased.mentions,
        }
    }
}
