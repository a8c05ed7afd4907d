//! Matches.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::Puuid;
use riftwatch_store::matches::Brief;
use riftwatch_store::{match_stats, matches, players};
use serde::Deserialize;
use utoipa::IntoParams;

use super::players::find;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{NoArgs, PathArg, QueryArgs, question};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::matches::{MatchView, PlayedView, StatsView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlayedArgs {
    /// Only matches of this queue: 420 is ranked solo.
    queue: Option<i32>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A player's matches, newest first, each with the player's part in it.
#[utoipa::path(get, path = "/api/v1/matches/player/{puuid}", tag = "matches",
    params(("puuid" = String, Path, description = "Riot's id of the player"), PlayedArgs),
    responses(
        (status = 200, body = List<PlayedView>),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn of_player(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<PlayedArgs>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let page: Page<(DateTime<Utc>, MatchId)> =
        Page::of("matches-of-player", args.limit, args.cursor.as_deref())?;
    let queue = args.queue.map(QueueId);
    let look = async || {
        let mut conn = api.deps.store.get().await?;
        let rows =
            matches::brief_of_player(&mut conn, &puuid, queue, page.after(), page.rows()).await?;
        if rows.is_empty() {
            find(&mut conn, &puuid).await?;
        }
        let key = |brief: &Brief| (brief.game_start, brief.match_id.clone());
        Ok(page.answer(rows, key, PlayedView::from))
    };
    api.flights.ask(question(&req), look).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsArgs {
    /// Only matches of this queue: 420 is ranked solo.
    queue: Option<i32>,
}

/// What a player's stored matches add up to, in all, by champion and by position.
#[utoipa::path(get, path = "/api/v1/matches/player/{puuid}/stats", tag = "matches",
    params(("puuid" = String, Path, description = "Riot's id of the player"), StatsArgs),
    responses(
        (status = 200, body = StatsView),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn stats(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<StatsArgs>,
) -> Result<Json<StatsView>, ApiError> {
    let queue = args.queue.map(QueueId);
    let mut conn = api.deps.store.get().await?;
    let parts = match_stats::of_player(&mut conn, &puuid, queue).await?;
    if parts.is_empty() {
        find(&mut conn, &puuid).await?;
    }
    Ok(Json(StatsView::new(&puuid, queue, &parts)))
}

/// One match with everybody in it.
#[utoipa::path(get, path = "/api/v1/matches/{match_id}", tag = "matches",
    params(("match_id" = String, Path, description = "Riot's id of the match", example = "EUW1_7261321891")),
    responses(
        (status = 200, body = MatchView),
        (status = 404, body = ErrorEnvelope, description = "No match that we have stored"),
    ))]
pub(crate) async fn show(
    api: Data<Api>,
    PathArg(match_id): PathArg<MatchId>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<MatchView>, ApiError> {
    let mut conn = api.deps.store.get().await?;
    let game = matches::find(&mut conn, &match_id)
        .await?
        .ok_or_else(|| ApiError::new(Code::MatchNotFound, format!("{match_id} is not stored")))?;
    let puuids: Vec<&Puuid> = game.participants.iter().filter_map(|p| p.puuid.as_ref()).collect();
    let names = players::names(&mut conn, &puuids).await?;
    Ok(Json(MatchView::new(game, &names)))
}
