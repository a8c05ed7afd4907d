//! Every page answers, with nothing in the database and with much, and hostile text stays text.

use reqwest::{Method, StatusCode};
use riftwatch_domain::matches::MatchId;
use riftwatch_testkit::builders;

use crate::harness::{Harness, encode};

/// What a name can be at worst.
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

/// Every page without an id in its address.
const PLAIN: [&str; 14] = [
    "/",
    "/login",
    "/jobs",
    "/jobs/new",
    "/runs",
    "/runs/failures",
    "/runs/bulk?wish=retry",
    "/players",
    "/assessments",
    "/assessments/reliability",
    "/riot",
    "/audit",
    "/system",
    "/settings",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_answers_with_an_empty_database() {
    let harness = Harness::open().await;
    harness.sql("TRUNCATE job_configurations").await;
    for path in PLAIN {
        let answer = harness.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.ends_with("</html>"), "{path} is cut off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_answers_with_a_full_one_and_hostile_text_stays_text() {
    let harness = Harness::open().await;
    let job = harness.add_job(HOSTILE, &[("config.games", "7")]).await;
    let fine = harness.run(job).await;
    let breaking = harness.add_job("breaking", &[("config.broken", HOSTILE)]).await;
    let failed = harness.run(breaking).await;
    harness.post(&format!("/jobs/{job}/pause"), &[("reason", HOSTILE)]).await;
    let player = harness.add_tracked("p1").await;
    let name = HOSTILE.replace('\'', "''");
    harness.sql(&format!("UPDATE players SET game_name = '{name}', tag_line = 'EUW'")).await;
    let mut games = Vec::new();
    {
        let mut conn = harness.conn().await;
        for number in 1..=10_u32 {
            let start = builders::noon() + chrono::TimeDelta::hours(number.into());
            let game = builders::game().number(number.into()).started(start).build();
            riftwatch_store::matches::store(&mut conn, &game, builders::noon()).await.unwrap();
            games.push(game.match_id);
        }
    }
    let puuid = encode(player.puuid.as_str());
    let assessed = harness.post(&format!("/players/{puuid}/assess"), &[]).await;
    let assessment = assessed.location().to_owned();
    assert!(assessment.starts_with("/assessments/"), "{assessed:?}");

    let game: &MatchId = &games[0];
    let mut paths: Vec<String> = PLAIN.map(ToOwned::to_owned).to_vec();
    paths.extend([
        format!("/jobs/{job}"),
        format!("/jobs/{job}/edit"),
        format!("/jobs/{job}/versions"),
        format!("/jobs/new?clone={job}"),
        format!("/jobs?q={}", encode(HOSTILE)),
        format!("/runs?job={job}&status=success&type=toy"),
        format!("/runs/{fine}"),
        format!("/runs/{fine}?level=WARN&text={}", encode(HOSTILE)),
        format!("/runs/{failed}"),
        format!("/players?q={}", encode(HOSTILE)),
        format!("/players/{puuid}"),
        format!("/players/{puuid}?queue=420"),
        format!("/matches/{game}"),
        "/assessments?sort=time&reviewed=no".to_owned(),
        assessment,
        format!("/audit?job={job}&actor=local"),
        format!("/nowhere/{}", encode(HOSTILE)),
    ]);
    for path in paths {
        let answer = harness.get(&path).await;
        if !path.starts_with("/nowhere") {
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        }
        assert!(!answer.text.contains("<script>alert"), "{path} lets a script through");
        // Attributes end where we end them.
        assert!(!answer.text.contains("\"<script"), "{path}");
    }
    assert!(harness.get(&format!("/jobs/{job}")).await.text.contains("&#60;script&#62;alert(1)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_page_that_says_so() {
    let harness = Harness::open().await;
    for path in [
        "/jobs/999",
        "/jobs/999/versions",
        "/runs/999",
        "/players/nobody",
        "/matches/EUW1_1",
        "/assessments/9",
    ] {
        let answer = harness.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text.contains("Nothing here"), "{path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_allows_our_own_files_and_nothing_inline() {
    let harness = Harness::open().await;
    for path in PLAIN {
        let answer = harness.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
        assert_eq!(answer.text.matches("<script").count(), 1, "{path}: one script, by its address");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_ever_under_a_name_of_their_own() {
    let harness = Harness::open().await;
    let page = harness.get("/").await.text;
    for file in ["app.css", "app.js", "icon.svg"] {
        let end = page.find(file).map(|at| at + file.len()).expect("the page names it");
        let start = page[..end].rfind("/assets/").expect("by its address");
        let answer = harness.get(&page[start..end]).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
        let old = harness.get(&format!("/assets/0000/{file}")).await;
        assert_eq!(
            (old.status, old.header("cache-control")),
            (StatusCode::OK, "no-store"),
            "{file}"
        );
    }
    assert_eq!(harness.get("/assets/0000/other").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_colours_that_were_chosen_come_with_every_page() {
    let harness = Harness::open().await;
    let chosen = harness.post("/theme", &[("theme", "dark"), ("back", "/jobs?q=x")]).await;
    assert_eq!(chosen.location(), "/jobs?q=x");
    let theme = chosen.cookie("riftwatch_theme");
    let request =
        harness.request(Method::GET, "/").header("cookie", format!("riftwatch_theme={theme}"));
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("data-theme=\"dark\""));
    let away = harness.post("/theme", &[("theme", "dark"), ("back", "//example.com")]).await;
    assert_eq!(away.location(), "/");
}
