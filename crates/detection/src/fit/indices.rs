//! The performance index: what best foretells the rank that an account goes on to gain.
//!
//! No story is looked at. The first half of an account's games is averaged, the second half's gain
//! in displayed rank is foretold from it by ridge regression, and no weight may have the wrong sign.

use super::{Plan, rounded};
use crate::baseline::Baseline;
use crate::index::Index;
use crate::stats::{SIGNS, STATS};

/// Games of each account: as many to foretell from as to foretell.
const GAMES: usize = 60;

/// Sums over one account.
struct Account {
    /// Mean distances of the first half.
    mean: [f64; STATS],
    /// Rank gained in the second half, in tiers.
    gain: f64,
    /// Covariance within the account.
    within: [[f64; STATS]; STATS],
}

pub(super) fn fit(plan: &Plan, baseline: &Baseline) -> Index {
    let accounts: Vec<Account> = plan
        .every(0, |world, number| {
            let (_, story) = world.account(number);
            let evidence = world.account_of(number, story, Some(GAMES));
            let rank = |place: usize| evidence.games[place].rank_tier_value.map(f64::from);
            let gain = rank(GAMES - 1)? - rank(GAMES / 2)?;
            let distances: Vec<[f64; STATS]> = evidence
                .games
                .iter()
                .map(|game| {
                    let tier = game.lobby_tier_value.or(game.rank_tier_value).unwrap_or(4.0);
                    baseline.residuals(game, tier).map(f64::from)
                })
                .collect();
            let complete = distances.iter().flatten().all(|value| value.is_finite());
            complete.then(|| account(&distances, gain))
        })
        .into_iter()
        .flatten()
        .collect();
    let count = accounts.len() as f64;
    let average = |value: &dyn Fn(&Account) -> f64| accounts.iter().map(value).sum::<f64>() / count;
    let within: [[f64; STATS]; STATS] = std::array::from_fn(|row| {
        std::array::from_fn(|column| rounded(average(&|account| account.within[row][column])))
    });
    let means: [f64; STATS] = std::array::from_fn(|stat| average(&|account| account.mean[stat]));
    let gain = average(&|account| account.gain);
    let products = |row: usize, column: usize| {
        average(&|a| (a.mean[row] - means[row]) * (a.mean[column] - means[column]))
    };
    let xx: [[f64; STATS]; STATS] =
        std::array::from_fn(|row| std::array::from_fn(|column| products(row, column)));
    let xy: [f64; STATS] =
        std::array::from_fn(|stat| average(&|a| (a.mean[stat] - means[stat]) * (a.gain - gain)));
    let raw = ridge_with_signs(&xx, &xy);

    let mut variance = 0.0;
    for row in 0..STATS {
        for column in 0..STATS {
            variance += raw[row] * raw[column] * within[row][column];
        }
    }
    let weights = raw.map(|weight| rounded(weight / variance.sqrt()));
    let mut levels: Vec<f64> = accounts
        .iter()
        .map(|account| (0..STATS).map(|stat| weights[stat] * account.mean[stat]).sum())
        .collect();
    levels.sort_unstable_by(f64::total_cmp);
    Index { weights, within, centre: rounded(levels[levels.len() / 2]) }
}

fn account(distances: &[[f64; STATS]], gain: f64) -> Account {
    let mean_of = |games: &[[f64; STATS]]| -> [f64; STATS] {
        std::array::from_fn(|stat| games.iter().map(|z| z[stat]).sum::<f64>() / games.len() as f64)
    };
    let all = mean_of(distances);
    let within = std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            distances.iter().map(|z| (z[row] - all[row]) * (z[column] - all[column])).sum::<f64>()
                / (distances.len() - 1) as f64
        })
    });
    Account { mean: mean_of(&distances[..GAMES / 2]), gain, within }
}

/// Minimises the squared error plus a little of the squared weights, one weight at a time, each
/// held on its side of zero.
fn ridge_with_signs(xx: &[[f64; STATS]; STATS], xy: &[f64; STATS]) -> [f64; STATS] {
    let ridge = 0.02 * (0..STATS).map(|stat| xx[stat][stat]).sum::<f64>() / STATS as f64;
    let mut weights = [0.0; STATS];
    for _ in 0..500 {
        for stat in 0..STATS {
            let others: f64 = (0..STATS)
                .filter(|&other| other != stat)
                .map(|other| xx[stat][other] * weights[other])
                .sum();
            let best = (xy[stat] - others) / (xx[stat][stat] + ridge);
            weights[stat] = if best * SIGNS[stat] > 0.0 { best } else { 0.0 };
        }
    }
    weights
}
