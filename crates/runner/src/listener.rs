//! One connection that listens and speaks, and that proves itself.
//!
//! A probe has to come back every few seconds: a connection that is dead without saying so, or a
//! pooler that swallows LISTEN, is found out and replaced. Nothing depends on a notification; what
//! one would have said is found by polling.

use std::future::Future;
use std::time::Duration;

use futures::{StreamExt, stream};
use riftwatch_store::DatabaseUrl;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_postgres::AsyncMessage;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::job::chain_of;
use crate::outbox::{SIGHTS, WISHES, Word};

/// A probe that is not back by then will not come.
const PROBE_WAIT: Duration = Duration::from_secs(2);

/// Who listens.
pub(crate) trait Ear: Send + Sync {
    /// Notifications arrive from now on, or no longer do. What was said in between was not heard.
    fn listening(&self, yes: bool);
    /// What others said.
    fn heard(&self, channel: &str, payload: &str);
    /// What there is to say; waits until there is something. Dropped and called again at will.
    fn to_say(&self) -> impl Future<Output = Vec<Word>> + Send;
}

/// Listens until `ended`, over one connection after the other.
pub(crate) async fn listen(
    url: &DatabaseUrl,
    probe: Duration,
    ended: &CancellationToken,
    ear: &impl Ear,
) {
    let mut failures = 0_u32;
    while !ended.is_cancelled() {
        let since = Instant::now();
        let reason = tokio::select! {
            () = ended.cancelled() => return,
            reason = one_connection(url, probe, ear) => reason,
        };
        ear.listening(false);
        if since.elapsed() > probe * 2 {
            failures = 0;
        }
        if failures == 0 {
            warn!(reason, "notifications do not arrive; polling until they do");
        }
        failures = failures.saturating_add(1);
        let pause = Duration::from_millis(100 * (1 << failures.min(6))).min(Duration::from_secs(5));
        let _ = timeout(pause, ended.cancelled()).await;
    }
}

type Heard = Result<(String, String), String>;

/// Listens until the connection is no good. Returns why.
async fn one_connection(url: &DatabaseUrl, probe: Duration, ear: &impl Ear) -> String {
    let (client, mut connection) = match timeout(Duration::from_secs(10), url.connect_raw()).await {
        Ok(Ok(pair)) => pair,
        Ok(Err(error)) => return chain_of(&error),
        Err(_) => return "connecting took too long".to_owned(),
    };
    let (sender, mut heard) = mpsc::unbounded_channel::<Heard>();
    // The client makes progress only while somebody polls the connection.
    let driver = tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(message) = messages.next().await {
            let told = match message {
                Ok(AsyncMessage::Notification(note)) => {
                    Ok((note.channel().to_owned(), note.payload().to_owned()))
                }
                Ok(_) => continue,
                Err(error) => Err(chain_of(&error)),
            };
            let last = told.is_err();
            if sender.send(told).is_err() || last {
                return;
            }
        }
    });
    let reason = converse(&client, &mut heard, probe, ear).await;
    driver.abort();
    reason
}

async fn converse(
    client: &tokio_postgres::Client,
    heard: &mut mpsc::UnboundedReceiver<Heard>,
    probe: Duration,
    ear: &impl Ear,
) -> String {
    // A notification is a hint: its commit need not wait for the disk.
    let hello = format!("SET synchronous_commit = off; LISTEN {WISHES}; LISTEN {SIGHTS}");
    if let Err(reason) = say(client.batch_execute(&hello)).await {
        return reason;
    }
    let me = Word { channel: WISHES, payload: format!("probe:{}", Uuid::new_v4()) };
    let mut listening = false;
    let mut probe_at = Instant::now();
    let mut probe_due: Option<Instant> = None;
    loop {
        let alarm = probe_due.unwrap_or(probe_at);
        tokio::select! {
            note = heard.recv() => match note {
                Some(Ok((_, payload))) if payload == me.payload => {
                    probe_due = None;
                    probe_at = Instant::now() + probe;
                    if !listening {
                        debug!("notifications arrive");
                        listening = true;
                        ear.listening(true);
                    }
                }
                Some(Ok((channel, payload))) => ear.heard(&channel, &payload),
                Some(Err(reason)) => return reason,
                None => return "the connection was closed".to_owned(),
            },
            words = ear.to_say() => {
                for word in words {
                    if let Err(reason) = notify(client, &word).await {
                        return reason;
                    }
                }
            }
            () = tokio::time::sleep_until(alarm) => {
                if probe_due.is_some() {
                    return "a notification to ourselves did not come back".to_owned();
                }
                if let Err(reason) = notify(client, &me).await {
                    return reason;
                }
                probe_due = Some(Instant::now() + PROBE_WAIT);
            }
        }
    }
}

async fn notify(client: &tokio_postgres::Client, word: &Word) -> Result<(), String> {
    say(client.execute("SELECT pg_notify($1, $2)", &[&word.channel, &word.payload])).await
}

async fn say<T>(
    statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<(), String> {
    match timeout(PROBE_WAIT, statement).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(chain_of(&error)),
        Err(_) => Err("the server does not answer".to_owned()),
    }
}
