//! Files of evidence: read line by line, assessed in constant memory, in the order they came.

use std::io::{self, BufRead, Write};

use crate::assess::assess;
use crate::baseline::BaselineFit;
use crate::evidence::{Evidence, MalformedEvidence};
use crate::model::{Model, Priors};

/// The longest line that is read, in bytes: an account with some fifty thousand games.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// A file of evidence could not be worked through.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The line is no evidence; fix the file.
    #[error(transparent)]
    Malformed(#[from] MalformedEvidence),
    /// The input failed.
    #[error("reading line {line}")]
    Read {
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The output failed.
    #[error("writing the assessment of line {line}")]
    Write {
        /// Number of the line of input, from 1.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The accounts of a file, one at a time.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: u64,
    buffer: String,
}

impl<R: BufRead> Lines<R> {
    /// Nothing is read yet.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, buffer: String::new() }
    }

    /// The next account and the number of its line; blank lines are passed over.
    ///
    /// # Errors
    ///
    /// When reading fails or the line is malformed.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results reads worse with `?`"
    )]
    pub fn next(&mut self) -> Result<Option<(u64, Evidence)>, LinesError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let mut limited = io::Read::take(&mut self.reader, LONGEST_LINE);
            let read = limited
                .read_line(&mut self.buffer)
                .map_err(|source| LinesError::Read { line, source })?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LONGEST_LINE && !self.buffer.ends_with('\n') {
                let reason = format!("longer than {LONGEST_LINE} bytes");
                return Err(MalformedEvidence { line, path: ".".to_owned(), reason }.into());
            }
            let text = self.buffer.trim();
            if !text.is_empty() {
                return Ok(Some((line, Evidence::parse(line, text)?)));
            }
        }
    }
}

/// Assesses every account of `reader`, one JSON object a line to `writer`, and says how many there
/// were. The order is kept, and the same input gives the same bytes.
///
/// # Errors
///
/// At the first line that cannot be read; what came before it is written.
pub fn assess_lines(
    model: &Model,
    priors: &Priors,
    reader: impl BufRead,
    mut writer: impl Write,
) -> Result<u64, LinesError> {
    let mut lines = Lines::new(reader);
    let mut accounts = 0;
    let mut buffer = Vec::new();
    while let Some((line, evidence)) = lines.next()? {
        buffer.clear();
        serde_json::to_writer(&mut buffer, &assess(model, &evidence, priors))
            .expect("an assessment has only text and finite numbers");
        buffer.push(b'\n');
        writer.write_all(&buffer).map_err(|source| LinesError::Write { line, source })?;
        accounts += 1;
    }
    writer.flush().map_err(|source| LinesError::Write { line: lines.line, source })?;
    Ok(accounts)
}

impl BaselineFit {
    /// Takes all games of a file into account: what is usual among its accounts may then stand in
    /// for what the model takes to be usual (see [`Model::with_baseline`]).
    ///
    /// # Errors
    ///
    /// When reading fails or a line is malformed.
    pub fn observe_lines(&mut self, reader: impl BufRead) -> Result<(), LinesError> {
        let mut lines = Lines::new(reader);
        while let Some((_, evidence)) = lines.next()? {
            for game in &evidence.games {
                self.observe(game);
            }
        }
        Ok(())
    }
}
