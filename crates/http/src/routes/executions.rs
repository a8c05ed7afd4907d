//! Runs: listed, looked into, cancelled.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures::stream;
use riftwatch_domain::execution::{
    Execution, ExecutionId, ExecutionReason, ExecutionStatus, Trigger,
};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Filter, LineFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audit::Acting;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{NoArgs, PathArg, QueryArgs, question, time};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::executions::{ExecutionView, LogLineView, LogPageView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListArgs {
    /// `pending`, `running`, `success`, `failed` or `cancelled`.
    #[param(value_type = Option<String>)]
    status: Option<ExecutionStatus>,
    /// Why they ended so.
    #[param(value_type = Option<String>)]
    reason: Option<ExecutionReason>,
    /// `schedule`, `manual`, `retry` or `cli`.
    #[param(value_type = Option<String>)]
    trigger: Option<Trigger>,
    /// Only runs that became due at this time or later.
    #[serde(default, deserialize_with = "time")]
    since: Option<DateTime<Utc>>,
    /// Only runs that became due before this time.
    #[serde(default, deserialize_with = "time")]
    until: Option<DateTime<Utc>>,
    /// Only runs of this type.
    job_type: Option<String>,
    /// Whether items have `log_data`.
    include_log_data: Option<bool>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Runs of every job, newest first.
#[utoipa::path(get, path = "/api/v1/jobs/executions", tag = "jobs", params(ListArgs),
    responses((status = 200, body = List<ExecutionView>)))]
pub(crate) async fn list(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Json<List<ExecutionView>>, ApiError> {
    Ok(Json(page(&api, None, args).await?))
}

/// A job's runs, newest first; also of a job that was deleted.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/executions", tag = "jobs",
    params(("job_id" = i64, Path), ListArgs),
    responses(
        (status = 200, body = List<ExecutionView>),
        (status = 404, body = ErrorEnvelope, description = "No such job, and none that left runs"),
    ))]
pub(crate) async fn of_job(
    api: Data<Api>,
    PathArg(id): PathArg<JobId>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Json<List<ExecutionView>>, ApiError> {
    let page = page(&api, Some(id), args).await?;
    if page.items.is_empty() {
        // Nothing matches, or nothing is there: a deleted job's runs tell that it was.
        let any = Filter { job_id: Some(id), ..Filter::default() };
        let store = &api.deps.store;
        if manage::executions(store, &any, None, 1).await?.items.is_empty() {
            manage::find(store, id).await?;
        }
    }
    Ok(Json(page))
}

async fn page(
    api: &Api,
    job_id: Option<JobId>,
    args: ListArgs,
) -> Result<List<ExecutionView>, ApiError> {
    let page: Page<i64> = Page::of("executions", args.limit, args.cursor.as_deref())?;
    let filter = Filter {
        job_id,
        job_type: args.job_type,
        status: args.status,
        reason: args.reason,
        trigger: args.trigger,
        since: args.since,
        until: args.until,
    };
    let before = page.after().copied().map(ExecutionId);
    let runs = manage::executions(&api.deps.store, &filter, before, page.rows()).await?;
    let view = if args.include_log_data == Some(true) {
        ExecutionView::with_log_data
    } else {
        ExecutionView::brief
    };
    Ok(page.answer(runs.items, |run: &Execution| run.id.0, view))
}

/// One run with everything.
#[utoipa::path(get, path = "/api/v1/jobs/executions/{execution_id}", tag = "jobs",
    params(("execution_id" = i64, Path)),
    responses(
        (status = 200, body = ExecutionView),
        (status = 404, body = ErrorEnvelope, description = "No such run"),
    ))]
pub(crate) async fn show(
    api: Data<Api>,
    PathArg(id): PathArg<ExecutionId>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let look = async || {
        let found = manage::find_execution(&api.deps.store, id).await?;
        Ok(ExecutionView::whole(found.execution, found.expected_end_at))
    };
    api.flights.ask(question(&req), look).await
}

/// A run's end was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancelRequested {
    execution_id: i64,
    message: String,
}

/// End a run: a pending one at once, a running one as soon as it reacts, two seconds at most.
#[utoipa::path(post, path = "/api/v1/jobs/executions/{execution_id}/cancel", tag = "jobs",
    params(("execution_id" = i64, Path)),
    responses(
        (status = 202, body = CancelRequested),
        (status = 404, body = ErrorEnvelope, description = "No such run"),
        (status = 409, body = ErrorEnvelope, description = "It has ended"),
    ))]
