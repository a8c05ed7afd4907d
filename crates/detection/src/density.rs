//! How likely a factor's reading is under each story.
//!
//! Densities depend on the number of games beyond the exact noise of the measures: matchmaking
//! catches up with everybody, so that what is usual after ten games is not after a hundred.

use serde::{Deserialize, Serialize};

use crate::factors::{FACTORS, Measure, Measures};
use crate::lanes::{LANES, Lanes, ln};
use crate::story::Story;

/// Number of stories.
pub(crate) const STORIES: usize = Story::ALL.len();

/// Ranges of the number of games that have densities of their own: up to 14, 29, 59, 119, above.
pub(crate) const BUCKETS: usize = 5;

const BUCKET_ENDS: [u32; BUCKETS - 1] = [15, 30, 60, 120];

/// The most games of an account that are read: the newest.
pub(crate) const MOST_GAMES: usize = 1024;

/// Bins of a counted-out density.
pub(crate) const BINS: usize = 10;

/// The range that a number of games falls into.
pub(crate) fn bucket(games: u32) -> usize {
    BUCKET_ENDS.iter().filter(|end| games >= **end).count()
}

/// A number for every range of games and every story.
pub(crate) type PerStory = [[f64; STORIES]; BUCKETS];

/// The densities of one factor, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Density {
    /// Normal(mean, variance + the measure's noise).
    Normal { mean: PerStory, variance: PerStory },
    /// Beta-binomial.
    Count { alpha: PerStory, beta: PerStory },
    /// Logarithms of the shares of ten bins between these edges.
    Shape { edges: [f64; BINS - 1], log_shares: Box<[[[f64; STORIES]; BINS]; BUCKETS]> },
}

impl Density {
    /// What is usual for a story: mean, share or middle, and a typical distance from it.
    pub(crate) fn usual(&self, bucket: usize, story: usize) -> (f64, f64) {
        match self {
            Self::Normal { mean, variance } => {
                (mean[bucket][story], variance[bucket][story].sqrt())
            }
            Self::Count { alpha, beta } => {
                let (a, b) = (alpha[bucket][story], beta[bucket][story]);
                let share = a / (a + b);
                (share, (share * (1.0 - share) / (a + b + 1.0)).sqrt())
            }
            Self::Shape { edges, log_shares } => {
                let shares = log_shares[bucket].map(|bin| bin[story].exp());
                let middle = |bin: usize| match bin {
                    0 => edges[0],
                    9 => edges[BINS - 2],
                    bin => 0.5 * (edges[bin - 1] + edges[bin]),
                };
                let mean: f64 = (0..BINS).map(|bin| shares[bin] * middle(bin)).sum();
                let square: f64 =
                    (0..BINS).map(|bin| shares[bin] * (middle(bin) - mean).powi(2)).sum();
                (mean, square.sqrt())
            }
        }
    }
}

/// The same, laid out to be read fast.
#[derive(Debug, Clone)]
pub(crate) enum CompiledDensity {
    Normal(Box<[Normals; BUCKETS]>),
    Count(Box<[CountTables; BUCKETS]>),
    /// What each bin says has no noise to depend on, and is worked out beforehand.
    Shape {
        edges: [f32; BINS - 1],
        says: Box<[[Lanes; BINS]; BUCKETS]>,
    },
}

/// Mean and variance of every story, and what a measure without noise needs of the variance.
#[derive(Debug, Clone)]
pub(crate) struct Normals {
    mean: Lanes,
    variance: Lanes,
    precision: Lanes,
    ln_variance: Lanes,
}

/// ln of (α)ₖ/k!, of (β)ₖ/k! and of (α+β)ₖ/k! for k from 0: the first two summed less the third
/// are the beta-binomial, and none grows large enough to lose digits.
#[derive(Debug, Clone)]
pub(crate) struct CountTables {
    hit: Vec<Lanes>,
    miss: Vec<Lanes>,
    all: Vec<Lanes>,
}

/// No factor says more than this, in nats, before it is weighed: none decides alone.
const CLIP: f32 = 8.0;

/// Log-densities less the logarithm of the innocent stories' mean density, clipped.
fn against_honest(density: &Lanes) -> Lanes {
    let most = density.honest_max();
    clipped(density, most + ln(density.honest_exp_sum(most) / Story::HONEST as f32))
}

#[inline(always)]
fn clipped(density: &Lanes, mean: f32) -> Lanes {
    Lanes::new(|lane| {
        let says = density.0[lane] - mean;
        let says = if says > CLIP { CLIP } else { says };
        if says < -CLIP { -CLIP } else { says }
    })
}

