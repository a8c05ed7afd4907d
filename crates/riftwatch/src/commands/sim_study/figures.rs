//! What a week is measured by.

use serde::Serialize;

use super::policies::Week;
use super::world::{Seconds, World};

/// How often staleness is sampled.
const SAMPLE_S: Seconds = 600;
/// Soon enough.
const SOON_S: f64 = 1_800.0;

/// A week in figures. Times are in minutes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    pub(super) policy: String,
    /// From the end of a match to its storing; a match that is not stored counts until the week's
    /// end.
    pub(super) delay_p50_min: f64,
    pub(super) delay_p95_min: f64,
    /// Of a tracked player who is behind: time since the end of the oldest match not yet stored.
    pub(super) staleness_p50_min: f64,
    pub(super) staleness_p95_min: f64,
    /// The same of all tracked players, 0 for who is not behind.
    pub(super) staleness_mean_min: f64,
    /// Share of matches stored within 30 minutes of their end.
    pub(super) within_30_min: f64,
    /// Share of matches stored at all.
    pub(super) stored: f64,
    pub(super) requests: u64,
    pub(super) lookups: u64,
    pub(super) rank_requests: u64,
    /// On the matches' route: lookups and matches.
    pub(super) requests_per_match: f64,
    /// That against the least.
    pub(super) times_least: f64,
}

/// What could not be done with less.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Least {
    /// Distinct matches of tracked players.
    pub(super) matches: u64,
    /// Lookups by somebody who knows when matches end, so that each is stored within 30 minutes: at the last
    /// moment, one for all of a player's matches of half an hour, one for all who were in a match.
    pub(super) lookups: u64,
    pub(super) requests_per_match: f64,
}

pub(super) fn least(world: &World, from: Seconds, until: Seconds) -> Least {
    let mut last_lookup = vec![Seconds::MIN; world.of_player.len()];
    let (mut matches, mut lookups) = (0, 0);
    for game in world.games.iter().filter(|game| (from..until).contains(&game.end)) {
        matches += 1;
        // The lookups of a match's players are in the order of ends, and so never before it.
        if game.tracked.iter().any(|player| last_lookup[*player] >= game.end) {
            continue;
        }
        lookups += 1;
        // Of the players the one who is in most other matches until then would be the best; the
        // first one will do for a figure that is meant as a yardstick.
        last_lookup[game.tracked[0]] = game.end + SOON_S as Seconds;
    }
    let requests_per_match = (matches + lookups) as f64 / matches.max(1) as f64;
    Least { matches, lookups, requests_per_match }
}

pub(super) fn figures(
    policy: String,
    world: &World,
    week: &Week,
    least: &Least,
    from: Seconds,
    until: Seconds,
) -> Figures {
    let ended = |game: usize| (from..until).contains(&world.games[game].end);
    let delay_s = |game: usize| {
        let end = world.games[game].end as f64;
        week.stored_at[game].unwrap_or(until as f64).max(end) - end
    };
    let of_week: Vec<usize> = (0..world.games.len()).filter(|game| ended(*game)).collect();
    let mut delays: Vec<f64> = of_week.iter().map(|game| delay_s(*game) / 60.0).collect();
    let stored: Vec<usize> =
        of_week.iter().copied().filter(|game| week.stored_at[*game].is_some()).collect();
    let soon = stored.iter().filter(|game| delay_s(**game) <= SOON_S).count();
    let mut behind = Vec::new();
    let mut samples = 0u64;
    for games in &world.of_player {
        let games: Vec<usize> = games.iter().copied().filter(|game| ended(*game)).collect();
        for at in (from..until).step_by(SAMPLE_S as usize) {
            samples += 1;
            let oldest = games.iter().copied().find(|game| {
                let end = world.games[*game].end;
                end <= at && end as f64 + delay_s(*game) > at as f64
            });
            if let Some(game) = oldest {
                behind.push((at - world.games[game].end) as f64 / 60.0);
            }
        }
    }
    let requests = week.lookups + week.matches;
    let requests_per_match = requests as f64 / stored.len().max(1) as f64;
    let share = |n: usize| n as f64 / of_week.len().max(1) as f64;
    Figures {
        policy,
        delay_p50_min: quantile(&mut delays, 0.5),
        delay_p95_min: quantile(&mut delays, 0.95),
        staleness_mean_min: behind.iter().sum::<f64>() / samples.max(1) as f64,
        staleness_p50_min: quantile(&mut behind, 0.5),
        staleness_p95_min: quantile(&mut behind, 0.95),
        within_30_min: share(soon),
        stored: share(stored.len()),
        requests,
        lookups: week.lookups,
        rank_requests: week.ranks,
        requests_per_match,
        times_least: requests_per_match / least.requests_per_match,
    }
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
