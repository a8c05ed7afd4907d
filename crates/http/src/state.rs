//! What the handlers work with.

use std::fmt;
use std::sync::Arc;

use riftwatch_app::Deps;
use riftwatch_riot::RiotClient;
use riftwatch_runner::{Catalog, RunnerConfig, RunnerHandle};
use riftwatch_store::Db;
use riftwatch_store::secret_key::SecretKey;
use tokio::runtime::Handle;

use crate::flights::Flights;
use crate::job_list::JobList;
use crate::riot_key::RiotKeySwitch;

/// What the API serves. Clones share everything.
///
/// `deps.store` should be a pool of the API's own: then neither a busy API nor busy jobs can take the
/// other's connections, and none that a job uses ends with the server's workers.
#[derive(Clone)]
pub struct ApiState {
    /// The database, Riot, the time.
    pub deps: Deps,
    /// The job types that jobs may have.
    pub catalog: Catalog,
    /// How the runtime behaves: what a job without a schedule of its own gets.
    pub runner_config: RunnerConfig,
    /// The job runtime of this process; `None` when it only serves the API.
    pub runner: Option<RunnerHandle>,
    /// The client behind `deps.riot`, for its limits and the state of the key; `None` for a fake.
    pub riot_client: Option<RiotClient>,
    /// What it takes to use another key of the Riot API; `None` where there is none to set.
    pub riot_key: Option<RiotKeySwitch>,
    /// The pool of jobs, for its measures.
    pub jobs_store: Option<Db>,
    /// Seals secrets that are set over the API; `None`: they cannot be set.
    pub secret_key: Option<SecretKey>,
}

impl ApiState {
    /// For a process that runs jobs too. Without a [`RiotClient`]: see the field.
    pub fn with_runner(deps: Deps, runner: RunnerHandle) -> Self {
        Self {
            deps,
            catalog: runner.catalog().clone(),
            runner_config: runner.config().clone(),
            runner: Some(runner),
            riot_client: None,
            riot_key: None,
            jobs_store: None,
            secret_key: None,
        }
    }
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState")
            .field("deps", &self.deps)
            .field("runner", &self.runner.is_some())
            .finish_non_exhaustive()
    }
}

/// The state with the program's runtime, which lives longer than those of the server's workers.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    state: ApiState,
    pub(crate) runtime: Handle,
    pub(crate) flights: Arc<Flights>,
    pub(crate) job_list: Arc<JobList>,
}

impl Api {
    pub(crate) fn new(state: &ApiState, runtime: Handle) -> Self {
        Self { state: state.clone(), runtime, flights: Arc::default(), job_list: Arc::default() }
    }
}

impl std::ops::Deref for Api {
    type Target = ApiState;

    fn deref(&self) -> &ApiState {
        &self.state
    }
}
