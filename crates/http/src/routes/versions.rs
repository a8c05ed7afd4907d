//! What jobs were, and making them so again.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage;
use serde::Deserialize;
use utoipa::ToSchema;

use super::jobs::{answer, refused_edit};
use crate::audit::Acting;
use crate::error::{ApiError, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs, if_match};
use crate::paging::{List, ListArgs, Page};
use crate::state::Api;
use crate::views::history::VersionView;
use crate::views::jobs::JobView;

/// Every version of a job, newest first; also of a job that was deleted.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/versions", tag = "jobs",
    params(("job_id" = i64, Path), ListArgs),
    responses(
        (status = 200, body = List<VersionView>),
        (status = 404, body = ErrorEnvelope, description = "No such job, and none that was"),
    ))]
pub(crate) async fn list(
    api: Data<Api>,
    PathArg(id): PathArg<JobId>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Json<List<VersionView>>, ApiError> {
    let page: Page<i64> = args.page("versions")?;
    let before = page.after().copied();
    let versions = manage::versions(&api.deps.store, id, before, page.rows()).await?;
    if versions.items.is_empty() && before.is_none() {
        manage::find(&api.deps.store, id).await?;
    }
    Ok(Json(page.answer(versions.items, |view| view.version.version, VersionView::from)))
}

/// Which version to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with version")]
pub(crate) struct RestoreRequest {
    /// One of those under `/versions`.
    version: i64,
}

/// Make a job what it was. That is an edit: it makes a new version.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/restore", tag = "jobs",
    params(("job_id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The version that is to be replaced, in quotes")),
    request_body = RestoreRequest,
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job, or no such version"),
        (status = 409, body = ErrorEnvelope, description = "Another job has the name that it had"),
        (status = 412, body = ErrorEnvelope, description = "`If-Match` is not the present version"),
        (status = 422, body = ErrorEnvelope, description = "What it was does not fit any more"),
    ))]
pub(crate) async fn restore(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
    JsonBody(wish): JsonBody<RestoreRequest>,
) -> Result<HttpResponse, ApiError> {
    let expected = if_match(&req)?;
    let (store, catalog, config) = (&api.deps.store, &api.catalog, &api.runner_config);
    manage::restore(store, catalog, config, id, wish.version, expected, &actor)
        .await
        .map(answer)
        .map_err(|error| refused_edit(&req, error))
}
