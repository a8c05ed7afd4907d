//! Jobs: list, create, edit, pause, delete.

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId};
use riftwatch_domain::job::{JobConfiguration, JobId, MisfirePolicy, Pause};
use riftwatch_store::job_configurations::{self, JobSettings};
use riftwatch_store::{Conn, Db, StoreError, job_executions, transactions};
use serde_json::json;

use super::audit::{self, Act};
use super::changes::{JobChanges, NewJob, check, same_schedule};
use super::{Actor, ManageError, versions};
use crate::config::RunnerConfig;
use crate::plan;
use crate::registry::Catalog;

/// A job, and what its runs say.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct JobView {
    /// The job.
    #[serde(flatten)]
    pub job: JobConfiguration,
    /// Its newest run.
    pub last_execution: Option<Execution>,
    /// Its oldest run that has not ended.
    pub running_execution_id: Option<ExecutionId>,
    /// Successes among successes and failures of its last thousand runs, in percent.
    pub success_rate: Option<f64>,
}

/// Jobs in the order of their ids.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct JobPage {
    /// The jobs.
    pub items: Vec<JobView>,
    /// Give this as `after` for the next page. `None`: this is the last.
    pub next_cursor: Option<JobId>,
}

/// The jobs after `after`, at most `limit`. Costs three queries, however many they are.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(db: &Db, after: Option<JobId>, limit: i64) -> Result<JobPage, ManageError> {
    let mut conn = db.get().await?;
    let jobs = job_configurations::list(&mut conn, after, limit + 1).await?;
    let (jobs, next_cursor) = super::page(jobs, limit, |job| job.id);
    Ok(JobPage { items: view(&mut conn, jobs).await?, next_cursor })
}

/// One job.
///
/// # Errors
///
/// [`ManageError::NoJob`], or when the database cannot be asked.
pub async fn find(db: &Db, id: JobId) -> Result<JobView, ManageError> {
    let mut conn = db.get().await?;
    let job = job_configurations::find(&mut conn, id).await?.ok_or(ManageError::NoJob(id))?;
    one(&mut conn, job).await
}

/// One job, by its name.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<JobView>, ManageError> {
    let mut conn = db.get().await?;
    match job_configurations::find_by_name(&mut conn, name).await? {
        Some(job) => Ok(Some(one(&mut conn, job).await?)),
        None => Ok(None),
    }
}

async fn one(conn: &mut Conn, job: JobConfiguration) -> Result<JobView, ManageError> {
    let id = job.id;
    view(conn, vec![job]).await?.pop().ok_or(ManageError::NoJob(id))
}

async fn view(conn: &mut Conn, jobs: Vec<JobConfiguration>) -> Result<Vec<JobView>, StoreError> {
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let mut latest = job_executions::latest(conn, &ids).await?;
    let summaries = job_executions::summarize(conn, &ids).await?;
    Ok(jobs
        .into_iter()
        .map(|job| {
            let last = latest.iter().position(|run| run.job_id == job.id);
            let summary = summaries.iter().find(|summary| summary.job_id == job.id.0);
            JobView {
                last_execution: last.map(|at| latest.swap_remove(at)),
                running_execution_id: summary
                    .and_then(|summary| summary.unfinished_id)
                    .map(ExecutionId),
                success_rate: summary.and_then(job_executions::JobSummary::success_rate),
                job,
            }
        })
        .collect())
}

/// Creates a job. With an interval its first tick is at once; with cron, at its first time.
///
/// # Errors
///
/// [`ManageError::Invalid`], [`ManageError::NameTaken`], or when the database cannot be asked.
pub async fn create(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    new: NewJob,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    let mut conn = db.get().await?;
    let name = new.name.clone();
    transactions::begin(&mut conn).await?;
    let made = insert(&mut conn, catalog, config, new, actor).await;
    let result = transactions::end(&mut conn, made).await;
    match result {
        Ok(job) => one(&mut conn, job).await,
        Err(error) => {
            let act = Act { job_name: Some(&name), ..Act::new(actor, "create") };
            audit::refused(&mut conn, act, &error).await;
            Err(error)
        }
    }
}

