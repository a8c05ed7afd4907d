//! Matches: as one player saw them, whole, and in sum.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use riftwatch_domain::matches::{Match, Participant, QueueId};
use riftwatch_domain::player::{Puuid, RiotId};
use riftwatch_store::match_stats::PlayedAs;
use riftwatch_store::matches::Brief;
use serde::Serialize;
use utoipa::ToSchema;

/// A match and a player's part in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayedView {
    #[schema(example = "EUW1_7261321891")]
    match_id: String,
    /// The platform of the match.
    #[schema(example = "euw1")]
    platform: String,
    /// 420 ranked solo, 440 ranked flex.
    queue_id: i32,
    map_id: i32,
    #[schema(example = "CLASSIC")]
    game_mode: String,
    game_version: String,
    game_creation: DateTime<Utc>,
    game_start: DateTime<Utc>,
    game_end: DateTime<Utc>,
    /// Seconds.
    game_duration: i32,
    champion_id: i32,
    champion_name: String,
    champ_level: i32,
    /// `TOP`, `JUNGLE`, `MIDDLE`, `BOTTOM`, `UTILITY`; empty in remakes and on other maps.
    position: String,
    team_id: i32,
    win: bool,
    kills: i32,
    deaths: i32,
    assists: i32,
    /// (kills + assists) / deaths, with deaths counted as one when there is none.
    kda: f64,
    /// Creep score.
    cs: i32,
    gold: i32,
    vision_score: i32,
    /// The match ended by vote in its first minutes, because somebody was missing.
    remake: bool,
    /// Arena: 1 to 8.
    placement: Option<i32>,
}

impl From<Brief> for PlayedView {
    fn from(brief: Brief) -> Self {
        let kda = f64::from(brief.kills + brief.assists) / f64::from(brief.deaths.max(1));
        Self {
            match_id: brief.match_id.into(),
            platform: brief.platform_id,
            queue_id: brief.queue_id,
            map_id: brief.map_id,
            game_mode: brief.game_mode,
            game_version: brief.game_version,
            game_creation: brief.game_creation,
            game_start: brief.game_start,
            game_end: brief.game_end,
            game_duration: brief.game_duration,
            champion_id: brief.champion_id,
            champion_name: brief.champion_name,
            champ_level: brief.champ_level,
            position: brief.team_position,
            team_id: brief.team_id,
            win: brief.win,
            kills: brief.kills,
            deaths: brief.deaths,
            assists: brief.assists,
            kda: round(kda),
            cs: brief.cs,
            gold: brief.gold_earned,
            vision_score: brief.vision_score,
            remake: brief.game_ended_in_early_surrender,
            placement: brief.placement,
        }
    }
}

/// Two decimals: what people read and compare.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// A match with everybody in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchView {
    #[schema(example = "EUW1_7261321891")]
    match_id: String,
    /// The platform of the match.
    #[schema(example = "euw1")]
    platform: String,
    /// 420 ranked solo, 440 ranked flex.
    queue_id: i32,
    /// 11 is Summoner's Rift.
    map_id: i32,
    #[schema(example = "CLASSIC")]
    game_mode: String,
    game_type: Option<String>,
    game_version: String,
    game_creation: DateTime<Utc>,
    game_start: DateTime<Utc>,
    game_end: DateTime<Utc>,
    /// Seconds.
    game_duration: i32,
    end_of_game_result: Option<String>,
    /// The match ended by vote in its first minutes, because somebody was missing.
    remake: bool,
    teams: Vec<TeamView>,
    /// One to sixteen, in Riot's order.
    participants: Vec<ParticipantView>,
}

/// One side of a match.
#[derive(Debug, Serialize, ToSchema)]
struct TeamView {
    /// 100 or 200; 0 in Arena.
    team_id: i32,
    win: bool,
    /// Banned champions in order of picking; −1 is no ban.
    bans: Vec<i32>,
}

