//! The nine-factor score of the system that the project succeeds, kept as `legacy-9`.
//!
//! Rules, weights and errors are reproduced as they were, so that old scores can be compared with
//! new assessments. The score is no probability: measured against known stories it is little
//! better than chance (see `docs/DETECTION.md`). All factors lie in 0..=1.

use serde::{Deserialize, Serialize};

use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::Division;

use crate::evidence::{Evidence, Game, RankPoint, Role};

/// The version tag of every score from here.
pub const VERSION: &str = "legacy-9";

/// Games that are read, and without which there is no score.
pub const GAMES: usize = 30;

/// The nine factors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LegacyFactors {
    /// KDA and share of wins above what the tier was thought to have.
    pub rank_discrepancy: f64,
    /// Share of wins from 65 % upwards.
    pub win_rate: f64,
    /// Newest five games against oldest five, in either direction.
    pub performance_trends: f64,
    /// Newest half against oldest half, in either direction.
    pub win_rate_trend: f64,
    /// Roles with a high KDA.
    pub role_performance: f64,
    /// Points gained per day; 0 unless every rank seen is a division I.
    pub rank_progression: f64,
    /// A level of 50 or less.
    pub account_level: f64,
    /// An even and high KDA.
    pub performance_consistency: f64,
    /// A KDA of 3.5 or more.
    pub kda: f64,
}

impl LegacyFactors {
    /// Keys, weights and values, heaviest first. The weights add to 1.
    pub fn weighted(&self) -> [(&'static str, f64, f64); 9] {
        [
            ("rank_discrepancy", 0.20, self.rank_discrepancy),
            ("win_rate", 0.18, self.win_rate),
            ("performance_trends", 0.15, self.performance_trends),
            ("win_rate_trend", 0.10, self.win_rate_trend),
            ("role_performance", 0.09, self.role_performance),
            ("rank_progression", 0.09, self.rank_progression),
            ("account_level", 0.08, self.account_level),
            ("performance_consistency", 0.08, self.performance_consistency),
            ("kda", 0.03, self.kda),
        ]
    }

    /// The weighted sum, 0..=1.
    pub fn score(&self) -> f64 {
        self.weighted().iter().map(|(_, weight, value)| weight * value).sum()
    }
}

/// What the old system would have called the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyBand {
    /// From 0.80.
    High,
    /// From 0.60.
    Medium,
    /// From 0.40.
    Low,
    /// Below.
    None,
}

impl LegacyBand {
    /// The band of a score.
    pub fn of(score: f64) -> Self {
        match score {
            score if score >= 0.80 => Self::High,
            score if score >= 0.60 => Self::Medium,
            score if score >= 0.40 => Self::Low,
            _ => Self::None,
        }
    }
}

/// The factors of the newest 30 ranked solo games; `None` with fewer.
pub fn factors(evidence: &Evidence) -> Option<LegacyFactors> {
    let solo: Vec<&Game> =
        evidence.games.iter().filter(|game| game.queue == QueueId::RANKED_SOLO).collect();
    let games = &solo[solo.len().checked_sub(GAMES)?..];
    Some(LegacyFactors {
        rank_discrepancy: rank_discrepancy(games, current_tier(evidence)),
        win_rate: win_rate(games),
        performance_trends: performance_trends(games),
        win_rate_trend: win_rate_trend(games),
        role_performance: role_performance(games),
        rank_progression: rank_progression(&evidence.ranks),
        account_level: account_level(evidence.account_level),
        performance_consistency: performance_consistency(games),
        kda: kda(games),
    })
}

/// The newest rank seen; failing that, the one noted with the newest game that has one.
fn current_tier(evidence: &Evidence) -> Option<u8> {
    if let Some(rank) = evidence.ranks.last() {
        return rank.tier.ordinal();
    }
    let value = evidence.games.iter().rev().find_map(|game| game.rank_tier_value)?;
    Some(value.clamp(0.0, 7.0) as u8)
}

fn game_kda(game: &Game) -> f64 {
    let gained = f64::from(game.kills + game.assists);
    if game.deaths > 0.0 { gained / f64::from(game.deaths) } else { gained }
}

/// Ratio of sums, as the old system's "average KDA" was.
fn overall_kda(games: &[&Game]) -> f64 {
    let gained: f64 = games.iter().map(|game| f64::from(game.kills + game.assists)).sum();
    let deaths: f64 = games.iter().map(|game| f64::from(game.deaths)).sum();
    if deaths > 0.0 { gained / deaths } else { gained }
}

