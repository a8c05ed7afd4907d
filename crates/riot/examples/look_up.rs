//! A player's rank and newest matches, within the key's limits:
//! `cargo run -p riftwatch-riot --example look_up -- RGAPI-… "Name#TAG" euw1`.
//! Without arguments a simulated Riot API answers, for somebody who plays there.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{SimConfig, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, name, platform] = &arguments[..] else {
        let sim = Simulator::start(SimConfig::default()).await?;
        let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
        let riot = RiotClient::new(RiotClientConfig {
            api_key: Some("RGAPI-simulated".into()),
            base_url: sim.base_url(),
            ..RiotClientConfig::default()
        })?;
        look_up(&riot, &riot_id, platform).await?;
        sim.stop().await;
        return Ok(());
    };
    let riot = RiotClient::new(RiotClientConfig {
        api_key: Some(key.as_str().into()),
        ..RiotClientConfig::default()
    })?;
    look_up(&riot, &name.parse()?, platform.parse()?).await
}

async fn look_up(
    riot: &impl RiotApi,
    riot_id: &RiotId,
    platform: Platform,
) -> Result<(), Box<dyn std::error::Error>> {
    // Somebody waits for this: it goes before background work.
    let caller = Caller::new(CallClass::Interactive);
    let region = platform.region();
    let account = riot.account_by_riot_id(&caller, region, riot_id).await?;
    let account = account.ok_or_else(|| format!("nobody is named {riot_id}"))?;
    for entry in riot.league_entries_by_puuid(&caller, platform, &account.puuid).await? {
        println!(
            "{}: {:?} {:?} {} LP",
            entry.queue_type, entry.tier, entry.division, entry.league_points
        );
    }
    let newest = MatchIdsQuery { count: 5, ..MatchIdsQuery::default() };
    for id in riot.match_ids(&caller, region, &account.puuid, &newest).await?.unwrap_or_default() {
        let Some(game) = riot.match_by_id(&caller, &id).await? else { continue };
        let us =
            game.participants.iter().find(|player| player.puuid.as_ref() == Some(&account.puuid));
        if let Some(us) = us {
            let result = if us.win { "won" } else { "lost" };
            println!(
                "{id}: {} {}/{}/{}, {result}",
                us.champion_name, us.kills, us.deaths, us.assists
            );
        }
    }
    println!("{} requests", caller.requests_sent());
    Ok(())
}
