//! Jobs: rows of `job_configurations`, and what the scheduler reads and moves on in them.

mod versions;

pub use versions::*;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::job::{JobConfiguration, JobId, MisfirePolicy, Pause};
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_configurations as jobs;

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: i64,
    name: String,
    job_type: String,
    interval_seconds: Option<i32>,
    cron: Option<String>,
    time_zone: String,
    manual_only: bool,
    jitter_seconds: i32,
    enabled: bool,
    config_json: Value,
    timeout_seconds: Option<i32>,
    max_instances: i32,
    misfire_policy: String,
    version: i64,
    paused_at: Option<DateTime<Utc>>,
    paused_reason: Option<String>,
    paused_until: Option<DateTime<Utc>>,
    next_run_at: Option<DateTime<Utc>>,
    next_nominal_at: Option<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for JobConfiguration {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId(row.id),
            name: row.name,
            job_type: row.job_type,
            interval_seconds: row.interval_seconds,
            cron: row.cron,
            time_zone: row.time_zone,
            manual_only: row.manual_only,
            jitter_seconds: row.jitter_seconds,
            enabled: row.enabled,
            config_json: row.config_json,
            timeout_seconds: row.timeout_seconds,
            max_instances: row.max_instances,
            misfire_policy: row.misfire_policy.parse::<MisfirePolicy>().map_err(|error| {
                StoreError::corrupt("job_configurations", "misfire_policy", error)
            })?,
            version: row.version,
            pause: row.paused_at.map(|since| Pause {
                since,
                reason: row.paused_reason,
                until: row.paused_until,
            }),
            next_run_at: row.next_run_at,
            next_nominal_at: row.next_nominal_at,
            last_run_at: row.last_run_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The columns that somebody may set.
#[derive(Debug, Clone, PartialEq, Insertable, AsChangeset)]
#[diesel(table_name = jobs, treat_none_as_null = true, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "as in JobConfiguration")]
pub struct JobSettings {
    pub name: String,
    pub job_type: String,
    pub interval_seconds: Option<i32>,
    pub cron: Option<String>,
    pub time_zone: String,
    pub manual_only: bool,
    pub jitter_seconds: i32,
    pub enabled: bool,
    pub config_json: Value,
    pub timeout_seconds: Option<i32>,
    pub max_instances: i32,
    pub misfire_policy: String,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_reason: Option<String>,
    pub paused_until: Option<DateTime<Utc>>,
}

impl From<&JobConfiguration> for JobSettings {
    fn from(job: &JobConfiguration) -> Self {
        Self {
            name: job.name.clone(),
            job_type: job.job_type.clone(),
            interval_seconds: job.interval_seconds,
            cron: job.cron.clone(),
            time_zone: job.time_zone.clone(),
            manual_only: job.manual_only,
            jitter_seconds: job.jitter_seconds,
            enabled: job.enabled,
            config_json: job.config_json.clone(),
            timeout_seconds: job.timeout_seconds,
            max_instances: job.max_instances,
            misfire_policy: job.misfire_policy.as_str().to_owned(),
            paused_at: job.pause.as_ref().map(|pause| pause.since),
            paused_reason: job.pause.as_ref().and_then(|pause| pause.reason.clone()),
            paused_until: job.pause.as_ref().and_then(|pause| pause.until),
        }
    }
}

/// The time by the database's clock.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>, StoreError> {
    let now = diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()"))
        .get_result(conn)
        .await?;
    Ok(now)
}

/// One job.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find(conn: &mut Conn, id: JobId) -> Result<Option<JobConfiguration>, StoreError> {
    let row =
        jobs::table.find(id.0).select(Row::as_select()).first::<Row>(conn).await.optional()?;
    row.map(TryInto::try_into).transpose()
}