/// One player in one match.
#[derive(Debug, Serialize, ToSchema)]
struct ParticipantView {
    participant_id: i32,
    /// Null for players hidden by the game; `BOT` for the computer.
    puuid: Option<String>,
    /// The current Riot ID, if we know it.
    riot_id: Option<String>,
    summoner_level: i32,
    team_id: i32,
    champion_id: i32,
    champion_name: String,
    champ_level: i32,
    /// `TOP`, `JUNGLE`, `MIDDLE`, `BOTTOM`, `UTILITY`; empty in remakes and on other maps.
    position: String,
    win: bool,
    kills: i32,
    deaths: i32,
    assists: i32,
    /// (kills + assists) / deaths, with deaths counted as one when there is none.
    kda: f64,
    /// Creep score.
    cs: i32,
    gold: i32,
    vision_score: i32,
    total_damage_dealt_to_champions: i32,
    damage_dealt_to_objectives: i32,
    total_damage_taken: i32,
    wards_placed: i32,
    wards_killed: i32,
    /// Seconds.
    time_played: i32,
    /// Summoner spells on D and F; 4 is Flash.
    summoner_spells: [i32; 2],
    /// Items in slots 0 to 6 at the end; 0 is an empty slot.
    items: Vec<i32>,
    /// Arena: 1 to 8.
    placement: Option<i32>,
}

impl MatchView {
    /// `names`: the current Riot IDs of those whom we know.
    pub(crate) fn new(game: Match, names: &BTreeMap<Puuid, RiotId>) -> Self {
        Self {
            match_id: game.match_id.as_str().to_owned(),
            platform: game.match_id.prefix().to_ascii_lowercase(),
            queue_id: game.queue_id.0,
            map_id: game.map_id,
            remake: game.is_remake(),
            game_mode: game.game_mode,
            game_type: game.game_type,
            game_version: game.game_version,
            game_creation: game.game_creation,
            game_start: game.game_start,
            game_end: game.game_end,
            game_duration: game.game_duration,
            end_of_game_result: game.end_of_game_result,
            teams: game
                .teams
                .into_iter()
                .map(|team| TeamView { team_id: team.team_id, win: team.win, bans: team.bans })
                .collect(),
            participants: game
                .participants
                .into_iter()
                .map(|participant| ParticipantView::new(participant, names))
                .collect(),
        }
    }
}

impl ParticipantView {
    fn new(p: Participant, names: &BTreeMap<Puuid, RiotId>) -> Self {
        Self {
            participant_id: p.participant_id,
            riot_id: p.puuid.as_ref().and_then(|id| names.get(id)).map(ToString::to_string),
            kda: round(p.kda()),
            cs: p.cs(),
            puuid: p.puuid.map(|puuid| puuid.as_str().to_owned()),
            summoner_level: p.summoner_level,
            team_id: p.team_id,
            champion_id: p.champion_id,
            champion_name: p.champion_name,
            champ_level: p.champ_level,
            position: p.team_position.as_str().to_owned(),
            win: p.win,
            kills: p.kills,
            deaths: p.deaths,
            assists: p.assists,
            gold: p.gold_earned,
            vision_score: p.vision_score,
            total_damage_dealt_to_champions: p.total_damage_dealt_to_champions,
            damage_dealt_to_objectives: p.damage_dealt_to_objectives,
            total_damage_taken: p.total_damage_taken,
            wards_placed: p.wards_placed,
            wards_killed: p.wards_killed,
            time_played: p.time_played,
            summoner_spells: [p.summoner1_id, p.summoner2_id],
            items: p.details.items,
            placement: p.placement,
        }
    }
}

/// What a player's stored matches add up to. Remakes do not count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    puuid: String,
    /// The queue that was asked for; null: all.
    queue_id: Option<i32>,
    /// Start of the oldest match that counts.
    first_game_at: Option<DateTime<Utc>>,
    /// Start of the newest match that counts.
    last_game_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    all: SumsView,
    /// By champion, the most played first.
    champions: Vec<ChampionStatsView>,
    /// By position, the most played first.
    positions: Vec<PositionStatsView>,
}

