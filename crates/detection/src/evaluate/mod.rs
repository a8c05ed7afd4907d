//! How well a model does on accounts whose story is known: generated worlds, or a labelled file.
//!
//! Everything is asked of the same accounts: the whole, by number of games, by story, with only
//! the newest games, without each group of factors, whether the interval covers, and what the old
//! nine-factor score makes of them. Deterministic; 12,000 accounts take a few seconds.

mod judgement;
mod metrics;
mod table;

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, MalformedEvidence};
use crate::lines::{LinesError, each_line};
use crate::model::Model;
use crate::parallel;
use crate::story::Story;
use crate::worlds::{Generator, World};
use judgement::{ABLATIONS, Judgement, NEWEST};

pub use metrics::{AtThreshold, Metrics};

/// What one model does on several sets of accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Model and version.
    pub model_version: String,
    /// Each set.
    pub sets: Vec<SetReport>,
}

/// What a model does on one set of accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetReport {
    /// Name of the world or the file.
    pub name: String,
    /// Seed of the world.
    pub seed: Option<u64>,
    /// Accounts.
    pub accounts: usize,
    /// Lines of a file that were no evidence, or had no label, and are left out.
    #[serde(default)]
    pub refused: u64,
    /// Share of them whose story is not innocent.
    pub anomalies: f64,
    /// Share that the model was told beforehand.
    pub prior: f64,
    /// The whole set; `None` unless it has accounts of both sorts.
    pub overall: Option<Metrics>,
    /// The old nine-factor score on the same accounts, 0 where it has none.
    pub legacy: Option<Metrics>,
    /// By number of games.
    pub by_games: Vec<PartReport>,
    /// By true story.
    pub by_story: Vec<StoryReport>,
    /// With only the newest games of every account that has more.
    pub newest: Vec<PartReport>,
    /// Without a group of factors.
    pub without: Vec<PartReport>,
    /// Share of accounts whose odd and even games agree within their 80 % intervals.
    pub interval_coverage: Option<f64>,
}

/// The same measures for a part of the set, or under other conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartReport {
    /// Which.
    pub name: String,
    /// Accounts.
    pub accounts: usize,
    /// `None` unless there are accounts of both sorts.
    pub metrics: Option<Metrics>,
}

/// What becomes of the accounts of one story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoryReport {
    /// The story.
    pub story: Story,
    /// Accounts.
    pub accounts: usize,
    /// Mean probability given.
    pub mean_p: f64,
    /// Share with a probability of 0.8 or more.
    pub at_80: f64,
    /// Share called unusual, for which the interval must be narrow enough too.
    pub unusual: f64,
}

/// First seed of the worlds that evaluation uses unless told otherwise; no model is fitted there.
pub const SEED: u64 = 9_000_000;

/// Accounts of each world unless told otherwise.
pub const ACCOUNTS: u64 = 12_000;

/// Evaluates every named world, the model being told `prior` or, without, each world's share of
/// anomalies. A minute on two cores with [`ACCOUNTS`].
pub fn named_worlds(model: &Model, prior: Option<f64>, seed: u64, accounts: u64) -> Report {
    let sets = World::named()
        .into_iter()
        .enumerate()
        .map(|(place, named)| {
            let prior = prior.unwrap_or(named.anomalies);
            world_at(model, named, prior, seed + place as u64, accounts)
        })
        .collect();
    Report { model_version: model.version().to_owned(), sets }
}

/// Evaluates `accounts` accounts of a world, the model being told the world's share of anomalies.
pub fn world(model: &Model, world: World, seed: u64, accounts: u64) -> SetReport {
    let prior = world.anomalies;
    world_at(model, world, prior, seed, accounts)
}

fn world_at(model: &Model, world: World, prior: f64, seed: u64, accounts: u64) -> SetReport {
    let generator = Generator::new(world, seed);
    let judgements = parallel::map(accounts, |number| {
        let (evidence, story) = generator.account(number);
        Judgement::of(model, &evidence, story)
    });
    let world = generator.world();
    let mut report = summarise(&world.name, model, &judgements, prior);
    report.seed = Some(seed);
    report
}

