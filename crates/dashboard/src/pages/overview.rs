//! Whether all is well, in five seconds, and if not, what is not.

use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId, ExecutionStatus};
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage::{self, Filter, JobView};
use riftwatch_store::run_history::{self, HourCount, Present, Span};
use riftwatch_store::{StoreError, job_configurations, job_executions};

use super::riot::{RouteRow, routes};
use crate::charts::{self, Hour};
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::site::Site;
use crate::words;

/// Hours in the chart.
const HOURS: i64 = 24;

/// A tick is late when it is overdue by so many seconds.
const LATE_S: i64 = 5;

/// A run that no worker takes is stuck after so many seconds.
const WAITING_S: i64 = 30;

/// Something that is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Whether something is broken; else it wants to be known.
    pub(crate) bad: bool,
    pub(crate) text: String,
    pub(crate) href: String,
}

/// What costs a scan of many runs.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    hours: Vec<HourCount>,
    today: Span,
    week_before: Span,
}

/// Asks for what costs a scan of many runs, or takes it from memory.
pub(crate) async fn figures(site: &Site) -> Result<Figures, StoreError> {
    let store = &site.api.deps.store;
    let day = site
        .day
        .get(async || {
            let mut conn = store.get().await?;
            let now = job_configurations::now(&mut conn).await?;
            run_history::by_hour(&mut conn, first_hour(now)).await
        })
        .await?;
    // Only there do runs still come, and nearly all that end began there.
    let last = site
        .last_hours
        .get(async || {
            let mut conn = store.get().await?;
            let now = job_configurations::now(&mut conn).await?;
            run_history::by_hour(&mut conn, first_hour(now) + TimeDelta::hours(HOURS - 2)).await
        })
        .await?;
    let fresh = last.first().map(|count| count.hour);
    let settled = day.into_iter().filter(|count| fresh.is_none_or(|fresh| count.hour < fresh));
    let hours = settled.chain(last).collect();
    let today = site
        .today
        .get(async || {
            let mut conn = store.get().await?;
            let now = job_configurations::now(&mut conn).await?;
            run_history::span(&mut conn, now - TimeDelta::days(1), now).await
        })
        .await?;
    let week_before = site
        .week_before
        .get(async || {
            let mut conn = store.get().await?;
            let now = job_configurations::now(&mut conn).await?;
            run_history::span(&mut conn, now - TimeDelta::days(8), now - TimeDelta::days(1)).await
        })
        .await?;
    Ok(Figures { hours, today, week_before })
}

fn first_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(HOURS - 1)
}

fn bars(counts: &[HourCount], now: DateTime<Utc>) -> Vec<Hour> {
    let first = first_hour(now);
    (0..HOURS)
        .map(|hour| {
            let start = first + TimeDelta::hours(hour);
            let of = |wanted: &[&str]| {
                counts
                    .iter()
                    .filter(|count| count.hour == start && wanted.contains(&count.status.as_str()))
                    .map(|count| count.count)
                    .sum()
            };
            Hour {
                start,
                success: of(&["success"]),
                failed: of(&["failed"]),
                cancelled: of(&["cancelled"]),
                unfinished: of(&["pending", "running"]),
            }
        })
        .collect()
}

/// A number of today beside that of the week before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Compared {
    now: String,
    before: String,
}

fn compared(now: Option<f64>, before: Option<f64>, say: fn(f64) -> String) -> Compared {
    Compared {
        now: now.map_or_else(|| "–".to_owned(), say),
        before: before.map_or_else(
            || "none the week before".to_owned(),
            |before| format!("{} the week before", say(before)),
        ),
    }
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) run: Execution,
    pub(crate) since: Markup,
    pub(crate) percent: u8,
}

pub(crate) fn running(run: Execution, now: DateTime<Utc>) -> Running {
    Running {
        since: words::when(run.started_at.unwrap_or(run.created_at), now),
        percent: run.progress.as_ref().map_or(0, riftwatch_domain::execution::Progress::percent),
        run,
    }
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    shell: Shell,
    problems: Vec<Problem>,
    broken: bool,
    present: Present,
    total_jobs: usize,
    active_jobs: usize,
    late_jobs: usize,
    successes: i64,
    failures: i64,
    success: Compared,
    p95: Compared,
    running: Vec<Running>,
    next: Vec<(JobView, Markup)>,
    chart: Markup,
    hours: Vec<Hour>,
    no_jobs: bool,
    tracked: i64,
    routes: Vec<RouteRow>,
    stop_why: &'static str,
}

