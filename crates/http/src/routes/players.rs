//! Players: found, tracked, ranked.

use std::time::Duration;

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use riftwatch_app::erasure;
use riftwatch_app::tracking::{self, Tracking};
use riftwatch_domain::player::{InvalidPuuid, Player, Puuid, RiotId};
use riftwatch_domain::rank::RANKED_SOLO;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_store::encounters::{self, Encounter};
use riftwatch_store::{Conn, players, ranks};
use serde::Deserialize;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};

use crate::audit::note_player;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, PathArg, QueryArgs};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::players::{EncounterView, ErasedView, PlayerView, RankView, SuggestionView};

/// How long a person waits for a turn in the key's budget before being told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest text that is searched for; no Riot ID is longer.
const MAX_SEARCH: usize = 64;

/// Whom to track.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with riot_id and platform")]
pub(crate) struct TrackRequest {
    /// What a person types.
    #[schema(example = "Name#TAG")]
    riot_id: String,
    /// Where the account plays.
    #[schema(example = "euw1")]
    platform: String,
}

/// Track the player of a Riot ID.
///
/// Asks Riot who that is, unless the player is tracked already.
#[utoipa::path(post, path = "/api/v1/players/track", tag = "players",
    request_body = TrackRequest,
    responses(
        (status = 201, body = PlayerView, description = "Tracking begins"),
        (status = 200, body = PlayerView, description = "The player was tracked already"),
        (status = 404, body = ErrorEnvelope, description = "Unknown to Riot, or not on this platform"),
        (status = 409, body = ErrorEnvelope, description = "MAX_TRACKED_PLAYERS are tracked"),
        (status = 422, body = ErrorEnvelope, description = "No Riot ID, or no platform"),
        (status = 502, body = ErrorEnvelope, description = "Riot gave no usable answer"),
        (status = 503, body = ErrorEnvelope, description = "The Riot budget is used up: see Retry-After"),
    ))]
pub(crate) async fn track(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
    req: HttpRequest,
    JsonBody(wish): JsonBody<TrackRequest>,
) -> Result<HttpResponse, ApiError> {
    let riot_id: RiotId = wish.riot_id.parse().map_err(|error| unfit("riot_id", error))?;
    let platform: Platform = wish.platform.parse().map_err(|error| unfit("platform", error))?;
    if !Platform::ACTIVE.contains(&platform) {
        return Err(unfit("platform", format!("no account is on {platform} any more")));
    }
    let deps = api.deps.clone();
    // Connections to Riot live on the runtime of the call that opened them: the program's, which
    // outlives the server's workers.
    let tracking = async move {
        let caller = Caller::new(CallClass::Interactive).with_patience(PATIENCE);
        tracking::track_riot_id(&deps, &caller, &riot_id, platform).await
    };
    let tracking = api.runtime.spawn(tracking.in_current_span()).await??;
    note_player(&req, &tracking.player().puuid);
    Ok(tracked(tracking))
}

fn unfit(field: &str, error: impl ToString) -> ApiError {
    ApiError::new(Code::ValidationFailed, error.to_string()).field(field)
}

fn tracked(tracking: Tracking) -> HttpResponse {
    match tracking {
        Tracking::Begun(player) => HttpResponse::Created().json(PlayerView::from(player)),
        Tracking::Already(player) => HttpResponse::Ok().json(PlayerView::from(player)),
    }
}

/// Track a player whom we know.
#[utoipa::path(post, path = "/api/v1/players/{puuid}/track", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 201, body = PlayerView, description = "Tracking begins"),
        (status = 200, body = PlayerView, description = "The player was tracked already"),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
        (status = 409, body = ErrorEnvelope, description = "MAX_TRACKED_PLAYERS are tracked"),
    ))]