/// Sums and averages over matches. Averages are null when there is no match.
#[derive(Debug, Serialize, ToSchema)]
struct SumsView {
    games: i64,
    wins: i64,
    losses: i64,
    /// 0 to 1.
    win_ratio: Option<f64>,
    kills_per_game: Option<f64>,
    deaths_per_game: Option<f64>,
    assists_per_game: Option<f64>,
    /// (kills + assists) / deaths over all matches.
    kda: Option<f64>,
    cs_per_minute: Option<f64>,
    gold_per_minute: Option<f64>,
    vision_score_per_game: Option<f64>,
}

/// With one champion.
#[derive(Debug, Serialize, ToSchema)]
struct ChampionStatsView {
    champion_id: i32,
    champion_name: String,
    #[serde(flatten)]
    sums: SumsView,
}

/// In one position.
#[derive(Debug, Serialize, ToSchema)]
struct PositionStatsView {
    /// Empty where the map has no positions.
    position: String,
    #[serde(flatten)]
    sums: SumsView,
}

impl StatsView {
    pub(crate) fn new(puuid: &Puuid, queue: Option<QueueId>, parts: &[PlayedAs]) -> Self {
        let mut champions: BTreeMap<i32, (&str, Vec<&PlayedAs>)> = BTreeMap::new();
        let mut positions: BTreeMap<&str, Vec<&PlayedAs>> = BTreeMap::new();
        for part in parts {
            let champion =
                champions.entry(part.champion_id).or_insert((&part.champion_name, vec![]));
            champion.1.push(part);
            positions.entry(&part.position).or_default().push(part);
        }
        let mut champions: Vec<ChampionStatsView> = champions
            .into_iter()
            .map(|(champion_id, (name, parts))| ChampionStatsView {
                champion_id,
                champion_name: name.to_owned(),
                sums: SumsView::of(&parts),
            })
            .collect();
        champions.sort_by_key(|champion| std::cmp::Reverse(champion.sums.games));
        let mut positions: Vec<PositionStatsView> = positions
            .into_iter()
            .map(|(position, parts)| PositionStatsView {
                position: position.to_owned(),
                sums: SumsView::of(&parts),
            })
            .collect();
        positions.sort_by_key(|position| std::cmp::Reverse(position.sums.games));
        Self {
            puuid: puuid.as_str().to_owned(),
            queue_id: queue.map(|queue| queue.0),
            first_game_at: parts.iter().map(|part| part.first_start).min(),
            last_game_at: parts.iter().map(|part| part.last_start).max(),
            all: SumsView::of(&parts.iter().collect::<Vec<_>>()),
            champions,
            positions,
        }
    }
}

impl SumsView {
    fn of(parts: &[&PlayedAs]) -> Self {
        let sum = |number: fn(&PlayedAs) -> i64| parts.iter().map(|part| number(part)).sum::<i64>();
        let games = sum(|part| part.games);
        let wins = sum(|part| part.wins);
        let takedowns = sum(|part| part.kills + part.assists);
        let deaths = sum(|part| part.deaths);
        let seconds = sum(|part| part.time_played);
        let per_game = |total: i64| ratio(total, games).map(round);
        let per_minute = |total: i64| ratio(total * 60, seconds).map(round);
        Self {
            games,
            wins,
            losses: games - wins,
            win_ratio: ratio(wins, games).map(|ratio| (ratio * 10_000.0).round() / 10_000.0),
            kills_per_game: per_game(sum(|part| part.kills)),
            deaths_per_game: per_game(deaths),
            assists_per_game: per_game(sum(|part| part.assists)),
            kda: ratio(takedowns, deaths.max(1)).filter(|_| games > 0).map(round),
            cs_per_minute: per_minute(sum(|part| part.cs)),
            gold_per_minute: per_minute(sum(|part| part.gold_earned)),
            vision_score_per_game: per_game(sum(|part| part.vision_score)),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums over one player's matches stay far below 2^52"
)]
fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
