//! Matches: a player's, in sum, and whole.

use chrono::TimeDelta;
use insta::assert_snapshot;
use riftwatch_domain::matches::QueueId;
use riftwatch_store::matches;
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{game, participant};
use serde_json::{Value, json};

use crate::harness::Harness;

/// Three ranked games an hour apart and an ARAM at the time of the last; the second is a remake.
async fn some_matches(api: &Harness) {
    let mut conn = api.conn().await;
    for number in 1..=4_u8 {
        let hour = number.min(3);
        let queue = if number == 4 { QueueId(450) } else { QueueId::RANKED_SOLO };
        let fox = participant("Fox")
            .won(number != 3)
            .kda(i32::from(number), 2, 6)
            .champion(if number == 3 { 64 } else { 103 }, if number == 3 { "LeeSin" } else { "Ahri" })
            .with(|p| p.game_ended_in_early_surrender = number == 2);
        let game = game()
            .number(number.into())
            .queue(queue)
            .started(noon() + TimeDelta::hours(hour.into()))
            .with_participants([fox, participant("Owl").won(number == 3)])
            .build();
        matches::store(&mut conn, &game, noon()).await.unwrap();
    }
}

const FOX: &str = "/api/v1/matches/player/puuid-of-Fox";

fn ids(body: &Value) -> Vec<&str> {
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item["match_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_players_matches_come_newest_first_with_the_players_part() {
    let api = Harness::new().await;
    some_matches(&api).await;
    let newest = api.get(&format!("{FOX}?limit=1&queue=420")).await;
    assert_snapshot!(newest.shown(), @"");
    assert_eq!(ids(&api.get(&format!("{FOX}/")).await.body), ["EUW1_4", "EUW1_3", "EUW1_2", "EUW1_1"]);
    assert_eq!(ids(&api.get(&format!("{FOX}?queue=450")).await.body), ["EUW1_4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_matches_break_between_matches_of_the_same_time() {
    let api = Harness::new().await;
    some_matches(&api).await;
    let mut seen = Vec::new();
    let mut path = format!("{FOX}?limit=1");
    loop {
        let page = api.get(&path).await.body;
        seen.extend(ids(&page).into_iter().map(ToOwned::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{FOX}?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["EUW1_4", "EUW1_3", "EUW1_2", "EUW1_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_or_with_a_typing_error_is_refused() {
    let api = Harness::new().await;
    some_matches(&api).await;
    let page = api.get(&format!("{FOX}?limit=1")).await.body;
    let cursor = page["next_cursor"].as_str().unwrap();
    let elsewhere = api.get(&format!("/api/v1/players/tracked?cursor={cursor}")).await;
    assert_eq!(elsewhere.brief(), "400 invalid_cursor cursor");
    let shorter = &cursor[1..];
    let mistyped = api.get(&format!("{FOX}?cursor={shorter}")).await;
    assert_eq!(mistyped.brief(), "400 invalid_cursor cursor");
    for limit in ["0", "201", "-1", "ten", "99999999999999999999", ""] {
        let refused = api.get(&format!("{FOX}?limit={limit}")).await;
        assert_eq!(refused.brief(), "400 invalid_query limit", "{limit}");
    }
    let queue = api.get(&format!("{FOX}?queue=99999999999")).await;
    assert_eq!(queue.brief(), "400 invalid_query queue");
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_leave_remakes_out() {
    let api = Harness::new().await;
    some_matches(&api).await;
    let stats = api.get(&format!("{FOX}/stats?queue=420")).await;
    assert_snapshot!(stats.shown(), @"");
    assert_eq!(api.get(&format!("{FOX}/stats")).await.body["games"], json!(3));
    let none = api.get(&format!("{FOX}/stats?queue=1")).await;
    assert_eq!((&none.body["games"], &none.body["kda"]), (&json!(0), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_comes_with_everybody_in_it() {
    let api = Harness::new().await;
    some_matches(&api).await;
    assert_snapshot!(api.get("/api/v1/matches/euw1_3").await.shown(), @"");
    assert_eq!(api.get("/api/v1/matches/EUW1_99").await.brief(), "404 match_not_found -");
    assert_eq!(api.get("/api/v1/matches/EUW1").await.brief(), "400 invalid_path match_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_player_is_404_and_a_known_one_without_matches_an_empty_list() {
    let api = Harness::new().await;
    api.add_tracked("Fox", noon()).await;
    let nothing = json!({ "items": [], "next_cursor": null });
    assert_eq!(api.get(FOX).await.body, nothing);
    assert_eq!(api.get(&format!("{FOX}/stats")).await.body["games"], json!(0));
    for path in ["/api/v1/matches/player/nobody", "/api/v1/matches/player/nobody/stats"] {
        assert_eq!(api.get(path).await.brief(), "404 player_not_found -");
    }
}
