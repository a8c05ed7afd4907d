//! The queue: runs become due, and workers take them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{ExecutionId, Trigger};
use riftwatch_domain::job::JobId;
use serde_json::Value;
use uuid::Uuid;

use super::Id;
use crate::error::StoreError;
use crate::pool::Conn;
use crate::workers::millis;

/// Prepares a connection that serves only the queue. The planner takes random reads for expensive
/// and would read a table of up to some hundred thousand runs from end to end for each batch; with
/// every page in memory, looking the batch up by its keys is ten times as quick.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn prefer_keys(conn: &mut Conn) -> Result<(), StoreError> {
    use diesel_async::SimpleAsyncConnection;
    Ok(conn
        .batch_execute(
            "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off",
        )
        .await?)
}

/// Makes a pending run for every free slot of each job at its nominal time. Ticks that exist and
/// slots that are taken are passed over. Returns how many runs were made.
///
/// # Errors
///
/// When the database refuses.
pub async fn enqueue_ticks(
    conn: &mut Conn,
    ticks: &[(JobId, DateTime<Utc>)],
) -> Result<usize, StoreError> {
    let (ids, times): (Vec<i64>, Vec<DateTime<Utc>>) =
        ticks.iter().map(|(id, at)| (id.0, *at)).unzip();
    let count = diesel::sql_query(
        "INSERT INTO job_executions (job_id, job_name, job_type, slot, trigger, scheduled_for)
         SELECT j.id, j.name, j.job_type, slot, 'schedule', t.at
         FROM unnest($1, $2) AS t(id, at)
         JOIN job_configurations j ON j.id = t.id
         CROSS JOIN generate_series(0, j.max_instances - 1) AS slot
         ORDER BY t.at, j.id, slot
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Timestamptz>, _>(times)
    .execute(conn)
    .await?;
    Ok(count)
}

/// A run that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The job.
    pub job_id: JobId,
    /// How it was asked for.
    pub trigger: Trigger,
    /// By whom.
    pub requested_by: Option<&'a str>,
    /// The run to repeat, and the number of the new attempt.
    pub retry: Option<(ExecutionId, i32)>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// The new run.
    Made(ExecutionId),
    /// Every slot is taken, by these runs.
    Busy(Vec<ExecutionId>),
    /// There is no such job.
    NoJob,
}

/// Makes a pending run in the job's first free slot.
///
/// # Errors
///
/// When the database refuses.
pub async fn enqueue(conn: &mut Conn, request: Request<'_>) -> Result<Enqueued, StoreError> {
    // A run may end between "no slot is free" and "who holds them": then a slot is free after all.
    for _ in 0..16 {
        let made: Option<Id> = diesel::sql_query(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot, attempt, trigger, requested_by, retry_of)
             SELECT j.id, j.name, j.job_type, free.slot, $2, $3, $4, $5
             FROM job_configurations j
             CROSS JOIN LATERAL (
                 SELECT slot FROM generate_series(0, j.max_instances - 1) AS slot
                 WHERE NOT EXISTS (SELECT FROM job_executions e
                                   WHERE e.job_id = j.id AND e.slot = slot.slot AND e.unfinished)
                 ORDER BY slot LIMIT 1) AS free
             WHERE j.id = $1
             ON CONFLICT DO NOTHING
             RETURNING id",
        )
        .bind::<BigInt, _>(request.job_id.0)
        .bind::<Integer, _>(request.retry.map_or(1, |(_, attempt)| attempt))
        .bind::<Text, _>(request.trigger.as_str())
        .bind::<Nullable<Text>, _>(request.requested_by)
        .bind::<Nullable<BigInt>, _>(request.retry.map(|(id, _)| id.0))
        .get_result(conn)
        .await
        .optional()?;
        if let Some(Id { id }) = made {
            return Ok(Enqueued::Made(ExecutionId(id)));
        }
        let busy = unfinished(conn, request.job_id).await?;
        if !busy.is_empty() {
            return Ok(Enqueued::Busy(busy));
        }
        if crate::job_configurations::find(conn, request.job_id).await?.is_none() {
            return Ok(Enqueued::NoJob);
        }
    }
    Ok(Enqueued::Busy(Vec::new()))
}

/// The job's runs that have not ended, oldest first.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn unfinished(conn: &mut Conn, job_id: JobId) -> Result<Vec<ExecutionId>, StoreError> {
    let ids: Vec<Id> = diesel::sql_query(
        "SELECT id FROM job_executions WHERE job_id = $1 AND unfinished ORDER BY id LIMIT 1000",
    )
    .bind::<BigInt, _>(job_id.0)
    .load(conn)
    .await?;
    Ok(ids.into_iter().map(|row| ExecutionId(row.id)).collect())
}

