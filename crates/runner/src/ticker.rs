//! Makes ticks. Every process may; there is no leader.
//!
//! A tick is one short transaction: it locks the rows that are due and that no other scheduler
//! holds, moves them on, and adds pending runs. The row's new `next_run_at` keeps the others from
//! making it again, and the table's unique keys are there should that ever fail. All times are the
//! database's.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use riftwatch_domain::job::JobId;
use riftwatch_store::job_configurations::Due;
use riftwatch_store::{Conn, Db, StoreError, job_configurations, job_executions, transactions};
use tokio::time::timeout;
use tracing::{debug, error};

use crate::OWN_NAME;
use crate::config::RunnerConfig;
use crate::control::Control;
use crate::link::{Link, on};
use crate::plan::plan;

/// The most jobs that one transaction moves on.
const BATCH: i64 = 500;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(2);

/// What one look at the jobs came to.
#[derive(Debug, Default)]
struct Pass {
    /// Ticks made, and the runs that came of them: fewer, where slots were taken.
    ticks: u64,
    runs: usize,
    /// A tick that is due waits for a free slot.
    waits: bool,
    now: Option<DateTime<Utc>>,
}

/// Makes ticks until the shutdown begins.
pub(crate) async fn run(db: Db, control: Arc<Control>) {
    let mut link = Link::new(&db, "ticks");
    while !control.draining.is_cancelled() {
        let wait = match on!(link, conn => look(conn, &control.config)) {
            Ok((pass, delay)) => {
                control.backlog.store(pass.waits, Ordering::Release);
                control.note(|health| {
                    health.ticker_pass = Instant::now();
                    health.ticks += pass.ticks;
                    if pass.ticks > 0 {
                        health.last_tick = pass.now;
                    }
                });
                if pass.runs > 0 {
                    debug!(ticks = pass.ticks, runs = pass.runs, "ticked");
                    control.look_for_runs.notify_one();
                    control.outbox.due();
                }
                delay.min(control.config.poll)
            }
            Err(_) => link.backoff(),
        };
        tokio::select! {
            () = control.draining.cancelled() => {}
            _ = timeout(wait, control.look_for_ticks.notified()) => {}
        }
    }
}

/// Makes the ticks that are due. Returns how long there is nothing to do.
async fn look(conn: &mut Conn, config: &RunnerConfig) -> Result<(Pass, Duration), StoreError> {
    transactions::begin(conn).await?;
    let made = make_ticks(conn, config).await;
    let pass = transactions::end(conn, made).await?;
    let soonest = job_configurations::soonest(conn).await?;
    // More was due than one transaction takes or than the policy `all` makes up at once, or another
    // scheduler is at it: it needs a moment. What waits for a slot is looked at when a run ends.
    let delay = if soonest.overdue && !pass.waits {
        SHORTEST
    } else {
        let wait = |next: DateTime<Utc>| (next - soonest.now).to_std().unwrap_or_default();
        soonest.next.map_or(Duration::MAX, wait).max(SHORTEST)
    };
    Ok((pass, delay))
}

async fn make_ticks(conn: &mut Conn, config: &RunnerConfig) -> Result<Pass, StoreError> {
    let due = job_configurations::lock_due(conn, BATCH).await?;
    if due.is_empty() {
        return Ok(Pass::default());
    }
    let now = job_configurations::now(conn).await?;
    let mut pass = Pass { now: Some(now), ..Pass::default() };
    let mut advances = Vec::with_capacity(due.len());
    let mut ticks: Vec<(JobId, DateTime<Utc>)> = Vec::with_capacity(due.len());
    for due in &due {
        match plan(due, now, config) {
            Ok(plan) => {
                pass.waits |= plan.waits;
                ticks.extend(plan.tick.map(|at| (due.job.id, at)));
                advances.push(plan.advance);
            }
            Err(error) => hold_back(conn, due, &error.to_string()).await?,
        }
    }
    if advances.iter().any(|advance| advance.resume) {
        job_configurations::sign(conn, OWN_NAME, Some("the end of its pause came")).await?;
    }
    if !advances.is_empty() {
        job_configurations::advance(conn, &advances).await?;
    }
    if !ticks.is_empty() {
        pass.ticks = u64::try_from(ticks.len()).unwrap_or(u64::MAX);
        pass.runs = job_executions::enqueue_ticks(conn, &ticks).await?;
    }
    Ok(pass)
}

/// A row that only hand-written SQL can make. It must not stop the others, nor be tried for ever.
async fn hold_back(conn: &mut Conn, due: &Due, error: &str) -> Result<(), StoreError> {
    error!(
        job.name = due.job.name,
        "paused {}: its schedule cannot be read: {error}", due.job.name
    );
    let reason = format!("its schedule cannot be read: {error}");
    job_configurations::sign(conn, OWN_NAME, Some(&reason)).await?;
    job_configurations::pause(conn, due.job.id, &reason).await?;
    Ok(())
}
