//! Fitting: from generated worlds to a model that is data.
//!
//! In four steps, each on worlds of its own: what is usual and which statistics foretell a climb;
//! the densities of every factor under every story; how much each factor may say; and how the
//! result is made to keep its word. Half a minute on two cores, the same bits for the same plan.
//!
//! Where real accounts are at hand, a fifth step: what is usual, and the densities of the innocent
//! stories, come from them, since nearly all of them are innocent.

mod calibrate;
mod combination;
mod densities;
mod honest;
mod indices;

pub(crate) use calibrate::distance_of_halves;
pub use honest::{RealAccounts, RealAccountsFrom};

use crate::baseline::{Baseline, BaselineFit, Cell};
use crate::density::{self, STORIES};
use crate::factors::{self, Measures};
use crate::lines::LinesError;
use crate::model::{Calibration, Caution, Model, Parameters, Provenance};
use crate::parallel;
use crate::scan;
use crate::statistics::{Played, Statistics};
use crate::stats::STATS;
use crate::story::Story;
use crate::worlds::{Generator, World};

/// What to fit on.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Version of the model that results.
    pub version: String,
    /// The day, for the provenance.
    pub fitted_on: String,
    /// Another one gives other worlds, and a model that differs by chance alone.
    pub seed: u64,
    /// Worlds for: baseline and index, densities, exponents, calibration.
    pub worlds: [u32; 4],
    /// Accounts in each such world.
    pub accounts: [u32; 4],
}

/// First seeds of the four sorts of worlds. Tests and evaluation use seeds far from these, and
/// parameters of their own.
const SEEDS: [u64; 4] = [1_000_000, 2_000_000, 3_000_000, 4_000_000];

/// How far apart the worlds of two plans' seeds are.
const NEXT_SEED: u64 = 100_000_000;

impl Plan {
    /// The plan of the model that ships with the program.
    pub fn shipped(version: impl Into<String>, fitted_on: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            fitted_on: fitted_on.into(),
            seed: 0,
            worlds: [60, 500, 160, 100],
            accounts: [400, 50 * STORIES as u32, 1_000, 1_200],
        }
    }

    /// A plan of a fiftieth of the size, for tests: seconds, and a model that is worse.
    pub fn small(version: impl Into<String>, fitted_on: impl Into<String>) -> Self {
        Self {
            worlds: [10, 20, 10, 8],
            accounts: [200, 20 * STORIES as u32, 400, 400],
            ..Self::shipped(version, fitted_on)
        }
    }

    fn first_seed(&self, sort: usize) -> u64 {
        SEEDS[sort].wrapping_add(self.seed.wrapping_mul(NEXT_SEED))
    }

    fn generators(&self, sort: usize) -> Vec<Generator> {
        (0..u64::from(self.worlds[sort]))
            .map(|world| {
                let seed = self.first_seed(sort).wrapping_add(world);
                Generator::new(World::randomised(seed), seed)
            })
            .collect()
    }

    /// Every account of one sort of worlds, through `work`.
    fn every<T: Send>(&self, sort: usize, work: impl Fn(&Generator, u64) -> T + Sync) -> Vec<T> {
        let generators = self.generators(sort);
        let accounts = u64::from(self.accounts[sort]);
        parallel::map(generators.len() as u64 * accounts, |number| {
            work(&generators[(number / accounts) as usize], number % accounts)
        })
    }
}

/// An account reduced to what the fit reads.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) story: Story,
    pub(crate) games: u32,
    pub(crate) measures: Measures,
}

/// Reads all factors of an account.
pub(crate) fn measured(games: &[Played], account_level: Option<u32>, story: Story) -> Measured {
    let account = Statistics::of(account_level, games);
    let found = scan::scan(games, &account);
    Measured { story, games: account.games(), measures: factors::measure(&account, found.as_ref()) }
}

/// Fits a model on generated worlds. Says what it does through `report`, a line a step.
pub fn fit(plan: &Plan, report: impl FnMut(&str)) -> Model {
    fit_on(plan, None, report).expect("nothing is read")
}

/// Fits a model on generated worlds and, for the innocent side, on real accounts, most of which must
/// be innocent. Their baseline takes the place of the worlds', and their densities that of the
/// innocent stories.
///
/// # Errors
///
/// When the accounts cannot be read.
pub fn fit_with(
    plan: &Plan,
    accounts: &RealAccounts<'_>,
    report: impl FnMut(&str),
) -> Result<Model, LinesError> {
    fit_on(plan, Some(accounts), report)
}