pub(crate) async fn track_known(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<HttpResponse, ApiError> {
    Ok(tracked(tracking::track_known(&api.deps, &puuid).await?))
}

/// Stop tracking a player. What is stored stays.
#[utoipa::path(delete, path = "/api/v1/players/{puuid}/track", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 200, body = PlayerView, description = "The player is not tracked"),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn untrack(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<PlayerView>, ApiError> {
    Ok(Json(tracking::untrack(&api.deps, &puuid).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrackedArgs {
    /// Only players of this platform.
    platform: Option<String>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Tracked players, in the order in which tracking began.
#[utoipa::path(get, path = "/api/v1/players/tracked", tag = "players",
    params(TrackedArgs),
    responses((status = 200, body = List<PlayerView>)))]
pub(crate) async fn list_tracked(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<TrackedArgs>,
) -> Result<Json<List<PlayerView>>, ApiError> {
    let platform = platform(args.platform.as_deref())?;
    let page: Page<(DateTime<Utc>, String)> =
        Page::of("tracked", args.limit, args.cursor.as_deref())?;
    let mut conn = api.deps.store.get().await?;
    let rows = players::tracked_since(&mut conn, platform, page.after(), page.rows()).await?;
    let key = |player: &Player| {
        let began = player.tracked_at.unwrap_or(player.created_at);
        (began, player.puuid.as_str().to_owned())
    };
    Ok(Json(page.answer(rows, key, PlayerView::from)))
}

pub(super) fn platform(text: Option<&str>) -> Result<Option<Platform>, ApiError> {
    text.map(str::parse::<Platform>)
        .transpose()
        .map_err(|error| ApiError::new(Code::InvalidQuery, error.to_string()).field("platform"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchArgs {
    /// Part of a Riot ID, in any script and case.
    #[param(min_length = 1, max_length = 64)]
    query: String,
    /// Only players of this platform.
    platform: Option<String>,
    /// The most players to find.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// Players whose Riot ID has a text in it or comes near it; the nearest first.
///
/// Everything found is on one page: `next_cursor` is always null.
#[utoipa::path(get, path = "/api/v1/players/search", tag = "players",
    params(SearchArgs),
    responses((status = 200, body = List<PlayerView>)))]
pub(crate) async fn search(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<SearchArgs>,
) -> Result<Json<List<PlayerView>>, ApiError> {
    let items = found(&api, &args).await?.into_iter().map(PlayerView::from).collect();
    Ok(Json(List { items, next_cursor: None }))
}

async fn found(api: &Api, args: &SearchArgs) -> Result<Vec<Player>, ApiError> {
    let platform = platform(args.platform.as_deref())?;
    let query = args.query.trim();
    if query.is_empty() || query.chars().count() > MAX_SEARCH {
        let message = format!("expected 1 to {MAX_SEARCH} characters");
        return Err(ApiError::new(Code::InvalidQuery, message).field("query"));
    }
    let limit = Page::<i64>::of("search", args.limit, None)?.rows() - 1;
    let mut conn = api.deps.store.get().await?;
    Ok(players::search(&mut conn, query, platform, limit).await?)
}

/// One player.
#[utoipa::path(get, path = "/api/v1/players/{puuid}", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 200, body = PlayerView),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn show(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<PlayerView>, ApiError> {
    let mut conn = api.deps.store.get().await?;
    Ok(Json(find(&mut conn, &puuid).await?.into()))
}

pub(super) async fn find(conn: &mut Conn, puuid: &Puuid) -> Result<Player, ApiError> {
    players::find(conn, puuid)
        .await?
        .ok_or_else(|| ApiError::new(Code::PlayerNotFound, "no player with this puuid is known"))
}

/// A player's newest rank in each queue.
#[utoipa::path(get, path = "/api/v1/players/{puuid}/rank", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 200, body = List<RankView>, description = "Empty while the player is unranked"),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn rank(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<List<RankView>>, ApiError> {
    let mut conn = api.deps.store.get().await?;
    find(&mut conn, &puuid).await?;
    let newest = ranks::latest(&mut conn, &puuid).await?;
    Ok(Json(List { items: newest.into_iter().map(RankView::from).collect(), next_cursor: None }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryArgs {
    /// Riot's name of the ladder; `RANKED_SOLO_5x5` unless said otherwise.
    queue_type: Option<String>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A player's ranks in one queue, newest first: one for each change that was seen.
#[utoipa::path(get, path = "/api/v1/players/{puuid}/rank-history", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player"), HistoryArgs),
    responses(
        (status = 200, body = List<RankView>),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn rank_history(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<HistoryArgs>,
) -> Result<Json<List<RankView>>, ApiError> {
    let queue_type = args.queue_type.as_deref().unwrap_or(RANKED_SOLO);
    let page: Page<DateTime<Utc>> = Page::of("rank-history", args.limit, args.cursor.as_deref())?;
    let mut conn = api.deps.store.get().await?;
    find(&mut conn, &puuid).await?;
    let before = page.after().copied();
    let rows = ranks::history(&mut conn, &puuid, queue_type, before, page.rows()).await?;
    Ok(Json(page.answer(rows, |snapshot| snapshot.seen_at, RankView::from)))
}

/// A puuid out of a body.
pub(super) fn puuid(text: &str) -> Result<Puuid, ApiError> {
    text.parse().map_err(|error: InvalidPuuid| unfit("puuid", error))
}

/// Players to choose from while somebody types: as the search, with less about each.
///
/// Everything found is on one page: `next_cursor` is always null.
#[utoipa::path(get, path = "/api/v1/players/suggestions", tag = "players",
    params(SearchArgs),
    responses((status = 200, body = List<SuggestionView>)))]
pub(crate) async fn suggestions(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<SearchArgs>,
) -> Result<Json<List<SuggestionView>>, ApiError> {
    let items = found(&api, &args).await?.into_iter().map(SuggestionView::from).collect();
    Ok(Json(List { items, next_cursor: None }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EncounterArgs {
    /// Only those who were met so often.
    #[param(minimum = 1, maximum = 500, default = 1)]
    min_games: Option<i32>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Whom a player met in the newest 500 games, the most frequent first.
#[utoipa::path(get, path = "/api/v1/players/{puuid}/encounters", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player"), EncounterArgs),
    responses(
        (status = 200, body = List<EncounterView>),
        (status = 404, body = ErrorEnvelope, description = "Nobody we know"),
    ))]
pub(crate) async fn encounters(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    QueryArgs(args): QueryArgs<EncounterArgs>,
) -> Result<Json<List<EncounterView>>, ApiError> {
    let page: Page<(i64, String)> = Page::of("encounters", args.limit, args.cursor.as_deref())?;
    let min_games = args.min_games.unwrap_or(1);
    if !(1..=encounters::GAMES).contains(&min_games) {
        let message = format!("expected 1 to {}", encounters::GAMES);
        return Err(ApiError::new(Code::InvalidQuery, message).field("min_games"));
    }
    let mut conn = api.deps.store.get().await?;
    find(&mut conn, &puuid).await?;
    let rows = encounters::list(&mut conn, &puuid, min_games, page.after(), page.rows()).await?;
    let key = |met: &Encounter| (met.games, met.puuid.clone());
    Ok(Json(page.answer(rows, key, EncounterView::from)))
}

/// Erase everything that is stored about a person, and never store them again.
///
/// Also for persons whom we do not know. Their part in matches stays, without a name.
#[utoipa::path(delete, path = "/api/v1/players/{puuid}", tag = "players",
    params(("puuid" = String, Path, description = "Riot's id of the player")),
    responses(
        (status = 200, body = ErasedView, description = "Nothing is stored about the person"),
        (status = 409, body = ErrorEnvelope, description = "No key is set by which erased persons could be recognised"),
    ))]
pub(crate) async fn erase(
    api: Data<Api>,
    PathArg(puuid): PathArg<Puuid>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<ErasedView>, ApiError> {
    Ok(Json(erasure::erase(&api.deps, &puuid).await?.into()))
}
