//! Random numbers with an address: one ChaCha stream per thing, so that adding a player or a match
//! does not reshuffle the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of numbers decides. Part of its address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Account = 1,
    Opening = 2,
    Lobby = 3,
    Schedule = 4,
    Performance = 5,
    Fault = 6,
    Latency = 7,
    Champion = 8,
    Timeline = 9,
    Patch = 10,
}

/// Changed whenever the same seed gives another world.
const WORLD_VERSION: u64 = 2;

/// A stream of random numbers.
#[derive(Debug)]
pub(crate) struct Dice {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Dice {
    /// The stream of one thing: `space` is its platform, `id` its number there.
    pub(crate) fn new(seed: u64, stream: Stream, space: u64, id: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(((stream as u64) << 32) | WORLD_VERSION).to_le_bytes());
        key[16..24].copy_from_slice(&space.to_le_bytes());
        key[24..].copy_from_slice(&id.to_le_bytes());
        Self { rng: ChaCha8Rng::from_seed(key), spare: None }
    }

    /// Uniform in `0..1`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `low..high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.rng.next_u32()) * n as u64) >> 32) as usize
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    pub(crate) fn gauss(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * self.normal()
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// A count with the given mean; meant for small means.
    pub(crate) fn count(&mut self, mean: f64) -> i32 {
        let floor = (-mean.max(0.0)).exp();
        let mut product = self.unit();
        let mut n = 0;
        while product > floor && n < 200 {
            product *= self.unit();
            n += 1;
        }
        n
    }

    /// An index, with chances in proportion to the weights.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (i, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return i;
            }
        }
        weights.len() - 1
    }
}

/// Scrambles a number: neighbours become strangers. For ids, not for statistics.
pub(crate) fn scramble(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_its_own_numbers_and_the_right_shape() {
        let mut dice = Dice::new(1, Stream::Account, 0, 0);
        let mut other = Dice::new(1, Stream::Account, 0, 1);
        assert_ne!(dice.unit(), other.unit());
        let n = 20_000;
        let normals: Vec<f64> = (0..n).map(|_| dice.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        let counts: i32 = (0..n).map(|_| dice.count(1.5)).sum();
        assert!((f64::from(counts) / f64::from(n) - 1.5).abs() < 0.05);
    }
}
