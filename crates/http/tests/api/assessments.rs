//! Assessments: made once, read again to the byte.

use chrono::TimeDelta;
use reqwest::Method;
use riftwatch_store::matches;
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{game, participant};
use serde_json::{Value, json};

use crate::harness::Harness;

/// Lets Fox play `games` ranked games.
async fn play(api: &Harness, from: u64, games: u64) {
    let mut conn = api.conn().await;
    for number in from..from + games {
        let start = noon() - TimeDelta::hours(i64::try_from(number).unwrap());
        let others = (1..10).map(|n| participant(&format!("p{number}x{n}")));
        let game = game()
            .number(number)
            .started(start)
            .with_participants([participant("Fox")].into_iter().chain(others))
            .build();
        matches::store(&mut conn, &game, noon()).await.unwrap();
    }
}

const PUUID: &str = "puuid-of-Fox";

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_is_read_again_to_the_byte() {
    let api = Harness::new().await;
    play(&api, 1, 12).await;
    let ask = json!({ "puuid": PUUID });
    let made = api.send(Method::POST, "/api/v1/player-analysis/analyze", ask.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!((&made.body["puuid"], &made.body["games"]), (&json!(PUUID), &json!(12)));
    assert_eq!(made.body["assessed_at"], json!("2026-01-01T12:00:00Z"));
    assert_eq!(made.body["factors"].as_array().map(Vec::len), Some(17));

    let latest = format!("/api/v1/player-analysis/player/{PUUID}/latest");
    assert_eq!(api.get(&latest).await.text, made.text);
    let again = api.send(Method::POST, "/api/v1/player-analysis/analyze", ask.clone()).await;
    assert_eq!(again.text, made.text);

    play(&api, 13, 1).await;
    let news = api.send(Method::POST, "/api/v1/player-analysis/analyze", ask).await;
    assert_eq!(news.body["games"], json!(13));
    let history = format!("/api/v1/player-analysis/player/{PUUID}/history?limit=1");
    let first = api.get(&history).await;
    assert_eq!(first.body["items"], json!([news.body]));
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("{history}&cursor={cursor}")).await;
    assert!(second.text.contains(&made.text), "{}", second.text);
    assert_eq!(second.body["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_games_is_an_answer_and_an_unknown_player_is_none() {
    let api = Harness::new().await;
    play(&api, 1, 3).await;
    let latest = format!("/api/v1/player-analysis/player/{PUUID}/latest");
    assert_eq!(api.get(&latest).await.brief(), "404 assessment_not_found -");
    let analyze = async |puuid: &str| {
        api.send(Method::POST, "/api/v1/player-analysis/analyze", json!({ "puuid": puuid })).await
    };
    let few = analyze(PUUID).await;
    assert_eq!(few.body["verdict"], json!("not_enough_games"));
    assert_eq!(few.body["summary"], json!("not enough games"));
    for (puuid, answer) in [
        ("nobody", "404 player_not_found -"),
        ("BOT", "404 player_not_found -"),
        ("", "422 validation_failed puuid"),
    ] {
        assert_eq!(analyze(puuid).await.brief(), answer, "{puuid:?}");
    }
    let unknown = api.get("/api/v1/player-analysis/player/nobody/latest").await;
    assert_eq!(unknown.brief(), "404 player_not_found -");
    let unknown = api.get("/api/v1/player-analysis/player/nobody/history").await;
    assert_eq!(unknown.brief(), "404 player_not_found -");
}
