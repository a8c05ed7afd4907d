//! Reads what changes about runs, once for everybody who listens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use riftwatch_domain::causes::chain;
use riftwatch_domain::execution::LogLine;
use riftwatch_runner::Changes;
use riftwatch_store::run_feed::{self, FeedRow};
use riftwatch_store::{Conn, Db, StoreError};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::cursor::{Cursor, Told};
use super::stream::Scope;
use super::telling::{Said, hash, is_open, line_json, news, passed_over, render, with_marks};

/// How many events a slow listener may be behind before it is told from the tables what it missed.
const CAPACITY: usize = 1024;

/// At most so often are the tables read, whatever happens.
const PACE: Duration = Duration::from_millis(100);

/// A statement that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most lines of a run that are read at once.
const LINES: i64 = 200;

/// The most runs that are looked up at once for a listener who was away.
const RUNS: i64 = 200;

/// About how many bytes a listener who was away is told at once. It bounds what a listener that
/// does not read costs.
const CHUNK: usize = 32 * 1024;

/// How long after a run was first seen another one, with a smaller id, may yet appear: its
/// transaction began before and ended after.
const SETTLING: Duration = Duration::from_secs(2);

/// Runs beyond the floor that a cursor has at most, but for those that are open.
const MAX_RECENT: usize = 500;

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

struct Ask {
    scope: Scope,
    /// `None`: from now on.
    cursor: Option<Cursor>,
    answer: oneshot::Sender<Result<Missed, StoreError>>,
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
        let reader = Reader {
            db: db.clone(),
            conn: None,
            sender: broadcast::channel(CAPACITY).0,
            cursor: Cursor::default(),
            said: BTreeMap::new(),
            seen: VecDeque::new(),
            is_current: false,
        };
        runtime.spawn(reader.run(asked, changes));
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

struct Reader {
    db: Db,
    conn: Option<Conn>,
    sender: broadcast::Sender<Arc<Event>>,
    /// How far everybody is who listens.
    cursor: Cursor,
    /// What was last said about each run of the cursor.
    said: BTreeMap<i64, Said>,
    /// The newest run at times in the past: what is old enough becomes the floor.
    seen: VecDeque<(Instant, i64)>,
    /// Whether the cursor was brought forward without a pause since somebody began to listen.
    is_current: bool,
}

impl Reader {
    async fn run(mut self, mut asked: mpsc::Receiver<Ask>, changes: Changes) {
        let mut watch = changes.watch();
        loop {
            let mut asks = Vec::new();
            let is_heard = self.sender.receiver_count() > 0;
            if is_heard {
                tokio::select! {
                    ask = asked.recv() => match ask {
                        Some(ask) => asks.push(ask),
                        None => return,
                    },
                    _ = watch.changed() => {}
                }
            } else {
                self.is_current = false;
                self.conn = None;
                match asked.recv().await {
                    Some(ask) => asks.push(ask),
                    None => return,
                }
            }
            while let Ok(ask) = asked.try_recv() {
                asks.push(ask);
            }
            let next = Instant::now() + PACE;
            let read = self.round().await;
            if let Err(error) = &read {
                warn!(error = chain(error), "live events wait for the database");
            }
            for ask in asks {
                let answer = match &read {
                    Ok(()) => self.missed(ask.scope, ask.cursor).await,
                    Err(error) => Err(StoreError::Unavailable(error.to_string().into())),
                };
                // Whoever asked may have gone away.
                let _ = ask.answer.send(answer);
            }
            sleep_until(next).await;
        }
    }

