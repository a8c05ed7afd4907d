//! What has to be done now and then: partitions ahead, old runs out, dead processes out, and the
//! queue swept.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use riftwatch_store::{
    Conn, Db, StoreError, execution_logs, job_configurations, job_executions, workers,
};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::config::RunnerConfig;
use crate::control::Control;
use crate::job::chain_of;
use crate::link::{Link, on};

/// Runs removed by one statement: a few milliseconds of work.
const BATCH: i64 = 500;

/// Statements in a row before the next part of the upkeep has its turn.
const BATCHES: usize = 200;

/// Versions of a job that stay however old they are, of those that were replaced. With retention the
/// others stay as long as runs do, so that a run that is there finds the version it ran with.
pub const KEPT_VERSIONS: i64 = 100;

/// Rows of dead processes stay so long, for whoever wants to know what became of them.
const DEAD_WORKERS: Duration = Duration::from_secs(24 * 3600);

/// So many dead row versions make a sweep. Each run leaves one, and claims have to step over them.
const SWEEP_AT: i64 = 1000;

/// The shortest and the longest time between looks at the number of dead row versions.
const SWEEP_LOOK: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(300));

/// Sweeps the table of runs while it is busy. Autovacuum comes once a minute, and by then a busy
/// queue has left some ten thousand dead rows at its head.
pub(crate) async fn sweep(db: Db, control: Arc<Control>) {
    // A sweep of a large table may take long; giving up half-way would lose all of it.
    let mut link = Link::new(&db, "sweep").with_patience(Duration::from_secs(3600));
    let (mut wait, longest) = SWEEP_LOOK;
    while timeout(wait, control.draining.cancelled()).await.is_err() {
        match on!(link, conn => job_executions::dead_rows(conn)) {
            Ok(dead) if dead >= SWEEP_AT => {
                let swept = on!(link, conn => job_executions::vacuum(conn));
                let left = on!(link, conn => job_executions::dead_rows(conn)).unwrap_or(dead);
                // Somebody's old snapshot needs them, or the tables are not ours to sweep: there
                // is no use in trying again soon.
                let in_vain = swept.is_err() || left > dead / 2;
                wait = if in_vain { (wait * 2).min(longest) } else { SWEEP_LOOK.0 };
            }
            Ok(_) => wait = SWEEP_LOOK.0,
            Err(_) => wait = (wait * 2).min(longest),
        }
    }
}

/// Does the upkeep until the shutdown begins.
pub(crate) async fn run(db: Db, control: Arc<Control>) {
    let mut link = Link::new(&db, "upkeep");
    loop {
        let _ = on!(link, conn => round(conn, &control.config));
        if let Some(retention) = control.config.retention {
            for _ in 0..BATCHES {
                let gone = on!(link, conn => job_executions::prune(conn, retention, BATCH));
                let full = usize::try_from(BATCH).is_ok_and(|batch| gone.is_ok_and(|n| n >= batch));
                if !full || control.draining.is_cancelled() {
                    break;
                }
            }
            let age = retention.age;
            let _ = on!(link, conn => job_configurations::prune_versions(conn, age, KEPT_VERSIONS, BATCH));
        }
        if timeout(control.config.upkeep, control.draining.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// One round, without the old runs.
pub(crate) async fn round(conn: &mut Conn, config: &RunnerConfig) -> Result<(), StoreError> {
    let now = job_configurations::now(conn).await?;
    if let Err(error) = execution_logs::make_partitions(conn, now, 2).await {
        // Two processes at once, or lines of that week in the default partition: they stay there.
        debug!(error = chain_of(&error), "a partition for log lines was not made");
    }
    if let Some(retention) = config.retention {
        let age = TimeDelta::from_std(retention.age).unwrap_or(TimeDelta::MAX);
        if let Some(before) = now.checked_sub_signed(age)
            && let Err(error) = execution_logs::drop_partitions(conn, before).await
        {
            warn!(error = chain_of(&error), "old log lines were not dropped");
        }
    }
    workers::prune(conn, DEAD_WORKERS).await?;
    job_executions::cancel_pending(conn, None).await?;
    Ok(())
}
