//! `riftwatch job run`: a run now, and its end.

use std::sync::Arc;
use std::time::Duration;

use riftwatch_domain::execution::Trigger;
use riftwatch_domain::job::JobId;
use riftwatch_riot::client::RiotClient;
use riftwatch_runner::manage::{self, Actor};
use riftwatch_runner::{Runner, RunnerConfig, RunnerHandle};
use serde_json::Value;

use super::{find, id, runs};
use crate::api::{Api, Own};
use crate::output;
use crate::server;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Between two looks at whether the run has ended.
const LOOK: Duration = Duration::from_millis(200);

/// Runs a job and waits. Where no process that runs jobs lives, this one does, for the one run.
pub(super) async fn run(
    settings: &Settings,
    api: &Api,
    job: &str,
    json: bool,
) -> Result<Exit, Failure> {
    let worker = match api.own() {
        Some(own) => own_worker(settings, own).await?,
        None => None,
    };
    let ended = trigger_and_wait(api, job).await;
    if let Some(worker) = worker {
        worker.runner.shutdown(settings.runner().shutdown_grace).await;
        worker.riot.leave().await;
    }
    let run = ended?;
    if json {
        output::json(&run);
    } else {
        output::line(&runs::sentence(&run));
    }
    Ok(if run["status"] == "success" { Exit::Fine } else { Exit::No })
}

/// What runs jobs in this process.
struct Worker {
    runner: RunnerHandle,
    riot: RiotClient,
}

async fn own_worker(settings: &Settings, own: &Own) -> Result<Option<Worker>, Failure> {
    let living = manage::workers(&own.db).await?;
    if living.iter().any(|worker| worker.concurrency > 0 && !worker.draining) {
        return Ok(None);
    }
    tracing::info!("no server runs jobs: this program runs the one itself");
    let config =
        RunnerConfig { scheduler_enabled: false, worker_enabled: true, ..settings.runner() };
    let outside = server::outside(settings, &own.database, settings.riot()?).await?;
    let (riot, deps) = (outside.riot_client(), Arc::new(outside.deps));
    let registry = riftwatch_jobs::registry();
    let runner = Runner::start(own.db.clone(), registry, deps, config).await?;
    Ok(Some(Worker { runner, riot }))
}

async fn trigger_and_wait(api: &Api, job: &str) -> Result<Value, Failure> {
    // A row of a job type that no process has ever registered does not exist yet.
    let job = find(api, job).await?;
    let run = match trigger(api, &job).await {
        Ok(run) => run,
        Err(Failure::Refused(refused)) if refused.code == "already_running" => {
            let run = refused.details["execution_id"].clone();
            tracing::info!(
                "{} runs already: waiting for execution {run}",
                output::text(&job["name"])
            );
            run
        }
        Err(error) => return Err(error),
    };
    let path = format!("/jobs/executions/{run}");
    loop {
        let run = api.get(&path, &[]).await?;
        if !run["ended_at"].is_null() {
            return Ok(run);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The number of the run that begins. On our own database it is noted that a command began it.
async fn trigger(api: &Api, job: &Value) -> Result<Value, Failure> {
    let (Some(own), Some(number)) = (api.own(), id(job).as_i64()) else {
        let path = format!("/jobs/{}/trigger", id(job));
        return Ok(api.post(&path, Value::Null).await?["execution_id"].take());
    };
    let actor = Actor::new("command line");
    match manage::trigger(&own.db, JobId(number), Trigger::Cli, &actor).await {
        Ok(run) => Ok(run.0.into()),
        Err(manage::ManageError::AlreadyRunning { executions }) => executions
            .first()
            .map(|run| run.0.into())
            .ok_or_else(|| Failure::Said("it ran and has just ended: try again".to_owned())),
        Err(error) => Err(error.into()),
    }
}
