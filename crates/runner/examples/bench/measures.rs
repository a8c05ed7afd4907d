//! What is measured: how many runs, how soon, and what they leave behind.

use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use riftwatch_domain::execution::{ExecutionId, ExecutionStatus, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Actor, NewJob};
use riftwatch_runner::{Changes, Follow, Followed, RunnerConfig};
use riftwatch_store::{DatabaseUrl, Db};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::Fallible;
use crate::jobs::{BEGAN_US, registry};
use crate::sql::{Sql, print_samples};

/// Where the processes write that a run is due.
const WISHES: &str = "riftwatch_jobs";

/// How a further process works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// It runs jobs, so many side by side.
    Works(usize),
    /// It runs jobs and makes ticks.
    WorksAndTicks,
    /// It only keeps the lease.
    Rescues,
}

/// Processes with a runner in them; killed when dropped.
pub(crate) struct Processes(Vec<Child>);

impl Processes {
    /// Starts them, and waits until they say that they are there.
    async fn start(url: &DatabaseUrl, sql: &Sql, count: usize, role: Role) -> Fallible<Self> {
        let known = "SELECT count(*) FROM workers";
        let before = sql.number(known).await?;
        let mut children = Vec::new();
        for _ in 0..count {
            children.push(spawn(url, role)?);
        }
        while sql.number(known).await? < before + i64::try_from(count)? {
            sleep(Duration::from_millis(10)).await;
        }
        // Time to listen.
        sleep(Duration::from_millis(700)).await;
        Ok(Self(children))
    }

    async fn kill(self) -> Fallible<()> {
        for mut child in self.0 {
            child.kill().await?;
        }
        Ok(())
    }
}

fn spawn(url: &DatabaseUrl, role: Role) -> Fallible<Child> {
    let (role, concurrency) = match role {
        Role::Works(concurrency) => ("work", concurrency),
        Role::WorksAndTicks => ("tick", 64),
        Role::Rescues => ("rescue", 1),
    };
    Ok(Command::new(std::env::current_exe()?)
        .args(["--work-for", url.expose(), "--role", role])
        .args(["--concurrency", &concurrency.to_string()])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

/// A job that runs when asked, any number side by side.
pub(crate) async fn job(db: &Db, name: &str, kind: &str) -> Fallible<JobId> {
    let new = NewJob { manual_only: true, max_instances: 1000, ..NewJob::new(name, kind) };
    let config = RunnerConfig::default();
    Ok(manage::create(db, registry().catalog(), &config, new, &actor()).await?.job.id)
}

fn actor() -> Actor {
    Actor::new("bench")
}

fn label(what: &str, processes: usize) -> String {
    let many = if processes == 1 { "process" } else { "processes" };
    format!("{what}, {processes} {many}")
}

/// No-op runs with their whole record, all due at the beginning. Returns how many a second, from the
/// first claim to the last record: the start of the processes is not in it.
pub(crate) async fn throughput(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    runs: i64,
    processes: usize,
) -> Fallible<f64> {
    sql.run("TRUNCATE job_executions; VACUUM job_executions").await?;
    sql.run(&format!(
        "INSERT INTO job_executions (job_id, job_name, job_type, slot)
         SELECT {job}, 'many', 'noop', n FROM generate_series(1, {runs}) AS n"
    ))
    .await?;
    sql.run("ANALYZE job_executions; CHECKPOINT").await?;
    let mut children = Vec::new();
    for _ in 0..processes {
        children.push(spawn(url, Role::Works(256))?);
    }
    let done = "SELECT count(*) FROM job_executions WHERE status = 'success'";
    while sql.number(done).await? < runs {
        sleep(Duration::from_millis(50)).await;
    }
    let seconds = sql
        .float(
            "SELECT extract(epoch FROM clock_timestamp() - min(started_at))::float8
             FROM job_executions",
        )
        .await?;
    Processes(children).kill().await?;
    sql.run("DELETE FROM workers").await?;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let runs = runs as f64;
    Ok(runs / seconds)
}

/// As [`throughput`], printed, with the commits that it took.
pub(crate) async fn print_throughput(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    runs: i64,
    processes: usize,
) -> Fallible<()> {
    let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    let before = sql.number(commits).await?;
    let rate = throughput(url, sql, job, runs, processes).await?;
    let after = sql.number(commits).await?;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let per_run = (after - before) as f64 / runs as f64;
    let what = label("no-op runs", processes);
    println!("{what:<52} {rate:.0}/s, {per_run:.3} commits a run");
    Ok(())
}

/// From the moment that a run is due to the first line of its code, with nothing else to do.
pub(crate) async fn idle_latency(
    db: &Db,
    url: &DatabaseUrl,
    sql: &Sql,
    processes: usize,
) -> Fallible<()> {
    let workers = Processes::start(url, sql, processes, Role::Works(16)).await?;
    let job = job(db, &format!("idle {processes}"), "noop").await?;
    for n in 0..300 {
        // Not in step with anything.
        sleep(Duration::from_millis(20 + n * 7 % 13)).await;
        let id = manage::trigger(db, job, Trigger::Manual, &actor()).await?;
        manage::wait_for_end(db, id, Duration::from_secs(10)).await?;
    }
    workers.kill().await?;
    sql.print(&label("due → code begins, idle", processes), BEGAN_US, &ended(job)).await
}

fn ended(job: JobId) -> String {
    format!("job_executions WHERE job_id = {job} AND status = 'success'")
}

/// The same at 200 runs a second.
pub(crate) async fn loaded_latency(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    processes: usize,
) -> Fallible<()> {
    sql.run("TRUNCATE job_executions").await?;
    let workers = Processes::start(url, sql, processes, Role::Works(64)).await?;
    load(sql, job, 20, async |_| Ok(())).await?;
    workers.kill().await?;
    let what = label("due → code begins, 200 runs/s", processes);
    sql.print(&what, BEGAN_US, &ended(job)).await
}

/// 200 runs a second, for so long; `each_second` has its turn once a second.
async fn load(
    sql: &Sql,
    job: JobId,
    seconds: u64,
    mut each_second: impl AsyncFnMut(u64) -> Fallible<()>,
) -> Fallible<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    for n in 0..seconds * 20 {
        ticks.tick().await;
        // Slots over and over: ten are due every 50 ms.
        let slot = n % 50 * 10;
        sql.run(&format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot)
             SELECT {job}, 'many', 'noop', {slot} + n FROM generate_series(1, 10) AS n
             ON CONFLICT DO NOTHING; NOTIFY {WISHES}, 'due'"
        ))
        .await?;
        if n % 20 == 0 {
            each_second(n / 20).await?;
        }
    }
    sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// From the nominal time to the claim of its run: 50 jobs, every second.
