//! Managing jobs and runs: what an API, a command line or a dashboard calls.
//!
//! Every change is checked before anything is written, happens in one transaction with its entry in
//! the audit log, and is recorded there also when it is refused.

mod audit;
mod bulk;
mod changes;
mod error;
mod estimate;
mod executions;
mod failures;
mod jobs;
mod versions;

pub use crate::upkeep::KEPT_VERSIONS;
pub use audit::{AuditPage, audit_entries, workers};
pub use bulk::{
    BULK_CAP, BulkDone, BulkPreview, BulkRefusal, BulkWish, cancel_many, preview, retry_many,
};
pub use changes::{JobChanges, NewJob};
pub use error::{FieldError, ManageError};
pub use executions::{
    ExecutionPage, ExecutionView, LogPage, cancel, executions, find_execution, logs, overview,
    retry, trigger, wait_for_end,
};
pub use failures::{facets, failure_groups};
pub use jobs::{JobPage, JobView, create, delete, find, find_by_name, list, pause, resume, update};
pub use riftwatch_store::audit_log::{AuditFilter, Entry as AuditEntry};
pub use riftwatch_store::execution_logs::LineFilter;
pub use riftwatch_store::job_executions::{Facets, FailureGroup, Filter, Overview};
pub use riftwatch_store::workers::Worker;
pub use versions::{VersionPage, VersionView, restore, versions};

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

/// Makes a page of `limit` rows out of one row more than that. Returns the cursor for the next one.
fn page<T, C>(mut rows: Vec<T>, limit: i64, cursor: impl Fn(&T) -> C) -> (Vec<T>, Option<C>) {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    (rows, next)
}