/// `GET /`
pub(crate) async fn show(cx: Cx) -> Result<HttpResponse, PageError> {
    let present = {
        let mut conn = cx.conn().await?;
        run_history::present(&mut conn).await?
    };
    let now = present.now;
    let jobs = jobs(&cx.site).await?;
    let figures = figures(&cx.site).await?;
    let unfinished = Filter { status: Some(ExecutionStatus::Running), ..Filter::default() };
    let runs = manage::executions(cx.db(), &unfinished, None, 8).await?.items;
    let waiting = Filter { status: Some(ExecutionStatus::Pending), ..Filter::default() };
    let pending = manage::executions(cx.db(), &waiting, None, 50).await?.items;
    let routes = routes(&cx).await?;
    let key_refused = cx.api().riot_client.as_ref().is_some_and(|client| client.key_refused());
    let problems = problems(&Signs {
        present: &present,
        jobs: &jobs,
        running: &runs,
        pending: &pending,
        routes: &routes,
        key_refused,
        default_timeout_s: cx.api().runner_config.default_timeout.as_secs(),
    });
    let mut next: Vec<JobView> = jobs
        .iter()
        .filter(|view| {
            view.job.enabled && view.job.pause.is_none() && view.job.next_run_at.is_some()
        })
        .cloned()
        .collect();
    next.sort_by_key(|view| view.job.next_run_at);
    next.truncate(8);
    let tracked = {
        let mut conn = cx.conn().await?;
        riftwatch_store::players::tracked_since(&mut conn, None, None, 1).await?.len()
    };
    let hours = bars(&figures.hours, now);
    let sum = |of: fn(&Hour) -> i64| hours.iter().map(of).sum::<i64>();
    let (successes, failures) = (sum(|hour| hour.success), sum(|hour| hour.failed));
    let day = Span { successes, failures, p95_s: figures.today.p95_s };
    let active = |view: &&JobView| view.job.enabled && view.job.pause.is_none();
    let shell = cx.live(Section::Overview, "Overview");
    let page = Page {
        broken: problems.iter().any(|problem| problem.bad),
        problems,
        success: compared(day.success_rate(), figures.week_before.success_rate(), words::percent),
        p95: compared(figures.today.p95_s, figures.week_before.p95_s, words::duration),
        running: runs.into_iter().map(|run| running(run, now)).collect(),
        next: next
            .into_iter()
            .map(|view| {
                let at =
                    view.job.next_run_at.map_or_else(Markup::default, |at| words::when(at, now));
                (view, at)
            })
            .collect(),
        chart: charts::hours(&hours),
        hours,
        no_jobs: jobs.is_empty(),
        total_jobs: jobs.len(),
        active_jobs: jobs.iter().filter(active).count(),
        late_jobs: jobs.iter().filter(active).filter(|view| is_late(&view.job, now)).count(),
        successes,
        failures,
        tracked: i64::try_from(tracked).unwrap_or(1),
        routes,
        present,
        stop_why: super::operator(&shell),
        shell,
    };
    cx.page(&page)
}

/// Every job, as it was a second ago at most; the first 200 of them. Their success rates, which cost
/// a look at a thousand runs each, are as they were 15 seconds ago at most.
pub(crate) async fn jobs(site: &Site) -> Result<Vec<JobView>, StoreError> {
    site.jobs
        .get(async || {
            let mut conn = site.api.deps.store.get().await?;
            let jobs = job_configurations::list(&mut conn, None, 200).await?;
            let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
            let mut latest = job_executions::latest(&mut conn, &ids).await?;
            let summaries = site
                .summaries
                .get(async || job_executions::summarize(&mut conn, &ids).await)
                .await?;
            let views = jobs.into_iter().map(|job| {
                let last = latest.iter().position(|run| run.job_id == job.id);
                let last_execution = last.map(|place| latest.swap_remove(place));
                let summary = summaries.iter().find(|summary| summary.job_id == job.id.0);
                JobView {
                    running_execution_id: last_execution
                        .as_ref()
                        .filter(|run| !run.status.is_final())
                        .map(|run| ExecutionId(run.id.0)),
                    success_rate: summary.and_then(|summary| summary.success_rate()),
                    last_execution,
                    job,
                }
            });
            Ok(views.collect())
        })
        .await
}

