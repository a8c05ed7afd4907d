//! Runs over all jobs: filtered, counted, and what their failures have in common.

use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use riftwatch_domain::execution::{
    Execution, ExecutionId, ExecutionReason, ExecutionStatus, Trigger,
};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, FailureGroup, Filter};

use crate::args::Args;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Runs on a page.
const ROWS: i64 = 50;

/// A choice of a filter, as a link that takes it or leaves it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) text: String,
    pub(crate) count: Option<String>,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

/// A list of choices.
#[derive(Debug)]
pub(crate) struct Facet {
    pub(crate) name: &'static str,
    pub(crate) chips: Vec<Chip>,
}

/// What the address asks for. Its words are those of the API.
pub(crate) fn filter(args: &Args) -> Filter {
    Filter {
        job_id: args.read("job").map(JobId),
        job_type: args.get("type").map(ToOwned::to_owned),
        status: args.read::<ExecutionStatus>("status"),
        reason: args.read::<ExecutionReason>("reason"),
        trigger: args.read::<Trigger>("trigger"),
        since: args.get("since").and_then(moment),
        until: args.get("until").and_then(moment),
    }
}

/// A time as a field for date and time has it, or as the API has it.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| {
            let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok()?;
            Some(local.and_utc())
        })
        .or_else(|| {
            let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some(day.and_hms_opt(0, 0, 0)?.and_utc())
        })
}

