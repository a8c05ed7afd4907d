//! A fitted model: data with a version and a provenance, and what is computed from it once.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::density::{self, CompiledDensity, Density, STORIES};
use crate::evidence::{Evidence, Game};
use crate::factors::{FACTORS, Measures, TABLE};
use crate::index::{CompiledIndex, Index};
use crate::lanes::Lanes;
use crate::reading;
use crate::scan::Break;
use crate::special::logit;
use crate::statistics::{Played, Statistics};
use crate::story::Story;

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The day of the fit, as given to it.
    pub fitted_on: String,
    /// What it was fitted on, in a sentence.
    pub source: String,
    /// First seed of the worlds for the baseline and the performance index.
    pub index_seed: u64,
    /// First seed of the worlds for the densities.
    pub density_seed: u64,
    /// First seed of the worlds for the exponents.
    pub exponent_seed: u64,
    /// First seed of the worlds for the calibration and the width of intervals.
    pub tuning_seed: u64,
    /// Worlds of each sort, in the order of the seeds.
    pub worlds: [u32; 4],
    /// Accounts of each sort, in the order of the seeds.
    pub accounts: [u64; 4],
    /// The real accounts that the baseline and the innocent densities come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<RealSource>,
}

/// Real accounts that a model was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RealSource {
    /// What the file or the store was called.
    pub name: String,
    /// Accounts read.
    pub accounts: u64,
    /// Of these, those most like the unusual stories, which the innocent densities leave out.
    pub left_out: u64,
    /// Their games that the baseline was learnt from.
    pub games: u64,
}

/// From log-odds to log-odds that keep their word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    pub(crate) slope: f64,
    /// For fewer than 25 games, fewer than 50, and more.
    pub(crate) intercepts: [f64; 3],
    /// What is taken off high log-odds on purpose.
    pub(crate) caution: Caution,
}

/// Nothing is taken off log-odds up to `from`, `most` from `full` on, and a part between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Caution {
    pub(crate) from: f64,
    pub(crate) full: f64,
    pub(crate) most: f64,
}

impl Caution {
    pub(crate) const NONE: Self = Self { from: 0.0, full: 1.0, most: 0.0 };

    fn of(self, log_odds: f64) -> f64 {
        self.most * ((log_odds - self.from) / (self.full - self.from)).clamp(0.0, 1.0)
    }
}

impl Calibration {
    pub(crate) fn range(games: u32) -> usize {
        usize::from(games >= 25) + usize::from(games >= 50)
    }
}

/// Everything that is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parameters {
    pub(crate) version: String,
    pub(crate) provenance: Provenance,
    /// Shares of the stories that the model takes for granted.
    pub(crate) shares: [f64; STORIES],
    /// How much of each factor's evidence counts: below 1 because factors are related.
    pub(crate) exponents: [f64; FACTORS],
    /// What each story has besides the logarithm of its share, in nats.
    #[serde(default)]
    pub(crate) head_starts: [f64; STORIES],
    pub(crate) calibration: Calibration,
    /// What the jackknife's standard error is multiplied by.
    pub(crate) interval_scale: f64,
    pub(crate) index: Index,
    pub(crate) baseline: Baseline,
    pub(crate) densities: Vec<Density>,
}

/// What is asked of an assessment besides the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Priors {
    /// Share of accounts, 0..1, whose pattern is taken to be unusual before anything is known. An
    /// assumption, and shown beside every probability.
    pub anomalies: f64,
    /// A story that the account's owner has told: it counts five times as much beforehand. Not a
    /// pardon: evidence against it still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Story>,
}

impl Default for Priors {
    fn default() -> Self {
        Self { anomalies: 0.03, told: None }
    }
}

/// By what a told story's prior is multiplied.
const TOLD: f64 = 5.0;

/// A model that is ready to assess. Cheap to share, costly to make (some milliseconds).
#[derive(Debug, Clone)]
pub struct Model {
    parameters: Parameters,
    index: CompiledIndex,
    densities: Box<[CompiledDensity; FACTORS]>,
    exponents: [f32; FACTORS],
    log_starts: Lanes,
    own_logit: f64,
    usual: Vec<[[(f64, f64); STORIES]; density::BUCKETS]>,
}

