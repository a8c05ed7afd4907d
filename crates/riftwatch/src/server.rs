//! The server's parts, wired: database, Riot client, job runtime, API.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::Deps;
use riftwatch_app::key_sharing::PostgresRecords;
use riftwatch_domain::causes::chain;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::Trigger;
use riftwatch_http::{ApiState, AuthMode, RiotKeySwitch};
use riftwatch_riot::client::{RiotClient, RiotClientConfig};
use riftwatch_runner::manage::{self, Actor, JobChanges, ManageError};
use riftwatch_runner::{Runner, RunnerHandle};
use riftwatch_store::suppressions::{self, SuppressionKey};
use riftwatch_store::{Db, api_tokens};
use tokio::task::JoinHandle;

use crate::Failure;
use crate::database::Database;
use crate::secrets;
use crate::settings::Settings;

/// A running server.
pub(crate) struct Server {
    /// Where the API answers; the port that was given, or found when that was 0.
    pub(crate) addr: SocketAddr,
    store: Db,
    runner: RunnerHandle,
    grace: Duration,
    riot: RiotClient,
    http: riftwatch_http::ServerHandle,
    http_task: JoinHandle<std::io::Result<()>>,
    database: Database,
}

/// Takes the port, before anything slow: a port in use is the likeliest thing to be wrong.
pub(crate) fn listen(settings: &Settings, bind: SocketAddr) -> Result<TcpListener, Failure> {
    if settings.http()?.access.mode == AuthMode::Off && !bind.ip().is_loopback() {
        return Err(Failure::Said(format!(
            "with AUTH_MODE=off, riftwatch answers on loopback addresses only, not on {bind}: \
             use --bind 127.0.0.1:{}, or AUTH_MODE=on with `riftwatch token create`",
            bind.port()
        )));
    }
    TcpListener::bind(bind).map_err(|source| Failure::Http { bind, source })
}

impl Server {
    /// Starts everything on a listener and a database.
    pub(crate) async fn start(
        settings: &Settings,
        listener: TcpListener,
        database: Database,
        outside: Outside,
    ) -> Result<Self, Failure> {
        let addr = listener
            .local_addr()
            .map_err(|source| Failure::Http { bind: settings.bind, source })?;
        let store = outside.deps.store.clone();
        let config = settings.http()?;
        let runner_config = settings.runner();
        let grace = runner_config.shutdown_grace;
        let deps = Arc::new(outside.deps.clone());
        let riot = outside.riot_client.clone();
        let runner =
            Runner::start(store.clone(), riftwatch_jobs::registry(), deps, runner_config).await?;
        // A pool of the API's own: a busy API takes no connection from jobs, and jobs none from it.
        let api_store = Db::new(&database.url, settings.api_max_connections());
        let state = ApiState {
            riot_client: Some(outside.riot_client),
            riot_key: Some(outside.riot_key),
            jobs_store: Some(store.clone()),
            secret_key: secrets::key(settings, &database)?,
            ..ApiState::with_runner(Deps { store: api_store, ..outside.deps }, runner.clone())
        };
        if config.access.mode == AuthMode::On {
            warn_without_tokens(&state.deps.store).await?;
        }
        let dashboard = riftwatch_dashboard::dashboard(state.clone());
        let warming = dashboard.clone();
        tokio::spawn(async move {
            if let Err(error) = warming.warm().await {
                tracing::debug!(error = chain(&error), "the dashboard was not warmed");
            }
        });
        let http = riftwatch_http::server(listener, state, config, move |routes| {
            riftwatch_dashboard::configure(routes, &dashboard);
        })
        .map_err(|source| Failure::Http { bind: addr, source })?;
        let handle = http.handle();
        let http_task = tokio::spawn(http);
        Ok(Self { addr, store, runner, grace, riot, http: handle, http_task, database })
    }

