//! From stored rows to evidence. What is not known is missing, never zero.

use std::collections::HashMap;

use chrono::TimeDelta;
use riftwatch_detection::Evidence;
use riftwatch_detection::evidence::{Game, RankPoint, Role};
use riftwatch_domain::matches::{Position, QueueId};
use riftwatch_domain::rank::{Division, Tier};
use riftwatch_store::evidence::{EvidenceGame, EvidenceRank, PlayerEvidence};

/// The id of the summoner spell Flash.
const FLASH: i32 = 4;

/// Others in a game whose rank must be known for the game to have a known height.
const KNOWN_OTHERS: usize = 3;

/// Games on one side with the same team-mate that make a companion, and not a coincidence.
const COMPANION_GAMES: usize = 4;

/// Stored games on a champion from which on it is certainly not new to the account. We do not see
/// what was played before the first stored game, so fewer say nothing.
const PRACTISED_GAMES: u32 = 10;

/// How long before a rank was first seen it still says how high the games were, in days.
const STAND_IN_DAYS: i64 = 30;

/// What is known of a player.
pub(super) fn evidence(puuid: &str, player: &PlayerEvidence) -> Evidence {
    let ranks: Vec<RankPoint> = player.ranks.iter().filter_map(rank).collect();
    let companion = companion(&player.games);
    let mut before: HashMap<i32, u32> = HashMap::new();
    let games = player
        .games
        .iter()
        .filter_map(|stored| {
            let played = before.entry(stored.champion_id).or_default();
            let game = game(stored, *played, companion);
            *played += 1;
            game.map(|game| with_stand_in(game, ranks.first()))
        })
        .collect();
    Evidence {
        account_id: puuid.to_owned(),
        account_level: player.summoner_level.and_then(|level| u32::try_from(level).ok()),
        label: None,
        ranks,
        games,
    }
}

/// Ranks are seen from the day on which somebody tracks the player, and the first games are older.
/// Unread, they would be measured against the middle of the ladder; the first rank stands in for
/// their lobby, and not for the rank at the time, of which nothing is known.
fn with_stand_in(mut game: Game, first: Option<&RankPoint>) -> Game {
    let near = first
        .filter(|rank| game.at < rank.at && rank.at - game.at <= TimeDelta::days(STAND_IN_DAYS));
    if game.lobby_tier_value.is_none() {
        game.lobby_tier_value = near.map(|rank| rank.tier_value() as f32);
    }
    game
}

fn rank(seen: &EvidenceRank) -> Option<RankPoint> {
    Some(RankPoint {
        at: seen.seen_at,
        tier: known_tier(seen.tier.as_deref()?)?,
        division: seen.division.as_deref().and_then(division),
        league_points: seen.league_points,
    })
}

fn known_tier(text: &str) -> Option<Tier> {
    Some(Tier::from(text.to_owned())).filter(|tier| tier.ordinal().is_some())
}

fn division(text: &str) -> Option<Division> {
    text.parse().ok()
}

/// Who was on the player's side most often, if often enough.
fn companion(games: &[EvidenceGame]) -> Option<&str> {
    let mut together: HashMap<&str, usize> = HashMap::new();
    for mate in games.iter().flat_map(|game| &game.team_mates) {
        *together.entry(mate).or_default() += 1;
    }
    together
        .into_iter()
        .filter(|(_, games)| *games >= COMPANION_GAMES)
        // The name decides between equals, so that the same rows give the same evidence.
        .max_by(|(a, m), (b, n)| m.cmp(n).then(b.cmp(a)))
        .map(|(mate, _)| mate)
}

/// One game; `None` where the position is not one of the five.
fn game(stored: &EvidenceGame, champion_games: u32, companion: Option<&str>) -> Option<Game> {
    let at_10 = stored.lane_minions_at_10.zip(stored.jungle_cs_at_10);
    let kills = stored.kills + stored.assists;
    Some(Game {
        at: stored.game_start,
        duration_s: u32::try_from(stored.time_played).ok()?,
        queue: QueueId::RANKED_SOLO,
        role: role(&stored.team_position)?,
        champion_id: u32::try_from(stored.champion_id).ok()?,
        win: stored.win,
        kills: amount(stored.kills),
        deaths: amount(stored.deaths),
        assists: amount(stored.assists),
        cs: amount(stored.cs),
        gold: amount(stored.gold_earned),
        damage_to_champions: amount(stored.total_damage_dealt_to_champions),
        vision_score: Some(amount(stored.vision_score)),
        kill_participation: (stored.team_kills > 0)
            .then(|| (f64::from(kills) / stored.team_kills as f64).clamp(0.0, 1.0) as f32),
        cs_at_10: at_10.map(|(lane, jungle)| (lane + jungle) as f32),
        solo_kills: stored.solo_kills.map(|kills| kills as f32),
        flash_slot: match (stored.summoner1_id, stored.summoner2_id) {
            (FLASH, _) => Some(1),
            (_, FLASH) => Some(2),
            _ => None,
        },
        // The assessment finds the rank at the time among the ranks.
        rank_tier_value: None,
        lobby_tier_value: lobby(stored),
        champion_games_before: Some(champion_games).filter(|games| *games >= PRACTISED_GAMES),
        duo: companion.map(|companion| stored.team_mates.iter().any(|mate| mate == companion)),
    })
}

fn role(position: &str) -> Option<Role> {
    match Position::from(position.to_owned()) {
        Position::Top => Some(Role::Top),
        Position::Jungle => Some(Role::Jungle),
        Position::Middle => Some(Role::Middle),
        Position::Bottom => Some(Role::Bottom),
        Position::Utility => Some(Role::Utility),
        Position::Other(_) => None,
    }
}

fn amount(value: i32) -> f32 {
    value.max(0) as f32
}

/// Mean height of the others whose rank is known.
fn lobby(stored: &EvidenceGame) -> Option<f32> {
    let ranks = stored.lobby_tiers.iter().zip(&stored.lobby_divisions).zip(&stored.lobby_points);
    let mut heights: Vec<f64> = ranks
        .filter_map(|((tier, numeral), points)| {
            let point = RankPoint {
                at: stored.game_start,
                tier: known_tier(tier)?,
                division: numeral.as_deref().and_then(division),
                league_points: *points,
            };
            Some(point.tier_value())
        })
        .collect();
    // The database gives them in any order, and sums of floats depend on it.
    heights.sort_by(f64::total_cmp);
    let mean = heights.iter().sum::<f64>() / heights.len().max(1) as f64;
    (heights.len() >= KNOWN_OTHERS).then_some(mean as f32)
}
