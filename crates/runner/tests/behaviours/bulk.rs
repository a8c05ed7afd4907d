//! Many runs at once: retried, cancelled, counted, and their failures told apart.

use chrono::{TimeDelta, Utc};
use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, BulkPreview, BulkWish, Filter, ManageError};
use riftwatch_testkit::TestDb;
use serde_json::json;

use crate::toys::{Playground, actor, create, execute, manual, no_ticks, now, number, until};

fn of(job: JobId) -> Filter {
    Filter { job_id: Some(job), ..Filter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_runs_that_match_are_retried_as_far_as_slots_are_free() {
    let ground = Playground::new(no_ticks()).await;
    let db = ground.db();
    let one = ground.manual("one", json!({ "does": "fail" })).await;
    let two = ground.manual("two", json!({ "does": "fail" })).await;
    for job in [one, one, two] {
        let id = ground.trigger(job).await;
        ground.end_of(id).await;
    }
    ground.runner.shutdown(std::time::Duration::from_secs(5)).await;

    let failed = Filter { status: Some(ExecutionStatus::Failed), ..Filter::default() };
    let preview = manage::preview(db, &failed, BulkWish::Retry).await.expect("a preview");
    assert_eq!(preview, BulkPreview { matching: 3, cap: 1000 });
    assert_eq!(number(db, "SELECT count(*) FROM job_executions").await, 3, "only a preview");

    let came = manage::retry_many(db, &failed, &actor().because("mended")).await.expect("retries");
    assert_eq!((came.done.len(), came.refused.len()), (2, 1));
    let told = &came.refused[0].message;
    assert!(told.starts_with("the job is running already, as execution "), "{told}");
    let again = manage::find_execution(db, came.done[1]).await.expect("the run").execution;
    assert_eq!((again.job_id, again.trigger, again.attempt), (one, Trigger::Retry, 2));
    let recorded = "SELECT count(*) FROM audit_log
                    WHERE action = 'retry' AND outcome = 'done' AND reason = 'mended'
                      AND job_name IS NOT NULL AND execution_id IS NOT NULL";
    assert_eq!(number(db, recorded).await, 2);
    let refused = "SELECT count(*) FROM audit_log
                   WHERE action = 'retry' AND outcome = 'refused' AND reason LIKE 'the job is running%'";
    assert_eq!(number(db, refused).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_match_are_cancelled_pending_ones_at_once_and_running_ones_by_their_workers() {
    let ground = Playground::new(no_ticks()).await;
    let db = ground.db();
    let job = create(db, {
        let mut new = manual("job", json!({ "does": "wait" }));
        new.max_instances = 30;
        new
    })
    .await;
    let other = ground.manual("other", json!({ "does": "wait" })).await;
    let kept = ground.trigger(other).await;
    // Fifteen of them find a place beside the other one.
    for _ in 0..30 {
        ground.trigger(job).await;
    }
    until("sixteen run", async || ground.toys.begun() == 16).await;
    let came = manage::cancel_many(db, &of(job), &actor()).await.expect("they are cancelled");
    assert_eq!((came.done.len(), came.refused.len()), (30, 0));
    until("all have ended", async || {
        number(db, "SELECT count(*) FROM job_executions WHERE status = 'cancelled'").await == 30
    })
    .await;
    let run = manage::find_execution(db, kept).await.expect("the run").execution;
    assert_eq!(run.status, ExecutionStatus::Running);
    let nothing = manage::cancel_many(db, &of(job), &actor()).await.expect("nothing is left");
    assert_eq!(nothing, manage::BulkDone::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_about_more_than_a_thousand_runs_is_refused_whole() {
    let test = TestDb::new().await;
    let db = &test.db;
    let job = create(db, manual("job", json!({}))).await;
    execute(
        db,
        &format!(
            "INSERT INTO job_executions (job_id, job_name, job_type, slot)
             SELECT {job}, 'job', 'play', n FROM generate_series(1, 1001) AS n"
        ),
    )
    .await;
    let preview = manage::preview(db, &of(job), BulkWish::Cancel).await.expect("a preview");
    assert_eq!(preview, BulkPreview { matching: 1001, cap: 1000 });
    let refused = manage::cancel_many(db, &of(job), &actor()).await.expect_err("too many");
    assert!(matches!(refused, ManageError::TooMany { matching: 1001, cap: 1000 }), "{refused}");
    assert_eq!(number(db, "SELECT count(*) FROM job_executions WHERE unfinished").await, 1001);
    execute(db, "DELETE FROM job_executions WHERE slot = 1001").await;
    let came = manage::cancel_many(db, &of(job), &actor()).await.expect("not too many");
    assert_eq!(came.done.len(), 1000);
    assert_eq!(number(db, "SELECT count(*) FROM audit_log WHERE action = 'cancel'").await, 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_differ_in_numbers_ids_and_names_only_are_one_group() {
    let test = TestDb::new().await;
    let db = &test.db;
    execute(
        db,
        r#"INSERT INTO job_executions (id, job_id, job_name, job_type, status, reason, error, ended_at)
           SELECT id, job, 'j' || job, 't', 'failed', reason, error, now() - age * interval '1 hour'
           FROM (VALUES
             (1, 1, 'error', 'match EUW1_123: status 503 after 1.5 s', 5),
             (2, 2, 'error', 'match EUW1_9: status 500 after 20.25 s', 1),
             (3, 1, 'error', 'no player "Ada#1" in 4f3c2b1a-0000-4000-8000-00000000000A', 2),
             (4, 1, 'error', 'no player "it''s me" in 00000000-0000-4000-8000-000000000001', 3),
             (5, 1, 'panicked', 'can''t open ''a b'', doesn''t exist', 4),
             (6, 1, 'error', 'too old: 7', 50)) AS v(id, job, reason, error, age)"#,
    )
    .await;
    let now = now(db).await;
    let groups = manage::failure_groups(db, now - TimeDelta::hours(24), 10).await;
    let groups = groups.expect("the groups");
    let told: Vec<_> = groups
        .iter()
        .map(|group| {
            (group.count, group.example_id, group.job_ids.as_slice(), group.error.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (2, 4, &[1][..], "no player <text> in <uuid>"),
            (2, 2, &[1, 2][..], "match EUW<n>_<n>: status <n> after <n>.<n> s"),
            (1, 5, &[1][..], "can't open <text>, doesn't exist"),
        ]
    );
    let hours = |at: chrono::DateTime<Utc>| (now - at).num_hours();
    assert_eq!((hours(groups[1].first_at), hours(groups[1].last_at)), (5, 1));
    assert_eq!(groups[2].reason.as_deref(), Some("panicked"));
    assert_eq!(manage::failure_groups(db, now, 10).await.expect("none"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_count_what_each_other_choice_would_give() {
    let test = TestDb::new().await;
    let db = &test.db;
    execute(
        db,
        "INSERT INTO job_executions (job_id, job_name, job_type, slot, status, reason)
         SELECT job, 'j', type, row_number() OVER (), status, reason
         FROM (VALUES (1, 'a', 'success', 'completed', 3), (1, 'a', 'failed', 'error', 2),
                      (1, 'a', 'failed', 'timeout', 1), (2, 'b', 'failed', 'error', 1),
                      (2, 'b', 'pending', NULL, 1)) AS v(job, type, status, reason, times)
         CROSS JOIN LATERAL generate_series(1, times)",
    )
    .await;
    let all = manage::facets(db, &Filter::default()).await.expect("the facets");
    use ExecutionStatus::{Failed, Pending, Success};
    assert_eq!(all.statuses[0], (Failed, 4));
    assert_eq!(all.job_types, [("a".to_owned(), 6), ("b".to_owned(), 2)]);
    assert_eq!(all.jobs, [(JobId(1), 6), (JobId(2), 2)]);
    assert!(!all.capped);

    let filter =
        Filter { status: Some(Failed), job_type: Some("b".to_owned()), ..Filter::default() };
    let mut facets = manage::facets(db, &filter).await.expect("the facets");
    facets.statuses.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(facets.statuses, [(Failed, 1), (Pending, 1)], "of type b");
    assert_eq!(facets.job_types, [("a".to_owned(), 3), ("b".to_owned(), 1)], "that failed");
    assert_eq!(facets.reasons, [(ExecutionReason::Error, 1)]);
    let none =
        Filter { status: Some(Success), job_type: Some("b".to_owned()), ..Filter::default() };
    assert_eq!(manage::facets(db, &none).await.expect("the facets").reasons, []);
}
