//! What a process has to tell the others, held back so that much of it goes out as little.
//!
//! A NOTIFY takes a lock that is global to the server for the length of its commit. It is never part
//! of a transaction that does work, and there are at most a few in any tenth of a second, however
//! many runs begin and end.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The channel of wishes. The payload says what: `due`, `jobs`, `cancel:ID,…` or `probe:UUID`.
pub(crate) const WISHES: &str = "riftwatch_jobs";

/// The channel of what there is to see: `ID,…` of runs that changed, or `*` for too many to name.
pub(crate) const SIGHTS: &str = "riftwatch_runs";

/// Busy processes look at the table all the time anyway.
const DUE_EVERY: Duration = Duration::from_millis(5);

/// People do not see faster than this.
const CHANGED_EVERY: Duration = Duration::from_millis(100);

/// A payload has 8000 bytes at most.
const NAMED: usize = 300;

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) channel: &'static str,
    pub(crate) payload: String,
}

/// Gathers what is to be said.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug)]
struct Waiting {
    due: bool,
    changed: BTreeSet<i64>,
    too_many: bool,
    due_from: Instant,
    changed_from: Instant,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let waiting = Waiting {
            due: false,
            changed: BTreeSet::new(),
            too_many: false,
            due_from: now,
            changed_from: now,
        };
        Self { waiting: Mutex::new(waiting), filled: Notify::new() }
    }

    fn fill(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.filled.notify_one();
    }

    /// Runs are due that other processes may take.
    pub(crate) fn due(&self) {
        self.fill(|waiting| waiting.due = true);
    }

    /// Something about these runs can be seen that could not be seen before.
    pub(crate) fn changed(&self, ids: impl IntoIterator<Item = i64>) {
        self.fill(|waiting| {
            if waiting.too_many {
                return;
            }
            waiting.changed.extend(ids);
            if waiting.changed.len() > NAMED {
                waiting.changed.clear();
                waiting.too_many = true;
            }
        });
    }

    /// Waits until something is to be said, and takes it out. May be dropped while it waits.
    pub(crate) async fn next(&self) -> Vec<Word> {
        loop {
            let filled = self.filled.notified();
            let (words, again) = self.take(Instant::now());
            if !words.is_empty() {
                return words;
            }
            match again {
                Some(at) => _ = timeout_at(at, filled).await,
                None => filled.await,
            }
        }
    }

    /// What may be said now, and when the rest may be.
    fn take(&self, now: Instant) -> (Vec<Word>, Option<Instant>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = Vec::new();
        let mut again: Option<Instant> = None;
        let mut later = |at: Instant| again = Some(again.map_or(at, |other| other.min(at)));
        if waiting.due {
            if now >= waiting.due_from {
                waiting.due = false;
                waiting.due_from = now + DUE_EVERY;
                words.push(Word { channel: WISHES, payload: "due".to_owned() });
            } else {
                later(waiting.due_from);
            }
        }
        if waiting.too_many || !waiting.changed.is_empty() {
            if now >= waiting.changed_from {
                waiting.changed_from = now + CHANGED_EVERY;
                let changed = std::mem::take(&mut waiting.changed);
                let too_many = std::mem::take(&mut waiting.too_many);
                let payload = if too_many { "*".to_owned() } else { list(changed) };
                words.push(Word { channel: SIGHTS, payload });
            } else {
                later(waiting.changed_from);
            }
        }
        (words, again)
    }
}

/// `1,2,3`.
pub(crate) fn list(ids: impl IntoIterator<Item = i64>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(outbox: &Outbox, now: Instant) -> Vec<String> {
        outbox.take(now).0.into_iter().map(|word| word.payload).collect()
    }

    #[test]
    fn what_is_said_often_goes_out_seldom() {
        let outbox = Outbox::new();
        let start = Instant::now();
        outbox.due();
        outbox.changed([2, 1]);
        assert_eq!(payloads(&outbox, start), ["due", "1,2"]);
        outbox.due();
        outbox.changed([1, 3]);
        outbox.changed([3]);
        let (words, again) = outbox.take(start);
        assert_eq!((words, again), (vec![], Some(start + DUE_EVERY)));
        assert_eq!(payloads(&outbox, start + DUE_EVERY), ["due"]);
        assert_eq!(payloads(&outbox, start + CHANGED_EVERY), ["1,3"]);
        assert_eq!(outbox.take(start + CHANGED_EVERY * 2), (vec![], None));
    }

    #[test]
    fn too_many_runs_are_not_named_and_every_list_fits_a_payload() {
        let outbox = Outbox::new();
        let start = Instant::now();
        let huge = i64::MAX - 1000;
        outbox.changed((0..300).map(|n| huge + n));
        let told = payloads(&outbox, start);
        assert!(told[0].len() < 8000, "{}", told[0].len());
        outbox.changed(0..301);
        outbox.changed([7]);
        assert_eq!(payloads(&outbox, start + CHANGED_EVERY), ["*"]);
    }
}
