//! One key in several processes of the operating system, with PostgreSQL and HTTP in between; one is
//! killed.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use riftwatch_app::key_sharing::PostgresRecords;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::sharing::{BudgetId, SharedRecords};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{Latency, Limits, SimConfig, SimHandle, Simulator, Violations, WindowModel};
use riftwatch_store::Db;
use riftwatch_testkit::{TestCluster, TestDb};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// Where a child finds what it is told.
const TOLD: &str = "RIFTWATCH_TEST_KEY_CHILD";
/// Callers in each process, who always want more.
const CALLERS: usize = 8;

#[derive(Serialize, Deserialize)]
struct Told {
    database: String,
    riot: String,
    ids: Vec<MatchId>,
}

fn client(riot: &str, db: &Db) -> RiotClient {
    let config = RiotClientConfig {
        base_url: riot.to_owned(),
        api_key: Some("RGAPI-shared".into()),
        shared_records: Some(Arc::new(PostgresRecords::of(db))),
        // What a process that dies may have sent counts for so long after its turn, and a window more.
        timeout: Duration::from_secs(1),
        ..RiotClientConfig::default()
    };
    RiotClient::new(config).expect("a valid configuration")
}

fn start(told: &Told) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--ignored", "--exact", "--nocapture", "be_a_child"])
        .env(TOLD, serde_json::to_string(told).expect("it is JSON"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a child process")
}

#[expect(clippy::print_stdout, reason = "its parent listens")]
fn say() {
    println!("child asked");
}

/// What a child does: asks for matches until it is killed.
#[test]
#[ignore = "not a test: other tests run it as a process of its own"]
fn be_a_child() {
    let told = std::env::var_os(TOLD).expect("only for other tests");
    let told: Told =
        serde_json::from_str(told.to_str().expect("it is text")).expect("written by a test");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let url = told.database.parse().expect("a database's address");
        let riot = client(&told.riot, &Db::new(&url, 2));
        let mut callers = JoinSet::new();
        for first in 0..CALLERS {
            let (riot, ids) = (riot.clone(), told.ids.clone());
            callers.spawn(async move {
                for id in ids.iter().cycle().skip(first) {
                    riot.match_by_id(&Caller::default(), id).await.expect("an answer");
                    if first == 0 {
                        say();
                    }
                }
            });
        }
        callers.join_all().await;
    });
}

async fn simulator(limits: &str, window_model: WindowModel) -> (SimHandle, Vec<MatchId>) {
    let limits: Limits = limits.parse().expect("limits");
    let latency = Latency {
        base: Duration::from_millis(5),
        jitter: Duration::from_millis(20),
        spike_share: 0.01,
        spike: Duration::from_millis(300),
    };
    let config = SimConfig {
        seed: 3,
        players: 100,
        days: 20,
        platforms: vec![Platform::Euw1],
        limits,
        window_model,
        latency: Some(latency),
        ..SimConfig::default()
    };
    let sim = Simulator::start(config).await.expect("a simulator");
    // With a key of its own, so that what this costs is nobody else's.
    let riot = RiotClient::new(RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some("RGAPI-another".into()),
        ..RiotClientConfig::default()
    });
    let riot = riot.expect("a valid configuration");
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let (caller, region) = (Caller::default(), platform.region());
    let account = riot.account_by_riot_id(&caller, region, &riot_id).await.expect("an answer");
    let query = MatchIdsQuery { count: 100, ..MatchIdsQuery::default() };
    let puuid = account.expect("known").puuid;
    let ids = riot.match_ids(&caller, region, &puuid, &query).await.expect("an answer");
    (sim, ids.expect("known"))
}

