//! Clients that mean no good, or are badly off: they harm nobody else.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use riftwatch_runner::schedule;
use riftwatch_testkit::builders;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Answer, Harness, registry};

/// The longest that anything here may take before the test gives up.
const DEADLINE: Duration = Duration::from_secs(60);

async fn connect(api: &Harness, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&api.authority).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// What comes until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = vec![];
    // A reset is an end, too.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("it closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_and_clients_that_stop_harm_nobody() {
    let api = Harness::new().await;
    let mut held = vec![];
    for _ in 0..100 {
        held.push(connect(&api, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-A: ").await);
        held.push(connect(&api, "").await);
        held.push(connect(&api, "POST /api/v1/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{").await);
    }
    assert_eq!(api.get("/api/v1/jobs/").await.status, 200);
    // The head's time is up after five seconds.
    assert!(rest(held.remove(0)).await.contains(" 408 "));
    assert_eq!(api.get("/api/v1/jobs/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_answered_at_the_limit() {
    let api = Harness::new().await;
    let head = "POST /api/v1/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut answers, mut body) = connect(&api, head).await.into_split();
    let endless = tokio::spawn(async move {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while body.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let mut answer = vec![0; 4096];
    let count = timeout(DEADLINE, answers.read(&mut answer)).await.expect("it answers").unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.contains(" 413 "), "{answer}");
    assert_eq!(api.get("/api/v1/jobs/").await.status, 200);
    endless.abort();
}

proptest! {
    #[test]
    fn no_cron_expression_or_zone_makes_its_reader_panic(
        cron in prop_oneof!["\\PC{0,40}", "([0-9*,/L#?-]{1,6} ){4,6}[0-9*,/L#?A-Z-]{1,6}"],
        zone in prop_oneof![Just("UTC".to_owned()), "[A-Za-z/_]{0,20}"],
    ) {
        if let Ok(fires) = schedule::preview(&cron, &zone, builders::noon(), 3) {
            prop_assert!(fires.is_sorted_by_key(|fire| fire.at), "{cron:?} in {zone}");
        }
    }
}

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,10}".prop_map(Value::from),
        Just("a\0b".into()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let keys = prop_oneof!["games", "platforms", "endless", "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_settings_and_queries_say_nothing_is_the_servers_fault() {
    let api = Harness::new().await;
    assert!(registry().catalog().types().next().is_some());
    let mut runner = TestRunner::deterministic();
    let mut any_text = |pattern: &str| {
        let strategy = proptest::string::string_regex(pattern).unwrap();
        strategy.new_tree(&mut runner).unwrap().current()
    };
    let mut settings = TestRunner::deterministic();
    let lists = [
        ("/api/v1/jobs/executions", ["status", "since", "job_type", "cursor", "limit"]),
        ("/api/v1/player-analysis", ["band", "tier", "platform", "cursor", "since"]),
        ("/api/v1/player-analysis?format=csv", ["band", "tier", "platform", "verdict", "since"]),
        ("/api/v1/players/tracked", ["platform", "cursor", "limit", "x", ""]),
        ("/api/v1/players/search?query=a", ["platform", "limit", "query", "x", ""]),
        ("/api/v1/jobs/events", ["last_event_id", "x", "", "limit", "cursor"]),
    ];
    for round in 0..40 {
        let config = any_json().new_tree(&mut settings).unwrap().current();
        let body =
            json!({ "name": format!("job {round}"), "job_type": "toy", "config_json": config });
        let made = api.send(Method::POST, "/api/v1/jobs/", body.clone()).await;
        assert!(made.status.as_u16() < 500, "{body}: {}", made.shown());
        for (path, keys) in lists {
            let query =
                [(keys[round % keys.len()], any_text("(\\PC|\\x00|%|,|[0-9a-zA-Z-]){0,12}"))];
            let asked = api.request(Method::GET, path).query(&query);
            let answer = Answer::of(asked.header("Host", "localhost")).await;
            assert!(answer.status.as_u16() < 500, "{path} {query:?}: {}", answer.shown());
        }
    }
}
