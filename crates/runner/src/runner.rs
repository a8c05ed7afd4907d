//! Starts the parts of the runtime in one process, tells how they are, and stops them in order.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::ExecutionId;
use riftwatch_store::job_configurations::JobSettings;
use riftwatch_store::{
    Conn, Db, StoreError, job_configurations, migrations, transactions, workers,
};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::config::RunnerConfig;
use crate::control::Control;
use crate::engine::Engine;
use crate::finisher::Finisher;
use crate::follow::{Board, Changes};
use crate::keeper::Identity;
use crate::registry::{Catalog, Registry};
use crate::run::Stop;
use crate::{OWN_NAME, claimer, keeper, ticker, upkeep, wakeups, worker};

/// Starts the runtime.
#[derive(Debug)]
pub struct Runner;

/// Why the runtime did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The database cannot be used: it is away, or its tables are not those of this program.
    #[error("preparing the job runtime's tables")]
    Store(#[from] StoreError),
    /// A setting that cannot work.
    #[error("{name} {mend}")]
    Config {
        /// The setting.
        name: &'static str,
        /// What it must be.
        mend: &'static str,
    },
    /// The operating system gave no thread.
    #[error("starting the lease keeper's thread")]
    Thread(#[source] std::io::Error),
}

impl Runner {
    /// Starts what `config` asks for: ticks, runs, or both. Makes the row of each job type that has
    /// none, and leaves the others as they are. The tables must be there
    /// ([`migrations::run_runtime`]).
    ///
    /// Opens up to seven connections of its own beside the pool of `db`. Must be called within a
    /// multi-thread tokio runtime.
    ///
    /// # Errors
    ///
    /// When the database cannot be used, or a setting cannot work. Then nothing runs.
    pub async fn start<D: Send + Sync + 'static>(
        db: Db,
        registry: Registry<D>,
        deps: Arc<D>,
        config: RunnerConfig,
    ) -> Result<RunnerHandle, RunnerError> {
        check(&config)?;
        let control = Arc::new(Control::new(config));
        let identity = Identity::of_this_process(registry.kinds());
        // The first heartbeat says which job types live here, and comes before their rows: else an
        // older version beside us ticks a type that it does not know, and finds that nobody does.
        let mut conn = db.dedicated().await?;
        workers::beat(&mut conn, &identity.beat(&control)).await?;
        control.note(|health| health.beat = Instant::now());
        // Partitions come before the first claim.
        let rows = default_rows(registry.catalog());
        if !rows.is_empty() {
            make_absent(&mut conn, &rows).await?;
        }
        upkeep::round(&mut conn, &control.config).await?;
        drop(conn);

        let catalog = registry.catalog().clone();
        let keeper = keeper::spawn(db.clone(), Arc::clone(&control), identity)
            .map_err(RunnerError::Thread)?;
        let mut parts = Parts { keeper: Some(keeper), ..Parts::default() };
        if control.config.worker_enabled {
            let kinds = registry.kinds();
            let (finisher, writer) = Finisher::new(&db, &control);
            let (sender, work) = mpsc::channel(control.config.concurrency);
            let engine = Arc::new(Engine {
                control: Arc::clone(&control),
                registry: Arc::new(registry),
                deps,
                finisher,
            });
            parts.claimer =
                Some(tokio::spawn(claimer::run(db.clone(), Arc::clone(&control), kinds, sender)));
            parts.worker = Some(tokio::spawn(worker::run(engine, work)));
            parts.writer = Some(tokio::spawn(writer.run()));
            parts.sweep = Some(tokio::spawn(upkeep::sweep(db.clone(), Arc::clone(&control))));
        }
        if control.config.scheduler_enabled {
            parts.ticker = Some(tokio::spawn(ticker::run(db.clone(), Arc::clone(&control))));
        }
        parts.upkeep = Some(tokio::spawn(upkeep::run(db.clone(), Arc::clone(&control))));
        let board = Arc::new(Board::new());
        let wakeups = wakeups::run(db.clone(), Arc::clone(&control), Arc::clone(&board));
        parts.wakeups = Some(tokio::spawn(wakeups));
        info!(
            worker.id = %control.worker_id,
            scheduler = control.config.scheduler_enabled,
            worker = control.config.worker_enabled,
            "the job runtime runs"
        );
        let stop_on_drop = StopOnDrop(Arc::clone(&control));
        let parts = Mutex::new(parts);
        let inner = Inner { db, catalog, control, board, parts, _stop: stop_on_drop };
        Ok(RunnerHandle(Arc::new(inner)))
    }
}

