//! The rest of the API: timelines, mastery, the game of the moment, challenges, status.

use std::collections::BTreeMap;

use chrono::{Duration, TimeZone, Utc};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::routing::Platform;
use riftwatch_sim::{Offline, SimConfig};
use serde_json::{Value, json};

use crate::support::{Lab, small};

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("{key} of {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// Matches of a world, with their timelines.
fn with_timelines() -> Vec<(Value, Value)> {
    let world = Offline::new(&small()).expect("a world");
    let truth = world.truth("k");
    let player = truth.iter().max_by_key(|truth| truth.games).expect("a player");
    let region = player.platform.region();
    let read = |path: &str| -> Value {
        let (status, body) = world.ask(&format!("/{region}/lol/match/v5/matches/{path}"), "k");
        assert_eq!(status, 200, "{path}");
        serde_json::from_slice(&body).expect("JSON")
    };
    let ids = read(&format!("by-puuid/{}/ids?count=100", player.puuid));
    let ids = ids.as_array().expect("ids").iter().map(|id| id.as_str().expect("an id"));
    ids.map(|id| (read(id), read(&format!("{id}/timeline")))).collect()
}

#[test]
fn a_timeline_adds_up_to_its_match() {
    let matches = with_timelines();
    assert!(matches.len() > 20, "{}", matches.len());
    for (game, timeline) in &matches {
        let id = &game["metadata"]["matchId"];
        assert_eq!(timeline["metadata"], game["metadata"], "{id}");
        let frames = list(&timeline["info"], "frames");
        let duration_s = number(&game["info"], "gameDuration");
        assert_eq!(frames.len() as i64, duration_s / 60 + 2, "{id}");
        let last = frames.last().expect("a frame");
        assert_eq!(number(last, "timestamp"), duration_s * 1_000, "{id}");
        let events: Vec<&Value> = frames.iter().flat_map(|frame| list(frame, "events")).collect();
        assert!(events.is_sorted_by_key(|event| number(event, "timestamp")), "{id}");
        let ending = events.last().expect("an event");
        let winner = if game["info"]["teams"][0]["win"] == true { 100 } else { 200 };
        assert_eq!(
            (&ending["type"], &ending["winningTeam"]),
            (&json!("GAME_END"), &json!(winner)),
            "{id}"
        );
        for player in list(&game["info"], "participants") {
            add_up(id, player, frames, &events);
        }
        for team in list(&game["info"], "teams") {
            let fallen = events.iter().filter(|event| {
                event["buildingType"] == "TOWER_BUILDING" && event["teamId"] != team["teamId"]
            });
            assert_eq!(
                fallen.count() as i64,
                number(&team["objectives"]["tower"], "kills"),
                "{id}"
            );
            let dragons = events.iter().filter(|event| {
                event["monsterType"] == "DRAGON" && event["killerTeamId"] == team["teamId"]
            });
            let taken = number(&team["objectives"]["dragon"], "kills");
            assert_eq!(dragons.count() as i64, taken, "{id}");
        }
    }
}

/// One player's final figures against frames and events.
fn add_up(id: &Value, player: &Value, frames: &[Value], events: &[&Value]) {
    let me = &player["participantId"];
    let key = me.to_string();
    let last = &frames.last().expect("a frame")["participantFrames"][&key];
    for (frame, total) in [
        ("totalGold", "goldEarned"),
        ("xp", "champExperience"),
        ("level", "champLevel"),
        ("minionsKilled", "totalMinionsKilled"),
        ("jungleMinionsKilled", "neutralMinionsKilled"),
    ] {
        assert_eq!(last[frame], player[total], "{id} {key} {frame}");
    }
    let damage = &last["damageStats"];
    assert_eq!(damage["totalDamageDoneToChampions"], player["totalDamageDealtToChampions"], "{id}");
    if let Some(tenth) = frames.get(10).filter(|_| frames.len() > 12) {
        let minions = &tenth["participantFrames"][&key]["minionsKilled"];
        assert_eq!(minions, &player["challenges"]["laneMinionsFirst10Minutes"], "{id} {key}");
    }
    for key_of_frame in ["totalGold", "xp", "minionsKilled"] {
        let values: Vec<i64> = frames
            .iter()
            .map(|frame| number(&frame["participantFrames"][&key], key_of_frame))
            .collect();
        assert!(values.is_sorted(), "{id} {key} {key_of_frame}: {values:?}");
    }
    let count = |kind: &str, field: &str| -> i64 {
        events.iter().filter(|event| event["type"] == kind && &event[field] == me).count() as i64
    };
    assert_eq!(count("CHAMPION_KILL", "killerId"), number(player, "kills"), "{id} {key}");
    assert_eq!(count("CHAMPION_KILL", "victimId"), number(player, "deaths"), "{id} {key}");
    let helped = events.iter().filter(|event| {
        event["assistingParticipantIds"].as_array().is_some_and(|helpers| helpers.contains(me))
    });
    assert_eq!(helped.count() as i64, number(player, "assists"), "{id} {key}");
    assert_eq!(count("LEVEL_UP", "participantId"), number(player, "champLevel") - 1, "{id} {key}");
    assert_eq!(count("WARD_PLACED", "creatorId"), number(player, "wardsPlaced"), "{id} {key}");
    assert_eq!(count("WARD_KILL", "killerId"), number(player, "wardsKilled"), "{id} {key}");
    let bought = (0..7).filter(|slot| player[format!("item{slot}")] != 0).count() as i64;
    assert_eq!(count("ITEM_PURCHASED", "participantId"), bought, "{id} {key}");
    let first = events.iter().find(|event| event["type"] == "CHAMPION_KILL");
    if player["firstBloodKill"] == true {
        assert_eq!(&first.expect("a kill")["killerId"], me, "{id}");
    }
}

#[tokio::test]
async fn timelines_are_kept_for_a_year_and_matches_for_longer() {
    let noon = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).single().expect("a time");
    let clock = Clock::manual(noon);
    // Few play for a year on, so that it is over soon.
    let lab = Lab::start(SimConfig { players: 40, days: 3, clock: clock.clone(), ..small() }).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = player["puuid"].as_str().expect("a puuid");
    let ids = lab.json("europe", &format!("/lol/match/v5/matches/by-puuid/{puuid}/ids")).await;
    let path = format!("/lol/match/v5/matches/{}", ids[0].as_str().expect("an id"));
    assert_eq!(lab.get("europe", &format!("{path}/timeline")).await.status(), 200);
    clock.advance(Duration::days(366));
    assert_eq!(lab.get("europe", &format!("{path}/timeline")).await.status(), 404);
    assert_eq!(lab.get("europe", &path).await.status(), 200);
}

