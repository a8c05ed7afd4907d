//! The innocent side from real accounts.
//!
//! Nobody has said which story a real account is, but nearly all are innocent ones. So the model
//! fitted on worlds is asked; the accounts that look least innocent are left out; each of the others
//! is dealt to an innocent story in proportion to what the model makes of it; and what these
//! accounts do becomes what is usual under those stories. Twice, since the second time a better
//! model is asked.

use std::io::{self, BufRead};
use std::num::NonZero;

use super::{Measured, densities, measured, ready};
use crate::baseline::{Baseline, BaselineFit};
use crate::density::{self, softmax};
use crate::evidence::Evidence;
use crate::lines::{LinesError, each_line};
use crate::model::{Model, Parameters, Priors, RealSource};
use crate::parallel;
use crate::story::Story;

/// Share of the accounts that is left out: those with the highest probability. At a true share of
/// some three in a hundred, room for as many mistakes again.
const LEFT_OUT: f64 = 0.05;

const ROUNDS: usize = 2;

/// Real accounts to fit the innocent side on.
#[derive(Debug)]
pub struct RealAccounts<'a> {
    /// What they are called in the provenance.
    pub name: String,
    /// Where they are.
    pub source: RealAccountsFrom<'a>,
}

/// Where real accounts come from.
pub enum RealAccountsFrom<'a> {
    /// A file of evidence, which this opens from its beginning. It is read twice.
    Lines(&'a dyn Fn() -> io::Result<Box<dyn BufRead>>),
    /// They are at hand.
    Held(&'a [Evidence]),
}

impl std::fmt::Debug for RealAccountsFrom<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lines(_) => f.write_str("Lines"),
            Self::Held(accounts) => write!(f, "Held({})", accounts.len()),
        }
    }
}

fn opened(open: &dyn Fn() -> io::Result<Box<dyn BufRead>>) -> Result<Box<dyn BufRead>, LinesError> {
    open().map_err(|source| LinesError::Read { line: 1, source })
}

impl RealAccounts<'_> {
    /// What is usual in their games.
    pub(super) fn baseline(&self, start: &Baseline) -> Result<Baseline, LinesError> {
        let mut fit = BaselineFit::new(start);
        match self.source {
            RealAccountsFrom::Lines(open) => {
                fit.observe_lines(opened(open)?, NonZero::<u64>::MIN)?
            }
            RealAccountsFrom::Held(accounts) => {
                accounts
                    .iter()
                    .flat_map(|account| &account.games)
                    .for_each(|game| fit.observe(game));
            }
        }
        Ok(fit.finish())
    }

    /// Reads all factors of all accounts.
    fn measured(&self, model: &Model) -> Result<Vec<Measured>, LinesError> {
        let read = |account: &Evidence| {
            measured(&model.read(account), account.account_level, Story::Stable)
        };
        match self.source {
            RealAccountsFrom::Held(accounts) => {
                Ok(parallel::map(accounts.len() as u64, |place| read(&accounts[place as usize])))
            }
            RealAccountsFrom::Lines(open) => {
                let mut all = Vec::new();
                let work = |line: u64, text: &str| Ok(read(&Evidence::parse(line, text)?));
                each_line(opened(open)?, work, drop, |_, account| {
                    all.push(account);
                    Ok(())
                })?;
                Ok(all)
            }
        }
    }

    /// Puts their densities in the place of the innocent stories'; where they are too few,
    /// `of_worlds` makes up for it.
    pub(super) fn replace_honest(
        &self,
        parameters: &mut Parameters,
        of_worlds: &[Measured],
    ) -> Result<(), LinesError> {
        let mut model = ready(parameters);
        let accounts = self.measured(&model)?;
        let games = accounts.iter().map(|account| u64::from(account.games)).sum();
        let left_out = (LEFT_OUT * accounts.len() as f64).ceil() as usize;
        for _ in 0..ROUNDS {
            let mut samples = dealt(&model, &accounts, left_out);
            samples.extend(of_worlds.iter().filter(|sample| !sample.story.is_honest()).cloned());
            parameters.densities = densities::fit(&samples, of_worlds);
            model = ready(parameters);
        }
        parameters.provenance.source.push_str(
            "; what is usual, and the innocent stories, of real accounts without known stories",
        );
        parameters.provenance.real = Some(RealSource {
            name: self.name.clone(),
            accounts: accounts.len() as u64,
            left_out: left_out as u64,
            games,
        });
        Ok(())
    }
}

/// The accounts without the `left_out` most unusual ones, each with an innocent story.
fn dealt(model: &Model, accounts: &[Measured], left_out: usize) -> Vec<Measured> {
    let priors = Priors { anomalies: model.anomalies(), told: None };
    let mut judged: Vec<(f64, usize, Story)> = accounts
        .iter()
        .enumerate()
        .map(|(place, account)| {
            let bucket = density::bucket(account.games);
            let weights = model.log_weights(&account.measures, bucket, &priors);
            let log_odds = model.calibrated(&weights, account.games, &priors);
            (log_odds, place, drawn(&softmax(&weights)[..Story::HONEST], place))
        })
        .collect();
    judged.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    judged.truncate(accounts.len().saturating_sub(left_out));
    judged
        .into_iter()
        .map(|(_, place, story)| Measured { story, ..accounts[place].clone() })
        .collect()
}

/// A story in proportion to the shares. Multiples of the golden ratio fill 0..1 evenly, so that
/// stories get their shares without dice.
fn drawn(shares: &[f64], place: usize) -> Story {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let mut left = ((place + 1) as f64 * GOLDEN).fract() * shares.iter().sum::<f64>();
    for (story, share) in Story::ALL.into_iter().zip(shares) {
        left -= share;
        if left < 0.0 {
            return story;
        }
    }
    Story::Stable
}
