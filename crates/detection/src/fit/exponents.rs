//! How much of each factor's evidence counts.
//!
//! Factors are related, so that adding their evidence in full would count some of it twice. The
//! exponents are those under which the true stories are most likely, drawn a little to 0.6, and
//! held between 0 and each factor's cap.

use crate::density::STORIES;
use crate::factors::{FACTORS, TABLE};
use crate::model::Says;
use crate::story::Story;

/// Where the penalty draws the exponents to, and how strongly.
const USUAL: f64 = 0.6;
const PENALTY: f64 = 4.0;

/// How much the side of a story counts beside the story.
const SIDE: f64 = 6.0;

/// What an account's factors say about every story, and which is true.
#[derive(Debug)]
pub(super) struct Sample {
    story: usize,
    says: Box<[[f32; STORIES]; FACTORS]>,
}

impl Sample {
    pub(super) fn new(story: Story, says: &Says) -> Self {
        let says = std::array::from_fn(|factor| match &says[factor] {
            Some(lanes) => std::array::from_fn(|story| lanes.0[story]),
            None => [0.0; STORIES],
        });
        Self { story: story.index(), says: Box::new(says) }
    }
}

pub(super) fn fit(samples: &[Sample], shares: &[f64; STORIES]) -> [f64; FACTORS] {
    let mut exponents: [f64; FACTORS] = std::array::from_fn(|f| USUAL.min(TABLE[f].cap));
    for _ in 0..25 {
        let (gradient, curvature) = derivatives(samples, shares, &exponents);
        exponents = step(&exponents, &gradient, &curvature);
    }
    exponents
}

type Gradient = [f64; FACTORS];
type Curvature = [[f64; FACTORS]; FACTORS];

/// First derivatives of the penalised log-likelihood, and the negative of its second ones.
fn derivatives(
    samples: &[Sample],
    shares: &[f64; STORIES],
    exponents: &[f64; FACTORS],
) -> (Gradient, Curvature) {
    const BATCH: usize = 1000;
    let batches = crate::parallel::map(samples.len().div_ceil(BATCH) as u64, |batch| {
        let start = batch as usize * BATCH;
        let end = (start + BATCH).min(samples.len());
        let mut gradient = [0.0; FACTORS];
        let mut curvature = [[0.0; FACTORS]; FACTORS];
        for sample in &samples[start..end] {
            add(sample, shares, exponents, &mut gradient, &mut curvature);
        }
        (gradient, curvature)
    });
    let mut gradient: Gradient = std::array::from_fn(|f| -PENALTY * (exponents[f] - USUAL));
    let mut curvature = [[0.0; FACTORS]; FACTORS];
    for (factor, row) in curvature.iter_mut().enumerate() {
        row[factor] = PENALTY;
    }
    for (of_batch, curvature_of_batch) in batches {
        for row in 0..FACTORS {
            gradient[row] += of_batch[row];
            for column in 0..FACTORS {
                curvature[row][column] += curvature_of_batch[row][column];
            }
        }
    }
    (gradient, curvature)
}

fn add(
    sample: &Sample,
    shares: &[f64; STORIES],
    exponents: &[f64; FACTORS],
    gradient: &mut Gradient,
    curvature: &mut Curvature,
) {
    let weights: [f64; STORIES] = std::array::from_fn(|story| {
        let said: f64 = (0..FACTORS).map(|f| exponents[f] * f64::from(sample.says[f][story])).sum();
        shares[story].ln() + said
    });
    let most = weights.iter().copied().fold(f64::MIN, f64::max);
    let likely = weights.map(|weight| (weight - most).exp());
    let total: f64 = likely.iter().sum();
    let likely = likely.map(|weight| weight / total);
    // The side, innocent or not, matters more than which of its stories: it counts several times.
    let side = if sample.story < Story::HONEST { 0..Story::HONEST } else { Story::HONEST..STORIES };
    let of_side: f64 = likely[side.clone()].iter().sum();
    let mut centred = [[0.0; STORIES]; FACTORS];
    for factor in 0..FACTORS {
        let says = &sample.says[factor];
        let mean: f64 = (0..STORIES).map(|story| likely[story] * f64::from(says[story])).sum();
        gradient[factor] += f64::from(says[sample.story]) - mean;
        let mean_of_side: f64 =
            side.clone().map(|story| likely[story] * f64::from(says[story])).sum::<f64>() / of_side;
        gradient[factor] += SIDE * (mean_of_side - mean);
        centred[factor] = std::array::from_fn(|story| f64::from(says[story]) - mean);
    }
    for row in 0..FACTORS {
        let weighted: [f64; STORIES] =
            std::array::from_fn(|story| likely[story] * centred[row][story]);
        for column in 0..=row {
            let product: f64 =
                (0..STORIES).map(|story| weighted[story] * centred[column][story]).sum();
            // Fisher's information of the side is at most that of the story.
            let product = (1.0 + SIDE) * product;
            curvature[row][column] += product;
            if row != column {
                curvature[column][row] += product;
            }
        }
    }
}

/// One step of Newton's, in which an exponent that stands at an end and would leave stays there.
fn step(exponents: &[f64; FACTORS], gradient: &Gradient, curvature: &Curvature) -> [f64; FACTORS] {
    let mut free: Vec<usize> = (0..FACTORS)
        .filter(|&f| {
            let at_top = exponents[f] >= TABLE[f].cap && gradient[f] > 0.0;
            let at_bottom = exponents[f] <= 0.0 && gradient[f] < 0.0;
            !at_top && !at_bottom
        })
        .collect();
    // An exponent that the step would carry over an end is put there, and the others step again.
    let mut next = *exponents;
    loop {
        let fixed = |f: usize| next[f] - exponents[f];
        let right: Vec<f64> = free
            .iter()
            .map(|&row| {
                let taken: f64 = (0..FACTORS)
                    .filter(|column| !free.contains(column))
                    .map(|column| curvature[row][column] * fixed(column))
                    .sum();
                gradient[row] - taken
            })
            .collect();
        let moves = solve(&free, curvature, right);
        let over: Vec<usize> = (0..free.len())
            .filter(|&place| {
                let value = exponents[free[place]] + moves[place];
                !(0.0..=TABLE[free[place]].cap).contains(&value)
            })
            .collect();
        if over.is_empty() {
            for (place, &factor) in free.iter().enumerate() {
                next[factor] = exponents[factor] + moves[place];
            }
            return next;
        }
        for &place in over.iter().rev() {
            let factor = free.remove(place);
            next[factor] = (exponents[factor] + moves[place]).clamp(0.0, TABLE[factor].cap);
        }
    }
}

/// Solves the free rows and columns of the curvature by elimination; it is positive definite.
#[expect(clippy::needless_range_loop, reason = "matrices are clearer by index")]
fn solve(free: &[usize], curvature: &Curvature, mut right: Vec<f64>) -> Vec<f64> {
    let n = free.len();
    let mut matrix: Vec<Vec<f64>> = free
        .iter()
        .map(|&row| free.iter().map(|&column| curvature[row][column]).collect())
        .collect();
    for pivot in 0..n {
        for row in pivot + 1..n {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            for column in pivot..n {
                matrix[row][column] -= factor * matrix[pivot][column];
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}
