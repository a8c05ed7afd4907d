//! `kill -9` in the middle of a sync: nothing is lost, nothing is there twice.

use std::collections::BTreeSet;
use std::time::Duration;

use riftwatch_sim::{Latency, SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::json;

use crate::harness::{Server, client, number, texts, until};

const PLAYERS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_is_completed_by_the_next_process_without_gap_or_double() {
    let test = TestDb::new().await;
    // Slow enough that the kill falls into the middle.
    let latency = Some(Latency {
        base: Duration::from_millis(40),
        jitter: Duration::ZERO,
        spike_share: 0.0,
        spike: Duration::ZERO,
    });
    let sim = Simulator::start(SimConfig { latency, ..SimConfig::default() }).await.unwrap();
    let server = Server::start(&test, &sim).await;
    let mut listed = BTreeSet::new();
    let client = client();
    for (riot_id, platform) in sim.some_riot_ids(PLAYERS) {
        let body = json!({"riot_id": riot_id.to_string(), "platform": platform});
        let (status, player) = server.post("/api/v1/players/track", Some(body)).await;
        assert_eq!(status, 201, "{player}");
        let base = sim.base_url().replace("{route}", platform.region().as_str());
        let puuid = player["puuid"].as_str().unwrap();
        let url = format!("{base}/lol/match/v5/matches/by-puuid/{puuid}/ids?count=20");
        let ids: Vec<String> = client
            .get(url)
            .header("X-Riot-Token", "RGAPI-other")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        listed.extend(ids);
    }
    let job = server.job("tracked_player_updater").await;
    let (status, _) = server.post(&format!("/api/v1/jobs/{job}/trigger"), None).await;
    assert_eq!(status, 202);
    until("some matches are stored", async || {
        (number(&test, "SELECT count(*) FROM matches").await >= 8).then_some(())
    })
    .await;
    server.kill();
    let before = number(&test, "SELECT count(*) FROM matches").await;
    assert!(before < i64::try_from(listed.len()).unwrap(), "the kill came too late: {before}");

    let server = Server::start_busy(&test, &sim);
    let run = server.run("tracked_player_updater").await;
    assert_eq!(run["reason"], "completed", "{run}");

    // Whoever saw it first closed the dead process's run.
    let lost = "SELECT count(*) FROM job_executions WHERE status = 'failed' AND reason = 'lost'";
    assert_eq!(number(&test, lost).await, 1);
    let unfinished = "SELECT count(*) FROM job_executions WHERE status IN ('pending', 'running')";
    assert_eq!(number(&test, unfinished).await, 0);

    let stored: BTreeSet<String> =
        texts(&test, "SELECT match_id FROM matches").await.into_iter().collect();
    let absent: Vec<_> = listed.difference(&stored).collect();
    assert!(absent.is_empty(), "never stored: {absent:?}");
    let incomplete = "SELECT count(*) FROM matches m WHERE \
        (SELECT count(*) FROM match_participants p WHERE p.match_id = m.match_id) <> 10";
    assert_eq!(number(&test, incomplete).await, 0);

    // What the killed process had under way is all that was asked for twice.
    let asked = sim.stats().by_endpoint["match-v5.getMatch"];
    let distinct = u64::try_from(stored.len()).unwrap();
    assert!((distinct..=distinct + 4).contains(&asked), "{asked} requests for {distinct} matches");
    assert_eq!(sim.stats().by_status.get(&429), None);
    sim.stop().await;
}
