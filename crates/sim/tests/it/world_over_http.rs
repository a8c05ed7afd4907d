//! The generated world, asked over HTTP like Riot's.

use crate::support::{Lab, small};
use chrono::{Duration, TimeZone, Utc};
use riftwatch_domain::clock::Clock;
use riftwatch_sim::{SimConfig, SimError, Simulator};
use serde_json::{Value, json};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

fn ids(value: &Value) -> Vec<String> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn an_account_is_found_by_name_in_any_case_and_script_and_by_puuid() {
    let lab = Lab::start(small()).await;
    let mut foreign = 0;
    for (id, platform) in lab.sim.some_riot_ids(60) {
        let account = lab.account(&id.game_name.to_uppercase(), &id.tag_line.to_lowercase()).await;
        assert_eq!(text(&account, "gameName"), id.game_name);
        let puuid = text(&account, "puuid");
        assert_eq!(puuid.len(), 78);
        let path = format!("/riot/account/v1/accounts/by-puuid/{puuid}");
        assert_eq!(lab.json("ASIA", &path).await, account);
        let path = format!("/riot/account/v1/region/by-game/lol/by-puuid/{puuid}");
        let region = lab.json("europe", &path).await;
        assert_eq!(region, json!({"puuid": puuid, "game": "lol", "region": platform.as_str()}));
        foreign += usize::from(!id.game_name.is_ascii());
    }
    assert!(foreign > 10, "{foreign} names in other scripts");
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_riot_does() {
    let lab = Lab::start(small()).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = text(&player, "puuid");
    let stranger = "x".repeat(78);
    let summoner = "/lol/summoner/v4/summoners/by-puuid";
    let entries = "/lol/league/v4/entries/by-puuid";
    for (route, path, status) in [
        ("euw1", format!("{summoner}/{puuid}"), 200),
        ("eun1", format!("{summoner}/{puuid}"), 404),
        ("eun1", format!("{entries}/{puuid}"), 404),
        ("euw1", format!("{summoner}/{stranger}"), 400),
        ("euw1", format!("{entries}/nonsense"), 400),
        ("europe", "/riot/account/v1/accounts/by-riot-id/Nobody/EUW".to_owned(), 404),
        ("europe", "/lol/match/v5/matches/EUW1_1".to_owned(), 404),
        ("europe", "/lol/match/v5/matches/nonsense".to_owned(), 400),
        ("europe", format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=101"), 400),
        ("europe", format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=0"), 200),
        ("euw1", "/lol/league/v4/entries/RANKED_SOLO_5x5/MASTER/I".to_owned(), 400),
        ("euw1", "/lol/unknown/v9/things".to_owned(), 404),
        ("moon", format!("{summoner}/{puuid}"), 404),
    ] {
        let response = lab.get(route, &path).await;
        assert_eq!(response.status(), status, "{route}{path}");
        if status != 200 {
            let body: Value = response.json().await.expect("JSON");
            assert_eq!(body["status"]["status_code"], status, "{route}{path}");
            assert!(body["status"]["message"].is_string(), "{route}{path}");
        }
    }
    let url = lab.url("euw1", &format!("{summoner}/{stranger}"));
    let keyless = lab.client().get(&url).send().await.expect("an answer");
    assert_eq!(keyless.status(), 401);
}

#[tokio::test]
async fn another_key_sees_other_puuids_where_it_should() {
    let config = SimConfig { puuids_per_key: true, api_key: None, ..small() };
    let lab = Lab::start(config).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let path = format!("/lol/summoner/v4/summoners/by-puuid/{}", text(&player, "puuid"));
    assert_eq!(lab.get("euw1", &path).await.status(), 200);
    let other = lab.client().get(lab.url("euw1", &path)).header("X-Riot-Token", "RGAPI-other");
    assert_eq!(other.send().await.expect("an answer").status(), 400);
}

#[tokio::test]
async fn only_the_right_key_is_taken_where_there_is_one() {
    let lab = Lab::start(SimConfig { api_key: Some("RGAPI-right".to_owned()), ..small() }).await;
    let path = "/lol/league/v4/entries/RANKED_SOLO_5x5/GOLD/II";
    assert_eq!(lab.get("euw1", path).await.status(), 401);
    let right = lab.client().get(lab.url("euw1", path)).header("X-Riot-Token", "RGAPI-right");
    assert_eq!(right.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn match_ids_are_newest_first_paged_and_filtered() {
    let lab = Lab::start(SimConfig { days: 5, ..small() }).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let list = format!("/lol/match/v5/matches/by-puuid/{}/ids", text(&player, "puuid"));
    let all = ids(&lab.json("europe", &format!("{list}?count=100")).await);
    assert!((21..100).contains(&all.len()), "{} matches", all.len());
    assert_eq!(ids(&lab.json("europe", &list).await), all[..20]);
    assert_eq!(ids(&lab.json("europe", &format!("{list}?start=5&count=7")).await), all[5..12]);
    assert_eq!(lab.json("americas", &list).await, json!([]));

    let mut starts = Vec::new();
    let mut queues = Vec::new();
    for id in &all {
        let game = lab.json("europe", &format!("/lol/match/v5/matches/{id}")).await;
        assert_eq!(text(&game["metadata"], "matchId"), id);
        assert!(
            game["metadata"]["participants"].as_array().expect("ten").contains(&player["puuid"])
        );
        starts.push(game["info"]["gameStartTimestamp"].as_i64().expect("a time") / 1_000);
        queues.push(game["info"]["queueId"].as_i64().expect("a queue"));
    }
    assert!(starts.is_sorted_by(|a, b| a >= b), "newest first");
    let middle = starts[starts.len() / 2];
    let since = ids(&lab.json("europe", &format!("{list}?count=100&startTime={middle}")).await);
    let expected: Vec<&String> =
        all.iter().zip(&starts).filter(|(_, s)| **s >= middle).map(|(id, _)| id).collect();
    assert_eq!(since.iter().collect::<Vec<_>>(), expected);
    let before = ids(&lab.json("europe", &format!("{list}?count=100&endTime={middle}")).await);
    assert_eq!(before.len() + since.len(), all.len());
    let solo = ids(&lab.json("europe", &format!("{list}?count=100&queue=420")).await);
    assert_eq!(solo.len(), queues.iter().filter(|queue| **queue == 420).count());
    let normal = ids(&lab.json("europe", &format!("{list}?count=100&type=normal")).await);
    assert_eq!(normal.len(), queues.iter().filter(|q| ![420, 440].contains(*q)).count());
}

#[tokio::test]
async fn time_brings_new_matches_and_never_one_from_the_future() {
    let clock =
        Clock::manual(Utc.with_ymd_and_hms(2026, 3, 10, 18, 0, 0).single().expect("a time"));
    let lab = Lab::start(SimConfig { clock: clock.clone(), speed: 60.0, days: 2, ..small() }).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let list = format!("/lol/match/v5/matches/by-puuid/{}/ids?count=100", text(&player, "puuid"));
    let before = ids(&lab.json("europe", &list).await);
    // An hour at sixtyfold speed is two and a half days.
    clock.advance(Duration::hours(1));
    let after = ids(&lab.json("europe", &list).await);
    assert!(after.len() > before.len(), "{} then {}", before.len(), after.len());
    assert_eq!(after[after.len() - before.len()..], before);
    let newest = lab.json("europe", &format!("/lol/match/v5/matches/{}", after[0])).await;
    let end_ms = newest["info"]["gameEndTimestamp"].as_i64().expect("a time");
    let start = Utc.with_ymd_and_hms(2026, 3, 10, 18, 0, 0).single().expect("a time");
    let now_ms = (start + Duration::hours(60)).timestamp_millis();
    assert!(end_ms <= now_ms && end_ms > now_ms - 86_400_000 * 3);
}

#[tokio::test]
async fn a_page_of_the_ladder_holds_whom_it_says() {
    let lab = Lab::start(SimConfig { players: 600, ..small() }).await;
    let mut seen = 0;
    for tier in ["IRON", "BRONZE", "SILVER", "GOLD", "PLATINUM", "EMERALD"] {
        let page = lab
            .json("euw1", &format!("/lol/league/v4/entries/RANKED_SOLO_5x5/{tier}/II?page=1"))
            .await;
        for entry in page.as_array().expect("a page") {
            assert_eq!((text(entry, "tier"), text(entry, "rank")), (tier, "II"));
            let own = lab
                .json("euw1", &format!("/lol/league/v4/entries/by-puuid/{}", text(entry, "puuid")))
                .await;
            assert!(own.as_array().expect("entries").contains(entry), "{entry} in {own}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    let second = lab.json("euw1", "/lol/league/v4/entries/RANKED_SOLO_5x5/SILVER/II?page=2").await;
    assert_eq!(second, json!([]));
    let master = lab.json("euw1", "/lol/league/v4/masterleagues/by-queue/RANKED_SOLO_5x5").await;
    assert_eq!(text(&master, "tier"), "MASTER");
}

#[tokio::test]
async fn the_route_is_taken_from_the_host_where_the_path_has_none() {
    let lab = Lab::start(small()).await;
    let url = format!("http://{}/lol/league/v4/entries/RANKED_SOLO_5x5/GOLD/II", lab.sim.addr());
    let request =
        lab.client().get(url).header("X-Riot-Token", "k").header("Host", "euw1.api.riotgames.com");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn labels_are_told_at_their_own_address_and_nowhere_else() {
    let lab = Lab::start(SimConfig { players: 800, ..small() }).await;
    let truth = lab.admin("truth").await;
    let truth = truth.as_array().expect("a list");
    assert_eq!(truth.len(), 800);
    let smurf = truth.iter().find(|t| t["story"] == "smurf" && t["games"] != 0).expect("a smurf");
    let puuid = text(smurf, "puuid");
    assert_eq!(lab.admin(&format!("truth/{puuid}")).await, *smurf);
    for (route, path) in [
        ("euw1", format!("/lol/summoner/v4/summoners/by-puuid/{puuid}")),
        ("europe", format!("/riot/account/v1/accounts/by-puuid/{puuid}")),
    ] {
        let body = lab.get(route, &path).await.text().await.expect("a body");
        assert!(!body.contains("smurf") && !body.contains("skill"), "{body}");
    }
}

#[tokio::test]
async fn several_simulators_run_side_by_side_and_stop() {
    let (a, b) = (Lab::start(small()).await, Lab::start(SimConfig { seed: 2, ..small() }).await);
    assert_ne!(a.sim.addr(), b.sim.addr());
    assert_ne!(a.sim.some_riot_ids(5), b.sim.some_riot_ids(5));
    let (addr, client) = (a.sim.addr(), a.client().clone());
    a.sim.stop().await;
    assert!(client.get(format!("http://{addr}/sim/stats")).send().await.is_err());
    assert_eq!(b.admin("stats").await["requests"], 0);
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let bind = "0.0.0.0:0".parse().expect("an address");
    let refused = Simulator::start(SimConfig { bind, ..small() }).await;
    assert!(matches!(refused, Err(SimError::NotLoopback(_))));
}