#[tokio::test]
async fn matches_of_private_queues_are_listed_and_refused() {
    let lab = Lab::start(SimConfig { private_queues: vec![450], ..small() }).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = player["puuid"].as_str().expect("a puuid");
    let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=1");
    for (queue, status) in [(450, 403), (420, 200)] {
        let ids = lab.json("europe", &format!("{list}&queue={queue}")).await;
        let path = format!("/lol/match/v5/matches/{}", ids[0].as_str().expect("an id"));
        assert_eq!(lab.get("europe", &path).await.status(), status);
        assert_eq!(lab.get("europe", &format!("{path}/timeline")).await.status(), status);
    }
}

#[tokio::test]
async fn mastery_counts_what_was_played() {
    let lab = Lab::start(small()).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = player["puuid"].as_str().expect("a puuid");
    let base = "/lol/champion-mastery/v4";
    let all = lab.json("euw1", &format!("{base}/champion-masteries/by-puuid/{puuid}")).await;
    let all = all.as_array().expect("a list");
    assert!(all.len() > 3, "{}", all.len());
    assert!(all.is_sorted_by_key(|one| -number(one, "championPoints")));
    let top =
        lab.json("euw1", &format!("{base}/champion-masteries/by-puuid/{puuid}/top?count=2")).await;
    assert_eq!(top.as_array().expect("a list")[..], all[..2]);
    let on =
        format!("{base}/champion-masteries/by-puuid/{puuid}/by-champion/{}", all[1]["championId"]);
    assert_eq!(lab.json("euw1", &on).await, all[1]);
    let nobody = format!("{base}/champion-masteries/by-puuid/{puuid}/by-champion/99999");
    assert_eq!(lab.get("euw1", &nobody).await.status(), 404);
    assert_eq!(lab.get("eun1", &on).await.status(), 404, "of another platform");
    let score = lab.json("euw1", &format!("{base}/scores/by-puuid/{puuid}")).await;
    let levels: i64 = all.iter().map(|one| number(one, "championLevel")).sum();
    assert_eq!(score, json!(levels));

    let ids = lab.json("europe", &format!("/lol/match/v5/matches/by-puuid/{puuid}/ids")).await;
    let newest = ids[0].as_str().expect("an id");
    let game = lab.json("europe", &format!("/lol/match/v5/matches/{newest}")).await;
    let own = list(&game["info"], "participants").iter().find(|p| p["puuid"] == *puuid);
    let champion = &own.expect("a participant")["championId"];
    let played = all.iter().find(|one| one["championId"] == *champion).expect("its mastery");
    assert_eq!(played["lastPlayTime"], game["info"]["gameEndTimestamp"]);
}

