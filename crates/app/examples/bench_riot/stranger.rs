//! A key that another program uses too, which tells us nothing: what of the limit both use, and how
//! often each is refused.

use std::time::Duration;

use riftwatch_riot::api::{Caller, RiotApi};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::Latency;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout_at};

use crate::{CALLERS, Fallible, simulator, some_matches};

/// A limit whose windows come often, so that a minute and a half shows what becomes of it.
const LIMIT: &str = "100:10";
/// Calls in a window that the stranger makes, evenly: three in ten of what is allowed.
const THEIRS: u32 = 30;
const SECONDS: u64 = 90;

pub(crate) async fn measure() -> Fallible<()> {
    println!(
        "| {LIMIT}, {SECONDS} s, a stranger with {THEIRS} a window | ours | 429 | theirs | 429 | used |"
    );
    println!("|---|---|---|---|---|---|");
    for usage_factor in [1.0, 0.7] {
        println!("{}", beside(usage_factor).await?);
    }
    Ok(())
}

async fn beside(usage_factor: f64) -> Fallible<String> {
    let latency = Latency {
        base: Duration::from_millis(60),
        jitter: Duration::from_millis(40),
        spike_share: 0.01,
        spike: Duration::from_millis(400),
    };
    let sim = simulator(LIMIT.parse()?, Some(latency)).await?;
    let ids = some_matches(&sim).await?;
    let riot = RiotClient::new(RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some("RGAPI-shared".into()),
        usage_factor,
        ..RiotClientConfig::default()
    })?;
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let mut callers = JoinSet::new();
    for first in 0..CALLERS {
        let (riot, ids) = (riot.clone(), ids.clone());
        callers.spawn(async move {
            for id in ids.iter().cycle().skip(first * ids.len() / CALLERS) {
                let caller = Caller::default();
                if !matches!(timeout_at(end, riot.match_by_id(&caller, id)).await, Ok(Ok(_))) {
                    break;
                }
            }
        });
    }
    let url = format!(
        "{}/lol/match/v5/matches/{}",
        sim.base_url().replace("{route}", "europe"),
        ids[0].as_str()
    );
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let stranger = tokio::spawn(async move {
        let mut turn = interval(Duration::from_secs(10) / THEIRS);
        let (mut answered, mut refused) = (0_u32, 0_u32);
        while Instant::now() < end {
            turn.tick().await;
            let call = http.get(&url).header("X-Riot-Token", "RGAPI-shared").send();
            match call.await {
                Ok(answer) if answer.status().as_u16() == 429 => refused += 1,
                Ok(_) => answered += 1,
                Err(_) => {}
            }
        }
        (answered, refused)
    });
    callers.join_all().await;
    let (theirs, they_refused) = stranger.await?;
    let route = riot.limits().routes.into_iter().next().ok_or("it was used")?;
    let we_refused = route.refusals().total();
    let ours = route.sent() - we_refused;
    sim.stop().await;
    let most = 100.0 * SECONDS as f64 / 10.0;
    Ok(format!(
        "| usage factor {usage_factor} | {ours} | {we_refused} | {theirs} | {they_refused} | {:.1} % |",
        (ours + u64::from(theirs)) as f64 * 100.0 / most
    ))
}