/// One job, by its name.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find_by_name(
    conn: &mut Conn,
    name: &str,
) -> Result<Option<JobConfiguration>, StoreError> {
    let row = jobs::table
        .filter(jobs::name.eq(name))
        .select(Row::as_select())
        .first::<Row>(conn)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// One job, locked until the end of the transaction: no tick and no edit comes between.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn lock(conn: &mut Conn, id: JobId) -> Result<Option<JobConfiguration>, StoreError> {
    let row = jobs::table
        .find(id.0)
        .select(Row::as_select())
        .for_no_key_update()
        .first::<Row>(conn)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` jobs whose ids come after `after`, in the order of their ids.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(
    conn: &mut Conn,
    after: Option<JobId>,
    limit: i64,
) -> Result<Vec<JobConfiguration>, StoreError> {
    jobs::table
        .filter(jobs::id.gt(after.map_or(i64::MIN, |id| id.0)))
        .order(jobs::id)
        .limit(limit)
        .select(Row::as_select())
        .load::<Row>(conn)
        .await?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
}

/// Stores a new job.
///
/// # Errors
///
/// [`StoreError::Conflict`] with `job_configurations_name_key` when the name is taken.
pub async fn insert(
    conn: &mut Conn,
    settings: &JobSettings,
) -> Result<JobConfiguration, StoreError> {
    diesel::insert_into(jobs::table)
        .values(settings)
        .returning(Row::as_returning())
        .get_result::<Row>(conn)
        .await?
        .try_into()
}

/// Stores the jobs whose types have none yet, and whose names are not taken; leaves what is there as
/// it is, renamed or not. Returns how many.
///
/// # Errors
///
/// When the database refuses.
pub async fn insert_absent(conn: &mut Conn, settings: &[JobSettings]) -> Result<usize, StoreError> {
    let known: Vec<String> = jobs::table.select(jobs::job_type).distinct().load(conn).await?;
    let absent: Vec<&JobSettings> =
        settings.iter().filter(|job| !known.contains(&job.job_type)).collect();
    if absent.is_empty() {
        return Ok(0);
    }
    // Another process may start at the same moment.
    let count = diesel::insert_into(jobs::table)
        .values(absent)
        .on_conflict(jobs::name)
        .do_nothing()
        .execute(conn)
        .await?;
    Ok(count)
}

/// Writes every settable column. The database raises the version if anything differs.
///
/// # Errors
///
/// [`StoreError::Conflict`] with `job_configurations_name_key` when the name is taken.
pub async fn update(
    conn: &mut Conn,
    id: JobId,
    settings: &JobSettings,
) -> Result<Option<JobConfiguration>, StoreError> {
    let row = diesel::update(jobs::table.find(id.0))
        .set(settings)
        .returning(Row::as_returning())
        .get_result::<Row>(conn)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// Sets when the next tick is due.
///
/// # Errors
///
/// When the database refuses.
pub async fn set_next(
    conn: &mut Conn,
    id: JobId,
    next_run_at: Option<DateTime<Utc>>,
    next_nominal_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    diesel::update(jobs::table.find(id.0))
        .set((jobs::next_run_at.eq(next_run_at), jobs::next_nominal_at.eq(next_nominal_at)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves the next tick of each job to `delay_ms` milliseconds from now.
///
/// # Errors
///
/// When the database refuses.
pub async fn postpone(conn: &mut Conn, delays: &[(JobId, i64)]) -> Result<(), StoreError> {
    let (ids, delays): (Vec<i64>, Vec<i64>) = delays.iter().map(|(id, ms)| (id.0, *ms)).unzip();
    diesel::sql_query(
        "UPDATE job_configurations j
         SET next_run_at = clock_timestamp() + d.ms * interval '1 millisecond', next_nominal_at = NULL
         FROM unnest($1, $2) AS d(id, ms)
         WHERE j.id = d.id AND NOT j.manual_only",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<BigInt>, _>(delays)
    .execute(conn)
    .await?;
    Ok(())
}

/// Pauses a job unless it is paused already. Returns whether it did.
///
/// # Errors
///
/// When the database refuses.
pub async fn pause(conn: &mut Conn, id: JobId, reason: &str) -> Result<bool, StoreError> {
    let count = diesel::update(jobs::table.find(id.0).filter(jobs::paused_at.is_null()))
        .set((jobs::paused_at.eq(diesel::dsl::now), jobs::paused_reason.eq(reason)))
        .execute(conn)
        .await?;
    Ok(count > 0)
}

/// Deletes a job; its history stays. Returns what it was.
///
/// # Errors
///
/// When the database refuses.
pub async fn delete(conn: &mut Conn, id: JobId) -> Result<Option<JobConfiguration>, StoreError> {
    let row = diesel::delete(jobs::table.find(id.0))
        .returning(Row::as_returning())
        .get_result::<Row>(conn)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// A job that the scheduler must look at, and how many of its runs are unfinished.
#[derive(Debug, Clone)]
pub struct Due {
    /// The job.
    pub job: JobConfiguration,
    /// Runs pending or running.
    pub unfinished: i64,
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(embed)]
    job: Row,
    #[diesel(sql_type = BigInt)]
    unfinished: i64,
}

/// The jobs whose tick is due, or whose next tick is not computed yet: longest due first, locked
/// until the end of the transaction. Those that another scheduler holds are left to it.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn lock_due(conn: &mut Conn, limit: i64) -> Result<Vec<Due>, StoreError> {
    let rows: Vec<DueRow> = diesel::sql_query(
        "SELECT j.*, (SELECT count(*) FROM job_executions e
                      WHERE e.job_id = j.id AND e.unfinished) AS unfinished
         FROM job_configurations j
         WHERE j.enabled AND NOT j.manual_only
           AND (j.paused_at IS NULL OR j.paused_until <= clock_timestamp())
           AND (j.next_run_at IS NULL OR j.next_run_at <= clock_timestamp())
         ORDER BY j.next_run_at NULLS FIRST, j.id
         LIMIT $1
         FOR NO KEY UPDATE OF j SKIP LOCKED",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Due { job: row.job.try_into()?, unfinished: row.unfinished }))
        .collect()
}

/// Where the scheduler leaves a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The job.
    pub id: JobId,
    /// Its next tick.
    pub next_run_at: Option<DateTime<Utc>>,
    /// That tick before jitter, when it differs.
    pub next_nominal_at: Option<DateTime<Utc>>,
    /// The tick just made; `None` keeps the old one.
    pub last_run_at: Option<DateTime<Utc>>,
    /// Whether its pause has run out.
    pub resume: bool,
}

/// Writes what the scheduler decided.
///
/// # Errors
///
/// When the database refuses.
pub async fn advance(conn: &mut Conn, advances: &[Advance]) -> Result<(), StoreError> {
    let ids: Vec<i64> = advances.iter().map(|a| a.id.0).collect();
    let next: Vec<_> = advances.iter().map(|a| a.next_run_at).collect();
    let nominal: Vec<_> = advances.iter().map(|a| a.next_nominal_at).collect();
    let last: Vec<_> = advances.iter().map(|a| a.last_run_at).collect();
    let resume: Vec<bool> = advances.iter().map(|a| a.resume).collect();
    diesel::sql_query(
        "UPDATE job_configurations j
         SET next_run_at = a.next, next_nominal_at = a.nominal,
             last_run_at = coalesce(a.last, j.last_run_at),
             paused_at = CASE WHEN a.resume THEN NULL ELSE j.paused_at END,
             paused_reason = CASE WHEN a.resume THEN NULL ELSE j.paused_reason END,
             paused_until = CASE WHEN a.resume THEN NULL ELSE j.paused_until END
         FROM unnest($1, $2, $3, $4, $5) AS a(id, next, nominal, last, resume)
         WHERE j.id = a.id",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Nullable<Timestamptz>>, _>(next)
    .bind::<Array<Nullable<Timestamptz>>, _>(nominal)
    .bind::<Array<Nullable<Timestamptz>>, _>(last)
    .bind::<Array<diesel::sql_types::Bool>, _>(resume)
    .execute(conn)
    .await?;
    Ok(())
}

/// The soonest tick of any job, and the time now.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Soonest {
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// The soonest tick that is not due yet.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next: Option<DateTime<Utc>>,
    /// Whether a tick is due already.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub overdue: bool,
}

/// When the scheduler has to look again, and what time it is.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn soonest(conn: &mut Conn) -> Result<Soonest, StoreError> {
    let soonest = diesel::sql_query(
        "SELECT now() AS now, min(next_run_at) FILTER (WHERE next_run_at > now()) AS next,
                coalesce(bool_or(next_run_at <= now()), false) AS overdue
         FROM job_configurations WHERE enabled AND NOT manual_only AND paused_at IS NULL",
    )
    .get_result(conn)
    .await?;
    Ok(soonest)
}
