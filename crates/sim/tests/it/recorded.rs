//! Recorded answers, served as they are.

use std::path::PathBuf;

use riftwatch_sim::{SimConfig, SimError, Simulator};
use serde_json::{Value, json};

use crate::support::{Lab, recorded_data, small};

/// A folder of two made-up matches of one player, in the layout of recorded data.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("riftwatch-sim-{name}-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("match")).expect("a folder");
    let puuid = "p".repeat(78);
    for (id, start_s, queue, name) in
        [("EUW1_11", 1_700_000_000i64, 420, "Old"), ("EUW1_12", 1_700_100_000, 450, "Neu Ñ")]
    {
        let game = json!({
            "metadata": {"matchId": id, "participants": [puuid, "BOT"]},
            "info": {"gameStartTimestamp": start_s * 1_000, "queueId": queue, "participants": [
                {"puuid": puuid, "riotIdGameName": name, "riotIdTagline": "EUW", "summonerLevel": 50, "profileIcon": 3},
                {"puuid": "BOT"},
            ]},
        });
        let path = folder.join("match").join(format!("{id}.json"));
        std::fs::write(path, game.to_string()).expect("a file");
    }
    std::fs::write(folder.join("match/broken.json"), "{").expect("a file");
    folder
}

#[tokio::test]
async fn a_folder_of_matches_becomes_players_lists_and_matches() {
    let folder = folder("folder");
    let lab = Lab::start(SimConfig { replay: Some(folder.clone()), ..small() }).await;
    let account = lab.account("neu ñ", "euw").await;
    let puuid = account["puuid"].as_str().expect("a puuid").to_owned();
    assert_eq!(account["gameName"], "Neu Ñ", "the newest name");
    let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids");
    assert_eq!(lab.json("europe", &list).await, json!(["EUW1_12", "EUW1_11"]));
    assert_eq!(lab.json("europe", &format!("{list}?queue=420")).await, json!(["EUW1_11"]));
    assert_eq!(
        lab.json("europe", &format!("{list}?startTime=1700100000")).await,
        json!(["EUW1_12"])
    );
    let summoner = lab.json("euw1", &format!("/lol/summoner/v4/summoners/by-puuid/{puuid}")).await;
    assert_eq!(summoner["summonerLevel"], 50);
    let ranks = lab.json("euw1", &format!("/lol/league/v4/entries/by-puuid/{puuid}")).await;
    assert_eq!(ranks, json!([]));
    let body =
        lab.get("europe", "/lol/match/v5/matches/EUW1_11").await.bytes().await.expect("a body");
    assert_eq!(body, std::fs::read(folder.join("match/EUW1_11.json")).expect("the file"));
    assert_eq!(lab.get("asia", "/lol/match/v5/matches/EUW1_11").await.status(), 404);
    assert_eq!(lab.sim.some_riot_ids(9).len(), 1);
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn a_folder_without_matches_is_refused() {
    let replay = Some(std::env::temp_dir().join("riftwatch-sim-nothing-here"));
    let refused = Simulator::start(SimConfig { replay, ..small() }).await;
    assert!(matches!(refused, Err(SimError::Replay { .. })));
}

#[tokio::test]
async fn every_recorded_match_is_served_and_listed() {
    let Some(data) = recorded_data() else { return };
    let lab = Lab::start(SimConfig { replay: Some(data.clone()), ..small() }).await;
    let mut served = 0;
    for entry in std::fs::read_dir(data.join("match")).expect("matches") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        let game: Value = serde_json::from_slice(&bytes).expect("JSON");
        let id: riftwatch_domain::matches::MatchId =
            game["metadata"]["matchId"].as_str().expect("an id").parse().expect("an id");
        let Some(region) = id.region() else { continue };
        let answer = lab.get(region.as_str(), &format!("/lol/match/v5/matches/{id}")).await;
        assert_eq!(answer.bytes().await.expect("a body"), bytes, "{id}");
        for participant in game["info"]["participants"].as_array().expect("players") {
            let puuid = participant["puuid"].as_str().expect("a puuid");
            if puuid != "BOT" {
                let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=100");
                let listed = lab.json(region.as_str(), &list).await;
                assert!(listed.as_array().expect("a list").contains(&json!(id.as_str())), "{id}");
            }
        }
        served += 1;
    }
    assert!(served > 150, "{served}");
}
