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
            .champion(
                if number == 3 { 64 } else { 103 },
                if number == 3 { "LeeSin" } else { "Ahri" },
            )
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
    assert_snapshot!(newest.shown(), @r##"
    200
    {
      "items": [
        {
          "assists": 6,
          "champ_level": 16,
          "champion_id": 64,
          "champion_name": "LeeSin",
          "cs": 192,
          "deaths": 2,
          "game_creation": "2026-01-01T14:58:30Z",
          "game_duration": 1800,
          "game_end": "2026-01-01T15:30:00Z",
          "game_mode": "CLASSIC",
          "game_start": "2026-01-01T15:00:00Z",
          "game_version": "16.1.700.1000",
          "gold": 12000,
          "kda": 4.5,
          "kills": 3,
          "map_id": 11,
          "match_id": "EUW1_3",
          "placement": null,
          "platform": "euw1",
          "position": "TOP",
          "queue_id": 420,
          "remake": false,
          "team_id": 100,
          "vision_score": 20,
          "win": false
        }
      ],
      "next_cursor": "…"
    }
    "##);
    assert_eq!(
        ids(&api.get(&format!("{FOX}/")).await.body),
        ["EUW1_4", "EUW1_3", "EUW1_2", "EUW1_1"]
    );
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
    assert_snapshot!(stats.shown(), @r##"
    200
    {
      "assists_per_game": 6.0,
      "champions": [
        {
          "assists_per_game": 6.0,
          "champion_id": 64,
          "champion_name": "LeeSin",
          "cs_per_minute": 6.4,
          "deaths_per_game": 2.0,
          "games": 1,
          "gold_per_minute": 400.0,
          "kda": 4.5,
          "kills_per_game": 3.0,
          "losses": 1,
          "vision_score_per_game": 20.0,
          "win_ratio": 0.0,
          "wins": 0
        },
        {
          "assists_per_game": 6.0,
          "champion_id": 103,
          "champion_name": "Ahri",
          "cs_per_minute": 6.4,
          "deaths_per_game": 2.0,
          "games": 1,
          "gold_per_minute": 400.0,
          "kda": 3.5,
          "kills_per_game": 1.0,
          "losses": 0,
          "vision_score_per_game": 20.0,
          "win_ratio": 1.0,
          "wins": 1
        }
      ],
      "cs_per_minute": 6.4,
      "deaths_per_game": 2.0,
      "first_game_at": "2026-01-01T13:00:00Z",
      "games": 2,
      "gold_per_minute": 400.0,
      "kda": 4.0,
      "kills_per_game": 2.0,
      "last_game_at": "2026-01-01T15:00:00Z",
      "losses": 1,
      "positions": [
        {
          "assists_per_game": 6.0,
          "cs_per_minute": 6.4,
          "deaths_per_game": 2.0,
          "games": 2,
          "gold_per_minute": 400.0,
          "kda": 4.0,
          "kills_per_game": 2.0,
          "losses": 1,
          "position": "TOP",
          "vision_score_per_game": 20.0,
          "win_ratio": 0.5,
          "wins": 1
        }
      ],
      "puuid": "puuid-of-Fox",
      "queue_id": 420,
      "vision_score_per_game": 20.0,
      "win_ratio": 0.5,
      "wins": 1
    }
    "##);
    assert_eq!(api.get(&format!("{FOX}/stats")).await.body["games"], json!(3));
    let none = api.get(&format!("{FOX}/stats?queue=1")).await;
    assert_eq!((&none.body["games"], &none.body["kda"]), (&json!(0), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_comes_with_everybody_in_it() {
    let api = Harness::new().await;
    some_matches(&api).await;
    assert_snapshot!(api.get("/api/v1/matches/euw1_3").await.shown(), @r##"
    200
    {
      "end_of_game_result": "GameComplete",
      "game_creation": "2026-01-01T14:58:30Z",
      "game_duration": 1800,
      "game_end": "2026-01-01T15:30:00Z",
      "game_mode": "CLASSIC",
      "game_start": "2026-01-01T15:00:00Z",
      "game_type": "MATCHED_GAME",
      "game_version": "16.1.700.1000",
      "map_id": 11,
      "match_id": "EUW1_3",
      "participants": [
        {
          "assists": 6,
          "champ_level": 16,
          "champion_id": 64,
          "champion_name": "LeeSin",
          "cs": 192,
          "damage_dealt_to_objectives": 6000,
          "deaths": 2,
          "gold": 12000,
          "items": [],
          "kda": 4.5,
          "kills": 3,
          "participant_id": 1,
          "placement": null,
          "position": "TOP",
          "puuid": "puuid-of-Fox",
          "riot_id": "Fox#EUW",
          "summoner_level": 100,
          "summoner_spells": [
            4,
            14
          ],
          "team_id": 100,
          "time_played": 1800,
          "total_damage_dealt_to_champions": 20000,
          "total_damage_taken": 18000,
          "vision_score": 20,
          "wards_killed": 3,
          "wards_placed": 9,
          "win": false
        },
        {
          "assists": 7,
          "champ_level": 16,
          "champion_id": 103,
          "champion_name": "Ahri",
          "cs": 192,
          "damage_dealt_to_objectives": 6000,
          "deaths": 3,
          "gold": 12000,
          "items": [],
          "kda": 4.0,
          "kills": 5,
          "participant_id": 2,
          "placement": null,
          "position": "TOP",
          "puuid": "puuid-of-Owl",
          "riot_id": "Owl#EUW",
          "summoner_level": 100,
          "summoner_spells": [
            4,
            14
          ],
          "team_id": 200,
          "time_played": 1800,
          "total_damage_dealt_to_champions": 20000,
          "total_damage_taken": 18000,
          "vision_score": 20,
          "wards_killed": 3,
          "wards_placed": 9,
          "win": true
        }
      ],
      "platform": "euw1",
      "queue_id": 420,
      "remake": false,
      "teams": [
        {
          "bans": [],
          "team_id": 100,
          "win": false
        },
        {
          "bans": [],
          "team_id": 200,
          "win": true
        }
      ]
    }
    "##);
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
