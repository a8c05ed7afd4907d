//! Runs, as they happen.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use riftwatch_domain::execution::ExecutionId;
use riftwatch_runner::manage;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorEnvelope};
use crate::events::{EVENT_STREAM, Feed, Scope, listen};
use crate::extract::{PathArg, QueryArgs};
use crate::state::Api;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventArgs {
    /// The `id` of the last event that was received, where the header `Last-Event-ID` cannot be set.
    last_event_id: Option<String>,
}

impl EventArgs {
    /// The header wins: it is what a browser sends when it comes back by itself.
    fn last(self, req: &HttpRequest) -> Option<String> {
        let header = req
            .headers()
            .get(LAST_EVENT_ID)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        header.or(self.last_event_id).filter(|id| !id.is_empty())
    }
}

/// Everything that happens in runs, from now on, as server-sent events.
///
/// `status`, `progress`, `metrics`, `log` and `end`, each with JSON as `data`, and `hello` first.
/// With `Last-Event-ID`, in whichever process, it goes on behind that event, and nothing is missing
/// or comes twice.
#[utoipa::path(get, path = "/api/v1/jobs/events", tag = "jobs",
    params(("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received"), EventArgs),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 503, body = ErrorEnvelope, description = "Too many streams are open: see Retry-After"),
    ))]
pub(crate) async fn all(
    feed: Data<Arc<Feed>>,
    QueryArgs(args): QueryArgs<EventArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    answer(&feed, &req, Scope::All, args).await
}

/// What happens in one run, from its first log line to its end, as server-sent events.
///
/// As `/api/v1/jobs/events`. Closes after the event `end`; whoever comes back with its id gets 204.
#[utoipa::path(get, path = "/api/v1/jobs/executions/{execution_id}/events", tag = "jobs",
    params(
        ("execution_id" = i64, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received"),
        EventArgs,
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 204, description = "Everything was told already"),
        (status = 404, body = ErrorEnvelope, description = "No such run"),
        (status = 503, body = ErrorEnvelope, description = "Too many streams are open: see Retry-After"),
    ))]
pub(crate) async fn of_run(
    api: Data<Api>,
    feed: Data<Arc<Feed>>,
    PathArg(id): PathArg<ExecutionId>,
    QueryArgs(args): QueryArgs<EventArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    manage::find_execution(&api.deps.store, id).await?;
    answer(&feed, &req, Scope::Run(id.0), args).await
}

async fn answer(
    feed: &Arc<Feed>,
    req: &HttpRequest,
    scope: Scope,
    args: EventArgs,
) -> Result<HttpResponse, ApiError> {
    if req.method() == Method::HEAD {
        // A stream without an end would keep the connection, though none of it is sent.
        return Ok(HttpResponse::Ok().content_type(EVENT_STREAM).finish());
    }
    listen(feed, scope, args.last(req).as_deref()).await
}
