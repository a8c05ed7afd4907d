//! The form of a job: made from the schema, previewed, compared, saved, and saved over somebody.

use reqwest::StatusCode;
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage;
use serde_json::json;

use crate::harness::Harness;

async fn found(harness: &Harness, job: i64) -> JobConfiguration {
    manage::find(&harness.db.db, JobId(job)).await.expect("the job is there").job
}

/// What a browser sends from the form, with some fields filled in anew.
async fn sent(harness: &Harness, job: i64, anew: &[(&str, &str)]) -> Vec<(String, String)> {
    let job = found(harness, job).await;
    let mut fields: Vec<(String, String)> = [
        ("version", job.version.to_string()),
        ("name", job.name.clone()),
        ("schedule", "manual".to_owned()),
        ("time_zone", job.time_zone.clone()),
        ("enabled", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    for (name, value) in anew {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_has_a_field_for_each_setting_of_the_type() {
    let harness = Harness::open().await;
    let page = harness.get("/jobs/new?type=toy").await.text;
    assert!(page.contains("How many games to play."), "{page}");
    assert!(page.contains("name=\"config.games\" value=\"3\" min=\"1\" max=\"100\""), "{page}");
    assert!(page.contains("name=\"config.endless\" value=\"true\""));
    assert!(page.contains("<textarea id=\"config.platforms\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_stored_as_their_types_and_defaults_stay_unsaid() {
    let harness = Harness::open().await;
    let fields = [
        ("config.games", "12"),
        ("config.platforms", "euw1\neun1"),
        ("config.endless.is", "1"),
        ("config.broken", ""),
    ];
    let job = harness.add_job("play", &fields).await;
    assert_eq!(
        found(&harness, job).await.config_json,
        json!({ "games": 12, "platforms": ["euw1", "eun1"] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_beside_its_field_and_nothing_is_lost() {
    let harness = Harness::open().await;
    let fields = [
        ("job_type", "toy"),
        ("name", "play"),
        ("schedule", "cron"),
        ("cron", "61 * * * *"),
        ("config.games", "many"),
    ];
    let answer = harness.post("/jobs/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("must be a whole number"), "{}", answer.text);
    assert!(answer.text.contains("value=\"61 * * * *\""));
    let fields =
        [("job_type", "toy"), ("name", "play"), ("schedule", "cron"), ("cron", "61 * * * *")];
    let answer = harness.post("/jobs/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("the cron expression cannot be read"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_its_difference_before_it_is_saved() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[("config.platforms", "euw1")]).await;
    // Emptying a list is a change too.
    let fields = sent(&harness, job, &[("timeout_seconds", "90"), ("config.platforms", "")]).await;
    let review = harness.post(&format!("/jobs/{job}/edit"), &borrowed(&fields)).await;
    assert_eq!(review.status, StatusCode::OK);
    assert!(
        review.text.contains("timeout_seconds") && review.text.contains("<ins>90</ins>"),
        "{}",
        review.text
    );
    assert!(review.text.contains("<ins>[]</ins>"), "{}", review.text);
    assert_eq!(found(&harness, job).await.timeout_seconds, None, "nothing is saved yet");
    let mut fields = fields;
    fields.push(("step".to_owned(), "save".to_owned()));
    fields.push(("reason".to_owned(), "slow days".to_owned()));
    let saved = harness.post(&format!("/jobs/{job}/edit"), &borrowed(&fields)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let after = found(&harness, job).await;
    assert_eq!(after.timeout_seconds, Some(90));
    assert_eq!(after.config_json["platforms"], json!([]));
    let versions = harness.get(&format!("/jobs/{job}/versions")).await.text;
    assert!(versions.contains("slow days"), "{versions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saves_second_sees_what_the_first_changed_and_decides() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[]).await;
    let mut mine = sent(&harness, job, &[("timeout_seconds", "222"), ("step", "save")]).await;
    let theirs = sent(&harness, job, &[("timeout_seconds", "111"), ("step", "save")]).await;
    harness.post(&format!("/jobs/{job}/edit"), &borrowed(&theirs)).await;
    let conflict = harness.post(&format!("/jobs/{job}/edit"), &borrowed(&mine)).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.text.contains("Somebody else saved this job"), "{}", conflict.text);
    assert!(conflict.text.contains("<ins>111</ins>") && conflict.text.contains("<ins>222</ins>"));
    assert_eq!(found(&harness, job).await.timeout_seconds, Some(111), "theirs stands");
    // Knowing that, mine is saved for the version that is there.
    let version = found(&harness, job).await.version.to_string();
    mine.retain(|(name, _)| name != "version");
    mine.push(("version".to_owned(), version));
    let saved = harness.post(&format!("/jobs/{job}/edit"), &borrowed(&mine)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(found(&harness, job).await.timeout_seconds, Some(222));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_restored() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[("timeout_seconds", "60")]).await;
    let fields = sent(&harness, job, &[("timeout_seconds", "90"), ("step", "save")]).await;
    harness.post(&format!("/jobs/{job}/edit"), &borrowed(&fields)).await;
    let first = found(&harness, job).await.version - 1;
    let restored =
        harness.post(&format!("/jobs/{job}/restore"), &[("version", &first.to_string())]).await;
    assert_eq!(restored.location(), format!("/jobs/{job}"));
    assert_eq!(found(&harness, job).await.timeout_seconds, Some(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_foretold_with_what_daylight_saving_does_to_it() {
    let harness = Harness::open().await;
    let told =
        harness.get("/jobs/preview?schedule=cron&cron=30+2+*+*+*&time_zone=Europe/Berlin").await;
    assert_eq!(told.status, StatusCode::OK);
    assert!(told.text.contains("at 02:30 (Europe/Berlin)"), "{}", told.text);
    assert!(told.text.contains("the clock is put"), "{}", told.text);
    let told =
        harness.get("/jobs/preview?schedule=interval&interval_value=5&interval_unit=minutes").await;
    assert!(told.text.contains("every 5 minutes"), "{}", told.text);
    let told = harness.get("/jobs/preview?schedule=cron&cron=nonsense").await;
    assert!(told.text.contains("cannot be read"), "{}", told.text);
}