/// Who claims, and how.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// This start of the process.
    pub worker: Uuid,
    /// The job types that it can run.
    pub job_types: &'a [String],
    /// For how long a claim is safe from rescue.
    pub lease: Duration,
    /// Runs with smaller ids are not looked at; see [`lowest_pending`].
    pub from_id: i64,
}

/// An id below which no pending run is to be expected.
///
/// Ended runs stay in the queue's index until a vacuum may remove them, and an old snapshot
/// anywhere in the database can keep it from doing so for hours. Claims that step over all of them
/// every time become slow; with this as their [`Claimant::from_id`], asked for every few seconds,
/// they begin behind them. A transaction may commit later than one with a larger id: a thousand ids
/// of tolerance cover those under way, and a run that is still missed is found with the next answer.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn lowest_pending(conn: &mut Conn) -> Result<i64, StoreError> {
    let lowest: Id = diesel::sql_query(
        "SELECT least((SELECT min(id) FROM job_executions WHERE unfinished AND status = 'pending'),
                      (SELECT last_value - 1000 FROM job_executions_id_seq)) AS id",
    )
    .get_result(conn)
    .await?;
    Ok(lowest.id)
}

/// A run that this process holds now.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Claimed {
    /// The run.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its job.
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    /// The job's name.
    #[diesel(sql_type = Text)]
    pub job_name: String,
    /// The job's type.
    #[diesel(sql_type = Text)]
    pub job_type: String,
    /// Which of the job's runs side by side.
    #[diesel(sql_type = Integer)]
    pub slot: i32,
    /// 1, and one more for each retry by hand.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// Nominal time, for a tick's run.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it was claimed.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// The job's settings, as of now.
    #[diesel(sql_type = Jsonb)]
    pub config: Value,
    /// The job's own limit, in seconds.
    #[diesel(sql_type = Nullable<Integer>)]
    pub timeout_seconds: Option<i32>,
}

/// Takes at most `limit` pending runs, oldest first. Job types that the claimant does not know are
/// left to the processes that do; if none lives, the claimant takes them too, to say so.
///
/// # Errors
///
/// When the database refuses.
pub async fn claim(
    conn: &mut Conn,
    claimant: Claimant<'_>,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let claimed = diesel::sql_query(
        "WITH due AS MATERIALIZED (
             SELECT id FROM job_executions e
             WHERE unfinished AND status = 'pending' AND id >= $5
               AND (job_type = ANY($2)
                    OR NOT EXISTS (SELECT FROM workers w
                                   WHERE w.lease_until >= now() AND e.job_type = ANY(w.job_types)))
             ORDER BY id
             LIMIT $3
             FOR UPDATE SKIP LOCKED)
         UPDATE job_executions e
         SET status = 'running', started_at = clock_timestamp(), worker_id = $1,
             lease_until = clock_timestamp() + $4 * interval '1 millisecond',
             config_version = j.version, config_snapshot = j.config_json
         FROM due, job_configurations j
         WHERE e.id = due.id AND j.id = e.job_id
         RETURNING e.id, e.job_id, e.job_name, e.job_type, e.slot, e.attempt, e.scheduled_for,
                   e.started_at, j.config_json AS config, j.timeout_seconds",
    )
    .bind::<SqlUuid, _>(claimant.worker)
    .bind::<Array<Text>, _>(claimant.job_types)
    .bind::<BigInt, _>(limit)
    .bind::<BigInt, _>(millis(claimant.lease))
    .bind::<BigInt, _>(claimant.from_id)
    .load(conn)
    .await?;
    Ok(claimed)
}

/// Puts runs back that were claimed but not begun. Another worker may take them at once.
///
/// # Errors
///
/// When the database refuses.
pub async fn give_back(conn: &mut Conn, worker: Uuid, ids: &[i64]) -> Result<usize, StoreError> {
    let count = diesel::sql_query(
        "UPDATE job_executions
         SET status = 'pending', started_at = NULL, worker_id = NULL, lease_until = NULL,
             config_version = NULL, config_snapshot = NULL
         WHERE id = ANY($1) AND worker_id = $2 AND status = 'running'",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<SqlUuid, _>(worker)
    .execute(conn)
    .await?;
    Ok(count)
}
