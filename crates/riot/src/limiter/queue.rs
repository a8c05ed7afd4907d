//! Who waits for a method's turn: by class, by job, and by when they came.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::jobs::JobId;
use super::shares::CLASSES;
use super::snapshot::Waiting;
use super::state::Ticket;
use crate::api::CallClass;

/// The queue before one method. Other methods' callers are not in the way: a method that Riot has
/// closed for a minute must not hold up the rest of the route.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// First come, first served within a class and a job. No line is ever empty.
    lines: BTreeMap<(usize, JobId), VecDeque<(Ticket, Instant)>>,
}

impl Queue {
    pub(super) fn enter(&mut self, class: CallClass, job: JobId, ticket: Ticket, now: Instant) {
        self.lines.entry((class as usize, job)).or_default().push_back((ticket, now));
    }

    /// Does nothing when the turn has come already.
    pub(super) fn leave(&mut self, class: CallClass, job: JobId, ticket: Ticket) {
        let Some(line) = self.lines.get_mut(&(class as usize, job)) else { return };
        if let Ok(index) = line.binary_search_by_key(&ticket, |(known, _)| *known) {
            line.remove(index);
        }
        if line.is_empty() {
            self.lines.remove(&(class as usize, job));
        }
    }

    /// Whose turn it is next in a class and job, and how long they waited.
    pub(super) fn take(
        &mut self,
        class: CallClass,
        job: JobId,
        now: Instant,
    ) -> Option<(Ticket, Duration)> {
        let line = self.lines.get_mut(&(class as usize, job))?;
        let (ticket, entered) = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&(class as usize, job));
        }
        Some((ticket, now.saturating_duration_since(entered)))
    }

    /// The first of each line.
    pub(super) fn fronts(&self) -> impl Iterator<Item = (usize, JobId, Ticket)> {
        self.lines.iter().filter_map(|((class, job), line)| Some((*class, *job, line.front()?.0)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many of each class wait.
    pub(super) fn by_class(&self) -> [u64; 3] {
        CLASSES.map(|class| {
            let of_class = self.lines.iter().filter(|((of, _), _)| *of == class as usize);
            of_class.map(|(_, line)| line.len() as u64).sum()
        })
    }

    /// How many of a class and a job wait.
    pub(super) fn of(&self, class: CallClass, job: JobId) -> u64 {
        self.lines.get(&(class as usize, job)).map_or(0, |line| line.len() as u64)
    }

    /// How many of a job wait.
    pub(super) fn of_job(&self, job: JobId) -> usize {
        self.lines.iter().filter(|((_, of), _)| *of == job).map(|(_, line)| line.len()).sum()
    }

    pub(super) fn waiting(&self) -> Waiting {
        let [interactive, refresh, backfill] =
            self.by_class().map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Waiting { interactive, refresh, backfill }
    }
}
