//! Following runs from any process, as they happen: what a live view is built on.
//!
//! Whatever changes about a run is in the tables first; a notification then says which run to look
//! at. [`Changes`] hears them, over one connection of a process. It says *where* something changed,
//! never what: whoever hears it reads the tables. Where notifications do not arrive, it says "look
//! again" every half second instead, so that a view is late but never wrong.
//!
//! A process that runs jobs or makes ticks has its own: [`RunnerHandle::changes`]. One that does
//! neither, which only serves an API, opens its own with [`Changes::listen`].
//!
//! A stream of one run over HTTP (server-sent events) is a [`Follow`] whose items are sent on. The
//! `seq` of the last line is the event's `id:`, and `Last-Event-ID` is where the next one begins:
//!
//! ```no_run
//! # use riftwatch_runner::{Changes, Follow, Followed, manage::ManageError};
//! # use riftwatch_domain::execution::ExecutionId;
//! # async fn stream(db: &riftwatch_store::Db, changes: &Changes) -> Result<(), ManageError> {
//! let mut run = Follow::new(db, changes, ExecutionId(7), 0);
//! while let Some(news) = run.next().await? {
//!     match news {
//!         // Status, reason, progress, metrics or notes are new. The last item has the end.
//!         Followed::Run(view) => println!("{}", view.execution.status),
//!         Followed::Lines(lines) => lines.iter().for_each(|line| println!("{}", line.message)),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A live list of runs or jobs reads its page, then waits for [`Watch::changed`], and so on; it
//! opens the [`Watch`] before it first reads. Dropping any of them at any time is fine.
//!
//! [`RunnerHandle::changes`]: crate::RunnerHandle::changes

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use riftwatch_domain::execution::{Execution, ExecutionId, LogLine};
use riftwatch_store::Db;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::listener::{self, Ear};
use crate::manage::{self, ExecutionView, LineFilter, ManageError};
use crate::outbox::{SIGHTS, WISHES, Word};

/// Time between looks where notifications arrive: against the one that got lost.
const FLOOR: Duration = Duration::from_secs(5);

/// Time between looks where they do not.
const POLL: Duration = Duration::from_millis(500);

/// Time between probes of a connection that only listens.
const PROBE: Duration = Duration::from_secs(5);

/// How far a slow watcher may be behind before it is told to look at everything.
const CAPACITY: usize = 1024;

/// The most lines that one item of a [`Follow`] has.
const CHUNK: i64 = 500;

/// Where something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This run: status, progress, metrics, notes or log lines.
    Run(ExecutionId),
    /// Any run: some became due, or more changed at once than are named, or it is not known what
    /// changed. Read again what is shown.
    Runs,
    /// A job was made or edited.
    Jobs,
}

/// Where a process's watchers are told.
#[derive(Debug)]
pub(crate) struct Board {
    sender: broadcast::Sender<Change>,
    listening: AtomicBool,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0, listening: AtomicBool::new(false) }
    }

    fn tell(&self, change: Change) {
        // Nobody watches: nothing to do.
        let _ = self.sender.send(change);
    }
}

impl Ear for Board {
    fn listening(&self, yes: bool) {
        self.listening.store(yes, Ordering::Release);
        // What was said while nobody listened; and sleepers learn that they have to poll.
        self.tell(Change::Runs);
        self.tell(Change::Jobs);
    }

    fn heard(&self, channel: &str, payload: &str) {
        match (channel, payload) {
            (WISHES, "due") | (SIGHTS, "*") => self.tell(Change::Runs),
            (WISHES, "jobs") => self.tell(Change::Jobs),
            (SIGHTS, ids) => {
                for id in ids.split(',').filter_map(|id| id.parse().ok()) {
                    self.tell(Change::Run(ExecutionId(id)));
                }
            }
            _ => {}
        }
    }

    /// It only listens.
    async fn to_say(&self) -> Vec<Word> {
        pending().await
    }
}

/// What changes, as this process hears of it. Clones share one connection, which is closed when the
/// last of them is gone.
#[derive(Clone)]
pub struct Changes {
    board: Arc<Board>,
    _stop: Option<Arc<DropGuard>>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("listening", &self.is_listening()).finish_non_exhaustive()
    }
}

impl Changes {
    /// Listens, over one connection beside the pool of `db`. Returns at once; the database may be
    /// away. For a process without a runner; must be called within a tokio runtime that lives as
    /// long as it is used.
    pub fn listen(db: &Db) -> Self {
        let board = Arc::new(Board::new());
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let (url, ear) = (db.url().clone(), Arc::clone(&board));
        tokio::spawn(async move { listener::listen(&url, PROBE, &ended, &*ear).await });
        Self { board, _stop: Some(Arc::new(guard)) }
    }

