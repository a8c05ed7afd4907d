//! The end of a run: by itself, by a wish, or by the death of its process; and what it has to show
//! on the way.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{ExecutionId, ExecutionReason, ExecutionStatus};
use riftwatch_domain::job::JobId;
use serde_json::Value;
use uuid::Uuid;

use super::Id;
use crate::error::StoreError;
use crate::pool::Conn;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// The run.
    pub id: i64,
    /// Why it ended so; the status follows from it.
    pub reason: ExecutionReason,
    /// How long it took since its claim, in milliseconds.
    pub elapsed_ms: i64,
    /// Its numbers.
    pub metrics: Value,
    /// Its notes.
    pub log_data: Value,
    /// The chain of causes, for a failure.
    pub error: Option<String>,
    /// How far it came.
    pub progress: Option<Value>,
}

// The fences of the two statements with `unnest` are in a CASE, where the planner does not see what
// they ask for. Its statistics say that next to no row is running and this worker's; believing
// them, it reads all runs to find those first, and goes through the whole batch for each. With
// 20,000 runs in the table that took a second for 500 ends, and by their keys it takes 10 ms.

/// Records the ends of runs in one statement. Returns the runs whose end was taken; the others are
/// no longer this worker's.
///
/// # Errors
///
/// When the database refuses; then nothing is written.
pub async fn finish(
    conn: &mut Conn,
    worker: Uuid,
    ends: &[Finish],
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<i64> = ends.iter().map(|end| end.id).collect();
    let statuses: Vec<&str> = ends.iter().map(|end| end.reason.status().as_str()).collect();
    let reasons: Vec<&str> = ends.iter().map(|end| end.reason.as_str()).collect();
    let elapsed: Vec<i64> = ends.iter().map(|end| end.elapsed_ms).collect();
    let metrics: Vec<&Value> = ends.iter().map(|end| &end.metrics).collect();
    let log_data: Vec<&Value> = ends.iter().map(|end| &end.log_data).collect();
    let errors: Vec<Option<&str>> = ends.iter().map(|end| end.error.as_deref()).collect();
    let progress: Vec<Option<&Value>> = ends.iter().map(|end| end.progress.as_ref()).collect();
    // The end is counted from the claim, so that a write that had to wait does not make a run long.
    let done: Vec<Id> = diesel::sql_query(
        "UPDATE job_executions e
         SET status = f.status, reason = f.reason,
             ended_at = least(clock_timestamp(), e.started_at + f.ms * interval '1 millisecond'),
             metrics = f.metrics, log_data = f.log_data, error = f.error, progress = f.progress,
             lease_until = NULL
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9)
              AS f(id, status, reason, ms, metrics, log_data, error, progress)
         WHERE e.id = f.id
           AND CASE WHEN e.worker_id = $1 AND e.status = 'running' THEN true ELSE false END
         RETURNING e.id",
    )
    .bind::<SqlUuid, _>(worker)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Text>, _>(statuses)
    .bind::<Array<Text>, _>(reasons)
    .bind::<Array<BigInt>, _>(elapsed)
    .bind::<Array<Jsonb>, _>(metrics)
    .bind::<Array<Jsonb>, _>(log_data)
    .bind::<Array<Nullable<Text>>, _>(errors)
    .bind::<Array<Nullable<Jsonb>>, _>(progress)
    .load(conn)
    .await?;
    Ok(done.into_iter().map(|row| row.id).collect())
}

/// What a run has to show while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Flush {
    /// The run.
    pub id: i64,
    /// Its numbers.
    pub metrics: Value,
    /// Its notes.
    pub log_data: Value,
    /// How far it is.
    pub progress: Option<Value>,
}

/// Records what runs have to show so far. Returns the runs that are still this worker's.
///
/// # Errors
///
/// When the database refuses; then nothing is written.
pub async fn flush(
    conn: &mut Conn,
    worker: Uuid,
    flushes: &[Flush],
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<i64> = flushes.iter().map(|flush| flush.id).collect();
    let metrics: Vec<&Value> = flushes.iter().map(|flush| &flush.metrics).collect();
    let log_data: Vec<&Value> = flushes.iter().map(|flush| &flush.log_data).collect();
    let progress: Vec<Option<&Value>> =
        flushes.iter().map(|flush| flush.progress.as_ref()).collect();
    let done: Vec<Id> = diesel::sql_query(
        "UPDATE job_executions e
         SET metrics = f.metrics, log_data = f.log_data, progress = f.progress
         FROM unnest($2, $3, $4, $5) AS f(id, metrics, log_data, progress)
         WHERE e.id = f.id
           AND CASE WHEN e.worker_id = $1 AND e.status = 'running' THEN true ELSE false END
         RETURNING e.id",
    )
    .bind::<SqlUuid, _>(worker)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Jsonb>, _>(metrics)
    .bind::<Array<Jsonb>, _>(log_data)
    .bind::<Array<Nullable<Jsonb>>, _>(progress)
    .load(conn)
    .await?;
    Ok(done.into_iter().map(|row| row.id).collect())
}

/// A run that the table gives to this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Held {
    /// The run.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Somebody asked for its end.
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
}

