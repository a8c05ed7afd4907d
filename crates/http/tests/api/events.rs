//! Live events: complete, each once, from any process, however often the line is cut.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use riftwatch_domain::execution::ExecutionId;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Answer, Harness};

/// The longest that anything here may take before the test gives up.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// A listener who reads event by event.
struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    async fn open(api: &Harness, authority: &str, path: &str, last: Option<&str>) -> Self {
        let mut request = api.request_to(authority, Method::GET, path);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        timeout(DEADLINE, async {
            loop {
                while let Some((event, rest)) = self.text.split_once("\n\n") {
                    let event = parse(event);
                    self.text = rest.to_owned();
                    if event.is_some() {
                        return event;
                    }
                }
                let bytes = self.response.chunk().await.unwrap()?;
                self.text.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        })
        .await
        .expect("an event comes in time")
    }
}

/// `None` for comments.
fn parse(text: &str) -> Option<Event> {
    let fields: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(": ")).collect();
    Some(Event {
        id: (*fields.get("id")?).to_owned(),
        name: (*fields.get("event")?).to_owned(),
        data: serde_json::from_str(fields.get("data")?).unwrap(),
    })
}

async fn start(api: &Harness, name: &str, config: Value) -> i64 {
    let job =
        json!({ "name": name, "job_type": "toy", "manual_only": true, "config_json": config });
    let made = api.send(Method::POST, "/api/v1/jobs/", job).await;
    let run = api.post(&format!("/api/v1/jobs/{}/trigger", made.body["id"])).await;
    run.body["execution_id"].as_i64().unwrap()
}

