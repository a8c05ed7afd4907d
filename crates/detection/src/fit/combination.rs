//! How much of each factor's evidence counts, and what each story starts with besides its share.
//!
//! Factors are related, so that adding their evidence in full would count some of it twice. The
//! exponents are those under which the true stories are most likely, drawn a little to 0.6, and
//! held between 0 and each factor's cap.
//!
//! Related evidence does not cost all stories the same: one whose factors come together, as an
//! account's that was bought, loses more by the exponents than others. The head starts give that
//! back. They are fitted with the exponents, each as a factor that speaks for one story alone.

use crate::density::STORIES;
use crate::factors::{FACTORS, TABLE};
use crate::model::Says;
use crate::story::Story;

/// Where the penalty draws the exponents to, and how strongly.
const USUAL: f64 = 0.6;
const PENALTY: f64 = 4.0;

/// How much the side of a story counts beside the story.
const SIDE: f64 = 6.0;

/// What is fitted: an exponent for each factor, then a head start for each story.
const FITTED: usize = FACTORS + STORIES;

/// A head start is a factor of e³ at most, about twenty.
const MOST_HEAD_START: f64 = 3.0;

/// Stories that have their head start by decision, in [`super::careful`]: no more is given to them, and
/// none of it is taken away.
const DECIDED: [Story; 4] = [Story::Returning, Story::NormalsVet, Story::RoleSwap, Story::AltOk];

/// Exponents and head starts that were fitted.
#[derive(Debug)]
pub(super) struct Combination {
    pub(super) exponents: [f64; FACTORS],
    pub(super) head_starts: [f64; STORIES],
}

/// Between what a fitted value stays.
fn range(place: usize) -> (f64, f64) {
    match TABLE.get(place) {
        Some(factor) => (0.0, factor.cap),
        None if DECIDED.iter().any(|story| story.index() == place - FACTORS) => (0.0, 0.0),
        None => (-MOST_HEAD_START, MOST_HEAD_START),
    }
}

/// Where the penalty draws a value to.
fn usual(place: usize) -> f64 {
    TABLE.get(place).map_or(0.0, |factor| USUAL.min(factor.cap))
}

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

pub(super) fn fit(samples: &[Sample], shares: &[f64; STORIES]) -> Combination {
    let mut fitted: Fitted = std::array::from_fn(usual);
    for _ in 0..40 {
        let (gradient, curvature) = derivatives(samples, shares, &fitted);
        fitted = step(&fitted, &gradient, &curvature);
    }
    Combination {
        exponents: std::array::from_fn(|factor| fitted[factor]),
        head_starts: std::array::from_fn(|story| fitted[FACTORS + story]),
    }
}

type Fitted = [f64; FITTED];
type Gradient = [f64; FITTED];
type Curvature = [[f64; FITTED]; FITTED];

/// First derivatives of the penalised log-likelihood, and the negative of its second ones.
fn derivatives(
    samples: &[Sample],
    shares: &[f64; STORIES],
    fitted: &Fitted,
) -> (Gradient, Curvature) {
    const BATCH: usize = 1000;
    let batches = crate::parallel::map(samples.len().div_ceil(BATCH) as u64, |batch| {
        let start = batch as usize * BATCH;
        let end = (start + BATCH).min(samples.len());
        let mut gradient = [0.0; FITTED];
        let mut curvature = [[0.0; FITTED]; FITTED];
        for sample in &samples[start..end] {
            add(sample, shares, fitted, &mut gradient, &mut curvature);
        }
        (gradient, curvature)
    });
    let mut gradient: Gradient =
        std::array::from_fn(|place| -PENALTY * (fitted[place] - usual(place)));
    let mut curvature = [[0.0; FITTED]; FITTED];
    for (place, row) in curvature.iter_mut().enumerate() {
        row[place] = PENALTY;
    }
    for (of_batch, curvature_of_batch) in batches {
        for row in 0..FITTED {
            gradient[row] += of_batch[row];
            for column in 0..FITTED {
                curvature[row][column] += curvature_of_batch[row][column];
            }
        }
    }
    (gradient, curvature)
}

