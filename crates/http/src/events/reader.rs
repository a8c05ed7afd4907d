//! Reads what changes about runs, once for everybody who listens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use riftwatch_domain::causes::chain;
use riftwatch_domain::execution::LogLine;
use riftwatch_runner::Changes;
use riftwatch_store::run_feed;
use riftwatch_store::{Conn, Db, StoreError};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::catch_up::{CatchUp, End};
use super::cursor::{Cursor, Told};
use super::feed::{Ask, Event, Missed};
use super::stream::Scope;
use super::telling::{Said, hash, is_open, line_json, news, render, with_marks};

/// How many events a slow listener may be behind before it is told from the tables what it missed.
const CAPACITY: usize = 1024;

/// At most so often are the tables read, whatever happens.
const PACE: Duration = Duration::from_millis(100);

/// A statement that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most lines of a run that are read at once.
pub(super) const LINES: i64 = 200;

/// The most runs that are looked up at once for one listener; for everybody, five times as many.
pub(super) const RUNS: i64 = 200;

/// How long after a run was first seen another one, with a smaller id, may yet appear: its
/// transaction began before and ended after.
const SETTLING: Duration = Duration::from_secs(2);

/// Runs beyond the floor that a cursor has at most, but for those that are open.
const MAX_RECENT: usize = 500;

/// Follows the tables while somebody listens.
pub(super) struct Reader {
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
    pub(super) fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            conn: None,
            sender: broadcast::channel(CAPACITY).0,
            cursor: Cursor::default(),
            said: BTreeMap::new(),
            seen: VecDeque::new(),
            is_current: false,
        }
    }

    /// Works until the way to it is dropped.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Ask>, changes: Changes) {
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
        let told =
            timeout(PATIENCE, CatchUp::new(&self.cursor, &self.said, scope, from).tell(&mut conn))
                .await;
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
