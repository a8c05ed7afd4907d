//! One job: how it goes, when it goes on, and what may be done with it.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use riftwatch_domain::execution::Trigger;
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage::{self, AuditEntry, AuditFilter, JobChanges, JobView, ManageError};
use riftwatch_runner::schedule::Schedule;
use riftwatch_store::run_history::{self, Bar};

use crate::args::Args;
use crate::charts::{self, Dot};
use crate::cx::{Cx, Section, Shell, local};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Runs in the charts.
const RUNS: i64 = 90;

/// Fires that are foretold.
const FIRES: usize = 10;

/// A coming fire.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    pub(crate) at: Markup,
    /// On the wall clock of the job's zone.
    pub(crate) local: String,
    /// What daylight saving does to it.
    pub(crate) note: Option<String>,
}

/// The next fires of a job after now, with a note where its zone's clock was put forward or back
/// since the fire before.
pub(crate) fn coming(
    job: &JobConfiguration,
    schedule: &Schedule,
    now: DateTime<Utc>,
    count: usize,
) -> Vec<Coming> {
    use chrono::Offset as _;
    let zone: chrono_tz::Tz = job.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
    let mut fires = Vec::new();
    let mut last = now;
    let anchor = job.next_nominal_at.or(job.next_run_at).unwrap_or(now);
    let mut before = offset(now);
    while fires.len() < count {
        let Some(at) = schedule.next_after(anchor.min(last), last) else { break };
        let local = at.with_timezone(&zone);
        let after = offset(at);
        let note = (after != before).then(|| {
            let hours = f64::from(after - before) / 3600.0;
            let word = if hours > 0.0 { "forward" } else { "back" };
            format!(
                "the clock was put {word} by {} h since the fire before",
                words::number(hours.abs())
            )
        });
        fires.push(Coming {
            at: words::when(at, now),
            local: local.format("%a %d %b %Y %H:%M:%S %Z").to_string(),
            note,
        });
        before = after;
        last = at;
    }
    fires
}

#[derive(Template)]
#[template(path = "job.html")]
struct Page {
    shell: Shell,
    view: JobView,
    schedule: String,
    state: Option<String>,
    paused_until: Option<Markup>,
    history: Markup,
    runs: usize,
    durations: Markup,
    lateness: Markup,
    rows: Vec<(Bar, Markup, String, String)>,
    coming: Vec<Coming>,
    rate: String,
    last_error: Option<(i64, String)>,
    audit: Vec<(AuditEntry, Markup)>,
    config: String,
    timeout: String,
    description: &'static str,
    why: &'static str,
}

/// `GET /jobs/{job_id}`
pub(crate) async fn show(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let id = JobId(*id);
    let view = super::overview::job(&cx.site, id).await?;
    let now = cx.now();
    let bars = {
        let mut conn = cx.conn().await?;
        run_history::bars(&mut conn, &[id], RUNS).await?
    };
    let filter = AuditFilter { job_id: Some(id.0), ..AuditFilter::default() };
    let audit = manage::audit_entries(cx.db(), &filter, None, 8).await?.items;
    let job = &view.job;
    let config = &cx.api().runner_config;
    let coming = match Schedule::of(job, config.default_interval) {
        Ok(schedule) if job.enabled && job.pause.is_none() => coming(job, &schedule, now, FIRES),
        _ => Vec::new(),
    };
    let dots = |value: fn(&Bar) -> Option<f64>, say: fn(f64) -> String| -> Vec<Dot> {
        bars.iter()
            .rev()
            .filter_map(|bar| {
                let value = value(bar)?;
                Some(Dot {
                    value: value.max(0.0),
                    normal: bar.status == "success",
                    title: format!("run {}: {}, {}", bar.id, bar.status, say(value)),
                    href: format!("/runs/{}", bar.id),
                })
            })
            .collect()
    };
    let shell = cx.live(Section::Jobs, job.name.clone());
    let page = Page {
        schedule: words::schedule(job, config),
        state: super::jobs::state(&view),
        paused_until: job
            .pause
            .as_ref()
            .and_then(|pause| pause.until)
            .map(|at| words::when(at, now)),
        history: charts::history(&bars),
        runs: bars.len(),
        durations: charts::trend(
            &dots(Bar::duration_s, words::duration),
            "Duration",
            words::duration,
        ),
        lateness: charts::trend(
            &dots(Bar::lateness_s, words::duration),
            "Lateness",
            words::duration,
        ),
        rows: bars
            .iter()
            .take(10)
            .map(|bar| {
                let say =
                    |value: Option<f64>| value.map_or_else(|| "–".to_owned(), words::duration);
                (
                    bar.clone(),
                    words::when(bar.started_at.unwrap_or(bar.created_at), now),
                    say(bar.duration_s()),
                    say(bar.lateness_s()),
                )
            })
            .collect(),
        coming,
        rate: view.success_rate.map_or_else(|| "–".to_owned(), words::percent),
        last_error: view
            .last_execution
            .as_ref()
            .and_then(|run| Some((run.id.0, run.error.clone()?))),
        audit: audit
            .into_iter()
            .map(|entry| {
                let at = words::when(entry.at, now);
                (entry, at)
            })
            .collect(),
        config: serde_json::to_string_pretty(&job.config_json).unwrap_or_default(),
        timeout: words::duration(
            job.timeout_seconds.map_or_else(|| config.default_timeout.as_secs_f64(), f64::from),
        ),
        description: cx
            .api()
            .catalog
            .find(&job.job_type)
            .map_or("This process does not know the type; another one may.", |kind| {
                kind.description
            }),
        why: super::operator(&shell),
        view,
        shell,
    };
    cx.page(&page)
}

