//! The assessment of one account: how likely, how sure, and why.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::density::{self, STORIES, softmax};
use crate::evidence::Evidence;
use crate::factors::{self, FACTORS, Measure, Shown, TABLE};
use crate::legacy;
use crate::model::{Model, Priors, Says};
use crate::scan::{self, Break};
use crate::special::logistic;
use crate::statistics::{Played, Statistics};
use crate::story::Story;

/// Games without which nothing is said.
pub const FEWEST_GAMES: u32 = 8;

/// Stretches of games that are left out in turn to see how much depends on them.
const BLOCKS: usize = 8;

/// What an assessment comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Fewer than eight games that count.
    NotEnoughGames,
    /// The upper end of the interval is below 0.2.
    NothingUnusual,
    /// Neither this nor that.
    Inconclusive,
    /// The probability is at least 0.8 and the lower end of the interval above 0.5.
    UnusualPattern,
}

impl Verdict {
    /// The name in files and tables.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NotEnoughGames => "not_enough_games",
            Self::NothingUnusual => "nothing_unusual",
            Self::Inconclusive => "inconclusive",
            Self::UnusualPattern => "unusual_pattern",
        }
    }

    /// In words that accuse nobody.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotEnoughGames => "not enough games",
            Self::NothingUnusual => "nothing unusual for the displayed rank",
            Self::Inconclusive => "inconclusive",
            Self::UnusualPattern => "account pattern unusual for its displayed rank",
        }
    }

    fn of(games: u32, p: f64, interval: [f64; 2]) -> Self {
        if games < FEWEST_GAMES {
            Self::NotEnoughGames
        } else if interval[1] < 0.2 {
            Self::NothingUnusual
        } else if interval[0] > 0.5 && p >= 0.8 {
            Self::UnusualPattern
        } else {
            Self::Inconclusive
        }
    }
}

/// One factor's part in an assessment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorReport {
    /// The factor.
    pub key: String,
    /// What was measured: a mean, a share of games, a distance; `None` is missing evidence.
    pub value: Option<f64>,
    /// What is usual among the innocent stories that fit the account, in the same unit.
    pub baseline: Option<f64>,
    /// Evidence for the likeliest of the other stories against these, in nats; negative speaks for
    /// the innocent ones.
    pub contribution_nats: f64,
    /// The same in words.
    pub sentence: String,
}

/// The innocent story that explains the account best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InnocentStory {
    /// Which.
    pub story: Story,
    /// Its share among the innocent stories, 0..=1.
    pub share: f64,
    /// In words.
    pub sentence: String,
}

/// What an account's evidence comes to under one model. Never changed once made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// As in the evidence.
    pub account_id: String,
    /// Probability of any unusual pattern, 0..=1, given [`Assessment::prior`].
    pub p_any: f64,
    /// Probability that somebody stronger than the displayed rank plays. May overlap with the next:
    /// a levelled account that changed hands is both.
    pub p_smurf: f64,
    /// Probability that more than one person plays or played.
    pub p_shared: f64,
    /// Within which `p_any` would stay if other games of the same account had been seen, four times
    /// in five.
    pub interval_80: [f64; 2],
    /// What it comes to.
    pub verdict: Verdict,
    /// Probability of each story; they add to 1.
    pub story_posterior: BTreeMap<Story, f64>,
    /// All seventeen, in a fixed order.
    pub factors: Vec<FactorReport>,
    /// The best innocent explanation, however likely the others are.
    pub innocent_story: InnocentStory,
    /// The old system's score, 0..=1 and no probability; `None` with fewer than 30 games.
    pub legacy_score: Option<f64>,
    /// Its nine factors.
    pub legacy_factors: Option<legacy::LegacyFactors>,
    /// Version of that score.
    pub legacy_version: String,
    /// Games that the assessment rests on.
    pub games: u32,
    /// When the oldest and the newest of these began.
    pub games_between: Option<[DateTime<Utc>; 2]>,
    /// Model and version.
    pub model_version: String,
    /// What was assumed beforehand.
    pub prior: Priors,
}

impl Assessment {
    /// The strongest reasons for an unusual pattern, at most three, strongest first.
    pub fn reasons_for(&self) -> Vec<&FactorReport> {
        self.strongest(|nats| nats)
    }

    /// The strongest reasons against one, at most three, strongest first.
    pub fn reasons_against(&self) -> Vec<&FactorReport> {
        self.strongest(|nats| -nats)
    }

