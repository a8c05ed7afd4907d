//! Jobs: listed, made, edited, started by hand.

use actix_web::http::header::{ETAG, IF_MATCH, LOCATION};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{ExecutionId, Trigger};
use riftwatch_domain::job::{JobId, MisfirePolicy};
use riftwatch_runner::manage::{self, Actor, JobChanges, ManageError, NewJob};
use riftwatch_runner::schedule::{self, ScheduleError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::audit::Acting;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs, given, if_match, question};
use crate::paging::{List, ListArgs, Page};
use crate::state::Api;
use crate::views::executions::ExecutionView;
use crate::views::jobs::{FireView, JobTypeView, JobView, OverviewView};

/// Fires shown by a preview.
const PREVIEW: usize = 10;

/// Every job with its newest run.
#[utoipa::path(get, path = "/api/v1/jobs/", tag = "jobs", params(ListArgs),
    responses((status = 200, body = List<JobView>)))]
pub(crate) async fn list(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<ListArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let page: Page<i64> = args.page("jobs")?;
    let after = page.after().copied().map(JobId);
    let look = async || {
        let jobs = api.job_list.page(&api.deps.store, after, page.rows()).await?;
        Ok(page.answer(jobs, |job| job.job.id.0, JobView::from))
    };
    api.flights.ask(question(&req), look).await
}

/// A job to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with name and job_type")]
pub(crate) struct NewJobRequest {
    /// What people call it; unique.
    #[schema(example = "rank_monitor")]
    name: String,
    /// One of those under `/api/v1/jobs/types`.
    #[schema(example = "rank_monitor")]
    job_type: String,
    /// Seconds between ticks. Without it, `cron` and `manual_only`: the program's default.
    #[schema(minimum = 1, example = 300)]
    interval_seconds: Option<i32>,
    /// Five fields, or six with seconds first. Not together with `interval_seconds`.
    cron: Option<String>,
    /// The IANA zone that `cron` is read in; `UTC` unless said otherwise.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// No schedule: it runs when somebody asks.
    manual_only: Option<bool>,
    /// The most seconds by which a tick is put off.
    #[schema(minimum = 0)]
    jitter_seconds: Option<i32>,
    /// Whether its schedule counts; true unless said otherwise.
    enabled: Option<bool>,
    /// The job type's own settings.
    #[schema(value_type = Option<Object>)]
    config_json: Option<Value>,
    /// The most seconds a run may take.
    #[schema(minimum = 1)]
    timeout_seconds: Option<i32>,
    /// How many of its runs may go on side by side; 1 unless said otherwise.
    #[schema(minimum = 1, maximum = 1000)]
    max_instances: Option<i32>,
    /// What becomes of ticks that nobody made in time: `once` (unless said otherwise), `all`, `skip`.
    #[schema(value_type = Option<String>)]
    misfire_policy: Option<MisfirePolicy>,
}

impl From<NewJobRequest> for NewJob {
    fn from(wish: NewJobRequest) -> Self {
        let defaults = Self::new(wish.name, wish.job_type);
        Self {
            interval_seconds: wish.interval_seconds,
            cron: wish.cron,
            time_zone: wish.time_zone,
            manual_only: wish.manual_only.unwrap_or(defaults.manual_only),
            jitter_seconds: wish.jitter_seconds.unwrap_or(defaults.jitter_seconds),
            enabled: wish.enabled.unwrap_or(defaults.enabled),
            config_json: wish.config_json.unwrap_or_else(|| defaults.config_json.clone()),
            timeout_seconds: wish.timeout_seconds,
            max_instances: wish.max_instances.unwrap_or(defaults.max_instances),
            misfire_policy: wish.misfire_policy,
            ..defaults
        }
    }
}

/// Make a job.
#[utoipa::path(post, path = "/api/v1/jobs/", tag = "jobs", request_body = NewJobRequest,
    responses(
        (status = 201, body = JobView, headers(("Location" = String), ("ETag" = String))),
        (status = 409, body = ErrorEnvelope, description = "The name is taken"),
        (status = 422, body = ErrorEnvelope, description = "A field does not fit; `field` has its path"),
    ))]
pub(crate) async fn create(
    api: Data<Api>,
    Acting(actor): Acting,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<NewJobRequest>,
) -> Result<HttpResponse, ApiError> {
    let made =
        manage::create(&api.deps.store, &api.catalog, &api.runner_config, wish.into(), &actor)
            .await?;
    let job = JobView::from(made);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/api/v1/jobs/{}", job.id())))
        .insert_header((ETAG, job.etag()))
        .json(job))
}

