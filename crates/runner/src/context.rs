//! What a job gets for one run.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::ExecutionId;
use riftwatch_domain::job::JobId;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::tally::{Metric, Tally};

/// What a job gets for one run.
#[derive(Debug)]
#[non_exhaustive]
pub struct JobContext<D> {
    /// What the program gave to the runner.
    pub deps: Arc<D>,
    /// Cancelled when the run has to end: by somebody, by its timeout, by a shutdown whose grace is
    /// over, or because this process can no longer prove that it lives.
    pub cancel: CancellationToken,
    /// When the run began, by the database's clock.
    pub now: DateTime<Utc>,
    /// The run.
    pub execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The job's name.
    pub job_name: String,
    /// 1, and one more for each retry by hand.
    pub attempt: i32,
    /// The nominal time of the tick; `None` when somebody asked for the run.
    pub scheduled_for: Option<DateTime<Utc>>,
    pub(crate) tally: Tally,
}

impl<D> JobContext<D> {
    /// The run's metrics, notes and progress, to hand on to code that knows no jobs.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// As [`Tally::increment_metric`].
    pub fn increment_metric(&self, key: &str, by: impl Into<Metric>) {
        self.tally.increment_metric(key, by);
    }

    /// As [`Tally::log_entry`].
    pub fn log_entry(&self, key: &str, value: impl Serialize) {
        self.tally.log_entry(key, value);
    }

    /// As [`Tally::progress`].
    pub fn progress(&self, done: u64, total: u64, message: impl Into<String>) {
        self.tally.progress(done, total, message);
    }

    /// Whether the run has to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
