//! Measures the job runtime: `just bench-runner`.
//!
//! Without `--database-url` it runs on a private PostgreSQL with default durability in a temporary
//! directory. `--seconds N` is the length of the load at 200 runs a second (600 in the figures of
//! the contract). More processes are this program again, told to be a worker.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::HashMap;
use std::error::Error;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use riftwatch_domain::execution::{ExecutionId, ExecutionStatus, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Actor, NewJob};
use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, RunnerHandle, async_trait,
};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::job_executions::{self, Enqueued, Request};
use riftwatch_store::{DatabaseUrl, Db, migrations, workers};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// When each run's code began.
#[derive(Default)]
struct Starts(Mutex<HashMap<ExecutionId, Instant>>);

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
struct NoConfig {}

struct Noop;

#[async_trait]
impl Job for Noop {
    type Deps = Starts;
    type Config = NoConfig;
    const KIND: &'static str = "noop";
    const DESCRIPTION: &'static str = "Does nothing.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, cx: &JobContext<Starts>, _: NoConfig) -> Result<Outcome, JobError> {
        if let Ok(mut starts) = cx.deps.0.lock() {
            starts.insert(cx.execution_id, Instant::now());
        }
        cx.increment_metric("runs", 1);
        Ok(Outcome::Done)
    }
}

struct Wait;

#[async_trait]
impl Job for Wait {
    type Deps = Starts;
    type Config = NoConfig;
    const KIND: &'static str = "wait";
    const DESCRIPTION: &'static str = "Waits to be cancelled.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, cx: &JobContext<Starts>, _: NoConfig) -> Result<Outcome, JobError> {
        cx.cancel.cancelled().await;
        Ok(Outcome::Interrupted)
    }
}

fn registry() -> Registry<Starts> {
    Registry::new().with(Noop).with(Wait)
}

fn worker_config(concurrency: usize) -> RunnerConfig {
    RunnerConfig { scheduler_enabled: false, retention: None, concurrency, ..Default::default() }
}

async fn start(db: &Db, config: RunnerConfig) -> Fallible<(RunnerHandle, Arc<Starts>)> {
    let starts = Arc::new(Starts::default());
    let runner = Runner::start(db.clone(), registry(), Arc::clone(&starts), config).await?;
    Ok((runner, starts))
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned()
    };
    if let Some(url) = value("--work-for") {
        return work(&url, value("--concurrency").as_deref().unwrap_or("16").parse()?).await;
    }
    let seconds = value("--seconds").as_deref().unwrap_or("60").parse()?;
    let runs = value("--runs").as_deref().unwrap_or("50000").parse()?;
    match value("--database-url") {
        Some(url) => measure(&url.parse()?, runs, seconds).await,
        None => {
            let dir = std::env::temp_dir().join(format!("riftwatch-bench-{}", std::process::id()));
            let server = PrivateServer::start(EmbeddedConfig::new(&dir)).await?;
            let measured = measure(&server.url().parse()?, runs, seconds).await;
            server.stop().await?;
            std::fs::remove_dir_all(&dir)?;
            measured
        }
    }
}

/// What a further process does.
async fn work(url: &str, concurrency: usize) -> Fallible<()> {
    let db = Db::new(&url.parse()?, 2);
    let (runner, _) = start(&db, worker_config(concurrency)).await?;
    println!("{}", runner.worker_id());
    runner.run_until_signal().await?;
    Ok(())
}

fn spawn(url: &DatabaseUrl, concurrency: usize) -> Fallible<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["--work-for", url.expose(), "--concurrency", &concurrency.to_string()])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

async fn measure(url: &DatabaseUrl, runs: i64, seconds: u64) -> Fallible<()> {
    migrations::run_runtime(url).await?;
    let db = Db::new(url, 4);
    let sql = Sql::open(url).await?;
    println!("{:<44} {}", "PostgreSQL", sql.text("SHOW server_version").await?);
    println!("{:<44} {}", "processor cores", std::thread::available_parallelism()?);
    let noop = job(&db, "many", "noop").await?;
    for processes in [1, 2, 4] {
        throughput(url, &sql, noop, runs, processes).await?;
    }
    idle_latency(&db).await?;
    tick_lateness(&db, &sql).await?;
    cancel_latency(&db, url).await?;
    rescue(&db, url, &sql).await?;
    steady_load(&db, &sql, noop, seconds).await
}

async fn job(db: &Db, name: &str, kind: &str) -> Fallible<JobId> {
    let new = NewJob { manual_only: true, max_instances: 1000, ..NewJob::new(name, kind) };
    let actor = Actor::new("bench");
    let config = RunnerConfig::default();
    Ok(manage::create(db, registry().catalog(), &config, new, &actor).await?.job.id)
}

