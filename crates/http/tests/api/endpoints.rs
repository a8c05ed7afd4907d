//! Every route of the table answers a sensible request as it did before: status and body, whole.
//!
//! `INSTA_UPDATE=always` writes the snapshots anew; look at what changed.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use reqwest::Method;
use riftwatch_http::ROUTES;
use riftwatch_store::matches;
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{game, participant};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness};

/// What is asked in this order: a method, a path as the table has it, its arguments, a body.
fn wishes() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let job = json!({ "name": "play", "job_type": "toy", "manual_only": true });
    let fox = json!({ "puuid": "puuid-of-Fox" });
    let none = Value::Null;
    vec![
        ("POST", "/api/v1/jobs/", "/api/v1/jobs/", job),
        ("GET", "/api/v1/jobs/", "/api/v1/jobs/", none.clone()),
        ("GET", "/api/v1/jobs/types", "/api/v1/jobs/types", none.clone()),
        (
            "GET",
            "/api/v1/jobs/schedule/preview",
            "/api/v1/jobs/schedule/preview?cron=nonsense",
            none.clone(),
        ),
        ("GET", "/api/v1/jobs/status/overview", "/api/v1/jobs/status/overview", none.clone()),
        ("GET", "/api/v1/jobs/{job_id}", "/api/v1/jobs/1", none.clone()),
        ("PUT", "/api/v1/jobs/{job_id}", "/api/v1/jobs/1", json!({ "timeout_seconds": 60 })),
        (
            "PATCH",
            "/api/v1/jobs/{job_id}",
            "/api/v1/jobs/1",
            json!({ "config_json": { "games": 2 } }),
        ),
        ("POST", "/api/v1/jobs/{job_id}/pause", "/api/v1/jobs/1/pause", json!({ "reason": "tea" })),
        ("POST", "/api/v1/jobs/{job_id}/resume", "/api/v1/jobs/1/resume", none.clone()),
        ("GET", "/api/v1/jobs/{job_id}/versions", "/api/v1/jobs/1/versions?limit=2", none.clone()),
        (
            "POST",
            "/api/v1/jobs/{job_id}/restore",
            "/api/v1/jobs/1/restore",
            json!({ "version": 1 }),
        ),
        ("POST", "/api/v1/jobs/{job_id}/trigger", "/api/v1/jobs/1/trigger", none.clone()),
        ("GET", "/api/v1/jobs/{job_id}/executions", "/api/v1/jobs/1/executions", none.clone()),
        (
            "GET",
            "/api/v1/jobs/executions",
            "/api/v1/jobs/executions?status=pending&trigger=manual&job_type=toy",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/jobs/executions/{execution_id}",
            "/api/v1/jobs/executions/1",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/jobs/executions/{execution_id}/logs",
            "/api/v1/jobs/executions/1/logs",
            none.clone(),
        ),
        ("GET", "/api/v1/jobs/executions/facets", "/api/v1/jobs/executions/facets", none.clone()),
        (
            "GET",
            "/api/v1/jobs/executions/failures",
            "/api/v1/jobs/executions/failures",
            none.clone(),
        ),
        (
            "POST",
            "/api/v1/jobs/executions/bulk",
            "/api/v1/jobs/executions/bulk",
            json!({ "action": "cancel", "filter": { "job_type": "toy" }, "preview": true }),
        ),
        (
            "POST",
            "/api/v1/jobs/executions/{execution_id}/cancel",
            "/api/v1/jobs/executions/1/cancel",
            none.clone(),
        ),
        (
            "POST",
            "/api/v1/jobs/executions/{execution_id}/retry",
            "/api/v1/jobs/executions/1/retry",
            none.clone(),
        ),
        ("GET", "/api/v1/jobs/events", "/api/v1/jobs/events", none.clone()),
        (
            "GET",
            "/api/v1/jobs/executions/{execution_id}/events",
            "/api/v1/jobs/executions/1/events",
            none.clone(),
        ),
        ("DELETE", "/api/v1/jobs/{job_id}", "/api/v1/jobs/1", none.clone()),
        ("GET", "/api/v1/players/tracked", "/api/v1/players/tracked", none.clone()),
        (
            "POST",
            "/api/v1/players/track",
            "/api/v1/players/track",
            json!({ "riot_id": "Ada#EUW", "platform": "euw1" }),
        ),
        ("GET", "/api/v1/players/search", "/api/v1/players/search?query=ada", none.clone()),
        (
            "GET",
            "/api/v1/players/suggestions",
            "/api/v1/players/suggestions?query=ada",
            none.clone(),
        ),
        ("GET", "/api/v1/players/{puuid}", "/api/v1/players/puuid-of-Fox", none.clone()),
        (
            "POST",
            "/api/v1/players/{puuid}/track",
            "/api/v1/players/puuid-of-Fox/track",
            none.clone(),
        ),
        (
            "DELETE",
            "/api/v1/players/{puuid}/track",
            "/api/v1/players/puuid-of-Fox/track",
            none.clone(),
        ),
        ("GET", "/api/v1/players/{puuid}/rank", "/api/v1/players/puuid-of-Fox/rank", none.clone()),
        (
            "GET",
            "/api/v1/players/{puuid}/rank-history",
            "/api/v1/players/puuid-of-Fox/rank-history",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/players/{puuid}/encounters",
            "/api/v1/players/puuid-of-Fox/encounters",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/matches/player/{puuid}",
            "/api/v1/matches/player/puuid-of-Fox?limit=1",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/matches/player/{puuid}/stats",
            "/api/v1/matches/player/puuid-of-Fox/stats",
            none.clone(),
        ),
        ("GET", "/api/v1/matches/{match_id}", "/api/v1/matches/EUW1_1", none.clone()),
        ("POST", "/api/v1/player-analysis/analyze", "/api/v1/player-analysis/analyze", fox.clone()),
        (
            "GET",
            "/api/v1/player-analysis/player/{puuid}/latest",
            "/api/v1/player-analysis/player/puuid-of-Fox/latest",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/player-analysis/player/{puuid}/history",
            "/api/v1/player-analysis/player/puuid-of-Fox/history",
            none.clone(),
        ),
        ("GET", "/api/v1/player-analysis", "/api/v1/player-analysis", none.clone()),
        (
            "POST",
            "/api/v1/player-analysis/{assessment_id}/review",
            "/api/v1/player-analysis/1/review",
            json!({ "verdict": "unsure", "note": "few games" }),
        ),
        (
            "GET",
            "/api/v1/player-analysis/reliability",
            "/api/v1/player-analysis/reliability",
            none.clone(),
        ),
        ("POST", "/api/v1/matchmaking-analysis/start", "/api/v1/matchmaking-analysis/start", fox),
        (
            "GET",
            "/api/v1/matchmaking-analysis/{analysis_id}",
            "/api/v1/matchmaking-analysis/1",
            none.clone(),
        ),
        (
            "GET",
            "/api/v1/matchmaking-analysis/player/{puuid}",
            "/api/v1/matchmaking-analysis/player/puuid-of-Fox",
            none.clone(),
        ),
        (
            "POST",
            "/api/v1/matchmaking-analysis/{analysis_id}/cancel",
            "/api/v1/matchmaking-analysis/1/cancel",
            none.clone(),
        ),
        ("DELETE", "/api/v1/players/{puuid}", "/api/v1/players/puuid-of-Fox", none.clone()),
        ("GET", "/api/v1/audit", "/api/v1/audit?limit=3", none.clone()),
        ("GET", "/api/v1/settings/riot_api_key", "/api/v1/settings/riot_api_key", none.clone()),
        (
            "PUT",
            "/api/v1/settings/riot_api_key",
            "/api/v1/settings/riot_api_key",
            json!({ "key": "RGAPI-x" }),
        ),
        ("DELETE", "/api/v1/settings/riot_api_key", "/api/v1/settings/riot_api_key", none.clone()),
        (
            "POST",
            "/api/v1/settings/riot_api_key/test",
            "/api/v1/settings/riot_api_key/test",
            none.clone(),
        ),
        ("GET", "/health/live", "/health/live", none.clone()),
        ("GET", "/health/ready", "/health/ready", none),
    ]
}