fn add(
    sample: &Sample,
    shares: &[f64; STORIES],
    fitted: &Fitted,
    gradient: &mut Gradient,
    curvature: &mut Curvature,
) {
    let weights: [f64; STORIES] = std::array::from_fn(|story| {
        let said: f64 = (0..FACTORS).map(|f| fitted[f] * f64::from(sample.says[f][story])).sum();
        shares[story].ln() + fitted[FACTORS + story] + said
    });
    let most = weights.iter().copied().fold(f64::MIN, f64::max);
    let likely = weights.map(|weight| (weight - most).exp());
    let total: f64 = likely.iter().sum();
    let likely = likely.map(|weight| weight / total);
    // The side, innocent or not, matters more than which of its stories: it counts several times.
    let side = if sample.story < Story::HONEST { 0..Story::HONEST } else { Story::HONEST..STORIES };
    let of_side: f64 = likely[side.clone()].iter().sum();
    let mut centred = [[0.0; STORIES]; FITTED];
    for place in 0..FITTED {
        let says: [f64; STORIES] = std::array::from_fn(|story| match sample.says.get(place) {
            Some(says) => f64::from(says[story]),
            None => f64::from(u8::from(story == place - FACTORS)),
        });
        let mean: f64 = (0..STORIES).map(|story| likely[story] * says[story]).sum();
        gradient[place] += says[sample.story] - mean;
        let mean_of_side: f64 =
            side.clone().map(|story| likely[story] * says[story]).sum::<f64>() / of_side;
        gradient[place] += SIDE * (mean_of_side - mean);
        centred[place] = says.map(|said| said - mean);
    }
    for row in 0..FITTED {
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

/// One step of Newton's, in which a value that stands at an end and would leave stays there.
fn step(fitted: &Fitted, gradient: &Gradient, curvature: &Curvature) -> Fitted {
    let mut free: Vec<usize> = (0..FITTED)
        .filter(|&place| {
            let (least, most) = range(place);
            let at_top = fitted[place] >= most && gradient[place] >= 0.0;
            let at_bottom = fitted[place] <= least && gradient[place] <= 0.0;
            !at_top && !at_bottom
        })
        .collect();
    // A value that the step would carry over an end is put there, and the others step again.
    let mut next = *fitted;
    loop {
        let fixed = |f: usize| next[f] - fitted[f];
        let right: Vec<f64> = free
            .iter()
            .map(|&row| {
                let taken: f64 = (0..FITTED)
                    .filter(|column| !free.contains(column))
                    .map(|column| curvature[row][column] * fixed(column))
                    .sum();
                gradient[row] - taken
            })
            .collect();
        let moves = solve(&free, curvature, right);
        let over: Vec<usize> = (0..free.len())
            .filter(|&place| {
                let (least, most) = range(free[place]);
                !(least..=most).contains(&(fitted[free[place]] + moves[place]))
            })
            .collect();
        if over.is_empty() {
            for (place, &moved) in free.iter().enumerate() {
                next[moved] = fitted[moved] + moves[place];
            }
            return next;
        }
        for &place in over.iter().rev() {
            let moved = free.remove(place);
            let (least, most) = range(moved);
            next[moved] = (fitted[moved] + moves[place]).clamp(least, most);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_that_is_true_more_often_than_its_share_gets_a_head_start_unless_one_was_decided() {
        let silent: Says = std::array::from_fn(|_| None);
        let times = |story: Story, count: usize| (0..count).map(move |_| story);
        // Nothing is said: what is true more often than a fourteenth can only have a head start.
        let stories = Story::ALL.into_iter().flat_map(|story| {
            let is_frequent = matches!(story, Story::Bought | Story::AltOk);
            times(story, if is_frequent { 4_000 } else { 1_000 })
        });
        let samples: Vec<Sample> = stories.map(|story| Sample::new(story, &silent)).collect();
        let fitted = fit(&samples, &[1.0 / STORIES as f64; STORIES]);
        let of = |story: Story| fitted.head_starts[story.index()];
        assert!((of(Story::Bought) - of(Story::Shared) - 4_f64.ln()).abs() < 0.05, "{fitted:?}");
        for decided in DECIDED {
            assert!(of(decided).abs() < 1e-12, "{fitted:?}");
        }
    }
}
