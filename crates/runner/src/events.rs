//! What happens in the runs of this process, as it happens.

use riftwatch_domain::execution::{ExecutionId, ExecutionReason, LogLine, Progress};
use serde_json::Value;
use tokio::sync::broadcast;

/// Something that happened in a run of this process.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// It began.
    Started {
        /// The run.
        id: ExecutionId,
        /// The job's name.
        job_name: String,
    },
    /// A metric or a note changed.
    Metrics {
        /// The run.
        id: ExecutionId,
        /// All of its metrics.
        metrics: Value,
    },
    /// It came further.
    Progress {
        /// The run.
        id: ExecutionId,
        /// How far.
        progress: Progress,
    },
    /// It logged a line.
    Log {
        /// The run.
        id: ExecutionId,
        /// The line.
        line: LogLine,
    },
    /// Its end is recorded.
    Ended {
        /// The run.
        id: ExecutionId,
        /// How.
        reason: ExecutionReason,
    },
}

/// How many events a slow listener may be behind before it loses the oldest.
const CAPACITY: usize = 4096;

#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<RunEvent>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(crate) fn send(&self, event: RunEvent) {
        // Nobody listens: nothing to do.
        let _ = self.0.send(event);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<RunEvent> {
        self.0.subscribe()
    }
}
