//! Densities of every factor under every story, by the number of games.

use super::{Measured, rounded};
use crate::density::{self, BINS, BUCKETS, Density, PerStory, STORIES};
use crate::factors::{Kind, Measure, TABLE};
use crate::parallel;

/// Measures by range of games, then story.
type Cells<'a> = Vec<Vec<Vec<&'a Measure>>>;

/// Measures of a story outside the range that one measure within it is worth, where the range has
/// few.
const BORROWED: usize = 150;

/// Measures of real accounts that an innocent story's cell must have to do without stand-ins.
const ENOUGH: usize = 300;

/// Fits all densities. Where innocent stories of `samples` have too few measures of a factor, those
/// of `stand_ins` make up for it.
pub(super) fn fit(samples: &[Measured], stand_ins: &[Measured]) -> Vec<Density> {
    parallel::map(TABLE.len() as u64, |factor| {
        let factor = factor as usize;
        let mut cells: Cells = vec![vec![Vec::new(); STORIES]; BUCKETS];
        for sample in samples {
            if let Some(measure) = &sample.measures[factor] {
                cells[density::bucket(sample.games)][sample.story.index()].push(measure);
            }
        }
        for sample in stand_ins.iter().filter(|sample| sample.story.is_honest()) {
            let cell = &mut cells[density::bucket(sample.games)][sample.story.index()];
            if let Some(measure) = sample.measures[factor].as_ref().filter(|_| cell.len() < ENOUGH)
            {
                cell.push(measure);
            }
        }
        lend(&mut cells);
        match TABLE[factor].kind {
            Kind::Normal => normal(&cells, TABLE[factor].least_variance),
            Kind::Count => count(&cells),
            Kind::Shape => shape(&cells),
        }
    })
}

/// A range with few accounts of a story takes in those of the nearest ranges.
fn lend(cells: &mut Cells) {
    let before = cells.clone();
    for (bucket, stories) in cells.iter_mut().enumerate() {
        for (story, measures) in stories.iter_mut().enumerate() {
            for distance in 1..BUCKETS {
                for near in [bucket.checked_sub(distance), Some(bucket + distance)] {
                    if measures.len() >= BORROWED {
                        break;
                    }
                    let Some(lender) = near.and_then(|near| before.get(near)) else { continue };
                    measures.extend(lender[story].iter().take(BORROWED));
                }
            }
        }
    }
}

fn per_cell(cells: &Cells, value: impl Fn(&[&Measure]) -> f64) -> PerStory {
    std::array::from_fn(|bucket| std::array::from_fn(|story| rounded(value(&cells[bucket][story]))))
}

fn normal(cells: &Cells, least: f64) -> Density {
    Density::Normal {
        mean: per_cell(cells, |measures| normal_parameters(measures).0),
        variance: per_cell(cells, |measures| normal_parameters(measures).1.max(least)),
    }
}

/// Mean and variance beyond the known noise, by maximum likelihood.
fn normal_parameters(measures: &[&Measure]) -> (f64, f64) {
    const LEAST_VARIANCE: f64 = 1e-6;
    let pairs: Vec<(f64, f64)> = measures
        .iter()
        .filter_map(|measure| match measure {
            Measure::Mean { value, noise } => Some((*value, *noise)),
            _ => None,
        })
        .collect();
    if pairs.is_empty() {
        return (0.0, 1.0);
    }
    let count = pairs.len() as f64;
    let mut mean = pairs.iter().map(|(value, _)| value).sum::<f64>() / count;
    let spread = pairs.iter().map(|(value, _)| (value - mean).powi(2)).sum::<f64>() / count;
    let mut variance = spread.max(LEAST_VARIANCE);
    for _ in 0..40 {
        let (mut weights, mut values, mut excess, mut squares) = (0.0, 0.0, 0.0, 0.0);
        for (value, noise) in &pairs {
            let weight = 1.0 / (variance + noise);
            weights += weight;
            values += weight * value;
            excess += weight * weight * ((value - mean).powi(2) - noise);
            squares += weight * weight;
        }
        mean = values / weights;
        variance = (excess / squares).max(LEAST_VARIANCE);
    }
    (mean, variance)
}

fn count(cells: &Cells) -> Density {
    Density::Count {
        alpha: per_cell(cells, |measures| count_parameters(measures).0),
        beta: per_cell(cells, |measures| count_parameters(measures).1),
    }
}

