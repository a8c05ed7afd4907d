//! Words of job executions: one run of one job.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::job::{row_id, words};

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
    fn every_reason_ends_a_run() {
        assert!(ExecutionReason::ALL.iter().all(|reason| reason.status().is_final()));
    }
}
