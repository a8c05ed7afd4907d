//! How many no-op runs a second apalis-postgres does, each recorded, on DATABASE_URL's PostgreSQL.
//!
//! ```text
//! DATABASE_URL=postgresql://… cargo run --release -- [RUNS] [CONCURRENCY] [--default | --safe]
//! ```
//!
//! The database should be one of its own: the schema `apalis` is made there if missing, and its
//! table of jobs is emptied first. `just bench-runner --peers` does all of it, in turns with
//! riftwatch on the same server.
//!
//! apalis-postgres claims a batch, buffers it in the worker, and writes the ends of all runs that
//! have finished since the last write in one statement. The batch size decides speed and safety:
//!
//! * without a flag, *fast*: batches of 1000. A process that dies, or is slow enough to look dead,
//!   holds up to 1000 tasks that have not begun; the worker sends no heartbeat while it has some in
//!   its buffer, so with tasks that take time other workers take them over and they run twice.
//! * `--default`: its own default, batches of 10, with the same weakness on a smaller scale.
//! * `--safe`: batches of 1. Nothing waits in the buffer, and heartbeats go on between tasks; the
//!   price is a transaction per claim.
//!
//! In all three the end of a run is recorded (`persist_results`), and its start too where the run
//! lasts longer than until the next write (`lock_tasks`): both its defaults. Emptying, enqueuing
//! and a checkpoint come before the clock; it stops when the table says `Done` for every task.

#![expect(clippy::disallowed_methods, reason = "a program of its own, with no settings module")]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_postgres::{Config, PgPool, PostgresStorage};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The worker looks at finished runs only when something wakes it, and without this nothing does
/// once the backlog is claimed: the last ends would wait for the heartbeat (30 s).
const WAKE_INTERVAL: Duration = Duration::from_millis(20);
const ENQUEUED_AT_ONCE: u64 = 500;

struct Settings {
    runs: u64,
    concurrency: usize,
    label: &'static str,
    config: Config,
}

impl Settings {
    fn from_args() -> Fallible<Self> {
        let config = Config::default().queue("noop");
        let (mut label, mut batch_size) = ("fast", 1000);
        let mut numbers = Vec::new();
        for argument in env::args().skip(1) {
            match argument.as_str() {
                "--default" => (label, batch_size) = ("default", config.batch_size),
                "--safe" => (label, batch_size) = ("safe", 1),
                number => numbers.push(number.parse()?),
            }
        }
        Ok(Self {
            runs: numbers.first().copied().unwrap_or(20_000),
            concurrency: usize::try_from(numbers.get(1).copied().unwrap_or(64))?,
            label,
            config: config.batch_size(batch_size),
        })
    }
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let settings = Settings::from_args()?;
    let pool = PgPool::connect(&env::var("DATABASE_URL")?).await?;
    PostgresStorage::setup(&pool).await?;
    enqueue(&pool, &settings).await?;

    let ran = Arc::new(AtomicU64::new(0));
    let backend = PostgresStorage::<()>::new(&pool)
        .with_config(settings.config.clone())
        .poll_with_strategy(Strategy::new().interval(WAKE_INTERVAL));
    // A name of its own: a name seen before is taken for a worker that came back.
    let worker = WorkerBuilder::new(format!("bench-{}", std::process::id()))
        .backend(backend)
        .data(Arc::clone(&ran))
        .concurrency(settings.concurrency)
        .build(noop);

    let began = Instant::now();
    tokio::select! {
        ended = worker.run() => {
            ended?;
            return Err("the worker ended before its work".into());
        }
        done = all_done(&pool, &ran, settings.runs) => done?,
    }
    let took_s = began.elapsed().as_secs_f64();

    let Settings { runs, concurrency, label, config } = settings;
    println!(
        "apalis-postgres: {runs} no-op runs in {took_s:.2} s, {:.0} runs/s \
         ({label}: batch {}, concurrency {concurrency}, {} calls)",
        runs as f64 / took_s,
        config.batch_size,
        ran.load(Ordering::Relaxed),
    );
    Ok(())
}

async fn noop((): (), ran: Data<Arc<AtomicU64>>) {
    ran.fetch_add(1, Ordering::Relaxed);
}

/// Leaves exactly `runs` due tasks in the table.
async fn enqueue(pool: &PgPool, settings: &Settings) -> Fallible<()> {
    sqlx::query("TRUNCATE apalis.jobs").execute(pool).await?;
    let mut sink = PostgresStorage::<()>::new(pool).with_config(settings.config.clone());
    let mut left = settings.runs;
    while left > 0 {
        let some = left.min(ENQUEUED_AT_ONCE);
        sink.push_bulk(vec![(); usize::try_from(some)?]).await?;
        left -= some;
    }
    for statement in ["ANALYZE apalis.jobs", "CHECKPOINT"] {
        sqlx::query(statement).execute(pool).await?;
    }
    Ok(())
}

/// Asks the table, but only once every task has been called: counting its rows over and over would
/// take from what is measured.
async fn all_done(pool: &PgPool, ran: &AtomicU64, runs: u64) -> Fallible<()> {
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if ran.load(Ordering::Relaxed) < runs {
            continue;
        }
        let done: i64 =
            sqlx::query_scalar("SELECT count(*) FROM apalis.jobs WHERE status = 'Done'")
                .fetch_one(pool)
                .await?;
        if u64::try_from(done)? == runs {
            return Ok(());
        }
    }
}
