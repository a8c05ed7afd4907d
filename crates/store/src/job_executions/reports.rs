//! What runs say in sum, and how old ones go.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{Execution, ExecutionId};
use riftwatch_domain::job::JobId;

use super::{Row, into_domain};
use crate::error::StoreError;
use crate::pool::Conn;
use crate::workers::millis;

/// What the runs of one job say in sum.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct JobSummary {
    /// The job.
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    /// Its oldest run that has not ended.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub unfinished_id: Option<i64>,
    /// Successes of its last thousand runs.
    #[diesel(sql_type = BigInt)]
    pub successes: i64,
    /// Failures of its last thousand runs.
    #[diesel(sql_type = BigInt)]
    pub failures: i64,
}

impl JobSummary {
    /// Successes among successes and failures, in percent with two decimals. `None` without either.
    pub fn success_rate(&self) -> Option<f64> {
        success_rate(self.successes, self.failures)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^52")]
fn success_rate(successes: i64, failures: i64) -> Option<f64> {
    let ended = successes + failures;
    (ended > 0).then(|| (successes as f64 / ended as f64 * 10_000.0).round() / 100.0)
}

/// A summary of each of these jobs.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn summarize(conn: &mut Conn, jobs: &[JobId]) -> Result<Vec<JobSummary>, StoreError> {
    let summaries = diesel::sql_query(
        "SELECT j.id AS job_id,
                (SELECT e.id FROM job_executions e
                 WHERE e.job_id = j.id AND e.unfinished ORDER BY e.id LIMIT 1) AS unfinished_id,
                coalesce(s.successes, 0) AS successes, coalesce(s.failures, 0) AS failures
         FROM unnest($1) AS j(id)
         CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE status = 'success') AS successes,
                    count(*) FILTER (WHERE status = 'failed') AS failures
             FROM (SELECT status FROM job_executions e
                   WHERE e.job_id = j.id ORDER BY e.id DESC LIMIT 1000) AS last) AS s",
    )
    .bind::<Array<BigInt>, _>(jobs.iter().map(|id| id.0).collect::<Vec<_>>())
    .load(conn)
    .await?;
    Ok(summaries)
}

/// The newest run of each of these jobs that has one.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn latest(conn: &mut Conn, jobs: &[JobId]) -> Result<Vec<Execution>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT e.* FROM unnest($1) AS j(id)
         CROSS JOIN LATERAL (SELECT * FROM job_executions e
                             WHERE e.job_id = j.id ORDER BY e.id DESC LIMIT 1) AS e",
    )
    .bind::<Array<BigInt>, _>(jobs.iter().map(|id| id.0).collect::<Vec<_>>())
    .load(conn)
    .await?;
    into_domain(rows)
}

/// The whole system at a glance.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Overview {
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// Jobs in all.
    #[diesel(sql_type = BigInt)]
    pub total_jobs: i64,
    /// Jobs whose schedule counts: enabled, not paused.
    #[diesel(sql_type = BigInt)]
    pub active_jobs: i64,
    /// The soonest tick of an active job.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_run_time: Option<DateTime<Utc>>,
    /// Active jobs whose tick is more than two seconds overdue.
    #[diesel(sql_type = BigInt)]
    pub late_jobs: i64,
    /// Runs that wait for a worker.
    #[diesel(sql_type = BigInt)]
    pub pending_executions: i64,
    /// Runs that go on.
    #[diesel(sql_type = BigInt)]
    pub running_executions: i64,
    /// Successes of the last 24 hours.
    #[diesel(sql_type = BigInt)]
    pub successes_24h: i64,
    /// Failures of the last 24 hours.
    #[diesel(sql_type = BigInt)]
    pub failures_24h: i64,
    /// Cancelled runs of the last 24 hours.
    #[diesel(sql_type = BigInt)]
    pub cancelled_24h: i64,
    /// Processes that run jobs.
    #[diesel(sql_type = BigInt)]
    pub live_workers: i64,
    /// Processes that make ticks.
    #[diesel(sql_type = BigInt)]
    pub live_schedulers: i64,
}

impl Overview {
    /// Successes among successes and failures of the last 24 hours, in percent.
    pub fn success_rate_24h(&self) -> Option<f64> {
        success_rate(self.successes_24h, self.failures_24h)
    }
}

/// The whole system at a glance. Costs a scan of the last day's runs.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn overview(conn: &mut Conn) -> Result<Overview, StoreError> {
    let overview = diesel::sql_query(
        "SELECT now() AS now, j.*, u.*, d.*, w.*
         FROM (SELECT count(*) AS total_jobs,
                      count(*) FILTER (WHERE enabled AND paused_at IS NULL) AS active_jobs,
                      min(next_run_at) FILTER (WHERE enabled AND NOT manual_only AND paused_at IS NULL) AS next_run_time,
                      count(*) FILTER (WHERE enabled AND NOT manual_only AND paused_at IS NULL
                                         AND next_run_at < now() - interval '2 seconds') AS late_jobs
               FROM job_configurations) AS j,
              (SELECT count(*) FILTER (WHERE status = 'pending') AS pending_executions,
                      count(*) FILTER (WHERE status = 'running') AS running_executions
               FROM job_executions WHERE unfinished) AS u,
              (SELECT count(*) FILTER (WHERE status = 'success') AS successes_24h,
                      count(*) FILTER (WHERE status = 'failed') AS failures_24h,
                      count(*) FILTER (WHERE status = 'cancelled') AS cancelled_24h
               FROM job_executions WHERE created_at > now() - interval '24 hours') AS d,
              (SELECT count(*) AS live_workers,
                      count(*) FILTER (WHERE scheduler AND NOT draining) AS live_schedulers
               FROM workers WHERE lease_until >= now()) AS w",
    )
    .get_result(conn)
    .await?;
    Ok(overview)
}