/// Every job type that the program knows, with the schema of its settings.
#[utoipa::path(get, path = "/api/v1/jobs/types", tag = "jobs",
    responses((status = 200, body = List<JobTypeView>)))]
pub(crate) async fn types(api: Data<Api>, _: QueryArgs<NoArgs>) -> Json<List<JobTypeView>> {
    Json(List { items: api.catalog.types().map(JobTypeView::from).collect(), next_cursor: None })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewArgs {
    /// Five fields, or six with seconds first.
    #[param(example = "30 4 * * *")]
    cron: String,
    /// The IANA zone that it is read in; `UTC` unless said otherwise.
    #[param(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// The next ten fires of a cron expression, with daylight-saving changes marked.
#[utoipa::path(get, path = "/api/v1/jobs/schedule/preview", tag = "jobs", params(PreviewArgs),
    responses(
        (status = 200, body = List<FireView>),
        (status = 422, body = ErrorEnvelope, description = "No cron expression, or one that never fires"),
    ))]
pub(crate) async fn preview(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<PreviewArgs>,
) -> Result<Json<List<FireView>>, ApiError> {
    let time_zone = args.time_zone.as_deref().unwrap_or("UTC");
    let now = api.deps.clock.now();
    let fires = schedule::preview(&args.cron, time_zone, now, PREVIEW).map_err(|error| {
        let field = match error {
            ScheduleError::TimeZone(_) => "time_zone",
            _ => "cron",
        };
        ApiError::new(Code::ValidationFailed, error.to_string()).field(field)
    })?;
    Ok(Json(List { items: fires.into_iter().map(FireView::from).collect(), next_cursor: None }))
}

/// The whole system at a glance.
#[utoipa::path(get, path = "/api/v1/jobs/status/overview", tag = "jobs",
    responses((status = 200, body = OverviewView)))]
pub(crate) async fn overview(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<OverviewView>, ApiError> {
    let (overview, last) = manage::overview(&api.deps.store).await?;
    let limits = api.riot_client.as_ref().map(|client| client.limits());
    Ok(Json(OverviewView::new(&overview, last.map(ExecutionView::brief), limits)))
}

/// One job.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = i64, Path)),
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
    ))]
pub(crate) async fn show(
    api: Data<Api>,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    Ok(answer(manage::find(&api.deps.store, id).await?))
}

pub(super) fn answer(job: manage::JobView) -> HttpResponse {
    let job = JobView::from(job);
    HttpResponse::Ok().insert_header((ETAG, job.etag())).json(job)
}

/// An edit: what is not given stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object with the fields to change")]
pub(crate) struct JobChangesRequest {
    name: Option<String>,
    job_type: Option<String>,
    /// Seconds between ticks; takes the place of `cron`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    interval_seconds: Option<Option<i32>>,
    /// Takes the place of `interval_seconds`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    cron: Option<Option<String>>,
    time_zone: Option<String>,
    manual_only: Option<bool>,
    #[schema(minimum = 0)]
    jitter_seconds: Option<i32>,
    enabled: Option<bool>,
    /// The settings, whole: what is left out has its default again.
    #[schema(value_type = Option<Object>)]
    config_json: Option<Value>,
    /// Null: the program's default.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    timeout_seconds: Option<Option<i32>>,
    #[schema(minimum = 1, maximum = 1000)]
    max_instances: Option<i32>,
    #[schema(value_type = Option<String>)]
    misfire_policy: Option<MisfirePolicy>,
    /// The version that the edit was made for; another one now is a conflict. As `If-Match`.
    version: Option<i64>,
}

impl From<JobChangesRequest> for JobChanges {
    fn from(wish: JobChangesRequest) -> Self {
        Self {
            name: wish.name,
            job_type: wish.job_type,
            interval_seconds: wish.interval_seconds,
            cron: wish.cron,
            time_zone: wish.time_zone,
            manual_only: wish.manual_only,
            jitter_seconds: wish.jitter_seconds,
            enabled: wish.enabled,
            config_json: wish.config_json,
            timeout_seconds: wish.timeout_seconds,
            max_instances: wish.max_instances,
            misfire_policy: wish.misfire_policy,
        }
    }
}

/// Edit a job: what is not given stays. A run that goes on keeps its settings.
#[utoipa::path(put, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The version that the edit was made for, in quotes")),
    request_body = JobChangesRequest,
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
        (status = 409, body = ErrorEnvelope, description = "The name is taken, or `version` is not the present one"),
        (status = 412, body = ErrorEnvelope, description = "`If-Match` is not the present version"),
        (status = 422, body = ErrorEnvelope, description = "A field does not fit; `field` has its path"),
    ))]
