//! `riftwatch sim`: the simulated Riot API alone.

use riftwatch_sim::{SimConfig, Simulator};

use crate::cli::SimArgs;
use crate::output::line;
use crate::signals;
use crate::{Exit, Failure};

pub(crate) async fn run(args: SimArgs) -> Result<Exit, Failure> {
    let simulator = Simulator::start(SimConfig {
        bind: args.bind,
        seed: args.seed,
        players: args.players,
        days: args.days,
        speed: args.speed,
        limits: args.limits,
        platforms: args.platforms,
        api_key: args.api_key,
        replay: args.replay,
        ..SimConfig::default()
    })
    .await?;
    let at = simulator.addr();
    line(&format!(
        "a Riot API answers on http://{at}: RIOT_API_BASE_URL=\"{}\"",
        simulator.base_url()
    ));
    line(&format!("counts: http://{at}/sim/stats; players to ask for: http://{at}/sim/players"));
    signals::stop_asked().await;
    simulator.stop().await;
    Ok(Exit::Fine)
}