/// Those of these runs that the table gives to this worker.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn held(conn: &mut Conn, worker: Uuid, ids: &[i64]) -> Result<Vec<Held>, StoreError> {
    let held = diesel::sql_query(
        "SELECT id, cancel_requested_at IS NOT NULL AS cancel_requested
         FROM job_executions WHERE id = ANY($1) AND worker_id = $2 AND status = 'running'",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<SqlUuid, _>(worker)
    .load(conn)
    .await?;
    Ok(held)
}

/// The runs that the table gives to this worker, and whose claim is so old that the worker must
/// have heard of it.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn settled(conn: &mut Conn, worker: Uuid) -> Result<Vec<i64>, StoreError> {
    let settled: Vec<Id> = diesel::sql_query(
        "SELECT id FROM job_executions
         WHERE unfinished AND status = 'running' AND worker_id = $1 AND lease_until < now()",
    )
    .bind::<SqlUuid, _>(worker)
    .load(conn)
    .await?;
    Ok(settled.into_iter().map(|row| row.id).collect())
}

/// A run that was closed because its process died.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Lost {
    /// The run.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its job.
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    /// The job's name.
    #[diesel(sql_type = Text)]
    pub job_name: String,
}

/// Closes runs whose lease and whose worker's lease have both run out, at most `limit`. Two
/// processes that rescue at once close different ones.
///
/// # Errors
///
/// When the database refuses.
pub async fn rescue(conn: &mut Conn, limit: i64) -> Result<Vec<Lost>, StoreError> {
    let lost = diesel::sql_query(
        "WITH dead AS MATERIALIZED (
             SELECT e.id FROM job_executions e
             WHERE e.unfinished AND e.status = 'running'
               AND coalesce(e.lease_until, '-infinity') < now()
               AND NOT EXISTS (SELECT FROM workers w
                               WHERE w.id = e.worker_id AND w.lease_until >= now())
             ORDER BY e.id LIMIT $1
             FOR UPDATE SKIP LOCKED)
         UPDATE job_executions e
         SET status = 'failed', reason = 'lost', ended_at = now(), lease_until = NULL,
             error = 'the process that ran it died, or could not reach the database for the length of its lease',
             log_data = e.log_data || jsonb_build_object('error', 'the process that ran it died, or could not reach the database for the length of its lease')
         FROM dead WHERE e.id = dead.id
         RETURNING e.id, e.job_id, e.job_name",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(lost)
}

/// Whether each of the job's last `runs` ended runs was lost.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn lost_in_a_row(conn: &mut Conn, job_id: JobId, runs: i64) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        all_lost: bool,
    }
    let answer: Answer = diesel::sql_query(
        "SELECT count(*) FILTER (WHERE reason = 'lost') = $2 AS all_lost
         FROM (SELECT reason FROM job_executions
               WHERE job_id = $1 AND NOT unfinished ORDER BY id DESC LIMIT $2) AS last",
    )
    .bind::<BigInt, _>(job_id.0)
    .bind::<BigInt, _>(runs)
    .get_result(conn)
    .await?;
    Ok(answer.all_lost)
}

/// Cancels pending runs: those of one job, or those whose job is gone. Returns how many.
///
/// # Errors
///
/// When the database refuses.
pub async fn cancel_pending(conn: &mut Conn, job_id: Option<JobId>) -> Result<usize, StoreError> {
    let count = diesel::sql_query(
        "UPDATE job_executions e
         SET status = 'cancelled', reason = 'cancelled', ended_at = now(), error = 'its job was deleted'
         WHERE unfinished AND status = 'pending'
           AND CASE WHEN $1 IS NULL
                    THEN NOT EXISTS (SELECT FROM job_configurations j WHERE j.id = e.job_id)
                    ELSE job_id = $1 END",
    )
    .bind::<Nullable<BigInt>, _>(job_id.map(|id| id.0))
    .execute(conn)
    .await?;
    Ok(count)
}

/// What came of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// It had not begun, and never will.
    Cancelled,
    /// Its worker will stop it.
    Requested,
    /// It had ended already.
    Ended(ExecutionStatus),
    /// There is no such run.
    NoRun,
}

/// Cancels a pending run, or asks the worker of a running one to stop it.
///
/// # Errors
///
/// When the database refuses.
pub async fn cancel(conn: &mut Conn, id: ExecutionId) -> Result<Cancel, StoreError> {
    #[derive(QueryableByName)]
    struct Status {
        #[diesel(sql_type = Text)]
        status: String,
    }
    let changed: Option<Status> = diesel::sql_query(
        "UPDATE job_executions
         SET cancel_requested_at = coalesce(cancel_requested_at, now()),
             status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
             reason = CASE status WHEN 'pending' THEN 'cancelled' ELSE reason END,
             ended_at = CASE status WHEN 'pending' THEN now() ELSE ended_at END
         WHERE id = $1 AND unfinished
         RETURNING status",
    )
    .bind::<BigInt, _>(id.0)
    .get_result(conn)
    .await
    .optional()?;
    Ok(match changed {
        Some(Status { status }) if status == "running" => Cancel::Requested,
        Some(_) => Cancel::Cancelled,
        None => match super::find(conn, id).await? {
            Some(run) => Cancel::Ended(run.status),
            None => Cancel::NoRun,
        },
    })
}
