//! What failed, and how the runs of a list divide.

use chrono::{DateTime, Utc};
use riftwatch_store::Db;
use riftwatch_store::job_executions::{self, Facets, FailureGroup, Filter};

use super::ManageError;

/// Failures since then, grouped by their error with numbers, ids and quoted text left out; most
/// frequent first, at most `limit` groups. Looks at the newest 10,000 failures.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn failure_groups(
    db: &Db,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<FailureGroup>, ManageError> {
    let mut conn = db.get().await?;
    Ok(job_executions::failure_groups(&mut conn, since, limit).await?)
}

/// How many runs there are by status, reason, job type and job. Each list matches all of the filter
/// but its own part of it: with `status` set, the other statuses are counted too. Looks at the
/// newest 10,000 runs.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn facets(db: &Db, filter: &Filter) -> Result<Facets, ManageError> {
    let mut conn = db.get().await?;
    Ok(job_executions::facets(&mut conn, filter).await?)
}