pub(crate) async fn cancel(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<ExecutionId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    let begun = manage::cancel(&api.deps.store, id, &actor).await?;
    let message = if begun {
        format!("execution {id} was told to stop")
    } else {
        format!("execution {id} is cancelled")
    };
    Ok(HttpResponse::Accepted().json(CancelRequested { execution_id: id.0, message }))
}

/// How a log is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A page.
    Json,
    /// All of it, a line of JSON for each line.
    Jsonl,
}

/// Levels, the most severe first.
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// Lines read at once for a download.
const CHUNK: i64 = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogArgs {
    /// Only lines after this number: `next_after` of the page before.
    #[param(minimum = 0, default = 0)]
    after: Option<i32>,
    /// Only lines of this level and more severe ones: `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`.
    level: Option<String>,
    /// Only lines whose message has this text, in any case.
    text: Option<String>,
    /// `json`, or `jsonl` for a download of all lines.
    #[param(value_type = Option<String>)]
    format: Option<LogFormat>,
    /// Lines on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// What a run logged, in order.
#[utoipa::path(get, path = "/api/v1/jobs/executions/{execution_id}/logs", tag = "jobs",
    params(("execution_id" = i64, Path), LogArgs),
    responses(
        (status = 200, content((LogPageView = "application/json"), (String = "application/x-ndjson"))),
        (status = 404, body = ErrorEnvelope, description = "No such run"),
    ))]
pub(crate) async fn logs(
    api: Data<Api>,
    PathArg(id): PathArg<ExecutionId>,
    QueryArgs(args): QueryArgs<LogArgs>,
) -> Result<HttpResponse, ApiError> {
    let invalid =
        |field: &str, message: String| ApiError::new(Code::InvalidQuery, message).field(field);
    let after = args.after.unwrap_or(0);
    if after < 0 {
        return Err(invalid("after", "expected 0 or more".to_owned()));
    }
    let filter = LineFilter { levels: levels(args.level.as_deref())?, text: args.text };
    if args.format == Some(LogFormat::Jsonl) {
        return download(api, id, after, filter).await;
    }
    let limit = Page::<i32>::of("logs", args.limit, None)?.rows() - 1;
    let page = manage::logs(&api.deps.store, id, after, &filter, limit).await?;
    Ok(HttpResponse::Ok().json(LogPageView::from(page)))
}

fn levels(level: Option<&str>) -> Result<Vec<String>, ApiError> {
    let Some(level) = level else { return Ok(Vec::new()) };
    match LEVELS.iter().position(|known| known.eq_ignore_ascii_case(level)) {
        Some(last) => Ok(LEVELS[..=last].iter().map(ToString::to_string).collect()),
        None => {
            let message = format!("expected one of {}", LEVELS.join(", "));
            Err(ApiError::new(Code::InvalidQuery, message).field("level"))
        }
    }
}

/// Sends all lines, a chunk in memory at a time.
async fn download(
    api: Data<Api>,
    id: ExecutionId,
    after: i32,
    filter: LineFilter,
) -> Result<HttpResponse, ApiError> {
    // Asked for at once, so that an unknown run is a proper failure.
    let first = manage::logs(&api.deps.store, id, after, &filter, CHUNK).await?;
    let lines = stream::try_unfold(Some(first), move |page| {
        let (api, filter) = (Data::clone(&api), filter.clone());
        async move {
            let Some(page) = page.filter(|page| !page.items.is_empty()) else { return Ok(None) };
            let full = i64::try_from(page.items.len()).is_ok_and(|count| count == CHUNK);
            let next_after = page.next_after;
            let mut text = Vec::new();
            for line in page.items {
                serde_json::to_writer(&mut text, &LogLineView::from(line))?;
                text.push(b'\n');
            }
            let next = if full {
                Some(manage::logs(&api.deps.store, id, next_after, &filter, CHUNK).await?)
            } else {
                None
            };
            Ok::<_, Box<dyn std::error::Error>>(Some((Bytes::from(text), next)))
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-ndjson"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"execution-{id}.jsonl\""),
        ))
        .streaming(lines))
}
