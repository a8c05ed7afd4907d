//! Keeps this process's runs alive, and closes those of dead processes.
//!
//! It has a thread, a runtime and a connection of its own: neither jobs that block the program's
//! threads nor jobs that use up its connections can make a living process look dead. Once a second
//! it renews the lease of the whole process and reads what was asked of its runs; every fifth of a
//! lease it closes runs whose process is gone. When it cannot renew, it stops this process's runs itself, well before
//! others may close them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use riftwatch_domain::execution::ExecutionReason;
use riftwatch_domain::job::JobId;
use riftwatch_store::audit_log::NewEntry;
use riftwatch_store::job_executions::{Finish, Lost};
use riftwatch_store::workers::Beat;
use riftwatch_store::{
    Conn, Db, StoreError, audit_log, execution_logs, job_configurations, job_executions,
    transactions, workers,
};
use serde_json::json;
use tokio::time::{Duration, MissedTickBehavior, interval, timeout};
use tracing::{error, info, warn};

use crate::OWN_NAME;
use crate::control::Control;
use crate::link::{Link, on};
use crate::run::Stop;

/// Runs closed by one statement; the rest have to wait for the next heartbeat.
const RESCUES: i64 = 500;

/// What a process says of itself.
pub(crate) struct Identity {
    pub(crate) host: String,
    pub(crate) pid: i32,
    pub(crate) job_types: Vec<String>,
}

impl Identity {
    pub(crate) fn of_this_process(job_types: Vec<String>) -> Self {
        let host = std::fs::read_to_string("/etc/hostname")
            .map(|host| host.trim().to_owned())
            .unwrap_or_default();
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        Self { host, pid, job_types }
    }

    pub(crate) fn beat<'a>(&'a self, control: &Control) -> Beat<'a> {
        let config = &control.config;
        Beat {
            id: control.worker_id,
            host: &self.host,
            pid: self.pid,
            version: env!("CARGO_PKG_VERSION"),
            job_types: if config.worker_enabled { &self.job_types } else { &[] },
            concurrency: i32::try_from(config.concurrency).unwrap_or(i32::MAX),
            running: i32::try_from(control.occupied()).unwrap_or(i32::MAX),
            scheduler: config.scheduler_enabled,
            draining: control.draining.is_cancelled(),
            lease: config.lease,
        }
    }
}

/// Starts the thread. It ends, and takes back what the process said of itself, when
/// `control.ended` is cancelled.
pub(crate) fn spawn(
    db: Db,
    control: Arc<Control>,
    identity: Identity,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("lease-keeper".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(run(db, control, identity)),
            Err(error) => error!(%error, "no lease keeper: this process will claim nothing"),
        }
    })
}