    /// Runs a job of this type now, in case its tick is far away.
    pub(crate) async fn run_now(&self, kind: &str) -> Result<(), Failure> {
        let Some(job) = manage::find_by_name(&self.store, kind).await? else { return Ok(()) };
        let actor = Actor::new("demo");
        match manage::trigger(&self.store, job.job.id, Trigger::Cli, &actor).await {
            Ok(_) | Err(ManageError::AlreadyRunning { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a job of this type a setting that it does not have yet.
    pub(crate) async fn configure(
        &self,
        kind: &str,
        key: &str,
        value: serde_json::Value,
    ) -> Result<(), Failure> {
        let Some(job) = manage::find_by_name(&self.store, kind).await? else { return Ok(()) };
        let mut config = job.job.config_json.clone();
        let Some(settings) = config.as_object_mut().filter(|known| !known.contains_key(key)) else {
            return Ok(());
        };
        settings.insert(key.to_owned(), value);
        let changes = JobChanges { config_json: Some(config), ..JobChanges::default() };
        let (catalog, runner, actor) =
            (self.runner.catalog(), self.runner.config(), Actor::new("demo"));
        manage::update(&self.store, catalog, runner, job.job.id, changes, None, &actor).await?;
        Ok(())
    }

    /// Stops claiming and lets running jobs end within their grace. The API goes on.
    pub(crate) async fn stop_jobs(&self) {
        self.runner.shutdown(self.grace).await;
    }

    /// Stops claiming, lets running jobs end within their grace, then ends the API and our own
    /// database server.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop_jobs().await;
        self.http.stop(true).await;
        self.riot.leave().await;
        match self.http_task.await {
            Ok(ended) => ended.map_err(|source| Failure::Http { bind: self.addr, source })?,
            Err(panic) => tracing::error!(error = %panic, "the HTTP server ended badly"),
        }
        Ok(self.database.close().await?)
    }
}

/// With a key that does not recognise the people who were erased, they would be stored again.
async fn refuse_to_bring_back(store: &Db, key: Option<&SuppressionKey>) -> Result<(), Failure> {
    let mut conn = store.get().await?;
    if suppressions::are_unreadable(&mut conn, key).await? {
        return Err(Failure::Said(
            "people were erased from this database under another RIFTWATCH_SECRET_KEY, and would be \
             stored again: give riftwatch that key, or give it as RIFTWATCH_SECRET_KEY_OLD beside \
             the new one"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Somebody who just set riftwatch up cannot know why every request is refused.
async fn warn_without_tokens(store: &Db) -> Result<(), Failure> {
    let mut conn = store.get().await?;
    if api_tokens::list(&mut conn).await?.iter().all(|token| token.revoked_at.is_some()) {
        tracing::warn!(
            "nobody has a token for the API yet: `riftwatch token create --name me --role admin` makes one"
        );
    }
    Ok(())
}

/// The world outside the program, as far as jobs and handlers see it.
#[derive(Debug)]
pub(crate) struct Outside {
    /// What verbs work with.
    pub(crate) deps: Deps,
    /// The client in `deps`, for what only it can tell: its limits, and whether its key is refused.
    riot_client: RiotClient,
    /// What it takes to give that client another key.
    riot_key: RiotKeySwitch,
}

impl Outside {
    /// The client of the Riot API, to be let go of with `leave` at the end.
    pub(crate) fn riot_client(&self) -> RiotClient {
        self.riot_client.clone()
    }
}

/// What an API serves where no job runs.
pub(crate) fn api_state(
    settings: &Settings,
    database: &Database,
    outside: Outside,
) -> Result<ApiState, Failure> {
    Ok(ApiState {
        deps: outside.deps,
        catalog: riftwatch_jobs::registry().catalog().clone(),
        runner_config: settings.runner(),
        runner: None,
        riot_client: Some(outside.riot_client),
        riot_key: Some(outside.riot_key),
        jobs_store: None,
        secret_key: secrets::key(settings, database)?,
    })
}

/// What verbs work with, on a migrated database. Secrets that an old key seals are sealed anew first, if
/// that key was given.
pub(crate) async fn outside(
    settings: &Settings,
    database: &Database,
    riot: RiotClientConfig,
) -> Result<Outside, Failure> {
    let store = database.pool(settings);
    let suppression_key = secrets::suppression_key(settings, database, &store).await?;
    refuse_to_bring_back(&store, suppression_key.as_ref()).await?;
    // Any other process with the same key keeps within the same budget.
    let records = Arc::new(PostgresRecords::of(&store));
    let riot = RiotClientConfig { shared_records: Some(records), ..riot };
    let riot_client = RiotClient::new(riot.clone())?;
    let riot_key = RiotKeySwitch { client: riot_client.clone(), config: riot };
    let deps = Deps {
        store,
        riot: Arc::new(riot_client.clone()),
        clock: Clock::system(),
        max_tracked_players: settings.max_tracked_players(),
        suppression_key,
    };
    Ok(Outside { deps, riot_client, riot_key })
}
