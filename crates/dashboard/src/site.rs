//! What the pages are made of: the API's state, and what is kept between requests.

use std::fmt;
use std::time::Duration;

use actix_web::web::Data;
use riftwatch_http::ApiState;
use riftwatch_runner::manage::{Facets, FailureGroup, JobView};
use riftwatch_store::StoreError;
use riftwatch_store::diagnostics::{Pulse, TableSize};
use riftwatch_store::job_executions::JobSummary;
use riftwatch_store::riot_budgets::Written;
use riftwatch_store::run_history::{HourCount, Span};
use tokio::runtime::Handle;

use crate::cache::{Cached, CachedBy};

/// What the pages are made of.
pub(crate) struct Site {
    pub(crate) api: ApiState,
    /// The program's runtime, which outlives those of the server's workers: connections to Riot
    /// live on the runtime of the call that opened them.
    pub(crate) runtime: Handle,
    pub(crate) jobs: Cached<Vec<JobView>>,
    pub(crate) summaries: Cached<Vec<JobSummary>>,
    /// All hours of the chart; counted anew now and then.
    pub(crate) day: Cached<Vec<HourCount>>,
    /// Its last hours, in which runs still come and end.
    pub(crate) last_hours: Cached<Vec<HourCount>>,
    pub(crate) today: Cached<Span>,
    pub(crate) week_before: Cached<Span>,
    pub(crate) facets: CachedBy<Facets>,
    pub(crate) failures: CachedBy<Vec<FailureGroup>>,
    pub(crate) budgets: CachedBy<Vec<Written>>,
    pub(crate) tables: Cached<Vec<TableSize>>,
    pub(crate) pulse: Cached<Pulse>,
}

impl Site {
    pub(crate) fn new(api: ApiState, runtime: Handle) -> Self {
        let seconds = |seconds| Duration::from_secs(seconds);
        Self {
            api,
            runtime,
            jobs: Cached::new(seconds(1)),
            summaries: Cached::new(seconds(15)),
            day: Cached::new(seconds(600)),
            last_hours: Cached::new(seconds(5)),
            today: Cached::new(seconds(120)),
            week_before: Cached::new(seconds(3_600)),
            facets: CachedBy::new(seconds(60)),
            failures: CachedBy::new(seconds(60)),
            // Half of how often a page looks; a record is about a second old anyway.
            budgets: CachedBy::new(seconds(1)),
            tables: Cached::new(seconds(60)),
            pulse: Cached::new(seconds(5)),
        }
    }

    /// Asks for what costs most, so that nobody's first page waits for it.
    pub(crate) async fn warm(&self) -> Result<(), StoreError> {
        crate::pages::overview::figures(self).await.map(drop)
    }
}

/// The pages, ready to be served by every worker of a server.
#[derive(Debug, Clone)]
pub struct Dashboard(pub(crate) Data<Site>);

impl Dashboard {
    /// Asks for what costs most, so that nobody's first page waits for it.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked. The pages work all the same.
    pub async fn warm(&self) -> Result<(), StoreError> {
        self.0.warm().await
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("api", &self.api).finish_non_exhaustive()
    }
}
