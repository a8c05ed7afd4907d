//! The fetcher from end to end: a simulated Riot API over HTTP, the real client, a real database, and
//! the job through the runner.

use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::Deps;
use riftwatch_app::tracking::track_riot_id;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::{Execution, ExecutionReason, Trigger};
use riftwatch_jobs::registry;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_runner::manage::{self, Actor, JobChanges};
use riftwatch_runner::{Runner, RunnerConfig, RunnerHandle};
use riftwatch_sim::{SimConfig, SimHandle, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::{Value, json};

struct Scene {
    runner: RunnerHandle,
    config: RunnerConfig,
    sim: SimHandle,
    test: TestDb,
}

impl Scene {
    /// One tracked player, brought current, whose matches have everybody else in them.
    async fn new(limits: &str) -> Self {
        let test = TestDb::new().await;
        let limits = limits.parse().expect("limits");
        let sim = Simulator::start(SimConfig { players: 300, limits, ..SimConfig::default() })
            .await
            .expect("it starts");
        let riot = RiotClient::new(RiotClientConfig {
            base_url: sim.base_url(),
            api_key: Some("RGAPI-any".into()),
            ..RiotClientConfig::default()
        });
        let deps = Deps {
            store: test.db.clone(),
            riot: Arc::new(riot.expect("a client")),
            clock: Clock::system(),
            max_tracked_players: 10,
            suppression_key: None,
        };
        let config = RunnerConfig {
            scheduler_enabled: false,
            poll: Duration::from_millis(50),
            ..RunnerConfig::default()
        };
        let runner =
            Runner::start(test.db.clone(), registry(), Arc::new(deps.clone()), config.clone())
                .await
                .expect("it starts");
        let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
        let caller = Caller::new(CallClass::Interactive);
        track_riot_id(&deps, &caller, &riot_id, platform).await.expect("it is tracked");
        let scene = Self { runner, config, sim, test };
        scene.run("tracked_player_updater", json!({"max_matches_per_player": 5})).await;
        scene
    }

    async fn run(&self, name: &str, config_json: Value) -> Execution {
        let db = &self.test.db;
        let found = manage::find_by_name(db, name).await.expect("the database answers");
        let job = found.expect("a default row").job.id;
        let actor = Actor::new("test");
        let changes = JobChanges { config_json: Some(config_json), ..JobChanges::default() };
        manage::update(db, self.runner.catalog(), &self.config, job, changes, None, &actor)
            .await
            .expect("it is allowed");
        let id = manage::trigger(db, job, Trigger::Manual, &actor).await.expect("it is free");
        manage::wait_for_end(db, id, Duration::from_secs(120)).await.expect("it ends")
    }

    async fn number(&self, sql: &str) -> i64 {
        let (client, connection) = self.test.url().connect_raw().await.expect("it answers");
        let driver = tokio::spawn(connection);
        let number = client.query_one(sql, &[]).await.expect("it answers").get(0);
        drop(client);
        driver.await.expect("it ends").expect("in order");
        number
    }
}

fn count(run: &Execution, metric: &str) -> i64 {
    run.metrics[metric].as_i64().unwrap_or_else(|| panic!("{metric}: {}", run.metrics))
}

#[tokio::test(flavor = "multi_thread")]
async fn discovered_players_are_filled_up_to_the_sample_and_no_match_is_fetched_twice() {
    let scene = Scene::new("none").await;
    let config = json!({"sample_size": 10, "budget_share": 1.0, "max_players_per_run": 4});
    let run = scene.run("match_fetcher", config.clone()).await;
    assert_eq!(run.reason, Some(ExecutionReason::Completed), "{run:?}");
    assert_eq!(count(&run, "players_filled"), 4);
    assert!(count(&run, "matches_fetched") > 10, "{}", run.metrics);
    // A list and the ranks for each, and each match once.
    assert_eq!(count(&run, "api_requests_made"), 4 * 2 + count(&run, "matches_fetched"));
    let filled = "SELECT count(*) FROM (SELECT FROM match_participants m JOIN players p USING (puuid)
                  WHERE m.queue_id = 420 AND NOT p.is_tracked GROUP BY p.puuid HAVING count(*) >= 10) f";
    // Somebody who plays seldom may not have ten.
    assert!(scene.number(filled).await >= 2);
    let stored = scene.number("SELECT count(*) FROM matches").await;
    assert_eq!(scene.sim.stats().by_endpoint["match-v5.getMatch"], u64::try_from(stored).unwrap());
    assert!(scene.number("SELECT count(DISTINCT puuid) FROM player_ranks").await >= 4);

    // The next run goes on with others.
    let again = scene.run("match_fetcher", config).await;
    assert_eq!(count(&again, "players_filled"), 4);
    let stored = scene.number("SELECT count(*) FROM matches").await;
    assert_eq!(scene.sim.stats().by_endpoint["match-v5.getMatch"], u64::try_from(stored).unwrap());
    scene.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn games_older_than_matches_are_kept_are_not_fetched() {
    let scene = Scene::new("none").await;
    let before = scene.sim.stats().by_endpoint["match-v5.getMatch"];
    let old = "SELECT count(*) FROM matches WHERE game_start < now() - interval '3 days'";
    let old_before = scene.number(old).await;
    let config = |days| json!({"sample_size": 30, "budget_share": 1.0, "match_days": days});
    let run = scene.run("match_fetcher", config(3)).await;
    assert!(count(&run, "players_filled") > 0, "{}", run.metrics);
    assert!(scene.sim.stats().by_endpoint["match-v5.getMatch"] > before);
    assert_eq!(scene.number(old).await, old_before);
    // Nor are they missing: with more days there are more.
    let run = scene.run("match_fetcher", config(20)).await;
    assert!(count(&run, "players_filled") > 0, "{}", run.metrics);
    assert!(scene.number(old).await > old_before);
    scene.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_the_budget_is_a_limit() {
    // Seven of a hundred are in use when it begins, and it goes on up to a fifth.
    let scene = Scene::new("100:600").await;
    let config = json!({"sample_size": 10, "budget_share": 0.2, "max_players_per_run": 100});
    let run = scene.run("match_fetcher", config).await;
    assert_eq!(run.reason, Some(ExecutionReason::Completed), "{run:?}");
    // A player that was begun is finished.
    let used = count(&run, "api_requests_made");
    assert!((2..=14 + 12).contains(&used), "{used} requests");
    assert_eq!(scene.sim.stats().by_status.get(&429), None);
    scene.sim.stop().await;
}
