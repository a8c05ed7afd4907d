//! Runs: asked for, watched, cancelled, read.

use std::time::Duration;

use insta::assert_snapshot;
use reqwest::Method;
use riftwatch_domain::execution::{ExecutionId, LogLine};
use riftwatch_runner::manage;
use riftwatch_store::execution_logs;
use riftwatch_testkit::builders::noon;
use serde_json::{Value, json};

use crate::harness::Harness;

async fn make(api: &Harness, name: &str, config: Value) -> i64 {
    let job =
        json!({ "name": name, "job_type": "toy", "manual_only": true, "config_json": config });
    let made = api.send(Method::POST, "/api/v1/jobs/", job).await;
    made.body["id"].as_i64().unwrap()
}

async fn trigger(api: &Harness, job: i64) -> i64 {
    let triggered = api.post(&format!("/api/v1/jobs/{job}/trigger")).await;
    assert_eq!(triggered.status, 202);
    triggered.body["execution_id"].as_i64().unwrap()
}

async fn ended(api: &Harness, run: i64) {
    let patience = Duration::from_secs(20);
    let run = manage::wait_for_end(&api.db.db, ExecutionId(run), patience).await.unwrap();
    assert!(run.status.is_final(), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_triggered_run_is_recorded_with_what_it_did() {
    let api = Harness::with_runner().await;
    let job = make(&api, "play", json!({ "games": 2 })).await;
    let run = trigger(&api, job).await;
    ended(&api, run).await;
    let path = format!("/api/v1/jobs/executions/{run}");
    assert_snapshot!(api.get(&path).await.shown(), @r##"
    200
    {
      "attempt": 1,
      "cancel_requested_at": null,
      "config_snapshot": {
        "games": 2
      },
      "config_version": 1,
      "created_at": "…",
      "duration_seconds": "…",
      "ended_at": "…",
      "error": null,
      "id": 1,
      "job_id": 2,
      "job_name": "play",
      "job_type": "toy",
      "log_data": {
        "mood": "good"
      },
      "metrics": {
        "games_played": 2
      },
      "progress": null,
      "reason": "completed",
      "requested_by": "local",
      "retry_of": null,
      "scheduled_for": null,
      "slot": 0,
      "started_at": "…",
      "status": "success",
      "trigger": "manual",
      "worker_id": "…"
    }
    "##);
    let list = api.get(&format!("/api/v1/jobs/{job}/executions")).await.body;
    let item = &list["items"][0];
    assert_eq!((&item["id"], &item["status"]), (&json!(run), &json!("success")));
    assert_eq!(item.get("log_data"), None, "only when asked for");
    let list = api.get("/api/v1/jobs/executions/?include_log_data=true").await.body;
    assert_eq!(list["items"][0]["log_data"], json!({ "mood": "good" }));
    let job = api.get(&format!("/api/v1/jobs/{job}")).await.body;
    assert_eq!(job["last_execution"]["id"], json!(run));
    assert_eq!((&job["success_rate"], &job["running_execution_id"]), (&json!(100.0), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_trigger_says_which_run_is_in_the_way() {
    let api = Harness::new().await;
    let job = make(&api, "play", json!({})).await;
    let path = format!("/api/v1/jobs/{job}/trigger");
    let first = api.post(&path).await;
    assert_snapshot!(first.shown(), @r##"
    202
    {
      "execution_id": 1,
      "message": "execution 1 will run as soon as a worker is free"
    }
    "##);
    assert_eq!(first.header("location"), "/api/v1/jobs/executions/1");
    assert_snapshot!(api.post(&path).await.shown(), @r##"
    409
    {
      "error": {
        "code": "already_running",
        "execution_id": 1,
        "execution_ids": [
          1
        ],
        "message": "the job is running already, as execution 1",
        "request_id": "…"
      }
    }
    "##);
    let job = api.get(&format!("/api/v1/jobs/{job}")).await.body;
    assert_eq!(job["running_execution_id"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_once() {
    let api = Harness::with_runner().await;
    let job = make(&api, "play", json!({ "endless": true })).await;
    let run = trigger(&api, job).await;
    let path = format!("/api/v1/jobs/executions/{run}/cancel");
    let cancelled = api.post(&path).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.body["execution_id"]), (202, &json!(run)));
    ended(&api, run).await;
    let run_now = api.get(&format!("/api/v1/jobs/executions/{run}")).await.body;
    assert_eq!(
        (&run_now["status"], &run_now["reason"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    assert_snapshot!(api.post(&path).await.shown(), @r##"
    409
    {
      "error": {
        "code": "already_ended",
        "message": "execution 1 has ended already: it is cancelled",
        "request_id": "…",
        "status": "cancelled"
      }
    }
    "##);
    let unknown = api.post("/api/v1/jobs/executions/99/cancel").await;
    assert_eq!(unknown.brief(), "404 execution_not_found -");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_filtered_and_paged() {
    let api = Harness::new().await;
    let mut runs = Vec::new();
    for name in ["a", "b", "c"] {
        let job = make(&api, name, json!({})).await;
        runs.push(trigger(&api, job).await);
    }
    api.post(&format!("/api/v1/jobs/executions/{}/cancel", runs[1])).await;
    let ids = async |query: &str| {
        let page = api.get(&format!("/api/v1/jobs/executions?{query}")).await.body;
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
        items.iter().map(|run| run["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [3, 2, 1]);
    assert_eq!(ids("status=pending").await, [3, 1]);
    assert_eq!(ids("status=cancelled&reason=cancelled").await, [2]);
    assert_eq!(ids("trigger=schedule").await, Vec::<i64>::new());
    assert_eq!(ids("job_type=toy&trigger=manual&limit=1").await, [3]);
    assert_eq!(ids("until=2026-01-01T00:00:00Z").await, Vec::<i64>::new());
    assert_eq!(ids("since=2026-01-01T00:00:00Z").await, [3, 2, 1]);
    let first = api.get("/api/v1/jobs/executions?limit=2").await.body;
    let job = make(&api, "d", json!({})).await;
    trigger(&api, job).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&format!("limit=2&cursor={cursor}")).await, [1]);
    for (query, field) in [
        ("status=done", "status"),
        ("reason=x", "reason"),
        ("trigger=x", "trigger"),
        ("since=yesterday", "since"),
        ("include_log_data=maybe", "include_log_data"),
    ] {
        let refused = api.get(&format!("/api/v1/jobs/executions?{query}")).await;
        assert_eq!(refused.brief(), format!("400 invalid_query {field}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_jobs_history_stays_readable() {
    let api = Harness::new().await;
    let job = make(&api, "play", json!({})).await;
    let run = trigger(&api, job).await;
    api.delete(&format!("/api/v1/jobs/{job}")).await;
    let list = api.get(&format!("/api/v1/jobs/{job}/executions")).await;
    assert_eq!((list.status.as_u16(), &list.body["items"][0]["id"]), (200, &json!(run)));
    let none_left = api.get(&format!("/api/v1/jobs/{job}/executions?status=success")).await;
    assert_eq!(none_left.body, json!({ "items": [], "next_cursor": null }));
    let never = api.get("/api/v1/jobs/99/executions").await;
    assert_eq!(never.brief(), "404 job_not_found -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_from_where_one_was_and_by_level_and_text() {
    let api = Harness::new().await;
    let job = make(&api, "play", json!({})).await;
    let run = trigger(&api, job).await;
    let levels = ["INFO", "WARN", "DEBUG", "ERROR"];
    let lines: Vec<(i64, LogLine)> = (1..)
        .zip(levels)
        .map(|(seq, level)| {
            let line = LogLine {
                seq,
                at: noon(),
                level: level.to_owned(),
                target: "toy".to_owned(),
                message: format!("Line {seq} of 100%"),
                fields: json!({ "n": seq }),
            };
            (run, line)
        })
        .collect();
    let mut conn = api.conn().await;
    execution_logs::append(&mut conn, &lines).await.unwrap();
    drop(conn);
    let path = format!("/api/v1/jobs/executions/{run}/logs");
    assert_snapshot!(api.get(&format!("{path}?limit=1")).await.shown(), @r##"
    200
    {
      "ended": false,
      "items": [
        {
          "at": "2026-01-01T12:00:00Z",
          "fields": {
            "n": 1
          },
          "level": "INFO",
          "message": "Line 1 of 100%",
          "seq": 1,
          "target": "toy"
        }
      ],
      "next_after": 1
    }
    "##);
    let seqs = async |query: &str| {
        let page = api.get(&format!("{path}?{query}")).await.body;
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
        items.iter().map(|line| line["seq"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seqs("after=2").await, [3, 4]);
    assert_eq!(seqs("level=warn").await, [2, 4]);
    assert_eq!(seqs("text=LINE%203").await, [3]);
    assert_eq!(seqs("text=%25").await, [1, 2, 3, 4]);
    assert_eq!(api.get(&format!("{path}?level=LOUD")).await.brief(), "400 invalid_query level");
    assert_eq!(api.get(&format!("{path}?after=-1")).await.brief(), "400 invalid_query after");

    let download = api.get(&format!("{path}?format=jsonl&level=WARN")).await;
    assert_eq!(download.header("content-type"), "application/x-ndjson");
    assert_snapshot!(download.text, @r##"
    {"seq":2,"at":"2026-01-01T12:00:00Z","level":"WARN","target":"toy","message":"Line 2 of 100%","fields":{"n":2}}
    {"seq":4,"at":"2026-01-01T12:00:00Z","level":"ERROR","target":"toy","message":"Line 4 of 100%","fields":{"n":4}}
    "##);
    let unknown = api.get("/api/v1/jobs/executions/99/logs?format=jsonl").await;
    assert_eq!(unknown.brief(), "404 execution_not_found -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_downloaded_whole() {
    let api = Harness::new().await;
    let job = make(&api, "play", json!({})).await;
    let run = trigger(&api, job).await;
    let lines: Vec<(i64, LogLine)> = (1..=2_500)
        .map(|seq| {
            let line = LogLine {
                seq,
                at: noon(),
                level: "INFO".to_owned(),
                target: "toy".to_owned(),
                message: "x".repeat(50),
                fields: json!({}),
            };
            (run, line)
        })
        .collect();
    let mut conn = api.conn().await;
    execution_logs::append(&mut conn, &lines).await.unwrap();
    drop(conn);
    let path = format!("/api/v1/jobs/executions/{run}/logs?format=jsonl");
    let text = api.get(&path).await.text;
    let seqs: Vec<i64> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=2_500).collect::<Vec<_>>());
}
