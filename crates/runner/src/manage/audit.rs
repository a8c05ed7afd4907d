//! The audit log: who did what to which job, with the difference.

use riftwatch_domain::job::JobConfiguration;
use riftwatch_store::audit_log::{self, AuditFilter, Entry, NewEntry};
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

    fn entry(self, outcome: &'a str, difference: Value, reason: Option<&'a str>) -> NewEntry<'a> {
        NewEntry {
            actor: &self.actor.name,
            action: self.action,
            outcome,
            job_id: self.job_id,
            job_name: self.job_name,
            execution_id: self.execution_id,
            difference,
            reason,
        }
    }
}

/// Records that it was done.
pub(super) async fn done(
    conn: &mut Conn,
    act: Act<'_>,
    difference: Value,
) -> Result<(), StoreError> {
    let reason = act.actor.reason.as_deref();
    audit_log::record(conn, &act.entry("done", difference, reason)).await
}

/// Records many acts that change no settings, done or, with the reason why not, refused.
pub(super) async fn all(
    conn: &mut Conn,
    acts: &[(Act<'_>, Option<String>)],
) -> Result<(), StoreError> {
    let entries: Vec<NewEntry<'_>> = acts
        .iter()
        .map(|(act, refusal)| match refusal {
            Some(told) => act.entry("refused", json!({}), Some(told)),
            None => act.entry("done", json!({}), act.actor.reason.as_deref()),
        })
        .collect();
    audit_log::record_all(conn, &entries).await
}

/// Records a refusal, after its transaction was rolled back. The refusal stands even if that fails.
pub(super) async fn refused(conn: &mut Conn, act: Act<'_>, error: &ManageError) {
    if !error.is_refusal() {
        return;
    }
    let told = error.to_string();
    let entry = act.entry("refused", json!({}), Some(&told));
    if let Err(error) = audit_log::record(conn, &entry).await {
        warn!(error = chain_of(&error), "a refusal was not recorded in the audit log");
    }
}

/// `{"column": [before, after]}` of what somebody may set. Either may be absent.
pub(super) fn difference(
    before: Option<&JobConfiguration>,
    after: Option<&JobConfiguration>,
) -> Value {
    differing(&before.map(settable).unwrap_or_default(), &after.map(settable).unwrap_or_default())
}

/// `{"key": [before, after]}` of the keys whose values differ. An absent key counts as null.
pub(super) fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let mut columns = Map::new();
    for key in after.keys().chain(before.keys().filter(|key| !after.contains_key(*key))) {
        let old = before.get(key).unwrap_or(&Value::Null);
        let new = after.get(key).unwrap_or(&Value::Null);
        if old != new {
            columns.insert(key.clone(), json!([old, new]));
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

/// Acts, newest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AuditPage {
    /// The acts.
    pub items: Vec<Entry>,
    /// Give this as `before` for the next page. `None`: this is the last.
    pub next_cursor: Option<i64>,
}

/// The acts that match, before act `before`, at most `limit`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn audit_entries(
    db: &Db,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<AuditPage, ManageError> {
    let mut conn = db.get().await?;
    let items = audit_log::list(&mut conn, filter, before, limit + 1).await?;
    let (items, next_cursor) = super::page(items, limit, |entry| entry.id);
    Ok(AuditPage { items, next_cursor })
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
