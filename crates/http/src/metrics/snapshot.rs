//! What the parts of the program say of themselves when somebody asks.

use chrono::{DateTime, Utc};
use riftwatch_app::circuit_breaker::{self, Breaker};
use riftwatch_domain::causes::chain;
use riftwatch_riot::limiter::{LimiterSnapshot, RouteSnapshot, WaitHistogram};
use riftwatch_runner::manage::{self, JobView, ManageError, Overview};
use riftwatch_store::{Db, StoreError};

use super::text::{Text, number};
use crate::state::Api;

/// The most jobs that have metrics of their own.
const JOBS: i64 = 500;

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted up to 2^52")]
fn signed(count: i64) -> f64 {
    count as f64
}

fn sized(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

/// What this process knows by itself.
pub(super) fn process(text: &mut Text, api: &Api, streams: usize) {
    text.gauge(
        "riftwatch_build_info",
        "Which program this is; always 1.",
        &[(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)],
    );
    text.gauge(
        "riftwatch_http_event_streams",
        "Event streams that are open.",
        &[(&[], sized(streams))],
    );
    pools(text, api);
    runtime(text, api);
    if let Some(client) = &api.riot_client {
        text.gauge(
            "riftwatch_riot_key_refused",
            "Whether Riot has refused the key, so that nothing is asked.",
            &[(&[], flag(client.key_refused()))],
        );
        limits(text, &client.limits());
    }
}

fn pools(text: &mut Text, api: &Api) {
    let mut pools: Vec<(&str, &Db)> = vec![("api", &api.deps.store)];
    pools.extend(api.jobs_store.as_ref().map(|store| ("jobs", store)));
    let usage: Vec<_> = pools.into_iter().map(|(name, db)| (name, db.usage())).collect();
    let name = "riftwatch_database_pool_connections";
    text.head(name, "Connections of a pool, by whether they are in use.", "gauge");
    for (pool, usage) in &usage {
        text.sample(name, &[("pool", pool), ("state", "in_use")], sized(usage.in_use));
        text.sample(name, &[("pool", pool), ("state", "idle")], sized(usage.idle));
    }
    let name = "riftwatch_database_pool_max_connections";
    text.head(name, "The most connections of a pool.", "gauge");
    for (pool, usage) in &usage {
        text.sample(name, &[("pool", pool)], sized(usage.max));
    }
    let name = "riftwatch_database_pool_waiting";
    text.head(name, "Callers that wait for a connection.", "gauge");
    for (pool, usage) in &usage {
        text.sample(name, &[("pool", pool)], sized(usage.waiting));
    }
}

fn runtime(text: &mut Text, api: &Api) {
    let Some(runner) = &api.runner else { return };
    let status = runner.status();
    let gauges = [
        (
            "riftwatch_scheduler_running",
            "Whether this process makes ticks, in time.",
            flag(status.scheduler_running),
        ),
        (
            "riftwatch_worker_running",
            "Whether this process takes runs.",
            flag(status.worker_running),
        ),
        (
            "riftwatch_worker_active_runs",
            "Runs that go on in this process.",
            sized(status.active.len()),
        ),
        (
            "riftwatch_worker_detached_runs",
            "Runs that ended while their code goes on.",
            sized(status.detached),
        ),
        (
            "riftwatch_worker_concurrency",
            "The most runs side by side in this process.",
            sized(status.concurrency),
        ),
        (
            "riftwatch_worker_heartbeat_age_seconds",
            "Since the last heartbeat that was written.",
            status.heartbeat_age.as_secs_f64(),
        ),
        (
            "riftwatch_notifications_listening",
            "Whether notifications of the database arrive; if not, it is polled.",
            flag(status.listening),
        ),
    ];
    for (name, help, value) in gauges {
        text.gauge(name, help, &[(&[], value)]);
    }
    text.counter(
        "riftwatch_scheduler_ticks_total",
        "Ticks that this process made.",
        &[(&[], number(status.ticks))],
    );
}

fn limits(text: &mut Text, limits: &LimiterSnapshot) {
    let routes = || limits.routes.iter().map(|route| (route.route.as_str(), route));
    let name = "riftwatch_riot_requests_total";
    text.head(name, "Requests sent to Riot, repetitions included.", "counter");
    for (route, snapshot) in routes() {
        for method in &snapshot.methods {
            text.sample(name, &[("route", route), ("method", method.method)], number(method.sent));
        }
    }
    let name = "riftwatch_riot_refusals_total";
    text.head(name, "Answers of status 429, by the scope that Riot named.", "counter");
    for (route, snapshot) in routes() {
        let refusals = snapshot.refusals();
        for (scope, count) in [
            ("application", refusals.application),
            ("method", refusals.method),
            ("service", refusals.service),
            ("untyped", refusals.untyped),
        ] {
            text.sample(name, &[("route", route), ("scope", scope)], number(count));
        }
    }
    windows(
        text,
        "riftwatch_riot_window_limit_requests",
        "Requests that the key may make in a window.",
        &limits.routes,
        |window| f64::from(window.limit),
    );
    windows(
        text,
        "riftwatch_riot_window_free_requests",
        "Requests that are left in a window.",
        &limits.routes,
        |window| number(window.free),
    );
    windows(
        text,
        "riftwatch_riot_window_utilisation_ratio",
        "Requests of this process against what the window allows, 0 to 1.",
        &limits.routes,
        |window| window.utilisation,
    );
    let name = "riftwatch_riot_waiting_calls";
    text.head(name, "Calls that wait for their turn.", "gauge");
    for (route, snapshot) in routes() {
        let waiting = snapshot.waiting();
        for (class, count) in [
            ("interactive", waiting.interactive),
            ("refresh", waiting.refresh),
            ("backfill", waiting.backfill),
        ] {
            text.sample(name, &[("route", route), ("class", class)], sized(count));
        }
    }
    let name = "riftwatch_riot_blocked_seconds";
    text.head(name, "How long a refusal still stops a route.", "gauge");
    for (route, snapshot) in routes() {
        text.sample(name, &[("route", route)], snapshot.blocked_for.as_secs_f64());
    }
    let name = "riftwatch_riot_job_requests_total";
    text.head(
        name,
        "Requests sent to Riot, by the job type that made them; empty: none.",
        "counter",
    );
    for (route, snapshot) in routes() {
        for job in &snapshot.jobs {
            text.sample(name, &[("route", route), ("job_type", &job.job)], number(job.sent));
        }
    }
    let name = "riftwatch_riot_wait_seconds";
    text.head(name, "How long calls waited for their turn.", "histogram");
    for (route, snapshot) in routes() {
        for (class, waits) in [
            ("interactive", &snapshot.waits.interactive),
            ("refresh", &snapshot.waits.refresh),
            ("backfill", &snapshot.waits.backfill),
        ] {
            let upper = WaitHistogram::upper_seconds();
            let labels = [("route", route), ("class", class)];
            text.histogram(name, &labels, &upper, &waits.counts, waits.sum_seconds);
        }
    }
}

fn windows(
    text: &mut Text,
    name: &str,
    help: &str,
    routes: &[RouteSnapshot],
    value: impl Fn(&riftwatch_riot::limiter::WindowSnapshot) -> f64,
) {
    text.head(name, help, "gauge");
    for route in routes {
        for window in &route.windows {
            let period = window.period.as_secs().to_string();
            let labels = [("route", route.route.as_str()), ("period_seconds", &*period)];
            text.sample(name, &labels, value(window));
        }
    }
}

/// What the tables say; the same in every process.
#[derive(Debug)]
pub(super) struct Stored {
    overview: Overview,
    jobs: Vec<JobView>,
    breaker: Breaker,
}

pub(super) async fn stored(api: &Api) -> Result<Stored, StoreError> {
    let told = |error: ManageError| match error {
        ManageError::Store(error) => error,
        error => StoreError::Unavailable(chain(&error).into()),
    };
    let store = &api.deps.store;
    let (overview, _) = manage::overview(store).await.map_err(told)?;
    let jobs = manage::list(store, None, JOBS).await.map_err(told)?.items;
    let mut conn = store.get().await?;
    let breaker = circuit_breaker::state(&mut conn, api.deps.clock.now()).await?;
    Ok(Stored { overview, jobs, breaker })
}

fn since_epoch(time: DateTime<Utc>) -> f64 {
    signed(time.timestamp_millis()) / 1000.0
}

impl Stored {
    pub(super) fn write(&self, text: &mut Text) {
        let overview = &self.overview;
        let name = "riftwatch_executions_last_day";
        text.head(name, "Ends of runs that became due in the last 24 hours.", "gauge");
        for (status, count) in [
            ("success", overview.successes_24h),
            ("failed", overview.failures_24h),
            ("cancelled", overview.cancelled_24h),
        ] {
            text.sample(name, &[("status", status)], signed(count));
        }
        let gauges = [
            ("riftwatch_jobs", "Jobs in all.", overview.total_jobs),
            (
                "riftwatch_jobs_active",
                "Jobs whose schedule counts: enabled, not paused.",
                overview.active_jobs,
            ),
            (
                "riftwatch_jobs_late",
                "Active jobs whose tick is more than two seconds overdue.",
                overview.late_jobs,
            ),
            (
                "riftwatch_executions_pending",
                "Runs that wait for a worker.",
                overview.pending_executions,
            ),
            ("riftwatch_executions_running", "Runs that go on.", overview.running_executions),
            ("riftwatch_workers_live", "Processes that run jobs.", overview.live_workers),
            ("riftwatch_schedulers_live", "Processes that make ticks.", overview.live_schedulers),
        ];
        for (name, help, value) in gauges {
            text.gauge(name, help, &[(&[], signed(value))]);
        }
        self.write_jobs(text);
        self.write_detector(text);
    }

    fn write_jobs(&self, text: &mut Text) {
        let per_job =
            |text: &mut Text, name: &str, help: &str, value: &dyn Fn(&JobView) -> Option<f64>| {
                text.head(name, help, "gauge");
                for job in &self.jobs {
                    if let Some(value) = value(job) {
                        text.sample(name, &[("job", &job.job.name)], value);
                    }
                }
            };
        per_job(
            text,
            "riftwatch_job_next_run_timestamp_seconds",
            "When a job's next tick is due.",
            &|job| job.job.next_run_at.map(since_epoch),
        );
        per_job(
            text,
            "riftwatch_job_last_end_timestamp_seconds",
            "When a job's newest run ended.",
            &|job| job.last_execution.as_ref()?.ended_at.map(since_epoch),
        );
        per_job(
            text,
            "riftwatch_job_last_duration_seconds",
            "How long a job's newest run took.",
            &|job| job.last_execution.as_ref()?.duration_seconds(),
        );
        per_job(
            text,
            "riftwatch_job_last_run_failed",
            "Whether a job's newest run failed.",
            &|job| {
                let status = job.last_execution.as_ref()?.status;
                Some(flag(status == riftwatch_domain::execution::ExecutionStatus::Failed))
            },
        );
        per_job(
            text,
            "riftwatch_job_success_ratio",
            "Successes among successes and failures of a job's last thousand runs, 0 to 1.",
            &|job| job.success_rate.map(|percent| percent / 100.0),
        );
    }

    fn write_detector(&self, text: &mut Text) {
        let breaker = &self.breaker;
        let gauges = [
            (
                "riftwatch_detector_circuit_breaker_open",
                "Whether the verdict that a pattern is unusual is kept back.",
                flag(breaker.open),
            ),
            (
                "riftwatch_detector_unusual_last_30_days",
                "Unusual results of the last 30 days, those kept back included.",
                signed(breaker.unusual_30_days),
            ),
            (
                "riftwatch_detector_false_positives_last_30_days",
                "Of these, found false by review.",
                signed(breaker.false_positives_30_days),
            ),
        ];
        for (name, help, value) in gauges {
            text.gauge(name, help, &[(&[], value)]);
        }
        let name = "riftwatch_detector_calibration_error_ratio";
        text.head(
            name,
            "Mean distance between probability and frequency, 0 to 1, in the worst recent month.",
            "gauge",
        );
        if let Some(error) = breaker.expected_calibration_error {
            text.sample(name, &[], error);
        }
    }
}
