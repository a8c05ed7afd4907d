//! How the runtime behaves in one process.

use std::time::Duration;

use riftwatch_store::job_executions::Retention;

/// How the runtime behaves in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerConfig {
    /// Whether this process makes ticks (`JOB_SCHEDULER_ENABLED`). Any number of processes may.
    pub scheduler_enabled: bool,
    /// Whether this process runs jobs.
    pub worker_enabled: bool,
    /// Time between ticks of a job that has neither interval nor cron (`JOB_INTERVAL_SECONDS`).
    pub default_interval: Duration,
    /// The most a run may take whose job has no limit of its own (`JOB_TIMEOUT_SECONDS`).
    pub default_timeout: Duration,
    /// How long running jobs may go on after a shutdown began (`JOB_SHUTDOWN_GRACE_SECONDS`).
    pub shutdown_grace: Duration,
    /// The most runs side by side in this process.
    pub concurrency: usize,
    /// How long a process may be silent before others close its runs as lost. It stops its own runs
    /// after two thirds of it; a database that is away for less costs nothing.
    pub lease: Duration,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// The longest that metrics, notes and progress of a running job stay in memory only.
    pub flush: Duration,
    /// The longest that its log lines do.
    pub log_flush: Duration,
    /// Time between looks at the tables when no notification comes: the floor, not the usual way.
    pub poll: Duration,
    /// Time between probes of the notifications' connection.
    pub probe: Duration,
    /// Log lines kept from the beginning of a run, and as many from its end. Of those at its end,
    /// the newest hundred can be seen while it goes on.
    pub log_lines: usize,
    /// How far back missed ticks are made up for under the misfire policy `all`.
    pub misfire_window: Duration,
    /// How late a tick may be under the misfire policy `skip` and still count.
    pub misfire_grace: Duration,
    /// Losses in a row after which a job is taken to kill its process, and paused.
    pub quarantine_after: u32,
    /// Which ended runs are kept, with their logs. `None`: all. Versions of jobs stay as long after
    /// they were replaced, and the newest hundred of each job for ever.
    pub retention: Option<Retention>,
    /// Time between rounds of upkeep: partitions, retention, dead processes.
    pub upkeep: Duration,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            scheduler_enabled: true,
            worker_enabled: true,
            default_interval: Duration::from_secs(120),
            default_timeout: Duration::from_secs(600),
            shutdown_grace: Duration::from_secs(30),
            concurrency: 16,
            lease: Duration::from_secs(15),
            heartbeat: Duration::from_secs(1),
            flush: Duration::from_secs(1),
            log_flush: Duration::from_millis(100),
            poll: Duration::from_millis(500),
            probe: Duration::from_secs(5),
            log_lines: 1000,
            misfire_window: Duration::from_secs(24 * 3600),
            misfire_grace: Duration::from_secs(5),
            quarantine_after: 3,
            retention: Some(Retention {
                age: Duration::from_secs(30 * 24 * 3600),
                per_job: 10_000,
            }),
            upkeep: Duration::from_secs(60),
        }
    }
}

impl RunnerConfig {
    /// When a process that cannot write its heartbeat stops its runs: two thirds of the lease.
    pub(crate) fn fence_after(&self) -> Duration {
        self.lease * 2 / 3
    }
}
