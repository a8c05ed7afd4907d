//! The review list: whose pattern is unusual, what people say of it, and how far to trust it.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use riftwatch_app::reliability;
use riftwatch_app::reviews::{self, NewReview, ReviewVerdict};
use riftwatch_store::assessments::{self, Band, ListFilter, ListKey, Listed, Sort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::players::platform;
use crate::access::Principal;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs, RowId, question, time};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::assessments::{ListedView, ReliabilityView, ReviewView};

/// In which order.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SortArg {
    #[default]
    Probability,
    Time,
}

/// How the list is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListFormat {
    #[default]
    Json,
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReviewArgs {
    /// `probability`, the highest first, or `time`, the newest first.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    sort: SortArg,
    /// Bands of probability, separated by commas: `minimal` below 0.2, `low`, `medium` from 0.5,
    /// `high` from 0.8.
    #[param(example = "medium,high")]
    band: Option<String>,
    /// Only with this verdict, by its key.
    verdict: Option<String>,
    /// Only players of this platform.
    platform: Option<String>,
    /// Only accounts that displayed this tier.
    #[param(example = "GOLD")]
    tier: Option<String>,
    /// Only assessments made at this time or later.
    #[serde(default, deserialize_with = "time")]
    since: Option<DateTime<Utc>>,
    /// Whether somebody has reviewed it.
    reviewed: Option<bool>,
    /// `json`, or `csv` for a download of all rows.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    format: ListFormat,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ReviewArgs {
    fn filter(&self) -> Result<ListFilter, ApiError> {
        let unfit =
            |field: &str, message: String| ApiError::new(Code::InvalidQuery, message).field(field);
        let bands = self.band.as_deref().unwrap_or_default().split(',').map(str::trim);
        let bands = bands
            .filter(|band| !band.is_empty())
            .map(|band| band.parse::<Band>().map_err(|error| unfit("band", error.to_string())))
            .collect::<Result<_, _>>()?;
        Ok(ListFilter {
            bands,
            verdicts: self.verdict.clone().into_iter().collect(),
            platform: platform(self.platform.as_deref())?,
            tier: self.tier.as_ref().map(|tier| tier.to_ascii_uppercase()),
            since: self.since,
            reviewed: self.reviewed,
        })
    }
}

/// Each player's newest assessment, for people to look at.
///
/// An assessment describes how an account plays; it says nothing about a person, and decides nothing.
#[utoipa::path(get, path = "/api/v1/player-analysis", tag = "assessments", params(ReviewArgs),
    responses((status = 200, content((List<ListedView> = "application/json"), (String = "text/csv")))))]
pub(crate) async fn list(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<ReviewArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let filter = args.filter()?;
    let (sort, name) = match args.sort {
        SortArg::Probability => (Sort::Probability, "review-by-probability"),
        SortArg::Time => (Sort::Time, "review-by-time"),
    };
    let page: Page<ListKey> = Page::of(name, args.limit, args.cursor.as_deref())?;
    if args.format == ListFormat::Csv {
        let lines = reviews::csv(api.deps.clone(), filter, sort);
        return Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"review-list.csv\""))
            .streaming(lines.map_ok(Bytes::from)));
    }
    let look = async || {
        let mut conn = api.deps.store.get().await?;
        let rows = assessments::list(&mut conn, &filter, sort, page.after(), page.rows()).await?;
        Ok(page.answer(rows, Listed::key, ListedView::from))
    };
    api.flights.ask(question(&req), look).await
}

/// What a reviewer says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with verdict")]
pub(crate) struct ReviewRequest {
    /// `confirmed`: the pattern is there; `false_positive`: it is not, or has an innocent reason;
    /// `unsure`.
    #[schema(value_type = String, example = "unsure")]
    verdict: ReviewVerdict,
    /// In words, 2,000 characters at most.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Say what you make of an assessment. The document stays as it is; the newest review counts, in
/// evaluation and calibration.
#[utoipa::path(post, path = "/api/v1/player-analysis/{assessment_id}/review", tag = "assessments",
    params(("assessment_id" = i64, Path)),
    request_body = ReviewRequest,
    responses(
        (status = 201, body = ReviewView),
        (status = 404, body = ErrorEnvelope, description = "No such assessment"),
        (status = 422, body = ErrorEnvelope, description = "The note is too long"),
    ))]
pub(crate) async fn review(
    api: Data<Api>,
    principal: Principal,
    PathArg(RowId(id)): PathArg<RowId>,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<ReviewRequest>,
) -> Result<HttpResponse, ApiError> {
    let new = NewReview { verdict: wish.verdict, note: wish.note, reviewer: principal.name };
    let stored = reviews::review(&api.deps, id, new).await?;
    Ok(HttpResponse::Created().json(ReviewView::from(stored)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReliabilityArgs {
    /// How many months back, this one included.
    #[param(minimum = 1, maximum = 24, default = 6)]
    months: Option<u32>,
}

/// How often what was predicted came true, month by month, and what reviewers said.
#[utoipa::path(get, path = "/api/v1/player-analysis/reliability", tag = "assessments",
    params(ReliabilityArgs),
    responses((status = 200, body = ReliabilityView)))]
pub(crate) async fn report(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<ReliabilityArgs>,
) -> Result<Json<ReliabilityView>, ApiError> {
    let months = args.months.unwrap_or(6);
    if !(1..=24).contains(&months) {
        return Err(ApiError::new(Code::InvalidQuery, "expected 1 to 24").field("months"));
    }
    let mut conn = api.deps.store.get().await?;
    Ok(Json(reliability::report(&mut conn, months, api.deps.clock.now()).await?.into()))
}
