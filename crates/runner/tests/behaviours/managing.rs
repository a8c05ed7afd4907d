//! Managing jobs: edits, conflicts, pauses, refusals, and who did it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{
    self, Actor, AuditFilter, JobChanges, JobView, ManageError, NewJob,
};
use riftwatch_store::{Db, StoreError};
use riftwatch_testkit::TestDb;
use serde_json::{Value, json};

use crate::toys::{
    Playground, Toys, actor, audit_of, create, end_of, execute, hourly, manual, no_ticks, now,
    number, quick, registry, start, trigger, until,
};

async fn update(db: &Db, job: JobId, changes: Value) -> Result<JobView, ManageError> {
    let changes: JobChanges = serde_json::from_value(changes).expect("an edit");
    manage::update(db, registry().catalog(), &quick(), job, changes, None, &actor()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_an_edit_takes_effect_within_a_second_on_every_process() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    // Whichever of the two ticks: both know the edit.
    let _one = start(&test.db, &toys, quick()).await;
    let _two = start(&Db::new(test.url(), 2), &toys, quick()).await;
    let job = create(&test.db, hourly("job")).await;
    until("its first run", async || toys.begun() == 1).await;

    let edited = Instant::now();
    let view = update(&test.db, job, json!({ "interval_seconds": 1 })).await.expect("an edit");
    let next = view.job.next_run_at.expect("a next tick");
    assert!(next <= now(&test.db).await + TimeDelta::seconds(1), "in the same answer");
    until("a run of the new interval", async || toys.begun() >= 2).await;
    assert!(edited.elapsed() < Duration::from_secs(2), "{:?}", edited.elapsed());

    update(&test.db, job, json!({ "enabled": false })).await.expect("an edit");
    let begun = toys.begun();
    let edited = Instant::now();
    while edited.elapsed() < Duration::from_millis(1500) {
        // At most the tick that was made before the edit.
        assert!(toys.begun() <= begun + 1, "it is disabled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // By hand-written SQL as well.
    let begun = toys.begun();
    execute(&test.db, "UPDATE job_configurations SET enabled = true WHERE name = 'job'").await;
    let edited = Instant::now();
    until("a run after it is enabled again", async || toys.begun() > begun).await;
    assert!(edited.elapsed() < Duration::from_secs(2), "{:?}", edited.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_a_run_keeps_the_settings_it_began_with() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("job", json!({ "does": "wait" })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    let view = update(ground.db(), job, json!({ "config_json": { "does": "fail" } })).await;
    assert_eq!(view.expect("an edit").job.version, 2);
    ground.toys.gate.add_permits(1);
    let first = ground.end_of(id).await;
    assert_eq!(first.status, ExecutionStatus::Success);
    assert_eq!(first.config_version, Some(1));
    assert_eq!(first.config_snapshot, Some(json!({ "does": "wait" })));
    let next = ground.trigger(job).await;
    let second = ground.end_of(next).await;
    assert_eq!((second.status, second.config_version), (ExecutionStatus::Failed, Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn b09_the_second_of_two_edits_at_once_gets_a_conflict() {
    let test = TestDb::new().await;
    let job = create(&test.db, hourly("job")).await;
    let edit = async |seconds: i32, expected: i64| {
        let changes: JobChanges =
            serde_json::from_value(json!({ "interval_seconds": seconds })).expect("an edit");
        let catalog = registry().catalog().clone();
        manage::update(&test.db, &catalog, &quick(), job, changes, Some(expected), &actor()).await
    };
    let (one, two) = tokio::join!(edit(100, 1), edit(200, 1));
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    let won = won.expect("one of them").job;
    assert_eq!(won.version, 2);
    let lost = lost.expect_err("the other");
    assert!(matches!(lost, ManageError::VersionConflict { expected: 1, current: 2 }), "{lost}");
    assert_eq!(
        lost.to_string(),
        "the job is at version 2, not 1: read it again and repeat the edit"
    );
    // Hand-written SQL counts as an edit.
    execute(&test.db, "UPDATE job_configurations SET timeout_seconds = 5").await;
    assert!(edit(300, 2).await.is_err());
    assert_eq!(edit(300, 3).await.expect("the version that is").job.version, 4);
    // An edit that changes nothing makes no version.
    assert_eq!(edit(300, 4).await.expect("no conflict").job.version, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_moving_a_time_earlier_takes_effect() {
    let ground = Playground::new(quick()).await;
    let job = create(ground.db(), {
        let mut new = hourly("job");
        new.interval_seconds = Some(7 * 24 * 3600);
        new
    })
    .await;
    until("its first run", async || ground.toys.begun() == 1).await;
    let view = update(ground.db(), job, json!({ "cron": "* * * * * *" })).await.expect("an edit");
    assert_eq!((view.job.interval_seconds, view.job.cron.as_deref()), (None, Some("* * * * * *")));
    until("a run by cron", async || ground.toys.begun() >= 2).await;
    let view = update(ground.db(), job, json!({ "interval_seconds": 60 })).await.expect("an edit");
    assert_eq!((view.job.interval_seconds, view.job.cron), (Some(60), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_an_edit_makes_up_for_nothing_that_is_past() {
    let test = TestDb::new().await;
    let job = create(&test.db, hourly("job")).await;
    execute(
        &test.db,
        "UPDATE job_configurations SET last_run_at = now() - interval '200 s',
                                       next_run_at = now() + interval '3400 s'",
    )
    .await;
    let view = update(&test.db, job, json!({ "interval_seconds": 120 })).await.expect("an edit");
    let wait = view.job.next_run_at.expect("a next tick") - now(&test.db).await;
    // 200 s after the last tick, the grid of 120 s is at 240 s.
    assert!((38.0..=40.0).contains(&wait.as_seconds_f64()), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_pause_survives_restarts_lets_triggers_through_and_replays_nothing() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    let catalog = registry().catalog().clone();
    let second = create(&test.db, {
        let mut new = hourly("paused");
        new.interval_seconds = Some(1);
        new
    })
    .await;
    let disabled = create(&test.db, {
        let mut new = hourly("disabled");
        new.interval_seconds = Some(1);
        new.enabled = false;
        new
    })
    .await;
    let who = actor().because("the key is being changed");
    let view = manage::pause(&test.db, &catalog, &quick(), second, None, &who).await;
    let pause = view.expect("a pause").job.pause.expect("it is paused");
    assert_eq!(pause.reason.as_deref(), Some("the key is being changed"));
    for _ in 0..2 {
        let runner = start(&test.db, &toys, quick()).await;
        for job in [second, disabled] {
            let id = trigger(&test.db, job).await;
            assert_eq!(end_of(&test.db, id).await.status, ExecutionStatus::Success);
        }
        runner.shutdown(Duration::from_secs(5)).await;
    }
    assert_eq!(toys.begun(), 4, "triggered runs only");
    // Resumed after five minutes: one run at its next time, not three hundred.
    execute(
        &test.db,
        "UPDATE job_configurations SET last_run_at = now() - interval '5 min', next_run_at = now() - interval '5 min'",
    )
    .await;
    let _runner = start(&test.db, &toys, quick()).await;
    let view = manage::resume(&test.db, &catalog, &quick(), second, &actor()).await;
    let view = view.expect("it goes on");
    assert_eq!(view.job.pause, None);
    assert!(view.job.next_run_at > view.job.last_run_at);
    until("its run", async || toys.begun() == 5).await;
    assert_eq!(
        number(
            &test.db,
            "SELECT count(*) FROM job_executions WHERE scheduled_for < now() - interval '1 min'"
        )
        .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_pause_with_an_end_ends_by_itself() {
    let ground = Playground::new(quick()).await;
    let catalog = registry().catalog().clone();
    let job = create(ground.db(), hourly("job")).await;
    until("its first run", async || ground.toys.begun() == 1).await;
    update(ground.db(), job, json!({ "interval_seconds": 1 })).await.expect("an edit");
    let until_then = now(ground.db()).await + TimeDelta::seconds(1);
    manage::pause(ground.db(), &catalog, &quick(), job, Some(until_then), &actor())
        .await
        .expect("a pause");
    until("it goes on", async || {
        number(
            ground.db(),
            "SELECT count(*) FROM job_configurations WHERE name = 'job' AND paused_at IS NULL",
        )
        .await
            == 1
    })
    .await;
    assert!(now(ground.db()).await >= until_then);
    let begun = ground.toys.begun();
    until("its runs", async || ground.toys.begun() > begun).await;
    let past =
        manage::pause(ground.db(), &catalog, &quick(), job, Some(until_then), &actor()).await;
    assert_eq!(
        past.expect_err("it is past").to_string(),
        "paused_until: must be in the future, or null"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_unknown_type_or_bad_settings_fail_their_run_and_stop_nothing_else() {
    let ground = Playground::new(quick()).await;
    execute(
        ground.db(),
        r#"INSERT INTO job_configurations (name, job_type, interval_seconds, config_json) VALUES
           ('a', 'nobody', 3600, '{}'), ('b', 'play', 3600, '{"mss": 1}'),
           ('c', 'play', 3600, '{"ms": "long"}'), ('d', 'play', 3600, '[]'), ('e', 'noop', 3600, '{}')"#,
    )
    .await;
    until("all have ended", async || {
        number(ground.db(), "SELECT count(*) FROM job_executions WHERE NOT unfinished").await == 5
    })
    .await;
    let mut runs = manage::executions(ground.db(), &Default::default(), None, 10)
        .await
        .expect("the runs")
        .items;
    runs.sort_by(|a, b| a.job_name.cmp(&b.job_name));
    let errors: Vec<_> =
        runs.iter().map(|run| (run.reason, run.error.as_deref().unwrap_or(""))).collect();
    let misfit = "the job's settings do not fit its type";
    assert_eq!(
        errors[0],
        (
            Some(ExecutionReason::UnknownJobType),
            r#"job_type: no running program knows the job type "nobody""#
        )
    );
    assert_eq!(errors[1], (Some(ExecutionReason::InvalidConfig), format!("{misfit}: config_json.mss: unknown field `mss`, expected one of `does`, `ms`, `count`").as_str()));
    assert_eq!(
        errors[2],
        (
            Some(ExecutionReason::InvalidConfig),
            format!("{misfit}: config_json.ms: invalid type: string \"long\", expected u64")
                .as_str()
        )
    );
    assert_eq!(
        errors[3],
        (
            Some(ExecutionReason::InvalidConfig),
            format!("{misfit}: config_json: expected an object, {{\"key\": value}}").as_str()
        )
    );
    assert_eq!(errors[4], (Some(ExecutionReason::Completed), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_a_deleted_jobs_run_ends_and_its_history_stays_readable() {
    let ground = Playground::new(no_ticks()).await;
    let job = create(ground.db(), {
        let mut new = manual("job", json!({ "does": "wait" }));
        new.max_instances = 2;
        new
    })
    .await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    manage::delete(ground.db(), job, &actor()).await.expect("it is deleted");
    let gone = manage::find(ground.db(), job).await.expect_err("it is deleted");
    assert_eq!(gone.to_string(), format!("there is no job {job}"));
    ground.toys.gate.add_permits(1);
    let run = ground.end_of(id).await;
    assert_eq!((run.status, run.job_name.as_str()), (ExecutionStatus::Success, "job"));
    let filter = manage::Filter { job_id: Some(job), ..Default::default() };
    let history = manage::executions(ground.db(), &filter, None, 10).await.expect("its history");
    assert_eq!(history.items, [run]);
    let refused = manage::trigger(ground.db(), job, Trigger::Manual, &actor()).await;
    assert!(matches!(refused, Err(ManageError::NoJob(_))));
    create(ground.db(), manual("job", json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_pending_runs_of_a_deleted_job_never_begin() {
    let test = TestDb::new().await;
    let by_api = create(&test.db, manual("a", json!({}))).await;
    let by_sql = create(&test.db, manual("b", json!({}))).await;
    let runs = [trigger(&test.db, by_api).await, trigger(&test.db, by_sql).await];
    manage::delete(&test.db, by_api, &actor()).await.expect("it is deleted");
    execute(&test.db, "DELETE FROM job_configurations WHERE name = 'b'").await;
    let toys = Toys::new();
    let _runner = start(&test.db, &toys, quick()).await;
    for id in runs {
        assert_eq!(end_of(&test.db, id).await.status, ExecutionStatus::Cancelled);
    }
    assert_eq!(toys.begun(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b14_of_ten_triggers_at_once_one_makes_a_run_and_nine_say_which() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("job", json!({}))).await;
    let attempts = (0..10).map(|n| {
        let db = test.db.clone();
        async move { manage::trigger(&db, job, Trigger::Manual, &Actor::new(format!("{n}"))).await }
    });
    let results = futures::future::join_all(attempts).await;
    let made: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(made.len(), 1);
    for result in &results {
        if let Err(error) = result {
            let told = format!("the job is running already, as execution {}", made[0]);
            assert_eq!(error.to_string(), told);
        }
    }
    let audit = audit_of(&test.db, job).await;
    let count = |outcome: &str| {
        audit.iter().filter(|e| e.action == "trigger" && e.outcome == outcome).count()
    };
    assert_eq!((count("done"), count("refused")), (1, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_field_and_mend_and_nothing_is_written() {
    let test = TestDb::new().await;
    let catalog = registry().catalog().clone();
    let cases = [
        (json!({ "interval_seconds": 0 }), "interval_seconds: must be 1 to 31622400 seconds"),
        (json!({ "interval_seconds": -5 }), "interval_seconds: must be 1 to 31622400 seconds"),
        (json!({ "timeout_seconds": 0 }), "timeout_seconds: must be 1 to 31622400 seconds"),
        (json!({ "max_instances": 0 }), "max_instances: must be 1 to 1000"),
        (
            json!({ "name": " " }),
            "name: must have 1 to 200 characters, none of them a control character",
        ),
        (
            json!({ "jitter_seconds": 60, "interval_seconds": 60 }),
            "jitter_seconds: the jitter must be less than the interval",
        ),
        (json!({ "cron": "0 0 30 2 *" }), "cron: the cron expression never fires"),
        (json!({ "cron": "* * *" }), "cron: the cron expression cannot be read"),
        (json!({ "cron": "1--100000000 * * * *" }), "cron: the cron expression cannot be read"),
        (
            json!({ "cron": "* * * * *", "interval_seconds": 5 }),
            "cron: a job has an interval or a cron expression, not both",
        ),
        (
            json!({ "cron": "0 0 * * *", "time_zone": "Europe/Atlantis" }),
            "time_zone: \"Europe/Atlantis\" is not a time zone",
        ),
        (json!({ "time_zone": "Mars" }), "time_zone: \"Mars\" is not a time zone"),
        (
            json!({ "job_type": "tyo" }),
            "job_type: unknown job type \"tyo\": expected one of noop, play",
        ),
        (
            json!({ "config_json": { "mss": 1 } }),
            "config_json.mss: unknown field `mss`, expected one of `does`, `ms`, `count`",
        ),
        (
            json!({ "config_json": { "ms": -1 } }),
            "config_json.ms: invalid value: integer `-1`, expected u64",
        ),
    ];
    let good = create(&test.db, manual("good", json!({}))).await;
    let before = manage::find(&test.db, good).await.expect("the job");
    for (wrong, told) in &cases {
        let mut new = json!({ "name": "bad", "job_type": "play" });
        for (key, value) in wrong.as_object().expect("an object") {
            new[key] = value.clone();
        }
        let new: NewJob = serde_json::from_value(new).expect("a job");
        let refused = manage::create(&test.db, &catalog, &quick(), new, &actor()).await;
        let error = refused.expect_err(told).to_string();
        assert!(error.starts_with(told), "{wrong}: {error}");
        let refused = update(&test.db, good, wrong.clone()).await;
        let error = refused.expect_err(told).to_string();
        assert!(error.contains(told), "{wrong}: {error}");
    }
    assert_eq!(manage::find(&test.db, good).await.expect("the job"), before);
    assert_eq!(
        number(&test.db, "SELECT count(*) FROM job_configurations WHERE name = 'bad'").await,
        0
    );
    let refusals = number(
        &test.db,
        "SELECT count(*) FROM audit_log WHERE outcome = 'refused' AND reason IS NOT NULL",
    );
    assert_eq!(refusals.await, 2 * i64::try_from(cases.len()).expect("few"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_a_conflict_that_names_it() {
    let test = TestDb::new().await;
    let catalog = registry().catalog().clone();
    create(&test.db, hourly("one")).await;
    let two = create(&test.db, hourly("two")).await;
    let again = manage::create(&test.db, &catalog, &quick(), hourly("one"), &actor()).await;
    assert!(matches!(again, Err(ManageError::NameTaken(name)) if name == "one"));
    let renamed = update(&test.db, two, json!({ "name": "one" })).await;
    assert!(matches!(renamed, Err(ManageError::NameTaken(name)) if name == "one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_did_what_and_what_changed() {
    let test = TestDb::new().await;
    let job = create(&test.db, hourly("job")).await;
    let who = Actor::new("ada").because("too often");
    let catalog = registry().catalog().clone();
    let changes = JobChanges { interval_seconds: Some(Some(7200)), ..JobChanges::default() };
    manage::update(&test.db, &catalog, &quick(), job, changes, None, &who).await.expect("an edit");
    manage::delete(&test.db, job, &who).await.expect("it is deleted");
    let log = audit_of(&test.db, job).await;
    let told: Vec<_> = log.iter().map(|e| (e.actor.as_str(), e.action.as_str())).collect();
    assert_eq!(told, [("ada", "delete"), ("ada", "update"), ("test", "create")]);
    assert_eq!(log[1].difference, json!({ "interval_seconds": [3600, 7200] }));
    assert_eq!(log[1].reason.as_deref(), Some("too often"));
    assert_eq!(log[0].difference["name"], json!(["job", null]));
    assert_eq!(log[2].difference["job_type"], json!([null, "noop"]));

    // By actor, and page by page.
    let of_ada = AuditFilter { actor: Some("ada".to_owned()), ..AuditFilter::default() };
    let page = manage::audit_entries(&test.db, &of_ada, None, 1).await.expect("the log");
    assert_eq!((&page.items[..], page.next_cursor), (&log[..1], Some(log[0].id)));
    let rest = manage::audit_entries(&test.db, &of_ada, page.next_cursor, 1).await;
    let rest = rest.expect("the log");
    assert_eq!((&rest.items[..], rest.next_cursor), (&log[1..2], None));
    let since = AuditFilter { since: Some(log[0].at), ..AuditFilter::default() };
    let page = manage::audit_entries(&test.db, &since, None, 10).await.expect("the log");
    assert_eq!(page.items, log[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_retried_by_hand_and_a_good_one_is_not() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("job", json!({ "does": "fail" })).await;
    let first = ground.trigger(job).await;
    ground.end_of(first).await;
    update(ground.db(), job, json!({ "config_json": {} })).await.expect("it is mended");
    let second = manage::retry(ground.db(), first, &actor()).await.expect("a retry");
    let run = ground.end_of(second).await;
    assert_eq!((run.status, run.attempt), (ExecutionStatus::Success, 2));
    assert_eq!((run.trigger, run.retry_of), (Trigger::Retry, Some(first)));
    let refused = manage::retry(ground.db(), second, &actor()).await.expect_err("it was good");
    assert_eq!(
        refused.to_string(),
        format!(
            "execution {second} is success: only a failed or cancelled one can be retried; trigger the job instead"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_overview_tell_what_their_runs_say() {
    let ground = Playground::new(quick()).await;
    let job = ground.manual("job", json!({})).await;
    for (settings, count) in [(json!({}), 2), (json!({ "does": "fail" }), 1)] {
        update(ground.db(), job, json!({ "config_json": settings })).await.expect("an edit");
        for _ in 0..count {
            let id = ground.trigger(job).await;
            ground.end_of(id).await;
        }
    }
    update(ground.db(), job, json!({ "config_json": { "does": "wait" } })).await.expect("an edit");
    let running = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 4).await;
    let view = manage::find(ground.db(), job).await.expect("the job");
    assert_eq!(view.success_rate, Some(66.67));
    assert_eq!(view.running_execution_id, Some(running));
    assert_eq!(view.last_execution.map(|run| run.id), Some(running));
    let (overview, last) = manage::overview(ground.db()).await.expect("the overview");
    assert_eq!((overview.successes_24h, overview.failures_24h), (2, 1));
    assert_eq!((overview.running_executions, overview.live_workers), (1, 1));
    assert_eq!((overview.total_jobs, overview.active_jobs), (3, 1));
    assert_eq!(overview.success_rate_24h(), Some(66.67));
    assert_eq!(last.map(|run| run.id), Some(running));
    let page = manage::list(ground.db(), None, 2).await.expect("a page");
    let names: Vec<_> = page.items.iter().map(|view| view.job.name.as_str()).collect();
    assert_eq!(names, ["noop", "play"]);
    let rest = manage::list(ground.db(), page.next_cursor, 2).await.expect("a page");
    assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn default_rows_are_made_once_and_the_operators_edits_stay() -> Result<(), StoreError> {
    let test = TestDb::new().await;
    let first = start(&test.db, &Toys::new(), quick()).await;
    let noop = manage::find_by_name(&test.db, "noop").await.expect("an answer").expect("its row");
    assert_eq!((noop.job.interval_seconds, noop.job.enabled), (Some(3600), false));
    update(&test.db, noop.job.id, json!({ "interval_seconds": 99 })).await.expect("an edit");
    first.shutdown(Duration::from_secs(1)).await;
    let _second = start(&test.db, &Toys::new(), quick()).await;
    let again = manage::find_by_name(&test.db, "noop").await.expect("an answer").expect("its row");
    assert_eq!((again.job.interval_seconds, again.job.version), (Some(99), 2));
    assert_eq!(number(&test.db, "SELECT count(*) FROM job_configurations").await, 2);
    Ok(())
}

/// The statements of the seed's guide, to the letter.
#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_sql_works_as_it_stands() {
    let ground = Playground::new(no_ticks()).await;
    let job = ground.manual("job", json!({ "does": "wait" })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    execute(
        ground.db(),
        &"UPDATE job_executions
SET status = 'failed',
    ended_at = NOW(),
    log_data = '{\"error\": \"Marked as failed manually\"}'
WHERE id = '<execution_id>';"
            .replace("<execution_id>", &id.to_string()),
    )
    .await;
    // Its worker stops the run, and the row stays as the operator left it.
    until("the run is stopped", async || {
        ground.toys.cancelled.load(std::sync::atomic::Ordering::SeqCst) == 1
    })
    .await;
    let next = ground.trigger(job).await;
    ground.toys.gate.add_permits(1);
    ground.end_of(next).await;
    let closed = ground.end_of(id).await;
    assert_eq!((closed.status, closed.reason), (ExecutionStatus::Failed, None));
    assert_eq!(closed.log_data, json!({ "error": "Marked as failed manually" }));

    let client = crate::toys::client(ground.db()).await.expect("the database answers");
    let recent = client
        .query(
            "SELECT
    jc.name,
    je.status,
    je.started_at,
    je.ended_at,
    je.metrics,
    je.log_data
FROM job_executions je
JOIN job_configurations jc ON je.job_id = jc.id
ORDER BY je.started_at DESC
LIMIT 20;",
            &[],
        )
        .await
        .expect("the seed's first query");
    assert_eq!(recent.len(), 2);
    let failed = client
        .query(
            "SELECT * FROM job_executions
WHERE status = 'failed'
ORDER BY started_at DESC;",
            &[],
        )
        .await
        .expect("the seed's second query");
    assert_eq!(failed.len(), 1);
    let rates = client
        .query(
            "SELECT
    jc.name,
    COUNT(*) FILTER (WHERE je.status = 'success') as successes,
    COUNT(*) FILTER (WHERE je.status = 'failed') as failures,
    ROUND(
        COUNT(*) FILTER (WHERE je.status = 'success')::numeric / COUNT(*) * 100,
        2
    ) as success_rate
FROM job_executions je
JOIN job_configurations jc ON je.job_id = jc.id
GROUP BY jc.name;",
            &[],
        )
        .await
        .expect("the seed's third query");
    assert_eq!((rates[0].get::<_, i64>(1), rates[0].get::<_, i64>(2)), (1, 1));
}
