//! `/sim/…`: what a simulator has and Riot has not.

use actix_web::{HttpRequest, HttpResponse};
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use serde::Serialize;

use crate::answers::Answer;
use crate::faults::FaultRule;
use crate::limits::Limits;
use crate::server::{Shared, Source, respond};
use crate::truth;

/// Answers a call to `/sim/` and the rest of a path.
pub(crate) fn answer(
    request: &HttpRequest,
    path: &[String],
    body: &[u8],
    shared: &Shared,
) -> HttpResponse {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let bad = |message: &str| respond(Answer::error(400, message));
    match (request.method().as_str(), path.as_slice()) {
        ("GET", ["stats"]) => json(&shared.stats()),
        ("GET", ["faults"]) => json(&shared.edge().faults.rules()),
        ("POST", ["faults"]) => match serde_json::from_slice::<Vec<FaultRule>>(body) {
            Ok(rules) => {
                let now_us = shared.now_us();
                shared.edge().faults.replace(rules, now_us);
                json(&shared.edge().faults.rules())
            }
            Err(error) => bad(&error.to_string()),
        },
        ("POST", ["limits"]) => {
            let limits = std::str::from_utf8(body).map(|text| text.trim().parse::<Limits>());
            match limits {
                Ok(Ok(limits)) => {
                    shared.edge().limiter.set_limits(limits);
                    HttpResponse::NoContent().finish()
                }
                Ok(Err(error)) => bad(&error.to_string()),
                Err(_) => bad("limits are text"),
            }
        }
        ("POST", ["key"]) => match std::str::from_utf8(body).map(str::trim) {
            Ok(key) => {
                shared.set_key(Some(key.to_owned()).filter(|key| !key.is_empty()));
                HttpResponse::NoContent().finish()
            }
            Err(_) => bad("a key is text"),
        },
        ("GET", ["players"]) => {
            let limit = request.query_string().strip_prefix("limit=").map(str::parse);
            match limit {
                None | Some(Ok(_)) => players(shared, limit.and_then(Result::ok).unwrap_or(20)),
                Some(Err(_)) => bad("limit must be a whole number"),
            }
        }
        ("GET", ["truth", rest @ ..]) => truths(request, shared, rest),
        _ => respond(Answer::not_found()),
    }
}

#[derive(Serialize)]
struct PlayerView {
    riot_id: String,
    platform: Platform,
}

fn players(shared: &Shared, limit: usize) -> HttpResponse {
    let rows = match &shared.source {
        Source::World(world) => world.busiest(limit),
        Source::Recorded(recorded) => recorded.busiest(limit),
    };
    let view =
        |(id, platform): (RiotId, Platform)| PlayerView { riot_id: id.to_string(), platform };
    json(&rows.into_iter().map(view).collect::<Vec<_>>())
}

fn truths(request: &HttpRequest, shared: &Shared, path: &[&str]) -> HttpResponse {
    let Source::World(world) = &shared.source else { return respond(Answer::not_found()) };
    let key = request.headers().get("x-riot-token").and_then(|key| key.to_str().ok()).unwrap_or("");
    match path {
        [] => json(&truth::all(world, key)),
        [puuid] => {
            let puuids = world.puuids(key);
            match puuids.decode(puuid).and_then(|number| world.account(number)) {
                Some((realm, index)) => {
                    realm.advance(world.now_ms());
                    json(&truth::of(realm, index, puuids, world.now_ms()))
                }
                None => respond(Answer::not_found()),
            }
        }
        _ => respond(Answer::not_found()),
    }
}

fn json(value: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(value) {
        Ok(body) => respond(Answer::ok(body)),
        Err(error) => respond(Answer::error(500, &error.to_string())),
    }
}
