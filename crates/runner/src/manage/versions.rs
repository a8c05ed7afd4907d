//! What a job was before, and going back to it.

use riftwatch_domain::job::JobId;
use riftwatch_store::job_configurations::{self, ConfigurationVersion};
use riftwatch_store::{Conn, Db, StoreError};
use serde_json::{Map, Value};

use super::jobs::{Edit, edit};
use super::{Actor, JobChanges, JobView, ManageError, audit};
use crate::config::RunnerConfig;
use crate::registry::Catalog;

/// A version of a job, and what it changed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct VersionView {
    /// The version.
    #[serde(flatten)]
    pub version: ConfigurationVersion,
    /// `{"column": [before, after]}` against the version before it; all of it for the first.
    pub difference: Value,
}

/// Versions of a job, newest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct VersionPage {
    /// The versions.
    pub items: Vec<VersionView>,
    /// Give this as `before` for the next page. `None`: this is the last.
    pub next_cursor: Option<i64>,
}

/// The versions of a job before version `before`, at most `limit`: also those made by hand-written
/// SQL, and also when the job is deleted. A job that never was has none.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn versions(
    db: &Db,
    job_id: JobId,
    before: Option<i64>,
    limit: i64,
) -> Result<VersionPage, ManageError> {
    let mut conn = db.get().await?;
    let rows = job_configurations::versions(&mut conn, job_id, before, limit + 1).await?;
    let nothing = Map::new();
    let columns = |row: Option<&ConfigurationVersion>| {
        row.and_then(|row| row.configuration.as_object()).unwrap_or(&nothing).clone()
    };
    let views = rows
        .iter()
        .enumerate()
        .map(|(at, row)| VersionView {
            difference: audit::differing(&columns(rows.get(at + 1)), &columns(Some(row))),
            version: row.clone(),
        })
        .collect();
    let (items, next_cursor) = super::page(views, limit, |view: &VersionView| view.version.version);
    Ok(VersionPage { items, next_cursor })
}

/// Gives a job the settings that it had at `version`, as a new version. All of them are checked as
/// in an edit. A pause stays as it is: it is somebody's wish about now, not a setting. `expected`
/// is the version that the actor saw; `None` restores whatever there is.
///
/// # Errors
///
/// [`ManageError::NoJob`], also for a deleted one; [`ManageError::NoVersion`];
/// [`ManageError::VersionConflict`]; [`ManageError::Invalid`] when the program no longer takes the
/// old settings; [`ManageError::NameTaken`]; or when the database cannot be asked.
pub async fn restore(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    version: i64,
    expected: Option<i64>,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    edit(db, catalog, config, id, Edit::Restore(version), expected, actor).await
}

/// The edit that sets every column to what it was.
pub(super) async fn changes_to(
    conn: &mut Conn,
    id: JobId,
    version: i64,
) -> Result<JobChanges, ManageError> {
    let row = job_configurations::version(conn, id, version)
        .await?
        .ok_or(ManageError::NoVersion { id, version })?;
    let Value::Object(mut columns) = row.configuration else { return Ok(JobChanges::default()) };
    columns.retain(|column, _| !column.starts_with("paused_"));
    let changes = serde_json::from_value(columns.into()).map_err(|error| {
        StoreError::corrupt("job_configuration_versions", "configuration", error)
    })?;
    Ok(changes)
}
