//! Writes what runs have to show: ends, log lines soon after they were logged, and every second
//! what else is new.
//!
//! One task with one connection writes for all runs. While a statement is under way the next ends
//! pile up, and go out together: the busier, the larger the batch. A run is active until its end
//! is handed over, so that nothing is written for a run whose end was written before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riftwatch_domain::execution::LogLine;
use riftwatch_domain::job::JobId;
use riftwatch_store::job_executions::{self, Finish, Flush};
use riftwatch_store::{Conn, Db, StoreError, execution_logs, job_configurations, transactions};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{error, warn};
use uuid::Uuid;

use crate::control::Control;
use crate::link::{Link, on};

/// The most ends that one statement writes.
const BATCH: usize = 500;

/// Ends that may wait for the database before runs have to wait too.
const QUEUE: usize = 4096;

/// The end of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) job_id: i64,
    pub(crate) finish: Finish,
    pub(crate) lines: Vec<LogLine>,
    /// Its newest lines were shown, and are now among `lines`.
    pub(crate) tail_shown: bool,
    pub(crate) retry_after: Option<Duration>,
    /// The table has closed the run already: only its log is of use.
    pub(crate) gone: bool,
}

enum Message {
    Ended(Box<Ended>),
    GiveBack(i64),
}

/// Takes ends in.
#[derive(Clone)]
pub(crate) struct Finisher(mpsc::Sender<Message>);

/// Writes them.
pub(crate) struct Writer {
    messages: mpsc::Receiver<Message>,
    control: Arc<Control>,
    link: Link,
}

impl Finisher {
    pub(crate) fn new(db: &Db, control: &Arc<Control>) -> (Self, Writer) {
        let (sender, messages) = mpsc::channel(QUEUE);
        let link = Link::to_queue(db, "finishes");
        (Self(sender), Writer { messages, control: Arc::clone(control), link })
    }

    pub(crate) async fn ended(&self, ended: Ended) {
        // The writer outlives every run.
        let _ = self.0.send(Message::Ended(Box::new(ended))).await;
    }

    pub(crate) async fn give_back(&self, id: i64) {
        let _ = self.0.send(Message::GiveBack(id)).await;
    }
}

impl Writer {
    /// Writes until every [`Finisher`] is gone and everything is written.
    pub(crate) async fn run(mut self) {
        let mut flushes = interval(self.control.config.flush);
        flushes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        // When the lines that are there have to be written.
        let mut lines_due: Option<Instant> = None;
        loop {
            // First what is due at a time: ends may come without a pause.
            tokio::select! {
                biased;
                _ = flushes.tick() => self.flush().await,
                () = sleep_until(lines_due.unwrap_or_else(Instant::now)), if lines_due.is_some() => {
                    lines_due = None;
                    self.store_lines().await;
                }
                () = self.control.lines.notified(), if lines_due.is_none() => {
                    lines_due = Some(Instant::now() + self.control.config.log_flush);
                }
                count = self.messages.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.write(std::mem::take(&mut batch)).await;
                }
            }
        }
    }

    async fn write(&mut self, messages: Vec<Message>) {
        let mut ends = Vec::with_capacity(messages.len());
        let mut back = Vec::new();
        for message in messages {
            match message {
                Message::Ended(ended) => ends.push(*ended),
                Message::GiveBack(id) => back.push(id),
            }
        }
        if !back.is_empty() {
            self.give_back(&back).await;
        }
        if !ends.is_empty() {
            self.finish(ends).await;
        }
    }

    async fn give_back(&mut self, ids: &[i64]) {
        let worker = self.control.worker_id;
        // Once: if it fails, the keeper closes the runs when their claim has run out.
        let given = on!(self.link, conn => job_executions::give_back(conn, worker, ids));
        if given.is_ok() {
            self.control.outbox.due();
        }
        self.control.release(ids.iter().copied());
    }

    async fn finish(&mut self, mut ends: Vec<Ended>) {
        let worker = self.control.worker_id;
        loop {
            let result = on!(self.link, conn => write_ends(conn, worker, &ends));
            match result {
                Ok(accepted) => {
                    self.report(&ends, &accepted);
                    return;
                }
                Err(error) if error.is_transient() => {
                    sleep(self.link.backoff()).await;
                }
                // Something in the batch cannot be written: all the others can, one by one.
                Err(_) if ends.len() > 1 => {
                    for ended in ends {
                        Box::pin(self.finish(vec![ended])).await;
                    }
                    return;
                }
                // Perhaps it is a line of its log: the others are stored, and then its end.
                Err(_) if !ends[0].lines.is_empty() => {
                    let id = ends[0].finish.id;
                    let lines = std::mem::take(&mut ends[0].lines);
                    let lines: Vec<_> = lines.into_iter().map(|line| (id, line)).collect();
                    self.put_lines(&lines, &[]).await;
                }
                Err(error) => {
                    let told = crate::job::chain_of(&error);
                    error!(
                        execution.id = ends[0].finish.id,
                        "the record of a run cannot be stored, only its end: {told}"
                    );
                    self.finish_bare(ends, &told).await;
                    return;
                }
            }
        }
    }

    /// The end without what the run had to show, which the database refuses.
    async fn finish_bare(&mut self, mut ends: Vec<Ended>, refusal: &str) {
        let worker = self.control.worker_id;
        for ended in &mut ends {
            ended.finish.metrics = json!({});
            ended.finish.log_data = json!({ "error": ended.finish.error, "unstored": refusal });
            ended.finish.progress = None;
        }
        let result = on!(self.link, conn => write_ends(conn, worker, &ends));
        let accepted = result.unwrap_or_default();
        self.report(&ends, &accepted);
    }

    fn report(&self, ends: &[Ended], accepted: &[i64]) {
        for ended in ends {
            let Finish { id, reason, .. } = ended.finish;
            if !ended.gone && !accepted.contains(&id) {
                warn!(
                    execution.id = id,
                    reason = %reason,
                    "run {id} was closed by somebody else: its end is dropped"
                );
            }
        }
        self.control.outbox.changed(accepted.iter().copied());
        self.control.release(ends.iter().map(|ended| ended.finish.id));
        if self.control.backlog.load(Ordering::Acquire) {
            self.control.look_for_ticks.notify_one();
        }
        self.control.fewer_runs.notify_waiters();
    }

    /// Metrics, notes and progress.
    async fn flush(&mut self) {
        let flushes: Vec<Flush> =
            self.control.active().iter().filter_map(|run| run.take_flush()).collect();
        if flushes.is_empty() {
            return;
        }
        let worker = self.control.worker_id;
        loop {
            match on!(self.link, conn => job_executions::flush(conn, worker, &flushes)) {
                Ok(ours) => return self.control.outbox.changed(ours),
                Err(error) if error.is_transient() => sleep(self.link.backoff()).await,
                Err(error) => {
                    error!(error = crate::job::chain_of(&error), "a flush cannot be stored");
                    return;
                }
            }
        }
    }

    /// Log lines: the first ones of each run for good, the newest ones of a long log to be seen.
    async fn store_lines(&mut self) {
        let mut lines = Vec::new();
        let mut newest = Vec::new();
        for run in self.control.active() {
            lines.extend(run.take_log().into_iter().map(|line| (run.id, line)));
            newest.extend(run.take_newest().map(|lines| (run.id, lines)));
        }
        if lines.is_empty() && newest.is_empty() {
            return;
        }
        self.put_lines(&lines, &newest).await;
        let stored = lines.iter().map(|(id, _)| *id).chain(newest.iter().map(|(id, _)| *id));
        self.control.outbox.changed(stored);
    }

    /// Tries until they are stored, as ends are: the lines are out of their buffers. Of those that
    /// the database refuses none keeps another one from being stored.
    async fn put_lines(&mut self, lines: &[(i64, LogLine)], newest: &[(i64, Vec<LogLine>)]) {
        let worker = self.control.worker_id;
        loop {
            match on!(self.link, conn => write_lines(conn, worker, lines, newest)) {
                Ok(()) => return,
                Err(error) if error.is_transient() => sleep(self.link.backoff()).await,
                Err(_) if lines.len() + newest.len() > 1 => {
                    // In this order: the first lines before the newest.
                    for half in halves(lines) {
                        Box::pin(self.put_lines(half, &[])).await;
                    }
                    for half in halves(newest) {
                        Box::pin(self.put_lines(&[], half)).await;
                    }
                    return;
                }
                Err(error) => {
                    let id = lines.first().map(|(id, _)| *id).or(newest.first().map(|(id, _)| *id));
                    error!(
                        execution.id = id,
                        error = crate::job::chain_of(&error),
                        "a log line cannot be stored"
                    );
                    return;
                }
            }
        }
    }
}

