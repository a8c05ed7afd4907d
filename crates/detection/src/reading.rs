//! From evidence to the games that count, each reduced to what the sums need.

use chrono::Timelike;

use crate::baseline::Baseline;
use crate::density::MOST_GAMES;
use crate::evidence::{Evidence, Game};
use crate::index::CompiledIndex;
use crate::statistics::Played;

/// A champion with fewer games than this on the account is new to it.
const NEW_CHAMPION_GAMES: u32 = 10;

/// Height of a lobby of which nothing is known: the middle of the ladder.
const UNKNOWN_TIER: f32 = 4.0;

/// Reads the newest games that count, oldest first.
pub(crate) fn read(evidence: &Evidence, baseline: &Baseline, index: &CompiledIndex) -> Vec<Played> {
    let mut games: Vec<&Game> = evidence.games.iter().filter(|game| game.counts()).collect();
    if !games.is_sorted_by_key(|game| game.at) {
        games.sort_by_key(|game| game.at);
    }
    let newest = &games[games.len().saturating_sub(MOST_GAMES)..];
    let mut ranks = evidence.ranks.iter().peekable();
    let mut seen: Option<f32> = None;
    newest
        .iter()
        .enumerate()
        .map(|(place, game)| {
            while let Some(rank) = ranks.next_if(|rank| rank.at <= game.at) {
                seen = Some(rank.tier_value() as f32);
            }
            played(place, game, game.rank_tier_value.or(seen), baseline, index)
        })
        .collect()
}

/// Reduces one game. Some 30 ns.
pub(crate) fn played(
    place: usize,
    game: &Game,
    rank: Option<f32>,
    baseline: &Baseline,
    index: &CompiledIndex,
) -> Played {
    let tier = game.lobby_tier_value.or(rank).unwrap_or(UNKNOWN_TIER);
    let (index, worth) = index.of(&baseline.residuals(game, tier));
    let turn = std::f32::consts::TAU * game.at.num_seconds_from_midnight() as f32 / 86_400.0;
    Played {
        place: place as u32,
        index,
        worth,
        win: game.win,
        role: game.role,
        champion_id: game.champion_id,
        hour: [turn.cos(), turn.sin()],
        new_champion: game.champion_games_before.map(|before| before < NEW_CHAMPION_GAMES),
        rank,
        lobby_above: game.lobby_tier_value.zip(rank).map(|(lobby, rank)| lobby - rank),
        flash_slot: game.flash_slot,
        duo: game.duo,
    }
}