pub(crate) async fn put(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
    JsonBody(wish): JsonBody<JobChangesRequest>,
) -> Result<HttpResponse, ApiError> {
    edit(&api, &actor, id, &req, wish).await
}

/// Edit a job: as PUT.
#[utoipa::path(patch, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The version that the edit was made for, in quotes")),
    request_body = JobChangesRequest,
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
        (status = 409, body = ErrorEnvelope, description = "The name is taken, or `version` is not the present one"),
        (status = 412, body = ErrorEnvelope, description = "`If-Match` is not the present version"),
        (status = 422, body = ErrorEnvelope, description = "A field does not fit; `field` has its path"),
    ))]
pub(crate) async fn patch(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
    JsonBody(wish): JsonBody<JobChangesRequest>,
) -> Result<HttpResponse, ApiError> {
    edit(&api, &actor, id, &req, wish).await
}

async fn edit(
    api: &Api,
    actor: &Actor,
    id: JobId,
    req: &HttpRequest,
    wish: JobChangesRequest,
) -> Result<HttpResponse, ApiError> {
    let expected = if_match(req)?.or(wish.version);
    let edited = manage::update(
        &api.deps.store,
        &api.catalog,
        &api.runner_config,
        id,
        wish.into(),
        expected,
        actor,
    )
    .await;
    edited.map(answer).map_err(|error| refused_edit(req, error))
}

/// An edit of another version is a conflict, or, if it was made under a condition, its failure.
pub(super) fn refused_edit(req: &HttpRequest, error: ManageError) -> ApiError {
    let is_conflict = matches!(error, ManageError::VersionConflict { .. });
    let error = ApiError::from(error);
    if is_conflict && req.headers().contains_key(IF_MATCH) {
        error.code(Code::PreconditionFailed)
    } else {
        error
    }
}

/// Delete a job. Its history stays readable; a run that goes on ends by itself.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}", tag = "jobs",
    params(("job_id" = i64, Path)),
    responses(
        (status = 204),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
    ))]
pub(crate) async fn delete(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    manage::delete(&api.deps.store, id, &actor).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A run was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Triggered {
    execution_id: i64,
    message: String,
}

impl Triggered {
    pub(super) fn of(run: ExecutionId) -> Self {
        let message = format!("execution {run} will run as soon as a worker is free");
        Self { execution_id: run.0, message }
    }
}

/// Run a job now. Works while it is disabled or paused.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/trigger", tag = "jobs",
    params(("job_id" = i64, Path)),
    responses(
        (status = 202, body = Triggered, headers(("Location" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
        (status = 409, body = ErrorEnvelope, description = "It is running: `error.execution_id` says as which run"),
    ))]
pub(crate) async fn trigger(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    let run = manage::trigger(&api.deps.store, id, Trigger::Manual, &actor).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/jobs/executions/{run}")))
        .json(Triggered::of(run)))
}

/// Why and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct PauseRequest {
    /// For those who find the job paused.
    reason: Option<String>,
    /// When the pause ends by itself; without it, when somebody resumes the job.
    until: Option<DateTime<Utc>>,
}

/// Hold a job's schedule back. It can still be triggered.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/pause", tag = "jobs",
    params(("job_id" = i64, Path)),
    request_body = PauseRequest,
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
        (status = 422, body = ErrorEnvelope, description = "The end is past"),
    ))]
pub(crate) async fn pause(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<PauseRequest>,
) -> Result<HttpResponse, ApiError> {
    let actor = Actor { reason: wish.reason, ..actor };
    let paused =
        manage::pause(&api.deps.store, &api.catalog, &api.runner_config, id, wish.until, &actor);
    Ok(answer(paused.await?))
}

/// Let a paused job go on at its next time. What was due in the meantime is not made up for.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/resume", tag = "jobs",
    params(("job_id" = i64, Path)),
    responses(
        (status = 200, body = JobView, headers(("ETag" = String))),
        (status = 404, body = ErrorEnvelope, description = "No such job"),
        (status = 422, body = ErrorEnvelope, description = "Its settings do not fit: edit them first"),
    ))]
pub(crate) async fn resume(
    api: Data<Api>,
    Acting(actor): Acting,
    PathArg(id): PathArg<JobId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    let resumed =
        manage::resume(&api.deps.store, &api.catalog, &api.runner_config, id, &actor).await?;
    Ok(answer(resumed))
}
