//! Runs over time, narrow and many: what charts of them are drawn from.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::job::JobId;

use crate::error::StoreError;
use crate::pool::Conn;

/// A run as a bar in a chart.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
#[expect(missing_docs, reason = "as in Execution")]
pub struct Bar {
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = Text)]
    pub trigger: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub scheduled_for: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

impl Bar {
    /// How long it took, in seconds. `None` before its end, and if it never began.
    pub fn duration_s(&self) -> Option<f64> {
        Some((self.ended_at? - self.started_at?).as_seconds_f64())
    }

    /// How long after its nominal time, or after it was asked for, it began, in seconds.
    pub fn lateness_s(&self) -> Option<f64> {
        let due = self.scheduled_for.unwrap_or(self.created_at);
        Some((self.started_at? - due).as_seconds_f64())
    }
}

/// The newest `count` runs of each of these jobs, by job, newest first. Costs one look at
/// job_executions_job_idx for each job.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn bars(conn: &mut Conn, jobs: &[JobId], count: i64) -> Result<Vec<Bar>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT e.* FROM unnest($1) AS j(id)
         CROSS JOIN LATERAL (
             SELECT job_id, id, status, reason, trigger, scheduled_for, started_at, ended_at, created_at
             FROM job_executions e WHERE e.job_id = j.id ORDER BY e.id DESC LIMIT $2) AS e
         ORDER BY e.job_id, e.id DESC",
    )
    .bind::<Array<BigInt>, _>(jobs.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<BigInt, _>(count)
    .load(conn)
    .await?)
}

/// Runs that became due in one hour and stand in one status.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct HourCount {
    /// The hour's beginning.
    #[diesel(sql_type = Timestamptz)]
    pub hour: DateTime<Utc>,
    /// The status.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Runs that became due since `since`, by hour and status. Costs a scan of those runs.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn by_hour(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<HourCount>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT date_bin('1 hour', created_at, timestamptz 'epoch') AS hour, status, count(*) AS count
         FROM job_executions WHERE created_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind::<Timestamptz, _>(since)
    .load(conn)
    .await?)
}

/// What the runs of a span of time came to.
#[derive(Debug, Clone, Copy, PartialEq, diesel::QueryableByName)]
pub struct Span {
    /// Ended well.
    #[diesel(sql_type = BigInt)]
    pub successes: i64,
    /// Ended badly.
    #[diesel(sql_type = BigInt)]
    pub failures: i64,
    /// What 95 of 100 successes took at most, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub p95_s: Option<f64>,
}

impl Span {
    /// Successes among successes and failures, in percent. `None` without either.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^52")]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.successes + self.failures;
        (ended > 0).then(|| self.successes as f64 * 100.0 / ended as f64)
    }
}

/// What the runs that became due from `since` until `until` came to. Costs a scan of those runs.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn span(
    conn: &mut Conn,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Span, StoreError> {
    Ok(diesel::sql_query(
        "SELECT count(*) FILTER (WHERE status = 'success') AS successes,
                count(*) FILTER (WHERE status = 'failed') AS failures,
                percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)::float8)
                    FILTER (WHERE status = 'success') AS p95_s
         FROM job_executions WHERE created_at >= $1 AND created_at < $2",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(until)
    .get_result(conn)
    .await?)
}

/// How things stand at this moment, without a look at runs that have ended.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Present {
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// Runs that wait for a worker.
    #[diesel(sql_type = BigInt)]
    pub pending: i64,
    /// Runs that go on.
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    /// Processes that run jobs.
    #[diesel(sql_type = BigInt)]
    pub live_workers: i64,
    /// Processes that make ticks.
    #[diesel(sql_type = BigInt)]
    pub live_schedulers: i64,
}

/// How things stand at this moment. Costs as much as there are unfinished runs and processes.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn present(conn: &mut Conn) -> Result<Present, StoreError> {
    Ok(diesel::sql_query(
        "SELECT now() AS now, u.*, w.*
         FROM (SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
                      count(*) FILTER (WHERE status = 'running') AS running
               FROM job_executions WHERE unfinished) AS u,
              (SELECT count(*) AS live_workers,
                      count(*) FILTER (WHERE scheduler AND NOT draining) AS live_schedulers
               FROM workers WHERE lease_until >= now()) AS w",
    )
    .get_result(conn)
    .await?)
}
