//! What is kept, and lists that stay quick and stable.

use std::time::{Duration, Instant};

use riftwatch_domain::execution::ExecutionStatus;
use riftwatch_runner::manage::{self, Filter};
use riftwatch_runner::{Retention, RunnerConfig};
use riftwatch_testkit::TestDb;
use serde_json::json;

use crate::toys::{Toys, create, end_of, execute, manual, no_ticks, number, start, trigger, until};

#[tokio::test(flavor = "multi_thread")]
async fn b37_old_and_surplus_runs_go_in_batches_and_some_always_stay() {
    let test = TestDb::new().await;
    let young = create(&test.db, manual("young", json!({}))).await;
    let many = create(&test.db, manual("many", json!({}))).await;
    let old = create(&test.db, manual("old", json!({ "does": "wait" }))).await;
    let runs = |job, count: i32, age: &str| {
        format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, status, reason, started_at, ended_at)
             SELECT {job}, 'x', 'play', 'success', 'completed', now() - interval '{age}', now() - interval '{age}'
             FROM generate_series(1, {count});"
        )
    };
    execute(
        &test.db,
        &[
            runs(young, 5, "1 day"),
            // More than one batch over the number that is kept.
            runs(many, 1500, "1 min"),
            runs(old, 700, "90 days"),
            "INSERT INTO job_execution_logs SELECT id, 1, ended_at, 'INFO', 't', 'm'
             FROM job_executions WHERE ended_at IS NOT NULL;"
                .to_owned(),
        ]
        .concat(),
    )
    .await;
    // A run that began long ago and goes on; a living worker holds it.
    let toys = Toys::new();
    let retention = Retention { age: Duration::from_secs(30 * 24 * 3600), per_job: 100 };
    let config = RunnerConfig {
        retention: Some(retention),
        upkeep: Duration::from_millis(100),
        ..no_ticks()
    };
    let _runner = start(&test.db, &toys, config).await;
    let going_on = trigger(&test.db, old).await;
    until("it runs", async || toys.begun() == 1).await;
    execute(
        &test.db,
        &format!("UPDATE job_executions SET started_at = now() - interval '80 days' WHERE id = {going_on}"),
    )
    .await;
    let count = async |job| {
        number(&test.db, &format!("SELECT count(*) FROM job_executions WHERE job_id = {job}")).await
    };
    until("the rest is gone", async || {
        count(many).await == 100 && count(old).await == 1 && count(young).await == 5
    })
    .await;
    let kept = "SELECT count(*) FROM job_execution_logs l
                WHERE NOT EXISTS (SELECT FROM job_executions e WHERE e.id = l.execution_id)";
    until("so are their lines", async || number(&test.db, kept).await == 0).await;
    toys.gate.add_permits(1);
    assert_eq!(end_of(&test.db, going_on).await.status, ExecutionStatus::Success);
    assert_eq!(count(old).await, 1, "the last run of a job stays, however old");
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_versions_go_when_they_were_replaced_long_ago_and_the_newest_hundred_stay() {
    let test = TestDb::new().await;
    let edited = create(&test.db, manual("edited", json!({}))).await;
    let quiet = create(&test.db, manual("quiet", json!({}))).await;
    // Version n was made 300 - n days ago, and replaced a day later; the quiet job's first long ago.
    execute(
        &test.db,
        &format!(
            "INSERT INTO job_configuration_versions (job_id, version, configuration, changed_by)
             SELECT {edited}, n, '{{}}', 'test' FROM generate_series(2, 299) AS n;
             UPDATE job_configuration_versions SET changed_at = now() - (300 - version) * interval '1 day'"
        ),
    )
    .await;
    let config = |days: u64| RunnerConfig {
        retention: Some(Retention { age: Duration::from_secs(days * 24 * 3600), per_job: 100 }),
        upkeep: Duration::from_millis(100),
        ..no_ticks()
    };
    let oldest = async |job| {
        let sql =
            format!("SELECT min(version) FROM job_configuration_versions WHERE job_id = {job}");
        number(&test.db, &sql).await
    };
    // By age: what was in force within the 200 days.
    let runner = start(&test.db, &Toys::new(), config(200)).await;
    until("the old ones are gone", async || oldest(edited).await == 100).await;
    runner.shutdown(Duration::from_secs(1)).await;
    // By count: the age alone would leave nine.
    let runner = start(&test.db, &Toys::new(), config(10)).await;
    until("the hundred newest are left", async || oldest(edited).await == 200).await;
    runner.shutdown(Duration::from_secs(1)).await;
    assert_eq!(oldest(edited).await, 200);
    assert_eq!(oldest(quiet).await, 1, "what it is now");
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_log_lines_have_weekly_partitions_that_are_dropped_whole() {
    let test = TestDb::new().await;
    let partitions =
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'job_execution_logs'::regclass";
    assert_eq!(number(&test.db, partitions).await, 1, "the default one");
    let runner = start(&test.db, &Toys::new(), no_ticks()).await;
    assert_eq!(number(&test.db, partitions).await, 4, "and three weeks");
    runner.shutdown(Duration::from_secs(1)).await;
    let again = start(&test.db, &Toys::new(), no_ticks()).await;
    assert_eq!(number(&test.db, partitions).await, 4);
    again.shutdown(Duration::from_secs(1)).await;
    let mut conn = test.db.get().await.expect("a connection");
    let future = riftwatch_store::job_configurations::now(&mut conn).await.expect("the time")
        + chrono::TimeDelta::days(14);
    let dropped = riftwatch_store::execution_logs::drop_partitions(&mut conn, future).await;
    assert_eq!(dropped.expect("they go"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_a_list_of_a_million_runs_pages_in_milliseconds_and_stays_stable() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("job", json!({}))).await;
    execute(
        &test.db,
        "INSERT INTO job_executions (job_id, job_name, job_type, status, reason, started_at, ended_at)
         SELECT 1 + n % 10, 'x', 'play',
                CASE WHEN n % 100000 = 7 THEN 'failed' ELSE 'success' END,
                CASE WHEN n % 100000 = 7 THEN 'error' ELSE 'completed' END, now(), now()
         FROM generate_series(1, 1000000) AS n;
         ANALYZE job_executions",
    )
    .await;
    let list = async |filter: &Filter, before| {
        let begun = Instant::now();
        let page = manage::executions(&test.db, filter, before, 50).await.expect("a page");
        (page, begun.elapsed())
    };
    let mut slowest = Duration::ZERO;
    let mut seen = Vec::new();
    let mut cursor = None;
    list(&Filter::default(), None).await;
    for _ in 0..20 {
        // Runs arrive between the pages.
        let id = trigger(&test.db, job).await;
        execute(&test.db, &format!("UPDATE job_executions SET status = 'success' WHERE id = {id}"))
            .await;
        let (page, took) = list(&Filter::default(), cursor).await;
        slowest = slowest.max(took);
        seen.extend(page.items.iter().map(|run| run.id.0));
        cursor = page.next_cursor;
    }
    let expected: Vec<i64> = (0..1000).map(|n| seen[0] - n).collect();
    assert_eq!(seen, expected, "no run twice, none left out");
    for filter in [
        Filter { job_id: Some(riftwatch_domain::job::JobId(3)), ..Filter::default() },
        Filter { status: Some(ExecutionStatus::Failed), ..Filter::default() },
        Filter { status: Some(ExecutionStatus::Running), ..Filter::default() },
    ] {
        list(&filter, None).await;
        let (_, took) = list(&filter, None).await;
        slowest = slowest.max(took);
    }
    assert!(slowest < Duration::from_millis(100), "{slowest:?}");
}
