//! Clients that mean no good, or are badly off: they harm nobody else.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::Harness;

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
