//! `riftwatch player`: who is tracked.

use std::time::Duration;

use riftwatch_app::tracking::{self, Tracking};
use riftwatch_domain::player::{Player, RiotId};
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_store::players;
use serde_json::json;

use crate::cli::PlayerCommand;
use crate::database::Database;
use crate::output;
use crate::server;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// How long a person at the terminal waits for a turn in the key's budget.
const PATIENCE: Duration = Duration::from_secs(130);

pub(crate) async fn run(settings: &Settings, command: PlayerCommand) -> Result<Exit, Failure> {
    let database = Database::open(settings).await?;
    let deps = server::outside(settings, &database, settings.riot()?)?.deps;
    match command {
        PlayerCommand::Track { riot_id, platform } => {
            let riot_id: RiotId =
                riot_id.parse().map_err(|error| Failure::Said(format!("{riot_id:?}: {error}")))?;
            let caller = Caller::new(CallClass::Interactive).with_patience(PATIENCE);
            let tracking = tracking::track_riot_id(&deps, &caller, &riot_id, platform).await?;
            let name = name(tracking.player());
            output::line(&match tracking {
                Tracking::Begun(_) => format!("tracking {name} from now on"),
                Tracking::Already(_) => format!("{name} is tracked already"),
            });
        }
        PlayerCommand::List { json } => {
            let mut conn = deps.store.get().await?;
            let tracked = players::tracked(&mut conn, &[]).await?;
            drop(conn);
            show(&tracked, json);
        }
    }
    drop(deps);
    database.close().await?;
    Ok(Exit::Fine)
}

fn show(players: &[Player], json: bool) {
    if json {
        let items: Vec<_> = players
            .iter()
            .map(|player| {
                json!({
                    "puuid": player.puuid,
                    "riot_id": player.riot_id.as_ref().map(ToString::to_string),
                    "platform": player.platform,
                    "summoner_level": player.summoner_level,
                    "last_synced_at": player.last_synced_at,
                })
            })
            .collect();
        output::json(&items);
        return;
    }
    let rows: Vec<Vec<String>> = players
        .iter()
        .map(|player| {
            vec![
                name(player),
                player.platform.to_string(),
                player.summoner_level.map_or_else(String::new, |level| level.to_string()),
                player.last_synced_at.map_or_else(
                    || "never".to_owned(),
                    |at| at.format("%Y-%m-%d %H:%M:%S").to_string(),
                ),
            ]
        })
        .collect();
    output::table(&["PLAYER", "PLATFORM", "LEVEL", "CURRENT AT (UTC)"], &rows);
}

fn name(player: &Player) -> String {
    player.riot_id.as_ref().map_or_else(|| player.puuid.to_string(), ToString::to_string)
}
