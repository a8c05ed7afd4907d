//! `riftwatch detection`: assess files of evidence, fit models, and see how good they are. Of these,
//! only `fit` looks into a database, and only where it is told to; stored players go over the API.

mod files;
mod fitting;
mod stored;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::num::NonZero;
use std::path::Path;

use riftwatch_detection::baseline::BaselineFit;
use riftwatch_detection::evaluate::{self, Report};
use riftwatch_detection::evidence::MalformedEvidence;
use riftwatch_detection::fit::Plan;
use riftwatch_detection::lines::{Outcome, assess_lines};
use riftwatch_detection::{Model, Priors};
use serde_json::json;

use crate::cli::{BaselineFrom, DetectionCommand, ModelArgs, Remote};
use crate::output;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Games from which on a file's own level is taken to be better known than the model's.
const GAMES_FOR_BASELINE: u64 = 20_000;

/// About as much of a file is read to learn its level; of a larger one, every so many lines.
const BYTES_FOR_BASELINE: u64 = 64 << 20;

/// Bad lines that are told one by one.
const TOLD: u64 = 20;

pub(crate) async fn run(
    settings: &Settings,
    remote: &Remote,
    command: DetectionCommand,
) -> Result<Exit, Failure> {
    match command {
        DetectionCommand::Stored(command) => stored::run(settings, remote, command).await,
        DetectionCommand::Assess { input, output, prior, model } => {
            let priors = Priors { anomalies: prior, ..Priors::default() };
            assess(&input, output.as_deref(), &priors, &model)
        }
        DetectionCommand::Evaluate { input, prior, accounts, seed, json, model } => {
            let (report, exit) = match input {
                Some(input) => evaluate_file(&input, prior, &model)?,
                None => {
                    let model = read_model(model.model.as_deref())?;
                    (evaluate::named_worlds(&model, prior, seed, accounts), Exit::Fine)
                }
            };
            if json {
                output::json(&report);
            } else {
                output::line(&report.to_string());
            }
            Ok(exit)
        }
        DetectionCommand::Fit {
            output,
            honest,
            database,
            accounts,
            version,
            fitted_on,
            seed,
            small,
        } => {
            let plan = if small { Plan::small } else { Plan::shipped };
            let plan = Plan { seed, ..plan(version, fitted_on) };
            let model = match honest {
                Some(file) => fitting::on_file(&plan, &file)?,
                None if database => fitting::on_database(&plan, settings, accounts).await?,
                None => fitting::on_worlds(&plan),
            };
            fitting::write(&model, &output)
        }
        DetectionCommand::Model { model } => {
            let model = read_model(model.as_deref())?;
            output::json(&json!({
                "model_version": model.version(),
                "provenance": model.provenance(),
                "default_prior": Priors::default(),
            }));
            Ok(Exit::Fine)
        }
    }
}

fn assess(
    input: &Path,
    output: Option<&Path>,
    priors: &Priors,
    model: &ModelArgs,
) -> Result<Exit, Failure> {
    if let Some(output) = output
        && fs::canonicalize(output).is_ok_and(|path| Some(path) == fs::canonicalize(input).ok())
    {
        return Err(Failure::Said("the output would overwrite the input".to_owned()));
    }
    let model = model_for(model, input)?;
    let reader = files::open(input).map_err(failed(input))?;
    let mut refusals = Refusals::default();
    let outcome = match output {
        Some(path) => {
            let mut file = files::create(path).map_err(failed(path))?;
            let outcome =
                assess_lines(&model, priors, reader, &mut file, |line| refusals.tell(&line))?;
            file.finish().map_err(failed(path))?;
            outcome
        }
        None => {
            let stdout = BufWriter::new(io::stdout().lock());
            assess_lines(&model, priors, reader, stdout, |line| refusals.tell(&line))?
        }
    };
    Ok(refusals.sum_up(outcome))
}

fn evaluate_file(
    input: &Path,
    prior: Option<f64>,
    model: &ModelArgs,
) -> Result<(Report, Exit), Failure> {
    let model = model_for(model, input)?;
    let name = input.display().to_string();
    let reader = files::open(input).map_err(failed(input))?;
    let mut refusals = Refusals::default();
    let set = evaluate::lines(&model, &name, reader, prior, |line| refusals.tell(&line))?;
    if set.accounts == 0 {
        return Err(Failure::Said(format!("{name} has no account with a label")));
    }
    let outcome = Outcome { accounts: set.accounts as u64, refused: set.refused };
    let report = Report { model_version: model.version().to_owned(), sets: vec![set] };
    Ok((report, refusals.sum_up(outcome)))
}

fn read_model(path: Option<&Path>) -> Result<Model, Failure> {
    let Some(path) = path else { return Ok(Model::default_model().clone()) };
    let text = fs::read_to_string(path).map_err(failed(path))?;
    Model::from_json(&text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Failure::Said(format!("{}: {error}{}", path.display(), cause.unwrap_or_default()))
    })
}

/// The model, with the file's own level where that is asked for.
fn model_for(args: &ModelArgs, input: &Path) -> Result<Model, Failure> {
    let model = read_model(args.model.as_deref())?;
    let file = fs::metadata(input).map_err(failed(input))?;
    // What can be read only once is not read twice.
    if args.baseline == BaselineFrom::Model
        || (args.baseline == BaselineFrom::Auto && !file.is_file())
    {
        return Ok(model);
    }
    let unpacked = if input.extension().is_some_and(|zst| zst == "zst") { 8 } else { 1 };
    let nth =
        NonZero::new(unpacked * file.len() / BYTES_FOR_BASELINE).unwrap_or(NonZero::<u64>::MIN);
    let mut games = BaselineFit::new(model.baseline());
    games.observe_lines(files::open(input).map_err(failed(input))?, nth)?;
    if args.baseline == BaselineFrom::Auto && games.games() < GAMES_FOR_BASELINE {
        return Ok(model);
    }
    Ok(model.with_baseline(games.finish(), "file"))
}

/// The lines that were no evidence.
#[derive(Debug, Default)]
struct Refusals {
    told: u64,
}

impl Refusals {
    fn tell(&mut self, line: &MalformedEvidence) {
        self.told += 1;
        if self.told <= TOLD {
            say(&line.to_string());
        }
    }

    fn sum_up(&self, outcome: Outcome) -> Exit {
        let Outcome { accounts, refused } = outcome;
        if refused == 0 {
            return Exit::Fine;
        }
        let lines = accounts + refused;
        let told = if refused > TOLD { ", the first of which are told above" } else { "" };
        say(&format!("{refused} of {lines} lines could not be read{told}"));
        Exit::No
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::File { path: path.clone(), source }
}

/// Tells a person; results alone go to standard output.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
