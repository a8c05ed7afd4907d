//! Files of evidence: read line by line, worked on by all cores, in bounded memory, and handed on in
//! the order they came.
//!
//! A line that is no evidence is told and passed over: one bad account in a million is no reason to
//! do without the others.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Mutex, mpsc};

use crate::assess::assess;
use crate::baseline::BaselineFit;
use crate::evidence::{Evidence, MalformedEvidence};
use crate::model::{Model, Priors};

/// The longest line that is read, in bytes: an account with some fifty thousand games.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// A batch goes to a core when it has this many bytes or lines.
const BATCH_BYTES: usize = 1024 * 1024;
const BATCH_LINES: usize = 64;

/// A file of evidence could not be worked through.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
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

/// What became of the lines of a file. Blank ones are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Accounts that were read and worked on.
    pub accounts: u64,
    /// Lines that were told and passed over.
    pub refused: u64,
}

/// Assesses every account of `reader`, one JSON object a line to `writer`. The order is kept, and the
/// same input gives the same bytes, on any number of cores. Lines that are no evidence go to
/// `refused`, also in order.
///
/// # Errors
///
/// When reading or writing fails; what came before is written.
pub fn assess_lines(
    model: &Model,
    priors: &Priors,
    reader: impl BufRead,
    mut writer: impl Write,
    refused: impl FnMut(MalformedEvidence),
) -> Result<Outcome, LinesError> {
    let assessed = |line, text: &str| {
        let evidence = Evidence::parse(line, text)?;
        let mut json = serde_json::to_vec(&assess(model, &evidence, priors))
            .expect("an assessment has only text and finite numbers");
        json.push(b'\n');
        Ok(json)
    };
    let mut last = 0;
    let outcome = each_line(reader, assessed, refused, |line, json| {
        last = line;
        writer.write_all(&json).map_err(|source| LinesError::Write { line, source })
    })?;
    writer.flush().map_err(|source| LinesError::Write { line: last, source })?;
    Ok(outcome)
}

impl BaselineFit {
    /// Takes the games of every `nth` line of a file into account: what is usual among its accounts
    /// may then stand in for what the model takes to be usual (see [`Model::with_baseline`]). Lines
    /// that are no evidence are passed over.
    ///
    /// # Errors
    ///
    /// When reading fails.
    pub fn observe_lines(
        &mut self,
        reader: impl BufRead,
        nth: NonZero<u64>,
    ) -> Result<(), LinesError> {
        let games = |line: u64, text: &str| {
            let skipped = !(line - 1).is_multiple_of(nth.get());
            if skipped { Ok(Vec::new()) } else { Ok(Evidence::parse(line, text)?.games) }
        };
        each_line(reader, games, drop, |_, games| {
            games.iter().for_each(|game| self.observe(game));
            Ok(())
        })?;
        Ok(())
    }
}

/// Hands what `work` makes of each line to `each`, and what it refuses to `refused`, in the order of
/// the lines.
///
/// One thread reads and hands on, and every core works; no more than a few batches of lines are
/// under way, so that memory does not grow with the file.
pub(crate) fn each_line<T: Send>(
    reader: impl BufRead,
    work: impl Fn(u64, &str) -> Result<T, MalformedEvidence> + Sync,
    mut refused: impl FnMut(MalformedEvidence),
    mut each: impl FnMut(u64, T) -> Result<(), LinesError>,
) -> Result<Outcome, LinesError> {
    type Reply<T> = Vec<(u64, Result<T, MalformedEvidence>)>;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(64);
    let (to_workers, batches) = mpsc::sync_channel::<(Batch, mpsc::SyncSender<Reply<T>>)>(threads);
    let batches = Mutex::new(batches);
    let next_batch = || batches.lock().expect("no worker panics while it waits").recv();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok((batch, reply)) = next_batch() {
                    // Nobody waits for the reply once writing has failed.
                    let _ = reply.send(batch.work(&work));
                }
            });
        }
        // Dropped at the end of this closure, however it ends, which ends the workers.
        let to_workers = to_workers;
        let mut lines = Lines { reader, line: 0 };
        let mut outcome = Outcome::default();
        let mut hand_on = |replies: mpsc::Receiver<Reply<T>>| {
            let results = replies.recv().expect("a worker's panic is ours");
            for (line, result) in results {
                match result {
                    Ok(done) => {
                        outcome.accounts += 1;
                        each(line, done)?;
                    }
                    Err(malformed) => {
                        outcome.refused += 1;
                        refused(malformed);
                    }
                }
            }
            Ok(())
        };
        let mut under_way = VecDeque::with_capacity(2 * threads + 1);
        let failure = loop {
            let (batch, failure) = lines.batch();
            if !batch.lines.is_empty() {
                let (reply, replies) = mpsc::sync_channel(1);
                to_workers.send((batch, reply)).expect("workers live as long as the channel");
                under_way.push_back(replies);
            } else if failure.is_none() {
                break None;
            }
            if failure.is_some() {
                break failure;
            }
            if under_way.len() > 2 * threads {
                hand_on(under_way.pop_front().expect("there are some"))?;
            }
        };
        for replies in under_way {
            hand_on(replies)?;
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(outcome),
        }
    })
}

/// Some lines: their numbers and where they stand in the text, or that they were too long to keep.
#[derive(Debug, Default)]
struct Batch {
    text: Vec<u8>,
    lines: Vec<(u64, Option<Range<usize>>)>,
}

impl Batch {
    fn work<T>(
        &self,
        work: impl Fn(u64, &str) -> Result<T, MalformedEvidence>,
    ) -> Vec<(u64, Result<T, MalformedEvidence>)> {
        let refuse =
            |line, reason: String| MalformedEvidence { line, path: ".".to_owned(), reason };
        let result = |line: u64, range: &Option<Range<usize>>| {
            let Some(range) = range else {
                return Err(refuse(line, format!("longer than {LONGEST_LINE} bytes")));
            };
            match std::str::from_utf8(&self.text[range.clone()]) {
                Ok(text) => work(line, text.trim()),
                Err(_) => Err(refuse(line, "not UTF-8 text".to_owned())),
            }
        };
        self.lines.iter().map(|(line, range)| (*line, result(*line, range))).collect()
    }
}

/// The lines of a file, in batches.
struct Lines<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next lines; none at the end. Where reading fails, those before the failure, and it.
    fn batch(&mut self) -> (Batch, Option<LinesError>) {
        let mut batch = Batch::default();
        while batch.text.len() < BATCH_BYTES && batch.lines.len() < BATCH_LINES {
            match self.read(&mut batch) {
                Ok(true) => {}
                Ok(false) => return (batch, None),
                Err(source) => {
                    return (batch, Some(LinesError::Read { line: self.line, source }));
                }
            }
        }
        (batch, None)
    }

    /// Adds the next line unless it is blank; `false` at the end of the file.
    fn read(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let start = batch.text.len();
        self.line += 1;
        let mut limited = Read::take(&mut self.reader, LONGEST_LINE as u64);
        let read = limited.read_until(b'\n', &mut batch.text)?;
        if read == 0 {
            return Ok(false);
        }
        if read == LONGEST_LINE && batch.text.last() != Some(&b'\n') {
            batch.text.truncate(start);
            self.reader.skip_until(b'\n')?;
            batch.lines.push((self.line, None));
        } else if batch.text[start..].iter().all(u8::is_ascii_whitespace) {
            batch.text.truncate(start);
        } else {
            batch.lines.push((self.line, Some(start..batch.text.len())));
        }
        Ok(true)
    }
}