/// These have tests of their own for what they say, which is text, or changes with every model.
const NOT_JSON: [&str; 2] = ["/metrics", "/openapi.json"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_it_did_before() {
    let api = Harness::new().await;
    api.add_account("Ada");
    let mut conn = api.conn().await;
    let pair = [participant("Fox").won(true), participant("Owl").won(false)];
    let game = game().number(1).started(noon()).with_participants(pair).build();
    matches::store(&mut conn, &game, noon()).await.unwrap();
    drop(conn);
    let mut asked = BTreeSet::new();
    let mut told = String::new();
    for (method, route, path, body) in wishes() {
        asked.insert(format!("{method} {route}"));
        let mut request = api.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let mut answer = Answer::of(request).await;
        if is_document(route) {
            answer.body = keys(&answer.body);
        }
        told.push_str(&format!("{method} {path}\n{}\n\n", answer.shown()));
    }
    assert_snapshot!("every_route", told);
    let routes: BTreeSet<String> = ROUTES
        .iter()
        .filter(|route| !NOT_JSON.contains(&route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(asked, routes, "a route came or went: give it a line above");
}

/// Assessments say what the model of the day finds.
fn is_document(route: &str) -> bool {
    route.contains("player-analysis") && !route.contains("review") && !route.contains("reliability")
}

/// An object with its keys only; of a list, of its items.
fn keys(body: &Value) -> Value {
    match body {
        Value::Object(map) => match map.get("items") {
            Some(Value::Array(items)) => items.iter().map(keys).collect(),
            _ => map.keys().cloned().collect(),
        },
        other => other.clone(),
    }
}
