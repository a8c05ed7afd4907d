//! What buttons do, without a script: a form, and a page that says what came of it.

use reqwest::StatusCode;
use riftwatch_domain::execution::ExecutionId;
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage;

use crate::harness::{Harness, encode};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_run_and_its_run_is_shown_with_its_metrics() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[("config.games", "7")]).await;
    let run = harness.run(job).await;
    let page = harness.get(&format!("/runs/{run}")).await.text;
    assert!(page.contains("games_played") && page.contains("<strong>7</strong>"), "{page}");
    assert!(page.contains("badge success"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_run_is_cancelled_and_retried() {
    let harness = Harness::open().await;
    let job = harness.add_job("endless", &[("config.endless", "true")]).await;
    let asked = harness.post(&format!("/jobs/{job}/run"), &[]).await;
    let run: i64 = asked.location().rsplit('/').next().unwrap().parse().unwrap();
    // A second wish leads to the run that is in the way.
    let again = harness.post(&format!("/jobs/{job}/run"), &[]).await;
    assert_eq!(again.location(), format!("/runs/{run}"));
    assert!(!again.told().contains("good"), "{}", again.told());

    let cancelled = harness.post(&format!("/runs/{run}/cancel"), &[]).await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER);
    let ended =
        manage::wait_for_end(&harness.db.db, ExecutionId(run), std::time::Duration::from_secs(60));
    assert_eq!(ended.await.unwrap().status.as_str(), "cancelled");
    let page = harness.get(&format!("/runs/{run}")).await.text;
    assert!(page.contains("Told to stop") && page.contains("badge cancelled"), "{page}");
    let late = harness.post(&format!("/runs/{run}/cancel"), &[]).await;
    assert!(late.told().contains("has ended already"), "{}", late.told());

    let retried = harness.post(&format!("/runs/{run}/retry"), &[]).await;
    assert_ne!(retried.location(), format!("/runs/{run}"));
    harness.post(&format!("{}/cancel", retried.location()), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_switched_paused_and_resumed() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[]).await;
    let found = async || manage::find(&harness.db.db, JobId(job)).await.unwrap().job;
    harness.post(&format!("/jobs/{job}/switch"), &[("enabled", "false"), ("back", "/jobs")]).await;
    assert!(!found().await.enabled);
    harness.post(&format!("/jobs/{job}/switch"), &[("enabled", "true")]).await;
    assert!(found().await.enabled);

    let fields = [("reason", "maintenance"), ("until", "2099-01-01T00:00")];
    harness.post(&format!("/jobs/{job}/pause"), &fields).await;
    let pause = found().await.pause.expect("it is paused");
    assert_eq!(pause.reason.as_deref(), Some("maintenance"));
    assert_eq!(pause.until.expect("an end").to_rfc3339(), "2099-01-01T00:00:00+00:00");
    let page = harness.get("/").await.text;
    assert!(page.contains("play is paused") && page.contains("maintenance"), "{page}");
    let past = [("until", "2001-01-01T00:00")];
    let refused = harness.post(&format!("/jobs/{job}/pause"), &past).await;
    assert!(refused.told().contains("must be in the future"), "{}", refused.told());

    harness.post(&format!("/jobs/{job}/resume"), &[]).await;
    assert_eq!(found().await.pause, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_all_well_until_something_is_not() {
    let harness = Harness::open().await;
    let job = harness.add_job("play", &[]).await;
    harness.run(job).await;
    let page = harness.get("/").await.text;
    assert!(page.contains("All well"), "{page}");
    let breaking = harness.add_job("breaking", &[("config.broken", "no lane left")]).await;
    harness.run(breaking).await;
    let page = harness.get("/").await.text;
    assert!(
        page.contains("Not all is well") && page.contains("breaking failed in its last run"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_runs_are_grouped_and_retried_after_their_count_was_seen() {
    let harness = Harness::open().await;
    for text in ["no lane 7", "no lane 8"] {
        let job = harness.add_job(text, &[("config.broken", text)]).await;
        harness.run(job).await;
    }
    let groups = harness.get("/runs/failures").await.text;
    assert!(groups.contains("no lane &#60;n&#62;"), "{groups}");
    let asked = harness.get("/runs/bulk?wish=retry&status=failed").await.text;
    assert!(asked.contains("2 runs</strong> will be"), "{asked}");
    let done = harness.post("/runs/bulk", &[("wish", "retry"), ("status", "failed")]).await;
    assert!(done.told().contains("2 runs were retried"), "{}", done.told());
    assert_eq!(harness.get("/runs/bulk?wish=burn").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_tracked_by_riot_id_untracked_and_erased() {
    let harness = Harness::open().await;
    let player = riftwatch_testkit::builders::player("名前").puuid("a-puuid").build();
    harness.riot.add_account(riftwatch_domain::player::Account {
        puuid: player.puuid.clone(),
        riot_id: player.riot_id.clone(),
    });
    harness.riot.add_summoner(
        player.platform,
        riftwatch_domain::player::Summoner {
            puuid: player.puuid.clone(),
            profile_icon_id: 7,
            level: 30,
            revised_at: riftwatch_testkit::builders::noon(),
        },
    );
    let riot_id = player.riot_id.as_ref().unwrap().to_string();
    let fields = [("riot_id", riot_id.as_str()), ("platform", player.platform.as_str())];
    let tracked = harness.post("/players/track", &fields).await;
    let page = format!("/players/{}", encode(player.puuid.as_str()));
    assert!(tracked.told().contains("is tracked"), "{}", tracked.told());
    let shown = harness.get(&page).await.text;
    assert!(shown.contains("名前"), "{shown}");
    assert!(harness.get(&format!("/players?q={}", encode("名前"))).await.text.contains(&riot_id));

    let nobody =
        harness.post("/players/track", &[("riot_id", "Nobody#EUW"), ("platform", "euw1")]).await;
    assert!(nobody.told().contains("knows no account"), "{}", nobody.told());
    let nonsense = harness.post("/players/track", &[("riot_id", "x"), ("platform", "euw1")]).await;
    assert_eq!(nonsense.status, StatusCode::SEE_OTHER);

    harness.post(&format!("{page}/untrack"), &[]).await;
    assert!(harness.get(&page).await.text.contains("Track</button>"));
    let unsure = harness.post(&format!("{page}/erase"), &[]).await;
    assert!(unsure.told().contains("Nothing was erased"), "{}", unsure.told());
    harness.post(&format!("{page}/erase"), &[("sure", "yes")]).await;
    assert_eq!(harness.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_told_once_and_ended() {
    let harness = Harness::open().await;
    let made = harness.post("/settings/tokens", &[("name", "colleague"), ("role", "viewer")]).await;
    assert!(made.text.contains(">rw_"), "{}", made.text);
    assert!(!harness.get("/settings").await.text.contains(">rw_"));
    let twice =
        harness.post("/settings/tokens", &[("name", "colleague"), ("role", "viewer")]).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    let ended = harness.post("/settings/tokens/colleague/revoke", &[]).await;
    assert!(ended.told().contains("is ended"), "{}", ended.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_shown_cause_by_cause_and_one_that_is_a_text_is_not_taken_apart() {
    let harness = Harness::open().await;
    let job = harness.add_job("breaking", &[("config.broken", "at 10:30: no answer")]).await;
    let run = harness.run(job).await;
    let page = harness.get(&format!("/runs/{run}")).await.text;
    assert!(page.contains("<h2>games: 0 were played</h2>"), "{page}");
    assert!(page.contains("<li>because: at 10:30: no answer</li>"), "{page}");
    assert!(!page.contains("error_causes"), "they have their place: {page}");
    let by_hand = "UPDATE job_executions SET error = 'closed: by hand', log_data = '{}'";
    harness.sql(by_hand).await;
    let page = harness.get(&format!("/runs/{run}")).await.text;
    assert!(page.contains("<h2>closed: by hand</h2>") && !page.contains("because:"), "{page}");
}
