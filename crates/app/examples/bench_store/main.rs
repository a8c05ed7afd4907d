//! How many matches a second go from Riot's answer into PostgreSQL. `just bench-store` runs it.
//!
//! First the path that the program takes, by the code of `tracked_player_updater`: a player's list,
//! claims, HTTP answers, reading, storing without those who were erased, one transaction a match; by the
//! real client with its limiter's limits off, from a server that only hands out bytes. Then batches in
//! one transaction. Then ways to write participants against each other and against `COPY` from psql.
//! The matches are a simulated world's; the database is a private one with `fsync` on, in a temporary
//! directory.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod answers;
mod rivals;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use answers::Answers;
use riftwatch_app::Deps;
use riftwatch_app::sync::sync_player;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::Match;
use riftwatch_domain::player::Player;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::wire::parse_match;
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::players::{self, Tracked};
use riftwatch_store::suppressions::SuppressionKey;
use riftwatch_store::{DatabaseUrl, Db, matches, migrations};
use riftwatch_testkit::builders::noon;
use tokio_util::sync::CancellationToken;

/// How many matches are stored in each round.
const MATCHES: usize = 2_000;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answers = Answers::of(MATCHES).await?;
    let bodies = &answers.matches;
    let size: usize = bodies.iter().map(Vec::len).sum();
    println!("{} matches, {} KB each on average", bodies.len(), size / bodies.len() / 1024);

    let began = Instant::now();
    let games = bodies.iter().map(|body| parse_match(body)).collect::<Result<Vec<Match>, _>>()?;
    report("read (parse only)", games.len(), began.elapsed());

    let dir = tempfile::Builder::new().prefix("rw-bench").tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await?;
    let games = Arc::new(games);
    println!(
        "\nplayers brought current: list, claim → HTTP answer → read → stored, one transaction a match"
    );
    let origin = answers.serve().await?;
    for slots in [1, 2, 4] {
        let db = fresh_database(&server, &format!("path_{slots}"), 4 * slots).await?;
        let players = track_all(&db, &answers).await?;
        let meter = Meter::start(&db).await?;
        sync_all(&db, &origin, players, slots).await?;
        meter.report(&format!("{slots} players at a time"), games.len()).await?;
        let stored = matches::count(&mut *db.get().await?).await?.0;
        assert_eq!(usize::try_from(stored)?, games.len(), "all of them are stored");
    }

    println!("\nat hand → stored, so many matches in one transaction, four connections");
    for batch in [1, 10, 50] {
        let db = fresh_database(&server, &format!("batch_{batch}"), 4).await?;
        let meter = Meter::start(&db).await?;
        store_batches(&db, &games, batch).await?;
        meter.report(&format!("{batch} in one"), games.len()).await?;
    }

    println!("\nparticipants alone, one connection");
    let db = fresh_database(&server, "rivals", 2).await?;
    store_batches(&db, &games, 50).await?;
    rivals::race(db.url(), &games).await?;
    server.stop().await?;
    Ok(())
}

async fn fresh_database(server: &PrivateServer, name: &str, connections: usize) -> Outcome<Db> {
    let main: DatabaseUrl = server.url().parse()?;
    let (client, connection) = main.connect_raw().await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    drop(client);
    driver.await??;
    let url = main.with_database(name)?;
    migrations::run(&url).await?;
    Ok(Db::new(&url, connections))
}

async fn track_all(db: &Db, answers: &Answers) -> Outcome<Vec<Player>> {
    let mut conn = db.get().await?;
    let mut players = Vec::new();
    for (account, platform) in &answers.players {
        match players::track(&mut conn, account, *platform, i64::MAX, noon()).await? {
            Tracked::Now(player) | Tracked::Already(player) => players.push(player),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(players)
}

/// As `tracked_player_updater` does it, so many players at a time.
async fn sync_all(db: &Db, origin: &str, players: Vec<Player>, slots: usize) -> Outcome<()> {
    let riot = RiotClient::new(RiotClientConfig {
        base_url: origin.to_owned(),
        api_key: Some("RGAPI-bench".into()),
        ..RiotClientConfig::default()
    })?;
    let deps = Deps {
        store: db.clone(),
        riot: Arc::new(riot),
        clock: Clock::system(),
        max_tracked_players: u32::MAX,
        suppression_key: Some(SuppressionKey::from_secret(b"bench")),
    };
    let players: Arc<[Player]> = players.into();
    let next = Arc::new(AtomicUsize::new(0));
    let work = (0..slots).map(|_| {
        let (deps, players, next) = (deps.clone(), players.clone(), next.clone());
        tokio::spawn(async move {
            let caller = Caller::new(CallClass::Refresh);
            let cancel = CancellationToken::new();
            while let Some(player) = players.get(next.fetch_add(1, Ordering::Relaxed)) {
                sync_player(&deps, &caller, player, 100, &cancel, &|_| ()).await?;
            }
            Outcome::Ok(())
        })
    });
    for slot in work.collect::<Vec<_>>() {
        slot.await??;
    }
    Ok(())
}

async fn store_batches(db: &Db, games: &Arc<Vec<Match>>, batch: usize) -> Outcome<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let work = (0..4).map(|_| {
        let (db, games, next) = (db.clone(), games.clone(), next.clone());
        tokio::spawn(async move {
            let key = SuppressionKey::from_secret(b"bench");
            loop {
                let from = next.fetch_add(batch, Ordering::Relaxed);
                let Some(some) = games.get(from..games.len().min(from + batch)) else { break };
                if some.is_empty() {
                    break;
                }
                let mut conn = db.get().await?;
                matches::store_except(&mut conn, some, Some(&key), noon()).await?;
            }
            Outcome::Ok(())
        })
    });
    for lane in work.collect::<Vec<_>>() {
        lane.await??;
    }
    Ok(())
}

/// Time, commits and processor time of a round.
struct Meter {
    db: Db,
    began: Instant,
    commits: i64,
    own: f64,
    machine: f64,
}

impl Meter {
    async fn start(db: &Db) -> Outcome<Self> {
        let commits = commits(db).await?;
        Ok(Self {
            db: db.clone(),
            began: Instant::now(),
            commits,
            own: own_cpu_s(),
            machine: cpu_s(),
        })
    }

    async fn report(self, what: &str, count: usize) -> Outcome<()> {
        let took = self.began.elapsed();
        let (own, machine) = (own_cpu_s() - self.own, cpu_s() - self.machine);
        let each = |seconds: f64| seconds * 1e6 / count as f64;
        report(what, count, took);
        // The server reports its counts with a delay.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let commits = (commits(&self.db).await? - self.commits) as f64 / count as f64;
        println!(
            "{:36} {commits:8.2} commits a match, processor time a match: {:.0} µs here, {:.0} µs in all",
            "",
            each(own),
            each(machine)
        );
        Ok(())
    }
}

async fn commits(db: &Db) -> Outcome<i64> {
    let (client, connection) = db.url().connect_raw().await?;
    let driver = tokio::spawn(connection);
    let row = client
        .query_one(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
            &[],
        )
        .await?;
    drop(client);
    driver.await??;
    Ok(row.get(0))
}

/// Linux counts processor time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

fn own_cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (field(11) + field(12)) / TICKS_A_SECOND
}

/// Of all programs of the machine.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    (fields.iter().take(8).sum::<f64>() - idle) / TICKS_A_SECOND
}

pub(crate) fn report(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:36} {rate:8.0} matches/s   {:8.0} participants/s", rate * 10.0);
}
