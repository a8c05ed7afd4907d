//! The server's parts, wired: database, Riot client, job runtime, API.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::Deps;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::Trigger;
use riftwatch_http::{ApiState, HttpConfig};
use riftwatch_riot::client::{RiotClient, RiotClientConfig};
use riftwatch_runner::manage::{self, Actor, ManageError};
use riftwatch_runner::{Runner, RunnerHandle};
use riftwatch_store::Db;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::database::Database;
use crate::settings::Settings;

/// A running server.
pub(crate) struct Server {
    /// Where the API answers; the port that was given, or found when that was 0.
    pub(crate) addr: SocketAddr,
    store: Db,
    runner: RunnerHandle,
    grace: Duration,
    http: actix_web::dev::ServerHandle,
    http_task: JoinHandle<std::io::Result<()>>,
    database: Database,
}

/// Takes the port, before anything slow: a port in use is the likeliest thing to be wrong.
pub(crate) fn listen(bind: SocketAddr) -> Result<TcpListener, Failure> {
    if !bind.ip().is_loopback() {
        return Err(Failure::Said(format!(
            "riftwatch has no access control yet and answers on loopback addresses only, not on {bind}: \
             use --bind 127.0.0.1:{}",
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
        let config = settings.runner();
        let grace = config.shutdown_grace;
        let deps = Arc::new(outside.deps.clone());
        let runner = Runner::start(store.clone(), riftwatch_jobs::registry(), deps, config).await?;
        let state = ApiState {
            riot_client: Some(outside.riot_client),
            ..ApiState::with_runner(outside.deps, runner.clone())
        };
        let http = riftwatch_http::server(listener, state, HttpConfig::default())
            .map_err(|source| Failure::Http { bind: addr, source })?;
        let handle = http.handle();
        let http_task = tokio::spawn(http);
        Ok(Self { addr, store, runner, grace, http: handle, http_task, database })
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

    /// Stops claiming and lets running jobs end within their grace. The API goes on.
    pub(crate) async fn stop_jobs(&self) {
        self.runner.shutdown(self.grace).await;
    }

    /// Stops claiming, lets running jobs end within their grace, then ends the API and our own
    /// database server.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop_jobs().await;
        self.http.stop(true).await;
        match self.http_task.await {
            Ok(ended) => ended.map_err(|source| Failure::Http { bind: self.addr, source })?,
            Err(panic) => tracing::error!(error = %panic, "the HTTP server ended badly"),
        }
        Ok(self.database.close().await?)
    }
}

/// The world outside the program, as far as jobs and handlers see it.
#[derive(Debug)]
pub(crate) struct Outside {
    /// What verbs work with.
    pub(crate) deps: Deps,
    /// The client in `deps`, for what only it can tell: its limits, and whether its key is refused.
    riot_client: RiotClient,
}

/// Connects to nothing yet; the first use does.
pub(crate) fn outside(
    settings: &Settings,
    database: &Database,
    riot: RiotClientConfig,
) -> Result<Outside, Failure> {
    let riot_client = RiotClient::new(riot)?;
    let deps = Deps {
        store: database.pool(settings),
        riot: Arc::new(riot_client.clone()),
        clock: Clock::system(),
        max_tracked_players: settings.max_tracked_players(),
    };
    Ok(Outside { deps, riot_client })
}
