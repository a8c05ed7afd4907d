//! Writes what runs have to show: ends, and every few seconds what they have so far.
//!
//! One task with one connection writes for all runs. While a statement is under way the next ends
//! pile up, and go out together: the busier, the larger the batch. Ends are written before the
//! flush that follows them, so that a flush never overtakes an end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riftwatch_domain::execution::{ExecutionId, LogLine};
use riftwatch_domain::job::JobId;
use riftwatch_store::job_executions::{self, Finish, Flush};
use riftwatch_store::{Conn, Db, StoreError, execution_logs, job_configurations, transactions};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{error, warn};
use uuid::Uuid;

use crate::control::Control;
use crate::events::RunEvent;
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
        loop {
            tokio::select! {
                biased;
                count = self.messages.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.write(std::mem::take(&mut batch)).await;
                }
                _ = flushes.tick() => self.flush().await,
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
            self.control.tell_others.notify_one();
        }
        self.control.release(ids.iter().copied());
    }

    async fn finish(&mut self, ends: Vec<Ended>) {
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
            ended.lines.clear();
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
            if accepted.contains(&id) {
                self.control.events.send(RunEvent::Ended { id: ExecutionId(id), reason });
            } else if !ended.gone {
                warn!(
                    execution.id = id,
                    reason = %reason,
                    "run {id} was closed by somebody else: its end is dropped"
                );
            }
        }
        self.control.release(ends.iter().map(|ended| ended.finish.id));
        if self.control.backlog.load(Ordering::Acquire) {
            self.control.look_for_ticks.notify_one();
        }
        self.control.fewer_runs.notify_waiters();
    }

    async fn flush(&mut self) {
        let mut flushes = Vec::new();
        let mut lines = Vec::new();
        for run in self.control.active() {
            flushes.extend(run.take_flush());
            lines.extend(run.take_log().into_iter().map(|line| (run.id, line)));
        }
        if flushes.is_empty() && lines.is_empty() {
            return;
        }
        let worker = self.control.worker_id;
        // The lines are out of their buffers: they are tried until they are stored, as ends are.
        loop {
            match on!(self.link, conn => write_flush(conn, worker, &flushes, &lines)) {
                Ok(()) => return,
                Err(error) if error.is_transient() => sleep(self.link.backoff()).await,
                Err(error) => {
                    error!(error = crate::job::chain_of(&error), "a flush cannot be stored");
                    return;
                }
            }
        }
    }
}

/// Writes ends, and the log lines of those that count. Returns the runs whose end counts.
async fn write_ends(conn: &mut Conn, worker: Uuid, ends: &[Ended]) -> Result<Vec<i64>, StoreError> {
    let finishes: Vec<Finish> =
        ends.iter().filter(|ended| !ended.gone).map(|ended| ended.finish.clone()).collect();
    let plain = ends.iter().all(|ended| ended.lines.is_empty() && ended.retry_after.is_none());
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

async fn write_flush(
    conn: &mut Conn,
    worker: Uuid,
    flushes: &[Flush],
    lines: &[(i64, LogLine)],
) -> Result<(), StoreError> {
    if !flushes.is_empty() {
        job_executions::flush(conn, worker, flushes).await?;
    }
    // Apart from the flush: storing a line twice changes nothing.
    if !lines.is_empty() {
        execution_logs::append(conn, lines).await?;
    }
    Ok(())
}