/// No-op runs with their whole record, all due at the beginning.
async fn throughput(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    runs: i64,
    processes: usize,
) -> Fallible<()> {
    sql.run("TRUNCATE job_executions; VACUUM job_executions").await?;
    sql.run(&format!(
        "INSERT INTO job_executions (job_id, job_name, job_type, slot)
         SELECT {job}, 'many', 'noop', n FROM generate_series(1, {runs}) AS n"
    ))
    .await?;
    sql.run("ANALYZE job_executions; CHECKPOINT").await?;
    let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    let before = sql.number(commits).await?;
    let mut children = Vec::new();
    for _ in 0..processes {
        children.push(spawn(url, 256)?);
    }
    let done = "SELECT count(*) FROM job_executions WHERE status = 'success'";
    while sql.number(done).await? < runs {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // From the first claim to the last record: the start of the processes is not in it.
    let seconds = sql
        .float(
            "SELECT extract(epoch FROM clock_timestamp() - min(started_at))::float8
             FROM job_executions",
        )
        .await?;
    let after = sql.number(commits).await?;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (rate, per_run) = (runs as f64 / seconds, (after - before) as f64 / runs as f64);
    println!(
        "{:<44} {rate:.0}/s, {per_run:.3} commits a run",
        format!("no-op runs, {processes} process(es)")
    );
    for mut child in children {
        child.kill().await?;
    }
    sql.run("DELETE FROM workers").await
}

/// From the commit that makes a run due to the first line of its code, with nothing else to do.
async fn idle_latency(db: &Db) -> Fallible<()> {
    let (runner, starts) = start(db, worker_config(16)).await?;
    while !runner.status().listening {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let job = job(db, "latency", "noop").await?;
    let mut conn = db.get().await?;
    let mut samples = Vec::new();
    for n in 0..300 {
        // Not in step with anything.
        tokio::time::sleep(Duration::from_millis(20 + n * 7 % 13)).await;
        let request =
            Request { job_id: job, trigger: Trigger::Manual, requested_by: None, retry: None };
        let Enqueued::Made(id) = job_executions::enqueue(&mut conn, request).await? else {
            continue;
        };
        let due = Instant::now();
        workers::notify(&mut conn, "riftwatch_jobs", "due").await?;
        manage::wait_for_end(db, id, Duration::from_secs(10)).await?;
        let begun = starts.0.lock().map_err(|_| "a run panicked")?.get(&id).copied();
        samples.extend(begun.map(|begun| begun.saturating_duration_since(due)));
    }
    print_percentiles("due → code begins, idle", &mut samples);
    runner.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// From the nominal time to the claim of its run: 50 jobs, every second.
async fn tick_lateness(db: &Db, sql: &Sql) -> Fallible<()> {
    let config = RunnerConfig { retention: None, concurrency: 64, ..RunnerConfig::default() };
    let (runner, _) = start(db, config.clone()).await?;
    for n in 0..50 {
        let new = NewJob { interval_seconds: Some(1), ..NewJob::new(format!("tick {n}"), "noop") };
        manage::create(db, registry().catalog(), &config, new, &Actor::new("bench")).await?;
        tokio::time::sleep(Duration::from_millis(17)).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    sql.run("UPDATE job_configurations SET enabled = false WHERE name LIKE 'tick %'").await?;
    runner.shutdown(Duration::from_secs(5)).await;
    let row = sql
        .client
        .query_one(
            "SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99, 1]) WITHIN GROUP
                        (ORDER BY extract(epoch FROM started_at - scheduled_for)::float8 * 1000)
             FROM job_executions WHERE trigger = 'schedule'",
            &[],
        )
        .await?;
    let ms: Vec<f64> = row.get(1);
    println!(
        "{:<44} p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, most {:.1} ms, of {}",
        "nominal time → claimed",
        ms[0],
        ms[1],
        ms[2],
        ms[3],
        row.get::<_, i64>(0)
    );
    Ok(())
}

/// From the wish to the recorded end, in another process.
async fn cancel_latency(db: &Db, url: &DatabaseUrl) -> Fallible<()> {
    let mut child = spawn(url, 16)?;
    let job = job(db, "cancelled", "wait").await?;
    let mut samples = Vec::new();
    for _ in 0..30 {
        let id = begun(db, job).await?;
        let asked = Instant::now();
        manage::cancel(db, id, &Actor::new("bench")).await?;
        manage::wait_for_end(db, id, Duration::from_secs(10)).await?;
        samples.push(asked.elapsed());
    }
    print_percentiles("cancel from another process → ended", &mut samples);
    child.kill().await?;
    Ok(())
}

async fn begun(db: &Db, job: JobId) -> Fallible<ExecutionId> {
    let id = manage::trigger(db, job, Trigger::Manual, &Actor::new("bench")).await?;
    loop {
        let run = manage::find_execution(db, id).await?.execution;
        if run.status == ExecutionStatus::Running {
            return Ok(id);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// From `kill -9` to the record of the loss, with the default lease.
async fn rescue(db: &Db, url: &DatabaseUrl, sql: &Sql) -> Fallible<()> {
    sql.run("DELETE FROM workers WHERE lease_until < now()").await?;
    let job = job(db, "lost", "wait").await?;
    let mut victim = spawn(url, 16)?;
    let id = begun(db, job).await?;
    let (rescuer, _) =
        start(db, RunnerConfig { worker_enabled: false, ..worker_config(1) }).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    victim.kill().await?;
    let killed = Instant::now();
    let run = manage::wait_for_end(db, id, Duration::from_secs(60)).await?;
    println!(
        "{:<44} {:.1} s after kill -9 ({}), with a lease of {} s",
        "dead process's run closed",
        killed.elapsed().as_secs_f64(),
        run.reason.map_or("?", |reason| reason.as_str()),
        RunnerConfig::default().lease.as_secs()
    );
    rescuer.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// 200 runs a second, for a while: what is left behind in the table.
async fn steady_load(db: &Db, sql: &Sql, job: JobId, seconds: u64) -> Fallible<()> {
    sql.run("TRUNCATE job_executions").await?;
    let (runner, _) = start(db, worker_config(64)).await?;
    let dead =
        "SELECT coalesce(n_dead_tup, 0) FROM pg_stat_user_tables WHERE relname = 'job_executions'";
    let mut most = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    for n in 0..seconds * 20 {
        ticks.tick().await;
        // Slots over and over: ten are due every 50 ms.
        let slot = n % 50 * 10;
        sql.run(&format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot)
             SELECT {job}, 'many', 'noop', {slot} + n FROM generate_series(1, 10) AS n
             ON CONFLICT DO NOTHING"
        ))
        .await?;
        sql.run("NOTIFY riftwatch_jobs, 'due'").await?;
        if n % 20 == 0 {
            most = most.max(sql.number(dead).await?);
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    runner.shutdown(Duration::from_secs(5)).await;
    let row = sql
        .client
        .query_one(
            "SELECT count(*) FILTER (WHERE status = 'success'),
                    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP
                        (ORDER BY extract(epoch FROM started_at - created_at)::float8 * 1000)
             FROM job_executions",
            &[],
        )
        .await?;
    let ms: Vec<f64> = row.get(1);
    println!(
        "{:<44} {} runs in {seconds} s, due → claimed p50 {:.1} ms, p95 {:.1} ms",
        "200 runs a second",
        row.get::<_, i64>(0),
        ms[0],
        ms[1]
    );
    println!("{:<44} {most} at most", "  dead tuples");
    let size = "SELECT pg_size_pretty(pg_table_size('job_executions')) || ' table, '
                || pg_size_pretty(pg_indexes_size('job_executions')) || ' indexes'";
    println!("{:<44} {}", "  size", sql.text(size).await?);
    Ok(())
}

fn print_percentiles(what: &str, samples: &mut [Duration]) {
    samples.sort();
    let at = |percent: usize| {
        samples
            .get((samples.len() * percent / 100).min(samples.len().saturating_sub(1)))
            .map_or(0.0, |sample| sample.as_secs_f64() * 1000.0)
    };
    println!(
        "{what:<44} p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, of {}",
        at(50),
        at(95),
        at(99),
        samples.len()
    );
}

/// A connection for statements of the bench's own.
struct Sql {
    client: tokio_postgres::Client,
}

impl Sql {
    async fn open(url: &DatabaseUrl) -> Fallible<Self> {
        let (client, connection) = url.connect_raw().await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    async fn run(&self, statements: &str) -> Fallible<()> {
        // One by one: VACUUM and CHECKPOINT take no company.
        for statement in statements.split(';') {
            self.client.batch_execute(statement).await?;
        }
        Ok(())
    }

    async fn number(&self, query: &str) -> Fallible<i64> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }

    async fn float(&self, query: &str) -> Fallible<f64> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }

    async fn text(&self, query: &str) -> Fallible<String> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }
}