fn back(fields: &Args, id: i64) -> String {
    fields.get("back").map_or_else(|| format!("/jobs/{id}"), |to| local(to).to_owned())
}

/// What an action came to, told on the page that follows.
async fn told<T>(
    cx: &Cx,
    to: &str,
    result: Result<T, ManageError>,
    say: impl FnOnce(T) -> String,
) -> Result<HttpResponse, PageError> {
    cx.site.jobs.forget().await;
    match result {
        Ok(done) => Ok(cx.done(to, say(done))),
        Err(error @ (ManageError::Store(_) | ManageError::NoJob(_))) => Err(error.into()),
        Err(error) => Ok(cx.refused(to, sentence(&error.to_string()))),
    }
}

/// An error's text as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str().trim_end_matches('.'))
}

/// `POST /jobs/{job_id}/run`
pub(crate) async fn run(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let job = JobId(*id);
    let to = format!("/jobs/{id}");
    match manage::trigger(cx.db(), job, Trigger::Manual, &cx.actor()).await {
        Ok(run) => {
            cx.site.jobs.forget().await;
            Ok(cx.done(&format!("/runs/{run}"), format!("Run {run} was asked for; this is it.")))
        }
        Err(ManageError::AlreadyRunning { executions }) => {
            let at = executions.first().map_or(to, |run| format!("/runs/{run}"));
            Ok(cx.refused(&at, "The job runs already: this is the run."))
        }
        Err(error) => told(&cx, &to, Err::<(), _>(error), |()| String::new()).await,
    }
}

/// `POST /jobs/{job_id}/pause`
pub(crate) async fn pause(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let to = back(&fields, *id);
    let until = match fields.get("until") {
        None => None,
        // As a browser's field for date and time has it; it says UTC beside it.
        Some(text) => match NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M") {
            Ok(until) => Some(until.and_utc()),
            Err(_) => return Ok(cx.refused(&to, "The end of the pause cannot be read.")),
        },
    };
    let mut actor = cx.actor();
    if let Some(reason) = fields.get("reason") {
        actor = actor.because(reason);
    }
    let api = cx.api();
    let paused =
        manage::pause(cx.db(), &api.catalog, &api.runner_config, JobId(*id), until, &actor).await;
    told(&cx, &to, paused, |view| {
        format!("{} is paused. It can still be run by hand.", view.job.name)
    })
    .await
}

/// `POST /jobs/{job_id}/resume`
pub(crate) async fn resume(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let api = cx.api();
    let resumed =
        manage::resume(cx.db(), &api.catalog, &api.runner_config, JobId(*id), &cx.actor()).await;
    told(&cx, &format!("/jobs/{id}"), resumed, |view| format!("{} goes on.", view.job.name)).await
}

/// `POST /jobs/{job_id}/switch`
pub(crate) async fn switch(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let enabled = fields.get("enabled") == Some("true");
    let changes = JobChanges { enabled: Some(enabled), ..JobChanges::default() };
    let api = cx.api();
    let switched = manage::update(
        cx.db(),
        &api.catalog,
        &api.runner_config,
        JobId(*id),
        changes,
        None,
        &cx.actor(),
    )
    .await;
    told(&cx, &back(&fields, *id), switched, |view| {
        format!("{} is switched {}.", view.job.name, if enabled { "on" } else { "off" })
    })
    .await
}

/// `POST /jobs/{job_id}/delete`
pub(crate) async fn delete(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let deleted = manage::delete(cx.db(), JobId(*id), &cx.actor()).await;
    told(&cx, "/jobs", deleted, |()| format!("Job {id} is deleted. Its runs stay readable.")).await
}
