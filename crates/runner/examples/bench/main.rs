//! Measures the job runtime: `just bench-runner`.
//!
//! Without `--database-url` it runs on a private PostgreSQL with default durability in a temporary
//! directory. `--seconds N` is the length of the load at 200 runs a second (600 in the figures of
//! the contract), `--processes 1,2,4` the numbers of processes that everything is measured with.
//! `--peers` compares with other job systems, in `--rounds N` turns, and `--only peers`, `latency` or
//! `load` leaves the rest out. More processes are this program again, told to work.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod jobs;
mod measures;
mod peers;
mod sql;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use riftwatch_runner::{Runner, RunnerConfig, log_capture};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, migrations};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::sql::Sql;

pub(crate) type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the command line asks for.
struct Wish {
    runs: i64,
    seconds: u64,
    processes: Vec<usize>,
    peers: bool,
    peers_dir: PathBuf,
    rounds: u32,
    only: Option<String>,
}

impl Wish {
    fn is(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned()
    };
    if let Some(url) = value("--work-for") {
        let concurrency = value("--concurrency").as_deref().unwrap_or("16").parse()?;
        return work(&url, value("--role").as_deref().unwrap_or("work"), concurrency).await;
    }
    let wish = Wish {
        runs: value("--runs").as_deref().unwrap_or("50000").parse()?,
        seconds: value("--seconds").as_deref().unwrap_or("60").parse()?,
        processes: value("--processes")
            .as_deref()
            .unwrap_or("1,2,4")
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()?,
        peers: args.iter().any(|arg| arg == "--peers"),
        peers_dir: value("--peers-dir")
            .map_or_else(|| std::env::temp_dir().join("riftwatch-peers"), PathBuf::from),
        rounds: value("--rounds").as_deref().unwrap_or("3").parse()?,
        only: value("--only"),
    };
    match value("--database-url") {
        Some(url) => measure(&url.parse()?, &wish).await,
        None => {
            let dir = std::env::temp_dir().join(format!("riftwatch-bench-{}", std::process::id()));
            let measured = on_a_private_server(&dir, &wish).await;
            std::fs::remove_dir_all(&dir)?;
            measured
        }
    }
}

async fn on_a_private_server(dir: &Path, wish: &Wish) -> Fallible<()> {
    let server = PrivateServer::start(EmbeddedConfig::new(dir)).await?;
    let measured = measure(&server.url().parse()?, wish).await;
    server.stop().await?;
    measured
}

/// What a further process does.
async fn work(url: &str, role: &str, concurrency: usize) -> Fallible<()> {
    tracing_subscriber::registry().with(log_capture::layer()).init();
    let config = RunnerConfig {
        scheduler_enabled: role == "tick",
        worker_enabled: role != "rescue",
        retention: None,
        concurrency,
        ..RunnerConfig::default()
    };
    let db = Db::new(&url.parse()?, 2);
    let runner = Runner::start(db, jobs::registry(), Arc::new(()), config).await?;
    runner.run_until_signal().await?;
    Ok(())
}

async fn measure(url: &DatabaseUrl, wish: &Wish) -> Fallible<()> {
    migrations::run_runtime(url).await?;
    let db = Db::new(url, 4);
    let sql = Sql::open(url).await?;
    println!("{:<52} {}", "PostgreSQL", sql.text("SHOW server_version").await?);
    println!("{:<52} {}", "processor cores", std::thread::available_parallelism()?);
    println!("{:<52} {}", "load of the machine before", load_average());
    let noop = measures::job(&db, "many", "noop").await?;
    if wish.peers {
        peers::compare(url, &sql, noop, wish.runs, wish.rounds, &wish.peers_dir).await?;
    }
    if wish.is("latency") {
        for &processes in &wish.processes {
            measures::print_throughput(url, &sql, noop, wish.runs, processes).await?;
            measures::idle_latency(&db, url, &sql, processes).await?;
            measures::loaded_latency(url, &sql, noop, processes).await?;
            measures::tick_lateness(&db, url, &sql, processes).await?;
            measures::cancel_latency(&db, url, &sql, processes).await?;
            measures::rescue(&db, url, &sql, processes).await?;
        }
        measures::line_latency(&db, url, &sql).await?;
    }
    if wish.is("load") {
        for &processes in &wish.processes {
            measures::steady_load(url, &sql, noop, wish.seconds, processes).await?;
        }
    }
    println!("{:<52} {}", "load of the machine after", load_average());
    Ok(())
}

/// Processes that wanted to run in the last minute, and in the last five and fifteen.
fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .unwrap_or_else(|_| "unknown".to_owned())
}