/// Evaluates labelled accounts from an evidence file, line by line. `prior` is the share of anomalies
/// that the model is told; unless given, the share among the labels. Lines that are malformed or
/// have no label go to `refused` and are left out.
///
/// # Errors
///
/// When reading fails.
pub fn lines(
    model: &Model,
    name: &str,
    reader: impl BufRead,
    prior: Option<f64>,
    refused: impl FnMut(MalformedEvidence),
) -> Result<SetReport, LinesError> {
    let judge = |line, text: &str| {
        let evidence = Evidence::parse(line, text)?;
        let story = label(line, &evidence)?;
        Ok(Judgement::of(model, &evidence, story))
    };
    let mut judgements = Vec::new();
    let outcome = each_line(reader, judge, refused, |_, judgement| {
        judgements.push(judgement);
        Ok(())
    })?;
    let unusual = judgements.iter().filter(|judgement| !judgement.story.is_honest()).count();
    let share = unusual as f64 / judgements.len().max(1) as f64;
    let prior = prior.unwrap_or(share).clamp(0.001, 0.999);
    let mut report = summarise(name, model, &judgements, prior);
    report.refused = outcome.refused;
    Ok(report)
}

fn label(line: u64, evidence: &Evidence) -> Result<Story, MalformedEvidence> {
    let refuse = |reason| MalformedEvidence { line, path: "label".to_owned(), reason };
    let mend = || {
        let names = Story::ALL.map(Story::key).join(", ");
        format!("give one of {names}, or leave the account out")
    };
    let Some(label) = &evidence.label else {
        return Err(refuse(format!("missing, and evaluation needs it: {}", mend())));
    };
    label.parse().map_err(|error: crate::UnknownStory| refuse(format!("{error}: {}", mend())))
}

fn summarise(name: &str, model: &Model, judgements: &[Judgement], prior: f64) -> SetReport {
    let shift = Judgement::shift(model, prior);
    let metrics_of = |judgements: &mut dyn Iterator<Item = &Judgement>,
                      log_odds: &dyn Fn(&Judgement) -> f64| {
        let scored: Vec<(f64, bool)> = judgements
            .map(|j| (crate::special::logistic(log_odds(j) + shift), !j.story.is_honest()))
            .collect();
        (scored.len(), Metrics::of(&scored))
    };
    let part = |name: String, (accounts, metrics)| PartReport { name, accounts, metrics };
    let legacy: Vec<(f64, bool)> =
        judgements.iter().map(|j| (j.legacy.unwrap_or(0.0), !j.story.is_honest())).collect();
    let unusual = judgements.iter().filter(|j| !j.story.is_honest()).count();
    let ranges = [(0, 14), (15, 29), (30, 59), (60, u32::MAX)];
    let covered: Vec<bool> =
        judgements.iter().filter_map(|j| Some(j.halves_apart? <= 1.281_552)).collect();
    SetReport {
        name: name.to_owned(),
        seed: None,
        accounts: judgements.len(),
        refused: 0,
        anomalies: unusual as f64 / judgements.len().max(1) as f64,
        prior,
        overall: metrics_of(&mut judgements.iter(), &|j| j.log_odds).1,
        legacy: Metrics::of(&legacy),
        by_games: ranges
            .into_iter()
            .map(|(from, to)| {
                let name = if to == u32::MAX { format!("{from}+") } else { format!("{from}-{to}") };
                let mut within = judgements.iter().filter(|j| (from..=to).contains(&j.games));
                part(name, metrics_of(&mut within, &|j| j.log_odds))
            })
            .collect(),
        by_story: Story::ALL.into_iter().map(|story| of_story(story, judgements, shift)).collect(),
        newest: (0..NEWEST.len())
            .map(|place| {
                let name = format!("newest {}", NEWEST[place]);
                part(name, metrics_of(&mut judgements.iter(), &|j| j.newest[place]))
            })
            .collect(),
        without: (0..ABLATIONS)
            .map(|place| {
                let name = format!("without {}", crate::factors::GROUPS[place]);
                part(name, metrics_of(&mut judgements.iter(), &|j| j.without[place]))
            })
            .collect(),
        interval_coverage: (!covered.is_empty()).then(|| {
            covered.iter().filter(|covered| **covered).count() as f64 / covered.len() as f64
        }),
    }
}

fn of_story(story: Story, judgements: &[Judgement], shift: f64) -> StoryReport {
    let of_story: Vec<&Judgement> = judgements.iter().filter(|j| j.story == story).collect();
    let accounts = of_story.len();
    let mean = |value: &dyn Fn(&Judgement) -> f64| {
        of_story.iter().map(|j| value(j)).sum::<f64>() / accounts.max(1) as f64
    };
    let p = |j: &Judgement| crate::special::logistic(j.log_odds + shift);
    StoryReport {
        story,
        accounts,
        mean_p: mean(&p),
        at_80: mean(&|j| f64::from(u8::from(p(j) >= 0.8))),
        unusual: mean(&|j| f64::from(u8::from(j.is_unusual(shift)))),
    }
}