pub(crate) async fn tick_lateness(
    db: &Db,
    url: &DatabaseUrl,
    sql: &Sql,
    processes: usize,
) -> Fallible<()> {
    sql.run("TRUNCATE job_executions").await?;
    let tickers = Processes::start(url, sql, processes, Role::WorksAndTicks).await?;
    let config = RunnerConfig::default();
    for n in 0..50 {
        let name = format!("tick {n} of {processes}");
        let new = NewJob { interval_seconds: Some(1), ..NewJob::new(name, "noop") };
        manage::create(db, registry().catalog(), &config, new, &actor()).await?;
        sleep(Duration::from_millis(17)).await;
    }
    sleep(Duration::from_secs(20)).await;
    sql.run("UPDATE job_configurations SET enabled = false WHERE name LIKE 'tick %'").await?;
    tickers.kill().await?;
    let late = "extract(epoch FROM started_at - scheduled_for) * 1000";
    let rows = "job_executions WHERE trigger = 'schedule' AND started_at IS NOT NULL";
    sql.print(&label("nominal time → claimed, 50 ticks/s", processes), late, rows).await
}

/// From the wish to the recorded end, in another process.
pub(crate) async fn cancel_latency(
    db: &Db,
    url: &DatabaseUrl,
    sql: &Sql,
    processes: usize,
) -> Fallible<()> {
    let workers = Processes::start(url, sql, processes, Role::Works(16)).await?;
    let job = job(db, &format!("cancelled {processes}"), "wait").await?;
    for _ in 0..50 {
        let id = begun(db, job).await?;
        manage::cancel(db, id, &actor()).await?;
        manage::wait_for_end(db, id, Duration::from_secs(10)).await?;
    }
    workers.kill().await?;
    let ms = "extract(epoch FROM ended_at - cancel_requested_at) * 1000";
    let rows = format!("job_executions WHERE job_id = {job} AND status = 'cancelled'");
    sql.print(&label("cancel → ended", processes), ms, &rows).await
}

