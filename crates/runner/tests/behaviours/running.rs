//! One run: what it gets, what is recorded, how it is stopped.

use std::time::{Duration, Instant};

use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus, Progress, Trigger};
use riftwatch_runner::RunnerConfig;
use riftwatch_runner::manage::{self, LineFilter};
use riftwatch_store::job_executions::{self, Finish, Flush};
use riftwatch_testkit::TestDb;
use rustix::process::Signal;
use serde_json::json;

use crate::children::{Child, Told};
use crate::toys::{
    Playground, Toys, actor, create, end_of, execute, manual, no_ticks, now, number, start,
    trigger, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_its_whole_record() {
    let ground = Playground::new(no_ticks()).await;
    ground.toys.gate.add_permits(1);
    let run = ground.run_once(json!({ "does": "tell" })).await;
    let ended = (run.status, run.reason);
    assert_eq!(ended, (ExecutionStatus::Success, Some(ExecutionReason::Completed)));
    assert_eq!(run.metrics, json!({ "toys": 5, "weight": 0.5 }));
    assert_eq!(run.log_data, json!({ "colours": ["red", "green"] }));
    assert_eq!(run.config_snapshot, Some(json!({ "does": "tell" })));
    assert_eq!(run.config_version, Some(1));
    assert_eq!(run.requested_by.as_deref(), Some("test"));
    assert_eq!(run.worker_id, Some(ground.runner.worker_id().to_string()));
    assert!(run.started_at >= Some(run.created_at) && run.ended_at >= run.started_at);
    let page = manage::logs(ground.db(), run.id, 0, &LineFilter::default(), 10).await;
    let lines = page.expect("its log").items;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0].seq, lines[0].level.as_str()), (1, "WARN"));
    assert_eq!(lines[0].message, "a toy is missing");
    assert_eq!(lines[0].fields, json!({ "toy.colour": "red" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_recorded_with_its_causes() {
    let ground = Playground::new(no_ticks()).await;
    let run = ground.run_once(json!({ "does": "fail" })).await;
    assert_eq!((run.status, run.reason), (ExecutionStatus::Failed, Some(ExecutionReason::Error)));
    let chain = "the toy is broken: invalid digit found in string";
    assert_eq!(run.error.as_deref(), Some(chain));
    let causes = ["the toy is broken", "invalid digit found in string"];
    assert_eq!(run.log_data, json!({ "error": chain, "error_causes": causes }));
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_is_a_success_with_its_own_reason() {
    let ground = Playground::new(no_ticks()).await;
    let run = ground.run_once(json!({ "does": "partial" })).await;
    let ended = (run.status, run.reason);
    assert_eq!(ended, (ExecutionStatus::Success, Some(ExecutionReason::Partial)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_has_an_expected_end_by_the_pace_of_former_runs() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("tell", json!({ "does": "tell" })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    let expected = async || {
        let view = manage::find_execution(ground.db(), id).await.expect("the run");
        (view.expected_end_at, now(ground.db()).await)
    };
    let told = "SELECT count(*) FROM job_executions WHERE progress IS NOT NULL";
    until("its progress is stored", async || number(ground.db(), told).await == 1).await;
    execute(ground.db(), "UPDATE job_executions SET progress = NULL").await;
    assert_eq!(expected().await.0, None, "nothing is known");
    // Three former runs did 100 items, at 1, 2 and 9 s an item.
    execute(
        ground.db(),
        &format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot, status, started_at, ended_at, progress)
             SELECT {job}, 'tell', 'play', 0, 'success', now() - s * interval '100 s', now(),
                    '{{\"done\": 100, \"total\": 100, \"message\": \"\"}}'
             FROM (VALUES (1), (2), (9)) AS former(s)"
        ),
    )
    .await;
    let (end, asked) = expected().await;
    let left = (end.expect("by history") - asked).as_seconds_f64();
    assert!((150.0..=200.0).contains(&left), "{left} s by how long they took");
    let progress = r#"'{"done": 0, "total": 50, "message": ""}'"#;
    execute(
        ground.db(),
        &format!("UPDATE job_executions SET progress = {progress} WHERE status = 'running'"),
    )
    .await;
    let (end, asked) = expected().await;
    let left = (end.expect("by its pace") - asked).as_seconds_f64();
    assert!((99.0..=100.0).contains(&left), "{left} s by the pace of former runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_run_is_a_success_that_comes_back_when_it_can_work() {
    let ground = Playground::new(crate::toys::quick()).await;
    let job = create(ground.db(), {
        let mut new = manual("limited", json!({ "does": "rate_limit", "ms": 600 }));
        new.manual_only = false;
        new.interval_seconds = Some(3600);
        new
    })
    .await;
    until("it came back", async || {
        number(ground.db(), "SELECT count(*) FROM job_executions WHERE NOT unfinished").await >= 3
    })
    .await;
    let runs = manage::executions(
        ground.db(),
        &manage::Filter { job_id: Some(job), ..Default::default() },
        None,
        10,
    )
    .await
    .expect("its runs")
    .items;
    assert_eq!(runs[0].status, ExecutionStatus::Success);
    assert_eq!(runs[0].reason, Some(ExecutionReason::RateLimited));
    let between = runs[0].started_at.expect("begun") - runs[1].ended_at.expect("ended");
    assert!((0.55..1.6).contains(&between.as_seconds_f64()), "{between}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_each_of_many_thousand_runs_over_several_processes_runs_exactly_once() {
    let runs = 100_000;
    let test = TestDb::new().await;
    let job = create(&test.db, {
        let mut new = manual("noop", json!({}));
        new.job_type = "noop".to_owned();
        new
    })
    .await;
    execute(
        &test.db,
        &format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot)
             SELECT {job}, 'noop', 'noop', n FROM generate_series(1, {runs}) AS n;
             ANALYZE job_executions"
        ),
    )
    .await;
    let told = Told { concurrency: 256, lease_ms: 10_000, ..Told::to_work(test.url()) };
    let mut children = Vec::new();
    for _ in 0..3 {
        children.push(Child::start(&told).await);
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    while number(&test.db, "SELECT count(*) FROM job_executions WHERE unfinished").await > 0 {
        assert!(Instant::now() < deadline, "not all runs ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut begun = Vec::new();
    for child in &mut children {
        child.signal(Signal::TERM);
        begun.push(child.says("begun").await.parse::<i64>().expect("a number"));
        assert_eq!(child.exit().await, Some(0));
    }
    assert_eq!(begun.iter().sum::<i64>(), runs, "begun by process: {begun:?}");
    assert!(begun.iter().all(|&begun| begun > 0), "begun by process: {begun:?}");
    let whole = "SELECT count(*) FROM job_executions
                 WHERE reason = 'completed' AND metrics = '{\"runs\": 1}' AND ended_at >= started_at";
    assert_eq!(number(&test.db, whole).await, runs);
}

/// PostgreSQL's statistics say that no run is running; led by them, it once read the whole table for
/// each batch of ends, and the batch for each of its rows.
#[tokio::test(flavor = "multi_thread")]
async fn b15_a_batch_of_ends_is_looked_up_by_its_keys_whatever_the_statistics_say() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("many", json!({}))).await;
    let worker = "00000000-0000-4000-8000-000000000001";
    execute(
        &test.db,
        &format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot)
             SELECT {job}, 'many', 'play', n FROM generate_series(1, 20000) AS n"
        ),
    )
    .await;
    execute(&test.db, "ANALYZE job_executions").await;
    execute(
        &test.db,
        &format!(
            "UPDATE job_executions SET status = 'running', worker_id = '{worker}', started_at = now()
             WHERE id <= 5000"
        ),
    )
    .await;
    let ends: Vec<Finish> = (1..=500)
        .map(|id| Finish {
            id,
            reason: ExecutionReason::Completed,
            elapsed_ms: 1,
            metrics: json!({}),
            log_data: json!({}),
            error: None,
            progress: None,
        })
        .collect();
    let flushes: Vec<Flush> = (501..=1000)
        .map(|id| Flush { id, metrics: json!({}), log_data: json!({}), progress: None })
        .collect();
    // What a connection did is counted at its end at the latest.
    let updated = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'job_executions'";
    let read = "SELECT (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes
                        WHERE relname = 'job_executions')
                     + (SELECT seq_tup_read FROM pg_stat_user_tables
                        WHERE relname = 'job_executions')";
    until("all is counted", async || number(&test.db, updated).await == 5000).await;
    let before = number(&test.db, read).await;
    let worker = worker.parse().expect("a key");
    let mut conn = test.db.dedicated().await.expect("a connection");
    job_executions::prefer_keys(&mut conn).await.expect("the settings");
    let ended = job_executions::finish(&mut conn, worker, &ends).await.expect("the ends");
    let flushed = job_executions::flush(&mut conn, worker, &flushes).await.expect("the flush");
    assert_eq!((ended.len(), flushed.len()), (500, 500));
    drop(conn);
    until("all is counted", async || number(&test.db, updated).await == 6000).await;
    let read = number(&test.db, read).await - before;
    assert!(read < 5000, "{read} rows were read for a thousand");
}

#[tokio::test(flavor = "multi_thread")]
async fn b16_a_run_past_its_timeout_is_failed_and_its_slot_is_free() {
    let ground = Playground::new(RunnerConfig {
        default_timeout: Duration::from_secs(1),
        concurrency: 1,
        ..no_ticks()
    })
    .await;
    for does in ["wait", "ignore", "block"] {
        let begun = Instant::now();
        let job = ground.manual(does, json!({ "does": does, "ms": 4000 })).await;
        let id = ground.trigger(job).await;
        let run = ground.end_of(id).await;
        assert_eq!(run.reason, Some(ExecutionReason::Timeout), "{does}");
        let took = begun.elapsed().as_secs_f64();
        // With the trigger and the claim, which a busy machine delays.
        assert!((1.0..4.0).contains(&took), "{does} took {took}");
        assert!((1.0..2.0).contains(&run.duration_seconds().expect("it ended")), "{does}");
    }
    // The blocked thread is still away; the only slot is not.
    assert_eq!(ground.runner.status().detached, 1);
    ground.toys.gate.add_permits(1);
    let run = ground.run_once(json!({ "does": "wait" })).await;
    assert_eq!(run.status, ExecutionStatus::Success);
    until("the blocked run comes back", async || ground.runner.status().detached == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_a_panic_is_a_failure_with_its_message_and_the_worker_lives() {
    let ground = Playground::new(no_ticks()).await;
    let run = ground.run_once(json!({ "does": "panic" })).await;
    assert_eq!(run.reason, Some(ExecutionReason::Panicked));
    assert_eq!(run.error.as_deref(), Some("panicked: the toy fell from the table"));
    let job = ground.manual("next", json!({})).await;
    let id = ground.trigger(job).await;
    assert_eq!(ground.end_of(id).await.status, ExecutionStatus::Success);
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_a_run_is_cancelled_from_another_process_within_a_quarter_second() {
    let test = TestDb::new().await;
    let _child = Child::start(&Told::to_work(test.url())).await;
    let job = create(&test.db, manual("wait", json!({ "does": "wait" }))).await;
    let mut took = Vec::new();
    for _ in 0..3 {
        let id = trigger(&test.db, job).await;
        let running =
            format!("SELECT count(*) FROM job_executions WHERE id = {id} AND status = 'running'");
        until("it runs", async || number(&test.db, &running).await == 1).await;
        let asked = Instant::now();
        assert!(manage::cancel(&test.db, id, &actor()).await.expect("it can be cancelled"));
        let run = end_of(&test.db, id).await;
        took.push(asked.elapsed());
        assert_eq!(run.status, ExecutionStatus::Cancelled);
        assert_eq!(run.reason, Some(ExecutionReason::Cancelled));
    }
    took.sort();
    assert!(took[1] <= Duration::from_millis(250), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_a_cancel_that_comes_as_the_run_finishes_leaves_the_true_result() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("done", json!({ "does": "done_on_cancel" })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    manage::cancel(ground.db(), id, &actor()).await.expect("it can be cancelled");
    let run = ground.end_of(id).await;
    let ended = (run.status, run.reason);
    assert_eq!(ended, (ExecutionStatus::Success, Some(ExecutionReason::Completed)));
    let late = manage::cancel(ground.db(), id, &actor()).await.expect_err("it has ended");
    assert_eq!(late.to_string(), format!("execution {id} has ended already: it is success"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_a_pending_run_is_cancelled_at_once_and_never_begins() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("later", json!({}))).await;
    let id = trigger(&test.db, job).await;
    assert!(!manage::cancel(&test.db, id, &actor()).await.expect("it can be cancelled"));
    let toys = Toys::new();
    let _runner = start(&test.db, &toys, no_ticks()).await;
    let next = trigger(&test.db, job).await;
    assert_eq!(end_of(&test.db, next).await.status, ExecutionStatus::Success);
    assert_eq!(end_of(&test.db, id).await.status, ExecutionStatus::Cancelled);
    assert_eq!(toys.begun(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_progress_clamps_and_survives_a_rescue() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("tell", json!({ "does": "tell" }))).await;
    let child = Child::start(&Told::to_work(test.url())).await;
    let id = trigger(&test.db, job).await;
    let flushed =
        format!("SELECT count(*) FROM job_executions WHERE id = {id} AND progress IS NOT NULL");
    until("the flush", async || number(&test.db, &flushed).await == 1).await;
    child.kill().await;
    let _rescuer = start(&test.db, &Toys::new(), no_ticks()).await;
    let run = end_of(&test.db, id).await;
    assert_eq!(run.reason, Some(ExecutionReason::Lost));
    let progress = Progress { done: 5, total: 5, message: "sorting".to_owned() };
    assert_eq!(run.progress, Some(progress));
    assert_eq!(run.metrics, json!({ "toys": 5, "weight": 0.5 }));
    assert_eq!(run.log_data["colours"], json!(["red", "green"]));
    assert!(run.log_data["error"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_a_log_over_the_cap_is_cut_with_a_mark() {
    let ground = Playground::new(RunnerConfig { log_lines: 10, ..no_ticks() }).await;
    let run = ground.run_once(json!({ "does": "log", "count": 100 })).await;
    let page = manage::logs(ground.db(), run.id, 0, &LineFilter::default(), 1000).await;
    let page = page.expect("its log");
    let seqs: Vec<i32> = page.items.iter().map(|line| line.seq).collect();
    let expected: Vec<i32> = (1..=10).chain(90..=100).collect();
    assert_eq!(seqs, expected);
    assert_eq!(
        page.items[10].message,
        "80 lines were cut here: the first 10 and the last 10 are kept"
    );
    assert_eq!(page.items[10].fields, json!({ "lines_cut": 80 }));
    assert_eq!(page.items[20].message, "line 100");
    assert!(page.ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_filtered_by_level_and_text_and_resumed_after_a_line() {
    let ground = Playground::new(no_ticks()).await;
    let run = ground.run_once(json!({ "does": "log", "count": 12 })).await;
    let list = async |after, filter: LineFilter| {
        let page = manage::logs(ground.db(), run.id, after, &filter, 100).await.expect("its log");
        page.items.into_iter().map(|line| line.message).collect::<Vec<_>>()
    };
    assert_eq!(list(10, LineFilter::default()).await, ["line 11", "line 12"]);
    let text = LineFilter { text: Some("LINE 1".to_owned()), ..LineFilter::default() };
    assert_eq!(list(1, text).await, ["line 10", "line 11", "line 12"]);
    let errors = LineFilter { levels: vec!["ERROR".to_owned()], ..LineFilter::default() };
    assert!(list(0, errors).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_three_instances_has_three_slots_and_no_fourth() {
    let ground = Playground::new(no_ticks()).await;
    let job = create(ground.db(), {
        let mut new = manual("slots", json!({ "does": "wait" }));
        new.max_instances = 3;
        new
    })
    .await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(ground.trigger(job).await);
    }
    let refusal = manage::trigger(ground.db(), job, Trigger::Manual, &actor()).await;
    let manage::ManageError::AlreadyRunning { executions } = refusal.expect_err("no slot is free")
    else {
        panic!("it is refused for another reason");
    };
    assert_eq!(executions, runs);
    ground.toys.gate.add_permits(3);
    let mut slots = Vec::new();
    for id in runs {
        slots.push(ground.end_of(id).await.slot);
    }
    assert_eq!(slots, [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_postgresql_cannot_hold_is_made_fit_or_dropped_but_the_run_ends() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("later", json!({}))).await;
    let id = trigger(&test.db, job).await;
    let mut conn = test.db.get().await.expect("a connection");
    let worker = uuid::Uuid::new_v4();
    let claimant = job_executions::Claimant {
        worker,
        job_types: &["play".to_owned()],
        lease: Duration::from_secs(5),
        from_id: 0,
    };
    let claimed = job_executions::claim(&mut conn, claimant, 10).await.expect("a claim");
    assert_eq!(claimed.iter().map(|run| run.id).collect::<Vec<_>>(), [id.0]);
    let end = |error: &str| job_executions::Finish {
        id: id.0,
        reason: ExecutionReason::Error,
        elapsed_ms: 1,
        metrics: json!({}),
        log_data: json!({}),
        error: Some(error.to_owned()),
        progress: None,
    };
    let refused = job_executions::finish(&mut conn, worker, &[end("nul: \0")]).await;
    assert!(!refused.expect_err("text has no NUL").is_transient());
    let other = uuid::Uuid::new_v4();
    assert_eq!(
        job_executions::finish(&mut conn, other, &[end("x")]).await.expect("no error"),
        [0; 0]
    );
    assert_eq!(
        job_executions::finish(&mut conn, worker, &[end("x")]).await.expect("no error"),
        [id.0]
    );
    assert_eq!(
        job_executions::finish(&mut conn, worker, &[end("y")]).await.expect("no error"),
        [0; 0]
    );
}

/// Once, a line that the database refused took along all that were written with it, and at the end of
/// a run its metrics too.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_line_that_cannot_be_stored_is_left_out_alone() {
    let ground = Playground::new(no_ticks()).await;
    execute(
        ground.db(),
        "ALTER TABLE job_execution_logs ADD CONSTRAINT poison CHECK (message NOT IN ('word 3', 'line 7'))",
    )
    .await;
    let stored = async |id| {
        let page = manage::logs(ground.db(), id, 0, &LineFilter::default(), 100).await;
        page.expect("its log").items.into_iter().map(|line| line.seq).collect::<Vec<_>>()
    };
    // While it goes on.
    let job = ground.manual("talks", json!({ "does": "talk", "count": 5 })).await;
    let id = ground.trigger(job).await;
    until("the others are seen", async || stored(id).await == [1, 2, 4, 5]).await;
    ground.toys.gate.add_permits(1);
    assert_eq!(ground.end_of(id).await.status, ExecutionStatus::Success);
    // And with its end.
    let run = ground.run_once(json!({ "does": "log", "count": 12 })).await;
    assert_eq!((run.status, run.log_data), (ExecutionStatus::Success, json!({})));
    assert_eq!(stored(run.id).await, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
}
