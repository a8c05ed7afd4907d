//! The jobs that look after what is stored about people, through the runner.

use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::Deps;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::{Execution, ExecutionStatus, Trigger};
use riftwatch_jobs::registry;
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::manage::{self, Actor};
use riftwatch_runner::{Runner, RunnerConfig, RunnerHandle};
use riftwatch_testkit::TestDb;
use riftwatch_testkit::builders::noon;
use serde_json::json;

struct Scene {
    test: TestDb,
    runner: RunnerHandle,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let deps = Deps {
            store: test.db.clone(),
            riot: Arc::new(FakeRiot::new()),
            clock: Clock::manual(noon()),
            max_tracked_players: 10,
            suppression_key: None,
        };
        let config = RunnerConfig {
            scheduler_enabled: false,
            poll: Duration::from_millis(50),
            ..RunnerConfig::default()
        };
        let runner = Runner::start(test.db.clone(), registry(), Arc::new(deps), config);
        Self { runner: runner.await.expect("it works in this test"), test }
    }

    async fn sql(&self, statements: &str) {
        let (client, connection) = self.test.url().connect_raw().await.expect("a connection");
        let driver = tokio::spawn(connection);
        client.batch_execute(statements).await.expect("the statements are right");
        drop(client);
        driver.await.expect("no panic").expect("it closes");
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let (client, connection) = self.test.url().connect_raw().await.expect("a connection");
        let driver = tokio::spawn(connection);
        let rows = client.query(query, &[]).await.expect("the query is right");
        drop(client);
        driver.await.expect("no panic").expect("it closes");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Runs a job so many times side by side.
    async fn run(&self, name: &str, slots: usize) -> Vec<Execution> {
        let db = &self.test.db;
        let job = manage::find_by_name(db, name).await.expect("an answer").expect("a job").job;
        let mut ids = Vec::new();
        for _ in 0..slots {
            let id = manage::trigger(db, job.id, Trigger::Manual, &Actor::new("test")).await;
            ids.push(id.expect("a free slot"));
        }
        let mut runs = Vec::new();
        for id in ids {
            let run = manage::wait_for_end(db, id, Duration::from_secs(120)).await;
            runs.push(run.expect("it ends"));
        }
        assert!(runs.iter().all(|run| run.status == ExecutionStatus::Success), "{runs:?}");
        runs
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_goes_and_what_is_current_about_tracked_players_stays() {
    let scene = Scene::new().await;
    // `old` was met two years ago, `new` today; so it is with two who are tracked.
    scene
        .sql(
            "INSERT INTO players (puuid, platform, is_tracked, tracked_at, profile_seen_at,
                                  is_analyzed, created_at, updated_at)
             SELECT who, 'euw1', who LIKE 'tracked%', CASE WHEN who LIKE 'tracked%' THEN at END, at,
                    true, at, at
             FROM (VALUES ('old', timestamptz '2024-01-01'), ('new', '2025-12-31'),
                          ('tracked-old', '2024-01-01'), ('tracked-new', '2025-12-31')) v (who, at);
             INSERT INTO matches (match_id, platform_id, queue_id, map_id, game_mode, game_version,
                                  game_creation, game_start, game_end, game_duration, teams)
             SELECT 'EUW1_' || n, 'euw1', 420, 11, 'CLASSIC', '16.1', at, at, at, 1800, '[]'
             FROM (SELECT n, timestamptz '2026-01-01 12:00Z' - (n * 30 + 1) * interval '1 day' AS at
                   FROM generate_series(0, 11) n) v;
             INSERT INTO player_ranks (puuid, queue_type, tier, league_points, wins, losses, hot_streak,
                                       veteran, fresh_blood, inactive, seen_at)
             SELECT puuid, 'RANKED_SOLO_5x5', 'MASTER', days, 0, 0, false, false, false, false,
                    timestamptz '2026-01-01 12:00Z' - days * interval '1 day'
             FROM players, (VALUES (400), (500)) v (days);
             INSERT INTO player_analysis (puuid, model_version, games, verdict, document, created_at)
             SELECT puuid, 'm', 20, 'inconclusive', puuid || '-' || days,
                    timestamptz '2026-01-01 12:00Z' - days * interval '1 day'
             FROM players, (VALUES (200), (100), (95)) v (days) WHERE puuid <> 'old'
             ORDER BY days DESC;
             INSERT INTO assessment_reviews (assessment_id, verdict, reviewer, created_at)
             SELECT id, 'unsure', 'ann', created_at FROM player_analysis WHERE document = 'new-200';
             INSERT INTO told_stories (puuid, story, reported_by, told_at, until)
             VALUES ('new', 'alt_ok', 'ann', '2024-12-01', '2025-06-01'),
                    ('new', 'alt_ok', 'ann', '2025-12-01', '2026-06-01');
             INSERT INTO reachability_observations VALUES ('new', '2024-12-01', true),
                                                          ('new', '2025-12-01', true);
             INSERT INTO matchmaking_analyses (puuid, games_wanted, requested_by, status, created_at,
                                               ended_at)
             VALUES ('new', 1, 'ann', 'cancelled', '2025-09-01', '2025-09-01'),
                    ('new', 1, 'ann', 'cancelled', '2025-12-01', '2025-12-01'),
                    ('new', 1, 'ann', 'pending', '2025-09-01', null);
             UPDATE job_configurations SET config_json = '{\"batch_size\": 2}' WHERE name = 'retention';",
        )
        .await;
    let run = &scene.run("retention", 1).await[0];
    assert_eq!(
        run.metrics,
        json!({
            "outcomes_recorded": 0, "matches_deleted": 6, "match_rejects_deleted": 0,
            "assessments_deleted": 6, "told_stories_deleted": 1,
            "reachability_observations_deleted": 1, "matchmaking_analyses_deleted": 1,
            "player_ranks_deleted": 2, "players_deleted": 1,
        })
    );
    let left = "SELECT document FROM player_analysis ORDER BY document";
    // The newest of those who are tracked, and the one that somebody has reviewed.
    assert_eq!(scene.texts(left).await, ["new-200", "tracked-new-95", "tracked-old-95"]);
    let players = "SELECT puuid FROM players WHERE is_analyzed ORDER BY puuid";
    // `new` has lost its newest, and is due.
    assert_eq!(scene.texts(players).await, ["tracked-new", "tracked-old"]);
    let ranks = "SELECT puuid || league_points FROM player_ranks ORDER BY 1";
    assert_eq!(
        scene.texts(ranks).await,
        ["new400", "tracked-new400", "tracked-new500", "tracked-old400", "tracked-old500"]
    );
    let again = &scene.run("retention", 1).await[0];
    assert!(
        again.metrics.as_object().unwrap().values().all(|n| *n == json!(0)),
        "{}",
        again.metrics
    );
    scene.runner.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_slots_share_the_players_and_assess_none_twice() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO players (puuid, platform, summoner_level)
             SELECT 'p' || n, 'euw1', 100 FROM generate_series(1, 300) n;
             INSERT INTO ranked_games
             SELECT number, timestamptz '2026-01-01' + n * interval '1 hour', 'EUW1_' || n, 1800,
                    'TOP', 1, n % 2 = 0, 5, 5, 5, 150, 11000, 18000, 20, 25, 1, null, null, '{}', '{}'
             FROM players, generate_series(1, 12) n;
             UPDATE job_configurations
             SET max_instances = 2, config_json = '{\"batch_size\": 20}'
             WHERE name = 'player_analyzer';",
        )
        .await;
    let runs = scene.run("player_analyzer", 2).await;
    let sum = |metric: &str| -> i64 {
        runs.iter().map(|run| run.metrics[metric].as_i64().expect("a number")).sum()
    };
    assert_eq!((sum("players_checked"), sum("players_analyzed")), (300, 300));
    let documents = "SELECT count(*) || ' ' || count(DISTINCT puuid) FROM player_analysis";
    assert_eq!(scene.texts(documents).await, ["300 300"]);
    assert_eq!(scene.texts("SELECT 'x' FROM assessment_claims").await, Vec::<String>::new());
    scene.runner.shutdown(Duration::from_secs(5)).await;
}
