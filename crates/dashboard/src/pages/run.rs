//! One run: how it came to begin, how far it is, what it counted, how it ended, what it logged.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId, ExecutionStatus, LogLine};
use riftwatch_runner::manage::{self, Filter, LineFilter, ManageError};
use serde_json::Value;

use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Lines of a log on a page.
const LINES: i64 = 500;

/// Runs that metrics are compared with.
const COMPARED: i64 = 20;

/// Levels, the most severe first.
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// A step on the way of a run.
struct Step {
    name: &'static str,
    class: &'static str,
    at: Option<Markup>,
    /// What happened until then.
    note: String,
}

/// A metric beside those of the runs before.
struct Metric {
    name: String,
    value: String,
    median: Option<String>,
    change: Option<String>,
}

struct Line {
    line: LogLine,
    time: String,
    fields: String,
    /// Lines that are missing before this one.
    missing: i32,
}

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    shell: Shell,
    run: Execution,
    steps: Vec<Step>,
    percent: u8,
    eta: Option<Markup>,
    metrics: Vec<Metric>,
    compared: usize,
    result: Option<String>,
    chain: Vec<String>,
    similar: Option<String>,
    config: Option<String>,
    lines: Vec<Line>,
    last_seq: i32,
    next_lines: Option<String>,
    first_lines: Option<String>,
    levels: Vec<(&'static str, bool)>,
    level: String,
    text: String,
    follow: bool,
    cancel_why: &'static str,
    retry_why: &'static str,
    ended: bool,
}

/// `GET /runs/{execution_id}`
pub(crate) async fn show(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let id = ExecutionId(*id);
    let found = manage::find_execution(cx.db(), id).await?;
    let run = found.execution;
    let now = cx.now();

    let wanted = Filter {
        job_id: Some(run.job_id),
        status: Some(ExecutionStatus::Success),
        ..Filter::default()
    };
    let before = manage::executions(cx.db(), &wanted, Some(id), COMPARED).await?.items;

    let level = cx.args.get("level").map(str::to_uppercase);
    let level = level.filter(|level| LEVELS.contains(&level.as_str()));
    let shown = level.as_deref().and_then(|level| LEVELS.iter().position(|known| *known == level));
    let filter = LineFilter {
        levels: shown.map_or_else(Vec::new, |last| {
            LEVELS[..=last].iter().map(ToString::to_string).collect()
        }),
        text: cx.args.get("text").map(ToOwned::to_owned),
    };
    let after = cx.args.read::<i32>("after").unwrap_or(0).max(0);
    let log = manage::logs(cx.db(), id, after, &filter, LINES).await?;
    let full = i64::try_from(log.items.len()).is_ok_and(|count| count == LINES);
    let filtered = filter != LineFilter::default();

    let ended = run.status.is_final();
    let shell = cx.live(Section::Runs, format!("Run {id} of {}", run.job_name));
    let page = Page {
        steps: steps(&run, now),
        percent: run.progress.as_ref().map_or(0, riftwatch_domain::execution::Progress::percent),
        eta: found.expected_end_at.map(|at| words::when(at, now)),
        metrics: metrics(&run.metrics, &before),
        compared: before.len(),
        result: result(&run.log_data),
        chain: chain(&run),
        similar: run.error.as_ref().map(|_| format!("/runs?job={}&status=failed", run.job_id)),
        config: run
            .config_snapshot
            .as_ref()
            .map(|config| serde_json::to_string_pretty(config).unwrap_or_default()),
        last_seq: log.next_after,
        lines: lines(log.items, after, filtered),
        next_lines: full.then(|| {
            let to = cx.args.with("after", &log.next_after.to_string());
            format!("{}#log", to.href(&cx.path))
        }),
        first_lines: (after > 0)
            .then(|| format!("{}#log", cx.args.without("after").href(&cx.path))),
        levels: LEVELS.into_iter().map(|known| (known, level.as_deref() == Some(known))).collect(),
        level: level.unwrap_or_default(),
        text: cx.args.text("text").to_owned(),
        follow: !ended && !full,
        cancel_why: if ended {
            "it has ended"
        } else if run.cancel_requested_at.is_some() {
            "it was told to stop already"
        } else {
            super::operator(&shell)
        },
        retry_why: match run.status {
            ExecutionStatus::Failed | ExecutionStatus::Cancelled => super::operator(&shell),
            _ => "only failed and cancelled runs can be retried",
        },
        ended,
        run,
        shell,
    };
    cx.page(&page)
}