    fn strongest(&self, side: impl Fn(f64) -> f64) -> Vec<&FactorReport> {
        let strength = |factor: &FactorReport| side(factor.contribution_nats);
        let mut reasons: Vec<&FactorReport> =
            self.factors.iter().filter(|factor| strength(factor) > 0.0).collect();
        reasons.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        reasons.truncate(3);
        reasons
    }
}

/// Assesses an account. Pure: the same arguments give the same bits. Some 25 µs for 60 games.
pub fn assess(model: &Model, evidence: &Evidence, priors: &Priors) -> Assessment {
    let games = model.read(evidence);
    let account = Statistics::of(evidence.account_level, &games);
    let found = scan::scan(&games, &account);
    let measures = factors::measure(&account, found.as_ref());
    let bucket = density::bucket(account.games());
    let weights = model.log_weights(&measures, bucket, priors);
    let log_odds = model.calibrated(&weights, account.games(), priors);
    let p_any = logistic(log_odds);
    let error = standard_error(model, evidence.account_level, &games, found.as_ref(), priors);
    let interval_80 = interval(log_odds, error);

    let stories = with_total(softmax(&weights), p_any);
    let of = |story: Story| stories[story.index()];
    let says = model.says(&measures, bucket);
    let honest = within_honest(&stories);
    let innocent = Story::ALL[place_of_largest(&honest)];
    let suspected = Story::ALL[Story::HONEST + place_of_largest(&stories[Story::HONEST..])];
    let legacy_factors = legacy::factors(evidence);
    let counted: Vec<DateTime<Utc>> =
        evidence.games.iter().filter(|game| game.counts()).map(|game| game.at).collect();
    Assessment {
        account_id: evidence.account_id.clone(),
        p_any,
        p_smurf: of(Story::Smurf) + of(Story::Deranker) + of(Story::Bought),
        // A bought account was played by two people only if its first owner's games are among
        // those seen, which is so in about three of five.
        p_shared: of(Story::Shared) + 0.6 * of(Story::Bought),
        interval_80,
        verdict: Verdict::of(account.games(), p_any, interval_80),
        story_posterior: Story::ALL.into_iter().map(|story| (story, of(story))).collect(),
        factors: (0..FACTORS)
            .map(|factor| {
                report(model, factor, measures[factor].as_ref(), &says, &honest, suspected, bucket)
            })
            .collect(),
        innocent_story: InnocentStory {
            story: innocent,
            share: honest[innocent.index()],
            sentence: format!("The best innocent explanation is {}.", innocent.words()),
        },
        legacy_score: legacy_factors.map(|factors| factors.score()),
        legacy_factors,
        legacy_version: legacy::VERSION.to_owned(),
        games: account.games(),
        games_between: counted.iter().min().zip(counted.iter().max()).map(|(a, b)| [*a, *b]),
        model_version: model.version().to_owned(),
        prior: *priors,
    }
}

/// Scales both sides so that the unusual stories add to the calibrated probability.
fn with_total(stories: [f64; STORIES], p_any: f64) -> [f64; STORIES] {
    let raw: f64 = stories[Story::HONEST..].iter().sum();
    let (honest, others) = ((1.0 - p_any) / (1.0 - raw).max(1e-300), p_any / raw.max(1e-300));
    std::array::from_fn(|story| {
        stories[story] * if story < Story::HONEST { honest } else { others }
    })
}

/// Shares of the innocent stories among themselves.
fn within_honest(stories: &[f64; STORIES]) -> [f64; Story::HONEST] {
    let total: f64 = stories[..Story::HONEST].iter().sum();
    std::array::from_fn(|story| stories[story] / total.max(1e-300))
}

fn place_of_largest(values: &[f64]) -> usize {
    let mut largest = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[largest] {
            largest = place;
        }
    }
    largest
}

