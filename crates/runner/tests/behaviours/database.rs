//! Trouble with the database, and other people's load on it.

use std::time::{Duration, Instant};

use riftwatch_domain::execution::ExecutionStatus;
use riftwatch_runner::RunnerConfig;
use riftwatch_runner::manage::NewJob;
use riftwatch_store::{Db, job_executions};
use riftwatch_testkit::{TestCluster, TestDb};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::toys::{
    Toys, client, create, end_of, execute, manual, no_ticks, number, quick, start, trigger, until,
};

/// Settings under which an outage of a few seconds costs nothing, as by default.
fn patient() -> RunnerConfig {
    RunnerConfig { lease: Duration::from_secs(15), ..quick() }
}

async fn none_lost_none_doubled(db: &Db, begun: usize) {
    let ends = "SELECT count(*) FROM job_executions WHERE status = 'success'";
    let all = "SELECT count(*) FROM job_executions";
    until("all have ended", async || number(db, ends).await == number(db, all).await).await;
    assert_eq!(number(db, all).await, i64::try_from(begun).expect("few"), "each began once");
}

/// A run that was made as the jobs were disabled would stay pending, were nobody left to begin it.
async fn nothing_is_left_to_do(db: &Db) {
    let left = "SELECT count(*) FROM job_executions WHERE status IN ('pending', 'running')";
    until("nothing is left to do", async || number(db, left).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_a_restart_of_postgresql_loses_and_doubles_no_run() {
    let mut cluster = TestCluster::start().await;
    let db = cluster.db();
    let toys = Toys::new();
    let runner = start(&db, &toys, patient()).await;
    let long = create(&db, manual("long", json!({ "does": "sleep", "ms": 2000 }))).await;
    // This one ends while there is no database to write its end to.
    let short = create(&db, manual("short", json!({ "does": "sleep", "ms": 700 }))).await;
    let second = NewJob { interval_seconds: Some(1), ..NewJob::new("second", "noop") };
    create(&db, second).await;
    let runs = [trigger(&db, long).await, trigger(&db, short).await];
    // Both of them, and not one and a run of `second`: a claim whose answer is cut off is lost.
    let active = |id| runner.status().active.contains(&id);
    until("they run", async || runs.iter().all(|id| active(*id))).await;
    cluster.stop().await;
    until("the short one has ended", async || !active(runs[1])).await;
    cluster.start_again().await;
    let back = Instant::now();
    for id in runs {
        let run = end_of(&db, id).await;
        assert_eq!(run.status, ExecutionStatus::Success, "{:?}", run.error);
    }
    let next = trigger(&db, short).await;
    assert_eq!(end_of(&db, next).await.status, ExecutionStatus::Success);
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    execute(&db, "UPDATE job_configurations SET enabled = false").await;
    nothing_is_left_to_do(&db).await;
    runner.shutdown(Duration::from_secs(5)).await;
    none_lost_none_doubled(&db, toys.begun()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b29_backends_terminated_twice_a_second_lose_and_double_no_run() {
    let cluster = TestCluster::start().await;
    let db = cluster.db();
    let toys = Toys::new();
    let runner = start(&db, &toys, patient()).await;
    for n in 0..5 {
        let new = NewJob { interval_seconds: Some(1), ..NewJob::new(format!("job {n}"), "noop") };
        create(&db, new).await;
    }
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.kill_backends().await;
    }
    let begun = toys.begun();
    assert!(begun >= 15, "it went on working: {begun}");
    until("it works on afterwards", async || toys.begun() >= begun + 10).await;
    // The pool has dead connections; each is found out when it is used.
    let disabled = async || match client(&db).await {
        Ok(client) => {
            client.batch_execute("UPDATE job_configurations SET enabled = false").await.is_ok()
        }
        Err(_) => false,
    };
    until("the jobs are disabled", disabled).await;
    nothing_is_left_to_do(&db).await;
    runner.shutdown(Duration::from_secs(5)).await;
    none_lost_none_doubled(&db, toys.begun()).await;
    // A tick may be passed over while its job's last end waits for a connection; none is doubled.
    let doubled = "SELECT count(*) FROM (SELECT FROM job_executions
                   GROUP BY job_id, scheduled_for HAVING count(*) > 1) AS d";
    assert_eq!(number(&db, doubled).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b30_jobs_that_use_up_the_pool_hold_up_neither_heartbeat_nor_finish() {
    let test = TestDb::new().await;
    let toys = Toys::with_db(&test.db);
    let config = RunnerConfig { lease: Duration::from_secs(1), ..quick() };
    let _runner = start(&test.db, &toys, config.clone()).await;
    let others = Db::new(test.url(), 2);
    let _rescuer =
        start(&others, &Toys::new(), RunnerConfig { worker_enabled: false, ..config }).await;
    let max = test.db.usage().max;
    let hog =
        create(&others, manual("hog", json!({ "does": "hog", "count": max, "ms": 3000 }))).await;
    let quick = create(&others, manual("quick", json!({}))).await;
    let long = trigger(&others, hog).await;
    until("the pool is used up", async || test.db.usage().in_use == max).await;
    for _ in 0..5 {
        let id = trigger(&others, quick).await;
        assert_eq!(end_of(&others, id).await.status, ExecutionStatus::Success);
    }
    assert_eq!(test.db.usage().in_use, max, "all the while");
    let run = end_of(&others, long).await;
    assert_eq!(run.status, ExecutionStatus::Success, "{:?}", run.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_a_half_open_listen_connection_is_noticed_and_polling_takes_over() {
    let test = TestDb::new().await;
    let runner = start(&test.db, &Toys::new(), no_ticks()).await;
    until("notifications arrive", async || runner.status().listening).await;
    let listener = client(&test.db)
        .await
        .expect("the database answers")
        .query_one(
            "SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')
             ORDER BY backend_start LIMIT 1",
            &[],
        )
        .await
        .expect("the listening backend");
    // The server's end of the connection stands still, and nobody is told.
    let backend = Pid::from_raw(listener.get(0)).expect("a process");
    kill_process(backend, Signal::STOP).expect("it stands still");
    let job = create(&test.db, manual("job", json!({}))).await;
    let id = trigger(&test.db, job).await;
    let asked = Instant::now();
    let run = end_of(&test.db, id).await;
    assert_eq!(run.status, ExecutionStatus::Success);
    assert!(asked.elapsed() < Duration::from_secs(1), "polling found it: {:?}", asked.elapsed());
    until("it is noticed", async || !runner.status().listening).await;
    until("another connection listens", async || runner.status().listening).await;
    kill_process(backend, Signal::CONT).expect("it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn b32_an_idle_transaction_elsewhere_costs_claims_at_most_twice() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("many", json!({}))).await;
    let mut conn = test.db.get().await.expect("a connection");
    job_executions::prefer_keys(&mut conn).await.expect("settings");
    let enqueue = async |count: i32| {
        execute(
            &test.db,
            &format!(
                "INSERT INTO job_executions (job_id, job_name, job_type, slot)
                 SELECT {job}, 'many', 'play', n FROM generate_series(1, {count}) AS n"
            ),
        )
        .await;
    };
    // As a claimer does it: the lowest pending id now and then, and from there on each time.
    let mut claims = async || {
        let mut times = Vec::new();
        for _ in 0..15 {
            enqueue(50).await;
            let from_id = job_executions::lowest_pending(&mut conn).await.expect("an id");
            let claimant = job_executions::Claimant {
                worker: uuid::Uuid::nil(),
                job_types: &["play".to_owned()],
                lease: Duration::from_secs(60),
                from_id,
            };
            let begun = Instant::now();
            let claimed = job_executions::claim(&mut conn, claimant, 50).await.expect("a claim");
            times.push(begun.elapsed());
            assert_eq!(claimed.len(), 50);
            execute(&test.db, "UPDATE job_executions SET status = 'success' WHERE unfinished")
                .await;
        }
        // The best of them: the others wait for the processor, not for the table.
        times.into_iter().min().expect("fifteen")
    };
    let alone = claims().await;
    let idle = client(&test.db).await.expect("the database answers");
    idle.batch_execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM job_executions",
    )
    .await
    .expect("a snapshot that stays");
    // What 200 runs a second leave behind in ten minutes.
    enqueue(120_000).await;
    execute(&test.db, "UPDATE job_executions SET status = 'running' WHERE unfinished").await;
    execute(&test.db, "UPDATE job_executions SET status = 'success' WHERE unfinished").await;
    let bound = alone * 2 + Duration::from_millis(1);
    let mut beside = claims().await;
    // A machine that was busy elsewhere all the time gets another chance.
    for _ in 0..3 {
        if beside > bound {
            beside = claims().await;
        }
    }
    assert!(beside <= bound, "{alone:?} alone, {beside:?} beside an idle transaction");
}