async fn begun(db: &Db, job: JobId) -> Fallible<ExecutionId> {
    let id = manage::trigger(db, job, Trigger::Manual, &actor()).await?;
    loop {
        let run = manage::find_execution(db, id).await?.execution;
        if run.status == ExecutionStatus::Running {
            return Ok(id);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// From `kill -9` to the record of the loss, with the default lease.
pub(crate) async fn rescue(db: &Db, url: &DatabaseUrl, sql: &Sql, rescuers: usize) -> Fallible<()> {
    sql.run("DELETE FROM workers").await?;
    let job = job(db, &format!("lost {rescuers}"), "wait").await?;
    let victim = Processes::start(url, sql, 1, Role::Works(16)).await?;
    let id = begun(db, job).await?;
    let others = Processes::start(url, sql, rescuers, Role::Rescues).await?;
    sleep(Duration::from_secs(4)).await;
    victim.kill().await?;
    let killed = Instant::now();
    let run = manage::wait_for_end(db, id, Duration::from_secs(60)).await?;
    let took = killed.elapsed().as_secs_f64();
    others.kill().await?;
    println!(
        "{:<52} {took:.1} s after kill -9 ({}), with a lease of {} s",
        label("dead process's run closed by others", rescuers),
        run.reason.map_or("?", |reason| reason.as_str()),
        RunnerConfig::default().lease.as_secs()
    );
    Ok(())
}

/// From a log line to a reader in another process.
pub(crate) async fn line_latency(db: &Db, url: &DatabaseUrl, sql: &Sql) -> Fallible<()> {
    let worker = Processes::start(url, sql, 1, Role::Works(16)).await?;
    let job = job(db, "talks", "talk").await?;
    let changes = Changes::listen(db);
    while !changes.is_listening() {
        sleep(Duration::from_millis(10)).await;
    }
    let id = manage::trigger(db, job, Trigger::Manual, &actor()).await?;
    let mut run = Follow::new(db, &changes, id, 0);
    let mut samples = Vec::new();
    while let Some(news) = run.next().await? {
        let Followed::Lines(lines) = news else { continue };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this age fit")]
        let at = |at: i64| at as f64 / 1e6;
        samples.extend(lines.iter().map(|line| (now - at(line.at.timestamp_micros())) * 1e3));
    }
    worker.kill().await?;
    print_samples("line logged → read in another process", &mut samples);
    Ok(())
}

/// 200 runs a second, for a while: what is left behind in the tables.
pub(crate) async fn steady_load(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    seconds: u64,
    processes: usize,
) -> Fallible<()> {
    sql.run("TRUNCATE job_executions").await?;
    let worker = Processes::start(url, sql, processes, Role::Works(64)).await?;
    let dead =
        "SELECT coalesce(n_dead_tup, 0) FROM pg_stat_user_tables WHERE relname = 'job_executions'";
    let wal = "SELECT (pg_current_wal_lsn() - '0/0')::bigint";
    let before = sql.number(wal).await?;
    let (mut most, mut sum) = (0, 0);
    load(sql, job, seconds, async |_| {
        let now = sql.number(dead).await?;
        most = most.max(now);
        sum += now;
        Ok(())
    })
    .await?;
    let written = sql.number(wal).await? - before;
    worker.kill().await?;
    let done = "SELECT count(*) FROM job_executions WHERE status = 'success'";
    let runs = sql.number(done).await?;
    let what = label("200 runs a second", processes);
    println!("{what:<52} {runs} runs in {seconds} s");
    let ms = "extract(epoch FROM started_at - created_at) * 1000";
    sql.print("  due → claimed", ms, &ended(job)).await?;
    sql.print("  due → code begins", BEGAN_US, &ended(job)).await?;
    let seconds = i64::try_from(seconds)?.max(1);
    println!("{:<52} {most} at most, {} on average", "  dead row versions of runs", sum / seconds);
    println!("{:<52} {} bytes a run", "  write-ahead log", written / runs.max(1));
    let sizes = sql
        .texts(
            "SELECT relname || ': ' || pg_size_pretty(pg_table_size(relid)) || ' table, '
                    || pg_size_pretty(pg_indexes_size(relid)) || ' indexes, '
                    || n_live_tup || ' rows, ' || n_dead_tup || ' dead'
             FROM pg_stat_user_tables WHERE pg_table_size(relid) > 0
             ORDER BY pg_table_size(relid) DESC LIMIT 6",
        )
        .await?;
    for size in sizes {
        println!("{:<52} {size}", "  size");
    }
    Ok(())
}
