//! The route table: every path with its methods, and who may use them.

pub(crate) mod assessments;
pub(crate) mod docs;
pub(crate) mod executions;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod matches;
pub(crate) mod players;

use std::collections::BTreeMap;

use actix_web::guard::{self, Guard, GuardContext};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource};

/// Who may use a route. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Nobody has to say who they are.
    Anyone,
    /// Reads.
    Viewer,
    /// Triggers, cancels, tracks, edits jobs.
    Operator,
}

/// A path, one method, who may use it, and the code behind it.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method. `GET` answers `HEAD` too.
    pub method: Method,
    /// As the documentation has it; with and without a slash at the end it is the same path.
    pub path: &'static str,
    /// Who may use it.
    pub role: Role,
    handler: fn() -> actix_web::Route,
}

macro_rules! routes {
    ($($method:ident $path:literal $role:ident $handler:path;)*) => {
        /// Every route but the files of the documentation page.
        pub const ROUTES: &[Route] = &[
            $(Route {
                method: Method::$method,
                path: $path,
                role: Role::$role,
                handler: || web::to($handler),
            },)*
        ];
    };
}

routes! {
    GET    "/health/live" Anyone health::live;
    GET    "/health/ready" Anyone health::ready;
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
    GET    "/api/v1/jobs/{job_id}/executions" Viewer executions::of_job;
    GET    "/api/v1/jobs/executions" Viewer executions::list;
    GET    "/api/v1/jobs/executions/{execution_id}" Viewer executions::show;
    GET    "/api/v1/jobs/executions/{execution_id}/logs" Viewer executions::logs;
    POST   "/api/v1/jobs/executions/{execution_id}/cancel" Operator executions::cancel;
    GET    "/api/v1/players/tracked" Viewer players::list_tracked;
    GET    "/api/v1/players/search" Viewer players::search;
    POST   "/api/v1/players/track" Operator players::track;
    GET    "/api/v1/players/{puuid}" Viewer players::show;
    POST   "/api/v1/players/{puuid}/track" Operator players::track_known;
    DELETE "/api/v1/players/{puuid}/track" Operator players::untrack;
    GET    "/api/v1/players/{puuid}/rank" Viewer players::rank;
    GET    "/api/v1/players/{puuid}/rank-history" Viewer players::rank_history;
    GET    "/api/v1/matches/player/{puuid}" Viewer matches::of_player;
    GET    "/api/v1/matches/player/{puuid}/stats" Viewer matches::stats;
    GET    "/api/v1/matches/{match_id}" Viewer matches::show;
    POST   "/api/v1/player-analysis/analyze" Operator assessments::analyze;
    GET    "/api/v1/player-analysis/player/{puuid}/latest" Viewer assessments::latest;
    GET    "/api/v1/player-analysis/player/{puuid}/history" Viewer assessments::history;
}

/// Registers the table.
pub(crate) fn configure(config: &mut ServiceConfig) {
    // Sorted, a literal segment comes before an argument in the same place, since `{` sorts after
    // letters: `/jobs/types` is found before `/jobs/{job_id}`.
    let mut paths: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in ROUTES {
        paths.entry(route.path.trim_end_matches('/')).or_default().push(route);
    }
    for (path, routes) in paths {
        config.service(resource(path, &routes));
    }
    docs::configure(config);
}

fn resource(path: &str, routes: &[&Route]) -> Resource {
    let mut resource = web::resource([path.to_owned(), format!("{path}/")]);
    let mut allowed = Vec::new();
    for route in routes {
        allowed.push(route.method.as_str());
        let handler = (route.handler)();
        resource = resource.route(match route.method {
            Method::GET => handler.guard(get_or_head()),
            ref method => handler.method(method.clone()),
        });
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    resource.default_service(web::to(move || {
        let response = HttpResponse::MethodNotAllowed().insert_header((ALLOW, &*allowed)).finish();
        async { response }
    }))
}

fn get_or_head() -> impl Guard {
    guard::fn_guard(|cx: &GuardContext<'_>| matches!(cx.head().method, Method::GET | Method::HEAD))
}
