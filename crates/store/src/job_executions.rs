//! Runs: rows of `job_executions`, which is both the record and the queue.
//!
//! Everything that a worker writes is fenced by its own id and by the row still running: after a
//! rescue, a cancel or a hand-written `UPDATE`, its writes change nothing.

mod bulk;
mod ends;
mod failures;
mod queue;
mod reports;
mod standings;

pub use bulk::*;
pub use ends::*;
pub use failures::*;
pub use queue::*;
pub use reports::*;
pub use standings::*;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{
    Execution, ExecutionId, ExecutionReason, ExecutionStatus, Trigger,
};
use riftwatch_domain::job::JobId;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_executions as executions;

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = executions, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: i64,
    job_id: i64,
    job_name: String,
    job_type: String,
    slot: i32,
    attempt: i32,
    status: String,
    reason: Option<String>,
    trigger: String,
    requested_by: Option<String>,
    retry_of: Option<i64>,
    scheduled_for: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    metrics: Value,
    log_data: Value,
    error: Option<String>,
    config_version: Option<i64>,
    config_snapshot: Option<Value>,
    progress: Option<Value>,
    worker_id: Option<Uuid>,
    cancel_requested_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Execution {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| {
            move |error: riftwatch_domain::job::UnknownWord| {
                StoreError::corrupt("job_executions", column, error)
            }
        };
        Ok(Self {
            id: ExecutionId(row.id),
            job_id: JobId(row.job_id),
            job_name: row.job_name,
            job_type: row.job_type,
            slot: row.slot,
            attempt: row.attempt,
            status: row.status.parse::<ExecutionStatus>().map_err(corrupt("status"))?,
            reason: row
                .reason
                .map(|reason| reason.parse::<ExecutionReason>())
                .transpose()
                .map_err(corrupt("reason"))?,
            trigger: row.trigger.parse::<Trigger>().map_err(corrupt("trigger"))?,
            requested_by: row.requested_by,
            retry_of: row.retry_of.map(ExecutionId),
            scheduled_for: row.scheduled_for,
            started_at: row.started_at,
            ended_at: row.ended_at,
            metrics: row.metrics,
            log_data: row.log_data,
            error: row.error,
            config_version: row.config_version,
            config_snapshot: row.config_snapshot,
            progress: row
                .progress
                .map(serde_json::from_value)
                .transpose()
                .map_err(|error| StoreError::corrupt("job_executions", "progress", error))?,
            worker_id: row.worker_id.map(|id| id.to_string()),
            cancel_requested_at: row.cancel_requested_at,
            created_at: row.created_at,
        })
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

fn into_domain(rows: Vec<Row>) -> Result<Vec<Execution>, StoreError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

/// One run.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find(conn: &mut Conn, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
    let row = executions::table
        .find(id.0)
        .select(Row::as_select())
        .first::<Row>(conn)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// Which runs to list. The default: all.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    missing_docs,
    reason = "the columns of the same names; `since` and `until` bound created_at"
)]
pub struct Filter {
    pub job_id: Option<JobId>,
    pub job_type: Option<String>,
    pub status: Option<ExecutionStatus>,
    pub reason: Option<ExecutionReason>,
    pub trigger: Option<Trigger>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

type Query<'a, Columns> = executions::BoxedQuery<'a, Pg, Columns>;

/// Puts the filter on a query.
fn matching<'a, C: 'a>(mut query: Query<'a, C>, filter: &'a Filter) -> Query<'a, C> {
    if let Some(id) = filter.job_id {
        query = query.filter(executions::job_id.eq(id.0));
    }
    if let Some(job_type) = &filter.job_type {
        query = query.filter(executions::job_type.eq(job_type));
    }
    if let Some(status) = filter.status {
        query = query.filter(executions::status.eq(status.as_str()));
        // The planner has indexes for these two groups, and none for the status itself.
        query = match status {
            ExecutionStatus::Pending | ExecutionStatus::Running => {
                query.filter(executions::unfinished)
            }
            ExecutionStatus::Failed | ExecutionStatus::Cancelled => {
                query.filter(executions::ended_badly)
            }
            ExecutionStatus::Success => query,
        };
    }
    if let Some(reason) = filter.reason {
        query = query.filter(executions::reason.eq(reason.as_str()));
        if reason.status() != ExecutionStatus::Success {
            query = query.filter(executions::ended_badly);
        }
    }
    if let Some(trigger) = filter.trigger {
        query = query.filter(executions::trigger.eq(trigger.as_str()));
    }
    if let Some(since) = filter.since {
        query = query.filter(executions::created_at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(executions::created_at.lt(until));
    }
    query
}

/// The runs that match, newest first, at most `limit`, whose ids come before `before`. The order
/// never changes, so that a page stays what it was while runs arrive.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    before: Option<ExecutionId>,
    limit: i64,
) -> Result<Vec<Execution>, StoreError> {
    let query = executions::table.select(Row::as_select()).into_boxed();
    let mut query = matching(query, filter);
    if let Some(before) = before {
        query = query.filter(executions::id.lt(before.0));
    }
    into_domain(query.order(executions::id.desc()).limit(limit).load(conn).await?)
}
