//! What the simulator costs: matches generated, bodies made, requests answered, memory.
//!
//! `cargo run --release -p riftwatch-sim --example bench_sim -- [players] [games each]`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use riftwatch_domain::routing::Platform;
use riftwatch_sim::{Offline, SimConfig, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &str = "RGAPI-bench";
/// How long each sort of request is sent.
const SPELL: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 64;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let mut next = |default| arguments.next().map_or(default, |n| n.expect("a whole number"));
    let (players, games) = (next(10_000), next(100));
    // Accounts play some 1.85 games a day on average.
    let days = (f64::from(games) / 1.85).ceil() as u32;
    let config = SimConfig {
        players: players as usize,
        days: days.clamp(1, 730),
        limits: "none".parse().expect("limits"),
        ..SimConfig::default()
    };
    let before_mb = resident_mb();
    let began = Instant::now();
    let world = Offline::new(&config).expect("a world");
    let took = began.elapsed().as_secs_f64();
    let matches = world.matches();
    println!(
        "{players} players on {} platforms, {} days: {matches} matches ({:.1} games a player) in \
         {took:.2} s = {:.0} matches/s; {:.0} MB more memory",
        config.platforms.len(),
        config.days,
        matches as f64 * 10.0 / f64::from(players),
        matches as f64 / took,
        resident_mb() - before_mb,
    );
    let ids = some_matches(&world, 2_000);
    bodies(&world, &ids, "");
    bodies(&world, &ids[..200], "/timeline");
    drop(world);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(requests(config));
}

/// Ids of matches of the first platform.
fn some_matches(world: &Offline, most: usize) -> Vec<String> {
    let mut ids = BTreeSet::new();
    for account in world.truth(KEY).iter().filter(|a| a.platform == Platform::Euw1) {
        let path = format!("/europe/lol/match/v5/matches/by-puuid/{}/ids", account.puuid);
        let (_, body) = world.ask(&path, KEY);
        ids.extend(serde_json::from_slice::<Vec<String>>(&body).expect("ids"));
        if ids.len() >= most {
            break;
        }
    }
    ids.into_iter().take(most).collect()
}

fn bodies(world: &Offline, ids: &[String], of: &str) {
    let began = Instant::now();
    let bytes: usize = ids
        .iter()
        .map(|id| world.ask(&format!("/europe/lol/match/v5/matches/{id}{of}"), KEY).1.len())
        .sum();
    let took = began.elapsed().as_secs_f64();
    println!(
        "bodies of matches{of}: {:.0}/s on one core, {} KB each",
        ids.len() as f64 / took,
        bytes / ids.len().max(1) / 1_000
    );
}

async fn requests(config: SimConfig) {
    let small = SimConfig { players: 2_000, days: 20, ..config };
    let world = Offline::new(&small).expect("a world");
    let ids = some_matches(&world, 500);
    let puuids: Vec<String> = world
        .truth(KEY)
        .iter()
        .filter(|a| a.platform == Platform::Euw1)
        .map(|a| a.puuid.to_string())
        .collect();
    drop(world);
    let sim = Simulator::start(small).await.expect("a simulator");
    let summoners: Vec<String> = puuids
        .iter()
        .map(|puuid| format!("/euw1/lol/summoner/v4/summoners/by-puuid/{puuid}"))
        .collect();
    let matches: Vec<String> =
        ids.iter().map(|id| format!("/europe/lol/match/v5/matches/{id}")).collect();
    for (what, paths) in [("summoners", summoners), ("matches", matches)] {
        let answered = load(sim.addr(), &paths).await;
        println!(
            "{what}: {:.0} requests/s over {CONNECTIONS} connections, this client included",
            answered as f64 / SPELL.as_secs_f64()
        );
    }
    println!("answers: {:?}", sim.stats().by_status);
    sim.stop().await;
}

/// Asks for the paths over and over; the number of answers.
async fn load(addr: SocketAddr, paths: &[String]) -> u64 {
    let end = Instant::now() + SPELL;
    let mut tasks = tokio::task::JoinSet::new();
    for first in 0..CONNECTIONS {
        let paths = paths.to_vec();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(addr).await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            let mut buffer = vec![0; 256 * 1_024];
            let mut answered = 0u64;
            for path in paths.iter().cycle().skip(first) {
                if Instant::now() >= end {
                    break;
                }
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Riot-Token: {KEY}\r\n\r\n");
                stream.write_all(request.as_bytes()).await.expect("sent");
                read_answer(&mut stream, &mut buffer).await;
                answered += 1;
            }
            answered
        });
    }
    let mut all = 0;
    while let Some(answered) = tasks.join_next().await {
        all += answered.expect("no panic");
    }
    all
}

/// Reads one answer whose head tells its length.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    let mut whole = usize::MAX;
    while filled < whole {
        let n = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(n > 0, "the connection closed");
        filled += n;
        if whole == usize::MAX
            && let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text.split("content-length: ").nth(1).expect("a length");
            let digits: String = length.chars().take_while(char::is_ascii_digit).collect();
            whole = head + 4 + digits.parse::<usize>().expect("a length");
        }
    }
}

/// Resident memory of this process.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let kb: String = line.chars().filter(char::is_ascii_digit).collect();
    kb.parse::<f64>().unwrap_or(0.0) / 1_000.0
}
