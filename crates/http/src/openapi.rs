//! The API described in OpenAPI 3.1, from the code.

use utoipa::OpenApi as _;

use crate::routes::{assessments, docs, executions, health, jobs, matches, players};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Riftwatch",
        description = "Keeps League of Legends players current from the Riot API by background jobs. \
            Times are RFC 3339 in UTC. Lists come in pages: give `next_cursor` back as `cursor`. \
            Every failure has the same envelope, with a code for programs and the request's id.",
        license(name = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    tags(
        (name = "jobs", description = "What runs, when, and what came of it"),
        (name = "players", description = "Whom we know, and whom we track"),
        (name = "matches", description = "What was played"),
        (name = "assessments", description = "Whose pattern is unusual for the displayed rank, and why"),
        (name = "service", description = "The program itself"),
    ),
    paths(
        jobs::list,
        jobs::create,
        jobs::types,
        jobs::preview,
        jobs::overview,
        jobs::show,
        jobs::put,
        jobs::patch,
        jobs::delete,
        jobs::trigger,
        jobs::pause,
        jobs::resume,
        executions::of_job,
        executions::list,
        executions::show,
        executions::logs,
        executions::cancel,
        players::list_tracked,
        players::search,
        players::track,
        players::show,
        players::track_known,
        players::untrack,
        players::rank,
        players::rank_history,
        matches::of_player,
        matches::stats,
        matches::show,
        assessments::analyze,
        assessments::latest,
        assessments::history,
        health::live,
        health::ready,
        docs::openapi_json,
    ),
)]
struct Api;

/// The description of every route in the table.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}
