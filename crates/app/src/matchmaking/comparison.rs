//! The arithmetic: one game's two sides, and what many games come to.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_store::matchmaking_analyses::Lobby;
use serde::{Deserialize, Serialize};

/// Days after which a rank that was seen says nothing of a game any more.
const FRESH_DAYS: i64 = 30;

/// Team-mates of a player, and opponents.
const MATES: usize = 4;
const OPPONENTS: usize = 5;

/// Two-sided 80 % quantile of the normal distribution.
const Q80: f64 = 1.281_552;

/// One game that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Compared {
    pub(super) match_id: String,
    pub(super) at: DateTime<Utc>,
    win: bool,
    mates_known: usize,
    opponents_known: usize,
    /// Mean displayed rank of the team-mates above that of the opponents, in tiers; absent where
    /// nobody on a side is known.
    difference: Option<f64>,
}

/// What many games come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    games: usize,
    games_compared: usize,
    wins: usize,
    /// Share of the team-mates whose rank was known before the game, 0 to 1.
    mates_known: f64,
    /// The same of the opponents.
    opponents_known: f64,
    /// Over all compared games.
    difference: Option<Difference>,
    /// Over those that were won.
    difference_in_wins: Option<Difference>,
    /// Over those that were lost.
    difference_in_losses: Option<Difference>,
    method: &'static str,
}

/// A mean over games.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Difference {
    games: usize,
    /// Team-mates above opponents, in tiers of the displayed ladder; negative: below.
    mean_tiers: f64,
    /// Within which the mean of many such games would be, four times in five.
    interval_80: [f64; 2],
}

const METHOD: &str = "Displayed ranks as last seen before each game, at most 30 days earlier. Mean of \
    the team-mates minus mean of the opponents, the player left out, over the games where both sides \
    have somebody with a known rank. Displayed ranks are not what matchmaking goes by.";

pub(super) fn compare(game: &Lobby, ranks: &HashMap<i64, Vec<(DateTime<Utc>, f64)>>) -> Compared {
    let heights = |side: &[i64]| -> Vec<f64> {
        side.iter().filter_map(|number| before(ranks.get(number)?, game.game_start)).collect()
    };
    let mates = heights(&game.mates);
    let opponents = heights(&game.opponents);
    Compared {
        match_id: game.match_id.clone(),
        at: game.game_start,
        win: game.win,
        mates_known: mates.len(),
        opponents_known: opponents.len(),
        difference: mean(&mates).zip(mean(&opponents)).map(|(ours, theirs)| ours - theirs),
    }
}

/// The last rank seen before a game. Ranks are oldest first.
fn before(ranks: &[(DateTime<Utc>, f64)], start: DateTime<Utc>) -> Option<f64> {
    let known = ranks.partition_point(|(seen_at, _)| *seen_at < start);
    let (seen_at, height) = ranks[..known].last()?;
    (start - *seen_at <= TimeDelta::days(FRESH_DAYS)).then_some(*height)
}

pub(super) fn summary(games: &[Compared]) -> Summary {
    let differences = |which: fn(&Compared) -> bool| -> Vec<f64> {
        games.iter().filter(|game| which(game)).filter_map(|game| game.difference).collect()
    };
    let share = |known: usize, of: usize| rounded(known as f64 / (of * games.len()).max(1) as f64);
    let all = differences(|_| true);
    Summary {
        games: games.len(),
        games_compared: all.len(),
        wins: games.iter().filter(|game| game.win).count(),
        mates_known: share(games.iter().map(|game| game.mates_known).sum(), MATES),
        opponents_known: share(games.iter().map(|game| game.opponents_known).sum(), OPPONENTS),
        difference: difference(&all),
        difference_in_wins: difference(&differences(|game| game.win)),
        difference_in_losses: difference(&differences(|game| !game.win)),
        method: METHOD,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Mean and interval; nothing below two games, of which no spread can be told.
fn difference(values: &[f64]) -> Option<Difference> {
    let mean = mean(values).filter(|_| values.len() >= 2)?;
    let n = values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = Q80 * (variance / n).sqrt();
    Some(Difference {
        games: values.len(),
        mean_tiers: rounded(mean),
        interval_80: [rounded(mean - half), rounded(mean + half)],
    })
}

/// To a thousandth: more would be a precision that is not there.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day)
    }

    fn game(number: i64, win: bool, mates: &[i64], opponents: &[i64]) -> Lobby {
        Lobby {
            match_id: format!("EUW1_{number}"),
            game_start: day(number),
            win,
            mates: mates.to_vec(),
            opponents: opponents.to_vec(),
        }
    }

    #[test]
    fn only_what_was_known_before_a_game_counts() {
        let ranks = HashMap::from([
            (1, vec![(day(0), 2.0), (day(9), 3.0), (day(11), 7.0)]),
            (2, vec![(day(10), 1.0)]),
            (3, vec![(day(-21), 6.0)]),
            (4, vec![(day(-20), 4.0)]),
        ]);
        let done = compare(&game(10, true, &[1, 2, 9], &[3, 4]), &ranks);
        assert_eq!(
            serde_json::to_value(done).unwrap(),
            json!({ "match_id": "EUW1_10", "at": day(10), "win": true, "mates_known": 1,
                    "opponents_known": 1, "difference": -1.0 })
        );
    }

    #[test]
    fn a_summary_has_means_intervals_and_coverage() {
        let ranks = HashMap::from([(1, vec![(day(0), 3.0)]), (2, vec![(day(0), 2.0)])]);
        let games = [
            game(1, true, &[1], &[2]),
            game(2, true, &[1], &[2]),
            game(3, false, &[2], &[1]),
            game(4, false, &[8], &[9]),
        ];
        let done: Vec<Compared> = games.iter().map(|game| compare(game, &ranks)).collect();
        let mut said = serde_json::to_value(summary(&done)).unwrap();
        said.as_object_mut().unwrap().remove("method");
        // The differences are 1, 1 and -1: their mean is 1/3, the variance of that 4/9.
        assert_eq!(
            said,
            json!({
                "games": 4, "games_compared": 3, "wins": 2,
                "mates_known": 0.188, "opponents_known": 0.15,
                "difference": { "games": 3, "mean_tiers": 0.333,
                                "interval_80": [-0.521, 1.188] },
                "difference_in_wins": { "games": 2, "mean_tiers": 1.0, "interval_80": [1.0, 1.0] },
                "difference_in_losses": null,
            })
        );
    }
}
