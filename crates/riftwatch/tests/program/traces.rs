//! Traces, as a collector gets them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Server, output, riftwatch_on, stderr, stdout};

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let spans = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(spans.clone().serve(stream));
            }
        });
        (collector, addr)
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut length, mut is_for_traces, mut line) = (0, false, String::new());
            loop {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                let header = line.trim().to_ascii_lowercase();
                is_for_traces |= header.starts_with("post /v1/traces ");
                if let Some(bytes) = header.strip_prefix("content-length:") {
                    length = bytes.trim().parse().expect("a number");
                }
                if header.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.expect("a body");
            assert!(is_for_traces, "only traces are sent");
            let sent = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
            let spans = sent.resource_spans.into_iter().flat_map(|of| of.scope_spans);
            self.0.lock().expect("no panic").extend(spans.flat_map(|of| of.spans));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("it listens");
        }
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().expect("no panic").clone()
    }
}

/// The names of a span and of what it is inside, up to the root.
fn path(span: &Span, all: &HashMap<&[u8], &Span>) -> Vec<String> {
    let mut names = vec![span.name.clone()];
    let mut at = span;
    while let Some(parent) = all.get(&*at.parent_span_id) {
        assert_eq!(parent.trace_id, at.trace_id);
        names.push(parent.name.clone());
        at = parent;
    }
    assert!(at.parent_span_id.is_empty(), "{names:?} is inside a span that was never sent");
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_the_tick_through_the_run_to_riot_and_the_database() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let (collector, addr) = Collector::start().await;
    let endpoint = format!("http://{addr}");
    let settings =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let server = Server::start_with(&test, &sim, &settings);
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let body = json!({"riot_id": riot_id.to_string(), "platform": platform});
    let (status, player) = server.post("/api/v1/players/track", Some(body)).await;
    assert_eq!(status, 201, "{player}");
    let run = server.run("tracked_player_updater").await;
    assert_eq!(run["reason"], "completed", "{run}");
    assert_eq!(server.terminate(), Some(0));

    // What was not sent before the end was sent at the end.
    let spans = collector.spans();
    let all: HashMap<&[u8], &Span> = spans.iter().map(|span| (&*span.span_id, span)).collect();
    let paths: Vec<Vec<String>> = spans.iter().map(|span| path(span, &all)).collect();
    let is_there = |first: &str, inside: &[&str]| {
        let inside: Vec<String> = inside.iter().map(|name| (*name).to_owned()).collect();
        assert!(
            paths.iter().any(|path| path[0] == first && path[1..].ends_with(&inside)),
            "{first} in {inside:?} is not among {paths:?}"
        );
    };
    is_there("riot match-v5.getMatch", &["job.run", "job.tick"]);
    is_there("with matches", &["job.run", "job.tick"]);
    is_there("riot account-v1.getByRiotId", &["POST /api/v1/players/track"]);

    // Of the run that was asked for, all of it is one trace.
    let number = run["id"].as_i64().expect("an id").to_string();
    let of_run = spans.iter().find(|span| span.name == "job.run" && shown(span).contains(&number));
    assert!(of_run.is_some(), "{spans:?}");
    // Times of ticks are those at which they were due.
    let ticks: Vec<&Span> = spans.iter().filter(|span| span.name == "job.tick").collect();
    assert!(ticks.iter().all(|tick| tick.start_time_unix_nano <= tick.end_time_unix_nano));
    assert!(ticks.iter().any(|tick| shown(tick).contains("due_at_ms")), "{ticks:?}");

    let puuid = player["puuid"].as_str().expect("a puuid");
    for span in &spans {
        let shown = shown(span);
        for secret in ["RGAPI-test", puuid, &riot_id.game_name] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    sim.stop().await;
}

fn shown(span: &Span) -> String {
    format!("{} {:?} {:?}", span.name, span.attributes, span.events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_harms_nothing_and_lines_have_ids() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let mut command = riftwatch_on(&test, &sim, &["job", "run", "tracked_player_updater"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("LOG_FORMAT", "json")
        .env("RUST_LOG", "debug");
    let ended = output(command);
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    assert!(stdout(&ended).contains("success"), "{}", stdout(&ended));
    let lines: Vec<serde_json::Value> = stderr(&ended)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let of_run = lines.iter().find(|line| line["span"]["name"] == "job.run").expect("lines of it");
    assert_eq!(of_run["trace_id"].as_str().map(str::len), Some(32), "{of_run}");
    assert_eq!(of_run["span_id"].as_str().map(str::len), Some(16), "{of_run}");
    sim.stop().await;
}
