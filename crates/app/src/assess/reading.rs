//! From stored rows to evidence. What is not known is missing, never zero.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_detection::Evidence;
use riftwatch_detection::evidence::{Game, RankPoint, Role};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::{Division, Tier};
use riftwatch_store::evidence::{EvidenceGame, EvidenceRank, PlayerEvidence};

use super::lobbies::RunMemory;

/// Games on one side with the same team-mate that make a companion, and not a coincidence: so many,
/// and among many games one in so many.
const COMPANION_GAMES: usize = 4;
const COMPANION_ONE_IN: usize = 10;

/// Stored games on a champion from which on it is certainly not new to the account. Where we do not
/// see what was played before the first stored game, fewer say nothing.
const PRACTISED_GAMES: u32 = 10;

/// An account up to this level is in its first year of ranked games, which begin at 30: what the
/// ladder counts as the season's games are nearly all that it ever had.
const YOUNG_LEVEL: i64 = 100;

/// How far apart two ranks may have been seen for what lies between to be told from them, in days.
const BETWEEN_DAYS: i64 = 30;

/// How long before a rank was first seen it can be carried back through the results, in days.
const CARRY_DAYS: i64 = 60;

/// What a game that was won adds to a rank, in tiers, and what a lost one takes.
const WON: f64 = 0.055;
const LOST: f64 = 0.05;

/// A young account below its lobbies gains more for a game that it wins than it loses for one that it
/// loses: by so much for each tier between, beyond the first tenth, and by half at most (ADR 13).
const DRAWN_PER_TIER: f64 = 0.25;
const NOT_DRAWN: f64 = 0.1;
const MOST_DRAWN: f64 = 0.5;

/// Games on either side whose lobbies say how high a game was.
const AROUND: usize = 5;

/// Games before the first rank that was seen to which it belongs even where the others' ranks are
/// not known. Fewer than it takes for a climb to be measured, and within so many days.
const NEAR_GAMES: usize = 4;
const NEAR_DAYS: i64 = 7;

/// How long before that it still says how high the games were, in days.
const STAND_IN_DAYS: i64 = 30;

/// What is known of a player, and in how many games the ranks of enough others were.
pub(super) fn evidence(player: &PlayerEvidence, known: &RunMemory) -> (Evidence, usize) {
    let ranks: Vec<RankPoint> = player.ranks.iter().filter_map(rank).collect();
    let companion = companion(&player.games);
    let all_seen = has_whole_history(player);
    let mut before: HashMap<i32, u32> = HashMap::new();
    let mut games = Vec::with_capacity(player.games.len());
    for stored in &player.games {
        let played = before.entry(stored.champion_id).or_default();
        let says = all_seen || *played >= PRACTISED_GAMES;
        let champion_games = says.then_some(*played);
        *played += 1;
        let Some(game) = game(stored, champion_games, companion) else { continue };
        games.push(Game { lobby_tier_value: known.lobby(stored), ..game });
    }
    let known_lobbies = games.iter().filter(|game| game.lobby_tier_value.is_some()).count();
    fill_in_ranks(&mut games, &ranks, is_young(player));
    let evidence = Evidence {
        account_id: player.puuid.clone(),
        account_level: player.summoner_level.and_then(|level| u32::try_from(level).ok()),
        label: None,
        ranks,
        games,
    };
    (evidence, known_lobbies)
}

fn is_young(player: &PlayerEvidence) -> bool {
    player.summoner_level.is_some_and(|level| level <= YOUNG_LEVEL)
}

/// Whether every ranked game that the account ever played is among the stored ones.
fn has_whole_history(player: &PlayerEvidence) -> bool {
    let season = player.ranks.last().map(|rank| rank.season_games);
    is_young(player)
        && season.is_some_and(|season| {
            usize::try_from(season).is_ok_and(|season| season <= player.games.len())
        })
}

