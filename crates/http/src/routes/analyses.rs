//! Matchmaking analyses: asked for, watched, cancelled.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use riftwatch_app::matchmaking::{self, Analysis, Cancelled, Wanted};
use riftwatch_domain::execution::Trigger;
use riftwatch_domain::player::Puuid;
use riftwatch_runner::manage::{self, ManageError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::players::{find as find_player, puuid};
use crate::access::Principal;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs, RowId};
use crate::paging::{List, ListArgs, Page};
use crate::state::Api;
use crate::views::analyses::AnalysisView;

/// The job that makes analyses.
const JOB: &str = "matchmaking_analysis";

/// Whose games to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with puuid")]
pub(crate) struct AnalysisRequest {
    /// Riot's id of the player.
    puuid: String,
    /// How many of the newest games; 100 unless said otherwise.
    #[schema(minimum = 1, maximum = 500)]
    games: Option<u32>,
}

/// Ask how even a player's games were. A job finds out; see its progress under the id.
#[utoipa::path(post, path = "/api/v1/matchmaking-analysis/start", tag = "assessments",
    request_body = AnalysisRequest,
    responses(
        (status = 202, body = AnalysisView, headers(("Location" = String))),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
        (status = 409, body = ErrorEnvelope, description = "One of this player is under way: `error.analysis_id`"),
        (status = 422, body = ErrorEnvelope, description = "No puuid, or too many games"),
    ))]
pub(crate) async fn start(
    api: Data<Api>,
    principal: Principal,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<AnalysisRequest>,
) -> Result<HttpResponse, ApiError> {
    let puuid = puuid(&wish.puuid)?;
    let games = wish.games.unwrap_or(100);
    let wanted = Wanted { puuid, games, requested_by: principal.name.clone() };
    let analysis = AnalysisView::from(matchmaking::start(&api.deps, &wanted).await?);
    // It would be made at the job's next tick; this is sooner.
    if let Some(job) = manage::find_by_name(&api.deps.store, JOB).await? {
        let actor = principal.actor();
        match manage::trigger(&api.deps.store, job.job.id, Trigger::Manual, &actor).await {
            Ok(_) | Err(ManageError::AlreadyRunning { .. } | ManageError::NoJob(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/matchmaking-analysis/{}", analysis.id())))
        .json(analysis))
}

/// One analysis, with its progress, and its result in the end.
#[utoipa::path(get, path = "/api/v1/matchmaking-analysis/{analysis_id}", tag = "assessments",
    params(("analysis_id" = i64, Path)),
    responses(
        (status = 200, body = AnalysisView),
        (status = 404, body = ErrorEnvelope, description = "No such analysis"),
    ))]
pub(crate) async fn show(
    api: Data<Api>,
    PathArg(RowId(id)): PathArg<RowId>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<AnalysisView>, ApiError> {
    let mut conn = api.deps.store.get().await?;
    let found = matchmaking::find(&mut conn, id).await?.ok_or_else(|| unknown(id))?;
    Ok(Json(found.into()))
}

fn unknown(id: i64) -> ApiError {
    ApiError::new(Code::AnalysisNotFound, format!("there is no analysis {id}"))
}

/// A player's analyses, newest first.
#[utoipa::path(get, path = "/api/v1/matchmaking-analysis/player/{puuid}", tag = "assessments",
    params(("puuid" = String, Path, description = "Riot's id of the player"), ListArgs),
    responses(
        (status = 200, body = List<AnalysisView>),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn of_player(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Json<List<AnalysisView>>, ApiError> {
    let page: Page<i64> = args.page("analyses")?;
    let mut conn = api.deps.store.get().await?;
    let before = page.after().copied();
    let rows = matchmaking::for_player(&mut conn, &puuid, before, page.rows()).await?;
    if rows.is_empty() {
        find_player(&mut conn, &puuid).await?;
    }
    Ok(Json(page.answer(rows, |row: &Analysis| row.id, AnalysisView::from)))
}

/// End an analysis: a pending one at once, a running one at its next step.
#[utoipa::path(post, path = "/api/v1/matchmaking-analysis/{analysis_id}/cancel", tag = "assessments",
    params(("analysis_id" = i64, Path)),
    responses(
        (status = 202, body = AnalysisView),
        (status = 404, body = ErrorEnvelope, description = "No such analysis"),
        (status = 409, body = ErrorEnvelope, description = "It has ended"),
    ))]
pub(crate) async fn cancel(
    api: Data<Api>,
    PathArg(RowId(id)): PathArg<RowId>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    match matchmaking::cancel(&api.deps, id).await? {
        Cancelled::Now(analysis) | Cancelled::Asked(analysis) => {
            Ok(HttpResponse::Accepted().json(AnalysisView::from(analysis)))
        }
        Cancelled::EndedBefore(analysis) => {
            let message = format!("analysis {id} has ended already: it is {}", analysis.status);
            Err(ApiError::new(Code::AlreadyEnded, message).with("status", analysis.status))
        }
        Cancelled::Unknown => Err(unknown(id)),
    }
}
