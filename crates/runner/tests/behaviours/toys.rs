//! Toy jobs, and the ways in which tests look at what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Actor, AuditEntry, AuditFilter, NewJob};
use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, RunnerHandle, async_trait,
};
use riftwatch_store::{Db, StoreError};
use riftwatch_testkit::TestDb;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What toys work with.
pub(crate) struct Toys {
    pub(crate) db: Option<Db>,
    /// Runs begun.
    pub(crate) begun: AtomicUsize,
    /// Runs that saw themselves cancelled.
    pub(crate) cancelled: AtomicUsize,
    /// Lets a `wait` go.
    pub(crate) gate: Semaphore,
}

impl Toys {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            db: None,
            begun: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        })
    }

    pub(crate) fn with_db(db: &Db) -> Arc<Self> {
        Arc::new(Self {
            db: Some(db.clone()),
            begun: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        })
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

/// Does nothing, as quickly as possible.
pub(crate) struct Noop;

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NoConfig {}

#[async_trait]
impl Job for Noop {
    type Deps = Toys;
    type Config = NoConfig;
    const KIND: &'static str = "noop";
    const DESCRIPTION: &'static str = "Does nothing.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, cx: &JobContext<Toys>, _: NoConfig) -> Result<Outcome, JobError> {
        cx.deps.begun.fetch_add(1, Ordering::SeqCst);
        cx.increment_metric("runs", 1);
        Ok(Outcome::Done)
    }
}

/// Does what its settings say.
pub(crate) struct Play;

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlayConfig {
    pub(crate) does: Does,
    pub(crate) ms: u64,
    pub(crate) count: u64,
}

#[derive(Serialize, Deserialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Does {
    /// Nothing, for `ms`.
    #[default]
    Sleep,
    /// Waits for the gate, or its cancellation.
    Wait,
    Fail,
    Panic,
    /// Blocks its thread for `ms`.
    Block,
    /// Sleeps and does not look at its cancellation.
    Ignore,
    Partial,
    RateLimit,
    /// Logs `count` lines.
    Log,
    /// Logs `count` lines, one every `ms`, then waits as `Wait`.
    Talk,
    /// Counts, notes and reports, then waits as `Wait`.
    Tell,
    /// Ends its process.
    Abort,
    /// Holds `count` connections of the pool for `ms`.
    Hog,
    /// Finishes the moment it is cancelled, and says that it is done.
    DoneOnCancel,
}

#[derive(Debug, thiserror::Error)]
#[error("the toy is broken")]
struct Broken(#[source] std::num::ParseIntError);

#[async_trait]
impl Job for Play {
    type Deps = Toys;
    type Config = PlayConfig;
    const KIND: &'static str = "play";
    const DESCRIPTION: &'static str = "Does what its settings say.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, cx: &JobContext<Toys>, config: PlayConfig) -> Result<Outcome, JobError> {
        cx.deps.begun.fetch_add(1, Ordering::SeqCst);
        let for_ms = Duration::from_millis(config.ms);
        match config.does {
            Does::Sleep => return pause(cx, for_ms).await,
            Does::Wait => return wait(cx).await,
            Does::Fail => return Err(Broken("x".parse::<i32>().expect_err("no number")).into()),
            Does::Panic => panic!("the toy fell from the table"),
            Does::Block => std::thread::sleep(for_ms),
            Does::Ignore => tokio::time::sleep(for_ms).await,
            Does::Partial => return Ok(Outcome::Partial),
            Does::RateLimit => return Ok(Outcome::RateLimited { retry_after: for_ms }),
            Does::Log => {
                for n in 1..=config.count {
                    tracing::info!(toy.n = n, "line {n}");
                }
            }
            Does::Talk => {
                for n in 1..=config.count {
                    tracing::info!("word {n}");
                    tokio::time::sleep(for_ms).await;
                }
                return wait(cx).await;
            }
            Does::Tell => {
                cx.increment_metric("toys", 2);
                cx.increment_metric("weight", 0.5);
                cx.increment_metric("toys", 3);
                cx.log_entry("colours", ["red", "green"]);
                cx.progress(7, 5, "sorting");
                tracing::warn!(toy.colour = "red", "a toy is missing");
                return wait(cx).await;
            }
            Does::Abort => std::process::abort(),
            Does::Hog => {
                let db = cx.deps.db.as_ref().ok_or_else(|| JobError::msg("no database"))?;
                let mut held = Vec::new();
                for _ in 0..config.count {
                    held.push(db.get().await?);
                }
                return pause(cx, for_ms).await;
            }
            Does::DoneOnCancel => cx.cancel.cancelled().await,
        }
        Ok(Outcome::Done)
    }
}

async fn pause(cx: &JobContext<Toys>, time: Duration) -> Result<Outcome, JobError> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(Outcome::Done),
        () = cx.cancel.cancelled() => stopped(cx),
    }
}

async fn wait(cx: &JobContext<Toys>) -> Result<Outcome, JobError> {
    tokio::select! {
        permit = cx.deps.gate.acquire() => {
            permit?.forget();
            Ok(Outcome::Done)
        }
        () = cx.cancel.cancelled() => stopped(cx),
    }
}

