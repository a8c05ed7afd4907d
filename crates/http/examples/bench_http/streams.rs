//! Thousands of open event streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::load::{number, others};
use crate::serve::Process;
use crate::{Outcome, Size};

const PATIENCE: Duration = Duration::from_secs(60);

/// How many streams are being opened at a time.
const AT_ONCE: usize = 64;

/// Opens one, up to its first event.
async fn open(authority: String, token: String) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(&authority).await?;
    let head = format!(
        "GET /api/v1/jobs/events HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut got = Vec::new();
    while !contains(&got, b"event: hello") {
        if timeout(PATIENCE, stream.read_buf(&mut got)).await?? == 0 {
            return Err("the server closed a stream".into());
        }
    }
    if !got.starts_with(b"HTTP/1.1 200") {
        return Err(String::from_utf8_lossy(&got).into_owned().into());
    }
    Ok(stream)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

pub(crate) async fn measure(api: &Process, token: &str, size: &Size) -> Outcome<()> {
    let alone = others(api, token, size.seconds).await?;
    let before = api.resident_kib()?;
    let began = Instant::now();
    let mut opening = JoinSet::new();
    let mut streams = Vec::new();
    for _ in 0..size.streams {
        while opening.len() >= AT_ONCE {
            streams.extend(opening.join_next().await.transpose()?.transpose()?);
        }
        opening.spawn(open(api.authority.clone(), token.to_owned()));
    }
    while let Some(opened) = opening.join_next().await {
        streams.push(opened??);
    }
    let opened = began.elapsed();
    let after = api.resident_kib()?;
    let beside = others(api, token, size.seconds).await?;

    // Everybody reads; each `status` of a run counts.
    let heard = Arc::new(AtomicI64::new(0));
    let mut readers = JoinSet::new();
    for mut stream in streams {
        let heard = Arc::clone(&heard);
        readers.spawn(async move {
            let mut got = Vec::new();
            loop {
                match stream.read_buf(&mut got).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                // An event is small, and ends before the next begins.
                while let Some(end) = got.windows(2).position(|window| window == b"\n\n") {
                    if contains(&got[..end], b"event: status") {
                        heard.fetch_add(1, Ordering::AcqRel);
                    }
                    got.drain(..end + 2);
                }
            }
        });
    }
    let client = reqwest::Client::builder().tls_certs_only([]).build()?;
    let post = async |path: String| -> Outcome<serde_json::Value> {
        let answer = client.post(api.url(&path)).bearer_auth(token).send().await?;
        Ok(serde_json::from_str(&answer.error_for_status()?.text().await?)?)
    };
    let began = Instant::now();
    let run = post("/api/v1/jobs/1/trigger".to_owned()).await?["execution_id"].clone();
    timeout(PATIENCE, async {
        while heard.load(Ordering::Acquire) < size.streams {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .map_err(|_| format!("{} of {} heard it", heard.load(Ordering::Acquire), size.streams))?;
    let reached = began.elapsed();
    post(format!("/api/v1/jobs/executions/{run}/cancel")).await?;

    // Events for all of them several times a second, and somebody who wants something else.
    let stop = Arc::new(AtomicI64::new(0));
    let storm = async {
        while stop.load(Ordering::Acquire) == 0 {
            let run = post("/api/v1/jobs/1/trigger".to_owned()).await?["execution_id"].clone();
            sleep(Duration::from_millis(250)).await;
            post(format!("/api/v1/jobs/executions/{run}/cancel")).await?;
            sleep(Duration::from_millis(250)).await;
        }
        Outcome::Ok(())
    };
    let asking = async {
        let took = others(api, token, size.seconds).await;
        stop.store(1, Ordering::Release);
        took
    };
    let (stormed, in_storm) = tokio::join!(storm, asking);
    stormed?;
    let busiest = api.resident_kib()?;
    readers.abort_all();
    while readers.join_next().await.is_some() {}
    println!("\n{} event streams, opened in {opened:.1?}", size.streams);
    println!(
        "resident memory {:.0} MiB before, {:.0} MiB with them ({:.1} KiB each), {:.0} MiB after events for all",
        number(before) / 1024.0,
        number(after) / 1024.0,
        number(after - before) / number(size.streams),
        number(busiest) / 1024.0
    );
    println!("from a trigger to the last of them: {reached:.0?}");
    println!(
        "job list over one connection: alone {alone}; beside them {beside}; while all get four events a second {}",
        in_storm?
    );
    Ok(())
}