    /// Brings the cursor, and everybody who listens, to the present.
    async fn round(&mut self) -> Result<(), StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.db.dedicated().await?,
        };
        let read = timeout(PATIENCE, async {
            if !self.is_current {
                self.begin(&mut conn).await?;
            }
            self.advance(&mut conn).await
        });
        read.await.map_err(|elapsed| StoreError::Unavailable(elapsed.into()))??;
        self.conn = Some(conn);
        Ok(())
    }

    /// Takes the present as told, since nobody listens yet.
    async fn begin(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let newest = run_feed::newest_id(conn).await?;
        let open = run_feed::unfinished_and(conn, &[]).await?;
        let ids: Vec<i64> = open.iter().map(|row| row.id).collect();
        let last: BTreeMap<i64, i32> =
            run_feed::last_lines(conn, &ids).await?.into_iter().collect();
        let mut cursor = Cursor { floor: newest, runs: BTreeMap::new() };
        self.said.clear();
        for row in &open {
            let said = Said::of(row);
            let told = Told {
                seq: last.get(&row.id).copied().unwrap_or(0),
                status: hash(&said.status),
                progress: hash(&said.progress),
                metrics: hash(&said.metrics),
                ended: false,
            };
            cursor.runs.insert(row.id, told);
            self.said.insert(row.id, said);
        }
        self.seen.clear();
        self.cursor = cursor;
        self.is_current = true;
        Ok(())
    }

    async fn advance(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        loop {
            // What is open, what was open, and what is new and may have ended already.
            let known: Vec<i64> = self
                .cursor
                .runs
                .iter()
                .filter(|(_, told)| !told.ended)
                .map(|(id, _)| *id)
                .collect();
            let mut rows = run_feed::unfinished_and(conn, &known).await?;
            let newer = run_feed::after(conn, self.cursor.floor, RUNS * 5).await?;
            rows.extend(newer);
            rows.sort_by_key(|row| row.id);
            rows.dedup_by_key(|row| row.id);
            rows.retain(|row| !self.told(row.id).ended);
            let from: Vec<(i64, i32)> =
                rows.iter().map(|row| (row.id, self.told(row.id).seq)).collect();
            let lines = run_feed::lines(conn, &from, LINES).await?;
            let mut by_run: BTreeMap<i64, Vec<LogLine>> = BTreeMap::new();
            for (run, line) in lines {
                by_run.entry(run).or_default().push(line);
            }
            let mut more = false;
            for row in &rows {
                let lines = by_run.remove(&row.id).unwrap_or_default();
                let is_cut = i64::try_from(lines.len()).is_ok_and(|count| count >= LINES);
                more |= is_cut;
                for line in with_marks(self.told(row.id).seq, lines) {
                    let told = Told { seq: line.seq, ..self.told(row.id) };
                    self.say(row.id, "log", &line_json(row.id, line), told);
                }
                let said = Said::of(row);
                // Its end comes after its last line.
                let ended = !is_open(row) && !is_cut;
                if is_open(row) || ended {
                    for (name, data, told) in news(self.told(row.id), &said, ended) {
                        self.say(row.id, name, &data, told);
                    }
                    self.said.insert(row.id, said);
                }
            }
            // A run that was removed while it was open is no longer anybody's.
            let gone = known.into_iter().filter(|id| !rows.iter().any(|row| row.id == *id));
            for id in gone {
                self.cursor.runs.remove(&id);
                self.said.remove(&id);
            }
            if !more {
                self.settle();
                return Ok(());
            }
        }
    }

    fn told(&self, run: i64) -> Told {
        self.cursor.runs.get(&run).copied().unwrap_or_default()
    }

    fn say(&mut self, run: i64, name: &str, data: &str, told: Told) {
        self.cursor.runs.insert(run, told);
        if self.sender.receiver_count() == 0 {
            return;
        }
        let all_id = self.cursor.encode();
        let event = Event {
            run,
            is_end: name == "end",
            for_all: render(&all_id, name, data).into(),
            for_run: render(&Cursor::of_run(run, told).encode(), name, data).into(),
            all_id,
            told,
        };
        // The last listener may just have left.
        let _ = self.sender.send(Arc::new(event));
    }

    /// Raises the floor to what is old enough, and forgets what is below it and has ended.
    fn settle(&mut self) {
        let now = Instant::now();
        let cursor = &mut self.cursor;
        let newest = cursor.runs.last_key_value().map_or(cursor.floor, |(id, _)| *id);
        if self.seen.back().is_none_or(|(_, id)| *id < newest) {
            self.seen.push_back((now, newest));
        }
        while let Some((since, id)) = self.seen.front().copied()
            && now - since >= SETTLING
        {
            cursor.floor = cursor.floor.max(id);
            self.seen.pop_front();
        }
        let recent = cursor.runs.iter().filter(|(_, told)| told.ended).map(|(id, _)| *id);
        if let Some(id) = recent.rev().nth(MAX_RECENT) {
            cursor.floor = cursor.floor.max(id);
        }
        let floor = cursor.floor;
        cursor.runs.retain(|id, told| !told.ended || *id > floor);
        self.said.retain(|id, _| cursor.runs.contains_key(id));
    }

    /// What somebody missed who is at `from`, up to where everybody is, or the beginning of it.
    async fn missed(&mut self, scope: Scope, from: Option<Cursor>) -> Result<Missed, StoreError> {
        let Some(from) = from else {
            let hello = render(&self.cursor.encode(), "hello", "{}");
            return Ok(self.all_told(scope, hello));
        };
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.db.dedicated().await?,
        };
        let told = timeout(PATIENCE, CatchUp::new(self, scope, from).tell(&mut conn)).await;
        let (text, end) = told.map_err(|elapsed| StoreError::Unavailable(elapsed.into()))??;
        self.conn = Some(conn);
        Ok(match end {
            End::All => self.all_told(scope, text),
            End::Part(cursor) => Missed { text: text.into(), cursor, live: None, ended: false },
            End::Ended(cursor) => Missed { text: text.into(), cursor, live: None, ended: true },
        })
    }

    fn all_told(&self, scope: Scope, text: String) -> Missed {
        let cursor = match scope {
            Scope::All => self.cursor.clone(),
            Scope::Run(id) => Cursor::of_run(id, self.told(id)),
        };
        Missed { text: text.into(), cursor, live: Some(self.sender.subscribe()), ended: false }
    }
}

