//! Assessments: asked for, and read again.

use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use riftwatch_app::assess::{Priors, assess_player};
use riftwatch_domain::player::Puuid;
use riftwatch_store::assessments::{self, StoredAssessment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::players::{find, puuid};
use crate::audit::note_player;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs};
use crate::paging::{List, ListArgs, Page};
use crate::state::Api;
use crate::views::assessments::AssessmentView;

/// Whom to assess.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with puuid")]
pub(crate) struct AnalyzeRequest {
    /// Riot's id of the player.
    puuid: String,
}

/// Assess a player from what is stored.
///
/// The document is stored and never changed. If nothing would be said that the last one does not
/// say, the last one is the answer. Asks nothing of Riot.
#[utoipa::path(post, path = "/api/v1/player-analysis/analyze", tag = "assessments",
    request_body = AnalyzeRequest,
    responses(
        (status = 200, body = AssessmentView, description = "The assessment; with too few games it says so"),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
        (status = 422, body = ErrorEnvelope, description = "No puuid"),
    ))]
pub(crate) async fn analyze(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
    JsonBody(wish): JsonBody<AnalyzeRequest>,
) -> Result<HttpResponse, ApiError> {
    let puuid = puuid(&wish.puuid)?;
    note_player(&req, &puuid);
    Ok(document(assess_player(&api.deps, &Priors::default(), &puuid).await?))
}

/// The bytes as they were stored.
fn document(stored: StoredAssessment) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(stored.document)
}

/// A player's newest assessment, byte for byte as it was made.
#[utoipa::path(get, path = "/api/v1/player-analysis/player/{puuid}/latest", tag = "assessments",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 200, body = AssessmentView),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know, or not assessed yet"),
    ))]
pub(crate) async fn latest(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = api.deps.store.get().await?;
    match assessments::latest(&mut conn, &puuid).await? {
        Some(stored) => Ok(document(stored)),
        None => {
            find(&mut conn, &puuid).await?;
            Err(ApiError::new(Code::AssessmentNotFound, "the player has not been assessed yet"))
        }
    }
}

/// A player's assessments, newest first, each as it was made.
#[utoipa::path(get, path = "/api/v1/player-analysis/player/{puuid}/history", tag = "assessments",
    params(("puuid" = String, Path, description = "Riot's id of the player"), ListArgs),
    responses(
        (status = 200, body = List<AssessmentView>),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn history(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<ListArgs>,
) -> Result<Json<List<AssessmentView>>, ApiError> {
    let page: Page<i64> = args.page("assessments")?;
    let mut conn = api.deps.store.get().await?;
    let before = page.after().copied();
    let rows = assessments::history(&mut conn, &puuid, before, page.rows()).await?;
    if rows.is_empty() {
        find(&mut conn, &puuid).await?;
    }
    // Rows are cut to the page by their ids before they become documents.
    let list = page.answer(rows, |stored| stored.id, AssessmentView::new);
    let items = list.items.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Json(List { items, next_cursor: list.next_cursor }))
}
