//! The list of jobs, without counting a thousand runs of each job every time.
//!
//! A success rate changes when a run of the job is made or ends. Both are seen in what is read
//! anyway: the newest run, and those that have not ended. As long as they are the same, so is the
//! rate. What this does not see is that old runs were removed, or changed by hand-written SQL: so no
//! rate is kept for more than ten seconds.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use riftwatch_domain::execution::ExecutionId;
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage::JobView;
use riftwatch_store::job_executions::{self, Standing};
use riftwatch_store::{Db, StoreError, job_configurations};

/// How long a rate is kept at most.
const KEPT: Duration = Duration::from_secs(10);

/// The rates that were counted last, by job.
#[derive(Debug, Default)]
pub(crate) struct JobList(Mutex<HashMap<i64, Rate>>);

#[derive(Debug)]
struct Rate {
    newest: i64,
    unfinished: Vec<i64>,
    percent: Option<f64>,
    counted: Instant,
}

impl Rate {
    fn is_of(&self, standing: &Standing, now: Instant) -> bool {
        self.newest == standing.newest.id.0
            && self.unfinished == standing.unfinished
            && now.saturating_duration_since(self.counted) < KEPT
    }
}

impl JobList {
    /// The jobs after `after`, at most `limit`. Costs two queries; one more when a run was made or
    /// ended since the last call.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub(crate) async fn page(
        &self,
        db: &Db,
        after: Option<JobId>,
        limit: i64,
    ) -> Result<Vec<JobView>, StoreError> {
        let mut conn = db.get().await?;
        let jobs = job_configurations::list(&mut conn, after, limit).await?;
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let standings = job_executions::standings(&mut conn, &ids).await?;
        let now = Instant::now();
        let unknown: Vec<JobId> = {
            let rates = self.0.lock().expect("nobody panics while holding this lock");
            let is_known = |standing: &&Standing| {
                rates.get(&standing.newest.job_id.0).is_some_and(|rate| rate.is_of(standing, now))
            };
            let unknown = standings.iter().filter(|standing| !is_known(standing));
            unknown.map(|standing| standing.newest.job_id).collect()
        };
        // Counted after the standings were read: what it counts more, the next standings tell.
        let counted = if unknown.is_empty() {
            Vec::new()
        } else {
            job_executions::summarize(&mut conn, &unknown).await?
        };
        drop(conn);

        let mut rates = self.0.lock().expect("nobody panics while holding this lock");
        let mut of_jobs: HashMap<i64, Standing> =
            standings.into_iter().map(|standing| (standing.newest.job_id.0, standing)).collect();
        for summary in counted {
            if let Some(standing) = of_jobs.get(&summary.job_id) {
                let rate = Rate {
                    newest: standing.newest.id.0,
                    unfinished: standing.unfinished.clone(),
                    percent: summary.success_rate(),
                    counted: now,
                };
                rates.insert(summary.job_id, rate);
            }
        }
        let view = |job: JobConfiguration| {
            let standing = of_jobs.remove(&job.id.0);
            let rate = standing.as_ref().and_then(|_| rates.get(&job.id.0)?.percent);
            let running =
                standing.as_ref().and_then(|standing| standing.unfinished.first().copied());
            JobView {
                last_execution: standing.map(|standing| standing.newest),
                running_execution_id: running.map(ExecutionId),
                success_rate: rate,
                job,
            }
        };
        let views = jobs.into_iter().map(view).collect();
        // Of deleted jobs nobody asks any more.
        rates.retain(|_, rate| now.saturating_duration_since(rate.counted) < KEPT * 2);
        Ok(views)
    }
}
