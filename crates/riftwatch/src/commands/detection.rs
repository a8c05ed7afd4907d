//! `riftwatch detection`: assess files of evidence, and see how good the model is. No database.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::Path;

use riftwatch_detection::evaluate::{self, Report};
use riftwatch_detection::lines::assess_lines;
use riftwatch_detection::{Model, Priors};
use serde_json::json;

use crate::cli::DetectionCommand;
use crate::output;
use crate::{Exit, Failure};

/// How a file that zstd has compressed begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

pub(crate) fn run(command: DetectionCommand) -> Result<Exit, Failure> {
    let model = Model::default_model();
    match command {
        DetectionCommand::Assess { input, output, prior } => {
            let priors = Priors { anomalies: prior, ..Priors::default() };
            let reader = open(&input)?;
            match output {
                Some(path) => {
                    let file = File::create(&path)
                        .map_err(|source| Failure::File { path: path.clone(), source })?;
                    assess_lines(model, &priors, reader, BufWriter::new(file))?;
                }
                None => {
                    assess_lines(model, &priors, reader, BufWriter::new(io::stdout().lock()))?;
                }
            }
        }
        DetectionCommand::Evaluate { input, accounts, seed, json } => {
            let report = match input {
                Some(path) => {
                    let name = path.display().to_string();
                    let set = evaluate::lines(model, &name, open(&path)?, None)?;
                    Report { model_version: model.version().to_owned(), sets: vec![set] }
                }
                None => evaluate::named_worlds(model, seed, accounts),
            };
            if json {
                output::json(&report);
            } else {
                output::line(&report.to_string());
            }
        }
        DetectionCommand::Model => output::json(&json!({
            "model_version": model.version(),
            "provenance": model.provenance(),
            "default_prior": Priors::default(),
        })),
    }
    Ok(Exit::Fine)
}

/// Opens a file of evidence.
fn open(path: &Path) -> Result<impl BufRead, Failure> {
    let failed = |source| Failure::File { path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
    if reader.fill_buf().map_err(failed)?.starts_with(&ZSTD) {
        let path = path.display();
        return Err(Failure::Said(format!(
            "{path} is compressed; only plain text is read: `zstd -d {path}` unpacks it"
        )));
    }
    Ok(reader)
}
