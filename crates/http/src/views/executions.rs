//! Runs and what they logged.

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{Execution, LogLine, Progress};
use riftwatch_runner::manage::LogPage;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One run of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExecutionView {
    id: i64,
    /// The job, which may have been deleted since.
    job_id: i64,
    /// The job's name at the time.
    job_name: String,
    job_type: String,
    /// Which of the job's runs side by side, from 0.
    slot: i32,
    /// 1, and one more for each retry.
    attempt: i32,
    /// `pending`, `running`, `success`, `failed` or `cancelled`.
    status: &'static str,
    /// Why it ended so: `completed`, `partial`, `rate_limited`, `error`, `timeout`, `panicked`,
    /// `lost`, `shutdown`, `invalid_config`, `unknown_job_type` or `cancelled`.
    reason: Option<&'static str>,
    /// What started it: `schedule`, `manual`, `retry` or `cli`.
    trigger: &'static str,
    /// Who asked for it.
    requested_by: Option<String>,
    /// The run that this one repeats.
    retry_of: Option<i64>,
    /// Nominal time of its tick.
    scheduled_for: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    /// Null before the end.
    duration_seconds: Option<f64>,
    /// Numbers by name; while it runs, as of the last few seconds.
    #[schema(value_type = Object)]
    metrics: Value,
    /// What the job noted; on failure also `error`. In lists only with `include_log_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    log_data: Option<Value>,
    /// The whole chain of causes.
    error: Option<String>,
    progress: Option<ProgressView>,
    /// The start of a process that runs or ran it.
    worker_id: Option<String>,
    /// Version of the configuration that it runs with.
    config_version: Option<i64>,
    /// The settings that it runs with. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    config_snapshot: Option<Value>,
    /// When somebody asked for its end.
    cancel_requested_at: Option<DateTime<Utc>>,
    /// When it may be done, if that can be told. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_end_at: Option<DateTime<Utc>>,
    /// When it became due.
    created_at: DateTime<Utc>,
}

/// How far a run is.
#[derive(Debug, Serialize, ToSchema)]
struct ProgressView {
    done: u64,
    total: u64,
    /// 0 to 100.
    percent: u8,
    message: String,
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        Self {
            percent: progress.percent(),
            done: progress.done,
            total: progress.total,
            message: progress.message,
        }
    }
}

impl ExecutionView {
    /// As lists have it.
    pub(crate) fn brief(run: Execution) -> Self {
        Self { log_data: None, config_snapshot: None, ..Self::whole(run, None) }
    }

    /// As lists have it on request.
    pub(crate) fn with_log_data(run: Execution) -> Self {
        Self { config_snapshot: None, ..Self::whole(run, None) }
    }

    /// With everything.
    pub(crate) fn whole(run: Execution, expected_end_at: Option<DateTime<Utc>>) -> Self {
        Self {
            duration_seconds: run.duration_seconds(),
            id: run.id.0,
            job_id: run.job_id.0,
            job_name: run.job_name,
            job_type: run.job_type,
            slot: run.slot,
            attempt: run.attempt,
            status: run.status.as_str(),
            reason: run.reason.map(|reason| reason.as_str()),
            trigger: run.trigger.as_str(),
            requested_by: run.requested_by,
            retry_of: run.retry_of.map(|id| id.0),
            scheduled_for: run.scheduled_for,
            started_at: run.started_at,
            ended_at: run.ended_at,
            metrics: run.metrics,
            log_data: Some(run.log_data),
            error: run.error,
            progress: run.progress.map(ProgressView::from),
            worker_id: run.worker_id,
            config_version: run.config_version,
            config_snapshot: run.config_snapshot,
            cancel_requested_at: run.cancel_requested_at,
            expected_end_at,
            created_at: run.created_at,
        }
    }
}

/// Lines of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPageView {
    items: Vec<LogLineView>,
    /// Give it as `after` for what follows; while the run goes on, lines may still come.
    next_after: i32,
    /// Whether the run has ended, so that an empty page is the end.
    ended: bool,
}

impl From<LogPage> for LogPageView {
    fn from(page: LogPage) -> Self {
        Self {
            items: page.items.into_iter().map(LogLineView::from).collect(),
            next_after: page.next_after,
            ended: page.ended,
        }
    }
}

/// A line that a run logged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLineView {
    /// Number within the run, from 1. A gap is where lines were cut.
    seq: i32,
    at: DateTime<Utc>,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    level: String,
    /// Where in the code.
    target: String,
    message: String,
    #[schema(value_type = Object)]
    fields: Value,
}

impl From<LogLine> for LogLineView {
    fn from(line: LogLine) -> Self {
        Self {
            seq: line.seq,
            at: line.at,
            level: line.level,
            target: line.target,
            message: line.message,
            fields: line.fields,
        }
    }
}
