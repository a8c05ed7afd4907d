//! Ticks: on time, once, whoever makes them.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::{ExecutionStatus, Trigger};
use riftwatch_domain::job::{JobId, MisfirePolicy};
use riftwatch_runner::RunnerConfig;
use riftwatch_runner::manage::{self, NewJob};
use riftwatch_store::Db;
use riftwatch_testkit::TestDb;
use serde_json::json;

use crate::children::{Child, Told};
use crate::toys::{Playground, Toys, create, execute, manual, number, quick, start, until};

fn every(seconds: i32, name: &str) -> NewJob {
    NewJob { interval_seconds: Some(seconds), ..NewJob::new(name, "noop") }
}

/// Nominal times of a job's runs, oldest first.
async fn nominal_times(db: &Db, job: JobId) -> Vec<DateTime<Utc>> {
    let filter = manage::Filter { job_id: Some(job), ..Default::default() };
    let mut runs = manage::executions(db, &filter, None, 1000).await.expect("its runs").items;
    runs.reverse();
    runs.iter().filter_map(|run| run.scheduled_for).collect()
}

/// Neither gap nor double on a grid of so many seconds.
fn assert_grid(times: &[DateTime<Utc>], seconds: i64) {
    for pair in times.windows(2) {
        assert_eq!((pair[1] - pair[0]).num_milliseconds(), seconds * 1000, "{times:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_seeds_own_sql_is_ticked_within_a_second() {
    let ground = Playground::new(quick()).await;
    let begun = Instant::now();
    execute(
        ground.db(),
        "INSERT INTO job_configurations (name, job_type, interval_seconds, enabled, config_json)
         VALUES ('rank_monitor', 'noop', 300, true, '{}')",
    )
    .await;
    until("the first run ends", async || {
        number(ground.db(), "SELECT count(*) FROM job_executions WHERE status = 'success'").await
            == 1
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let page =
        manage::executions(ground.db(), &Default::default(), None, 10).await.expect("a list");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].status, ExecutionStatus::Success);
    assert_eq!(page.items[0].trigger, Trigger::Schedule);
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_five_schedulers_make_exactly_one_run_for_each_job_and_time() {
    let test = TestDb::new().await;
    let mut jobs = Vec::new();
    for n in 0..20 {
        jobs.push(create(&test.db, every(1, &format!("job {n}"))).await);
    }
    let toys = Toys::new();
    let mut runners = Vec::new();
    for n in 0..5 {
        let config = RunnerConfig { worker_enabled: n == 0, ..quick() };
        runners.push(start(&Db::new(test.url(), 2), &toys, config).await);
    }
    until("five ticks of each", async || {
        number(&test.db, "SELECT count(*) FROM job_executions WHERE status = 'success'").await
            >= 100
    })
    .await;
    for runner in &runners {
        runner.shutdown(Duration::from_secs(5)).await;
    }
    let made = number(&test.db, "SELECT count(*) FROM job_executions").await;
    let ticks: u64 = runners.iter().map(|runner| runner.status().ticks).sum();
    assert_eq!(i64::try_from(ticks).expect("few"), made, "no tick was made in vain");
    for job in jobs {
        let times = nominal_times(&test.db, job).await;
        assert!(times.len() >= 4, "{times:?}");
        assert_grid(&times, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b02_a_killed_ticker_is_not_missed() {
    let test = TestDb::new().await;
    let _worker = start(&test.db, &Toys::new(), crate::toys::no_ticks()).await;
    let mut tickers = Vec::new();
    for _ in 0..3 {
        tickers.push(Child::start(&Told::to_tick(test.url())).await);
    }
    let job = create(&test.db, every(1, "job")).await;
    let ticked = async |n: usize| {
        until("ticks", async || nominal_times(&test.db, job).await.len() >= n).await;
    };
    ticked(2).await;
    for n in 1..3 {
        tickers.pop().expect("a ticker").kill().await;
        ticked(2 + 2 * n).await;
    }
    assert_grid(&nominal_times(&test.db, job).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_a_weekly_job_of_a_service_that_is_redeployed_daily_runs_on_time() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    let week = 7 * 24 * 3600;
    let job = create(&test.db, every(week, "weekly")).await;
    let first = start(&test.db, &toys, quick()).await;
    until("its first run", async || toys.begun() == 1).await;
    first.shutdown(Duration::from_secs(1)).await;
    // Six days and all but two seconds of the seventh go by.
    execute(
        &test.db,
        "UPDATE job_configurations SET next_run_at = next_run_at - interval '7 days' + interval '2 s',
                                       last_run_at = last_run_at - interval '7 days' + interval '2 s';
         UPDATE job_executions SET scheduled_for = scheduled_for - interval '7 days' + interval '2 s'",
    )
    .await;
    for _ in 0..3 {
        let redeployed = start(&test.db, &toys, quick()).await;
        assert_eq!(toys.begun(), 1);
        redeployed.shutdown(Duration::from_secs(1)).await;
    }
    let _runner = start(&test.db, &toys, quick()).await;
    until("its second run", async || toys.begun() == 2).await;
    let times = nominal_times(&test.db, job).await;
    assert_grid(&times, i64::from(week));
    let late = number(
        &test.db,
        "SELECT extract(epoch FROM max(created_at) - max(scheduled_for))::bigint FROM job_executions",
    );
    assert_eq!(late.await, 0, "on time to the second");
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_missed_ticks_become_one_run_or_one_each_or_none() {
    let test = TestDb::new().await;
    let mut jobs = Vec::new();
    for policy in [MisfirePolicy::Once, MisfirePolicy::All, MisfirePolicy::Skip] {
        let mut new = every(3600, policy.as_str());
        new.misfire_policy = Some(policy);
        jobs.push(create(&test.db, new).await);
    }
    // Five ticks were due while nobody ticked: 4 h 30 min ago and every hour since.
    execute(
        &test.db,
        "UPDATE job_configurations SET next_run_at = now() - interval '270 minutes',
                                       last_run_at = now() - interval '330 minutes'",
    )
    .await;
    let _runner = start(&test.db, &Toys::new(), quick()).await;
    let runs = async |job| nominal_times(&test.db, job).await;
    until("all are made up for", async || runs(jobs[1]).await.len() == 5).await;
    until("the others", async || {
        number(&test.db, "SELECT count(*) FROM job_configurations WHERE name <> 'all' AND next_run_at > now() AND job_type = 'noop' AND interval_seconds = 3600 AND enabled").await == 2
    })
    .await;
    assert_grid(&runs(jobs[1]).await, 3600);
    let once = runs(jobs[0]).await;
    assert_eq!(once.len(), 1);
    assert_eq!(once[0], runs(jobs[1]).await[4], "the one run has the last missed time");
    assert!(runs(jobs[2]).await.is_empty());
    let next = "SELECT count(*) FROM job_configurations
                WHERE enabled AND next_run_at BETWEEN now() + interval '29 min' AND now() + interval '31 min'";
    until("all go on in half an hour", async || number(&test.db, next).await == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_two_weeks_of_downtime_of_a_five_second_job_do_not_flood() {
    let test = TestDb::new().await;
    let config = RunnerConfig { misfire_window: Duration::from_secs(12), ..quick() };
    let mut jobs = Vec::new();
    for policy in [MisfirePolicy::Once, MisfirePolicy::All] {
        let mut new = every(5, policy.as_str());
        new.misfire_policy = Some(policy);
        jobs.push(create(&test.db, new).await);
    }
    execute(&test.db, "UPDATE job_configurations SET next_run_at = now() - interval '14 days'")
        .await;
    let _runner = start(&test.db, &Toys::new(), config).await;
    let future = "SELECT count(*) FROM job_configurations WHERE enabled AND next_run_at > now()";
    until("both are up to date", async || number(&test.db, future).await == 2).await;
    let once = nominal_times(&test.db, jobs[0]).await.len();
    let all = nominal_times(&test.db, jobs[1]).await.len();
    assert!((1..=2).contains(&once), "{once}");
    assert!((2..=4).contains(&all), "two or three in the window of 12 s, not 241,920: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_finds_its_job_running_is_passed_over_and_the_grid_stays() {
    let ground = Playground::new(quick()).await;
    let job = create(ground.db(), {
        let mut new = manual("slow", json!({ "does": "sleep", "ms": 1500 }));
        new.manual_only = false;
        new.interval_seconds = Some(1);
        new
    })
    .await;
    until("three runs", async || nominal_times(ground.db(), job).await.len() == 3).await;
    assert_grid(&nominal_times(ground.db(), job).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn jitter_puts_a_tick_off_and_keeps_its_nominal_time() {
    let test = TestDb::new().await;
    let mut new = every(3600, "jittered");
    new.jitter_seconds = 600;
    let job = create(&test.db, new).await;
    execute(&test.db, "UPDATE job_configurations SET last_run_at = now() - interval '1 h', next_run_at = now(), next_nominal_at = now() - interval '5 s'").await;
    let _runner = start(&test.db, &Toys::new(), quick()).await;
    until("its run", async || nominal_times(&test.db, job).await.len() == 1).await;
    let view = manage::find(&test.db, job).await.expect("the job");
    let nominal = view.job.next_nominal_at.expect("it differs from the jittered time");
    let late = view.job.next_run_at.expect("a next tick") - nominal;
    assert!(late > chrono::TimeDelta::zero() && late <= chrono::TimeDelta::seconds(600), "{late}");
    assert_eq!(nominal - nominal_times(&test.db, job).await[0], chrono::TimeDelta::hours(1));
}

/// A database whose clock can be set apart from every process's clock: functions of the same names
/// hide PostgreSQL's own.
async fn set_database_clock_apart(test: &TestDb, offset: &str) {
    execute(
        &test.db,
        &format!(
            "CREATE SCHEMA apart;
             CREATE TABLE apart.clock (offset_by interval NOT NULL);
             INSERT INTO apart.clock VALUES ('{offset}');
             CREATE FUNCTION apart.now() RETURNS timestamptz LANGUAGE sql STABLE
                 AS 'SELECT pg_catalog.now() + offset_by FROM apart.clock';
             CREATE FUNCTION apart.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
                 AS 'SELECT pg_catalog.clock_timestamp() + offset_by FROM apart.clock';
             ALTER DATABASE {} SET search_path = apart, pg_catalog, public",
            test.name()
        ),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_a_process_whose_clock_is_off_ticks_at_the_databases_time() {
    for offset in ["1 minute", "-1 minute"] {
        let test = TestDb::new().await;
        set_database_clock_apart(&test, offset).await;
        let _runner = start(&test.db, &Toys::new(), quick()).await;
        let job = create(&Db::new(test.url(), 1), every(1, "job")).await;
        until("three ticks", async || nominal_times(&test.db, job).await.len() == 3).await;
        assert_grid(&nominal_times(&test.db, job).await, 1);
        let off = number(
            &test.db,
            "SELECT round(extract(epoch FROM max(scheduled_for) - pg_catalog.now()) / 60)::bigint
             FROM job_executions",
        );
        assert_eq!(off.await, if offset == "1 minute" { 1 } else { -1 });
        // Not when the row was made, which is when its transaction began: it may have begun before.
        let early = "SELECT count(*) FROM job_executions WHERE started_at < scheduled_for";
        assert_eq!(number(&test.db, early).await, 0, "no tick before its time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_a_clock_that_is_stepped_back_makes_no_second_tick() {
    let test = TestDb::new().await;
    set_database_clock_apart(&test, "0").await;
    let _runner = start(&test.db, &Toys::new(), quick()).await;
    let job = create(&Db::new(test.url(), 1), every(1, "job")).await;
    until("ticks", async || nominal_times(&test.db, job).await.len() == 3).await;
    execute(&test.db, "UPDATE apart.clock SET offset_by = '-3 s'").await;
    until("more ticks", async || nominal_times(&test.db, job).await.len() >= 5).await;
    assert_grid(&nominal_times(&test.db, job).await, 1);
}
