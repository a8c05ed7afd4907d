//! The API described in OpenAPI 3.1, from the code.

use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use crate::routes::{
    ROUTES, analyses, assessments, audit, bulk, docs, events, executions, health, jobs, matches,
    metrics, players, review, settings, versions,
};
use crate::table::Route;

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
        events::all,
        events::of_run,
        executions::cancel,
        versions::list,
        versions::restore,
        bulk::retry,
        bulk::bulk,
        bulk::facets,
        bulk::failures,
        audit::list,
        settings::riot_key,
        settings::set_riot_key,
        settings::forget_riot_key,
        settings::test_riot_key,
        players::list_tracked,
        players::search,
        players::suggestions,
        players::encounters,
        players::erase,
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
        review::list,
        review::review,
        review::report,
        analyses::start,
        analyses::show,
        analyses::of_player,
        analyses::cancel,
        health::live,
        health::ready,
        metrics::metrics,
        docs::openapi_json,
    ),
)]
struct Api;

/// The description of every route in the table.
pub fn openapi() -> OpenApi {
    let mut api = Api::openapi();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("rw_…");
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    for route in ROUTES {
        let item = api.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation(item, route)) {
            complete(operation, route);
        }
    }
    api
}

fn operation<'a>(item: &'a mut PathItem, route: &Route) -> Option<&'a mut Operation> {
    match route.method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Adds what is the same for every route, out of the table: whom it is for, and how it refuses what
/// does not even reach it.
fn complete(operation: &mut Operation, route: &Route) {
    operation.operation_id = Some(operation_id(route));
    describe(operation);
    let mut refusals = vec![
        (400, "The query, a path argument, a header or the body cannot be used"),
        (429, "Too many requests: see Retry-After"),
        (503, "The database is not reachable at the moment: see Retry-After"),
    ];
    if let Some(needs) = route.needs {
        refusals.push((401, "No token, or one that is not taken"));
        refusals
            .push((403, "The token's role does not go that far, or a page of another origin asks"));
        operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
        let role = format!("Takes the role {needs}.");
        operation.description = Some(match operation.description.take() {
            Some(text) => format!("{text}\n\n{role}"),
            None => role,
        });
    }
    if operation.request_body.is_some() {
        refusals.push((408, "The body came too slowly"));
        refusals.push((413, "The body is too large"));
        refusals.push((415, "The body is not application/json"));
        refusals.push((422, "A field is missing or does not fit; `field` has its path"));
    }
    for (status, description) in refusals {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| {
            let envelope = Ref::from_schema_name("ErrorEnvelope");
            let content = ContentBuilder::new().schema(Some(envelope)).build();
            ResponseBuilder::new()
                .description(description)
                .content("application/json", content)
                .build()
                .into()
        });
    }
}

/// OpenAPI wants a description of every answer; what is the plain case goes without saying in the
/// code.
fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = match status.as_str() {
                "201" => "It is made",
                "202" => "It will be done",
                "204" => "It is done",
                _ => "The answer",
            }
            .to_owned();
        }
    }
}

/// `get_jobs_job_id`: unique, and a name in most languages.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    std::iter::once(route.method.as_str().to_ascii_lowercase())
        .chain(words.filter(|word| !word.is_empty()).map(str::to_owned))
        .collect::<Vec<_>>()
        .join("_")
}
