//! Players: tracked, found, ranked.

use std::time::Duration;

use chrono::TimeDelta;
use insta::assert_snapshot;
use reqwest::Method;
use riftwatch_domain::rank::{Division, RANKED_SOLO, RankEntry, Tier};
use riftwatch_riot::endpoints;
use riftwatch_riot::error::{LimitScope, RiotError};
use riftwatch_store::ranks;
use riftwatch_testkit::builders::noon;
use serde_json::json;

use crate::harness::{Harness, MAX_TRACKED};

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_tracked_by_riot_id_and_then_already_is() {
    let api = Harness::new().await;
    api.add_account("Fox");
    let wish = json!({ "riot_id": "fox#euw", "platform": "EUW1" });
    let begun = api.send(Method::POST, "/api/v1/players/track", wish.clone()).await;
    assert_snapshot!(begun.shown(), @r##"
    201
    {
      "created_at": "2026-01-01T12:00:00Z",
      "game_name": "Fox",
      "is_analyzed": false,
      "is_tracked": true,
      "last_synced_at": null,
      "platform": "euw1",
      "profile_icon_id": 7,
      "puuid": "puuid-of-Fox",
      "region": "europe",
      "riot_id": "Fox#EUW",
      "summoner_level": 30,
      "tag_line": "EUW",
      "tracked_at": "2026-01-01T12:00:00Z",
      "updated_at": "2026-01-01T12:00:00Z"
    }
    "##);
    let calls = api.riot.calls().len();
    let again = api.send(Method::POST, "/api/v1/players/track/", wish).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &begun.body));
    assert_eq!(api.riot.calls().len(), calls, "a tracked player costs no call");
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_says_what_is_wrong_with_a_wish() {
    let api = Harness::new().await;
    api.add_account("Fox");
    let mut told = Vec::new();
    for wish in [
        json!({ "riot_id": "Nobody#EUW", "platform": "euw1" }),
        json!({ "riot_id": "Fox#EUW", "platform": "kr" }),
        json!({ "riot_id": "Fox", "platform": "euw1" }),
        json!({ "riot_id": "Fox#EUW", "platform": "euw" }),
        json!({ "riot_id": "Fox#EUW", "platform": "ph2" }),
        json!({ "riot_id": "Fox\u{0}#EUW", "platform": "euw1" }),
        json!({ "riot_id": "Fox#EUW" }),
        json!({ "riot_id": "Fox#EUW", "platform": "euw1", "tag": "EUW" }),
        json!({ "riot_id": 5, "platform": "euw1" }),
        json!(["Fox#EUW"]),
    ] {
        told.push(api.send(Method::POST, "/api/v1/players/track", wish).await.brief());
    }
    assert_snapshot!(told.join("\n"), @r##"
    404 riot_id_not_found -
    404 not_on_platform -
    422 validation_failed riot_id
    422 validation_failed platform
    422 validation_failed platform
    400 invalid_value riot_id
    422 validation_failed platform
    400 unknown_field tag
    400 invalid_value riot_id
    400 invalid_value -
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_stops_at_the_limit_with_409() {
    let api = Harness::new().await;
    for number in 0..MAX_TRACKED {
        api.add_tracked(&format!("Fox{number}"), noon()).await;
    }
    let player = api.add_account("OneMore");
    let wish = json!({ "riot_id": "OneMore#EUW", "platform": "euw1" });
    let full = api.send(Method::POST, "/api/v1/players/track", wish).await;
    assert_snapshot!(full.shown(), @r##"
    409
    {
      "error": {
        "code": "too_many_tracked",
        "message": "3 players are tracked already: untrack one, or raise MAX_TRACKED_PLAYERS",
        "request_id": "…"
      }
    }
    "##);
    let unknown = api.get(&format!("/api/v1/players/{}", player.puuid)).await;
    assert_eq!(unknown.status, 404, "a refused player is not stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_budget_is_503_with_the_time_to_come_back() {
    let api = Harness::new().await;
    api.add_account("Fox");
    let wish = || json!({ "riot_id": "Fox#EUW", "platform": "euw1" });
    let retry_after = Duration::from_millis(41_200);
    api.riot.fail_next(
        endpoints::ACCOUNT_BY_RIOT_ID,
        RiotError::RateLimited { scope: LimitScope::Local, retry_after },
    );
    let limited = api.send(Method::POST, "/api/v1/players/track", wish()).await;
    assert_eq!(limited.header("retry-after"), "42");
    assert_snapshot!(limited.shown(), @r##"
    503
    {
      "error": {
        "code": "riot_budget_used_up",
        "message": "the rate limit of the riot api key is used up: try again later",
        "request_id": "…"
      }
    }
    "##);

    api.riot.fail_next(endpoints::ACCOUNT_BY_RIOT_ID, RiotError::Unauthorized);
    let refused = api.send(Method::POST, "/api/v1/players/track", wish()).await;
    assert_eq!(refused.brief(), "503 riot_key_refused -");

    let upstream = RiotError::Upstream { endpoint: endpoints::ACCOUNT_BY_RIOT_ID, status: 500 };
    api.riot.fail_next(endpoints::ACCOUNT_BY_RIOT_ID, upstream);
    let broken = api.send(Method::POST, "/api/v1/players/track", wish()).await;
    assert_eq!(broken.brief(), "502 riot_unavailable -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_player_is_tracked_and_untracked_by_puuid() {
    let api = Harness::new().await;
    let fox = api.add_tracked("Fox", noon()).await;
    let path = format!("/api/v1/players/{}/track", fox.puuid);
    let untracked = api.delete(&path).await;
    assert_snapshot!(untracked.shown(), @r##"
    200
    {
      "created_at": "2026-01-01T12:00:00Z",
      "game_name": "Fox",
      "is_analyzed": false,
      "is_tracked": false,
      "last_synced_at": null,
      "platform": "euw1",
      "profile_icon_id": null,
      "puuid": "puuid-of-Fox",
      "region": "europe",
      "riot_id": "Fox#EUW",
      "summoner_level": null,
      "tag_line": "EUW",
      "tracked_at": null,
      "updated_at": "2026-01-01T12:00:00Z"
    }
    "##);
    assert_eq!(api.post(&path).await.status, 201);
    assert_eq!(api.post(&path).await.status, 200);
    assert_eq!(api.post("/api/v1/players/nobody/track").await.brief(), "404 player_not_found -");
    assert_eq!(api.delete("/api/v1/players/nobody/track").await.brief(), "404 player_not_found -");
    assert_eq!(api.riot.calls(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn tracked_players_come_in_pages_that_stay_when_others_arrive() {
    let api = Harness::new().await;
    let later = |seconds| noon() + TimeDelta::seconds(seconds);
    for (name, at) in [("B", 1), ("A", 1), ("C", 0), ("D", 2)] {
        api.add_tracked(name, later(at)).await;
    }
    let names = |body: &serde_json::Value| {
        let items = body["items"].as_array().unwrap();
        items.iter().map(|p| p["game_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = api.get("/api/v1/players/tracked?limit=2").await;
    assert_eq!(names(&first.body), ["C", "A"]);
    api.add_tracked("E", later(3)).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/api/v1/players/tracked?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&second.body), ["B", "D"]);
    let cursor = second.body["next_cursor"].as_str().unwrap();
    let third = api.get(&format!("/api/v1/players/tracked?limit=2&cursor={cursor}")).await;
    assert_eq!((names(&third.body), &third.body["next_cursor"]), (vec!["E".into()], &json!(null)));

    let elsewhere = api.get("/api/v1/players/tracked?platform=kr").await;
    assert_snapshot!(elsewhere.shown(), @r##"
    200
    {
      "items": [],
      "next_cursor": null
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_the_nearest_names_first_in_any_script() {
    let api = Harness::new().await;
    for name in ["Foxtrot", "Fox", "Red Fox", "Fix", "100%", "1000", "夜の狐", "Ärger"] {
        api.add_tracked(name, noon()).await;
    }
    let found = async |query: &str| {
        let request = api.request(Method::GET, "/api/v1/players/search").query(&[("query", query)]);
        let answer = crate::harness::Answer::of(request).await;
        let items = answer.body["items"].as_array().unwrap().clone();
        items.iter().map(|p| p["game_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("fox").await, ["Fox", "Foxtrot", "Red Fox"]);
    assert_eq!(found("FOX#euw").await[0], "Fox");
    assert_eq!(found("foxtrit").await, ["Foxtrot"]);
    assert_eq!(found("%").await, ["100%"]);
    assert_eq!(found("_").await, Vec::<String>::new());
    assert_eq!(found("狐").await, ["夜の狐"]);
    assert_eq!(found("äRG").await, ["Ärger"]);
    assert_eq!(found("\\").await, Vec::<String>::new());
    let nothing = api.get("/api/v1/players/search?query=%20").await;
    assert_eq!(nothing.brief(), "400 invalid_query query");
    assert_eq!(api.get("/api/v1/players/search").await.brief(), "400 invalid_query query");
    let no_platform = api.get("/api/v1/players/search?query=a&platform=euw").await;
    assert_eq!(no_platform.brief(), "400 invalid_query platform");
}

fn gold(points: i32) -> RankEntry {
    RankEntry {
        queue_type: RANKED_SOLO.to_owned(),
        tier: Some(Tier::Gold),
        division: Some(Division::II),
        league_points: points,
        wins: 10,
        losses: 9,
        hot_streak: false,
        veteran: false,
        fresh_blood: true,
        inactive: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_has_a_rank_and_its_history() {
    let api = Harness::new().await;
    let fox = api.add_tracked("Fox", noon()).await;
    let path = format!("/api/v1/players/{}", fox.puuid);
    let unranked = api.get(&format!("{path}/rank")).await;
    assert_eq!(unranked.body, json!({ "items": [], "next_cursor": null }));

    let mut conn = api.conn().await;
    for step in 0..3 {
        let at = noon() + TimeDelta::hours(step.into());
        ranks::record(&mut conn, &fox.puuid, &[gold(step * 20)], at).await.unwrap();
    }
    drop(conn);
    assert_snapshot!(api.get(&format!("{path}/rank")).await.shown(), @r##"
    200
    {
      "items": [
        {
          "division": "II",
          "fresh_blood": true,
          "hot_streak": false,
          "inactive": false,
          "league_points": 40,
          "losses": 9,
          "queue_type": "RANKED_SOLO_5x5",
          "seen_at": "2026-01-01T14:00:00Z",
          "tier": "GOLD",
          "veteran": false,
          "wins": 10
        }
      ],
      "next_cursor": null
    }
    "##);
    let first = api.get(&format!("{path}/rank-history?limit=2")).await;
    let points = |body: &serde_json::Value| {
        let items = body["items"].as_array().unwrap();
        items.iter().map(|rank| rank["league_points"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(points(&first.body), [40, 20]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("{path}/rank-history?limit=2&cursor={cursor}")).await;
    assert_eq!((points(&second.body), &second.body["next_cursor"]), (vec![0], &json!(null)));
    let flex = api.get(&format!("{path}/rank-history?queue_type=RANKED_FLEX_SR")).await;
    assert_eq!(points(&flex.body), Vec::<i64>::new());
    for path in ["/api/v1/players/nobody", "/api/v1/players/nobody/rank"] {
        assert_eq!(api.get(path).await.brief(), "404 player_not_found -");
    }
    let history = api.get("/api/v1/players/nobody/rank-history").await;
    assert_eq!(history.brief(), "404 player_not_found -");
    assert_eq!(api.get("/api/v1/players/no.body").await.brief(), "400 invalid_path puuid");
}