/// What a job's last successful runs say about the next; of at most 20.
#[derive(Debug, Clone, Copy, Default, PartialEq, QueryableByName)]
pub struct History {
    /// How long they took at the median, in seconds. `None` without any.
    #[diesel(sql_type = Nullable<Double>)]
    pub duration_s: Option<f64>,
    /// How long an item of their progress took at the median, in seconds. `None` where none told
    /// its progress.
    #[diesel(sql_type = Nullable<Double>)]
    pub item_s: Option<f64>,
}

/// What the job's last successful runs say about the next.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn history(conn: &mut Conn, job_id: JobId) -> Result<History, StoreError> {
    let history = diesel::sql_query(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS duration_s,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds / nullif(done, 0)) AS item_s
         FROM (SELECT extract(epoch FROM ended_at - started_at)::float8 AS seconds,
                      (progress->>'done')::float8 AS done
               FROM job_executions
               WHERE job_id = $1 AND status = 'success' ORDER BY id DESC LIMIT 20) AS last",
    )
    .bind::<BigInt, _>(job_id.0)
    .get_result(conn)
    .await?;
    Ok(history)
}

/// Row versions in the table of runs that are of no more use to anybody, as PostgreSQL counts them.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn dead_rows(conn: &mut Conn) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Dead {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let dead: Option<Dead> = diesel::sql_query(
        "SELECT n_dead_tup AS rows FROM pg_stat_user_tables WHERE relid = 'job_executions'::regclass",
    )
    .get_result(conn)
    .await
    .optional()?;
    Ok(dead.map_or(0, |dead| dead.rows))
}

/// Makes the space of dead row versions usable again. Locks nobody out; somebody else's VACUUM of
/// the table makes it return at once.
///
/// # Errors
///
/// When the database refuses: the connection must be no transaction's.
pub async fn vacuum(conn: &mut Conn) -> Result<(), StoreError> {
    use diesel_async::SimpleAsyncConnection;
    Ok(conn.batch_execute("VACUUM (SKIP_LOCKED, TRUNCATE off) job_executions").await?)
}

/// Which ended runs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs that ended longer ago than this go.
    pub age: Duration,
    /// The newest runs of each job that stay whatever their number; older ones go.
    pub per_job: i64,
}

/// Removes at most `limit` ended runs that `retention` does not keep, with their logs. The last run
/// of a job and unfinished runs always stay. Returns how many went.
///
/// # Errors
///
/// When the database refuses.
pub async fn prune(conn: &mut Conn, retention: Retention, limit: i64) -> Result<usize, StoreError> {
    #[derive(QueryableByName)]
    struct Gone {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let gone: Vec<Gone> = diesel::sql_query(
        "WITH jobs AS (
             SELECT DISTINCT job_id FROM job_executions),
         bounds AS (
             SELECT job_id,
                    (SELECT max(id) FROM job_executions e WHERE e.job_id = jobs.job_id) AS last_id,
                    (SELECT id FROM job_executions e WHERE e.job_id = jobs.job_id
                     ORDER BY id DESC OFFSET $2 LIMIT 1) AS first_over
             FROM jobs),
         old AS (
             SELECT e.id FROM bounds b
             JOIN job_executions e ON e.job_id = b.job_id AND e.id < b.last_id
             WHERE NOT e.unfinished
               AND (e.id <= b.first_over OR e.ended_at < now() - $1 * interval '1 millisecond')
             ORDER BY e.id LIMIT $3
             FOR UPDATE OF e SKIP LOCKED)
         DELETE FROM job_executions e USING old WHERE e.id = old.id RETURNING e.id",
    )
    .bind::<BigInt, _>(millis(retention.age))
    .bind::<BigInt, _>(retention.per_job)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let ids: Vec<ExecutionId> = gone.iter().map(|row| ExecutionId(row.id)).collect();
    if !ids.is_empty() {
        crate::execution_logs::remove(conn, &ids).await?;
    }
    Ok(ids.len())
}

/// Runs that ended, by how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Outcomes {
    /// Ended well.
    #[diesel(sql_type = BigInt)]
    pub success: i64,
    /// Ended badly.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// How the runs that became due at `since` or later ended; of one job type, or of all.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn outcomes_since(
    conn: &mut Conn,
    since: DateTime<Utc>,
    job_type: Option<&str>,
) -> Result<Outcomes, StoreError> {
    Ok(diesel::sql_query(
        "SELECT count(*) FILTER (WHERE status = 'success') AS success,
                count(*) FILTER (WHERE status = 'failed') AS failed
         FROM job_executions
         WHERE created_at >= $1 AND ($2 IS NULL OR job_type = $2)",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Nullable<diesel::sql_types::Text>, _>(job_type)
    .get_result(conn)
    .await?)
}
