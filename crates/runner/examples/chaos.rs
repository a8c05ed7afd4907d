//! Breaks everything for two minutes, and then proves from the tables that nothing was lost:
//! `just chaos`.
//!
//! Five processes tick and run jobs on one PostgreSQL. Every second or so one of them is killed, or
//! asked to stop, or cut off from the database, or PostgreSQL ends connections or is restarted. The
//! jobs have the misfire policy `all`, so that each nominal time must have its run. The database
//! itself watches: triggers count ends and changes after the end, and jobs write down that they
//! began. `--seconds N` sets the length, `--seed N` repeats a run's choice of faults.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riftwatch_domain::job::MisfirePolicy;
use riftwatch_runner::manage::{self, Actor, NewJob};
use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, async_trait,
};
use riftwatch_store::{DatabaseUrl, Db};
use riftwatch_testkit::{Proxy, TestCluster};
use rustix::process::{Pid, Signal, kill_process};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::{Child, Command};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PROCESSES: usize = 5;

/// Writes down that it began, and works for a while.
struct Work;

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
struct WorkConfig {
    ms: u64,
}

#[async_trait]
impl Job for Work {
    type Deps = tokio_postgres::Config;
    type Config = WorkConfig;
    const KIND: &'static str = "work";
    const DESCRIPTION: &'static str = "Works for a while.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(
        &self,
        cx: &JobContext<tokio_postgres::Config>,
        config: WorkConfig,
    ) -> Result<Outcome, JobError> {
        // Straight to the server, so that a cut proxy hides no beginning.
        let (client, connection) = cx.deps.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.execute("INSERT INTO begun VALUES ($1)", &[&cx.execution_id.0]).await?;
        cx.increment_metric("worked", 1);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(config.ms)) => Ok(Outcome::Done),
            () = cx.cancel.cancelled() => Ok(Outcome::Interrupted),
        }
    }
}

fn config() -> RunnerConfig {
    RunnerConfig {
        lease: Duration::from_secs(5),
        shutdown_grace: Duration::from_secs(1),
        retention: None,
        quarantine_after: u32::MAX,
        ..RunnerConfig::default()
    }
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned()
    };
    if let (Some(url), Some(direct)) = (value("--work-for"), value("--direct")) {
        return work(&url, &direct).await;
    }
    let seconds = value("--seconds").as_deref().unwrap_or("120").parse()?;
    let seed = value("--seed").as_deref().unwrap_or("1").parse()?;
    chaos(Duration::from_secs(seconds), seed).await
}