fn check(config: &RunnerConfig) -> Result<(), RunnerError> {
    let rules = [
        (config.concurrency > 0, "concurrency", "must be 1 or more"),
        (
            config.default_interval >= Duration::from_secs(1),
            "default_interval",
            "must be 1 s or more",
        ),
        (
            config.default_timeout >= Duration::from_secs(1),
            "default_timeout",
            "must be 1 s or more",
        ),
        (!config.heartbeat.is_zero(), "heartbeat", "must be more than nothing"),
        (config.lease >= config.heartbeat * 3, "lease", "must be three heartbeats or more"),
        (!config.flush.is_zero(), "flush", "must be more than nothing"),
        (!config.log_flush.is_zero(), "log_flush", "must be more than nothing"),
        (!config.poll.is_zero(), "poll", "must be more than nothing"),
        (!config.upkeep.is_zero(), "upkeep", "must be more than nothing"),
        (config.quarantine_after > 0, "quarantine_after", "must be 1 or more"),
    ];
    for (holds, name, mend) in rules {
        if !holds {
            return Err(RunnerError::Config { name, mend });
        }
    }
    Ok(())
}

/// Makes rows, signed as the runtime's own.
async fn make_absent(conn: &mut Conn, rows: &[JobSettings]) -> Result<(), StoreError> {
    transactions::begin(conn).await?;
    let made = async {
        job_configurations::sign(conn, OWN_NAME, None).await?;
        job_configurations::insert_absent(conn, rows).await
    }
    .await;
    transactions::end(conn, made).await?;
    Ok(())
}

fn default_rows(catalog: &Catalog) -> Vec<JobSettings> {
    catalog
        .types()
        .map(|job_type| JobSettings {
            name: job_type.default_name.to_owned(),
            job_type: job_type.kind.to_owned(),
            interval_seconds: Some(
                i32::try_from(job_type.default_interval.as_secs()).unwrap_or(i32::MAX).max(1),
            ),
            cron: None,
            time_zone: "UTC".to_owned(),
            manual_only: false,
            jitter_seconds: 0,
            enabled: job_type.default_enabled,
            config_json: job_type.default_config.clone(),
            timeout_seconds: None,
            max_instances: 1,
            misfire_policy: "once".to_owned(),
            paused_at: None,
            paused_reason: None,
            paused_until: None,
        })
        .collect()
}

#[derive(Default)]
struct Parts {
    claimer: Option<JoinHandle<()>>,
    ticker: Option<JoinHandle<()>>,
    worker: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    upkeep: Option<JoinHandle<()>>,
    sweep: Option<JoinHandle<()>>,
    wakeups: Option<JoinHandle<()>>,
    keeper: Option<std::thread::JoinHandle<()>>,
}

/// A running runtime. Clones speak to the same one. When the last clone is dropped without
/// [`RunnerHandle::shutdown`], the runtime stops as if its process had died.
#[derive(Clone)]
pub struct RunnerHandle(Arc<Inner>);

struct Inner {
    db: Db,
    catalog: Catalog,
    control: Arc<Control>,
    board: Arc<Board>,
    parts: Mutex<Parts>,
    _stop: StopOnDrop,
}

struct StopOnDrop(Arc<Control>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.draining.cancel();
        self.0.ended.cancel();
    }
}

impl fmt::Debug for RunnerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnerHandle").field("worker_id", &self.worker_id()).finish_non_exhaustive()
    }
}

/// How a runtime is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerStatus {
    /// This start of the process.
    pub worker_id: Uuid,
    /// Whether it makes ticks, and looked for some in time.
    pub scheduler_running: bool,
    /// Whether it takes runs.
    pub worker_running: bool,
    /// Whether it is shutting down.
    pub draining: bool,
    /// Whether it stopped its runs because it cannot write its heartbeat.
    pub fenced: bool,
    /// Whether notifications arrive; if not, it polls.
    pub listening: bool,
    /// Runs that go on here.
    pub active: Vec<ExecutionId>,
    /// Runs that have ended, and whose code goes on because it never comes to an `await`.
    pub detached: usize,
    /// The most runs side by side.
    pub concurrency: usize,
    /// Ticks made since the start.
    pub ticks: u64,
    /// The last of them, by the database's clock.
    pub last_tick: Option<DateTime<Utc>>,
    /// Since the last heartbeat that was written.
    pub heartbeat_age: Duration,
}

/// Why a process should get no traffic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It is shutting down.
    #[error("it is shutting down")]
    Draining,
    /// The database does not answer.
    #[error("the database does not answer")]
    Database,
    /// The tables are older than this program.
    #[error("the database's schema lacks {0}")]
    Schema(String),
    /// The scheduler did not look for ticks in time.
    #[error("the scheduler is late")]
    TickerLate,
}

impl RunnerHandle {
    /// This start of the process, as the tables name it.
    pub fn worker_id(&self) -> Uuid {
        self.0.control.worker_id
    }

    /// The job types of the program.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// The settings that it was started with.
    pub fn config(&self) -> &RunnerConfig {
        &self.0.control.config
    }

    /// What changes about runs and jobs, in this process and all others. Costs nothing: the runtime
    /// listens anyway.
    pub fn changes(&self) -> Changes {
        Changes::of(&self.0.board)
    }