fn win_ratio(games: &[&Game]) -> f64 {
    games.iter().filter(|game| game.win).count() as f64 / games.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// 1 − (sample standard deviation / mean), at least 0; 0 where the mean is 0.
fn consistency(values: &[f64]) -> f64 {
    let mean = mean(values);
    if mean == 0.0 {
        return 0.0;
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let sd = if values.len() > 1 { (squares / (values.len() - 1) as f64).sqrt() } else { 0.0 };
    (1.0 - sd / mean).max(0.0)
}

fn rank_discrepancy(games: &[&Game], tier: Option<u8>) -> f64 {
    const KDA: [f64; 8] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];
    const WINS: [f64; 8] = [0.45, 0.48, 0.50, 0.52, 0.54, 0.56, 0.58, 0.60];
    let Some(tier) = tier.map(usize::from) else { return 0.0 };
    // The original's table ends at Master, and its default is that of a Gold player at best.
    let expected_kda = KDA.get(tier).copied().unwrap_or(2.0);
    let expected_wins = WINS.get(tier).copied().unwrap_or(0.50);
    let above = 0.6 * (overall_kda(games) - expected_kda).max(0.0)
        + 0.4 * (win_ratio(games) - expected_wins).max(0.0);
    (3.0 * above).min(1.0)
}

fn win_rate(games: &[&Game]) -> f64 {
    let ratio = win_ratio(games);
    if ratio >= 0.65 { (0.5 + 5.0 * (ratio - 0.65)).min(1.0) } else { 0.0 }
}

fn performance_trends(games: &[&Game]) -> f64 {
    let performance: Vec<f64> = games
        .iter()
        .map(|game| {
            0.6 * game_kda(game)
                + 0.3 * (f64::from(game.cs) / 200.0).min(1.0)
                + 0.1 * (f64::from(game.vision_score.unwrap_or(0.0)) / 50.0).min(1.0)
        })
        .collect();
    let change = mean(&performance[performance.len() - 5..]) - mean(&performance[..5]);
    let score = if change > 0.2 {
        (2.0 * change).min(1.0)
    } else if change < -0.2 {
        (-1.5 * change).min(1.0)
    } else {
        0.0
    };
    let suspiciously_stable = mean(&performance) > 0.7 && consistency(&performance) > 0.8;
    if suspiciously_stable { score.max(0.8) } else { score }
}

fn win_rate_trend(games: &[&Game]) -> f64 {
    let (oldest, newest) = games.split_at(games.len() / 2);
    let improvement = win_ratio(newest) - win_ratio(oldest);
    if improvement > 0.1 {
        (3.0 * improvement).min(1.0)
    } else if improvement < -0.1 {
        (-2.0 * improvement).min(1.0)
    } else {
        0.0
    }
}

fn role_performance(games: &[&Game]) -> f64 {
    let roles: Vec<Vec<f64>> = Role::ALL
        .iter()
        .map(|role| games.iter().filter(|game| game.role == *role).map(|g| game_kda(g)).collect())
        .filter(|games: &Vec<f64>| games.len() >= 3)
        .collect();
    if roles.len() < 3 {
        return 0.0;
    }
    let strong = roles.iter().filter(|games| mean(games) > 3.5).count();
    (strong as f64 / 3.0).min(1.0)
}

fn rank_progression(ranks: &[RankPoint]) -> f64 {
    // The original took the code point of the whole division's text, which raises on "II", "III"
    // and "IV"; the error was caught and the factor became 0.
    let readable = |rank: &RankPoint| matches!(rank.division, Some(Division::I) | None);
    if !ranks.iter().all(readable) {
        return 0.0;
    }
    let newest_five = &ranks[ranks.len().saturating_sub(5)..];
    let [oldest, .., newest] = newest_five else { return 0.0 };
    let days = (newest.at - oldest.at).num_seconds() as f64 / 86_400.0;
    if days <= 0.0 {
        return 0.0;
    }
    let speed = (ladder_score(newest) - ladder_score(oldest)) / days;
    if speed > 0.0 { (speed / 100.0).min(1.0) } else { 0.0 }
}

/// The original's scale, on which Silver I with 99 points stands above Gold IV with none.
fn ladder_score(rank: &RankPoint) -> f64 {
    let tier = rank.tier.ordinal().map_or(0.0, f64::from);
    let division = f64::from(rank.division.unwrap_or(Division::I).ordinal() + 1);
    100.0 * tier + 25.0 * division + f64::from(rank.league_points)
}

fn account_level(level: Option<u32>) -> f64 {
    if level.is_some_and(|level| level <= 50) { 0.15 } else { 0.0 }
}

fn performance_consistency(games: &[&Game]) -> f64 {
    let kda: Vec<f64> =
        games.iter().map(|game| game_kda(game)).filter(|value| *value > 0.0).collect();
    let cs: Vec<f64> =
        games.iter().map(|game| f64::from(game.cs)).filter(|value| *value > 0.0).collect();
    let even = 0.7 * consistency(&kda) + 0.3 * consistency(&cs);
    if mean(&kda) >= 3.5 && even >= 0.7 { even } else { 0.0 }
}

fn kda(games: &[&Game]) -> f64 {
    let kda = overall_kda(games);
    if kda >= 3.5 { (kda / 3.5).min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