async fn insert(
    conn: &mut Conn,
    catalog: &Catalog,
    config: &RunnerConfig,
    new: NewJob,
    actor: &Actor,
) -> Result<JobConfiguration, ManageError> {
    let now = job_configurations::now(conn).await?;
    let wanted = JobConfiguration {
        id: JobId(0),
        name: new.name,
        job_type: new.job_type,
        interval_seconds: new.interval_seconds,
        cron: new.cron,
        time_zone: new.time_zone.unwrap_or_else(|| "UTC".to_owned()),
        manual_only: new.manual_only,
        jitter_seconds: new.jitter_seconds,
        enabled: new.enabled,
        config_json: new.config_json,
        timeout_seconds: new.timeout_seconds,
        max_instances: new.max_instances,
        misfire_policy: new.misfire_policy.unwrap_or(MisfirePolicy::Once),
        version: 1,
        pause: None,
        next_run_at: None,
        next_nominal_at: None,
        last_run_at: None,
        created_at: now,
        updated_at: now,
    };
    let schedule =
        check(&wanted, catalog, config.default_interval).map_err(ManageError::Invalid)?;
    job_configurations::sign(conn, &actor.name, actor.reason.as_deref()).await?;
    let mut job = job_configurations::insert(conn, &JobSettings::from(&wanted))
        .await
        .map_err(|error| name_taken(error, &wanted.name))?;
    replan(conn, &mut job, &schedule, now).await?;
    audit::done(conn, Act::new(actor, "create").on(&job), audit::difference(None, Some(&job)))
        .await?;
    Ok(job)
}

fn name_taken(error: StoreError, name: &str) -> ManageError {
    match error {
        StoreError::Conflict { constraint } if constraint == "job_configurations_name_key" => {
            ManageError::NameTaken(name.to_owned())
        }
        other => other.into(),
    }
}

/// Computes the next tick anew: never in the past, never later than one interval from now.
async fn replan(
    conn: &mut Conn,
    job: &mut JobConfiguration,
    schedule: &crate::schedule::Schedule,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let nominal = plan::first(job, schedule, now);
    let (next_run_at, next_nominal_at) = plan::next_columns(job, schedule, nominal);
    job_configurations::set_next(conn, job.id, next_run_at, next_nominal_at).await?;
    job.next_run_at = next_run_at;
    job.next_nominal_at = next_nominal_at;
    Ok(())
}

/// Edits a job. `expected` is the version that the editor saw; `None` edits whatever there is. A
/// run that goes on keeps the settings it began with. When the schedule changed, the answer has the
/// new next tick: the next time of the new schedule after now, counted from the last tick. Nothing
/// that the new schedule would have done in the past is made up for.
///
/// # Errors
///
/// [`ManageError::NoJob`], [`ManageError::VersionConflict`], [`ManageError::Invalid`],
/// [`ManageError::NameTaken`], or when the database cannot be asked.
pub async fn update(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    changes: JobChanges,
    expected: Option<i64>,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    edit(db, catalog, config, id, Edit::Changes(changes), expected, actor).await
}

/// Holds a job's schedule back, until somebody resumes it or until `until`. Runs can still be
/// triggered by hand. Pausing a paused job changes reason and end.
///
/// # Errors
///
/// [`ManageError::NoJob`], [`ManageError::Invalid`] for an end that is past, or when the database
/// cannot be asked.
pub async fn pause(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    until: Option<DateTime<Utc>>,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    edit(db, catalog, config, id, Edit::Pause(until), None, actor).await
}

/// Lets a paused job go on at its next time; what was due in the meantime is not made up for.
///
/// # Errors
///
/// [`ManageError::NoJob`], or when the database cannot be asked.
pub async fn resume(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    edit(db, catalog, config, id, Edit::Resume, None, actor).await
}

pub(super) enum Edit {
    Changes(JobChanges),
    Pause(Option<DateTime<Utc>>),
    Resume,
    /// To a version that it had.
    Restore(i64),
}

