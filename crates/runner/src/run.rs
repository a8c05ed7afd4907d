//! One run in this process: its stop, its tally, its log.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::execution::{ExecutionReason, LogLine};
use riftwatch_store::job_executions::{Claimed, Flush};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::log_buffer::LogBuffer;
use crate::tally::Sums;

/// Why a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time is over.
    Timeout,
    /// Somebody asked for it.
    Cancelled,
    /// The process shuts down, and the grace is over.
    Shutdown,
    /// The process cannot prove that it lives.
    Fenced,
    /// The table says that the run has ended: nothing that it does counts any more.
    Gone,
}

impl Stop {
    pub(crate) fn reason(self) -> ExecutionReason {
        match self {
            Self::Timeout => ExecutionReason::Timeout,
            Self::Cancelled => ExecutionReason::Cancelled,
            Self::Shutdown => ExecutionReason::Shutdown,
            Self::Fenced | Self::Gone => ExecutionReason::Lost,
        }
    }
}

/// One run in this process.
pub(crate) struct Run {
    pub(crate) id: i64,
    pub(crate) job_id: i64,
    pub(crate) cancel: CancellationToken,
    stop: OnceLock<Stop>,
    /// When the claim was answered, and what time it was by the database's clock.
    began: Instant,
    began_at: DateTime<Utc>,
    sums: Mutex<Sums>,
    log: Mutex<LogBuffer>,
    dirty: AtomicBool,
    /// Told of every line.
    lines: Arc<Notify>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A job that panics while it counts must not take the record down with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    pub(crate) fn new(
        claimed: &Claimed,
        began: Instant,
        log: LogBuffer,
        lines: Arc<Notify>,
    ) -> Self {
        Self {
            id: claimed.id,
            job_id: claimed.job_id,
            cancel: CancellationToken::new(),
            stop: OnceLock::new(),
            began,
            began_at: claimed.started_at,
            sums: Mutex::default(),
            log: Mutex::new(log),
            dirty: AtomicBool::new(false),
            lines,
        }
    }

    /// Asks the run to end. The first reason counts.
    pub(crate) fn stop(&self, stop: Stop) {
        let _ = self.stop.set(stop);
        self.cancel.cancel();
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    pub(crate) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// The time by the database's clock, as far as this machine's steady clock tells.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.began_at + TimeDelta::from_std(self.began.elapsed()).unwrap_or(TimeDelta::zero())
    }

    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Sums)) {
        edit(&mut lock(&self.sums));
        self.dirty.store(true, Ordering::Release);
    }

    pub(crate) fn sums(&self) -> Sums {
        lock(&self.sums).clone()
    }

    pub(crate) fn log(&self, write: impl FnOnce(DateTime<Utc>) -> LogLine) {
        let line = write(self.now());
        lock(&self.log).push(line);
        self.lines.notify_one();
    }

    /// Lines from the beginning that may be stored already.
    pub(crate) fn take_log(&self) -> Vec<LogLine> {
        lock(&self.log).take()
    }

    /// The newest lines after the first, if there are new ones.
    pub(crate) fn take_newest(&self) -> Option<Vec<LogLine>> {
        lock(&self.log).take_newest()
    }

    /// Whether its newest lines were ever taken to be shown.
    pub(crate) fn shows_tail(&self) -> bool {
        lock(&self.log).shows_tail()
    }

    /// All log lines that are left, with the mark of the cut.
    pub(crate) fn end_log(&self) -> Vec<LogLine> {
        lock(&self.log).end()
    }

    /// What changed since the last call. `None`: nothing.
    pub(crate) fn take_flush(&self) -> Option<Flush> {
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return None;
        }
        let sums = self.sums();
        Some(Flush {
            id: self.id,
            metrics: sums.metrics_json(),
            progress: progress_json(&sums),
            log_data: sums.notes.into(),
        })
    }
}

pub(crate) fn progress_json(sums: &Sums) -> Option<serde_json::Value> {
    let progress = sums.progress.as_ref()?;
    Some(serde_json::json!({
        "done": progress.done,
        "total": progress.total,
        "message": progress.message,
    }))
}
