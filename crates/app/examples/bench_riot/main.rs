//! How well several processes share one key: what of the limits they use, how often they are refused,
//! what it costs the database, and what it costs a process that is alone. `just bench-riot`.
//!
//! Each process is this program again, with a client that shares its budget over a private PostgreSQL.
//! `--seconds N` shortens the runs; `--stranger` measures a key that another program uses too, alone.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riftwatch_app::key_sharing::PostgresRecords;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{Latency, Limits, SimConfig, SimHandle, Simulator, WindowModel};
use riftwatch_store::Db;
use riftwatch_testkit::TestDb;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};

mod stranger;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Callers in each process, who always want more.
const CALLERS: usize = 20;
const DEVELOPMENT: &str = "20:1,100:120";
const PRODUCTION: &str = "500:10,30000:600";

#[tokio::main]
async fn main() -> Fallible<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["child", base_url, database, seconds] => child(base_url, database, seconds.parse()?).await,
        [] => measure(None).await,
        ["--seconds", seconds] => measure(Some(seconds.parse()?)).await,
        ["--stranger"] => stranger::measure().await,
        _ => Err("expected nothing, --seconds N, or --stranger".into()),
    }
}

async fn measure(shorter: Option<u64>) -> Fallible<()> {
    println!("| key | processes | accepted | of at most | used | 429 | commits/request |");
    println!("|---|---|---|---|---|---|---|");
    // A development key leaves the machine idle, so that all numbers of processes run side by side.
    let seconds = shorter.unwrap_or(122);
    let mut running = JoinSet::new();
    for processes in [1, 2, 4, 8] {
        running.spawn(async move { (processes, load(DEVELOPMENT, processes, seconds, 0).await) });
    }
    let mut rows = running.join_all().await;
    rows.sort_by_key(|(processes, _)| *processes);
    for (_, row) in rows {
        println!("{}", row?);
    }
    let seconds = shorter.unwrap_or(42);
    for processes in [1, 2, 4, 8] {
        println!("{}", load(PRODUCTION, processes, seconds, 0).await?);
    }
    println!("{} (one killed in the middle)", load(PRODUCTION, 4, seconds, 1).await?);
    println!();
    alone().await?;
    println!();
    stranger::measure().await
}

fn client(base_url: &str, db: Option<&Db>) -> Fallible<RiotClient> {
    let records = db.map(|db| Arc::new(PostgresRecords::of(db)) as _);
    Ok(RiotClient::new(RiotClientConfig {
        base_url: base_url.to_owned(),
        api_key: Some("RGAPI-shared".into()),
        shared_records: records,
        ..RiotClientConfig::default()
    })?)
}

async fn simulator(limits: Limits, latency: Option<Latency>) -> Fallible<SimHandle> {
    let config = SimConfig {
        seed: 5,
        players: 200,
        days: 20,
        platforms: vec![Platform::Euw1],
        limits,
        window_model: WindowModel::FromFirstCall,
        latency,
        workers: 1,
        ..SimConfig::default()
    };
    Ok(Simulator::start(config).await?)
}

async fn some_matches(sim: &SimHandle) -> Fallible<Vec<MatchId>> {
    // A key of its own: what this costs is nobody else's.
    let riot = RiotClient::new(RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some("RGAPI-another".into()),
        ..RiotClientConfig::default()
    })?;
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let (caller, region) = (Caller::default(), platform.region());
    let account = riot.account_by_riot_id(&caller, region, &riot_id).await?.ok_or("known")?;
    let query = MatchIdsQuery { count: 100, ..MatchIdsQuery::default() };
    Ok(riot.match_ids(&caller, region, &account.puuid, &query).await?.ok_or("known")?)
}

