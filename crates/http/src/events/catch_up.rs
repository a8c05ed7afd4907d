//! Tells a listener who was away what it missed, from the tables.

use std::collections::BTreeMap;

use riftwatch_domain::execution::LogLine;
use riftwatch_store::run_feed::{self, FeedRow};
use riftwatch_store::{Conn, StoreError};

use super::cursor::{Cursor, Told};
use super::reader::{LINES, RUNS};
use super::stream::Scope;
use super::telling::{Said, is_open, line_json, news, passed_over, render, with_marks};

/// About how many bytes a listener who was away is told at once. It bounds what a listener that
/// does not read costs.
const CHUNK: usize = 32 * 1024;

/// How far a listener was told.
pub(super) enum End {
    /// The listener is where everybody is.
    All,
    /// There is more to tell.
    Part(Cursor),
    /// The listener's run has ended.
    Ended(Cursor),
}

/// Brings one listener to where everybody is.
pub(super) struct CatchUp<'a> {
    target: &'a Cursor,
    said: &'a BTreeMap<i64, Said>,
    scope: Scope,
    at: Cursor,
    text: String,
}

impl<'a> CatchUp<'a> {
    /// From `at` to `target`, where everybody is; `said` is what they were told of each run.
    pub(super) fn new(
        target: &'a Cursor,
        said: &'a BTreeMap<i64, Said>,
        scope: Scope,
        at: Cursor,
    ) -> Self {
        Self { target, said, scope, at, text: String::new() }
    }

    pub(super) async fn tell(mut self, conn: &mut Conn) -> Result<(String, End), StoreError> {
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