    pub(crate) fn of(board: &Arc<Board>) -> Self {
        Self { board: Arc::clone(board), _stop: None }
    }

    /// Whether notifications arrive; if not, watchers poll.
    pub fn is_listening(&self) -> bool {
        self.board.listening.load(Ordering::Acquire)
    }

    /// Watches everything from now on. Open it before the first look at the tables.
    pub fn watch(&self) -> Watch {
        Watch { receiver: self.board.sender.subscribe(), changes: self.clone(), run: None }
    }

    /// As [`Changes::watch`], of one run.
    pub fn watch_run(&self, id: ExecutionId) -> Watch {
        Watch { run: Some(id), ..self.watch() }
    }
}

/// Waits for changes. One that is far behind is told [`Change::Runs`] in place of what it missed.
#[derive(Debug)]
pub struct Watch {
    receiver: broadcast::Receiver<Change>,
    changes: Changes,
    run: Option<ExecutionId>,
}

impl Watch {
    /// Waits for the next change, or for the time to look again: five seconds, half a second where
    /// notifications do not arrive. A change that happened since the last call is told at once.
    /// May be dropped while it waits.
    pub async fn changed(&mut self) -> Change {
        let floor = if self.changes.is_listening() { FLOOR } else { POLL };
        let heard = async {
            loop {
                match self.receiver.recv().await {
                    Ok(change) if self.concerns(change) => return change,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Change::Runs,
                    // Not while `changes` is here.
                    Err(RecvError::Closed) => pending().await,
                }
            }
        };
        timeout(floor, heard).await.unwrap_or(Change::Runs)
    }

    fn concerns(&self, change: Change) -> bool {
        match (self.run, change) {
            (None, _) | (Some(_), Change::Runs) => true,
            (Some(mine), Change::Run(id)) => mine == id,
            (Some(_), Change::Jobs) => false,
        }
    }
}

/// News of a run that is followed.
#[derive(Debug, Clone, PartialEq)]
pub enum Followed {
    /// The run, when anything about it but its log is new. Its end comes after its last line.
    Run(Box<ExecutionView>),
    /// Lines, in order, each once. Where lines were passed over, a line says how many.
    Lines(Vec<LogLine>),
}

/// Follows one run from any process: its log from a line on, and what else changes, until its end.
/// A line arrives about a fifth of a second after it was logged.
#[derive(Debug)]
pub struct Follow {
    db: Db,
    watch: Watch,
    id: ExecutionId,
    after: i32,
    seen: Option<Execution>,
    news: VecDeque<Followed>,
    ended: bool,
    /// There is more to read without waiting.
    more: bool,
}

impl Follow {
    /// Follows a run from behind line `after` on (0: from the first).
    pub fn new(db: &Db, changes: &Changes, id: ExecutionId, after: i32) -> Self {
        Self {
            db: db.clone(),
            watch: changes.watch_run(id),
            id,
            after,
            seen: None,
            news: VecDeque::new(),
            ended: false,
            more: true,
        }
    }

    /// The next news; waits for them. `None` after the end of the run and its last line. May be
    /// dropped while it waits.
    ///
    /// # Errors
    ///
    /// [`ManageError::NoExecution`], also when the run is pruned in the meantime; or when the
    /// database cannot be asked: then it may be called again.
    pub async fn next(&mut self) -> Result<Option<Followed>, ManageError> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(Some(news));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.more {
                self.watch.changed().await;
                self.more = true;
            }
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Result<(), ManageError> {
        let lines =
            manage::logs(&self.db, self.id, self.after, &LineFilter::default(), CHUNK).await?;
        let full = i64::try_from(lines.items.len()).is_ok_and(|count| count >= CHUNK);
        let view = manage::find_execution(&self.db, self.id).await?;
        self.after = lines.next_after;
        if !lines.items.is_empty() {
            self.news.push_back(Followed::Lines(lines.items));
        }
        self.ended = lines.ended && !full;
        // It has ended, and there may be lines that were not read: they come before its end.
        self.more = !self.ended && (full || view.execution.status.is_final());
        if !self.more && self.seen.as_ref() != Some(&view.execution) {
            self.seen = Some(view.execution.clone());
            self.news.push_back(Followed::Run(Box::new(view)));
        }
        Ok(())
    }
}