/// Waits until a child has asked something.
async fn asked(child: &mut Child) {
    let lines = child.stdout.take().expect("its output");
    let mut lines = BufReader::new(lines).lines();
    let hear = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.contains("child asked") {
                return;
            }
        }
        panic!("the child ended");
    };
    tokio::time::timeout(Duration::from_secs(60), hear).await.expect("it has its turn in time");
    // Whoever is not listened to must not be stopped by a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_keep_one_budget_and_one_that_is_killed_is_followed() {
    let test = TestDb::new().await;
    let (sim, ids) = simulator("30:1,60:3", WindowModel::Sliding).await;
    let database = test.url().expose().to_owned();
    let told = Told { database, riot: sim.base_url(), ids };
    let mut children: Vec<Child> = (0..4).map(|_| start(&told)).collect();
    for child in &mut children {
        asked(child).await;
    }
    // In the middle of whatever they do, until the second of them has been followed.
    for _ in 0..2 {
        children.remove(0).kill().await.expect("it can be killed");
    }
    children.push(start(&told));
    asked(&mut children[2]).await;
    for child in &mut children {
        child.kill().await.expect("it can be killed");
    }
    let stats = sim.stats();
    assert_eq!((stats.violations, stats.sent_while_blocked), (Violations::default(), 0));
    assert!(stats.requests > 60, "{}", stats.requests);

    // What is written down is the budget, and not the key.
    let riot = client(&sim.base_url(), &test.db);
    riot.match_by_id(&Caller::default(), &told.ids[0]).await.expect("an answer");
    riot.leave().await;
    let (client, connection) = tokio_postgres::connect(test.url().expose(), tokio_postgres::NoTls)
        .await
        .expect("the test's database");
    tokio::spawn(connection);
    let rows = client
        .query("SELECT key_hash, route, record::text FROM riot_budgets", &[])
        .await
        .expect("the records");
    assert_eq!(rows.len(), 1);
    let (hash, route): (String, String) = (rows[0].get(0), rows[0].get(1));
    let record: String = rows[0].get(2);
    assert_eq!((hash.len(), route.as_str()), (32, "europe"));
    assert!(!record.contains("RGAPI") && record.contains("match-v5.getMatch"), "{record}");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_no_call_is_made_and_with_it_again_calls_go_on() {
    let mut cluster = TestCluster::start().await;
    let (sim, ids) = simulator("20:1,1000:100", WindowModel::FromFirstCall).await;
    let riot = client(&sim.base_url(), &cluster.db());
    let patient = Caller::default();
    riot.match_by_id(&patient, &ids[0]).await.expect("an answer");
    // Until the turn is handed back: what was granted in it may be used without asking.
    riot.leave().await;
    cluster.stop().await;
    let before = sim.stats().requests;
    let caller = Caller::default().with_patience(Duration::from_millis(300));
    let error = riot.match_by_id(&caller, &ids[1]).await.expect_err("no turn");
    assert!(matches!(error, RiotError::RateLimited { .. }), "{error}");
    assert_eq!(sim.stats().requests, before);
    cluster.start_again().await;
    riot.match_by_id(&patient, &ids[1]).await.expect("an answer");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_record_happen_one_after_the_other_and_none_is_lost() {
    let test = TestDb::new().await;
    let budget = BudgetId { key_hash: "0123".into(), route: Region::Europe.into() };
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let (records, budget) = (PostgresRecords::of(&test.db), budget.clone());
        writers.spawn(async move {
            for _ in 0..25 {
                let mut add = |found: Option<riftwatch_riot::sharing::Found>| {
                    let count = found.and_then(|found| found.record["count"].as_i64());
                    Some(json!({ "count": count.unwrap_or(0) + 1 }))
                };
                records.change(&budget, &mut add).await.expect("reached");
            }
        });
    }
    writers.join_all().await;
    let mut count = None;
    let mut age = None;
    let mut look = |found: Option<riftwatch_riot::sharing::Found>| {
        count = found.as_ref().map(|found| found.record["count"].clone());
        age = found.map(|found| found.age);
        None
    };
    let records = PostgresRecords::of(&test.db);
    records.change(&budget, &mut look).await.expect("reached");
    assert_eq!(count, Some(json!(100)));
    assert!(age.is_some_and(|age| age < Duration::from_secs(60)), "{age:?}");
}
