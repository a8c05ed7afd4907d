//! Managing jobs and runs: what an API, a command line or a dashboard calls.
//!
//! Every change is checked before anything is written, happens in one transaction with its entry in
//! the audit log, and is recorded there also when it is refused.

mod audit;
mod changes;
mod error;
mod executions;
mod jobs;

pub use changes::{JobChanges, NewJob};
pub use error::{FieldError, ManageError};
pub use executions::{
    ExecutionPage, ExecutionView, LogPage, cancel, executions, find_execution, logs, overview,
    retry, trigger, wait_for_end,
};
pub use jobs::{JobPage, JobView, create, delete, find, find_by_name, list, pause, resume, update};
pub use riftwatch_store::audit_log::Entry as AuditEntry;
pub use riftwatch_store::execution_logs::LineFilter;
pub use riftwatch_store::job_executions::{Filter, Overview};
pub use riftwatch_store::workers::Worker;

pub use audit::{audit_entries, workers};

/// Who acts, for the audit log: a token's name, a user of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

impl Actor {
    /// Somebody, without a reason.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), reason: None }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
