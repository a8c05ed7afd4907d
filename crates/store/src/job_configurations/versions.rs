//! What each job was before: one row for each version, written by the database itself.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use riftwatch_domain::job::JobId;
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_configuration_versions as versions;

/// A job as it was at one version.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, serde::Serialize)]
#[diesel(table_name = versions, check_for_backend(diesel::pg::Pg))]
pub struct ConfigurationVersion {
    /// The job, which may have been deleted since.
    pub job_id: i64,
    /// Raised by every edit.
    pub version: i64,
    /// Every column that somebody may set, by name.
    pub configuration: Value,
    /// When it was made.
    pub changed_at: DateTime<Utc>,
    /// By whom: an actor as in the audit log, or `sql:ROLE` for hand-written SQL.
    pub changed_by: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

/// Says who makes the versions that the rest of this transaction makes, and why. Without it they
/// are signed by the database role.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn sign(conn: &mut Conn, actor: &str, reason: Option<&str>) -> Result<(), StoreError> {
    diesel::sql_query(
        "SELECT set_config('riftwatch.actor', $1, true), set_config('riftwatch.reason', $2, true)",
    )
    .bind::<Text, _>(actor)
    .bind::<Text, _>(reason.unwrap_or(""))
    .execute(conn)
    .await?;
    Ok(())
}

/// The versions of a job before version `before`, newest first, at most `limit`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn versions(
    conn: &mut Conn,
    job_id: JobId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ConfigurationVersion>, StoreError> {
    let rows = versions::table
        .filter(versions::job_id.eq(job_id.0))
        .filter(versions::version.lt(before.unwrap_or(i64::MAX)))
        .order(versions::version.desc())
        .limit(limit)
        .select(ConfigurationVersion::as_select())
        .load(conn)
        .await?;
    Ok(rows)
}

/// One version of a job.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn version(
    conn: &mut Conn,
    job_id: JobId,
    version: i64,
) -> Result<Option<ConfigurationVersion>, StoreError> {
    let row = versions::table
        .find((job_id.0, version))
        .select(ConfigurationVersion::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(row)
}

/// Removes at most `limit` versions that were replaced longer ago than `age` and are not among the
/// newest `keep` of their job. Returns how many went.
///
/// # Errors
///
/// When the database refuses.
pub async fn prune_versions(
    conn: &mut Conn,
    age: std::time::Duration,
    keep: i64,
    limit: i64,
) -> Result<usize, StoreError> {
    Ok(diesel::sql_query(
        "DELETE FROM job_configuration_versions v
         USING (SELECT job_id, version FROM (
                    SELECT job_id, version,
                           lead(changed_at) OVER (PARTITION BY job_id ORDER BY version) AS replaced_at,
                           row_number() OVER (PARTITION BY job_id ORDER BY version DESC) AS place
                    FROM job_configuration_versions) AS ranked
                WHERE place > $2 AND replaced_at < now() - $1 * interval '1 millisecond'
                ORDER BY job_id, version LIMIT $3) AS old
         WHERE v.job_id = old.job_id AND v.version = old.version",
    )
    .bind::<diesel::sql_types::BigInt, _>(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    .bind::<diesel::sql_types::BigInt, _>(keep)
    .bind::<diesel::sql_types::BigInt, _>(limit)
    .execute(conn)
    .await?)
}
