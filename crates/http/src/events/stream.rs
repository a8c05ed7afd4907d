//! One listener's stream of events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures::Stream;
use futures::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};

use super::cursor::Cursor;
use super::feed::{Event, Feed, Missed, Place};
use crate::error::{ApiError, Code};

/// What a stream says it is.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// Between two comments where nothing happens: proxies close what is silent, and a listener that
/// has gone away is found out.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Between two tries while the database is away.
const PAUSE: Duration = Duration::from_secs(1);

/// What somebody listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every run.
    All,
    /// One run, from its first line to its end.
    Run(i64),
}

/// Answers with a stream of events; with 204 where everything was told already, which tells an
/// `EventSource` not to come back.
pub(crate) async fn listen(
    feed: &Arc<Feed>,
    scope: Scope,
    last_event_id: Option<&str>,
) -> Result<HttpResponse, ApiError> {
    let from = last_event_id.map(Cursor::decode).transpose()?;
    let from = match (scope, from) {
        (Scope::Run(id), Some(cursor)) => {
            if cursor.runs.get(&id).is_some_and(|told| told.ended) {
                return Ok(HttpResponse::NoContent().finish());
            }
            Some(Cursor::of_run(id, cursor.runs.get(&id).copied().unwrap_or_default()))
        }
        (Scope::Run(id), None) => Some(Cursor::of_run(id, Default::default())),
        (Scope::All, from) => from,
    };
    let place = feed.take_place().ok_or_else(|| {
        ApiError::new(Code::TooManyStreams, "as many event streams are open as can be")
            .retry_after(Duration::from_secs(10))
    })?;
    // Asked for at once, so that a database that is away is a proper failure.
    let first = feed.missed(scope, from).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events(place, scope, first)))
}

/// What a stream does next.
enum Next {
    /// Sends what was missed.
    Tell(Missed),
    /// Waits for what happens.
    Wait(Receiver<Arc<Event>>),
    /// Asks what it missed.
    Ask,
    /// Ends.
    End,
}

struct Listener {
    place: Place,
    scope: Scope,
    cursor: At,
    next: Next,
}

/// How far it is.
enum At {
    Cursor(Cursor),
    Event(Arc<Event>),
}

impl At {
    fn cursor(&self, scope: Scope) -> Option<Cursor> {
        match (self, scope) {
            (Self::Cursor(cursor), _) => Some(cursor.clone()),
            (Self::Event(event), Scope::Run(id)) => Some(Cursor::of_run(id, event.told)),
            (Self::Event(event), Scope::All) => Cursor::decode(&event.all_id).ok(),
        }
    }
}

fn events(
    place: Place,
    scope: Scope,
    first: Missed,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let cursor = At::Cursor(first.cursor.clone());
    let listener = Listener { place, scope, cursor, next: Next::Tell(first) };
    stream::unfold(listener, |mut listener| async move {
        // What is held back of a slow reader must not hold up the server's end: it is told the rest
        // when it comes back.
        let stopping = listener.place.feed().stopping().clone();
        let bytes = stopping.run_until_cancelled(listener.next()).await??;
        Some((Ok(bytes), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match std::mem::replace(&mut self.next, Next::End) {
                Next::End => return None,
                Next::Tell(missed) => {
                    self.cursor = At::Cursor(missed.cursor);
                    self.next = match missed.live {
                        _ if missed.ended => Next::End,
                        Some(live) => Next::Wait(live),
                        None => Next::Ask,
                    };
                    if !missed.text.is_empty() {
                        return Some(missed.text);
                    }
                }
                Next::Ask => {
                    let cursor = self.cursor.cursor(self.scope);
                    match self.place.feed().missed(self.scope, cursor).await {
                        Ok(missed) => self.next = Next::Tell(missed),
                        Err(_) => {
                            sleep(PAUSE).await;
                            self.next = Next::Ask;
                            return Some(Bytes::from_static(b": the database is away\n\n"));
                        }
                    }
                }
                Next::Wait(mut live) => match timeout(HEARTBEAT, self.heard(&mut live)).await {
                    Ok(Ok(event)) => {
                        let (text, ends) = match self.scope {
                            Scope::All => (event.for_all.clone(), false),
                            Scope::Run(_) => (event.for_run.clone(), event.is_end),
                        };
                        self.cursor = At::Event(event);
                        self.next = if ends { Next::End } else { Next::Wait(live) };
                        return Some(text);
                    }
                    // Too slow: told from the tables what it missed.
                    Ok(Err(RecvError::Lagged(_))) => self.next = Next::Ask,
                    // The server is stopping.
                    Ok(Err(RecvError::Closed)) => return None,
                    Err(_) => {
                        self.next = Next::Wait(live);
                        return Some(Bytes::from_static(b": heartbeat\n\n"));
                    }
                },
            }
        }
    }

    async fn heard(&self, live: &mut Receiver<Arc<Event>>) -> Result<Arc<Event>, RecvError> {
        loop {
            let event = live.recv().await?;
            match self.scope {
                Scope::Run(id) if event.run != id => {}
                _ => return Ok(event),
            }
        }
    }
}
