//! The lines of a run's log that are kept: the first and the last.

use std::collections::VecDeque;

use riftwatch_domain::execution::LogLine;
use serde_json::{Value, json};

/// A longer message, or longer fields, are cut. A line is no place for a document.
const MAX_BYTES: usize = 8 * 1024;

/// Keeps the first `keep` lines and the last `keep`, and counts those between.
///
/// The first are handed out while the run goes on. The last are known only at its end, and the
/// table is append-only, so they are handed out then; a process that dies takes them along.
#[derive(Debug)]
pub(crate) struct LogBuffer {
    keep: usize,
    last_seq: i32,
    head_left: usize,
    head: Vec<LogLine>,
    tail: VecDeque<LogLine>,
    cut: u64,
}

impl LogBuffer {
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep, last_seq: 0, head_left: keep, head: vec![], tail: VecDeque::new(), cut: 0 }
    }

    /// Takes a line in, numbers it, and returns it.
    pub(crate) fn push(&mut self, mut line: LogLine) -> LogLine {
        self.last_seq = self.last_seq.saturating_add(1);
        line.seq = self.last_seq;
        shorten(&mut line);
        if self.head_left > 0 {
            self.head_left -= 1;
            self.head.push(line.clone());
        } else {
            if self.tail.len() == self.keep {
                self.tail.pop_front();
                self.cut += 1;
            }
            if self.keep > 0 {
                self.tail.push_back(line.clone());
            } else {
                self.cut += 1;
            }
        }
        line
    }

    /// The lines from the beginning that were not handed out yet.
    pub(crate) fn take(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.head)
    }

    /// Everything that was not handed out yet, with a mark where lines were cut.
    pub(crate) fn end(&mut self) -> Vec<LogLine> {
        let mut lines = self.take();
        let tail = std::mem::take(&mut self.tail);
        if self.cut > 0
            && let Some(first) = tail.front()
        {
            let cut = self.cut;
            lines.push(LogLine {
                seq: first.seq - 1,
                at: first.at,
                level: "WARN".to_owned(),
                target: "riftwatch_runner::log".to_owned(),
                message: format!(
                    "{cut} lines were cut here: the first {keep} and the last {keep} are kept",
                    keep = self.keep
                ),
                fields: json!({ "lines_cut": cut }),
            });
            self.cut = 0;
        }
        lines.extend(tail);
        lines
    }
}

fn shorten(line: &mut LogLine) {
    if line.message.len() > MAX_BYTES {
        let length = line.message.len();
        let end = (0..=MAX_BYTES).rev().find(|at| line.message.is_char_boundary(*at)).unwrap_or(0);
        line.message.truncate(end);
        line.message.push_str(&format!("… ({} bytes cut)", length - end));
    }
    // Written once more only if it can be long at all.
    let long = |value: &Value| match value {
        Value::String(text) => text.len() > 64,
        Value::Array(_) | Value::Object(_) => true,
        _ => false,
    };
    if line.fields.as_object().is_some_and(|fields| fields.len() > 64 || fields.values().any(long))
    {
        let length = line.fields.to_string().len();
        if length > MAX_BYTES {
            line.fields = json!({ "bytes_cut": length });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> LogLine {
        LogLine {
            seq: 0,
            at: chrono::DateTime::UNIX_EPOCH,
            level: "INFO".to_owned(),
            target: "t".to_owned(),
            message: message.to_owned(),
            fields: json!({}),
        }
    }

    #[test]
    fn the_first_and_the_last_lines_stay_and_the_cut_is_counted() {
        let mut buffer = LogBuffer::new(2);
        for n in 1..=7 {
            buffer.push(line(&n.to_string()));
        }
        assert_eq!(buffer.take().len(), 2);
        let rest = buffer.end();
        let told: Vec<_> = rest.iter().map(|line| (line.seq, line.message.as_str())).collect();
        assert_eq!(
            told,
            [(5, "3 lines were cut here: the first 2 and the last 2 are kept"), (6, "6"), (7, "7")]
        );
        assert_eq!(rest[0].fields, json!({ "lines_cut": 3 }));
    }

    #[test]
    fn a_log_within_the_cap_has_no_mark() {
        let mut buffer = LogBuffer::new(2);
        for n in 1..=4 {
            buffer.push(line(&n.to_string()));
        }
        assert_eq!(buffer.end().len(), 4);
        assert_eq!(buffer.end().len(), 0);
    }

    #[test]
    fn a_long_message_is_cut_at_a_whole_character() {
        let mut buffer = LogBuffer::new(1);
        let long = "é".repeat(MAX_BYTES);
        let kept = buffer.push(line(&long));
        assert!(kept.message.ends_with("… (8192 bytes cut)"), "{}", kept.message.len());
    }
}
