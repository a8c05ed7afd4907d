//! `riftwatch player`: whom we know, and who is tracked, over the API.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::{PlayerCommand, Remote};
use crate::output::{self, moment, text};
use crate::settings::Settings;
use crate::{Exit, Failure};

pub(crate) async fn run(
    settings: &Settings,
    remote: &Remote,
    command: PlayerCommand,
) -> Result<Exit, Failure> {
    let api = Api::open(settings, remote).await?;
    let done = obey(&api, command).await;
    api.close().await?;
    done
}

async fn obey(api: &Api, command: PlayerCommand) -> Result<Exit, Failure> {
    match command {
        PlayerCommand::Track { riot_id, platform } => {
            let body = json!({ "riot_id": riot_id, "platform": platform });
            let (status, player) =
                api.call(Method::POST, "/players/track", &[], Some(body), &[]).await?;
            let name = name(&player);
            output::line(&if status == StatusCode::CREATED {
                format!("tracking {name} from now on")
            } else {
                format!("{name} is tracked already")
            });
        }
        PlayerCommand::Untrack { player } => {
            let player = find(api, &player).await?;
            let path = format!("/players/{}/track", puuid(&player));
            api.call(Method::DELETE, &path, &[], None, &[]).await?;
            output::line(&format!(
                "{} is not tracked any more; what is stored stays",
                name(&player)
            ));
        }
        PlayerCommand::List { json } => {
            list(api.list("/players/tracked", &[], 100_000).await?, json);
        }
        PlayerCommand::Search { query, platform, json } => {
            let mut arguments = vec![("query", query)];
            arguments.extend(platform.map(|platform| ("platform", platform.to_string())));
            list(api.list("/players/search", &arguments, 50).await?, json);
        }
        PlayerCommand::Show { player, json } => show(api, &player, json).await?,
        PlayerCommand::Erase { player, yes: _ } => {
            let player = find(api, &player).await?;
            let path = format!("/players/{}", puuid(&player));
            api.call(Method::DELETE, &path, &[], None, &[]).await?;
            output::line("erased; whoever this was will not be stored again");
        }
    }
    Ok(Exit::Fine)
}

/// A player by puuid, or by a Riot ID that we know.
pub(super) async fn find(api: &Api, player: &str) -> Result<Value, Failure> {
    if !player.contains('#') {
        return api.get(&format!("/players/{}", segment(player)), &[]).await;
    }
    let found = api.list("/players/search", &[("query", player.to_owned())], 50).await?;
    let same = |known: &&Value| {
        known["riot_id"].as_str().is_some_and(|id| id.to_lowercase() == player.to_lowercase())
    };
    let mut same = found.iter().filter(same);
    match (same.next(), same.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => Err(Failure::Said(format!(
            "several accounts are named {player}: give a puuid, as `riftwatch player search` shows it"
        ))),
        (None, _) => Err(Failure::Said(format!("nobody named {player} is known"))),
    }
}

/// A path's segment of any text.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn puuid(player: &Value) -> String {
    segment(player["puuid"].as_str().unwrap_or_default())
}

pub(super) fn name(player: &Value) -> String {
    text(if player["riot_id"].is_null() { &player["puuid"] } else { &player["riot_id"] })
}

fn list(players: Vec<Value>, json: bool) {
    if json {
        return output::json(&players);
    }
    let rows: Vec<Vec<String>> = players
        .iter()
        .map(|player| {
            let current = &player["last_synced_at"];
            vec![
                name(player),
                text(&player["platform"]),
                text(&player["summoner_level"]),
                if player["is_tracked"] == false {
                    "not tracked".to_owned()
                } else if current.is_null() {
                    "never".to_owned()
                } else {
                    moment(current)
                },
                text(&player["puuid"]),
            ]
        })
        .collect();
    output::table(&["PLAYER", "PLATFORM", "LEVEL", "CURRENT AT (UTC)", "PUUID"], &rows);
}

async fn show(api: &Api, player: &str, json: bool) -> Result<(), Failure> {
    let mut player = find(api, player).await?;
    let puuid = puuid(&player);
    let ranks = api.get(&format!("/players/{puuid}/rank"), &[]).await?;
    let matches = api.list(&format!("/matches/player/{puuid}"), &[], 10).await?;
    if json {
        player["ranks"] = ranks;
        player["matches"] = matches.into();
        output::json(&player);
        return Ok(());
    }
    output::pairs(&[
        ("player", name(&player)),
        ("puuid", text(&player["puuid"])),
        ("platform", text(&player["platform"])),
        ("level", text(&player["summoner_level"])),
        ("tracked", if player["is_tracked"] == true { "yes" } else { "no" }.to_owned()),
        ("current at (UTC)", moment(&player["last_synced_at"])),
    ]);
    output::line("");
    let ranks = ranks.as_array().or_else(|| ranks["items"].as_array()).cloned().unwrap_or_default();
    for rank in &ranks {
        output::line(&format!(
            "{} {} {} LP, {} won, {} lost, since {}",
            text(&rank["queue_type"]),
            [text(&rank["tier"]), text(&rank["division"])].join(" "),
            rank["league_points"],
            rank["wins"],
            rank["losses"],
            moment(&rank["seen_at"])
        ));
    }
    output::line("");
    let rows: Vec<Vec<String>> = matches
        .iter()
        .map(|game| {
            vec![
                text(&game["match_id"]),
                moment(&game["game_start"]),
                text(&game["champion_name"]),
                text(&game["team_position"]),
                if game["win"] == true { "won" } else { "lost" }.to_owned(),
                format!("{}/{}/{}", game["kills"], game["deaths"], game["assists"]),
            ]
        })
        .collect();
    output::table(&["MATCH", "STARTED (UTC)", "CHAMPION", "ROLE", "", "KDA"], &rows);
    Ok(())
}
