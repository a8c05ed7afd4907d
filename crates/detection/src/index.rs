//! The performance index: ten distances from the usual become one number a game.
//!
//! The weights come from no label: they are what best foretells the rank that accounts go on to
//! gain. The index is scaled so that one account's games differ by a standard deviation of 1.

use serde::{Deserialize, Serialize};

use crate::stats::{ALWAYS, STATS};

/// Weights of the statistics, and how these vary together within an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// None has the wrong sign: deaths at most 0, the others at least 0.
    pub(crate) weights: [f64; STATS],
    /// Covariance of the distances within an account.
    pub(crate) within: [[f64; STATS]; STATS],
    /// Weighted sum of the population's median account.
    pub(crate) centre: f64,
}

/// The same, ready to use for every set of statistics that may be present.
#[derive(Debug, Clone)]
pub(crate) struct CompiledIndex {
    weights: [f32; STATS],
    centre: f32,
    /// By which optional statistics are missing: what to multiply the rest by, and what its
    /// evidence is worth against a complete game.
    without: [(f32, f32); 16],
}

impl Index {
    pub(crate) fn compile(&self) -> CompiledIndex {
        // What a difference in strength shows in each statistic, up to scale: if the weights are
        // the best ones, it is covariance × weights.
        let shows: [f64; STATS] = std::array::from_fn(|row| {
            (0..STATS).map(|column| self.within[row][column] * self.weights[column]).sum()
        });
        let whole: f64 = (0..STATS).map(|stat| self.weights[stat] * shows[stat]).sum();
        let without = std::array::from_fn(|missing| {
            let present =
                |stat: &usize| *stat < ALWAYS.len() || missing & (1 << (*stat - ALWAYS.len())) == 0;
            let stats: Vec<usize> = (0..STATS).filter(present).collect();
            let signal: f64 = stats.iter().map(|&stat| self.weights[stat] * shows[stat]).sum();
            let mut variance = 0.0;
            for &row in &stats {
                for &column in &stats {
                    variance += self.weights[row] * self.weights[column] * self.within[row][column];
                }
            }
            let scale = (whole / signal.max(0.05 * whole)).clamp(0.5, 3.0);
            ((scale) as f32, (whole / (scale * scale * variance.max(1e-9))).min(1.0) as f32)
        });
        CompiledIndex {
            weights: self.weights.map(|weight| weight as f32),
            centre: self.centre as f32,
            without,
        }
    }
}

impl CompiledIndex {
    /// The index of a game, and what it is worth against one with every statistic (0..=1).
    pub(crate) fn of(&self, z: &[f32; STATS]) -> (f32, f32) {
        let mut sum = 0.0;
        let mut missing = 0;
        for (stat, (&z, &weight)) in z.iter().zip(&self.weights).enumerate() {
            if !z.is_nan() {
                sum += weight * z;
            } else if stat >= ALWAYS.len() {
                missing |= 1 << (stat - ALWAYS.len());
            }
        }
        let (scale, worth) = self.without[missing];
        (scale * (sum - self.centre), worth)
    }
}