/// Both halves of what is to be tried apart; those that are empty left out.
fn halves<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let (first, second) = all.split_at(all.len() / 2);
    [first, second].into_iter().filter(|half| !half.is_empty())
}

/// Writes ends, and the log lines of those that count. Returns the runs whose end counts.
async fn write_ends(conn: &mut Conn, worker: Uuid, ends: &[Ended]) -> Result<Vec<i64>, StoreError> {
    let finishes: Vec<Finish> =
        ends.iter().filter(|ended| !ended.gone).map(|ended| ended.finish.clone()).collect();
    let plain = ends
        .iter()
        .all(|ended| ended.lines.is_empty() && ended.retry_after.is_none() && !ended.tail_shown);
    if plain {
        return job_executions::finish(conn, worker, &finishes).await;
    }
    transactions::begin(conn).await?;
    let written = async {
        let accepted = job_executions::finish(conn, worker, &finishes).await?;
        let counts = |ended: &&Ended| ended.gone || accepted.contains(&ended.finish.id);
        let lines: Vec<(i64, LogLine)> = ends
            .iter()
            .filter(counts)
            .flat_map(|ended| ended.lines.iter().map(|line| (ended.finish.id, line.clone())))
            .collect();
        if !lines.is_empty() {
            execution_logs::append(conn, &lines).await?;
        }
        let tails: Vec<i64> =
            ends.iter().filter(|ended| ended.tail_shown).map(|ended| ended.finish.id).collect();
        if !tails.is_empty() {
            execution_logs::remove_tails(conn, &tails).await?;
        }
        let delays: Vec<(JobId, i64)> = ends
            .iter()
            .filter(counts)
            .filter_map(|ended| {
                let delay = i64::try_from(ended.retry_after?.as_millis()).ok()?;
                Some((JobId(ended.job_id), delay))
            })
            .collect();
        if !delays.is_empty() {
            job_configurations::postpone(conn, &delays).await?;
        }
        Ok(accepted)
    }
    .await;
    transactions::end(conn, written).await
}

/// The first lines before the newest: whoever sees these finds all that come before them.
async fn write_lines(
    conn: &mut Conn,
    worker: Uuid,
    lines: &[(i64, LogLine)],
    newest: &[(i64, Vec<LogLine>)],
) -> Result<(), StoreError> {
    // Storing a line twice changes nothing.
    if !lines.is_empty() {
        execution_logs::append(conn, lines).await?;
    }
    if !newest.is_empty() {
        execution_logs::show_tails(conn, worker, newest).await?;
    }
    Ok(())
}
