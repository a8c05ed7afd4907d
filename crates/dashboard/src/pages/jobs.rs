//! Every job in a row: whether it is on, when it runs, how its last runs went.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;
use riftwatch_domain::execution::ExecutionStatus;
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Filter, JobView};
use riftwatch_store::run_history::{self, Bar};

use super::overview::{Running, running};
use crate::charts;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Bars in a row.
const BARS: i64 = 30;

/// Jobs on a page.
const ROWS: i64 = 100;

struct Row {
    view: JobView,
    schedule: String,
    bars: Markup,
    last: Option<Markup>,
    next: Option<Markup>,
    running: Vec<Running>,
    rate: String,
    state: Option<String>,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct Page {
    shell: Shell,
    rows: Vec<Row>,
    next_page: Option<String>,
    query: String,
    types: Vec<(String, bool)>,
    why: &'static str,
}

/// `GET /jobs`
pub(crate) async fn list(cx: Cx) -> Result<HttpResponse, PageError> {
    let after: Option<i64> = cx.args.read("after");
    let (views, next_page) = match after {
        None => {
            let mut all = super::overview::jobs(&cx.site).await?;
            let more = all.len() > 100;
            all.truncate(100);
            let next = all.last().filter(|_| more).map(|view| view.job.id);
            (all, next)
        }
        Some(after) => {
            let page = manage::list(cx.db(), Some(JobId(after)), ROWS).await?;
            (page.items, page.next_cursor)
        }
    };
    let query = cx.args.text("q").to_lowercase();
    let wanted_type = cx.args.get("type");
    let views: Vec<JobView> = views
        .into_iter()
        .filter(|view| query.is_empty() || view.job.name.to_lowercase().contains(&query))
        .filter(|view| wanted_type.is_none_or(|wanted| view.job.job_type == wanted))
        .collect();
    let ids: Vec<JobId> = views.iter().map(|view| view.job.id).collect();
    let mut bars: HashMap<i64, Vec<Bar>> = HashMap::new();
    {
        let mut conn = cx.conn().await?;
        for bar in run_history::bars(&mut conn, &ids, BARS).await? {
            bars.entry(bar.job_id).or_default().push(bar);
        }
    }
    let filter = Filter { status: Some(ExecutionStatus::Running), ..Filter::default() };
    let mut runs = manage::executions(cx.db(), &filter, None, 200).await?.items;
    let now = cx.now();
    let config = &cx.api().runner_config;
    let rows = views
        .into_iter()
        .map(|view| {
            let mine = |run: &riftwatch_domain::execution::Execution| run.job_id == view.job.id;
            let running =
                runs.extract_if(.., |run| mine(run)).map(|run| running(run, now)).collect();
            Row {
                schedule: words::schedule(&view.job, config),
                bars: charts::spark(bars.get(&view.job.id.0).map_or(&[], Vec::as_slice)),
                last: view.last_execution.as_ref().map(|run| {
                    words::when(run.ended_at.or(run.started_at).unwrap_or(run.created_at), now)
                }),
                next: view
                    .job
                    .next_run_at
                    .filter(|_| view.job.enabled && view.job.pause.is_none())
                    .map(|at| words::when(at, now)),
                running,
                rate: view.success_rate.map_or_else(|| "–".to_owned(), words::percent),
                state: state(&view),
                view,
            }
        })
        .collect();
    let shell = cx.live(Section::Jobs, "Jobs");
    let page = Page {
        rows,
        next_page: next_page.map(|id| cx.args.with("after", &id.to_string()).href("/jobs")),
        types: cx
            .api()
            .catalog
            .types()
            .map(|kind| (kind.kind.to_owned(), wanted_type == Some(kind.kind)))
            .collect(),
        query: cx.args.text("q").to_owned(),
        why: super::operator(&shell),
        shell,
    };
    cx.page(&page)
}

/// Why a job does not run by itself.
pub(crate) fn state(view: &JobView) -> Option<String> {
    let job = &view.job;
    if let Some(pause) = &job.pause {
        let why = pause.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
        return Some(format!("paused{why}"));
    }
    (!job.enabled).then(|| "switched off".to_owned())
}
