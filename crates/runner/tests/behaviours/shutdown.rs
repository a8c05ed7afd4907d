//! Start, readiness, and the end of a process.

use std::time::{Duration, Instant};

use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus};
use riftwatch_runner::manage::NewJob;
use riftwatch_runner::{NotReady, Runner, RunnerConfig, RunnerError};
use riftwatch_store::{Db, migrations};
use riftwatch_testkit::{Proxy, TestDb};
use rustix::process::Signal;
use serde_json::json;

use crate::children::{Child, Told};
use crate::toys::{
    Playground, Toys, client, create, end_of, execute, manual, no_ticks, number, quick, registry,
    start, trigger, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn b33_sigterm_claims_nothing_more_waits_for_the_grace_then_cancels_then_exits() {
    let test = TestDb::new().await;
    let mut child = Child::start(&Told { grace_ms: 1500, ..Told::to_work(test.url()) }).await;
    let mut runs = Vec::new();
    for (name, ms) in [("ends in time", 700), ("one that waits", 60_000), ("another", 60_000)] {
        let job = create(&test.db, manual(name, json!({ "does": "sleep", "ms": ms }))).await;
        runs.push(trigger(&test.db, job).await);
    }
    let running = "SELECT count(*) FROM job_executions WHERE status = 'running'";
    until("they run", async || number(&test.db, running).await == 3).await;
    child.signal(Signal::TERM);
    let signalled = Instant::now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = create(&test.db, manual("too late", json!({}))).await;
    let late = trigger(&test.db, late).await;
    assert_eq!(child.exit().await, Some(0));
    // One grace for all, not one each; then the cancelled runs end at once.
    let took = signalled.elapsed().as_secs_f64();
    assert!((1.5..3.0).contains(&took), "{took}");
    let mut ends = Vec::new();
    for id in runs {
        ends.push(end_of(&test.db, id).await);
    }
    assert_eq!(ends[0].status, ExecutionStatus::Success);
    for run in &ends[1..] {
        assert_eq!(
            (run.status, run.reason),
            (ExecutionStatus::Failed, Some(ExecutionReason::Shutdown))
        );
        assert_eq!(run.log_data["error"], json!("the process shut down before it had ended"));
    }
    let untouched =
        format!("SELECT count(*) FROM job_executions WHERE id = {late} AND status = 'pending'");
    assert_eq!(number(&test.db, &untouched).await, 1, "no claim after the signal");
    assert_eq!(number(&test.db, "SELECT count(*) FROM workers").await, 0, "it signed off");
}

#[tokio::test(flavor = "multi_thread")]
async fn b33_a_second_signal_ends_the_process_at_once() {
    let test = TestDb::new().await;
    let mut child = Child::start(&Told { grace_ms: 60_000, ..Told::to_work(test.url()) }).await;
    let job = create(&test.db, manual("job", json!({ "does": "wait" }))).await;
    trigger(&test.db, job).await;
    let running = "SELECT count(*) FROM job_executions WHERE status = 'running'";
    until("it runs", async || number(&test.db, running).await == 1).await;
    child.signal(Signal::TERM);
    let draining = "SELECT count(*) FROM workers WHERE draining";
    until("it drains", async || number(&test.db, draining).await == 1).await;
    child.signal(Signal::TERM);
    let signalled = Instant::now();
    assert_eq!(child.exit().await, Some(3));
    assert!(signalled.elapsed() < Duration::from_secs(1), "{:?}", signalled.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn b33_a_run_that_ignores_the_end_of_the_grace_does_not_hold_up_the_exit() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("job", json!({ "does": "ignore", "ms": 60_000 })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    let begun = Instant::now();
    ground.runner.shutdown(Duration::from_millis(100)).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(ground.end_of(id).await.reason, Some(ExecutionReason::Shutdown));
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_start_and_stop_work_in_every_order() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    let second = NewJob { interval_seconds: Some(1), ..NewJob::new("second", "noop") };
    create(&test.db, second).await;
    for round in 0..10 {
        let runner = start(&test.db, &toys, quick()).await;
        match round % 5 {
            // At once, twice, two at a time.
            0 => runner.shutdown(Duration::ZERO).await,
            1 => {
                runner.shutdown(Duration::from_secs(1)).await;
                runner.shutdown(Duration::from_secs(1)).await;
            }
            2 => {
                let other = runner.clone();
                tokio::join!(
                    runner.shutdown(Duration::from_secs(1)),
                    other.shutdown(Duration::ZERO)
                );
            }
            // After a drain, and beside another runner that stays.
            3 => {
                runner.drain();
                runner.shutdown(Duration::from_secs(1)).await;
            }
            _ => {
                let other = start(&test.db, &toys, quick()).await;
                runner.shutdown(Duration::from_secs(1)).await;
                other.shutdown(Duration::from_secs(1)).await;
            }
        }
        assert!(runner.status().draining);
    }
    assert_eq!(number(&test.db, "SELECT count(*) FROM workers").await, 0);
    assert_eq!(
        number(&test.db, "SELECT count(*) FROM job_executions WHERE status = 'running'").await,
        0
    );
    let last = start(&test.db, &toys, quick()).await;
    let begun = toys.begun();
    until("it works", async || toys.begun() > begun).await;
    last.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_a_dropped_runner_is_as_one_that_died() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    let runner =
        start(&test.db, &toys, RunnerConfig { lease: Duration::from_secs(1), ..no_ticks() }).await;
    drop(runner);
    let job = create(&test.db, manual("job", json!({}))).await;
    let id = trigger(&test.db, job).await;
    let _other = start(&test.db, &Toys::new(), no_ticks()).await;
    assert_eq!(end_of(&test.db, id).await.status, ExecutionStatus::Success);
    assert_eq!(toys.begun(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_a_runner_on_a_database_without_tables_does_not_start() {
    let test = TestDb::unmigrated().await;
    let started = Runner::start(test.db.clone(), registry(), Toys::new(), quick()).await;
    assert!(matches!(started, Err(RunnerError::Store(_))));
    let zero = RunnerConfig { concurrency: 0, ..quick() };
    let started = Runner::start(test.db.clone(), registry(), Toys::new(), zero).await;
    assert_eq!(started.expect_err("no slots").to_string(), "concurrency must be 1 or more");
}

#[tokio::test(flavor = "multi_thread")]
async fn b35_of_replicas_that_migrate_at_once_one_does_it() {
    let test = TestDb::unmigrated().await;
    let results =
        futures::future::join_all((0..5).map(|_| migrations::run_runtime(test.url()))).await;
    let done: Vec<usize> =
        results.into_iter().map(|names| names.expect("no replica fails").len()).collect();
    assert_eq!(done.iter().filter(|&&count| count > 0).count(), 1, "{done:?}");
    let _runner = start(&test.db, &Toys::new(), quick()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b36_it_is_ready_and_says_why_it_is_not() {
    let test = TestDb::new().await;
    let runner = start(&test.db, &Toys::new(), quick()).await;
    let ready = async || runner.readiness().await;
    assert_eq!(ready().await, Ok(()));

    execute(
        &test.db,
        "CREATE TABLE kept AS TABLE __diesel_schema_migrations;
         DELETE FROM __diesel_schema_migrations",
    )
    .await;
    let Err(reasons) = ready().await else { panic!("the schema is older than the program") };
    assert!(
        matches!(&reasons[..], [NotReady::Schema(name)] if name.contains("jobs")),
        "{reasons:?}"
    );
    execute(
        &test.db,
        "INSERT INTO __diesel_schema_migrations SELECT * FROM kept;
         INSERT INTO __diesel_schema_migrations VALUES ('99991231000000')",
    )
    .await;
    assert_eq!(ready().await, Ok(()), "a newer schema is no reason");

    // Somebody holds the jobs' table: the scheduler cannot look.
    let holder = client(&test.db).await.expect("the database answers");
    holder
        .batch_execute("BEGIN; LOCK TABLE job_configurations IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("the table is held");
    until("the scheduler is late", async || ready().await == Err(vec![NotReady::TickerLate])).await;
    assert!(!runner.status().scheduler_running);
    holder.batch_execute("ROLLBACK").await.expect("it is let go");
    until("it is in time again", async || ready().await == Ok(())).await;

    runner.drain();
    assert_eq!(ready().await, Err(vec![NotReady::Draining]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b36_it_is_not_ready_without_the_database() {
    let test = TestDb::new().await;
    let proxy = Proxy::to_unix(test.socket()).await;
    let db = Db::new(&proxy.url(test.name()), 4);
    let runner = start(&db, &Toys::new(), no_ticks()).await;
    assert_eq!(runner.readiness().await, Ok(()));
    proxy.blackhole();
    assert_eq!(runner.readiness().await, Err(vec![NotReady::Database]));
    proxy.resume();
    until("it is back", async || runner.readiness().await == Ok(())).await;
}
