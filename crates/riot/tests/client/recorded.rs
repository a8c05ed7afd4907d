//! Recorded answers of the small endpoints, where they are at hand, through the client.

use std::path::Path;

use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use serde_json::Value;

use crate::client;
use crate::server::{Server, ok};

/// The text of a recorded answer beside the repository, if it is there.
#[expect(clippy::print_stdout, reason = "a test that was skipped should say so")]
fn recording(name: &str) -> Option<String> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find_map(|folder| {
        std::fs::read_to_string(folder.join("../shared/data/other").join(name)).ok()
    });
    if found.is_none() {
        println!("skipped: there is no recorded {name} beside the repository");
    }
    found
}

fn puuid() -> Puuid {
    Puuid::new("p")
}

#[tokio::test]
async fn recorded_summoners_are_read_as_sent() {
    for name in ["summoner-v4.2021.json", "summoner-v4.2024.json"] {
        let Some(body) = recording(name) else { return };
        let sent: Value = serde_json::from_str(&body).expect("json");
        let server = Server::start(move |_, _| ok(body.clone())).await;
        let read =
            client(&server).summoner_by_puuid(&Caller::default(), Platform::Kr, &puuid()).await;
        let read = read.expect("an answer").expect("a summoner");
        assert_eq!(Some(read.puuid.as_str()), sent["puuid"].as_str());
        assert_eq!(Some(i64::from(read.profile_icon_id)), sent["profileIconId"].as_i64());
        assert_eq!(Some(read.level), sent["summonerLevel"].as_i64());
        assert_eq!(Some(read.revised_at.timestamp_millis()), sent["revisionDate"].as_i64());
    }
}

#[tokio::test]
async fn recorded_ranks_are_read_as_sent() {
    for name in [
        "league-v4.entries.by-summoner.2021.json",
        "league-v4.entries.page.2025-01.json",
        "league-v4.entries.page.2026.json",
    ] {
        let Some(body) = recording(name) else { return };
        let sent: Vec<Value> = serde_json::from_str(&body).expect("json");
        let server = Server::start(move |_, _| ok(body.clone())).await;
        let read = client(&server)
            .league_entries_by_puuid(&Caller::default(), Platform::Kr, &puuid())
            .await;
        let read = read.expect("an answer");
        assert_eq!(read.len(), sent.len());
        for (read, sent) in read.iter().zip(&sent) {
            let text = |field: &str| sent.get(field).and_then(Value::as_str);
            let int = |field: &str| sent[field].as_i64().expect("a number");
            let truth = |field: &str| sent[field].as_bool().expect("a truth");
            assert_eq!(Some(read.queue_type.as_str()), text("queueType"));
            assert_eq!(read.tier.as_ref().map(|tier| tier.as_str()), text("tier"));
            assert_eq!(read.division.map(|division| division.as_str()), text("rank"));
            assert_eq!(i64::from(read.league_points), int("leaguePoints"));
            assert_eq!(i64::from(read.wins), int("wins"));
            assert_eq!(i64::from(read.losses), int("losses"));
            assert_eq!(read.hot_streak, truth("hotStreak"));
            assert_eq!(read.veteran, truth("veteran"));
            assert_eq!(read.fresh_blood, truth("freshBlood"));
            assert_eq!(read.inactive, truth("inactive"));
        }
    }
}

#[tokio::test]
async fn recorded_match_ids_are_read_as_sent() {
    let Some(body) = recording("match-v5.ids.2024.json") else { return };
    let sent: Vec<String> = serde_json::from_str(&body).expect("json");
    let server = Server::start(move |_, _| ok(body.clone())).await;
    let query = MatchIdsQuery::default();
    let read = client(&server).match_ids(&Caller::default(), Region::Asia, &puuid(), &query).await;
    let read = read.expect("an answer").expect("known");
    assert_eq!(read.iter().map(|id| id.as_str()).collect::<Vec<_>>(), sent);
}
