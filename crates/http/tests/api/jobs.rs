//! Jobs: made, edited, held back, deleted.

use insta::assert_snapshot;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness};

async fn make(api: &Harness, body: Value) -> Answer {
    api.send(Method::POST, "/api/v1/jobs/", body).await
}

/// As the guide's recipe has it, with a job type of the tests.
fn seed_job() -> Value {
    json!({
        "name": "rank_monitor",
        "job_type": "toy",
        "interval_seconds": 300,
        "enabled": true,
        "config_json": { "games": 2 },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_made_shown_edited_and_deleted() {
    let api = Harness::new().await;
    let made = make(&api, seed_job()).await;
    assert_snapshot!(made.shown(), @r##"
    201
    {
      "config_json": {
        "games": 2
      },
      "created_at": "…",
      "cron": null,
      "enabled": true,
      "id": 1,
      "interval_seconds": 300,
      "jitter_seconds": 0,
      "job_type": "toy",
      "last_execution": null,
      "last_run_at": null,
      "manual_only": false,
      "max_instances": 1,
      "misfire_policy": "once",
      "name": "rank_monitor",
      "next_run_at": "…",
      "paused_at": null,
      "paused_reason": null,
      "paused_until": null,
      "running_execution_id": null,
      "success_rate": null,
      "time_zone": "UTC",
      "timeout_seconds": null,
      "updated_at": "…",
      "version": 1
    }
    "##);
    assert_eq!(made.header("location"), "/api/v1/jobs/1");
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(api.get("/api/v1/jobs/1").await.body, made.body);
    let list = api.get("/api/v1/jobs/").await.body;
    assert_eq!(list, json!({ "items": [made.body], "next_cursor": null }));

    let disabled = api.send(Method::PUT, "/api/v1/jobs/1", json!({ "enabled": false })).await;
    assert_eq!((&disabled.body["enabled"], &disabled.body["version"]), (&json!(false), &json!(2)));
    let change = json!({ "interval_seconds": 600, "name": "renamed", "timeout_seconds": 30 });
    let edited = api.send(Method::PATCH, "/api/v1/jobs/1/", change).await;
    assert_eq!(edited.header("etag"), "\"3\"");
    assert_eq!(edited.body["interval_seconds"], json!(600));
    let change =
        json!({ "timeout_seconds": null, "cron": "30 4 * * *", "time_zone": "Europe/Berlin" });
    let edited = api.send(Method::PUT, "/api/v1/jobs/1", change).await;
    assert_eq!(edited.body["timeout_seconds"], json!(null));
    assert_eq!(edited.body["interval_seconds"], json!(null), "cron takes its place");

    let deleted = api.delete("/api/v1/jobs/1").await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(api.get("/api/v1/jobs/1").await.brief(), "404 job_not_found -");
    assert_eq!(api.delete("/api/v1/jobs/1").await.brief(), "404 job_not_found -");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_the_path_of_the_field() {
    let api = Harness::new().await;
    let with = |change: Value| {
        let mut job = seed_job();
        for (key, value) in change.as_object().unwrap() {
            job[key] = value.clone();
        }
        job
    };
    let mut told = Vec::new();
    for change in [
        json!({ "name": "" }),
        json!({ "name": "\u{0}" }),
        json!({ "name": 5 }),
        json!({ "job_type": "tyo" }),
        json!({ "interval_seconds": 0 }),
        json!({ "interval_seconds": "300" }),
        json!({ "interval_seconds": 1.5 }),
        json!({ "interval_seconds": 3_000_000_000_u32 }),
        json!({ "cron": "30 4 * * *" }),
        json!({ "interval_seconds": null, "cron": "30 4 30 2 *" }),
        json!({ "interval_seconds": null, "cron": "x" }),
        json!({ "time_zone": "Mars/Olympus" }),
        json!({ "config_json": { "platforms": ["euw1", 2] } }),
        json!({ "config_json": { "game": 2 } }),
        json!({ "config_json": { "platforms": ["\u{0}"] } }),
        json!({ "config_json": [] }),
        json!({ "timeout_seconds": -1 }),
        json!({ "max_instances": 0 }),
        json!({ "misfire_policy": "never" }),
        json!({ "surprise": 1 }),
    ] {
        let refused = make(&api, with(change.clone())).await;
        told.push(format!("{change} {}", refused.brief()));
    }
    assert_snapshot!(told.join("\n"), @r##"
    {"name":""} 422 validation_failed name
    {"name":"\u0000"} 400 invalid_value name
    {"name":5} 400 invalid_value name
    {"job_type":"tyo"} 422 validation_failed job_type
    {"interval_seconds":0} 422 validation_failed interval_seconds
    {"interval_seconds":"300"} 400 invalid_value interval_seconds
    {"interval_seconds":1.5} 400 invalid_value interval_seconds
    {"interval_seconds":3000000000} 400 invalid_value interval_seconds
    {"cron":"30 4 * * *"} 422 validation_failed cron
    {"cron":"30 4 30 2 *","interval_seconds":null} 422 validation_failed cron
    {"cron":"x","interval_seconds":null} 422 validation_failed cron
    {"time_zone":"Mars/Olympus"} 422 validation_failed time_zone
    {"config_json":{"platforms":["euw1",2]}} 422 validation_failed config_json.platforms[1]
    {"config_json":{"game":2}} 422 validation_failed config_json.game
    {"config_json":{"platforms":["\u0000"]}} 400 invalid_value config_json.platforms[0]
    {"config_json":[]} 422 validation_failed config_json
    {"timeout_seconds":-1} 422 validation_failed timeout_seconds
    {"max_instances":0} 422 validation_failed max_instances
    {"misfire_policy":"never"} 400 invalid_value misfire_policy
    {"surprise":1} 400 unknown_field surprise
    "##);
    let nameless = make(&api, json!({ "job_type": "toy" })).await;
    assert_eq!(nameless.brief(), "422 validation_failed name");
    assert_eq!(api.get("/api/v1/jobs/").await.body["items"], json!([]));

    let two = make(&api, with(json!({ "interval_seconds": 0, "max_instances": 0 }))).await;
    assert_snapshot!(two.shown(), @r##"
    422
    {
      "error": {
        "code": "validation_failed",
        "errors": [
          {
            "field": "interval_seconds",
            "message": "must be 1 to 31622400 seconds"
          },
          {
            "field": "max_instances",
            "message": "must be 1 to 1000"
          }
        ],
        "field": "interval_seconds",
        "message": "interval_seconds: must be 1 to 31622400 seconds; max_instances: must be 1 to 1000",
        "request_id": "…"
      }
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_once() {
    let api = Harness::new().await;
    make(&api, seed_job()).await;
    let again = make(&api, seed_job()).await;
    assert_snapshot!(again.shown(), @r##"
    409
    {
      "error": {
        "code": "name_taken",
        "field": "name",
        "message": "name: there is a job \"rank_monitor\" already; choose another name or change that one",
        "request_id": "…"
      }
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_two_edits_of_one_version_is_refused() {
    let api = Harness::new().await;
    make(&api, seed_job()).await;
    let edit = |version: &'static str, body: Value| {
        let request = api.request(Method::PUT, "/api/v1/jobs/1").header("If-Match", version);
        Answer::of(request.json(&body))
    };
    assert_eq!(edit("\"1\"", json!({ "enabled": false })).await.status, 200);
    let late = edit("\"1\"", json!({ "enabled": true })).await;
    assert_snapshot!(late.shown(), @r##"
    412
    {
      "error": {
        "code": "precondition_failed",
        "current_version": 2,
        "message": "the job is at version 2, not 1: read it again and repeat the edit",
        "request_id": "…"
      }
    }
    "##);
    assert_eq!(edit("*", json!({ "enabled": true })).await.status, 200);
    assert_eq!(edit("1", json!({})).await.brief(), "400 invalid_header If-Match");
    let body = json!({ "enabled": false, "version": 1 });
    let late = api.send(Method::PATCH, "/api/v1/jobs/1", body).await;
    assert_eq!(late.brief(), "409 version_conflict -");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_are_refused_and_unknown_ones_not_found() {
    let api = Harness::new().await;
    let put = |path: &'static str| api.send(Method::PUT, path, json!({ "enabled": false }));
    assert_eq!(put("/api/v1/jobs/x").await.brief(), "400 invalid_path job_id");
    assert_eq!(put("/api/v1/jobs/99999999999999999999").await.brief(), "400 invalid_path job_id");
    assert_eq!(put("/api/v1/jobs/9223372036854775807").await.brief(), "404 job_not_found -");
    assert_eq!(put("/api/v1/jobs/-1").await.brief(), "404 job_not_found -");
    assert_eq!(api.post("/api/v1/jobs/7/trigger").await.brief(), "404 job_not_found -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_paused_with_a_reason_and_resumed() {
    let api = Harness::new().await;
    make(&api, seed_job()).await;
    let wish = json!({ "reason": "Riot is down", "until": "2126-01-01T00:00:00Z" });
    let paused = api.send(Method::POST, "/api/v1/jobs/1/pause", wish).await;
    assert_eq!(paused.status, 200);
    assert_eq!(paused.body["paused_reason"], json!("Riot is down"));
    assert_eq!(paused.body["paused_until"], json!("2126-01-01T00:00:00Z"));
    let past = json!({ "until": "2020-01-01T00:00:00Z" });
    let past = api.send(Method::POST, "/api/v1/jobs/1/pause", past).await;
    assert_eq!(past.brief(), "422 validation_failed paused_until");
    let resumed = api.post("/api/v1/jobs/1/resume").await;
    assert_eq!((resumed.status.as_u16(), &resumed.body["paused_at"]), (200, &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_come_in_pages() {
    let api = Harness::new().await;
    for name in ["a", "b", "c"] {
        make(&api, json!({ "name": name, "job_type": "toy", "manual_only": true })).await;
    }
    let first = api.get("/api/v1/jobs/?limit=2").await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/api/v1/jobs?limit=2&cursor={cursor}")).await.body;
    let names = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|job| job["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names(&first), names(&second)), (vec!["a".into(), "b".into()], vec!["c".into()]));
    assert_eq!(second["next_cursor"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn job_types_tell_their_settings() {
    let api = Harness::new().await;
    assert_snapshot!(api.get("/api/v1/jobs/types").await.shown(), @r##"
    200
    {
      "items": [
        {
          "config_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "additionalProperties": false,
            "properties": {
              "endless": {
                "default": false,
                "description": "Go on until somebody cancels.",
                "type": "boolean"
              },
              "games": {
                "default": 3,
                "description": "How many games to play.",
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              },
              "line_bytes": {
                "default": 0,
                "description": "How long each line is.",
                "format": "uint",
                "minimum": 0,
                "type": "integer"
              },
              "line_every_ms": {
                "default": 0,
                "description": "Between two lines.",
                "format": "uint64",
                "minimum": 0,
                "type": "integer"
              },
              "lines": {
                "default": 0,
                "description": "How many lines to log.",
                "format": "uint32",
                "minimum": 0,
                "type": "integer"
              },
              "platforms": {
                "default": [],
                "description": "Where to pretend to play.",
                "items": {
                  "type": "string"
                },
                "type": "array"
              }
            },
            "title": "ToyConfig",
            "type": "object"
          },
          "default_config": {
            "endless": false,
            "games": 3,
            "line_bytes": 0,
            "line_every_ms": 0,
            "lines": 0,
            "platforms": []
          },
          "default_enabled": false,
          "default_interval_seconds": 3600,
          "description": "Plays.",
          "job_type": "toy"
        }
      ],
      "next_cursor": null
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_marks_where_daylight_saving_begins() {
    let api = Harness::new().await;
    let preview = |query: &'static str| async {
        let request = api.request(Method::GET, "/api/v1/jobs/schedule/preview");
        let pairs: Vec<(&str, &str)> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        Answer::of(request.query(&pairs)).await
    };
    let fires = preview("cron=30 2 29 * *&time_zone=Europe/Berlin").await;
    assert_eq!(fires.body["items"].as_array().unwrap().len(), 10);
    assert_snapshot!(format!("{:#}", fires.body["items"][1]), @r##"
    {
      "at": "2026-03-29T01:00:00Z",
      "local": "2026-03-29T03:00:00+02:00",
      "offset_changed": true
    }
    "##);
    let marked = fires.body["items"].as_array().unwrap().iter();
    assert_eq!(marked.filter(|fire| fire["offset_changed"] == json!(true)).count(), 2);
    assert_eq!(preview("cron=0 0 30 2 *").await.brief(), "422 validation_failed cron");
    assert_eq!(preview("cron=").await.brief(), "422 validation_failed cron");
    assert_eq!(
        preview("cron=0 0 * * *&time_zone=X").await.brief(),
        "422 validation_failed time_zone"
    );
    assert_eq!(api.get("/api/v1/jobs/schedule/preview").await.brief(), "400 invalid_query cron");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overview_counts_what_is_there() {
    let api = Harness::new().await;
    make(&api, json!({ "name": "a", "job_type": "toy", "manual_only": true })).await;
    api.post("/api/v1/jobs/1/trigger").await;
    assert_snapshot!(api.get("/api/v1/jobs/status/overview").await.shown(), @r##"
    200
    {
      "active_jobs": 1,
      "last_24_hours": {
        "cancelled": 0,
        "failed": 0,
        "success": 0,
        "success_rate": null
      },
      "last_execution": {
        "attempt": 1,
        "cancel_requested_at": null,
        "config_version": null,
        "created_at": "…",
        "duration_seconds": null,
        "ended_at": null,
        "error": null,
        "id": 1,
        "job_id": 1,
        "job_name": "a",
        "job_type": "toy",
        "metrics": {},
        "progress": null,
        "reason": null,
        "requested_by": "local",
        "retry_of": null,
        "scheduled_for": null,
        "slot": 0,
        "started_at": null,
        "status": "pending",
        "trigger": "manual",
        "worker_id": null
      },
      "late_jobs": 0,
      "live_workers": 0,
      "next_run_time": null,
      "now": "…",
      "pending_executions": 1,
      "rate_limits": null,
      "running_executions": 0,
      "scheduler_running": false,
      "total_jobs": 1
    }
    "##);
}