fn stopped(cx: &JobContext<Toys>) -> Result<Outcome, JobError> {
    cx.deps.cancelled.fetch_add(1, Ordering::SeqCst);
    Ok(Outcome::Interrupted)
}

/// Logs inside runs are captured, in this process and its children.
pub(crate) fn capture_logs() {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    // All tests of a process share one subscriber: the first one's.
    let _ = tracing_subscriber::registry().with(riftwatch_runner::log_capture::layer()).try_init();
}

pub(crate) fn registry() -> Registry<Toys> {
    Registry::new().with(Noop).with(Play)
}

/// Settings that make a test quick.
pub(crate) fn quick() -> RunnerConfig {
    RunnerConfig {
        lease: Duration::from_secs(2),
        heartbeat: Duration::from_millis(100),
        flush: Duration::from_millis(200),
        log_flush: Duration::from_millis(50),
        poll: Duration::from_millis(100),
        probe: Duration::from_secs(1),
        shutdown_grace: Duration::from_secs(5),
        retention: None,
        ..RunnerConfig::default()
    }
}

/// As [`quick`], without ticks.
pub(crate) fn no_ticks() -> RunnerConfig {
    RunnerConfig { scheduler_enabled: false, ..quick() }
}

pub(crate) async fn start(db: &Db, toys: &Arc<Toys>, config: RunnerConfig) -> RunnerHandle {
    capture_logs();
    Runner::start(db.clone(), registry(), Arc::clone(toys), config)
        .await
        .expect("the runner starts")
}

/// A database with a runner on it.
pub(crate) struct Playground {
    pub(crate) test: TestDb,
    pub(crate) toys: Arc<Toys>,
    pub(crate) runner: RunnerHandle,
}

impl Playground {
    pub(crate) async fn new(config: RunnerConfig) -> Self {
        let test = TestDb::new().await;
        let toys = Toys::new();
        let runner = start(&test.db, &toys, config).await;
        Self { test, toys, runner }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.test.db
    }

    /// A job that runs when it is asked to.
    pub(crate) async fn manual(&self, name: &str, settings: Value) -> JobId {
        create(self.db(), manual(name, settings)).await
    }

    pub(crate) async fn trigger(&self, job: JobId) -> ExecutionId {
        trigger(self.db(), job).await
    }

    pub(crate) async fn end_of(&self, id: ExecutionId) -> Execution {
        end_of(self.db(), id).await
    }

    /// Makes the job, runs it, and waits for its end.
    pub(crate) async fn run_once(&self, settings: Value) -> Execution {
        let job = self.manual("once", settings).await;
        let id = self.trigger(job).await;
        self.end_of(id).await
    }
}

pub(crate) fn actor() -> Actor {
    Actor::new("test")
}

pub(crate) fn manual(name: &str, settings: Value) -> NewJob {
    NewJob { manual_only: true, config_json: settings, ..NewJob::new(name, "play") }
}

pub(crate) fn hourly(name: &str) -> NewJob {
    NewJob { interval_seconds: Some(3600), ..NewJob::new(name, "noop") }
}

pub(crate) async fn create(db: &Db, new: NewJob) -> JobId {
    manage::create(db, registry().catalog(), &quick(), new, &actor())
        .await
        .expect("the job is made")
        .job
        .id
}

pub(crate) async fn trigger(db: &Db, job: JobId) -> ExecutionId {
    manage::trigger(db, job, Trigger::Manual, &actor()).await.expect("a run is made")
}

/// The run, which must end in time.
pub(crate) async fn end_of(db: &Db, id: ExecutionId) -> Execution {
    let run = manage::wait_for_end(db, id, PATIENCE).await.expect("the run is there");
    assert!(run.status.is_final(), "run {id} goes on: {run:#?}");
    run
}

/// What was done to a job, newest first.
pub(crate) async fn audit_of(db: &Db, job: JobId) -> Vec<AuditEntry> {
    let filter = AuditFilter { job_id: Some(job.0), ..AuditFilter::default() };
    manage::audit_entries(db, &filter, None, 100).await.expect("the audit log").items
}

/// The time by the database's clock.
pub(crate) async fn now(db: &Db) -> DateTime<Utc> {
    let mut conn = db.get().await.expect("a connection");
    riftwatch_store::job_configurations::now(&mut conn).await.expect("the time")
}

/// Asks again and again until the answer is yes. Fails the test with `what` after a while.
pub(crate) async fn until<F>(what: &str, mut question: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let deadline = Instant::now() + PATIENCE;
    while !question().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One number from the database.
pub(crate) async fn number(db: &Db, sql: &str) -> i64 {
    let client = client(db).await.expect("the database answers");
    client.query_one(sql, &[]).await.expect("the query works").get::<_, i64>(0)
}

pub(crate) async fn execute(db: &Db, sql: &str) {
    let client = client(db).await.expect("the database answers");
    client.batch_execute(sql).await.expect("the statements work");
}

pub(crate) async fn client(db: &Db) -> Result<tokio_postgres::Client, StoreError> {
    let (client, connection) =
        db.url().connect_raw().await.map_err(|error| StoreError::Unavailable(error.into()))?;
    tokio::spawn(connection);
    Ok(client)
}
