//! `riftwatch job`: see and steer jobs, on the database that the server uses.

use std::sync::Arc;
use std::time::Duration;

use riftwatch_domain::execution::{Execution, ExecutionId, ExecutionStatus, Trigger};
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage::{self, Actor, JobChanges, JobView, ManageError};
use riftwatch_runner::{Runner, RunnerConfig, RunnerHandle};
use riftwatch_store::Db;

use crate::cli::JobCommand;
use crate::database::Database;
use crate::output;
use crate::server;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Jobs in one list. Nobody has more.
const ALL: i64 = 1000;

/// Between two looks at whether a run has ended.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(settings: &Settings, command: JobCommand) -> Result<Exit, Failure> {
    let database = Database::open(settings).await?;
    let db = database.pool(settings);
    let exit = match command {
        JobCommand::List { json } => list(&db, json).await,
        JobCommand::Run { job, json } => run_job(settings, &database, &db, &job, json).await,
        JobCommand::Enable { job } => set_enabled(settings, &db, &job, true).await,
        JobCommand::Disable { job } => set_enabled(settings, &db, &job, false).await,
    };
    drop(db);
    database.close().await?;
    exit
}

fn actor() -> Actor {
    Actor::new("command line")
}

async fn find(db: &Db, name_or_id: &str) -> Result<JobView, Failure> {
    let found = match name_or_id.parse() {
        Ok(id) => Some(manage::find(db, JobId(id)).await?),
        Err(_) => manage::find_by_name(db, name_or_id).await?,
    };
    found.ok_or_else(|| {
        Failure::Said(format!("there is no job named {name_or_id}: see `riftwatch job list`"))
    })
}

async fn list(db: &Db, json: bool) -> Result<Exit, Failure> {
    let jobs = manage::list(db, None, ALL).await?.items;
    if json {
        output::json(&jobs);
        return Ok(Exit::Fine);
    }
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    output::table(&["ID", "NAME", "SCHEDULE", "STATE", "LAST RUN", "NEXT (UTC)"], &rows);
    Ok(Exit::Fine)
}

fn row(view: &JobView) -> Vec<String> {
    let job = &view.job;
    let state = match (job.enabled, &job.pause, view.running_execution_id) {
        (_, _, Some(id)) => format!("running ({id})"),
        (false, _, _) => "disabled".to_owned(),
        (true, Some(_), _) => "paused".to_owned(),
        (true, None, None) => "enabled".to_owned(),
    };
    let last = view.last_execution.as_ref().map_or_else(
        || "none".to_owned(),
        |run| {
            let reason = run.reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("{}{reason}", run.status)
        },
    );
    let next = job
        .next_run_at
        .filter(|_| job.enabled && job.pause.is_none())
        .map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
    vec![job.id.to_string(), job.name.clone(), schedule(job), state, last, next]
}

fn schedule(job: &JobConfiguration) -> String {
    match (&job.cron, job.interval_seconds) {
        _ if job.manual_only => "by hand".to_owned(),
        (Some(cron), _) => format!("{cron} {}", job.time_zone),
        (None, Some(seconds)) => format!("every {seconds} s"),
        (None, None) => "every JOB_INTERVAL_SECONDS".to_owned(),
    }
}

async fn set_enabled(
    settings: &Settings,
    db: &Db,
    job: &str,
    enabled: bool,
) -> Result<Exit, Failure> {
    let job = find(db, job).await?.job;
    let changes = JobChanges { enabled: Some(enabled), ..JobChanges::default() };
    let registry = riftwatch_jobs::registry();
    let config = settings.runner();
    let view =
        manage::update(db, registry.catalog(), &config, job.id, changes, None, &actor()).await?;
    output::line(&format!(
        "{} is {}",
        view.job.name,
        if view.job.enabled { "enabled" } else { "disabled" }
    ));
    Ok(Exit::Fine)
}

/// Runs a job and waits. Where no process that runs jobs lives, this one does, for the one run.
async fn run_job(
    settings: &Settings,
    database: &Database,
    db: &Db,
    job: &str,
    json: bool,
) -> Result<Exit, Failure> {
    let own = own_worker(settings, database, db).await?;
    let result = trigger_and_wait(db, job).await;
    if let Some(own) = own {
        own.shutdown(settings.runner().shutdown_grace).await;
    }
    let run = result?;
    if json {
        output::json(&run);
    } else {
        output::line(&in_words(&run));
    }
    Ok(if run.status == ExecutionStatus::Success { Exit::Fine } else { Exit::No })
}

async fn own_worker(
    settings: &Settings,
    database: &Database,
    db: &Db,
) -> Result<Option<RunnerHandle>, Failure> {
    let living = manage::workers(db).await?;
    if living.iter().any(|worker| worker.concurrency > 0 && !worker.draining) {
        return Ok(None);
    }
    tracing::info!("no server runs jobs: this program runs the one itself");
    let config =
        RunnerConfig { scheduler_enabled: false, worker_enabled: true, ..settings.runner() };
    let deps = server::outside(settings, database, settings.riot()?)?.deps;
    let registry = riftwatch_jobs::registry();
    Ok(Some(Runner::start(db.clone(), registry, Arc::new(deps), config).await?))
}

async fn trigger_and_wait(db: &Db, job: &str) -> Result<Execution, Failure> {
    // A row of a job type that no process has ever registered does not exist yet.
    let job = find(db, job).await?.job;
    let id = match manage::trigger(db, job.id, Trigger::Cli, &actor()).await {
        Ok(id) => id,
        Err(ManageError::AlreadyRunning { executions }) => first(&executions, &job)?,
        Err(error) => return Err(error.into()),
    };
    Ok(manage::wait_for_end(db, id, PATIENCE).await?)
}

fn first(executions: &[ExecutionId], job: &JobConfiguration) -> Result<ExecutionId, Failure> {
    let id = executions
        .first()
        .copied()
        .ok_or_else(|| Failure::Said(format!("{} ran and has just ended: try again", job.name)))?;
    tracing::info!(execution.id = %id, "{} runs already: waiting for execution {id}", job.name);
    Ok(id)
}

fn in_words(run: &Execution) -> String {
    let reason = run.reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let time = run.duration_seconds().map_or_else(String::new, |s| format!(" after {s:.1} s"));
    let error = run.error.as_ref().map_or_else(String::new, |error| format!("\n  {error}"));
    format!("execution {}: {}{reason}{time} {}{error}", run.id, run.status, run.metrics)
}
