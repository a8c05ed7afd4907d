//! Limits of what is kept, edited under Settings; and the budget that processes share.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use riftwatch_domain::access::Role;
use riftwatch_domain::job::JobConfiguration;
use riftwatch_runner::manage;
use serde_json::json;

use crate::harness::Harness;

async fn retention(harness: &Harness) -> JobConfiguration {
    let job = manage::find_by_name(&harness.db.db, "retention").await.expect("it can be asked");
    job.expect("the first start makes it").job
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_edited_under_settings_as_a_version_of_its_job() {
    let harness = Harness::open().await;
    let job = retention(&harness).await;
    let page = harness.get("/settings").await.text;
    assert!(
        page.contains("name=\"config.game_days\" value=\"30\" min=\"1\" max=\"100\""),
        "{page}"
    );
    let path = format!("/settings/retention/{}", job.id);
    let version = job.version.to_string();
    let fields = [
        ("version", version.as_str()),
        ("config.game_days", "60"),
        ("config.batch_size", "500"),
        ("reason", "a longer season"),
    ];
    let saved = harness.post(&path, &fields).await;
    assert_eq!(saved.location(), "/settings#retention", "{}", saved.text);
    let after = retention(&harness).await;
    assert_eq!(after.config_json, json!({ "game_days": 60, "batch_size": 500 }));
    assert_eq!((after.version, after.interval_seconds), (job.version + 1, job.interval_seconds));
    let history = harness.get(&format!("/jobs/{}/versions", job.id)).await.text;
    assert!(history.contains("a longer season"), "{history}");
    let page = harness.get("/settings").await.text;
    assert!(page.contains("name=\"config.game_days\" value=\"60\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_does_not_fit_is_told_and_nothing_is_saved() {
    let harness = Harness::open().await;
    let job = retention(&harness).await;
    let path = format!("/settings/retention/{}", job.id);
    for (days, said) in [("0", "must be at least 1"), ("many", "must be a whole number")] {
        let answer = harness.post(&path, &[("config.game_days", days)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(said), "{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{days}\"")), "{}", answer.text);
    }
    assert_eq!(retention(&harness).await, job);
    let other = harness.add_job("play", &[]).await;
    let answer = harness.post(&format!("/settings/retention/{other}"), &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saves_limits_second_sees_what_the_first_changed_and_decides() {
    let harness = Harness::open().await;
    let job = retention(&harness).await;
    let path = format!("/settings/retention/{}", job.id);
    let version = job.version.to_string();
    let theirs = [("version", version.as_str()), ("config.game_days", "11")];
    assert_eq!(harness.post(&path, &theirs).await.status, StatusCode::SEE_OTHER);
    let mine = [("version", version.as_str()), ("config.game_days", "22")];
    let conflict = harness.post(&path, &mine).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.text.contains("<ins>11</ins>"), "{}", conflict.text);
    assert!(conflict.text.contains("name=\"config.game_days\" value=\"22\""), "{}", conflict.text);
    let now = retention(&harness).await;
    assert_eq!(now.config_json, json!({ "game_days": 11, "batch_size": 500 }), "theirs stands");
    let seen = now.version.to_string();
    assert!(conflict.text.contains(&format!("name=\"version\" value=\"{seen}\"")));
    let saved =
        harness.post(&path, &[("version", seen.as_str()), ("config.game_days", "22")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(
        retention(&harness).await.config_json,
        json!({ "game_days": 22, "batch_size": 500 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_the_limits_and_cannot_save_them() {
    let mut harness = Harness::closed().await;
    harness.log_in(Role::Viewer).await;
    let page = harness.get("/settings").await.text;
    assert!(page.contains("disabled title=\"needs the operator role\">Save limits"), "{page}");
    let job = retention(&harness).await;
    let answer = harness.post(&format!("/settings/retention/{}", job.id), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

/// As another process writes it: 40 of 100 used half a minute ago, its turn not over.
fn record() -> serde_json::Value {
    let budget = |limit: u32, seconds: u32| {
        json!({
            "windows": [{ "limit": limit, "seconds": seconds }],
            "known": true, "counted": true, "careful": false, "in_flight": 0,
            "answered": [[30_000, 40]], "blocked_in": null, "refused": null, "strikes": 0,
        })
    };
    json!({
        "passed": 0, "owner": 7, "epoch": 3, "turn_until": 600_000, "lease_until": 602_000,
        "reserved": 5, "longest_request": 25_000, "waiting": [8, 9],
        "ledger": { "app": budget(100, 120), "methods": { "match-v5.getMatch": budget(2000, 60) } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_that_all_processes_share_is_shown_also_where_none_is_used() {
    let harness = Harness::open().await;
    let page = harness.get("/riot").await.text;
    assert!(page.contains("Nothing asked yet"), "{page}");
    harness
        .sql(&format!(
            "INSERT INTO riot_budgets (key_hash, route, record) VALUES
             ('old', 'americas', '{{}}'), ('used', 'europe', '{}');
             UPDATE riot_budgets SET written_at = now() - interval '1 day' WHERE key_hash = 'old'",
            record()
        ))
        .await;
    let page = until_shown(&harness, "/riot", "europe").await;
    for text in [
        "40 of 100 in 2 min",
        "40 of 2",
        "another process",
        "2 processes wait",
        "up to 5 under way",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("americas"), "another key\u{2019}s");
    // And on the overview, which says when it is used up.
    harness.sql("UPDATE riot_budgets SET record = jsonb_set(record, '{ledger,app,answered}', '[[30000, 100]]') WHERE key_hash = 'used'").await;
    let page = until_shown(&harness, "/", "The Riot budget of europe is used up").await;
    assert!(page.contains("Worth knowing"), "{page}");
}

/// Looks again until the page says so: what is written down is asked for once a second at most.
async fn until_shown(harness: &Harness, path: &str, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = harness.get(path).await.text;
        if page.contains(text) {
            return page;
        }
        assert!(Instant::now() < deadline, "{path} does not say {text:?}: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
