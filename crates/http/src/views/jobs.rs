//! Jobs and job types.

use chrono::{DateTime, Utc};
use riftwatch_riot::limiter::{LimiterSnapshot, RouteSnapshot};
use riftwatch_runner::JobType;
use riftwatch_runner::manage::{self, Overview};
use riftwatch_runner::schedule::Fire;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::executions::ExecutionView;

/// A job, and what its runs say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    id: i64,
    /// What people call it; unique.
    name: String,
    /// Which code it runs.
    job_type: String,
    /// Seconds between ticks; null with `cron`, and for the program's default.
    interval_seconds: Option<i32>,
    /// Five fields, or six with seconds first; read in `time_zone`.
    cron: Option<String>,
    /// An IANA zone.
    time_zone: String,
    /// No schedule: it runs when somebody asks.
    manual_only: bool,
    /// The most seconds by which a tick is put off.
    jitter_seconds: i32,
    enabled: bool,
    /// The job type's own settings; what is not there has its default.
    #[schema(value_type = Object)]
    config_json: Value,
    /// The most seconds a run may take; null: the program's default.
    timeout_seconds: Option<i32>,
    /// How many of its runs may go on side by side.
    max_instances: i32,
    /// What becomes of ticks that nobody made in time: `once`, `all` or `skip`.
    misfire_policy: &'static str,
    /// Raised by every edit; what `If-Match` takes.
    version: i64,
    /// Since when its schedule is held back.
    paused_at: Option<DateTime<Utc>>,
    paused_reason: Option<String>,
    /// When the pause ends by itself.
    paused_until: Option<DateTime<Utc>>,
    /// The next tick.
    next_run_at: Option<DateTime<Utc>>,
    /// Nominal time of the last tick.
    last_run_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Its newest run.
    last_execution: Option<ExecutionView>,
    /// Its oldest run that has not ended.
    running_execution_id: Option<i64>,
    /// Successes among successes and failures of its last thousand runs, in percent.
    success_rate: Option<f64>,
}

impl JobView {
    /// What `ETag` says and `If-Match` takes.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

impl From<manage::JobView> for JobView {
    fn from(view: manage::JobView) -> Self {
        let job = view.job;
        Self {
            id: job.id.0,
            name: job.name,
            job_type: job.job_type,
            interval_seconds: job.interval_seconds,
            cron: job.cron,
            time_zone: job.time_zone,
            manual_only: job.manual_only,
            jitter_seconds: job.jitter_seconds,
            enabled: job.enabled,
            config_json: job.config_json,
            timeout_seconds: job.timeout_seconds,
            max_instances: job.max_instances,
            misfire_policy: job.misfire_policy.as_str(),
            version: job.version,
            paused_at: job.pause.as_ref().map(|pause| pause.since),
            paused_reason: job.pause.as_ref().and_then(|pause| pause.reason.clone()),
            paused_until: job.pause.and_then(|pause| pause.until),
            next_run_at: job.next_run_at,
            last_run_at: job.last_run_at,
            created_at: job.created_at,
            updated_at: job.updated_at,
            last_execution: view.last_execution.map(ExecutionView::brief),
            running_execution_id: view.running_execution_id.map(|id| id.0),
            success_rate: view.success_rate,
        }
    }
}

/// A type of job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobTypeView {
    /// What `job_type` takes.
    job_type: &'static str,
    description: &'static str,
    /// Seconds between ticks in the job that the first start makes.
    default_interval_seconds: u64,
    /// Whether that job is enabled.
    default_enabled: bool,
    /// JSON schema of `config_json`.
    #[schema(value_type = Object)]
    config_schema: Value,
    /// What holds where `config_json` says nothing.
    #[schema(value_type = Object)]
    default_config: Value,
}

impl From<&JobType> for JobTypeView {
    fn from(job_type: &JobType) -> Self {
        Self {
            job_type: job_type.kind,
            description: job_type.description,
            default_interval_seconds: job_type.default_interval.as_secs(),
            default_enabled: job_type.default_enabled,
            config_schema: job_type.schema.clone(),
            default_config: job_type.default_config.clone(),
        }
    }
}