/// The text is no model of this version of the program.
#[derive(Debug, thiserror::Error)]
pub enum InvalidModel {
    /// Not the JSON of a model.
    #[error("reading the model")]
    Json(#[source] serde_json::Error),
    /// A number is missing or cannot be.
    #[error("the model's {0} cannot be")]
    Field(&'static str),
}

/// What one factor says about each story, against the mean of the innocent ones, clipped, in nats.
pub(crate) type Says = [Option<Lanes>; FACTORS];

impl Model {
    /// The model that ships with the program, made on first use.
    pub fn default_model() -> &'static Self {
        static DEFAULT: LazyLock<Model> = LazyLock::new(|| {
            Model::from_json(include_str!("../data/model.json"))
                .expect("the model that ships with the program is read by its tests")
        });
        &DEFAULT
    }

    /// Reads a model that [`Model::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is no model, or one of another version of the program.
    pub fn from_json(text: &str) -> Result<Self, InvalidModel> {
        let parameters: Parameters = serde_json::from_str(text).map_err(InvalidModel::Json)?;
        Self::new(parameters)
    }

    pub(crate) fn new(parameters: Parameters) -> Result<Self, InvalidModel> {
        let refuse =
            |wrong: bool, field| if wrong { Err(InvalidModel::Field(field)) } else { Ok(()) };
        refuse(parameters.densities.len() != FACTORS, "number of densities")?;
        refuse(parameters.shares.iter().any(|share| *share <= 0.0), "shares")?;
        refuse(parameters.head_starts.iter().any(|start| !start.is_finite()), "head starts")?;
        refuse(!(0.0..=10.0).contains(&parameters.interval_scale), "interval scale")?;
        let caution = parameters.calibration.caution;
        // Steeper, and more evidence could give a lower probability.
        let width = caution.full - caution.from;
        refuse(!(0.0..=width).contains(&caution.most), "caution")?;
        for (place, exponent) in parameters.exponents.iter().enumerate() {
            refuse(!(0.0..=TABLE[place].cap).contains(exponent), "exponents")?;
        }
        for (factor, density) in TABLE.iter().zip(&parameters.densities) {
            use crate::factors::Kind;
            let fits = match density {
                Density::Normal { variance, .. } => {
                    factor.kind == Kind::Normal && variance.as_flattened().iter().all(|v| *v > 0.0)
                }
                Density::Count { alpha, beta } => {
                    let both = [alpha.as_flattened(), beta.as_flattened()].concat();
                    factor.kind == Kind::Count && both.iter().all(|v| *v > 0.0)
                }
                Density::Shape { edges, .. } => factor.kind == Kind::Shape && edges.is_sorted(),
            };
            refuse(!fits, "densities")?;
        }
        Ok(Self {
            index: parameters.index.compile(),
            densities: Box::new(std::array::from_fn(|factor| {
                CompiledDensity::new(&parameters.densities[factor])
            })),
            exponents: parameters.exponents.map(|exponent| exponent as f32),
            usual: parameters
                .densities
                .iter()
                .map(|density| {
                    std::array::from_fn(|bucket| {
                        std::array::from_fn(|story| density.usual(bucket, story))
                    })
                })
                .collect(),
            own_logit: logit(parameters.shares[Story::HONEST..].iter().sum()),
            log_starts: Lanes::new(|lane| {
                let story = lane.min(STORIES - 1);
                (parameters.shares[story].ln() + parameters.head_starts[story]) as f32
            }),
            parameters,
        })
    }

    /// The model as JSON, to be kept and read again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.parameters).expect("a model has only numbers and names")
    }

    /// Name and version, as in every assessment.
    pub fn version(&self) -> &str {
        &self.parameters.version
    }

    /// Where the model comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.parameters.provenance
    }

    /// What the model takes to be usual in a game.
    pub fn baseline(&self) -> &Baseline {
        &self.parameters.baseline
    }

    /// The same model with another baseline; `name` is added to the version.
    pub fn with_baseline(&self, baseline: Baseline, name: &str) -> Self {
        let mut model = self.clone();
        model.parameters.version = format!("{}+{name}", self.parameters.version);
        model.parameters.baseline = baseline;
        model
    }

    /// The share of unusual accounts that the model itself takes for granted.
    pub(crate) fn anomalies(&self) -> f64 {
        self.parameters.shares[Story::HONEST..].iter().sum()
    }

    /// What is usual for a factor's measure under every story, and a typical distance from it.
    pub(crate) fn usual(&self, factor: usize, bucket: usize) -> &[(f64, f64); STORIES] {
        &self.usual[factor][bucket]
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The games of an account that count, ready for [`Statistics::push`]; the newest 1,024.
    pub fn read(&self, evidence: &Evidence) -> Vec<Played> {
        reading::read(evidence, &self.parameters.baseline, &self.index)
    }

    /// One game, as [`Model::read`] reads it; `place` counts from 0, `rank` is the displayed one.
    pub fn read_game(&self, place: usize, game: &Game, rank: Option<f32>) -> Played {
        reading::played(place, game, rank, &self.parameters.baseline, &self.index)
    }

    /// The calibrated probability that the pattern is unusual, without reasons and interval, in
    /// about a microsecond.
    pub fn probability(&self, account: &Statistics, found: Option<&Break>, priors: &Priors) -> f64 {
        let measures = crate::factors::measure(account, found);
        let bucket = density::bucket(account.games());
        let weights = self.log_weights(&measures, bucket, priors);
        crate::special::logistic(self.calibrated(&weights, account.games(), priors))
    }

    /// What each factor says.
    pub(crate) fn says(&self, measures: &Measures, bucket: usize) -> Says {
        std::array::from_fn(|factor| {
            Some(self.densities[factor].says(bucket, measures[factor].as_ref()?))
        })
    }

    /// Log-weights of the stories, up to a constant.
    pub(crate) fn log_weights(&self, measures: &Measures, bucket: usize, priors: &Priors) -> Lanes {
        let mut weights = self.log_prior(priors);
        density::add_up(&mut weights, &self.densities, &self.exponents, bucket, measures);
        weights
    }

    /// Logarithms of the shares, with the head starts and what the owner told.
    pub(crate) fn log_prior(&self, priors: &Priors) -> Lanes {
        let mut prior = self.log_starts;
        if let Some(story) = priors.told {
            prior.0[story.index()] += TOLD.ln() as f32;
        }
        prior
    }

    /// Calibrated log-odds of an unusual pattern, at the asked prior.
    pub(crate) fn calibrated(&self, weights: &Lanes, games: u32, priors: &Priors) -> f64 {
        let calibration = &self.parameters.calibration;
        let own = calibration.slope * density::log_odds(weights)
            + calibration.intercepts[Calibration::range(games)];
        own - calibration.caution.of(own) + logit(priors.anomalies) - self.own_logit
    }
}