#[tokio::test]
async fn a_game_can_be_watched_while_it_lasts_and_read_when_it_is_over() {
    let evening = Utc.with_ymd_and_hms(2026, 3, 10, 19, 30, 0).single().expect("a time");
    let clock = Clock::manual(evening);
    let platforms = vec![Platform::Euw1];
    let config = SimConfig { players: 1_000, platforms, clock: clock.clone(), ..small() };
    let lab = Lab::start(config).await;
    let mut hidden = 0;
    let mut watched: BTreeMap<i64, String> = BTreeMap::new();
    for (id, _) in lab.sim.some_riot_ids(1_000) {
        let account = lab.account(&id.game_name, &id.tag_line).await;
        let puuid = account["puuid"].as_str().expect("a puuid");
        let path = format!("/lol/spectator/v5/active-games/by-summoner/{puuid}");
        let answer = lab.get("euw1", &path).await;
        if answer.status() == 404 {
            continue;
        }
        let game: Value = answer.json().await.expect("JSON");
        let players = list(&game, "participants");
        assert_eq!(players.len(), 10);
        assert!(players.iter().any(|player| player["puuid"] == *puuid));
        for player in players.iter().filter(|player| player["puuid"].is_null()) {
            hidden += 1;
            assert!(!player["riotId"].as_str().expect("a champion").contains('#'), "{player}");
        }
        watched.insert(number(&game, "gameId"), puuid.to_owned());
    }
    assert!(!watched.is_empty() && hidden > 0, "{} games, {hidden} hidden", watched.len());
    for game in watched.keys() {
        let path = format!("/lol/match/v5/matches/EUW1_{game}");
        assert_eq!(lab.get("europe", &path).await.status(), 404, "not before it is over");
    }
    clock.advance(Duration::minutes(70));
    for (game, puuid) in &watched {
        let body = lab.json("europe", &format!("/lol/match/v5/matches/EUW1_{game}")).await;
        assert!(list(&body["metadata"], "participants").contains(&json!(puuid)));
    }
}

#[tokio::test]
async fn challenges_and_status_are_told() {
    let lab = Lab::start(small()).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = player["puuid"].as_str().expect("a puuid");
    let told = lab.json("euw1", &format!("/lol/challenges/v1/player-data/{puuid}")).await;
    assert_eq!(told["categoryPoints"].as_object().expect("points").len(), 5);
    assert!(number(&told["totalPoints"], "current") > 0);
    let status = lab.json("euw1", "/lol/status/v4/platform-data").await;
    assert_eq!(
        status,
        json!({"id": "EUW1", "name": "EUW1", "locales": ["en_GB"], "maintenances": [], "incidents": []})
    );
    assert_eq!(lab.get("tw2", "/lol/status/v4/platform-data").await.status(), 404);
}

#[tokio::test]
async fn the_host_names_the_route_where_the_path_does_not() {
    let lab = Lab::start(small()).await;
    let url = format!("http://{}/lol/status/v4/platform-data", lab.sim.addr());
    let ask = |host: &'static str| {
        let request = lab.client().get(&url).header("Host", host).header("X-Riot-Token", "k");
        async { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(ask("EUW1.api.riotgames.com").await, 200);
    assert_eq!(ask("europe.api.riotgames.com").await, 404);
    assert_eq!(ask("127.0.0.1").await, 404);
}
