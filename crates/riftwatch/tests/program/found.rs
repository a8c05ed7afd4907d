//! An account that plays far above its rank is found by the jobs alone: a server with its schedule,
//! a simulated world that knows whose account is whose, and nobody who does anything by hand.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, NaiveTime, Utc};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::routing::Platform;
use riftwatch_sim::{SimConfig, SimHandle, Simulator, Story, StoryMix, Truth};
use riftwatch_testkit::TestDb;
use serde_json::{Value, json};

use crate::harness::{Server, number, output, riftwatch_on, stderr, stdout, until};

/// Accounts that are tracked, chosen without a look at their labels.
const TRACKED: usize = 50;

/// Games from which on the world's own label can be expected to show.
const ENOUGH_GAMES: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_far_above_its_rank_is_found_by_the_jobs_on_their_schedule() {
    let test = TestDb::new().await;
    let sim = Simulator::start(world()).await.unwrap();
    let server = Server::start_with(&test, &sim, &[("MAX_TRACKED_PLAYERS", "50")]);
    // As an operator in a hurry would set it: often, and the whole list of each player.
    let schedule = [
        ("tracked_player_updater", json!({"max_matches_per_player": 100})),
        ("player_analyzer", json!({})),
    ];
    for (name, config) in schedule {
        let job = server.job(name).await;
        let change = json!({"interval_seconds": 1, "config_json": config});
        server.put(&format!("/api/v1/jobs/{job}"), change).await;
    }
    let ranked = sim.some_riot_ids(TRACKED * 5);
    for (riot_id, platform) in ranked.iter().step_by(5) {
        let body = json!({"riot_id": riot_id.to_string(), "platform": platform});
        let (status, answer) = server.post("/api/v1/players/track", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
    }

    until("every tracked player is current", async || {
        let behind = "SELECT count(*) FROM players WHERE is_tracked AND last_synced_at IS NULL";
        (number(&test, behind).await == 0).then_some(())
    })
    .await;
    // What was assessed early is assessed again when more is known, ranks of others included: only
    // when a run finds nobody to assess any more has it said its last word.
    let settled = "SELECT count(*) FROM job_executions
                   WHERE job_type = 'player_analyzer' AND status = 'success'
                     AND started_at > (SELECT max(last_synced_at) FROM players)
                     AND COALESCE((metrics->>'players_analyzed')::numeric, 0) = 0";
    until("the analysis has run on all of it", async || {
        (number(&test, settled).await > 0).then_some(())
    })
    .await;

    let labels: HashMap<String, Truth> =
        sim.truth().into_iter().map(|truth| (truth.puuid.to_string(), truth)).collect();
    let mut found: BTreeMap<Story, [usize; 2]> = BTreeMap::new();
    let tracked = server.get("/api/v1/players/tracked?limit=100").await;
    for player in tracked["items"].as_array().unwrap() {
        let puuid = player["puuid"].as_str().unwrap();
        let said = server.get(&format!("/api/v1/player-analysis/player/{puuid}/latest")).await;
        if said["games"].as_u64().unwrap() >= ENOUGH_GAMES {
            let [unusual, all] = found.entry(labels[puuid].story).or_default();
            *unusual += usize::from(said["verdict"] == "unusual_pattern");
            *all += 1;
        }
    }
    let sum = |of: fn(Story) -> bool, place: usize| -> usize {
        found.iter().filter(|(story, _)| of(**story)).map(|(_, counts)| counts[place]).sum()
    };
    let (smurfs, honest) =
        (Story::is_smurf as fn(Story) -> bool, Story::is_honest as fn(Story) -> bool);
    println!("unusual of all, by story: {found:?}");
    assert!(sum(smurfs, 1) >= 5 && sum(honest, 1) >= 10, "{found:?}");
    assert!(sum(smurfs, 0) >= 1, "nobody was found: {found:?}");
    // The stated rate is one in two hundred: among so few, none.
    assert_eq!(sum(honest, 0), 0, "an innocent account was found: {found:?}");
    assert_eq!(sim.stats().by_status.get(&429), None);
    a_model_is_fitted_on_what_is_stored(&test, &sim).await;
    sim.stop().await;
}

/// From the database that the jobs have filled to a model, and to what it says of its own origin.
async fn a_model_is_fitted_on_what_is_stored(test: &TestDb, sim: &SimHandle) {
    let enough = "SELECT count(*) FROM (
                      SELECT FROM ranked_games GROUP BY player HAVING count(*) >= 8) known";
    let known = number(test, enough).await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("model.json").display().to_string();
    let fit =
        ["detection", "fit", "--database", "--small", "--version", "story-here", "--output", &path];
    let ended = output(riftwatch_on(test, sim, &fit));
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    let shown = output(riftwatch_on(test, sim, &["detection", "model", "--model", &path]));
    let shown: Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    assert_eq!(shown["model_version"], "story-here");
    let real = &shown["provenance"]["real"];
    assert_eq!(real["name"], "stored matches");
    assert_eq!(real["accounts"], known, "{real}");
    assert!(real["games"].as_i64().expect("a number") >= 8 * known, "{real}");
    let text = std::fs::read_to_string(&path).expect("it was written");
    assert!(
        !sim.truth().iter().any(|truth| text.contains(truth.puuid.as_str())),
        "it names somebody"
    );
}

/// A history that ends at the last midnight, and stands still: the same games on every day.
fn world() -> SimConfig {
    let midnight: DateTime<Utc> =
        Clock::system().now().with_time(NaiveTime::MIN).single().expect("midnight is once a day");
    let mut mix = StoryMix::default();
    for (story, weight) in Story::ALL.into_iter().zip(&mut mix.0) {
        if story.is_smurf() {
            *weight = 15.0;
        }
    }
    SimConfig {
        // Worlds 3, 5, 7 and 11 have one to four found, and nobody innocent; this one has three or four
        // of thirteen, which leaves room for the order in which things become known.
        seed: 11,
        players: 300,
        platforms: vec![Platform::Euw1],
        origin: Some(midnight - Days::new(60)),
        present: Some(midnight),
        speed: 0.0,
        stories: mix,
        limits: "none".parse().expect("limits"),
        ..SimConfig::default()
    }
}