fn lines(events: &[Event]) -> Vec<i64> {
    events
        .iter()
        .filter(|event| event.name == "log")
        .map(|event| event.data["seq"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_from_its_first_line_to_its_end() {
    let api = Harness::with_runner().await;
    let run = start(&api, "chatty", json!({ "lines": 30 })).await;
    let path = format!("/api/v1/jobs/executions/{run}/events");
    let mut listener = Listener::open(&api, &api.authority, &path, None).await;
    let mut events = vec![];
    while let Some(event) = listener.next().await {
        events.push(event);
    }
    let told = lines(&events);
    assert_eq!(told, (1..=i64::try_from(told.len()).unwrap()).collect::<Vec<_>>());
    assert!(told.len() >= 30, "{events:#?}");
    let last = events.last().unwrap();
    assert_eq!((&*last.name, &last.data["status"]), ("end", &json!("success")));
    assert_eq!(events.iter().filter(|event| event.name == "end").count(), 1);
    let metrics = events.iter().rfind(|event| event.name == "metrics").unwrap();
    assert_eq!(metrics.data, json!({ "execution_id": run, "metrics": { "games_played": 3 } }));
    // Whoever comes back is told that there is nothing more, and an EventSource stays away.
    let again = api.request(Method::GET, &path).header("Last-Event-ID", &last.id);
    assert_eq!(Answer::of(again).await.status, 204);
}

/// Follows a path through cuts at random places, at one process after the other.
async fn follow_through_cuts(
    api: &Harness,
    other: &str,
    path: &str,
    mut last: Option<String>,
    seed: u64,
    done: impl Fn(&[Event]) -> bool,
) -> Vec<Event> {
    let mut dice = seed;
    let mut events: Vec<Event> = vec![];
    let mut cuts = 0;
    while !done(&events) {
        // An xorshift: how many events until the line is cut, and where it goes on.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let authority = if dice & 1 == 0 { &api.authority } else { other };
        let mut listener = Listener::open(api, authority, path, last.as_deref()).await;
        for _ in 0..1 + (dice >> 8) % 9 {
            if done(&events) {
                break;
            }
            let Some(event) = listener.next().await else { break };
            last = Some(event.id.clone());
            if event.name != "hello" {
                events.push(event);
            }
        }
        cuts += 1;
    }
    assert!(cuts > 5, "{cuts}");
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_lose_nothing_and_double_nothing_of_a_run() {
    let api = Harness::with_runner().await;
    let other = api.beside();
    for seed in [7, 11] {
        let run =
            start(&api, &format!("slow {seed}"), json!({ "lines": 120, "line_every_ms": 5 })).await;
        let path = format!("/api/v1/jobs/executions/{run}/events");
        let events = follow_through_cuts(&api, &other, &path, None, seed, |events| {
            events.last().is_some_and(|event| event.name == "end")
        })
        .await;
        let told = lines(&events);
        assert_eq!(
            told,
            (1..=i64::try_from(told.len()).unwrap()).collect::<Vec<_>>(),
            "seed {seed}"
        );
        assert!(told.len() >= 120);
        no_state_twice(&events);
    }
}

/// The same state is not told twice in a row.
fn no_state_twice(events: &[Event]) {
    let mut last: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for event in events.iter().filter(|event| event.name != "log") {
        let key = (event.name.clone(), event.data["execution_id"].to_string());
        assert_ne!(last.insert(key, &event.data), Some(&event.data), "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_lose_nothing_and_double_nothing_of_many_runs() {
    let api = Harness::with_runner().await;
    let other = api.beside();
    let mut hello = Listener::open(&api, &api.authority, "/api/v1/jobs/events", None).await;
    let begin = hello.next().await.unwrap();
    assert_eq!(begin.name, "hello");
    drop(hello);
    let mut runs = vec![];
    for n in 0..4 {
        runs.push(
            start(&api, &format!("job {n}"), json!({ "lines": 40, "line_every_ms": 3 * n })).await,
        );
    }
    // A run that begins and ends while nobody listens.
    let ended = |events: &[Event]| events.iter().filter(|event| event.name == "end").count();
    let patience = Duration::from_secs(30);
    riftwatch_runner::manage::wait_for_end(&api.db.db, ExecutionId(runs[0]), patience)
        .await
        .unwrap();
    let events =
        follow_through_cuts(&api, &other, "/api/v1/jobs/events", Some(begin.id), 5, |events| {
            ended(events) == 4
        })
        .await;
    for run in runs {
        let of_run: Vec<Event> =
            events.iter().filter(|event| event.data["execution_id"] == run).cloned().collect();
        let told = lines(&of_run);
        assert_eq!(told, (1..=i64::try_from(told.len()).unwrap()).collect::<Vec<_>>(), "run {run}");
        assert!(told.len() >= 40, "run {run}");
        assert_eq!(of_run.iter().filter(|event| event.name == "end").count(), 1);
        assert_eq!(of_run.last().unwrap().name, "end");
    }
    no_state_twice(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_pauses_misses_nothing() {
    let api = Harness::with_runner().await;
    // More than fits into the buffers on the way and into the channel of the feed.
    let run = start(&api, "loud", json!({ "lines": 1500, "line_bytes": 4000 })).await;
    let path = format!("/api/v1/jobs/executions/{run}/events");
    let mut listener = Listener::open(&api, &api.authority, &path, None).await;
    let first = listener.next().await.unwrap();
    riftwatch_runner::manage::wait_for_end(&api.db.db, ExecutionId(run), DEADLINE).await.unwrap();
    let mut events = vec![first];
    while let Some(event) = listener.next().await {
        events.push(event);
    }
    let told = lines(&events);
    assert!(told.is_sorted() && told.windows(2).all(|pair| pair[0] < pair[1]), "none twice");
    // What the log kept of the run was told; of what it did not keep, how much it was.
    let mut next = 1;
    for event in events.iter().filter(|event| event.name == "log") {
        let seq = event.data["seq"].as_i64().unwrap();
        let cut = event.data["fields"]["lines_cut"].is_i64();
        assert!(seq == next || cut, "line {seq} after {next}");
        next = seq + 1;
    }
    assert_eq!(events.last().unwrap().name, "end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_of_ours_is_refused() {
    let api = Harness::new().await;
    let request = api.request(Method::GET, "/api/v1/jobs/events").header("Last-Event-ID", "42");
    assert_eq!(Answer::of(request).await.brief(), "400 invalid_cursor Last-Event-ID");
    let answer = api.get("/api/v1/jobs/executions/99/events").await;
    assert_eq!(answer.brief(), "404 execution_not_found -");
}