fn steps(run: &Execution, now: DateTime<Utc>) -> Vec<Step> {
    let due = run.scheduled_for.unwrap_or(run.created_at);
    let asked = run.requested_by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
    let first = match run.scheduled_for {
        Some(_) => "by its schedule".to_owned(),
        None => format!("asked for{asked}, {}", run.trigger),
    };
    let mut steps =
        vec![Step { name: "Due", class: "done", at: Some(words::when(due, now)), note: first }];
    let said = |from: DateTime<Utc>, to: DateTime<Utc>| {
        words::duration((to - from).as_seconds_f64().max(0.0))
    };
    if run.scheduled_for.is_some() {
        let late = (run.created_at - due).as_seconds_f64();
        steps.push(Step {
            name: "Tick made",
            class: "done",
            at: Some(words::when(run.created_at, now)),
            note: if late > 5.0 {
                format!(
                    "{} late: no process looked for ticks, or the run before took its slot",
                    words::duration(late)
                )
            } else {
                format!("after {}", said(due, run.created_at))
            },
        });
    }
    match run.started_at {
        Some(started) => {
            let waited = (started - run.created_at).as_seconds_f64();
            steps.push(Step {
                name: "Claimed, running",
                class: "done",
                at: Some(words::when(started, now)),
                note: if waited > 5.0 {
                    format!(
                        "waited {}: every worker's slots were taken, or none was alive",
                        words::duration(waited)
                    )
                } else {
                    format!("after {}", said(run.created_at, started))
                },
            });
        }
        None if run.status == ExecutionStatus::Pending => steps.push(Step {
            name: "Waiting",
            class: "",
            at: None,
            note: format!(
                "for {} until now, for a worker with a free slot",
                said(run.created_at, now)
            ),
        }),
        None => {}
    }
    if let Some(asked) = run.cancel_requested_at {
        steps.push(Step {
            name: "Told to stop",
            class: "done",
            at: Some(words::when(asked, now)),
            note: String::new(),
        });
    }
    let reason = run.reason.map_or("", |reason| reason.as_str());
    match (run.ended_at, run.started_at) {
        (Some(ended), started) => steps.push(Step {
            name: match run.status {
                ExecutionStatus::Failed => "Failed",
                ExecutionStatus::Cancelled => "Cancelled",
                _ => "Done",
            },
            class: if run.status == ExecutionStatus::Success { "done" } else { "bad" },
            at: Some(words::when(ended, now)),
            note: started.map_or_else(String::new, |started| {
                format!("after {}, {}", said(started, ended), words::spaced(reason))
            }),
        }),
        (None, Some(started)) => steps.push(Step {
            name: "Going on",
            class: "",
            at: None,
            note: format!("for {} until now", said(started, now)),
        }),
        (None, None) => {}
    }
    steps
}

/// Every metric beside the median of the successes before.
fn metrics(own: &Value, before: &[Execution]) -> Vec<Metric> {
    let Some(own) = own.as_object() else { return Vec::new() };
    own.iter()
        .map(|(name, value)| {
            let number = value.as_f64();
            let mut others: Vec<f64> =
                before.iter().filter_map(|run| run.metrics.get(name)?.as_f64()).collect();
            others.sort_by(f64::total_cmp);
            let median = (!others.is_empty()).then(|| others[others.len() / 2]);
            Metric {
                name: name.clone(),
                value: number.map_or_else(|| value.to_string(), words::number),
                median: median.map(words::number),
                change: number.zip(median).filter(|(_, median)| *median != 0.0).map(
                    |(value, median)| {
                        let change = (value - median) / median.abs() * 100.0;
                        if change.abs() < 0.5 {
                            "same".to_owned()
                        } else {
                            format!("{change:+.0} %")
                        }
                    },
                ),
            }
        })
        .collect()
}

/// What the job noted, without the error, which has its own place.
fn result(log_data: &Value) -> Option<String> {
    let mut noted = log_data.as_object()?.clone();
    noted.remove("error");
    noted.remove("error_causes");
    if noted.is_empty() {
        return None;
    }
    serde_json::to_string_pretty(&noted).ok()
}

/// The causes of an error, from what was seen to what lay behind it. An error that is one text, of a
/// hand-written `UPDATE` or of an older program, is not taken apart: its colons may be anything.
fn chain(run: &Execution) -> Vec<String> {
    let Some(error) = &run.error else { return Vec::new() };
    let causes: Option<Vec<String>> = run.log_data.get("error_causes").and_then(|causes| {
        let causes = causes.as_array()?.iter().map(|cause| cause.as_str().map(ToOwned::to_owned));
        causes.collect()
    });
    // A job may note what it likes under any name.
    causes.filter(|causes| causes.join(": ") == *error).unwrap_or_else(|| vec![error.clone()])
}

fn lines(lines: Vec<LogLine>, after: i32, filtered: bool) -> Vec<Line> {
    let mut last = after;
    lines
        .into_iter()
        .map(|line| {
            let missing = if filtered { 0 } else { line.seq - last - 1 };
            last = line.seq;
            let fields = line.fields.as_object().map_or_else(String::new, |fields| {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| match value {
                        Value::String(text) => format!("{name}={text}"),
                        other => format!("{name}={other}"),
                    })
                    .collect();
                fields.join(" ")
            });
            Line { time: line.at.format("%H:%M:%S%.3f").to_string(), fields, missing, line }
        })
        .collect()
}

/// `POST /runs/{execution_id}/cancel`
pub(crate) async fn cancel(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let to = format!("/runs/{id}");
    let asked = manage::cancel(cx.db(), ExecutionId(*id), &cx.actor()).await;
    cx.site.jobs.forget().await;
    match asked {
        Ok(true) => Ok(cx.done(&to, "The run was told to stop; it ends within two seconds.")),
        Ok(false) => Ok(cx.done(&to, "The run is cancelled.")),
        Err(error @ (ManageError::Store(_) | ManageError::NoExecution(_))) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}

/// `POST /runs/{execution_id}/retry`
pub(crate) async fn retry(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let to = format!("/runs/{id}");
    let asked = manage::retry(cx.db(), ExecutionId(*id), &cx.actor()).await;
    cx.site.jobs.forget().await;
    match asked {
        Ok(run) => Ok(cx.done(&format!("/runs/{run}"), format!("This run repeats run {id}."))),
        Err(error @ (ManageError::Store(_) | ManageError::NoExecution(_))) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}
