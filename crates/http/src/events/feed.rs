//! The way to what changes about runs, for everybody who listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::web::Bytes;
use riftwatch_runner::Changes;
use riftwatch_store::{Db, StoreError};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::cursor::{Cursor, Told};
use super::reader::Reader;
use super::stream::Scope;

/// An event, rendered.
#[derive(Debug)]
pub(super) struct Event {
    /// About which run.
    pub(super) run: i64,
    /// It is the run's last.
    pub(super) is_end: bool,
    /// For listeners to everything.
    pub(super) for_all: Bytes,
    /// For listeners to the run.
    pub(super) for_run: Bytes,
    /// The cursor in `for_all`.
    pub(super) all_id: String,
    /// How far `for_run` goes.
    pub(super) told: Told,
}

/// What a listener missed, or a part of it.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) text: Bytes,
    pub(super) cursor: Cursor,
    /// What follows, if this was all; `None`: ask again.
    pub(super) live: Option<broadcast::Receiver<Arc<Event>>>,
    /// The run has ended, and that was told.
    pub(super) ended: bool,
}

/// What a listener who is behind asks of the reader.
pub(super) struct Ask {
    pub(super) scope: Scope,
    /// `None`: from now on.
    pub(super) cursor: Option<Cursor>,
    pub(super) answer: oneshot::Sender<Result<Missed, StoreError>>,
}

/// The way to the feed. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Feed {
    asks: mpsc::Sender<Ask>,
    open: AtomicUsize,
    max_open: usize,
    stopping: CancellationToken,
}

impl Feed {
    /// Starts the feed, which lives on `runtime`. It reads nothing while nobody listens. Streams end
    /// when `stopping` says so.
    pub(crate) fn start(
        db: &Db,
        changes: Changes,
        runtime: &Handle,
        max_open: usize,
        stopping: CancellationToken,
    ) -> Self {
        let (asks, asked) = mpsc::channel(256);
        runtime.spawn(Reader::new(db).run(asked, changes));
        Self { asks, open: AtomicUsize::new(0), max_open, stopping }
    }

    /// A place for one more stream. `None`: all are taken.
    pub(super) fn take_place(self: &Arc<Self>) -> Option<Place> {
        let taken = self.open.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(self));
        (taken < self.max_open).then_some(place)
    }

    /// Whether the server is stopping, and when it is.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Streams that are open.
    pub(crate) fn open_streams(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    pub(super) async fn missed(
        &self,
        scope: Scope,
        cursor: Option<Cursor>,
    ) -> Result<Missed, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the server is stopping".into());
        self.asks.send(Ask { scope, cursor, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// One open stream.
#[derive(Debug)]
pub(super) struct Place(Arc<Feed>);

impl Place {
    pub(super) fn feed(&self) -> &Feed {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}