async fn run(db: Db, control: Arc<Control>, identity: Identity) {
    let config = control.config.clone();
    // A heartbeat that hangs for a third of the lease is given up, so that a second one, over a new
    // connection, is in time.
    let mut link = Link::to_queue(&db, "heartbeat")
        .with_patience((config.lease / 3).max(Duration::from_millis(200)));
    let mut beats = interval(config.heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = tokio::spawn(watch_fence(Arc::clone(&control)));
    let mut in_a_row = 0_u32;
    let mut rescued = Instant::now();
    loop {
        tokio::select! {
            () = control.ended.cancelled() => break,
            _ = beats.tick() => {}
        }
        let sent = Instant::now();
        match on!(link, conn => beat(conn, &control, &identity)) {
            Ok(()) => {
                control.note(|health| health.beat = sent);
                if control.fenced.swap(false, Ordering::AcqRel) {
                    info!("the heartbeat is written again: claiming goes on");
                    control.look_for_runs.notify_one();
                }
                in_a_row = in_a_row.saturating_add(1);
            }
            Err(_) => {
                in_a_row = 0;
                beats.reset_after(link.backoff().min(config.heartbeat));
                continue;
            }
        }
        // After an outage everybody's lease may have run out: the others get time to renew first.
        if in_a_row >= 3 && rescued.elapsed() >= config.lease / 5 {
            rescued = Instant::now();
            let _ = on!(link, conn => rescue(conn, &control));
        }
    }
    watch.abort();
    let last = on!(link, conn => workers::remove(conn, control.worker_id));
    if let Err(error) = last {
        warn!(error = crate::job::chain_of(&error), "this process could not sign off");
    }
}

/// One heartbeat, and what was asked of this process's runs.
async fn beat(
    conn: &mut Conn,
    control: &Arc<Control>,
    identity: &Identity,
) -> Result<(), StoreError> {
    workers::beat(conn, &identity.beat(control)).await?;
    let active = control.active();
    if active.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = active.iter().map(|run| run.id).collect();
    let held = job_executions::held(conn, control.worker_id, &ids).await?;
    for run in active {
        match held.iter().find(|held| held.id == run.id) {
            Some(held) if held.cancel_requested => run.stop(Stop::Cancelled),
            Some(_) => {}
            // A run that the table no longer gives to us, and whose code goes on: somebody closed
            // it, a rescue or hand-written SQL.
            None if control.is_active(run.id) && run.stopped() != Some(Stop::Gone) => {
                warn!(execution.id = run.id, "run {} was closed by somebody else", run.id);
                run.stop(Stop::Gone);
            }
            None => {}
        }
    }
    Ok(())
}

/// Closes runs that the table gives to this process, but that it does not know: a claim whose
/// answer was lost on the way, for one.
async fn close_forgotten(conn: &mut Conn, control: &Control) -> Result<(), StoreError> {
    let settled = job_executions::settled(conn, control.worker_id).await?;
    let forgotten: Vec<Finish> = settled
        .into_iter()
        .filter(|id| !control.holds(*id))
        .map(|id| {
            let error = "its claim was lost on the way to the process".to_owned();
            Finish {
                id,
                reason: ExecutionReason::Lost,
                // The end is never later than now.
                elapsed_ms: i64::from(i32::MAX),
                metrics: json!({}),
                log_data: json!({ "error": error }),
                error: Some(error),
                progress: None,
            }
        })
        .collect();
    if !forgotten.is_empty() {
        job_executions::finish(conn, control.worker_id, &forgotten).await?;
    }
    Ok(())
}

async fn rescue(conn: &mut Conn, control: &Control) -> Result<(), StoreError> {
    close_forgotten(conn, control).await?;
    let lost = job_executions::rescue(conn, RESCUES).await?;
    let mut jobs: Vec<(JobId, &Lost)> = Vec::new();
    for run in &lost {
        warn!(
            execution.id = run.id,
            job.name = run.job_name,
            "run {} of {} is lost: its process is gone",
            run.id,
            run.job_name
        );
        if !jobs.iter().any(|(id, _)| id.0 == run.job_id) {
            jobs.push((JobId(run.job_id), run));
        }
    }
    let runs = i64::from(control.config.quarantine_after);
    for (job_id, run) in jobs {
        if job_executions::lost_in_a_row(conn, job_id, runs).await? {
            quarantine(conn, job_id, run, runs).await?;
        }
    }
    if !lost.is_empty() {
        control.outbox.changed(lost.iter().map(|run| run.id));
        control.look_for_ticks.notify_one();
    }
    execution_logs::settle_tails(conn).await?;
    Ok(())
}

async fn quarantine(
    conn: &mut Conn,
    job_id: JobId,
    run: &Lost,
    runs: i64,
) -> Result<(), StoreError> {
    let reason = format!("quarantine: its last {runs} runs were lost with their process");
    transactions::begin(conn).await?;
    let written = async {
        job_configurations::sign(conn, OWN_NAME, Some(&reason)).await?;
        let paused = job_configurations::pause(conn, job_id, &reason).await?;
        if paused {
            let entry = NewEntry {
                actor: OWN_NAME,
                action: "quarantine",
                outcome: "done",
                job_id: Some(job_id.0),
                job_name: Some(&run.job_name),
                execution_id: Some(run.id),
                difference: json!({ "paused": [false, true] }),
                reason: Some(&reason),
            };
            audit_log::record(conn, &entry).await?;
        }
        Ok::<_, StoreError>(paused)
    }
    .await;
    if transactions::end(conn, written).await? {
        error!(job.name = run.job_name, "paused {}: {reason}", run.job_name);
    }
    Ok(())
}

/// Stops this process's runs when its last heartbeat is two thirds of a lease old.
async fn watch_fence(control: Arc<Control>) {
    let limit = control.config.fence_after();
    loop {
        let age = control.health().beat.elapsed();
        if age >= limit {
            if !control.fenced.swap(true, Ordering::AcqRel) {
                error!(
                    age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
                    "no heartbeat could be written: stopping this process's runs before others close them"
                );
            }
            control.stop_all(Stop::Fenced);
        }
        let rest = limit.saturating_sub(age).clamp(Duration::from_millis(20), limit);
        if timeout(rest, control.ended.cancelled()).await.is_ok() {
            return;
        }
    }
}