enum End {
    /// The listener is where everybody is.
    All,
    /// There is more to tell.
    Part(Cursor),
    /// The listener's run has ended.
    Ended(Cursor),
}

/// Brings one listener to where everybody is.
struct CatchUp<'a> {
    target: &'a Cursor,
    said: &'a BTreeMap<i64, Said>,
    scope: Scope,
    at: Cursor,
    text: String,
}

impl<'a> CatchUp<'a> {
    fn new(reader: &'a Reader, scope: Scope, at: Cursor) -> Self {
        Self { target: &reader.cursor, said: &reader.said, scope, at, text: String::new() }
    }

    async fn tell(mut self, conn: &mut Conn) -> Result<(String, End), StoreError> {
        match self.scope {
            Scope::Run(id) => {
                let told = self.at.runs.get(&id).copied().unwrap_or_default();
                self.at.runs.insert(id, told);
                let whole = self.tell_runs(conn, vec![id]).await?;
                let ended = self.at.runs.get(&id).is_none_or(|told| told.ended);
                Ok((
                    self.text,
                    match (whole, ended) {
                        (false, _) => End::Part(self.at),
                        (true, true) => End::Ended(self.at),
                        (true, false) => End::All,
                    },
                ))
            }
            Scope::All => self.tell_all(conn).await,
        }
    }