/// What each of the processes does.
async fn work(url: &str, direct: &str) -> Fallible<()> {
    let url: DatabaseUrl = url.parse()?;
    let direct = Arc::new(direct.parse()?);
    // The database may be away just now.
    let runner = loop {
        let registry = Registry::new().with(Work);
        match Runner::start(Db::new(&url, 2), registry, Arc::clone(&direct), config()).await {
            Ok(runner) => break runner,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    runner.run_until_signal().await?;
    Ok(())
}

/// One of the processes, with its own way to the database.
struct Process {
    proxy: Proxy,
    child: Child,
}

impl Process {
    async fn start(cluster: &TestCluster) -> Fallible<Self> {
        let proxy = Proxy::to_unix(cluster.socket()).await;
        let child = spawn(&proxy, cluster)?;
        Ok(Self { proxy, child })
    }

    fn signal(&self, signal: Signal) -> Fallible<()> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(kill_process(pid.ok_or("the process has ended by itself")?, signal)?)
    }
}

fn spawn(proxy: &Proxy, cluster: &TestCluster) -> Fallible<Child> {
    let url = cluster.url().expose();
    let database = url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    Ok(Command::new(std::env::current_exe()?)
        .args(["--work-for", proxy.url(database).expose(), "--direct", url])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

/// A small generator, so that a seed repeats the choice of faults.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn chaos(length: Duration, seed: u64) -> Fallible<()> {
    let mut cluster = TestCluster::start().await;
    let db = cluster.db();
    sql(&db, WATCH).await?;
    let catalog = Registry::new().with(Work).catalog().clone();
    for n in 0..12_u64 {
        let new = NewJob {
            interval_seconds: Some(1 + i32::try_from(n % 2)?),
            misfire_policy: Some(MisfirePolicy::All),
            config_json: json!({ "ms": n * 40 }),
            ..NewJob::new(format!("job {n}"), "work")
        };
        manage::create(&db, &catalog, &config(), new, &Actor::new("chaos")).await?;
    }
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(Process::start(&cluster).await?);
    }
    let begun = Instant::now();
    let mut dice = Dice(seed);
    let mut faults = [
        ("kill -9", 0),
        ("SIGTERM", 0),
        ("half-open", 0),
        ("terminated backends", 0),
        ("restart of PostgreSQL", 0),
    ];
    while begun.elapsed() < length {
        tokio::time::sleep(Duration::from_millis(300 + dice.roll(1500))).await;
        let kind = [0, 0, 0, 1, 1, 2, 2, 3, 3, 4][usize::try_from(dice.roll(10))?];
        let victim = usize::try_from(dice.roll(u64::try_from(PROCESSES)?))?;
        faults[kind].1 += 1;
        let process = &mut processes[victim];
        match kind {
            0 => {
                process.child.kill().await?;
                process.proxy.cut();
                process.child = spawn(&process.proxy, &cluster)?;
            }
            1 => {
                process.signal(Signal::TERM)?;
                process.child.wait().await?;
                process.child = spawn(&process.proxy, &cluster)?;
            }
            2 => {
                // Sometimes short of the lease, sometimes beyond it.
                process.proxy.blackhole();
                tokio::time::sleep(Duration::from_millis(500 + dice.roll(7000))).await;
                process.proxy.resume();
            }
            3 => {
                cluster.kill_backends().await;
            }
            _ => cluster.restart().await,
        }
    }
    println!("{} s of faults, seed {seed}: {faults:?}", length.as_secs());
    settle(&db).await?;
    for process in &mut processes {
        process.signal(Signal::TERM)?;
        process.child.wait().await?;
    }
    verify(&db).await
}

/// The database's own witnesses.
const WATCH: &str = "
    CREATE TABLE begun (execution_id bigint NOT NULL);
    CREATE TABLE ended (execution_id bigint NOT NULL);
    CREATE TABLE changed_after_end (execution_id bigint NOT NULL);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.unfinished AND NOT NEW.unfinished THEN
            INSERT INTO ended VALUES (NEW.id);
        ELSIF NOT OLD.unfinished THEN
            INSERT INTO changed_after_end VALUES (NEW.id);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch AFTER UPDATE ON job_executions FOR EACH ROW EXECUTE FUNCTION watch();";

/// No more ticks; what is due and what runs comes to its end.
async fn settle(db: &Db) -> Fallible<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    // First the backlog of missed ticks, then the last runs.
    let behind = "SELECT count(*) FROM job_configurations WHERE enabled AND next_run_at < now() - interval '1 s'";
    while number(db, behind).await? > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sql(db, "UPDATE job_configurations SET enabled = false").await?;
    while number(db, "SELECT count(*) FROM job_executions WHERE unfinished").await? > 0
        && Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn verify(db: &Db) -> Fallible<()> {
    for (what, query) in [
        ("runs", "SELECT count(*) FROM job_executions"),
        ("  ended well", "SELECT count(*) FROM job_executions WHERE status = 'success'"),
        ("  lost with their process", "SELECT count(*) FROM job_executions WHERE reason = 'lost'"),
        ("  ended by a shutdown", "SELECT count(*) FROM job_executions WHERE reason = 'shutdown'"),
        (
            "  failed otherwise",
            "SELECT count(*) FROM job_executions WHERE status = 'failed' AND reason NOT IN ('lost', 'shutdown')",
        ),
    ] {
        println!("{what:<28}{}", number(db, query).await?);
    }
    let mut wrong = 0;
    for (what, query) in [
        ("ticks lost", "SELECT coalesce(sum(extract(epoch FROM gap) / every - 1), 0)::bigint FROM (
             SELECT j.interval_seconds AS every, e.scheduled_for - lag(e.scheduled_for) OVER (PARTITION BY j.id ORDER BY e.scheduled_for) AS gap
             FROM job_executions e JOIN job_configurations j ON j.id = e.job_id) AS g
             WHERE gap IS NOT NULL"),
        ("ticks doubled", "SELECT count(*) FROM (SELECT FROM job_executions GROUP BY job_id, scheduled_for HAVING count(*) > 1) AS d"),
        ("runs begun twice", "SELECT count(*) FROM (SELECT FROM begun GROUP BY execution_id HAVING count(*) > 1) AS d"),
        ("runs not ended", "SELECT count(*) FROM job_executions e WHERE (SELECT count(*) FROM ended WHERE execution_id = e.id) = 0"),
        ("runs ended twice", "SELECT count(*) FROM (SELECT FROM ended GROUP BY execution_id HAVING count(*) > 1) AS d"),
        ("runs changed after their end", "SELECT count(*) FROM changed_after_end"),
        ("runs said to be done that never began", "SELECT count(*) FROM job_executions e WHERE status = 'success' AND NOT EXISTS (SELECT FROM begun WHERE execution_id = e.id)"),
    ] {
        let count = number(db, query).await?;
        wrong += count;
        println!("{what:<40}{count}");
    }
    if wrong > 0 { Err("something was lost or doubled".into()) } else { Ok(()) }
}

async fn sql(db: &Db, statements: &str) -> Fallible<()> {
    let (client, connection) = db.url().connect_raw().await?;
    tokio::spawn(connection);
    Ok(client.batch_execute(statements).await?)
}

async fn number(db: &Db, query: &str) -> Fallible<i64> {
    let (client, connection) = db.url().connect_raw().await?;
    tokio::spawn(connection);
    Ok(client.query_one(query, &[]).await?.get(0))
}
