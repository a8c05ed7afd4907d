//! How many matches a second go from Riot's bytes into PostgreSQL: read, and stored durably, one
//! transaction a match. `just bench-store` runs it.
//!
//! The matches are a simulated world's; the server is a private one with `fsync` on, in a
//! temporary directory. Fetching is left out: a key's limits bound it, not this program.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use riftwatch_domain::matches::Match;
use riftwatch_riot::wire::parse_match;
use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, matches, migrations};
use riftwatch_testkit::builders::noon;

/// How many matches are stored with each number of connections.
const MATCHES: usize = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bodies = bodies(MATCHES).await?;
    let size: usize = bodies.iter().map(Vec::len).sum();
    println!("{} matches, {} KB each on average", bodies.len(), size / bodies.len() / 1024);

    let began = Instant::now();
    let games = bodies.iter().map(|body| parse_match(body)).collect::<Result<Vec<Match>, _>>()?;
    report("read (parse only)", games.len(), began.elapsed());

    let dir = tempfile::Builder::new().prefix("rw-bench").tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await?;
    let bodies = Arc::new(bodies);
    for connections in [1, 2, 4, 8] {
        let url = fresh_database(&server, connections).await?;
        let db = Db::new(&url, connections);
        let began = Instant::now();
        store_all(&db, &bodies, connections).await?;
        let what = format!("read and stored, {connections} at a time");
        report(&what, bodies.len(), began.elapsed());
    }
    server.stop().await?;
    Ok(())
}

/// Match answers as Riot would send them.
async fn bodies(wanted: usize) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limits = "none".parse()?;
    let sim = Simulator::start(SimConfig { limits, ..SimConfig::default() }).await?;
    let client = reqwest::Client::builder().build()?;
    let get = async |route: &str, path: String| {
        let url = format!("{}{path}", sim.base_url().replace("{route}", route));
        client.get(url).header("X-Riot-Token", "bench").send().await?.bytes().await
    };
    let mut ids = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    'players: for (riot_id, platform) in sim.some_riot_ids(500) {
        let region = platform.region().as_str();
        let name = format!("{}/{}", riot_id.game_name, riot_id.tag_line);
        let account = get(region, format!("/riot/account/v1/accounts/by-riot-id/{name}")).await?;
        let account: serde_json::Value = serde_json::from_slice(&account)?;
        let puuid = account["puuid"].as_str().unwrap_or_default();
        let list =
            get(region, format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=100")).await?;
        let list: Vec<String> = serde_json::from_slice(&list)?;
        for id in list {
            if !ids.insert(id.clone()) {
                continue;
            }
            found.push(get(region, format!("/lol/match/v5/matches/{id}")).await?.to_vec());
            if found.len() == wanted {
                break 'players;
            }
        }
    }
    sim.stop().await;
    Ok(found)
}

async fn fresh_database(
    server: &PrivateServer,
    number: usize,
) -> Result<DatabaseUrl, Box<dyn std::error::Error>> {
    let main: DatabaseUrl = server.url().parse()?;
    let (client, connection) = main.connect_raw().await?;
    let driver = tokio::spawn(connection);
    let name = format!("bench_{number}");
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    drop(client);
    driver.await??;
    let url = main.with_database(&name)?;
    migrations::run(&url).await?;
    Ok(url)
}

async fn store_all(
    db: &Db,
    bodies: &Arc<Vec<Vec<u8>>>,
    connections: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = Vec::new();
    for _ in 0..connections {
        let (db, bodies, next) = (db.clone(), Arc::clone(bodies), Arc::clone(&next));
        lanes.push(tokio::spawn(async move {
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let game = parse_match(body).expect("a simulated match reads");
                let mut conn = db.get().await.expect("a connection");
                matches::store(&mut conn, &game, noon())
                    .await
                    .expect("a simulated match is stored");
            }
        }));
    }
    for lane in lanes {
        lane.await?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand matches")]
fn report(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:36} {rate:8.0} matches/s   {:8.0} participants/s", rate * 10.0);
}
