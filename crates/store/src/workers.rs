//! Processes that run jobs: one row for each start of one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Conn;

/// What a process says of itself with every heartbeat.
#[derive(Debug, Clone)]
pub struct Beat<'a> {
    /// This start of the process.
    pub id: Uuid,
    /// The machine.
    pub host: &'a str,
    /// The process.
    pub pid: i32,
    /// Of the program.
    pub version: &'a str,
    /// The job types that it can run.
    pub job_types: &'a [String],
    /// The most runs that it takes on.
    pub concurrency: i32,
    /// Runs that it holds now.
    pub running: i32,
    /// Whether it makes ticks.
    pub scheduler: bool,
    /// Whether it is shutting down.
    pub draining: bool,
    /// For how long its runs are safe from rescue.
    pub lease: Duration,
}

/// Writes a heartbeat. Makes the row if it is missing, whoever removed it. Returns the time by the
/// database's clock.
///
/// # Errors
///
/// When the database refuses.
pub async fn beat(conn: &mut Conn, beat: &Beat<'_>) -> Result<DateTime<Utc>, StoreError> {
    #[derive(QueryableByName)]
    struct Now {
        #[diesel(sql_type = Timestamptz)]
        heartbeat_at: DateTime<Utc>,
    }
    let row: Now = diesel::sql_query(
        "INSERT INTO workers (id, host, pid, version, job_types, concurrency, running, scheduler, draining, lease_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10 * interval '1 millisecond')
         ON CONFLICT (id) DO UPDATE
         SET running = excluded.running, draining = excluded.draining, heartbeat_at = now(),
             lease_until = excluded.lease_until
         RETURNING heartbeat_at",
    )
    .bind::<SqlUuid, _>(beat.id)
    .bind::<Text, _>(beat.host)
    .bind::<Integer, _>(beat.pid)
    .bind::<Text, _>(beat.version)
    .bind::<Array<Text>, _>(beat.job_types)
    .bind::<Integer, _>(beat.concurrency)
    .bind::<Integer, _>(beat.running)
    .bind::<Bool, _>(beat.scheduler)
    .bind::<Bool, _>(beat.draining)
    .bind::<BigInt, _>(millis(beat.lease))
    .get_result(conn)
    .await?;
    Ok(row.heartbeat_at)
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A process, as it last said.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Worker {
    /// This start of the process.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The machine.
    #[diesel(sql_type = Text)]
    pub host: String,
    /// The process.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Of the program.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// The most runs that it takes on.
    #[diesel(sql_type = Integer)]
    pub concurrency: i32,
    /// Runs that it held at the last heartbeat.
    #[diesel(sql_type = Integer)]
    pub running: i32,
    /// Whether it makes ticks.
    #[diesel(sql_type = Bool)]
    pub scheduler: bool,
    /// Whether it is shutting down.
    #[diesel(sql_type = Bool)]
    pub draining: bool,
    /// When it started.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// Its last heartbeat.
    #[diesel(sql_type = Timestamptz)]
    pub heartbeat_at: DateTime<Utc>,
}

/// The processes whose lease has not run out, longest started first; at most a thousand.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list_live(conn: &mut Conn) -> Result<Vec<Worker>, StoreError> {
    let workers = diesel::sql_query(
        "SELECT id, host, pid, version, concurrency, running, scheduler, draining, started_at, heartbeat_at
         FROM workers WHERE lease_until >= now() ORDER BY started_at, id LIMIT 1000",
    )
    .load(conn)
    .await?;
    Ok(workers)
}

/// Removes the row of a process that ends in order.
///
/// # Errors
///
/// When the database refuses.
pub async fn remove(conn: &mut Conn, id: Uuid) -> Result<(), StoreError> {
    diesel::sql_query("DELETE FROM workers WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes processes whose lease ran out more than `age` ago. Returns how many.
///
/// # Errors
///
/// When the database refuses.
pub async fn prune(conn: &mut Conn, age: Duration) -> Result<usize, StoreError> {
    let count = diesel::sql_query(
        "DELETE FROM workers WHERE lease_until < now() - $1 * interval '1 millisecond'",
    )
    .bind::<BigInt, _>(millis(age))
    .execute(conn)
    .await?;
    Ok(count)
}

/// Says `payload` on a channel, to whoever listens. A hint: its commit does not wait for the disk.
///
/// # Errors
///
/// When the database refuses.
pub async fn notify(conn: &mut Conn, channel: &str, payload: &str) -> Result<(), StoreError> {
    diesel::sql_query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)")
        .bind::<Text, _>(channel)
        .bind::<Text, _>(payload)
        .execute(conn)
        .await?;
    Ok(())
}

/// As [`notify`], unless somebody else is just about to do the same. All notifications of a server
/// pass one lock, one commit at a time; callers that would only wait there have nothing to add, since
/// what they committed before this call is seen by whoever hears the other one. Not to be used
/// inside a transaction, and for payloads that mean the same whoever sends them.
///
/// # Errors
///
/// When the database refuses.
pub async fn notify_once(conn: &mut Conn, channel: &str, payload: &str) -> Result<(), StoreError> {
    diesel::sql_query(
        "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)
         WHERE pg_try_advisory_xact_lock(hashtextextended($1 || ':' || $2, 0))",
    )
    .bind::<Text, _>(channel)
    .bind::<Text, _>(payload)
    .execute(conn)
    .await?;
    Ok(())
}
