//! What a job was before, and going back to it.

use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, Actor, JobChanges, JobView, ManageError};
use riftwatch_store::Db;
use riftwatch_testkit::TestDb;
use serde_json::{Value, json};

use crate::toys::{Toys, actor, create, execute, hourly, number, quick, registry, start, until};

async fn versions(db: &Db, job: JobId) -> Vec<manage::VersionView> {
    manage::versions(db, job, None, 100).await.expect("its versions").items
}

/// Number, maker and reason of each version, oldest first.
fn told(versions: &[manage::VersionView]) -> Vec<(i64, &str, Option<&str>)> {
    versions
        .iter()
        .rev()
        .map(|view| {
            let version = &view.version;
            (version.version, version.changed_by.as_str(), version.reason.as_deref())
        })
        .collect()
}

async fn edit(db: &Db, job: JobId, changes: Value, who: &Actor) -> JobView {
    let changes: JobChanges = serde_json::from_value(changes).expect("an edit");
    manage::update(db, registry().catalog(), &quick(), job, changes, None, who)
        .await
        .expect("the edit is taken")
}

async fn restore(
    db: &Db,
    job: JobId,
    version: i64,
    expected: Option<i64>,
) -> Result<JobView, ManageError> {
    let who = Actor::new("eve").because("it was better");
    manage::restore(db, registry().catalog(), &quick(), job, version, expected, &who).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_kept_with_who_and_why_also_after_the_job_is_deleted() {
    let test = TestDb::new().await;
    let db = &test.db;
    let job = create(db, hourly("job")).await;
    let ada = Actor::new("ada").because("too often");
    edit(db, job, json!({ "interval_seconds": 7200 }), &ada).await;
    // Changes nothing, makes nothing.
    edit(db, job, json!({ "interval_seconds": 7200 }), &ada).await;
    let catalog = registry().catalog().clone();
    let key = Actor::new("bob").because("the key is being changed");
    manage::pause(db, &catalog, &quick(), job, None, &key).await.expect("a pause");
    manage::resume(db, &catalog, &quick(), job, &actor()).await.expect("it goes on");
    manage::delete(db, job, &actor()).await.expect("it is deleted");

    let kept = versions(db, job).await;
    assert_eq!(
        told(&kept),
        [
            (1, "test", None),
            (2, "ada", Some("too often")),
            (3, "bob", Some("the key is being changed")),
            (4, "test", None),
        ]
    );
    assert_eq!(kept[2].difference, json!({ "interval_seconds": [3600, 7200] }));
    assert_eq!(kept[3].difference["job_type"], json!([null, "noop"]));
    assert_eq!(kept[3].version.configuration["interval_seconds"], 3600);
    let page = manage::versions(db, job, None, 3).await.expect("a page");
    assert_eq!((&page.items[..], page.next_cursor), (&kept[..3], Some(2)));
    let rest = manage::versions(db, job, page.next_cursor, 3).await.expect("a page");
    assert_eq!((&rest.items[..], rest.next_cursor), (&kept[3..], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn hand_written_sql_and_the_runtime_make_history_too_and_ticks_make_none() {
    let test = TestDb::new().await;
    let db = &test.db;
    execute(
        db,
        "INSERT INTO job_configurations (name, job_type, interval_seconds, enabled, config_json)
         VALUES ('job', 'noop', 1, true, '{}')",
    )
    .await;
    let job = manage::find_by_name(db, "job").await.expect("an answer").expect("the job").job.id;
    let toys = Toys::new();
    let _runner = start(db, &toys, quick()).await;
    until("two ticks", async || toys.begun() >= 2).await;
    assert_eq!(versions(db, job).await.len(), 1);
    execute(db, "UPDATE job_configurations SET enabled = false WHERE name = 'job'").await;
    let kept = versions(db, job).await;
    assert_eq!(kept[0].difference, json!({ "enabled": [true, false] }));
    let role = kept[0].version.changed_by.clone();
    assert!(role.starts_with("sql:"), "{role}");
    assert_eq!(kept[1].version.changed_by, role);
    // The row of the other job type.
    let made = "SELECT count(*) FROM job_configuration_versions
                WHERE changed_by = 'riftwatch' AND version = 1";
    assert_eq!(number(db, made).await, 1);
    // A pause that ends by itself.
    execute(
        db,
        "UPDATE job_configurations SET enabled = true, paused_at = now(), paused_until = now()
         WHERE name = 'job'",
    )
    .await;
    until("the pause ends", async || versions(db, job).await.len() == 4).await;
    let end = &versions(db, job).await[0];
    assert_eq!(end.version.changed_by, "riftwatch");
    assert_eq!(end.version.reason.as_deref(), Some("the end of its pause came"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_back_to_what_it_was_and_its_pause_stays() {
    let test = TestDb::new().await;
    let db = &test.db;
    let job = create(db, hourly("job")).await;
    edit(
        db,
        job,
        json!({ "cron": "0 4 * * *", "name": "renamed", "job_type": "play",
        "config_json": { "ms": 5 }, "timeout_seconds": 9 }),
        &actor(),
    )
    .await;
    let catalog = registry().catalog().clone();
    let why = actor().because("for now");
    manage::pause(db, &catalog, &quick(), job, None, &why).await.expect("a pause");

    let conflict = restore(db, job, 1, Some(2)).await.expect_err("it is at 3");
    assert!(matches!(conflict, ManageError::VersionConflict { expected: 2, current: 3 }));
    let back = restore(db, job, 1, Some(3)).await.expect("it goes back").job;
    assert_eq!((back.version, back.name.as_str(), back.job_type.as_str()), (4, "job", "noop"));
    assert_eq!(
        (back.interval_seconds, &back.cron, back.timeout_seconds),
        (Some(3600), &None, None)
    );
    assert_eq!(back.config_json, json!({}));
    assert_eq!(back.pause.and_then(|pause| pause.reason).as_deref(), Some("for now"));
    let forth = restore(db, job, 2, None).await.expect("and forth").job;
    assert_eq!((forth.version, forth.cron.as_deref()), (5, Some("0 4 * * *")));
    assert_eq!(told(&versions(db, job).await)[4], (5, "eve", Some("it was better")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_is_refused_and_nothing_is_written() {
    let test = TestDb::new().await;
    let db = &test.db;
    let job = create(db, hourly("job")).await;
    // Hand-written SQL may do what an edit may not.
    execute(db, "UPDATE job_configurations SET job_type = 'gone', name = 'other'").await;
    edit(db, job, json!({ "job_type": "noop", "name": "job" }), &actor()).await;
    let refused = async |job, version| {
        restore(db, job, version, None).await.expect_err("it cannot be").to_string()
    };
    assert_eq!(
        refused(job, 2).await,
        r#"job_type: unknown job type "gone": expected one of noop, play"#
    );
    assert_eq!(refused(job, 7).await, format!("job {job} has no version 7"));
    assert_eq!(refused(JobId(999), 1).await, "there is no job 999");
    assert_eq!(versions(db, job).await.len(), 3);
    let refusals =
        "SELECT count(*) FROM audit_log WHERE action = 'restore' AND outcome = 'refused'";
    assert_eq!(number(db, refusals).await, 3);
}