/// One fire of a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FireView {
    /// The instant.
    at: DateTime<Utc>,
    /// The wall clock of the zone.
    #[schema(example = "2026-03-29T03:00:00+02:00")]
    local: String,
    /// The zone's offset is another than at the fire before: daylight saving began or ended.
    offset_changed: bool,
}

impl From<Fire> for FireView {
    fn from(fire: Fire) -> Self {
        Self { at: fire.at, local: fire.local, offset_changed: fire.offset_changed }
    }
}

/// The whole system at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverviewView {
    /// Whether a living process makes ticks.
    scheduler_running: bool,
    /// Jobs in all.
    total_jobs: i64,
    /// Jobs whose schedule counts: enabled, not paused.
    active_jobs: i64,
    /// Runs that go on.
    running_executions: i64,
    /// Runs that wait for a worker.
    pending_executions: i64,
    /// The newest run.
    last_execution: Option<ExecutionView>,
    /// The soonest tick of an active job.
    next_run_time: Option<DateTime<Utc>>,
    /// Active jobs whose tick is more than two seconds overdue.
    late_jobs: i64,
    /// Processes that run jobs.
    live_workers: i64,
    last_24_hours: LastDayView,
    /// What the Riot key has left on each route used so far, as this process sees it; null when it
    /// has no client.
    rate_limits: Option<Vec<RouteView>>,
    /// Now, by the database's clock.
    now: DateTime<Utc>,
}

/// Ends of runs that became due in the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
struct LastDayView {
    success: i64,
    failed: i64,
    cancelled: i64,
    /// Successes among successes and failures, in percent.
    success_rate: Option<f64>,
}

/// What the Riot key has left on one route.
#[derive(Debug, Serialize, ToSchema)]
struct RouteView {
    #[schema(example = "europe")]
    route: &'static str,
    /// Whether Riot has told the limits; else they are guessed.
    limits_known: bool,
    /// How long a refusal still stops the route.
    blocked_seconds: f64,
    /// Calls that wait for their turn.
    waiting: usize,
    windows: Vec<WindowView>,
}

/// One window of a limit.
#[derive(Debug, Serialize, ToSchema)]
struct WindowView {
    /// Requests allowed …
    limit: u32,
    /// … in so many seconds.
    period_seconds: u64,
    /// Requests left.
    free: u64,
}

impl OverviewView {
    pub(crate) fn new(
        overview: &Overview,
        last_execution: Option<ExecutionView>,
        limits: Option<LimiterSnapshot>,
    ) -> Self {
        Self {
            scheduler_running: overview.live_schedulers > 0,
            total_jobs: overview.total_jobs,
            active_jobs: overview.active_jobs,
            running_executions: overview.running_executions,
            pending_executions: overview.pending_executions,
            last_execution,
            next_run_time: overview.next_run_time,
            late_jobs: overview.late_jobs,
            live_workers: overview.live_workers,
            last_24_hours: LastDayView {
                success: overview.successes_24h,
                failed: overview.failures_24h,
                cancelled: overview.cancelled_24h,
                success_rate: overview.success_rate_24h(),
            },
            rate_limits: limits.map(|limits| limits.routes.iter().map(RouteView::from).collect()),
            now: overview.now,
        }
    }
}

impl From<&RouteSnapshot> for RouteView {
    fn from(route: &RouteSnapshot) -> Self {
        Self {
            route: route.route.as_str(),
            limits_known: route.limits_known,
            blocked_seconds: route.blocked_for.as_secs_f64(),
            waiting: route.waiting().total(),
            windows: route
                .windows
                .iter()
                .map(|window| WindowView {
                    limit: window.limit,
                    period_seconds: window.period.as_secs(),
                    free: window.free,
                })
                .collect(),
        }
    }
}
