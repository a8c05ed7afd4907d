//! Probabilities that keep their word, and intervals of the right width.

use super::{Plan, measured, rounded};
use crate::assess::standard_error;
use crate::density;
use crate::factors;
use crate::model::{Calibration, Caution, Model, Priors};
use crate::scan;
use crate::special::logistic;
use crate::statistics::{Played, Statistics};

/// Share of accounts whose other half is to lie within the 80 % interval: a little more, since
/// worlds differ.
const COVERAGE: f64 = 0.84;

/// What is taken off all log-odds in the end, and off those of more than one half besides: a
/// pattern wrongly called unusual costs more than one that is missed, and worlds are tidier than
/// life.
const CAUTION: f64 = 0.25;
const CAUTION_ABOVE: Caution = Caution { from: 0.2, full: 2.4, most: 1.0 };

/// One account for the regression: raw log-odds, range of games, truth, and weight.
type Point = (f64, usize, bool, f64);

/// Logistic regression of the truth on the raw log-odds, with an intercept for each range of games.
pub(super) fn fit(plan: &Plan, model: &Model) -> Calibration {
    let fitted = model.anomalies();
    let priors = Priors { anomalies: fitted, told: None };
    let points: Vec<Point> = plan.every(3, |world, number| {
        let (evidence, story) = world.account(number);
        let read = measured(&model.read(&evidence), evidence.account_level, story);
        let weights = model.log_weights(&read.measures, density::bucket(read.games), &priors);
        // Worlds have their own share of unusual accounts; all are made to have the model's.
        let share = world.world().anomalies;
        let weight =
            if story.is_honest() { (1.0 - fitted) / (1.0 - share) } else { fitted / share };
        let range = Calibration::range(read.games);
        (density::log_odds(&weights), range, !story.is_honest(), weight)
    });
    let mut slope = 1.0;
    let mut intercepts = [0.0; 3];
    for _ in 0..30 {
        // Newton's steps, the slope given the intercepts and the other way round.
        let (mut first, mut second) = (0.0, 1e-9);
        let (mut firsts, mut seconds) = ([0.0; 3], [1e-9; 3]);
        for (odds, range, unusual, weight) in &points {
            let p = logistic(slope * odds + intercepts[*range]);
            let error = weight * (f64::from(u8::from(*unusual)) - p);
            let curvature = weight * p * (1.0 - p);
            first += error * odds;
            second += curvature * odds * odds;
            firsts[*range] += error;
            seconds[*range] += curvature;
        }
        slope += 0.5 * first / second;
        for range in 0..3 {
            intercepts[range] += 0.5 * firsts[range] / seconds[range];
        }
    }
    Calibration {
        slope: rounded(slope),
        intercepts: intercepts.map(|i| rounded(i - CAUTION)),
        caution: CAUTION_ABOVE,
    }
}

/// Log-odds and standard error of one half of an account's games.
fn half(model: &Model, account_level: Option<u32>, games: &[Played]) -> (f64, f64) {
    let priors = Priors::default();
    let account = Statistics::of(account_level, games);
    let found = scan::scan(games, &account);
    let measures = factors::measure(&account, found.as_ref());
    let weights = model.log_weights(&measures, density::bucket(account.games()), &priors);
    let log_odds = model.calibrated(&weights, account.games(), &priors);
    (log_odds, standard_error(model, account_level, games, found.as_ref(), &priors))
}

/// How far apart an account's odd and even games are, in their standard errors; `None` where a half
/// has too few games for an interval.
pub(crate) fn distance_of_halves(
    model: &Model,
    account_level: Option<u32>,
    games: &[Played],
) -> Option<f64> {
    let odd: Vec<Played> = games.iter().copied().step_by(2).collect();
    let even: Vec<Played> = games.iter().copied().skip(1).step_by(2).collect();
    let (odd_odds, odd_error) = half(model, account_level, &odd);
    let (even_odds, even_error) = half(model, account_level, &even);
    let error = odd_error.hypot(even_error);
    error.is_finite().then(|| (odd_odds - even_odds).abs() / error.max(1e-6))
}

/// By what the jackknife's errors must be multiplied for intervals to cover what they should.
pub(super) fn interval_scale(plan: &Plan, model: &Model) -> f64 {
    let nominal = 1.281_552;
    let mut distances: Vec<f64> = plan
        .every(3, |world, number| {
            // A tenth of the accounts says enough.
            if number % 10 != 0 {
                return None;
            }
            let (evidence, _) = world.account(number);
            distance_of_halves(model, evidence.account_level, &model.read(&evidence))
        })
        .into_iter()
        .flatten()
        .collect();
    if distances.is_empty() {
        return 1.0;
    }
    distances.sort_unstable_by(f64::total_cmp);
    let covering = distances[(COVERAGE * (distances.len() - 1) as f64) as usize];
    (covering / nominal).clamp(0.2, 5.0)
}