/// α and β: the mean from the sums, their total by maximum likelihood.
fn count_parameters(measures: &[&Measure]) -> (f64, f64) {
    let pairs: Vec<(u32, u32)> = measures
        .iter()
        .filter_map(|measure| match measure {
            Measure::Count { count, of } => Some((*count, *of)),
            _ => None,
        })
        .collect();
    let hits: f64 = pairs.iter().map(|(count, _)| f64::from(*count)).sum();
    let all: f64 = pairs.iter().map(|(_, of)| f64::from(*of)).sum();
    let share = (hits + 0.5) / (all + 1.0);
    // A thousand accounts tell the spread well enough.
    let step = (pairs.len() / 1000).max(1);
    let likelihood = |ln_total: f64| -> f64 {
        let total = ln_total.exp();
        pairs
            .iter()
            .step_by(step)
            .map(|(count, of)| {
                density::ln_beta_binomial(*count, *of, share * total, (1.0 - share) * total)
            })
            .sum()
    };
    let total = golden_section(likelihood, 0.7_f64.ln(), 3_000_f64.ln()).exp();
    (share * total, (1.0 - share) * total)
}

/// Where a function with one hill is highest.
fn golden_section(function: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_a, mut at_b) = (function(a), function(b));
    for _ in 0..16 {
        if at_a > at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - GOLDEN * (high - low);
            at_a = function(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + GOLDEN * (high - low);
            at_b = function(b);
        }
    }
    0.5 * (low + high)
}

/// Ten bins, each with a tenth of all values, and how each story fills them.
fn shape(cells: &Cells) -> Density {
    let value = |measure: &&&Measure| match measure {
        Measure::Shape(value) => Some(*value),
        _ => None,
    };
    let mut all: Vec<f64> = cells.iter().flatten().flatten().filter_map(|m| value(&m)).collect();
    all.sort_unstable_by(f64::total_cmp);
    let edges: [f64; BINS - 1] = std::array::from_fn(|edge| match all.len() {
        0 => edge as f64,
        count => rounded(all[(edge + 1) * count / BINS]),
    });
    let bin_of = |value: f64| edges.iter().filter(|edge| value >= **edge).count();
    let log_shares = std::array::from_fn(|bucket| {
        // What the range's accounts of all stories do is worth twenty of each story.
        let mut pooled = [1.0; BINS];
        for story in &cells[bucket] {
            for measure in story.iter().filter_map(|m| value(&m)) {
                pooled[bin_of(measure)] += 1.0 / story.len() as f64;
            }
        }
        let total: f64 = pooled.iter().sum();
        let mut shares = [[0.0; STORIES]; BINS];
        for story in 0..STORIES {
            let measures = &cells[bucket][story];
            let mut counts = pooled.map(|share| 20.0 * share / total);
            for measure in measures.iter().filter_map(|m| value(&m)) {
                counts[bin_of(measure)] += 1.0;
            }
            let filled: f64 = counts.iter().sum();
            for bin in 0..BINS {
                shares[bin][story] = rounded((counts[bin] / filled).ln());
            }
        }
        shares
    });
    Density::Shape { edges, log_shares: Box::new(log_shares) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::Dice;

    #[test]
    fn a_normal_density_is_found_through_unequal_noise() {
        let dice = &mut Dice::new(5, 0);
        let measures: Vec<Measure> = (0..4000)
            .map(|number| {
                let noise: f64 = if number % 2 == 0 { 0.01 } else { 0.5 };
                let value = 0.3 + (0.2 + noise).sqrt() * dice.normal();
                Measure::Mean { value, noise }
            })
            .collect();
        let (mean, variance) = normal_parameters(&measures.iter().collect::<Vec<_>>());
        assert!((mean - 0.3).abs() < 0.03 && (variance - 0.2).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn equal_coins_give_a_narrow_beta_and_unequal_ones_a_wide_one() {
        let dice = &mut Dice::new(6, 0);
        let mut flip = |share: f64| {
            let count = (0..40).filter(|_| dice.chance(share)).count() as u32;
            Measure::Count { count, of: 40 }
        };
        let equal: Vec<Measure> = (0..2000).map(|_| flip(0.5)).collect();
        let unequal: Vec<Measure> =
            (0..2000).map(|number| flip(if number % 2 == 0 { 0.3 } else { 0.7 })).collect();
        let total = |measures: &[Measure]| {
            let (alpha, beta) = count_parameters(&measures.iter().collect::<Vec<_>>());
            assert!((alpha / (alpha + beta) - 0.5).abs() < 0.02);
            alpha + beta
        };
        assert!(total(&equal) > 300.0);
        assert!((4.0..9.0).contains(&total(&unequal)));
    }
}