/// So many processes for so long, of which some are killed after a third of it.
async fn load(limits: &str, processes: usize, seconds: u64, killed: usize) -> Fallible<String> {
    let parsed: Limits = limits.parse()?;
    let most = parsed
        .app
        .iter()
        .map(|limit| u64::from(limit.calls) * seconds.div_ceil(u64::from(limit.per_s)));
    let most = most.min().ok_or("there are limits")?;
    let latency = Latency {
        base: Duration::from_millis(60),
        jitter: Duration::from_millis(40),
        spike_share: 0.01,
        spike: Duration::from_millis(400),
    };
    let sim = simulator(parsed, Some(latency)).await?;
    let test = TestDb::new().await;
    let ids = some_matches(&sim).await?;
    let asked_before = sim.stats().requests;
    let before = commits(&test).await?;
    let mut children: Vec<Child> = (0..processes)
        .map(|_| start(&sim.base_url(), test.url().expose(), seconds, &ids))
        .collect::<Fallible<_>>()?;
    if killed > 0 {
        sleep(Duration::from_secs(seconds / 3)).await;
        for mut child in children.drain(..killed) {
            child.kill().await?;
        }
    }
    for child in &mut children {
        child.wait().await?;
    }
    let stats = sim.stats();
    // The server counts commits when a connection ends, or a little later.
    sleep(Duration::from_secs(2)).await;
    let commits = commits(&test).await? - before;
    sim.stop().await;
    let refused = stats.violations.application + stats.violations.method;
    let accepted = stats.requests - asked_before - refused;
    Ok(format!(
        "| {limits}, {seconds} s | {processes} | {accepted} | {most} | {:.1} % | {refused} | {:.3} |",
        accepted as f64 * 100.0 / most as f64,
        commits as f64 / accepted as f64,
    ))
}

fn start(base_url: &str, database: &str, seconds: u64, ids: &[MatchId]) -> Fallible<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["child", base_url, database, &seconds.to_string()])
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let ids = ids.iter().map(MatchId::as_str).collect::<Vec<_>>().join("\n");
    let mut input = child.stdin.take().ok_or("no standard input")?;
    tokio::spawn(
        async move { tokio::io::AsyncWriteExt::write_all(&mut input, ids.as_bytes()).await },
    );
    Ok(child)
}

async fn commits(test: &TestDb) -> Fallible<i64> {
    let (client, connection) =
        tokio_postgres::connect(test.url().expose(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

async fn child(base_url: &str, database: &str, seconds: u64) -> Fallible<()> {
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let ids = std::io::read_to_string(std::io::stdin())?;
    let ids: Vec<MatchId> = ids.lines().map(str::parse).collect::<Result<_, _>>()?;
    let ids: Arc<[MatchId]> = ids.into();
    let riot = client(base_url, Some(&Db::new(&database.parse()?, 2)))?;
    let mut callers = JoinSet::new();
    for first in 0..CALLERS {
        let (riot, ids) = (riot.clone(), ids.clone());
        callers.spawn(async move {
            for id in ids.iter().cycle().skip(first * ids.len() / CALLERS) {
                let caller = Caller::default();
                let call = riot.match_by_id(&caller, id);
                if !matches!(timeout_at(end, call).await, Ok(Ok(_))) {
                    break;
                }
            }
        });
    }
    callers.join_all().await;
    riot.leave().await;
    Ok(())
}

/// What sharing costs a process that shares with nobody: the time of calls one after the other, and
/// how many of many at once get through, with limits that are in nobody's way.
async fn alone() -> Fallible<()> {
    let sim = simulator(Limits::none(), None).await?;
    let ids = some_matches(&sim).await?;
    let test = TestDb::new().await;
    println!("| alone, no limits | p50 | p99 | calls/s of 16 callers |");
    println!("|---|---|---|---|");
    for round in 1..=3 {
        for (name, db) in [("not shared", None), ("shared", Some(&test.db))] {
            let riot = client(&sim.base_url(), db)?;
            let mut times = Vec::new();
            for id in ids.iter().cycle().take(500) {
                let asked = Instant::now();
                riot.match_by_id(&Caller::default(), id).await?;
                times.push(asked.elapsed());
            }
            times.sort_unstable();
            let started = Instant::now();
            let mut callers = JoinSet::new();
            for first in 0..16 {
                let (riot, ids) = (riot.clone(), ids.clone());
                callers.spawn(async move {
                    for id in ids.iter().cycle().skip(first * 6).take(100) {
                        riot.match_by_id(&Caller::default(), id).await.expect("an answer");
                    }
                });
            }
            callers.join_all().await;
            let rate = 1600.0 / started.elapsed().as_secs_f64();
            riot.leave().await;
            println!(
                "| {name}, round {round} | {:.2} ms | {:.2} ms | {rate:.0} |",
                times[times.len() / 2].as_secs_f64() * 1000.0,
                times[times.len() * 99 / 100].as_secs_f64() * 1000.0,
            );
        }
    }
    sim.stop().await;
    Ok(())
}
