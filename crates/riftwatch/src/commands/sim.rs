//! `riftwatch sim`: the simulated Riot API alone.

use std::path::Path;
use std::time::Duration;

use riftwatch_sim::{
    Ban, FaultRule, HeaderStyle, Latency, SimConfig, SimError, Simulator, WindowModel,
};

use crate::cli::{SimArgs, SimHeaders, SimWindows};
use crate::output::line;
use crate::signals;
use crate::{Exit, Failure};

/// How long a ban holds after the last refusal.
const BAN: Duration = Duration::from_secs(600);

pub(crate) async fn run(args: SimArgs) -> Result<Exit, Failure> {
    let faults = args.faults.as_deref().map(faults).transpose()?.unwrap_or_default();
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
        window_model: match args.windows {
            SimWindows::FromFirstCall => WindowModel::FromFirstCall,
            SimWindows::WallAligned => WindowModel::WallAligned,
            SimWindows::Sliding => WindowModel::Sliding,
        },
        headers: match args.headers {
            SimHeaders::InOrder => HeaderStyle::InOrder,
            SimHeaders::Reversed => HeaderStyle::Reversed,
            SimHeaders::ShortCount => HeaderStyle::ShortCount,
            SimHeaders::Garbled => HeaderStyle::Garbled,
            SimHeaders::Absent => HeaderStyle::Absent,
        },
        latency: (args.latency > 0 || args.jitter > 0).then(|| Latency {
            base: Duration::from_millis(args.latency),
            jitter: Duration::from_millis(args.jitter),
            spike_share: 0.01,
            spike: Duration::from_millis(args.jitter.saturating_mul(10)),
        }),
        ban: args.ban_after.map(|refusals| Ban { refusals, length: BAN }),
        puuids_per_key: args.puuids_per_key,
        private_queues: args.private_queues,
        patch_shift: args.patch_shift,
        faults,
        gzip: args.gzip,
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

/// Reads rules as `/sim/faults` takes them.
fn faults(file: &Path) -> Result<Vec<FaultRule>, SimError> {
    let bad = |why: String| SimError::Config(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| bad(error.to_string()))
}