/// The account's rank in each game, from the ranks that were seen over time.
///
/// Between two of them it is on the straight line. Behind the last, the assessment itself goes on
/// with it. Before the first, it is carried back through the results where the others' ranks are
/// known, and to the nearest games; a young account's in bigger steps where its lobbies are higher. Of those before them nothing is known but that their lobby was
/// about as high: a rank beside a lobby that is its own echo would be evidence that nothing is
/// unusual, and there is none.
fn fill_in_ranks(games: &mut [Game], ranks: &[RankPoint], is_young: bool) {
    let Some(first) = ranks.first() else { return };
    let earlier = games.partition_point(|game| game.at < first.at);
    let lobbies: Vec<Option<f64>> = (0..earlier).map(|place| lobby_around(games, place)).collect();
    let mut height = first.tier_value();
    for ((back, game), lobby) in
        games[..earlier].iter_mut().rev().enumerate().zip(lobbies.iter().rev())
    {
        let above = lobby.filter(|_| is_young).map_or(0.0, |lobby| lobby - height - NOT_DRAWN);
        let drawn = (DRAWN_PER_TIER * above).clamp(0.0, MOST_DRAWN);
        let step = if game.win { -WON * (1.0 + drawn) } else { LOST * (1.0 - drawn) };
        height = (height + step).max(0.0);
        let is_within = |days| first.at - game.at <= TimeDelta::days(days);
        let is_near = back < NEAR_GAMES && is_within(NEAR_DAYS);
        if is_near || (game.lobby_tier_value.is_some() && is_within(CARRY_DAYS)) {
            game.rank_tier_value = Some(height as f32);
        } else if game.lobby_tier_value.is_none() && is_within(STAND_IN_DAYS) {
            game.lobby_tier_value = Some(first.tier_value() as f32);
        }
    }
    for pair in ranks.windows(2) {
        let [a, b] = pair else { continue };
        if b.at - a.at > TimeDelta::days(BETWEEN_DAYS) {
            continue;
        }
        let from = games.partition_point(|game| game.at < a.at);
        let to = games.partition_point(|game| game.at < b.at);
        for game in &mut games[from..to] {
            game.rank_tier_value = Some(between(a, b, game.at));
        }
    }
}

/// How high the games around one were: the mean of the known ones.
fn lobby_around(games: &[Game], place: usize) -> Option<f64> {
    let around = place.saturating_sub(AROUND)..(place + AROUND + 1).min(games.len());
    let known = games[around].iter().filter_map(|game| game.lobby_tier_value.map(f64::from));
    let (sum, count) = known.fold((0.0, 0_u32), |(sum, count), height| (sum + height, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn between(a: &RankPoint, b: &RankPoint, at: DateTime<Utc>) -> f32 {
    let span = (b.at - a.at).num_milliseconds().max(1) as f64;
    let part = (at - a.at).num_milliseconds() as f64 / span;
    (a.tier_value() + part * (b.tier_value() - a.tier_value())) as f32
}

pub(crate) fn rank(seen: &EvidenceRank) -> Option<RankPoint> {
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
fn companion(games: &[EvidenceGame]) -> Option<i64> {
    let mut together: Vec<i64> = games.iter().flat_map(|game| &game.mates).copied().collect();
    together.sort_unstable();
    let fewest = COMPANION_GAMES.max(games.len() / COMPANION_ONE_IN);
    together
        .chunk_by(|a, b| a == b)
        .filter(|games| games.len() >= fewest)
        // The smaller number decides between equals, so that the same rows give the same evidence.
        .max_by(|a, b| a.len().cmp(&b.len()).then(b[0].cmp(&a[0])))
        .map(|games| games[0])
}

/// One game; `None` where the role is not one of the five.
fn game(
    stored: &EvidenceGame,
    champion_games: Option<u32>,
    companion: Option<i64>,
) -> Option<Game> {
    let kills = stored.kills + stored.assists;
    Some(Game {
        at: stored.game_start,
        duration_s: u32::try_from(stored.time_played).ok()?,
        queue: QueueId::RANKED_SOLO,
        role: role(&stored.role)?,
        champion_id: u32::try_from(stored.champion_id).ok()?,
        win: stored.win,
        kills: amount(stored.kills),
        deaths: amount(stored.deaths),
        assists: amount(stored.assists),
        cs: amount(stored.cs),
        gold: amount(stored.gold),
        damage_to_champions: amount(stored.damage),
        vision_score: Some(amount(stored.vision)),
        kill_participation: (stored.team_kills > 0)
            .then(|| (f64::from(kills) / f64::from(stored.team_kills)).clamp(0.0, 1.0) as f32),
        cs_at_10: stored.cs_at_10,
        solo_kills: stored.solo_kills,
        flash_slot: stored.flash_slot.and_then(|slot| u8::try_from(slot).ok()),
        rank_tier_value: None,
        lobby_tier_value: None,
        champion_games_before: champion_games,
        duo: companion.map(|companion| stored.mates.contains(&companion)),
    })
}

fn role(text: &str) -> Option<Role> {
    match text {
        "TOP" => Some(Role::Top),
        "JUNGLE" => Some(Role::Jungle),
        "MIDDLE" => Some(Role::Middle),
        "BOTTOM" => Some(Role::Bottom),
        "UTILITY" => Some(Role::Utility),
        _ => None,
    }
}

fn amount(value: i32) -> f32 {
    value.max(0) as f32
}

#[cfg(test)]
mod tests;
