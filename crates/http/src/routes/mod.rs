//! The route table: every path with its methods, and who may use them.

pub(crate) mod analyses;
pub(crate) mod assessments;
pub(crate) mod audit;
pub(crate) mod bulk;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod executions;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod matches;
pub(crate) mod metrics;
pub(crate) mod players;
pub(crate) mod review;
pub(crate) mod settings;
pub(crate) mod versions;

use actix_web::web::ServiceConfig;

use crate::table::{refuse, register};

crate::routes! {
    /// Every route but the files of the documentation page.
    pub const ROUTES =
    GET    "/health/live" Anyone health::live;
    GET    "/health/ready" Anyone health::ready;
    GET    "/metrics" Viewer metrics::metrics;
    GET    "/openapi.json" Anyone docs::openapi_json;
    GET    "/api/v1/jobs/" Viewer jobs::list;
    POST   "/api/v1/jobs/" Operator jobs::create;
    GET    "/api/v1/jobs/types" Viewer jobs::types;
    GET    "/api/v1/jobs/schedule/preview" Viewer jobs::preview;
    GET    "/api/v1/jobs/status/overview" Viewer jobs::overview;
    GET    "/api/v1/jobs/{job_id}" Viewer jobs::show;
    PUT    "/api/v1/jobs/{job_id}" Operator jobs::put;
    PATCH  "/api/v1/jobs/{job_id}" Operator jobs::patch;
    DELETE "/api/v1/jobs/{job_id}" Operator jobs::delete;
    POST   "/api/v1/jobs/{job_id}/trigger" Operator jobs::trigger;
    POST   "/api/v1/jobs/{job_id}/pause" Operator jobs::pause;
    POST   "/api/v1/jobs/{job_id}/resume" Operator jobs::resume;
    GET    "/api/v1/jobs/{job_id}/versions" Viewer versions::list;
    POST   "/api/v1/jobs/{job_id}/restore" Operator versions::restore;
    GET    "/api/v1/jobs/{job_id}/executions" Viewer executions::of_job;
    GET    "/api/v1/jobs/executions" Viewer executions::list;
    GET    "/api/v1/jobs/executions/facets" Viewer bulk::facets;
    GET    "/api/v1/jobs/executions/failures" Viewer bulk::failures;
    POST   "/api/v1/jobs/executions/bulk" Operator bulk::bulk;
    GET    "/api/v1/jobs/executions/{execution_id}" Viewer executions::show;
    GET    "/api/v1/jobs/events" Viewer events::all;
    GET    "/api/v1/jobs/executions/{execution_id}/events" Viewer events::of_run;
    GET    "/api/v1/jobs/executions/{execution_id}/logs" Viewer executions::logs;
    POST   "/api/v1/jobs/executions/{execution_id}/cancel" Operator executions::cancel;
    POST   "/api/v1/jobs/executions/{execution_id}/retry" Operator bulk::retry;
    GET    "/api/v1/audit" Viewer audit::list;
    GET    "/api/v1/settings/riot_api_key" Admin settings::riot_key;
    PUT    "/api/v1/settings/riot_api_key" Admin settings::set_riot_key;
    DELETE "/api/v1/settings/riot_api_key" Admin settings::forget_riot_key;
    POST   "/api/v1/settings/riot_api_key/test" Admin settings::test_riot_key;
    GET    "/api/v1/players/tracked" Viewer players::list_tracked;
    GET    "/api/v1/players/search" Viewer players::search;
    GET    "/api/v1/players/suggestions" Viewer players::suggestions;
    POST   "/api/v1/players/track" Operator players::track;
    GET    "/api/v1/players/{puuid}" Viewer players::show;
    DELETE "/api/v1/players/{puuid}" Admin players::erase;
    POST   "/api/v1/players/{puuid}/track" Operator players::track_known;
    DELETE "/api/v1/players/{puuid}/track" Operator players::untrack;
    GET    "/api/v1/players/{puuid}/rank" Viewer players::rank;
    GET    "/api/v1/players/{puuid}/rank-history" Viewer players::rank_history;
    GET    "/api/v1/players/{puuid}/encounters" Viewer players::encounters;
    GET    "/api/v1/matches/player/{puuid}" Viewer matches::of_player;
    GET    "/api/v1/matches/player/{puuid}/stats" Viewer matches::stats;
    GET    "/api/v1/matches/{match_id}" Viewer matches::show;
    GET    "/api/v1/player-analysis" Viewer review::list;
    GET    "/api/v1/player-analysis/reliability" Viewer review::report;
    POST   "/api/v1/player-analysis/{assessment_id}/review" Operator review::review;
    POST   "/api/v1/player-analysis/analyze" Operator assessments::analyze;
    GET    "/api/v1/player-analysis/player/{puuid}/latest" Viewer assessments::latest;
    GET    "/api/v1/player-analysis/player/{puuid}/history" Viewer assessments::history;
    POST   "/api/v1/matchmaking-analysis/start" Operator analyses::start;
    GET    "/api/v1/matchmaking-analysis/{analysis_id}" Viewer analyses::show;
    POST   "/api/v1/matchmaking-analysis/{analysis_id}/cancel" Operator analyses::cancel;
    GET    "/api/v1/matchmaking-analysis/player/{puuid}" Viewer analyses::of_player;
}

/// Registers the table.
pub(crate) fn configure(config: &mut ServiceConfig) {
    register(config, ROUTES, refuse);
    docs::configure(config);
}
