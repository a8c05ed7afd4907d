//! The analyzer from end to end: a simulated Riot API over HTTP, the real client, a real database,
//! and the job through the runner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::Deps;
use riftwatch_app::assess::{Priors, assess_player};
use riftwatch_app::sync::{Synced, sync_player};
use riftwatch_app::tracking::track_riot_id;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::{Execution, ExecutionReason, ExecutionStatus, Trigger};
use riftwatch_domain::routing::Platform;
use riftwatch_jobs::registry;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_runner::manage::{self, Actor};
use riftwatch_runner::{Runner, RunnerConfig, RunnerHandle};
use riftwatch_sim::{Limits, SimConfig, SimHandle, Simulator, Truth};
use riftwatch_store::assessments;
use riftwatch_testkit::TestDb;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Games that are fetched of each account.
const GAMES: u32 = 60;

struct Scene {
    deps: Deps,
    runner: RunnerHandle,
    sim: SimHandle,
    test: TestDb,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let sim = Simulator::start(SimConfig {
            seed: 11,
            players: 600,
            days: 60,
            platforms: vec![Platform::Euw1],
            limits: "none".parse::<Limits>().expect("it works in this test"),
            ..SimConfig::default()
        })
        .await
        .expect("it works in this test");
        let riot = RiotClient::new(RiotClientConfig {
            base_url: sim.base_url(),
            api_key: Some("RGAPI-any".into()),
            ..RiotClientConfig::default()
        });
        let deps = Deps {
            store: test.db.clone(),
            riot: Arc::new(riot.expect("it works in this test")),
            clock: Clock::system(),
            max_tracked_players: 1_000,
            suppression_key: None,
        };
        let config = RunnerConfig {
            scheduler_enabled: false,
            poll: Duration::from_millis(50),
            ..RunnerConfig::default()
        };
        let runner = Runner::start(test.db.clone(), registry(), Arc::new(deps.clone()), config);
        Self { runner: runner.await.expect("it works in this test"), deps, sim, test }
    }

    /// Tracks an account and brings it current.
    async fn follow(&self, truth: &Truth) {
        let caller = Caller::new(CallClass::Refresh);
        let tracking = track_riot_id(&self.deps, &caller, &truth.riot_id, truth.platform)
            .await
            .expect("it works in this test");
        let cancel = CancellationToken::new();
        let player = tracking.player();
        let synced = sync_player(&self.deps, &caller, player, GAMES, &cancel, &|_| ()).await;
        assert_eq!(synced.expect("it works in this test"), Synced::Current);
    }

    async fn analyze(&self) -> Execution {
        let db = &self.test.db;
        let job = manage::find_by_name(db, "player_analyzer")
            .await
            .expect("it works in this test")
            .expect("it works in this test")
            .job;
        let id = manage::trigger(db, job.id, Trigger::Manual, &Actor::new("test"))
            .await
            .expect("it works in this test");
        manage::wait_for_end(db, id, Duration::from_secs(60)).await.expect("it works in this test")
    }
}

fn count(run: &Execution, metric: &str) -> i64 {
    run.metrics[metric].as_i64().unwrap_or_else(|| panic!("{metric}: {}", run.metrics))
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_were_synced_are_assessed_and_smurfs_rank_above_the_others() {
    let scene = Scene::new().await;
    let truth = scene.sim.truth();
    let enough = |truth: &&Truth| truth.games >= 40;
    let smurfs = truth.iter().filter(enough).filter(|truth| truth.is_smurf).take(8);
    let honest =
        truth.iter().filter(enough).filter(|truth| !truth.is_smurf && !truth.is_shared).take(16);
    let followed: Vec<&Truth> = smurfs.chain(honest).collect();
    for truth in &followed {
        scene.follow(truth).await;
    }

    let run = scene.analyze().await;
    let ended = (run.status, run.reason);
    assert_eq!(ended, (ExecutionStatus::Success, Some(ExecutionReason::Completed)), "{run:?}");
    assert!(count(&run, "players_analyzed") >= followed.len() as i64, "{}", run.metrics);
    assert_eq!(count(&run, "records_created"), count(&run, "players_analyzed"));
    assert_eq!(count(&run, "errors_encountered"), 0);

    let mut p_of_smurfs = Vec::new();
    let mut p_of_honest = Vec::new();
    let mut unusual = BTreeMap::new();
    let mut conn = scene.deps.store.get().await.unwrap();
    for truth in &followed {
        let stored = assessments::latest(&mut conn, &truth.puuid).await.unwrap().expect("assessed");
        let document: Value = serde_json::from_str(&stored.document).unwrap();
        let p = document["p_any"].as_f64().unwrap();
        if truth.is_smurf { &mut p_of_smurfs } else { &mut p_of_honest }.push(p);
        *unusual.entry((truth.is_smurf, stored.verdict.clone())).or_insert(0) += 1;
        println!("{:?} {} games {} p {p:.3}", truth.story, stored.verdict, document["games"]);
        // Whoever asks later gets the same bytes.
        let again = assess_player(&scene.deps, &Priors::default(), &truth.puuid).await.unwrap();
        assert_eq!(again, stored);
    }
    drop(conn);
    println!("{unusual:?}, smurfs detected: {}", count(&run, "smurfs_detected"));
    let pairs = p_of_smurfs.iter().flat_map(|smurf| p_of_honest.iter().map(move |p| smurf > p));
    let (above, pairs) = pairs.fold((0, 0), |(above, n), is| (above + usize::from(is), n + 1));
    let share = above as f64 / pairs as f64;
    println!("a smurf ranks above an honest account in {share:.3} of {pairs} pairs");
    assert!(share > 0.8, "{share}");

    // Nothing is new: nobody is assessed, and nothing is said twice.
    let again = scene.analyze().await;
    assert_eq!((count(&again, "players_analyzed"), count(&again, "records_created")), (0, 0));
    scene.runner.shutdown(Duration::from_secs(5)).await;
    scene.sim.stop().await;
}