/// Adds to `weights` what all measures say about every story, each as far as its exponent lets it.
///
/// The same as adding up [`CompiledDensity::says`], in two passes, so that the logarithms of the
/// innocent stories' mean densities are vectors across the factors too.
pub(crate) fn add_up(
    weights: &mut Lanes,
    densities: &[CompiledDensity; FACTORS],
    exponents: &[f32; FACTORS],
    bucket: usize,
    measures: &Measures,
) {
    let mut read = [Lanes::ZERO; FACTORS];
    let mut most = [0.0_f32; FACTORS];
    let mut sums = [1.0_f32; FACTORS];
    for factor in 0..FACTORS {
        let Some(measure) = &measures[factor] else { continue };
        match densities[factor].read(bucket, measure) {
            Reading::Density(density) => {
                most[factor] = density.honest_max();
                sums[factor] = density.honest_exp_sum(most[factor]);
                read[factor] = density;
            }
            Reading::Says(says) => {
                for lane in 0..LANES {
                    weights.0[lane] += exponents[factor] * says.0[lane];
                }
            }
        }
    }
    let means: [f32; FACTORS] =
        std::array::from_fn(|factor| most[factor] + ln(sums[factor] / Story::HONEST as f32));
    for factor in 0..FACTORS {
        if matches!(densities[factor], CompiledDensity::Shape { .. }) || measures[factor].is_none()
        {
            continue;
        }
        let says = clipped(&read[factor], means[factor]);
        for lane in 0..LANES {
            weights.0[lane] += exponents[factor] * says.0[lane];
        }
    }
}

fn lanes_of(values: &[f64; STORIES]) -> Lanes {
    // Spare lanes repeat the last story, so that no lane ever holds what cannot be computed with.
    Lanes::new(|lane| values[lane.min(STORIES - 1)] as f32)
}

fn rising(start: impl Fn(usize) -> f64, length: usize) -> Vec<Lanes> {
    let mut sums = [0.0_f64; LANES];
    let mut table = Vec::with_capacity(length + 1);
    table.push(Lanes::ZERO);
    for k in 0..length {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += ((start(lane.min(STORIES - 1)) + k as f64) / (k + 1) as f64).ln();
        }
        table.push(Lanes::new(|lane| sums[lane] as f32));
    }
    table
}

impl CountTables {
    fn new(alpha: &[f64; STORIES], beta: &[f64; STORIES], most: usize) -> Self {
        Self {
            hit: rising(|story| alpha[story], most),
            miss: rising(|story| beta[story], most),
            all: rising(|story| alpha[story] + beta[story], most),
        }
    }
}

impl CompiledDensity {
    pub(crate) fn new(density: &Density) -> Self {
        match density {
            Density::Normal { mean, variance } => {
                Self::Normal(Box::new(std::array::from_fn(|bucket| {
                    let variance = &variance[bucket];
                    Normals {
                        mean: lanes_of(&mean[bucket]),
                        variance: lanes_of(variance),
                        precision: lanes_of(&variance.map(|variance| 1.0 / variance)),
                        ln_variance: lanes_of(&variance.map(f64::ln)),
                    }
                })))
            }
            Density::Count { alpha, beta } => {
                Self::Count(Box::new(std::array::from_fn(|bucket| {
                    let most = match BUCKET_ENDS.get(bucket) {
                        Some(end) => *end as usize,
                        None => MOST_GAMES,
                    };
                    CountTables::new(&alpha[bucket], &beta[bucket], most)
                })))
            }
            Density::Shape { edges, log_shares } => Self::Shape {
                edges: edges.map(|edge| edge as f32),
                says: Box::new(std::array::from_fn(|bucket| {
                    std::array::from_fn(|bin| against_honest(&lanes_of(&log_shares[bucket][bin])))
                })),
            },
        }
    }

    /// What the measure says about every story, against the mean of the innocent ones, in nats.
    pub(crate) fn says(&self, bucket: usize, measure: &Measure) -> Lanes {
        match self.read(bucket, measure) {
            Reading::Density(density) => against_honest(&density),
            Reading::Says(says) => *says,
        }
    }

