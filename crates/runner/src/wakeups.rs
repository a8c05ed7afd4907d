//! Notifications between processes: a hint to look now instead of at the next poll.
//!
//! One connection listens and notifies. It proves itself by a probe that has to come back: a
//! connection that is dead without saying so, or a pooler that swallows LISTEN, is found out and
//! replaced. Nothing depends on a notification; what one would have said is found by polling.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{StreamExt, stream};
use riftwatch_store::{DatabaseUrl, Db};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::AsyncMessage;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::control::Control;
use crate::job::chain_of;
use crate::run::Stop;

/// The channel. The payload says what: `due`, `jobs`, `cancel:ID` or `probe:UUID`.
pub(crate) const CHANNEL: &str = "riftwatch_jobs";

/// At most one notification goes out in this time. A NOTIFY takes a lock that is global to the
/// server; busy processes look at the table all the time anyway.
const DEBOUNCE: Duration = Duration::from_millis(5);

/// A probe that is not back by then will not come.
const PROBE_WAIT: Duration = Duration::from_secs(2);

/// Listens until the runner has ended.
pub(crate) async fn run(db: Db, control: Arc<Control>) {
    let mut failures = 0_u32;
    while !control.ended.is_cancelled() {
        let since = Instant::now();
        let result = tokio::select! {
            () = control.ended.cancelled() => return,
            result = listen(db.url(), &control) => result,
        };
        control.listening.store(false, Ordering::Release);
        if since.elapsed() > control.config.probe * 2 {
            failures = 0;
        }
        if failures == 0 {
            warn!(reason = result, "notifications do not arrive; polling until they do");
        }
        failures = failures.saturating_add(1);
        let pause = Duration::from_millis(100 * (1 << failures.min(6))).min(Duration::from_secs(5));
        let _ = timeout(pause, control.ended.cancelled()).await;
    }
}

/// Listens until the connection is no good. Returns why.
async fn listen(url: &DatabaseUrl, control: &Control) -> String {
    let (client, mut connection) = match timeout(Duration::from_secs(10), url.connect_raw()).await {
        Ok(Ok(pair)) => pair,
        Ok(Err(error)) => return chain_of(&error),
        Err(_) => return "connecting took too long".to_owned(),
    };
    let (sender, mut heard) = mpsc::unbounded_channel();
    // The client makes progress only while somebody polls the connection.
    let driver = tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(note)) => {
                    if sender.send(Ok(note.payload().to_owned())).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let _ = sender.send(Err(chain_of(&error)));
                    return;
                }
            }
        }
    });
    let reason = converse(&client, &mut heard, control).await;
    driver.abort();
    reason
}

async fn converse(
    client: &tokio_postgres::Client,
    heard: &mut mpsc::UnboundedReceiver<Result<String, String>>,
    control: &Control,
) -> String {
    if let Err(reason) = say(client.batch_execute(&format!("LISTEN {CHANNEL}"))).await {
        return reason;
    }
    let me = format!("probe:{}", Uuid::new_v4());
    let mut probe_at = Instant::now();
    let mut probe_due: Option<Instant> = None;
    loop {
        let alarm = probe_due.unwrap_or(probe_at);
        tokio::select! {
            note = heard.recv() => match note {
                Some(Ok(payload)) if payload == me => {
                    probe_due = None;
                    probe_at = Instant::now() + control.config.probe;
                    if !control.listening.swap(true, Ordering::AcqRel) {
                        debug!("notifications arrive");
                        // What was said while nobody listened.
                        control.look_for_runs.notify_one();
                        control.look_for_ticks.notify_one();
                    }
                }
                Some(Ok(payload)) => obey(&payload, control),
                Some(Err(reason)) => return reason,
                None => return "the connection was closed".to_owned(),
            },
            () = control.tell_others.notified() => {
                if let Err(reason) = notify(client, "due").await {
                    return reason;
                }
                sleep(DEBOUNCE).await;
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

fn obey(payload: &str, control: &Control) {
    match payload.split_once(':') {
        None if payload == "due" => control.look_for_runs.notify_one(),
        None if payload == "jobs" => control.look_for_ticks.notify_one(),
        Some(("cancel", id)) => {
            if let Ok(id) = id.parse() {
                control.stop_run(id, Stop::Cancelled);
            }
        }
        // Somebody else's probe, or a newer version's word.
        _ => {}
    }
}

async fn notify(client: &tokio_postgres::Client, payload: &str) -> Result<(), String> {
    say(client.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &payload])).await
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