    /// How it is.
    pub fn status(&self) -> RunnerStatus {
        let control = &self.0.control;
        let health = control.health();
        let draining = control.draining.is_cancelled();
        RunnerStatus {
            worker_id: control.worker_id,
            scheduler_running: control.config.scheduler_enabled && !draining && !self.ticker_late(),
            worker_running: control.config.worker_enabled && control.may_begin(),
            draining,
            fenced: control.fenced.load(Ordering::Acquire),
            listening: control.listening.load(Ordering::Acquire),
            active: {
                let mut ids: Vec<_> =
                    control.active().iter().map(|run| ExecutionId(run.id)).collect();
                ids.sort_unstable();
                ids
            },
            detached: control.detached.load(Ordering::Acquire),
            concurrency: control.config.concurrency,
            ticks: health.ticks,
            last_tick: health.last_tick,
            heartbeat_age: health.beat.elapsed(),
        }
    }

    /// Two looks late, and some time for the look itself.
    fn ticker_late(&self) -> bool {
        let config = &self.0.control.config;
        config.scheduler_enabled
            && self.0.control.health().ticker_pass.elapsed()
                > config.poll * 2 + Duration::from_secs(1)
    }

    /// Whether the process is fit for traffic. Asks the database.
    ///
    /// # Errors
    ///
    /// Every reason why not.
    pub async fn readiness(&self) -> Result<(), Vec<NotReady>> {
        let mut reasons = Vec::new();
        if self.0.control.draining.is_cancelled() {
            reasons.push(NotReady::Draining);
        }
        let check = async {
            let mut conn = self.0.db.get().await?;
            migrations::missing_runtime(&mut conn).await
        };
        match timeout(Duration::from_secs(2), check).await {
            Ok(Ok(missing)) if missing.is_empty() => {}
            Ok(Ok(missing)) => reasons.push(NotReady::Schema(missing.join(", "))),
            Ok(Err(_)) | Err(_) => reasons.push(NotReady::Database),
        }
        if self.ticker_late() && !self.0.control.draining.is_cancelled() {
            reasons.push(NotReady::TickerLate);
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// Makes no more ticks and takes no more runs, without waiting for those that go on.
    pub fn drain(&self) {
        self.0.control.draining.cancel();
    }

    /// Stops in order: no more ticks and claims at once; running jobs get `grace`, all together;
    /// those that remain are cancelled and recorded as `failed`/`shutdown`; every end is written;
    /// heartbeats go on until then. May be called more than once, and returns when all is done.
    pub async fn shutdown(&self, grace: Duration) {
        let control = &self.0.control;
        let deadline = tokio::time::Instant::now() + grace;
        control.draining.cancel();
        let mut parts = self.0.parts.lock().await;
        if parts.keeper.is_none() {
            return;
        }
        info!(running = control.active_count(), "the job runtime shuts down");
        finish("scheduler", parts.ticker.take()).await;
        finish("claims", parts.claimer.take()).await;
        if tokio::time::timeout_at(deadline, self.idle()).await.is_err() {
            warn!(
                running = control.active_count(),
                "the grace is over: cancelling what still runs"
            );
            control.stop_all(Stop::Shutdown);
        }
        finish("worker", parts.worker.take()).await;
        finish("finishes", parts.writer.take()).await;
        control.ended.cancel();
        finish("upkeep", parts.upkeep.take()).await;
        // A VACUUM that is under way is not worth waiting for.
        if let Some(sweep) = parts.sweep.take() {
            sweep.abort();
        }
        finish("notifications", parts.wakeups.take()).await;
        if let Some(keeper) = parts.keeper.take() {
            let joined = tokio::task::spawn_blocking(move || keeper.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                error!("the lease keeper ended in disorder");
            }
        }
        info!("the job runtime has shut down");
    }

    /// Waits for SIGTERM or SIGINT, then shuts down with the grace of the settings. A second signal
    /// cuts that short: what still runs is lost, as if the process had died. Returns whether the
    /// shutdown was orderly.
    ///
    /// # Errors
    ///
    /// When the process cannot listen for signals.
    #[cfg(unix)]
    pub async fn run_until_signal(&self) -> std::io::Result<bool> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut signalled = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        signalled().await;
        self.drain();
        let grace = self.0.control.config.shutdown_grace;
        tokio::select! {
            () = self.shutdown(grace) => Ok(true),
            () = signalled() => {
                warn!("a second signal: not waiting any longer");
                Ok(false)
            }
        }
    }

    /// Waits until no run goes on.
    async fn idle(&self) {
        let control = &self.0.control;
        loop {
            let fewer = control.fewer_runs.notified();
            tokio::pin!(fewer);
            fewer.as_mut().enable();
            if control.occupied() == 0 {
                return;
            }
            fewer.await;
        }
    }
}

async fn finish(name: &str, part: Option<JoinHandle<()>>) {
    if let Some(part) = part
        && let Err(error) = part.await
    {
        error!(part = name, %error, "a part of the job runtime ended in disorder");
    }
}
