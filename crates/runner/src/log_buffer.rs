//! The lines of a run's log that are kept: the first and the last.

use std::collections::VecDeque;

use riftwatch_domain::execution::LogLine;
use serde_json::{Value, json};

/// A longer message, or longer fields, are cut. A line is no place for a document.
const MAX_BYTES: usize = 8 * 1024;

/// The most lines of a running run's tail that are shown, and the most bytes.
const SHOWN: usize = 100;
const SHOWN_BYTES: usize = 64 * 1024;

/// Keeps the first `keep` lines and the last `keep`, and counts those between.
///
/// The first are handed out while the run goes on. The last are known only at its end, and the
/// table of lines is append-only, so they are handed out then. Until then the newest of them are
/// handed out to be shown: at most a hundred, in place of those shown before, so that a run which
/// logs without end costs one small row. A process that dies takes all but those along.
#[derive(Debug)]
pub(crate) struct LogBuffer {
    keep: usize,
    last_seq: i32,
    head_left: usize,
    head: Vec<LogLine>,
    tail: VecDeque<LogLine>,
    cut: u64,
    tail_is_new: bool,
    tail_shown: bool,
}

impl LogBuffer {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            keep,
            last_seq: 0,
            head_left: keep,
            head: vec![],
            tail: VecDeque::new(),
            cut: 0,
            tail_is_new: false,
            tail_shown: false,
        }
    }

    /// Takes a line in and numbers it.
    pub(crate) fn push(&mut self, mut line: LogLine) {
        self.last_seq = self.last_seq.saturating_add(1);
        line.seq = self.last_seq;
        shorten(&mut line);
        if self.head_left > 0 {
            self.head_left -= 1;
            self.head.push(line);
            return;
        }
        if self.tail.len() == self.keep {
            self.tail.pop_front();
            self.cut += 1;
        }
        if self.keep > 0 {
            self.tail.push_back(line);
            self.tail_is_new = true;
        }
    }

    /// The lines from the beginning that were not handed out yet.
    pub(crate) fn take(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.head)
    }

    /// The newest lines of the tail, in order; `None` if there are none since the last call.
    pub(crate) fn take_newest(&mut self) -> Option<Vec<LogLine>> {
        if !std::mem::take(&mut self.tail_is_new) {
            return None;
        }
        self.tail_shown = true;
        let mut bytes = 0;
        let fit = |line: &&LogLine| {
            bytes += line.message.len() + line.fields.to_string().len();
            bytes <= SHOWN_BYTES
        };
        let mut newest: Vec<LogLine> =
            self.tail.iter().rev().take(SHOWN).take_while(fit).cloned().collect();
        newest.reverse();
        Some(newest)
    }

    /// Whether [`LogBuffer::take_newest`] ever handed lines out.
    pub(crate) fn shows_tail(&self) -> bool {
        self.tail_shown
    }

    /// Everything that was not handed out yet, with a mark where lines were cut.
    pub(crate) fn end(&mut self) -> Vec<LogLine> {
        let mut lines = self.take();
        let tail = std::mem::take(&mut self.tail);
        if self.cut > 0
            && let Some(first) = tail.front()
        {
            let cut = self.cut;
            let message = format!(
                "{cut} lines were cut here: the first {keep} and the last {keep} are kept",
                keep = self.keep
            );
            lines.push(mark(first, message, cut));
            self.cut = 0;
        }
        lines.extend(tail);
        lines
    }
}

/// A line in the place of `missing` lines right before `next`.
pub(crate) fn mark(next: &LogLine, message: String, missing: u64) -> LogLine {
    LogLine {
        seq: next.seq - 1,
        at: next.at,
        level: "WARN".to_owned(),
        target: "riftwatch_runner::log".to_owned(),
        message,
        fields: json!({ "lines_cut": missing }),
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
        buffer.push(line(&long));
        let kept = buffer.take().remove(0);
        assert!(kept.message.ends_with("… (8192 bytes cut)"), "{}", kept.message.len());
    }

    #[test]
    fn the_newest_lines_are_shown_while_the_run_goes_on_and_all_of_the_tail_at_its_end() {
        let mut buffer = LogBuffer::new(200);
        for n in 1..=200 {
            buffer.push(line(&n.to_string()));
        }
        assert_eq!((buffer.take_newest(), buffer.shows_tail()), (None, false));
        for n in 201..=350 {
            buffer.push(line(&n.to_string()));
        }
        let seqs = |lines: Vec<LogLine>| lines.iter().map(|line| line.seq).collect::<Vec<_>>();
        assert_eq!(buffer.take_newest().map(seqs), Some((251..=350).collect()));
        assert_eq!((buffer.take_newest(), buffer.shows_tail()), (None, true));
        buffer.push(line(&"x".repeat(MAX_BYTES)));
        assert_eq!(buffer.take_newest().map(|lines| lines.len()), Some(100));
        assert_eq!(seqs(buffer.end()), (1..=351).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_shown_of_a_tail_is_bounded_in_bytes_too() {
        let mut buffer = LogBuffer::new(50);
        for _ in 1..=100 {
            buffer.push(line(&"x".repeat(MAX_BYTES)));
        }
        assert_eq!(buffer.take_newest().map(|lines| lines.len()), Some(7));
    }
}
