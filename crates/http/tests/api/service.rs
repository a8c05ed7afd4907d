//! The edge: health, documentation, ids, the envelope, foreign pages.

use std::time::Duration;

use insta::assert_snapshot;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Answer, Harness};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_all_it_needs_is_live_and_ready() {
    let api = Harness::with_runner().await;
    assert_eq!(api.get("/health/live").await.body, json!({ "status": "live" }));
    assert_snapshot!(api.get("/health/ready").await.shown(), @r##"
    200
    {
      "checks": {
        "database": "ok",
        "riot_key": "ok",
        "runtime": "ok",
        "schema": "ok",
        "ticker": "ok"
      },
      "status": "ready"
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_process_is_not_ready_and_lives() {
    let api = Harness::with_runner().await;
    let runner = api.runner.clone().unwrap();
    runner.shutdown(Duration::ZERO).await;
    assert_snapshot!(api.get("/health/ready").await.shown(), @r##"
    503
    {
      "error": {
        "checks": {
          "database": "ok",
          "riot_key": "ok",
          "runtime": "it is shutting down",
          "schema": "ok",
          "ticker": "ok"
        },
        "code": "not_ready",
        "message": "runtime: it is shutting down",
        "request_id": "…"
      }
    }
    "##);
    assert_eq!(api.get("/health/live").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schema_is_not_ready() {
    let api = Harness::new().await;
    use_sql(&api, "DELETE FROM __diesel_schema_migrations").await;
    let answer = api.get("/health/ready").await;
    assert_eq!(answer.brief(), "503 not_ready -");
    let schema = answer.body["error"]["checks"]["schema"].as_str().unwrap();
    assert!(schema.starts_with("migrations are missing: "), "{schema}");
}

async fn use_sql(api: &Harness, sql: &str) {
    let (client, connection) = api.db.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_row_is_500_and_its_cause_stays_in_the_log() {
    let api = Harness::new().await;
    use_sql(&api, "INSERT INTO players (puuid, platform) VALUES ('p', 'atlantis')").await;
    assert_snapshot!(api.get("/api/v1/players/p").await.shown(), @r##"
    500
    {
      "error": {
        "code": "internal",
        "message": "something went wrong on our side; the log has it under the request id",
        "request_id": "…"
      }
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_the_framework_has_the_envelope() {
    let api = Harness::new().await;
    let nowhere = api.get("/api/v1/nowhere").await;
    assert_snapshot!(nowhere.shown(), @r##"
    404
    {
      "error": {
        "code": "not_found",
        "message": "there is nothing at this path",
        "request_id": "…"
      }
    }
    "##);
    let track = "/api/v1/players/track";
    let wrong_method = api.get("/api/v1/jobs/1/trigger").await;
    assert_eq!(wrong_method.brief(), "405 method_not_allowed -");
    assert_eq!(wrong_method.header("allow"), "POST");
    let untyped = Answer::of(api.request(Method::POST, track).body("{}")).await;
    assert_eq!(untyped.brief(), "415 unsupported_media_type -");
    let json = || api.request(Method::POST, track).header("content-type", "application/json");
    let broken = Answer::of(json().body("{")).await;
    assert_eq!(broken.brief(), "400 malformed_body -");
    let not_text = Answer::of(json().body(vec![b'"', 0xff, b'"'])).await;
    assert_eq!(not_text.brief(), "400 malformed_body -");
    let packed = Answer::of(json().header("content-encoding", "gzip").body("{}")).await;
    assert_eq!(packed.brief(), "415 unsupported_media_type -");
    let deep = format!(r#"{{"name": "a", "config_json": {}"#, "[".repeat(100_000));
    let deep = api.request(Method::POST, "/api/v1/jobs/").body(deep);
    let deep = Answer::of(deep.header("content-type", "application/json")).await;
    assert_eq!(deep.brief(), "400 malformed_body -");
    let large = Answer::of(json().body(" ".repeat(1024 * 1024 + 1))).await;
    assert_eq!(large.brief(), "413 body_too_large -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_announces_no_length_is_cut_off_at_the_limit() {
    let api = Harness::new().await;
    let mut stream = TcpStream::connect(&api.authority).await.unwrap();
    let head = "POST /api/v1/players/track HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    // The server may close before it has all: what it said is what counts.
    for _ in 0..20 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_taken_over_if_it_is_one() {
    let api = Harness::new().await;
    let with_id = |id: &'static str| {
        Answer::of(api.request(Method::GET, "/nowhere").header("X-Request-Id", id))
    };
    let ours = with_id("order-66_a.b:c").await;
    assert_eq!(ours.header("x-request-id"), "order-66_a.b:c");
    assert_eq!(ours.body["error"]["request_id"], json!("order-66_a.b:c"));
    for bad in ["", "a b", "<script>", "ü"] {
        let answer = with_id(bad).await;
        let id = answer.header("x-request-id");
        assert_eq!(id.len(), 36, "{bad}: a new one in place of it");
        assert_eq!(answer.body["error"]["request_id"], json!(id));
    }
    assert_eq!(api.get("/health/live").await.header("x-request-id").len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_names_from_elsewhere_are_refused() {
    let api = Harness::new().await;
    let with = |name: &'static str, value: &'static str| {
        Answer::of(api.request(Method::GET, "/api/v1/jobs/").header(name, value))
    };
    assert_snapshot!(with("Host", "rebound.example:8000").await.shown(), @r##"
    403
    {
      "error": {
        "code": "foreign_host",
        "message": "this server answers only to localhost, 127.0.0.1 and [::1]",
        "request_id": "…"
      }
    }
    "##);
    assert_eq!(with("Origin", "https://example.com").await.brief(), "403 foreign_origin -");
    assert_eq!(with("Origin", "null").await.brief(), "403 foreign_origin -");
    for host in ["localhost", "localhost:8000", "127.0.0.1", "[::1]:9"] {
        assert_eq!(with("Host", host).await.status, 200, "{host}");
    }
    assert_eq!(with("Origin", "http://localhost:3000").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_needs_no_other_server() {
    let api = Harness::new().await;
    let description: Value = api.get("/openapi.json").await.body;
    assert_eq!(description["openapi"], json!("3.1.0"));
    let page = api.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui-bundle.js"), "{}", page.text);
    assert!(!page.text.contains("http"), "{}", page.text);
    assert_eq!(api.get("/docs/swagger-ui-bundle.js").await.status, 200);
    assert_eq!(api.get("/docs/nothing.js").await.brief(), "404 not_found -");
}