impl Edit {
    fn action(&self) -> &'static str {
        match self {
            Self::Changes(_) => "update",
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Restore(_) => "restore",
        }
    }
}

pub(super) async fn edit(
    db: &Db,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    edit: Edit,
    expected: Option<i64>,
    actor: &Actor,
) -> Result<JobView, ManageError> {
    let mut conn = db.get().await?;
    let act = Act { job_id: Some(id.0), ..Act::new(actor, edit.action()) };
    transactions::begin(&mut conn).await?;
    let edited = write_edit(&mut conn, catalog, config, id, edit, expected, actor).await;
    match transactions::end(&mut conn, edited).await {
        Ok(job) => one(&mut conn, job).await,
        Err(error) => {
            audit::refused(&mut conn, act, &error).await;
            Err(error)
        }
    }
}

async fn write_edit(
    conn: &mut Conn,
    catalog: &Catalog,
    config: &RunnerConfig,
    id: JobId,
    edit: Edit,
    expected: Option<i64>,
    actor: &Actor,
) -> Result<JobConfiguration, ManageError> {
    let before = job_configurations::lock(conn, id).await?.ok_or(ManageError::NoJob(id))?;
    if let Some(expected) = expected
        && expected != before.version
    {
        return Err(ManageError::VersionConflict { expected, current: before.version });
    }
    let now = job_configurations::now(conn).await?;
    let action = edit.action();
    let mut wanted = before.clone();
    match edit {
        Edit::Changes(changes) => changes.apply(&mut wanted),
        Edit::Pause(until) => {
            if until.is_some_and(|until| until <= now) {
                let error =
                    super::FieldError::new("paused_until", "must be in the future, or null");
                return Err(ManageError::Invalid(vec![error]));
            }
            let since = before.pause.as_ref().map_or(now, |pause| pause.since);
            wanted.pause = Some(Pause { since, reason: actor.reason.clone(), until });
        }
        Edit::Resume => wanted.pause = None,
        Edit::Restore(version) => versions::changes_to(conn, id, version).await?.apply(&mut wanted),
    }
    // Pausing must work whatever the row holds: it may be paused because of it.
    let schedule = if action == "pause" {
        None
    } else {
        Some(check(&wanted, catalog, config.default_interval).map_err(ManageError::Invalid)?)
    };
    job_configurations::sign(conn, &actor.name, actor.reason.as_deref()).await?;
    let mut after = job_configurations::update(conn, id, &JobSettings::from(&wanted))
        .await
        .map_err(|error| name_taken(error, &wanted.name))?
        .ok_or(ManageError::NoJob(id))?;
    if let Some(schedule) = schedule
        && !same_schedule(&before, &after)
    {
        replan(conn, &mut after, &schedule, now).await?;
    }
    let difference = audit::difference(Some(&before), Some(&after));
    audit::done(conn, Act::new(actor, action).on(&after), difference).await?;
    Ok(after)
}

/// Deletes a job. A run that goes on ends by itself, pending ones are cancelled, and the history
/// stays readable.
///
/// # Errors
///
/// [`ManageError::NoJob`], or when the database cannot be asked.
pub async fn delete(db: &Db, id: JobId, actor: &Actor) -> Result<(), ManageError> {
    let mut conn = db.get().await?;
    transactions::begin(&mut conn).await?;
    let deleted = write_delete(&mut conn, id, actor).await;
    let result = transactions::end(&mut conn, deleted).await;
    if let Err(error) = &result {
        let act = Act { job_id: Some(id.0), ..Act::new(actor, "delete") };
        audit::refused(&mut conn, act, error).await;
    }
    result
}

async fn write_delete(conn: &mut Conn, id: JobId, actor: &Actor) -> Result<(), ManageError> {
    let job = job_configurations::delete(conn, id).await?.ok_or(ManageError::NoJob(id))?;
    let cancelled = job_executions::cancel_pending(conn, Some(id)).await?;
    let mut difference = audit::difference(Some(&job), None);
    difference["cancelled_executions"] = json!([cancelled, 0]);
    audit::done(conn, Act::new(actor, "delete").on(&job), difference).await?;
    Ok(())
}