    async fn tell_all(mut self, conn: &mut Conn) -> Result<(String, End), StoreError> {
        // First the runs that the listener knows, then those that came later, by their ids.
        let known: Vec<i64> =
            self.at.runs.iter().filter(|(_, told)| !told.ended).map(|(id, _)| *id).collect();
        if !self.tell_runs(conn, known).await? {
            return Ok((self.text, End::Part(self.at)));
        }
        while self.at.floor < self.target.floor {
            let (from, to) = (self.at.floor, self.target.floor);
            let newer = run_feed::ids_between(conn, from, to, RUNS).await?;
            if newer.is_empty() {
                break;
            }
            for id in newer {
                if !self.at.runs.contains_key(&id) && !self.tell_runs(conn, vec![id]).await? {
                    return Ok((self.text, End::Part(self.at)));
                }
                self.at.floor = id;
                self.at.runs.retain(|run, told| !told.ended || *run > id);
            }
        }
        let recent =
            self.target.runs.keys().copied().filter(|id| !self.at.runs.contains_key(id)).collect();
        if !self.tell_runs(conn, recent).await? {
            return Ok((self.text, End::Part(self.at)));
        }
        Ok((self.text, End::All))
    }

    /// Whether all was told.
    async fn tell_runs(&mut self, conn: &mut Conn, ids: Vec<i64>) -> Result<bool, StoreError> {
        // Those that ended are as the table has them, the others as everybody was told.
        let over: Vec<i64> = ids.iter().copied().filter(|id| !self.said.contains_key(id)).collect();
        let rows = if over.is_empty() { vec![] } else { run_feed::with_ids(conn, &over).await? };
        let rows: BTreeMap<i64, FeedRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        for id in ids {
            let (said, to) = match (self.said.get(&id), rows.get(&id)) {
                (Some(said), _) => (said.clone(), self.target.runs.get(&id).copied()),
                // Nobody was told yet: they will all hear of it together.
                (None, Some(row)) if is_open(row) => continue,
                (None, Some(row)) => (Said::of(row), None),
                // Removed in the meantime.
                (None, None) => {
                    self.at.runs.remove(&id);
                    continue;
                }
            };
            if !self.tell_run(conn, id, &said, to).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells about one run up to `to`; `None`: to its end. Whether all was told.
    async fn tell_run(
        &mut self,
        conn: &mut Conn,
        id: i64,
        said: &Said,
        to: Option<Told>,
    ) -> Result<bool, StoreError> {
        let ended = to.is_none_or(|to| to.ended);
        let last = to.filter(|to| !to.ended).map_or(i32::MAX, |to| to.seq);
        loop {
            let at = self.told(id);
            if at.seq >= last {
                break;
            }
            let lines = run_feed::lines(conn, &[(id, at.seq)], LINES).await?;
            let is_cut = i64::try_from(lines.len()).is_ok_and(|count| count >= LINES);
            let lines: Vec<LogLine> = lines.into_iter().map(|(_, line)| line).collect();
            let newest = lines.last().cloned();
            for line in with_marks(at.seq, lines).into_iter().filter(|line| line.seq <= last) {
                if self.text.len() >= CHUNK {
                    return Ok(false);
                }
                let told = Told { seq: line.seq, ..self.told(id) };
                self.push(id, "log", &line_json(id, line), told);
            }
            if !is_cut {
                // Others heard lines that are no longer in the tables.
                let missing = last - self.told(id).seq;
                if let (Some(to), Some(like)) = (to, newest)
                    && !to.ended
                    && missing > 0
                {
                    let told = Told { seq: last, ..self.told(id) };
                    self.push(id, "log", &line_json(id, passed_over(last, missing, &like)), told);
                }
                break;
            }
        }
        for (name, data, told) in news(self.told(id), said, ended) {
            self.push(id, name, &data, told);
        }
        Ok(self.text.len() < CHUNK)
    }

    fn told(&self, run: i64) -> Told {
        self.at.runs.get(&run).copied().unwrap_or_default()
    }

    fn push(&mut self, run: i64, name: &str, data: &str, told: Told) {
        self.at.runs.insert(run, told);
        let id = match self.scope {
            Scope::All => self.at.encode(),
            Scope::Run(_) => Cursor::of_run(run, told).encode(),
        };
        self.text.push_str(&render(&id, name, data));
    }
}