/// One job; as [`jobs`] has it, if it is among those.
pub(crate) async fn job(site: &Site, id: JobId) -> Result<JobView, PageError> {
    let known = jobs(site).await?.into_iter().find(|view| view.job.id == id);
    match known {
        Some(view) => Ok(view),
        None => Ok(manage::find(&site.api.deps.store, id).await?),
    }
}

/// Whether its tick is overdue.
fn is_late(job: &JobConfiguration, now: DateTime<Utc>) -> bool {
    let waits = job.enabled && job.pause.is_none() && !job.manual_only;
    waits && job.next_run_at.is_some_and(|next| next < now - TimeDelta::seconds(LATE_S))
}

/// What problems are seen in.
struct Signs<'a> {
    present: &'a Present,
    jobs: &'a [JobView],
    running: &'a [Execution],
    pending: &'a [Execution],
    routes: &'a [RouteRow],
    key_refused: bool,
    default_timeout_s: u64,
}

fn problems(signs: &Signs<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say =
        |bad: bool, text: String, href: String| problems.push(Problem { bad, text, href });
    let now = signs.present.now;
    if signs.present.live_workers == 0 {
        say(true, "No worker is alive: nothing runs.".to_owned(), "/riot#workers".to_owned());
    }
    if signs.present.live_schedulers == 0 {
        say(
            true,
            "No process makes ticks: only runs asked for by hand begin.".to_owned(),
            "/riot#workers".to_owned(),
        );
    }
    if signs.key_refused {
        say(
            true,
            "Riot refuses the API key. Everything that asks Riot waits for another.".to_owned(),
            "/settings".to_owned(),
        );
    }
    for route in signs.routes.iter().filter(|route| route.used_up) {
        let next = route.next_free.as_deref().unwrap_or("soon");
        say(
            false,
            format!("The Riot budget of {} is used up; next free {next}.", route.name),
            "/riot".to_owned(),
        );
    }
    for view in signs.jobs {
        let (job, href) = (&view.job, format!("/jobs/{}", view.job.id));
        if let Some(last) =
            view.last_execution.as_ref().filter(|last| last.status == ExecutionStatus::Failed)
        {
            let why = last.error.as_deref().map_or("", |error| error.lines().next().unwrap_or(""));
            let why: String = why.chars().take(120).collect();
            let colon = if why.is_empty() { "" } else { ": " };
            say(
                true,
                format!("{} failed in its last run{colon}{why}", job.name),
                format!("/runs/{}", last.id),
            );
        }
        let waits = job.enabled && job.pause.is_none() && !job.manual_only;
        if let Some(next) =
            job.next_run_at.filter(|next| waits && *next < now - TimeDelta::seconds(LATE_S))
        {
            say(
                true,
                format!("{} is late: its tick was due {}.", job.name, words::relative(next, now)),
                href.clone(),
            );
        }
        if let Some(pause) = &job.pause {
            let why =
                pause.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            let until = pause
                .until
                .map_or_else(String::new, |until| format!(", until {}", words::absolute(until)));
            say(false, format!("{} is paused{until}{why}", job.name), href);
        }
    }
    for run in signs.running {
        let Some(started) = run.started_at else { continue };
        let own = signs.jobs.iter().find(|view| view.job.id == run.job_id);
        let limit = own
            .and_then(|view| view.job.timeout_seconds)
            .map_or(signs.default_timeout_s, |seconds| seconds.unsigned_abs().into());
        let limit = TimeDelta::seconds(i64::try_from(limit).unwrap_or(i64::MAX / 2_000) + 10);
        if now - started > limit {
            say(
                true,
                format!("Run {} of {} goes on past its time limit.", run.id, run.job_name),
                format!("/runs/{}", run.id),
            );
        }
    }
    let stuck: Vec<&Execution> = signs
        .pending
        .iter()
        .filter(|run| now - run.created_at > TimeDelta::seconds(WAITING_S))
        .collect();
    if let Some(oldest) = stuck.last() {
        say(
            true,
            format!(
                "{} wait for a worker; the oldest was due {}.",
                if stuck.len() == 1 { "1 run".to_owned() } else { format!("{} runs", stuck.len()) },
                words::relative(oldest.created_at, now)
            ),
            "/runs?status=pending".to_owned(),
        );
    }
    problems.sort_by_key(|problem| !problem.bad);
    problems
}
