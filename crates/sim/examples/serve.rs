//! A Riot API for the tests of any client, in any language: a generated world with real limits and
//! faults to order. `cargo run -p riftwatch-sim --example serve`.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::error::Error;

use riftwatch_sim::{SimConfig, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "TLS was set up twice")?;
    let sim = Simulator::start(SimConfig { players: 300, ..SimConfig::default() }).await?;
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    println!("a Riot API answers at {}; {riot_id} plays on {platform}", sim.base_url());

    // Any client; here, plain HTTP.
    let region = platform.region();
    let url = format!(
        "http://{}/{region}/riot/account/v1/accounts/by-riot-id/{}/{}",
        sim.addr(),
        riot_id.game_name,
        riot_id.tag_line
    );
    let request = reqwest::Client::builder().build()?.get(url);
    let answer = request.header("X-Riot-Token", "RGAPI-any").send().await?;
    println!("limits: {:?}", answer.headers().get("x-app-rate-limit"));
    println!("{}", answer.text().await?);
    println!("{:?}", sim.stats());
    sim.stop().await;
    Ok(())
}
