//! Many runs at once: counted, grouped, retried, cancelled.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::execution::{ExecutionId, ExecutionReason, ExecutionStatus, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, BULK_CAP, BulkWish, Filter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::jobs::Triggered;
use crate::audit::Acting;
use crate::error::{ApiError, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs, time};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::history::{BulkView, FacetsView, FailureGroupView};

/// Run a failed or cancelled run's job again, with its settings as they are now.
#[utoipa::path(post, path = "/api/v1/jobs/executions/{execution_id}/retry", tag = "jobs",
    params(("execution_id" = i64, Path)),
    responses(
        (status = 202, body = Triggered, headers(("Location" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such run, or its job was deleted"),
        (status = 409, body = ErrorEnvelope, description = "It neither failed nor was cancelled, or the job is running"),
    ))]
pub(crate) async fn retry(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<ExecutionId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    let run = manage::retry(&api.deps.store, id, &actor).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/jobs/executions/{run}")))
        .json(Triggered::of(run)))
}

/// Which runs; what is not given holds for all.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object")]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    job_id: Option<i64>,
    job_type: Option<String>,
    /// `pending`, `running`, `success`, `failed` or `cancelled`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    status: Option<ExecutionStatus>,
    /// Why they ended so.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    reason: Option<ExecutionReason>,
    /// `schedule`, `manual`, `retry` or `cli`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    trigger: Option<Trigger>,
    /// Only runs that became due at this time or later.
    #[serde(deserialize_with = "time")]
    since: Option<DateTime<Utc>>,
    /// Only runs that became due before this time.
    #[serde(deserialize_with = "time")]
    until: Option<DateTime<Utc>>,
}

impl From<Selection> for Filter {
    fn from(selection: Selection) -> Self {
        Self {
            job_id: selection.job_id.map(JobId),
            job_type: selection.job_type,
            status: selection.status,
            reason: selection.reason,
            trigger: selection.trigger,
            since: selection.since,
            until: selection.until,
        }
    }
}

/// What to do with many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkAction {
    /// Run failed and cancelled ones again.
    Retry,
    /// End pending and running ones.
    Cancel,
}

/// A wish about many runs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with action and filter")]
pub(crate) struct BulkRequest {
    action: BulkAction,
    filter: Selection,
    /// Do nothing, and say how many runs it would be about.
    #[serde(default)]
    preview: bool,
}

/// Retry or cancel every run that matches, a thousand at most; or say how many that would be.
#[utoipa::path(post, path = "/api/v1/jobs/executions/bulk", tag = "jobs",
    request_body = BulkRequest,
    responses(
        (status = 200, body = BulkView),
        (status = 409, body = ErrorEnvelope, description = "More than a thousand match: nothing was done"),
    ))]
pub(crate) async fn bulk(
    api: Data<Api>,
    Acting(actor): Acting,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<BulkRequest>,
) -> Result<Json<BulkView>, ApiError> {
    let store = &api.deps.store;
    let filter = wish.filter.into();
    let view = match (wish.preview, wish.action) {
        (true, BulkAction::Retry) => manage::preview(store, &filter, BulkWish::Retry).await?.into(),
        (true, BulkAction::Cancel) => {
            manage::preview(store, &filter, BulkWish::Cancel).await?.into()
        }
        (false, BulkAction::Retry) => {
            BulkView::done(manage::retry_many(store, &filter, &actor).await?, BULK_CAP)
        }
        (false, BulkAction::Cancel) => {
            BulkView::done(manage::cancel_many(store, &filter, &actor).await?, BULK_CAP)
        }
    };
    Ok(Json(view))
}

/// Runs counted by status, reason, job type and job, over the newest 10,000.
#[utoipa::path(get, path = "/api/v1/jobs/executions/facets", tag = "jobs", params(Selection),
    responses((status = 200, body = FacetsView)))]
pub(crate) async fn facets(
    api: Data<Api>,
    QueryArgs(selection): QueryArgs<Selection>,
) -> Result<Json<FacetsView>, ApiError> {
    Ok(Json(manage::facets(&api.deps.store, &selection.into()).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FailureArgs {
    /// Only failures that ended at this time or later; without it, those of the last week.
    #[serde(default, deserialize_with = "time")]
    since: Option<DateTime<Utc>>,
    /// Groups at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// Failures, grouped by their error, the most frequent first.
///
/// Everything found is on one page: `next_cursor` is always null.
#[utoipa::path(get, path = "/api/v1/jobs/executions/failures", tag = "jobs", params(FailureArgs),
    responses((status = 200, body = List<FailureGroupView>)))]
pub(crate) async fn failures(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<FailureArgs>,
) -> Result<Json<List<FailureGroupView>>, ApiError> {
    let limit = Page::<i64>::of("failures", args.limit, None)?.rows() - 1;
    let since = args.since.unwrap_or_else(|| api.deps.clock.now() - TimeDelta::days(7));
    let groups = manage::failure_groups(&api.deps.store, since, limit).await?;
    let items = groups.into_iter().map(FailureGroupView::from).collect();
    Ok(Json(List { items, next_cursor: None }))
}
