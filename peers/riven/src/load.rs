//! How much of what is allowed each client uses, how often it is refused, and what it costs.
//!
//! Each client runs in a process of its own, all at the same time, each against a simulator of its own
//! with the same world, limits and delays.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use riftwatch_domain::matches::MatchId;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{Latency, Limits, SimConfig, SimHandle, Simulator, WindowModel};
use riven::consts::RegionalRoute;
use riven::{RiotApi as Riven, RiotApiConfig};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::{Result, uplink};

const CLIENTS: [&str; 3] = ["ours", "riven", "riven-throughput"];
/// Callers who always want more.
const CALLERS: usize = 300;

/// Limits, how long, and how windows begin.
const SCENARIOS: [(&str, WindowModel); 4] = [
    ("500:10,30000:600", WindowModel::FromFirstCall),
    ("500:10,30000:600", WindowModel::Sliding),
    ("50:1,300:12", WindowModel::WallAligned),
    ("20:1,100:120", WindowModel::FromFirstCall),
];
/// Long enough for a tenth of a window lost in each to show.
const SECONDS: u64 = 150;

pub(crate) async fn run(words: &[&str]) -> Result<()> {
    let seconds = match words {
        [] => SECONDS,
        ["--seconds", seconds] => seconds.parse()?,
        _ => return Err("expected nothing, or --seconds N".into()),
    };
    println!(
        "{seconds} s, {CALLERS} callers each; way there 20 ms + Exp(25 ms), 1 % + 400 ms; answers after \
         60 ms + Exp(60 ms)"
    );
    println!("| limits, windows | client | accepted | n × T ÷ D | used | 429 | CPU ms/request |");
    println!("|---|---|---|---|---|---|---|");
    for (limits, model) in SCENARIOS {
        let mut running = JoinSet::new();
        for (place, client) in CLIENTS.into_iter().enumerate() {
            running.spawn(async move { (place, one(client, limits, seconds, model).await) });
        }
        let mut rows = running.join_all().await;
        rows.sort_by_key(|(place, _)| *place);
        for (_, row) in rows {
            println!("{}", row?);
        }
    }
    Ok(())
}

fn config(limits: Limits) -> SimConfig {
    SimConfig {
        seed: 11,
        players: 200,
        days: 20,
        platforms: vec![Platform::Euw1],
        limits,
        ..SimConfig::default()
    }
}

async fn one(client: &str, limits: &str, seconds: u64, model: WindowModel) -> Result<String> {
    let free = Simulator::start(config(Limits::none())).await?;
    let ids = some_matches(&free).await?;
    free.stop().await;
    let parsed: Limits = limits.parse().map_err(|error| format!("{error}"))?;
    let latency = Latency {
        base: Duration::from_millis(60),
        jitter: Duration::from_millis(60),
        spike_share: 0.0,
        spike: Duration::ZERO,
    };
    let rates = parsed.app.iter().map(|limit| f64::from(limit.calls) / f64::from(limit.per_s));
    // As many as windows of this length hold that follow each other; a part of one counts as a part.
    let most = (rates.fold(f64::INFINITY, f64::min) * seconds as f64).round();
    let sim = Simulator::start(SimConfig {
        window_model: model,
        latency: Some(latency),
        ..config(parsed)
    })
    .await?;
    let port = sim
        .base_url()
        .trim_start_matches("http://")
        .split('/')
        .next()
        .ok_or("no address")?
        .parse()?;
    let way = uplink::open(port).await?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["client", client, &format!("http://{way}"), &seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let ids = ids.iter().map(MatchId::as_str).collect::<Vec<_>>().join("\n");
    let mut input = child.stdin.take().ok_or("no standard input")?;
    input.write_all(ids.as_bytes()).await?;
    drop(input);
    let output = child.wait_with_output().await?;
    let done: Value = serde_json::from_slice(&output.stdout)?;
    let stats = sim.stats();
    sim.stop().await;
    let refused = stats.violations.application + stats.violations.method;
    let accepted = stats.requests - refused;
    let cpu_ms =
        done["cpu_seconds"].as_f64().ok_or("no CPU time")? * 1000.0 / stats.requests as f64;
    Ok(format!(
        "| {limits}, {model:?} | {client} | {accepted} | {most} | {:.1} % | {refused} | {cpu_ms:.2} |",
        accepted as f64 * 100.0 / most,
    ))
}

async fn some_matches(sim: &SimHandle) -> Result<Vec<MatchId>> {
    let riot = ours(&sim.base_url())?;
    let caller = Caller::default();
    let mut found = BTreeSet::new();
    for (riot_id, platform) in sim.some_riot_ids(20) {
        let account = riot.account_by_riot_id(&caller, platform.region(), &riot_id).await?;
        let puuid = account.ok_or("a listed player is known")?.puuid;
        let query = MatchIdsQuery { count: 100, ..MatchIdsQuery::default() };
        let ids = riot.match_ids(&caller, platform.region(), &puuid, &query).await?;
        found.extend(ids.ok_or("the player has matches")?);
    }
    Ok(found.into_iter().collect())
}

pub(crate) fn ours(base_url: &str) -> Result<RiotClient> {
    let config = RiotClientConfig {
        base_url: base_url.to_owned(),
        api_key: Some("RGAPI-peers".into()),
        ..RiotClientConfig::default()
    };
    Ok(RiotClient::new(config)?)
}

pub(crate) fn riven(base: &str) -> RiotApiConfig {
    RiotApiConfig::with_key("RGAPI-peers").set_base_url(format!("{base}/{{}}"))
}

/// The process of one client: match ids come in, figures go out.
pub(crate) async fn client(which: &str, base: &str, seconds: u64) -> Result<()> {
    let ids: Vec<String> =
        std::io::read_to_string(std::io::stdin())?.lines().map(str::to_owned).collect();
    let ids: Arc<[String]> = ids.into();
    let end = Instant::now() + Duration::from_secs(seconds);
    let read = Arc::new(AtomicU64::new(0));
    let before = cpu_seconds()?;
    let mut callers = JoinSet::new();
    let our = ours(&format!("{base}/{{route}}"))?;
    let config = riven(base);
    let config = if which == "riven-throughput" { config.preconfig_throughput() } else { config };
    let riven = Arc::new(Riven::new(config));
    for first in 0..CALLERS {
        let (ids, read) = (ids.clone(), read.clone());
        let (our, riven, is_ours) = (our.clone(), riven.clone(), which == "ours");
        callers.spawn(async move {
            // No two callers ask for the same match at the same time: ours would share the request.
            for id in ids.iter().cycle().skip(first * ids.len() / CALLERS) {
                let call = async {
                    if is_ours {
                        let Ok(id) = id.parse() else { return false };
                        matches!(our.match_by_id(&Caller::default(), &id).await, Ok(Some(_)))
                    } else {
                        let game = riven.match_v5().get_match(RegionalRoute::EUROPE, id).await;
                        matches!(game, Ok(Some(_)))
                    }
                };
                let Ok(is_read) = timeout_at(end, call).await else { break };
                read.fetch_add(u64::from(is_read), Ordering::Relaxed);
            }
        });
    }
    callers.join_all().await;
    let cpu = cpu_seconds()? - before;
    println!("{}", json!({ "read": read.load(Ordering::Relaxed), "cpu_seconds": cpu }));
    Ok(())
}

/// User and system time of this process so far, in hundredths of a second as Linux counts them.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().ok_or("no fields")?.split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse().unwrap_or(0_u64)).sum();
    Ok(ticks as f64 / 100.0)
}