/// How much the log-odds depend on single stretches of games: the jackknife over eight of them.
/// `found` is what [`scan::scan`] finds in all games.
pub(crate) fn standard_error(
    model: &Model,
    account_level: Option<u32>,
    games: &[Played],
    found: Option<&Break>,
    priors: &Priors,
) -> f64 {
    let n = games.len();
    if n < BLOCKS {
        return f64::INFINITY;
    }
    // The range of games stays that of the whole account: crossing into the one below would be
    // mistaken for something that the games said.
    let bucket = density::bucket(n as u32);
    let champions = scan::Champions::of(games);
    let log_odds: [f64; BLOCKS] = std::array::from_fn(|block| {
        let left_out = block * n / BLOCKS..(block + 1) * n / BLOCKS;
        let mut account = Statistics::new(account_level);
        games[..left_out.start].iter().for_each(|game| account.push(game));
        games[left_out.end..].iter().for_each(|game| account.push(game));
        // The stretch that stood out stays the one that is compared, as long as there is enough of
        // it; only otherwise is there another to look for.
        let found = found
            .and_then(|found| scan::without(games, &champions, &account, found, &left_out))
            .or_else(|| {
                let rest = [&games[..left_out.start], &games[left_out.end..]].concat();
                scan::scan(&rest, &account)
            });
        let measures = factors::measure(&account, found.as_ref());
        model.calibrated(&model.log_weights(&measures, bucket, priors), n as u32, priors)
    });
    let mean = log_odds.iter().sum::<f64>() / BLOCKS as f64;
    let squares: f64 = log_odds.iter().map(|value| (value - mean).powi(2)).sum();
    let share = (BLOCKS - 1) as f64 / BLOCKS as f64;
    model.parameters().interval_scale * (share * squares).sqrt()
}

fn interval(log_odds: f64, error: f64) -> [f64; 2] {
    if !error.is_finite() {
        return [0.0, 1.0];
    }
    let half = 1.281_552 * error;
    [logistic(log_odds - half), logistic(log_odds + half)]
}

fn report(
    model: &Model,
    factor: usize,
    measure: Option<&Measure>,
    says: &Says,
    honest: &[f64; Story::HONEST],
    suspected: Story,
    bucket: usize,
) -> FactorReport {
    let nats = says[factor].map_or(0.0, |says| {
        let innocent: f64 = (0..Story::HONEST).map(|h| honest[h] * f64::from(says.0[h])).sum();
        model.parameters().exponents[factor] * (f64::from(says.0[suspected.index()]) - innocent)
    });
    let raw = measure.map(|measure| match measure {
        Measure::Mean { value, .. } | Measure::Shape(value) => *value,
        Measure::Count { count, of } => f64::from(*count) / f64::from(*of),
    });
    let (mut usual, mut spread) = (0.0, 0.0);
    for (share, (mean, distance)) in honest.iter().zip(model.usual(factor, bucket)) {
        usual += share * mean;
        spread += share * distance;
    }
    let (value, baseline) = match TABLE[factor].shown {
        Shown::Plain => (raw, usual),
        Shown::Exponential => (raw.map(f64::exp), usual.exp()),
        Shown::Relative => (raw.map(|raw| (raw - usual) / spread), 0.0),
    };
    FactorReport {
        key: TABLE[factor].key.to_owned(),
        value,
        baseline: value.map(|_| baseline),
        contribution_nats: nats,
        sentence: factors::sentence(factor, measure, nats),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{Generator, World};

    proptest::proptest! {
        #[test]
        fn contributions_add_to_the_log_odds_against_the_innocent_mixture_less_the_prior(
            story in 0..STORIES,
            number in 0_u64..500,
            games in 8_usize..120,
            told in 0..STORIES,
        ) {
            let model = Model::default_model();
            let world = Generator::new(World::hard(), 41);
            let evidence = world.account_of(number, Story::ALL[story], Some(games));
            let told = Story::ALL.get(told).copied().filter(|story| story.is_honest());
            let priors = Priors { anomalies: 0.05, told };
            let found = assess(model, &evidence, &priors);
            let sum: f64 = found.factors.iter().map(|factor| factor.contribution_nats).sum();

            let read = model.read(&evidence);
            let account = Statistics::of(evidence.account_level, &read);
            let measures = factors::measure(&account, scan::scan(&read, &account).as_ref());
            let bucket = density::bucket(account.games());
            let weights = model.log_weights(&measures, bucket, &priors);
            let prior = model.log_prior(&priors);
            let said = |story: usize| f64::from(weights.0[story] - prior.0[story]);
            let honest = within_honest(&softmax(&weights));
            let innocent: f64 = (0..Story::HONEST).map(|h| honest[h] * said(h)).sum();
            let likeliest = (Story::HONEST..STORIES)
                .max_by(|a, b| weights.0[*a].total_cmp(&weights.0[*b]))
                .expect("there are four");
            proptest::prop_assert!((sum - (said(likeliest) - innocent)).abs() < 1e-3, "{sum}");
        }
    }
}
