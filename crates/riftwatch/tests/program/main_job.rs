//! The main job from end to end: a server process, a Riot API over HTTP, a database.

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::json;

use crate::harness::{Server, number, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_tracked_player_fills_with_matches_and_the_run_says_so() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let server = Server::start(&test, &sim).await;
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);

    let (status, player) = server
        .post(
            "/api/v1/players/track",
            Some(json!({"riot_id": riot_id.to_string(), "platform": platform})),
        )
        .await;
    assert_eq!(status, 201, "{player}");
    let run = server.run("tracked_player_updater").await;

    assert_eq!((&run["status"], &run["reason"]), (&json!("success"), &json!("completed")), "{run}");
    let metrics = &run["metrics"];
    assert_eq!(metrics["players_updated"], 1, "{run}");
    assert_eq!(metrics["new_matches_found"], 20, "{run}");
    // The list of matches, twenty matches, the rank.
    assert_eq!(metrics["api_requests_made"], 22, "{run}");
    assert_eq!(metrics["errors_encountered"], 0, "{run}");
    assert!(metrics["new_players_discovered"].as_i64().unwrap() > 20, "{run}");

    assert_eq!(number(&test, "SELECT count(*) FROM matches").await, 20);
    assert_eq!(number(&test, "SELECT count(*) FROM match_participants").await, 200);
    assert!(number(&test, "SELECT count(*) FROM player_ranks").await > 0);
    let puuid = player["puuid"].as_str().unwrap();
    let matches = server.get(&format!("/api/v1/matches/player/{puuid}?limit=100")).await;
    assert_eq!(matches["items"].as_array().unwrap().len(), 20, "{matches}");

    // Nothing new has happened: a run that somebody asks for asks for the list, not for ranks that
    // cannot have changed, and stores nothing.
    let again = server.run("tracked_player_updater").await;
    assert_eq!(again["metrics"]["new_matches_found"], 0, "{again}");
    assert_eq!(again["metrics"]["api_requests_made"], 1, "{again}");
    assert_eq!(sim.stats().by_status.get(&429), None);
    assert_eq!(server.terminate(), Some(0));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_row_is_ticked_at_once_and_again_on_its_schedule() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let server = Server::start(&test, &sim).await;
    let (status, job) = server
        .post(
            "/api/v1/jobs/",
            Some(json!({
                "name": "often", "job_type": "tracked_player_updater", "interval_seconds": 1,
                "config_json": {"platforms": ["euw1"]},
            })),
        )
        .await;
    assert_eq!(status, 201, "{job}");
    let id = &job["id"];
    until("it was ticked three times", async || {
        let runs = server.get(&format!("/api/v1/jobs/{id}/executions?trigger=schedule")).await;
        (runs["items"].as_array().unwrap().len() >= 3).then_some(())
    })
    .await;
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_looks_at_nobody_who_is_not_due() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let server = Server::start(&test, &sim).await;
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let body = json!({"riot_id": riot_id.to_string(), "platform": platform});
    let (status, player) = server.post("/api/v1/players/track", Some(body)).await;
    assert_eq!(status, 201, "{player}");
    let job = server.job("tracked_player_updater").await;
    server.put(&format!("/api/v1/jobs/{job}"), json!({"interval_seconds": 1})).await;
    let runs = format!("/api/v1/jobs/{job}/executions?trigger=schedule&status=success&limit=100");
    let metric = |name: &'static str| {
        let (server, runs) = (&server, &runs);
        async move {
            let runs = server.get(runs).await;
            let runs = runs["items"].as_array().unwrap();
            let sum: i64 = runs.iter().filter_map(|run| run["metrics"][name].as_i64()).sum();
            (runs.len(), sum)
        }
    };
    until("the new player was looked at", async || {
        (metric("players_updated").await.1 > 0).then_some(())
    })
    .await;
    let (before, _) = metric("players_updated").await;
    until("three more ticks", async || {
        (metric("players_updated").await.0 >= before + 3).then_some(())
    })
    .await;
    assert_eq!(metric("players_updated").await.1, 1);
    assert_eq!(metric("api_requests_made").await.1, 22);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_keys_limit_ends_the_run_early_and_breaks_nothing() {
    let test = TestDb::new().await;
    let limits = "dev".parse().unwrap();
    let sim = Simulator::start(SimConfig { limits, ..SimConfig::default() }).await.unwrap();
    let server = Server::start(&test, &sim).await;
    for (riot_id, platform) in sim.some_riot_ids(8) {
        let body = json!({"riot_id": riot_id.to_string(), "platform": platform});
        let (status, answer) = server.post("/api/v1/players/track", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
    }
    let run = server.run("tracked_player_updater").await;

    assert_eq!(
        (&run["status"], &run["reason"]),
        (&json!("success"), &json!("rate_limited")),
        "{run}"
    );
    assert_eq!(sim.stats().by_status.get(&429), None);
    assert!(run["metrics"]["new_matches_found"].as_i64().unwrap() > 40, "{run}");
    // It comes back when it can work, not on its next tick two minutes from now or before.
    let job = server.job("tracked_player_updater").await;
    let job = server.get(&format!("/api/v1/jobs/{job}")).await;
    assert!(job["next_run_at"].is_string(), "{job}");
    sim.stop().await;
}