fn fit_on(
    plan: &Plan,
    real: Option<&RealAccounts<'_>>,
    mut report: impl FnMut(&str),
) -> Result<Model, LinesError> {
    report("baseline");
    let mut baseline = world_baseline(plan);
    if let Some(real) = real {
        baseline = real.baseline(&baseline)?;
    }
    report("performance index");
    let index = indices::fit(plan, &baseline);
    let compiled = index.compile();

    report("densities");
    let of_worlds = plan.every(1, |world, number| {
        let story = Story::ALL[number as usize % STORIES];
        let evidence = world.account_of(number, story, None);
        let games = crate::reading::read(&evidence, &baseline, &compiled);
        measured(&games, evidence.account_level, story)
    });
    let densities = densities::fit(&of_worlds, &[]);

    let mut parameters = Parameters {
        version: plan.version.clone(),
        provenance: Provenance {
            fitted_on: plan.fitted_on.clone(),
            source: "generated worlds with randomised parameters".to_owned(),
            index_seed: plan.first_seed(0),
            density_seed: plan.first_seed(1),
            exponent_seed: plan.first_seed(2),
            tuning_seed: plan.first_seed(3),
            worlds: plan.worlds,
            accounts: std::array::from_fn(|sort| {
                u64::from(plan.worlds[sort]) * u64::from(plan.accounts[sort])
            }),
            real: None,
        },
        shares: careful(World::base().shares()),
        exponents: factors::TABLE.each_ref().map(|factor| 0.6_f64.min(factor.cap)),
        head_starts: [0.0; STORIES],
        calibration: Calibration { slope: 1.0, intercepts: [0.0; 3], caution: Caution::NONE },
        interval_scale: 1.0,
        index,
        baseline,
        densities,
    };
    let model = ready(&parameters);

    report("exponents");
    let samples = plan.every(2, |world, number| {
        let (evidence, story) = world.account(number);
        let read = measured(&model.read(&evidence), evidence.account_level, story);
        combination::Sample::new(story, &model.says(&read.measures, density::bucket(read.games)))
    });
    let fitted = combination::fit(&samples, &parameters.shares);
    parameters.exponents = fitted.exponents.map(rounded);
    parameters.head_starts = fitted.head_starts.map(rounded);
    drop(samples);

    report("calibration");
    let model = ready(&parameters);
    parameters.calibration = calibrate::fit(plan, &model);
    report("intervals");
    let model = ready(&parameters);
    parameters.interval_scale = rounded(calibrate::interval_scale(plan, &model));
    if let Some(real) = real {
        report("innocent densities of real accounts");
        real.replace_honest(&mut parameters, &of_worlds)?;
    }
    Ok(ready(&parameters))
}

/// Shares in which the innocent stories that are most like the others have more than their due.
///
/// A wrong word about somebody who came back, changed role, or has a second account in good faith,
/// costs more than a missed pattern; and nobody knows these shares well.
fn careful(mut shares: [f64; STORIES]) -> [f64; STORIES] {
    shares[Story::Returning.index()] *= 2.5;
    shares[Story::NormalsVet.index()] *= 1.5;
    shares[Story::RoleSwap.index()] *= 2.5;
    shares[Story::AltOk.index()] *= 6.0;
    let honest: f64 = shares[..Story::HONEST].iter().sum();
    let others: f64 = shares[Story::HONEST..].iter().sum();
    for share in &mut shares[..Story::HONEST] {
        *share *= (1.0 - others) / honest;
    }
    shares.map(rounded)
}

fn ready(parameters: &Parameters) -> Model {
    Model::new(parameters.clone()).expect("a fit gives what a model may be")
}

/// To five digits: a model is a file that people read and compare.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(4 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// What is usual in generated games, twice: with everything, then without the outliers.
fn world_baseline(plan: &Plan) -> Baseline {
    let blank = Cell { level: 0.0, per_tier: 0.0, win: 0.0, spread: 1e9 };
    let mut baseline =
        Baseline { cells: [[blank; STATS]; 5], champions: std::collections::BTreeMap::new() };
    let accounts = plan.every(0, |world, number| world.account(number).0);
    for trim in [f32::MAX, 3.0] {
        let mut fit = BaselineFit::trimmed(&baseline, trim);
        for game in accounts.iter().flat_map(|account| &account.games) {
            fit.observe(game);
        }
        baseline = fit.cells(0.0);
    }
    for cell in baseline.cells.as_flattened_mut() {
        for value in [&mut cell.level, &mut cell.per_tier, &mut cell.win, &mut cell.spread] {
            *value = rounded(f64::from(*value)) as f32;
        }
    }
    baseline
}
