//! Who did what to which job, also when it was refused.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::audit_log;

/// An act to be recorded.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
pub struct NewEntry<'a> {
    /// Who.
    pub actor: &'a str,
    /// Did what: `create`, `update`, `delete`, `pause`, `resume`, `trigger`, `cancel`, `retry`, `restore`, `quarantine`.
    pub action: &'a str,
    /// `done` or `refused`.
    pub outcome: &'a str,
    /// To which job.
    pub job_id: Option<i64>,
    /// Its name at the time.
    pub job_name: Option<&'a str>,
    /// To which run.
    pub execution_id: Option<i64>,
    /// `{"column": [before, after]}`.
    pub difference: Value,
    /// The actor's words, or why it was refused.
    pub reason: Option<&'a str>,
}

/// A recorded act.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, serde::Serialize)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "as in NewEntry")]
pub struct Entry {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub outcome: String,
    pub job_id: Option<i64>,
    pub job_name: Option<String>,
    pub execution_id: Option<i64>,
    pub difference: Value,
    pub reason: Option<String>,
}

/// Records an act.
///
/// # Errors
///
/// When the database refuses.
pub async fn record(conn: &mut Conn, entry: &NewEntry<'_>) -> Result<(), StoreError> {
    record_all(conn, std::slice::from_ref(entry)).await
}

/// Records acts in one statement.
///
/// # Errors
///
/// When the database refuses.
pub async fn record_all(conn: &mut Conn, entries: &[NewEntry<'_>]) -> Result<(), StoreError> {
    diesel::insert_into(audit_log::table).values(entries).execute(conn).await?;
    Ok(())
}

/// Which acts to list. The default: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the columns of the same names; `since` and `until` bound the time of the act"
)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<String>,
    pub job_id: Option<i64>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// The acts that match, newest first, at most `limit`, before entry `before`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(
    conn: &mut Conn,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let mut query = audit_log::table.select(Entry::as_select()).into_boxed();
    if let Some(actor) = &filter.actor {
        query = query.filter(audit_log::actor.eq(actor));
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(outcome) = &filter.outcome {
        query = query.filter(audit_log::outcome.eq(outcome));
    }
    if let Some(job_id) = filter.job_id {
        query = query.filter(audit_log::job_id.eq(job_id));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_log::at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_log::at.lt(until));
    }
    if let Some(before) = before {
        query = query.filter(audit_log::id.lt(before));
    }
    Ok(query.order(audit_log::id.desc()).limit(limit).load(conn).await?)
}
