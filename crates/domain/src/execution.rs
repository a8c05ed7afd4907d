//! Words of job executions: one run of one job.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::{JobId, row_id, words};

row_id! {
    /// Key of a job execution.
    ExecutionId
}

words! {
    /// Where a run stands. `success`, `failed` and `cancelled` are final.
    ExecutionStatus, "status", {
        /// Due, and not yet taken by a worker.
        Pending = "pending",
        /// A worker holds it under a lease.
        Running = "running",
        /// It ended well; the reason says how well.
        Success = "success",
        /// It ended badly; the reason says why.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl ExecutionStatus {
    /// Whether nothing can change any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Why a run ended as it did.
    ExecutionReason, "reason", {
        /// Success: all of it.
        Completed = "completed",
        /// Success: some items failed.
        Partial = "partial",
        /// Success: the progress is saved and the job comes back when the limit allows.
        RateLimited = "rate_limited",
        /// Failed: the job returned an error.
        Error = "error",
        /// Failed: it took longer than its configuration allows.
        Timeout = "timeout",
        /// Failed: its code panicked.
        Panicked = "panicked",
        /// Failed: its process died or could not prove that it lives.
        Lost = "lost",
        /// Failed: its process shut down before it had ended.
        Shutdown = "shutdown",
        /// Failed: its configuration does not fit its type.
        InvalidConfig = "invalid_config",
        /// Failed: no job of this type is known to the process.
        UnknownJobType = "unknown_job_type",
        /// Cancelled by somebody.
        Cancelled = "cancelled",
    }
}

impl ExecutionReason {
    /// The status that goes with the reason.
    pub const fn status(self) -> ExecutionStatus {
        match self {
            Self::Completed | Self::Partial | Self::RateLimited => ExecutionStatus::Success,
            Self::Cancelled => ExecutionStatus::Cancelled,
            Self::Error
            | Self::Timeout
            | Self::Panicked
            | Self::Lost
            | Self::Shutdown
            | Self::InvalidConfig
            | Self::UnknownJobType => ExecutionStatus::Failed,
        }
    }
}

words! {
    /// What started a run.
    Trigger, "trigger", {
        /// The job's schedule.
        Schedule = "schedule",
        /// Somebody, over the API.
        Manual = "manual",
        /// Somebody ran a failed run again.
        Retry = "retry",
        /// Somebody at the command line.
        Cli = "cli",
    }
}

/// One run of a job, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Execution {
    /// The key; later runs have larger ones.
    pub id: ExecutionId,
    /// The job, which may have been deleted since.
    pub job_id: JobId,
    /// The job's name at the time.
    pub job_name: String,
    /// The job's type at the time.
    pub job_type: String,
    /// Which of the job's runs side by side, from 0.
    pub slot: i32,
    /// 1, and one more for each retry by hand.
    pub attempt: i32,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// Why it ended so. `None` before the end, and for runs that somebody closed by hand-written SQL.
    pub reason: Option<ExecutionReason>,
    /// What started it.
    pub trigger: Trigger,
    /// Who asked for it, when somebody did.
    pub requested_by: Option<String>,
    /// The run that this one repeats.
    pub retry_of: Option<ExecutionId>,
    /// Nominal time of its tick. `None` for runs that somebody asked for.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When a worker took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Numbers by name, as of the last flush while it runs.
    pub metrics: serde_json::Value,
    /// What the job noted; on failure also `error`.
    pub log_data: serde_json::Value,
    /// The whole chain of causes.
    pub error: Option<String>,
    /// Version of the configuration that it runs with.
    pub config_version: Option<i64>,
    /// The settings that it runs with.
    pub config_snapshot: Option<serde_json::Value>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// The start of a process that runs or ran it.
    pub worker_id: Option<String>,
    /// When somebody asked for its end.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When it became due.
    pub created_at: DateTime<Utc>,
}

impl Execution {
    /// How long it took, in seconds. `None` before its end.
    pub fn duration_seconds(&self) -> Option<f64> {
        let taken = self.ended_at? - self.started_at?;
        Some(taken.as_seconds_f64())
    }
}

/// How far a run is: `done` of `total` items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Items behind it, at most `total`.
    pub done: u64,
    /// Items in all.
    pub total: u64,
    /// What it is busy with.
    #[serde(default)]
    pub message: String,
}

impl Progress {
    /// Whole percent, 0 to 100; 100 when there is nothing to do.
    pub fn percent(&self) -> u8 {
        if self.total == 0 {
            return 100;
        }
        let percent = u128::from(self.done.min(self.total)) * 100 / u128::from(self.total);
        u8::try_from(percent).expect("done is at most total")
    }
}

/// A line that a run logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Number within the run, from 1.
    pub seq: i32,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// Where in the code.
    pub target: String,
    /// What it says.
    pub message: String,
    /// Its fields, by name.
    pub fields: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_is_its_own_json() {
        for &reason in ExecutionReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            let json = serde_json::to_string(&reason).expect("a word serializes");
            assert_eq!(json, format!("\"{reason}\""));
        }
    }

    #[test]
    fn progress_is_never_over_a_hundred_percent() {
        let percent = |done, total| Progress { done, total, message: String::new() }.percent();
        assert_eq!(percent(0, 3), 0);
        assert_eq!(percent(1, 3), 33);
        assert_eq!(percent(u64::MAX, 3), 100);
        assert_eq!(percent(0, 0), 100);
    }

    #[test]
    fn every_reason_ends_a_run() {
        assert!(ExecutionReason::ALL.iter().all(|reason| reason.status().is_final()));
    }
}
