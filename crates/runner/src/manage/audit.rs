//! The audit log: who did what to which job, with the difference.

use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_store::audit_log::{self, Entry, NewEntry};
use riftwatch_store::workers::{self, Worker};
use riftwatch_store::{Conn, Db, StoreError};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::{Actor, ManageError};
use crate::job::chain_of;

/// What is being done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    pub(super) job_id: Option<i64>,
    pub(super) job_name: Option<&'a str>,
    pub(super) execution_id: Option<i64>,
}

impl<'a> Act<'a> {
    pub(super) fn new(actor: &'a Actor, action: &'static str) -> Self {
        Self { actor, action, job_id: None, job_name: None, execution_id: None }
    }

    pub(super) fn on(mut self, job: &'a JobConfiguration) -> Self {
        self.job_id = Some(job.id.0);
        self.job_name = Some(&job.name);
        self
    }
}

/// Records that it was done.
pub(super) async fn done(
    conn: &mut Conn,
    act: Act<'_>,
    difference: Value,
) -> Result<(), StoreError> {
    record(conn, act, "done", difference, act.actor.reason.as_deref()).await
}

/// Records a refusal, after its transaction was rolled back. The refusal stands even if that fails.
pub(super) async fn refused(conn: &mut Conn, act: Act<'_>, error: &ManageError) {
    if !error.is_refusal() {
        return;
    }
    let told = error.to_string();
    if let Err(error) = record(conn, act, "refused", json!({}), Some(&told)).await {
        warn!(error = chain_of(&error), "a refusal was not recorded in the audit log");
    }
}

async fn record(
    conn: &mut Conn,
    act: Act<'_>,
    outcome: &str,
    difference: Value,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let entry = NewEntry {
        actor: &act.actor.name,
        action: act.action,
        outcome,
        job_id: act.job_id,
        job_name: act.job_name,
        execution_id: act.execution_id,
        difference,
        reason,
    };
    audit_log::record(conn, &entry).await
}

/// `{"column": [before, after]}` of what somebody may set. Either may be absent.
pub(super) fn difference(
    before: Option<&JobConfiguration>,
    after: Option<&JobConfiguration>,
) -> Value {
    let (before, after) = (before.map(settable), after.map(settable));
    let mut columns = Map::new();
    let keys = after.as_ref().or(before.as_ref()).map(|job| job.keys().cloned().collect());
    for key in keys.unwrap_or_else(Vec::new) {
        let of = |job: &Option<Map<String, Value>>| {
            job.as_ref().and_then(|job| job.get(&key)).cloned().unwrap_or(Value::Null)
        };
        let (old, new) = (of(&before), of(&after));
        if old != new {
            columns.insert(key, json!([old, new]));
        }
    }
    columns.into()
}

fn settable(job: &JobConfiguration) -> Map<String, Value> {
    let Ok(Value::Object(mut columns)) = serde_json::to_value(job) else {
        return Map::new();
    };
    for key in [
        "id",
        "version",
        "next_run_at",
        "next_nominal_at",
        "last_run_at",
        "created_at",
        "updated_at",
    ] {
        columns.remove(key);
    }
    columns
}

/// The audit log, newest first: of one job, or of all. `before` is the id of an entry.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn audit_entries(
    db: &Db,
    job_id: Option<JobId>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let mut conn = db.get().await?;
    audit_log::list(&mut conn, job_id.map(|id| id.0), before, limit).await
}

/// The processes that live, longest started first.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn workers(db: &Db) -> Result<Vec<Worker>, StoreError> {
    let mut conn = db.get().await?;
    workers::list_live(&mut conn).await
}
