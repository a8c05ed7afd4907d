//! Long answers: sent in pieces, and ended when the server is.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::Harness;

/// The longest that anything here may take before the test gives up.
const DEADLINE: Duration = Duration::from_secs(60);

async fn use_sql(api: &Harness, sql: &str) {
    let (client, connection) = api.db.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_begins_before_its_last_line_is_read() {
    let api = Harness::new().await;
    // A page of a thousand lines is more than a connection takes that nobody reads from.
    use_sql(
        &api,
        "INSERT INTO job_executions (id, job_id, job_name, job_type, status) VALUES (7, 1, 'a', 'toy', 'success');
         INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message)
         SELECT 7, n, now(), 'INFO', 'a', repeat('x', 10000) FROM generate_series(1, 4000) n;",
    )
    .await;
    let mut stream = TcpStream::connect(&api.authority).await.unwrap();
    let head = "GET /api/v1/jobs/executions/7/logs?format=jsonl HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    use_sql(&api, "DELETE FROM job_execution_logs WHERE seq > 3000").await;
    let mut rest = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("it ends").unwrap();
    let lines = rest.windows(7).filter(|part| *part == b"{\"seq\":").count();
    assert_eq!(lines, 3000, "the last page was not read before somebody wanted it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_ends_its_event_streams() {
    let api = Harness::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let config = riftwatch_http::HttpConfig {
        shutdown_grace: Duration::from_secs(30),
        ..Harness::open_config()
    };
    let server = riftwatch_http::server(listener, api.state(), config, |_| {}).unwrap();
    let handle = server.handle();
    let running = tokio::spawn(server);
    let request = api.request_to(&authority, Method::GET, "/api/v1/jobs/events");
    let mut stream = request.send().await.unwrap();
    let hello = stream.chunk().await.unwrap().expect("the first event");
    assert!(hello.starts_with(b"id: "), "{hello:?}");
    let began = Instant::now();
    handle.stop(true).await;
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for the stream");
    assert_eq!(stream.chunk().await.unwrap(), None, "an end, and no failure");
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_costs_no_connection() {
    let api = Harness::new().await;
    assert_eq!(api.get("/health/ready").await.status, 200);
    let (client, connection) = api.db.url().connect_raw().await.unwrap();
    tokio::spawn(connection);
    let sessions = async || -> i64 {
        let sql = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()";
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    let before = sessions().await;
    for _ in 0..10 {
        assert_eq!(api.get("/health/ready").await.status, 200);
    }
    // Those of the pool, which may be counted late.
    assert!(sessions().await - before < 5, "{before} before, {} now", sessions().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_a_run_sees_it_in_the_list_at_once() {
    let api = Harness::new().await;
    let made = api
        .send(Method::POST, "/api/v1/jobs/", serde_json::json!({"name": "a", "job_type": "toy"}))
        .await;
    let path = format!("/api/v1/jobs/{}/trigger", made.body["id"]);
    for (ended, rate) in [("success", 100.0), ("failed", 50.0), ("failed", 33.33)] {
        let run = api.post(&path).await.body["execution_id"].clone();
        let listed = api.get("/api/v1/jobs/").await.body["items"][0].clone();
        assert_eq!(
            (&listed["running_execution_id"], &listed["last_execution"]["id"]),
            (&run, &run)
        );
        use_sql(
            &api,
            &format!(
                "UPDATE job_executions SET status = '{ended}', ended_at = now() WHERE id = {run}"
            ),
        )
        .await;
        let listed = api.get("/api/v1/jobs/").await.body["items"][0].clone();
        assert_eq!(listed["success_rate"], serde_json::json!(rate));
        assert_eq!(listed["running_execution_id"], serde_json::Value::Null);
    }
}