    #[inline(always)]
    fn read(&self, bucket: usize, measure: &Measure) -> Reading<'_> {
        match (self, measure) {
            (Self::Normal(parameters), Measure::Mean { value, noise }) => {
                let Normals { mean, variance, precision, ln_variance } = &parameters[bucket];
                let (value, noise) = (*value as f32, *noise as f32);
                let distance = Lanes::new(|lane| value - mean.0[lane]);
                if noise == 0.0 {
                    return Reading::Density(Lanes::new(|lane| {
                        let square = distance.0[lane] * distance.0[lane];
                        -0.5 * (ln_variance.0[lane] + square * precision.0[lane])
                    }));
                }
                Reading::Density(Lanes::new(|lane| {
                    let variance = variance.0[lane] + noise;
                    let square = distance.0[lane] * distance.0[lane];
                    -0.5 * (ln(variance) + square / variance)
                }))
            }
            (Self::Count(tables), Measure::Count { count, of }) => {
                let tables = &tables[bucket];
                let longest = tables.all.len() - 1;
                let (count, of) = (*count as usize, *of as usize);
                debug_assert!(of <= longest, "{of} of {longest}");
                let (hit, miss, all) =
                    (&tables.hit[count], &tables.miss[of - count], &tables.all[of]);
                Reading::Density(Lanes::new(|lane| hit.0[lane] + miss.0[lane] - all.0[lane]))
            }
            (Self::Shape { edges, says }, Measure::Shape(value)) => {
                let value = *value as f32;
                Reading::Says(&says[bucket][edges.iter().filter(|edge| value >= **edge).count()])
            }
            _ => unreachable!("a factor's measure is of the kind of its density"),
        }
    }
}

/// What a density makes of a measure.
enum Reading<'a> {
    /// The logarithm of its density under every story.
    Density(Lanes),
    /// What it says in the end, worked out beforehand.
    Says(&'a Lanes),
}

/// ln of the beta-binomial distribution, without tables. For fitting.
pub(crate) fn ln_beta_binomial(count: u32, of: u32, alpha: f64, beta: f64) -> f64 {
    use crate::special::ln_gamma;
    let (hit, miss) = (f64::from(count), f64::from(of - count));
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    ln_beta(alpha + hit, beta + miss) - ln_beta(alpha, beta) + ln_gamma(hit + miss + 1.0)
        - ln_gamma(hit + 1.0)
        - ln_gamma(miss + 1.0)
}

/// Shares that the story probabilities of an account give each story, from log-weights.
pub(crate) fn softmax(log_weights: &Lanes) -> [f64; STORIES] {
    let most = f64::from(log_weights.0[..STORIES].iter().copied().fold(f32::MIN, f32::max));
    let weights: [f64; STORIES] =
        std::array::from_fn(|story| (f64::from(log_weights.0[story]) - most).exp());
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// Log-odds of the stories that are not innocent, from log-weights, without loss where one side is
/// tiny.
pub(crate) fn log_odds(log_weights: &Lanes) -> f64 {
    let honest_most = log_weights.honest_max();
    let honest = log_weights.honest_exp_sum(honest_most);
    let others = &log_weights.0[Story::HONEST..STORIES];
    let most = others.iter().copied().fold(f32::MIN, f32::max);
    let four = Lanes::new(|lane| log_weights.0[Story::HONEST + lane.min(others.len() - 1)] - most);
    let sum: f32 = four.exp().0[..others.len()].iter().sum();
    f64::from(most - honest_most) + f64::from(sum / honest).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_games_begin_where_they_say() {
        let buckets = [0, 14, 15, 29, 30, 59, 60, 119, 120, 9999].map(bucket);
        assert_eq!(buckets, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn the_tables_of_counts_agree_with_the_formula() {
        let alpha: PerStory =
            std::array::from_fn(|b| std::array::from_fn(|s| 0.3 + b as f64 + 7.0 * s as f64));
        let beta: PerStory =
            std::array::from_fn(|b| std::array::from_fn(|s| 20.0 + (b * s) as f64));
        let compiled = CompiledDensity::new(&Density::Count { alpha, beta });
        for (games, count) in [(10, 3), (29, 29), (45, 0), (119, 60), (1024, 700)] {
            let bucket = bucket(games);
            let lanes = compiled.says(bucket, &Measure::Count { count, of: games });
            let exact: [f64; STORIES] = std::array::from_fn(|story| {
                ln_beta_binomial(count, games, alpha[bucket][story], beta[bucket][story])
            });
            let honest: f64 = exact[..Story::HONEST].iter().map(|ln| ln.exp()).sum();
            let mean = (honest / Story::HONEST as f64).ln();
            for (lane, exact) in lanes.0.iter().zip(exact) {
                let says = (exact - mean).clamp(-8.0, 8.0);
                assert!((f64::from(*lane) - says).abs() < 2e-3, "{games}: {lane} {says}");
            }
        }
    }

    #[test]
    fn log_odds_and_softmax_agree() {
        let weights = Lanes::new(|lane| (lane as f32 * 1.7).sin() * 4.0);
        let shares = softmax(&weights);
        let unusual: f64 = shares[Story::HONEST..].iter().sum();
        assert!((crate::special::logistic(log_odds(&weights)) - unusual).abs() < 1e-6);
    }
}