struct Row {
    run: Execution,
    at: Markup,
    took: String,
    error: String,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Page {
    shell: Shell,
    facets: Vec<Facet>,
    capped: bool,
    rows: Vec<Row>,
    next: Option<String>,
    first: Option<String>,
    since: String,
    until: String,
    hidden: Vec<(String, String)>,
    any_filter: bool,
    retry: Option<String>,
    cancel: Option<String>,
    why: &'static str,
}

/// `GET /runs`
pub(crate) async fn list(cx: Cx) -> Result<HttpResponse, PageError> {
    let filter = filter(&cx.args);
    let before = cx.args.read("before").map(ExecutionId);
    let page = manage::executions(cx.db(), &filter, before, ROWS).await?;
    // Where the list goes on makes no difference to them.
    let asked = cx.args.without("before").href("");
    let facets =
        cx.site.facets.get(&asked, async || manage::facets(cx.db(), &filter).await).await?;
    let jobs = super::overview::jobs(&cx.site).await?;
    let name = |id: JobId| {
        jobs.iter()
            .find(|view| view.job.id == id)
            .map_or_else(|| format!("job {id}, deleted"), |view| view.job.name.clone())
    };
    let chip = |key: &str, value: &str, text: String, count: i64| {
        let chosen = cx.args.get(key) == Some(value);
        let to = if chosen { cx.args.without(key) } else { cx.args.with(key, value) };
        Chip { text, count: Some(words::count(count)), href: to.href("/runs"), chosen }
    };
    let now = cx.now();
    let lists = vec![
        Facet {
            name: "Status",
            chips: facets
                .statuses
                .iter()
                .map(|(status, count)| chip("status", status.as_str(), status.to_string(), *count))
                .collect(),
        },
        Facet {
            name: "Reason",
            chips: facets
                .reasons
                .iter()
                .map(|(reason, count)| {
                    chip("reason", reason.as_str(), words::spaced(reason.as_str()), *count)
                })
                .collect(),
        },
        Facet {
            name: "Job",
            chips: facets
                .jobs
                .iter()
                .take(12)
                .map(|(id, count)| chip("job", &id.to_string(), name(*id), *count))
                .collect(),
        },
        Facet {
            name: "Type",
            chips: if facets.job_types.len() > 1 || filter.job_type.is_some() {
                facets
                    .job_types
                    .iter()
                    .map(|(kind, count)| chip("type", kind, kind.clone(), *count))
                    .collect()
            } else {
                Vec::new()
            },
        },
    ];
    let shell = cx.live(Section::Runs, "Runs");
    let narrowed = |status: &str| cx.args.with("wish", status).href("/runs/bulk");
    let could =
        |wanted: &[ExecutionStatus]| filter.status.is_none_or(|status| wanted.contains(&status));
    let page = Page {
        facets: lists.into_iter().filter(|facet| !facet.chips.is_empty()).collect(),
        capped: facets.capped,
        next: page.next_cursor.map(|id| cx.args.with("before", &id.to_string()).href("/runs")),
        first: before.map(|_| cx.args.without("before").href("/runs")),
        since: cx.args.text("since").to_owned(),
        until: cx.args.text("until").to_owned(),
        hidden: cx.args.without("since").without("until").pairs().to_vec(),
        any_filter: filter != Filter::default(),
        retry: could(&[ExecutionStatus::Failed, ExecutionStatus::Cancelled])
            .then(|| narrowed("retry")),
        cancel: could(&[ExecutionStatus::Pending, ExecutionStatus::Running])
            .then(|| narrowed("cancel")),
        why: super::operator(&shell),
        rows: page.items.into_iter().map(|run| row(run, now)).collect(),
        shell,
    };
    cx.page(&page)
}

fn row(run: Execution, now: DateTime<Utc>) -> Row {
    Row {
        at: words::when(run.started_at.unwrap_or(run.created_at), now),
        took: run.duration_seconds().map_or_else(|| "–".to_owned(), words::duration),
        error: run
            .error
            .as_deref()
            .map_or_else(String::new, |error| error.chars().take(160).collect()),
        run,
    }
}

/// Failures that have their error in common.
struct Group {
    group: FailureGroup,
    first: Markup,
    last: Markup,
    /// Their jobs.
    names: Vec<(i64, String)>,
}

#[derive(Template)]
#[template(path = "failures.html")]
struct Failures {
    shell: Shell,
    groups: Vec<Group>,
    spans: Vec<Chip>,
    span: &'static str,
}

/// How far back, in the address and in words.
const SPANS: [(&str, &str, i64); 4] = [
    ("1h", "the last hour", 1),
    ("24h", "the last 24 hours", 24),
    ("7d", "the last 7 days", 168),
    ("30d", "the last 30 days", 720),
];

/// `GET /runs/failures`
pub(crate) async fn failures(cx: Cx) -> Result<HttpResponse, PageError> {
    let asked = cx.args.get("span").unwrap_or("24h");
    let (key, span, hours) = SPANS.into_iter().find(|(key, ..)| *key == asked).unwrap_or(SPANS[1]);
    let now = cx.now();
    // Up to ten thousand errors are read for it: anew only when another run has failed.
    let failed = Filter { status: Some(ExecutionStatus::Failed), ..Filter::default() };
    let newest = manage::executions(cx.db(), &failed, None, 1).await?.items;
    let asked = format!("{key} {:?}", newest.first().map(|run| run.id));
    let since = now - TimeDelta::hours(hours);
    let made = async || manage::failure_groups(cx.db(), since, 100).await;
    let groups = cx.site.failures.get(&asked, made).await?;
    let jobs = super::overview::jobs(&cx.site).await?;
    let groups = groups
        .into_iter()
        .map(|group| {
            let names = group
                .job_ids
                .iter()
                .map(|id| {
                    let known = jobs.iter().find(|view| view.job.id.0 == *id);
                    (*id, known.map_or_else(|| format!("job {id}"), |view| view.job.name.clone()))
                })
                .collect();
            let (first, last) = (words::when(group.first_at, now), words::when(group.last_at, now));
            Group { group, first, last, names }
        })
        .collect();
    let spans = SPANS
        .into_iter()
        .map(|(other, words, _)| Chip {
            text: words.to_owned(),
            count: None,
            href: cx.args.with("span", other).href("/runs/failures"),
            chosen: other == key,
        })
        .collect();
    let page = Failures { shell: cx.live(Section::Runs, "Failures"), groups, spans, span };
    cx.page(&page)
}
