//! Who may what: the table of pages, walked by nobody, by each role, and from another site.

use reqwest::{Method, StatusCode};
use riftwatch_dashboard::ROUTES;
use riftwatch_domain::access::Role;

use crate::harness::Harness;

/// An address of a route, with something for each of its arguments.
fn address(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_token_reaches_a_page_that_has_a_role() {
    let harness = Harness::closed().await;
    for route in ROUTES.iter().filter(|route| route.needs.is_some()) {
        let path = address(route.path);
        let answer =
            harness.request(route.method.as_str().parse().unwrap(), &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{} {path}", route.method);
        let to = answer.headers()["location"].to_str().unwrap();
        assert!(to.starts_with("/login"), "{path} leads to {to}");
    }
    let answer = harness.get("/runs?status=failed").await;
    assert_eq!(answer.location(), "/login?to=%2Fruns%3Fstatus%3Dfailed");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_small_a_role_is_refused_on_every_page_that_needs_more() {
    let mut harness = Harness::closed().await;
    for role in [Role::Viewer, Role::Operator] {
        harness.log_in(role).await;
        for route in ROUTES.iter().filter(|route| route.needs.is_some_and(|needs| needs > role)) {
            let path = address(route.path);
            let answer = harness
                .request(route.method.as_str().parse().unwrap(), &path)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{role} {} {path}", route.method);
            let text = answer.text().await.unwrap();
            assert!(text.contains("This needs the role of"), "{path}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_the_buttons_with_the_reason_why_they_do_nothing() {
    let mut harness = Harness::closed().await;
    harness.log_in(Role::Operator).await;
    let job = harness.add_job("play", &[]).await;
    harness.log_in(Role::Viewer).await;
    let page = harness.get(&format!("/jobs/{job}")).await.text;
    assert!(
        page.contains("disabled class=\"primary\" title=\"needs the operator role\">Run now"),
        "{page}"
    );
    assert!(!page.contains("action=\"/jobs/1/run\""));
    let list = harness.get("/jobs").await.text;
    assert!(list.contains("title=\"needs the operator role\" disabled"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_is_refused() {
    let mut harness = Harness::closed().await;
    harness.log_in(Role::Admin).await;
    let job = harness.add_job("play", &[]).await;
    let request = harness
        .request(Method::POST, &format!("/jobs/{job}/delete"))
        .header("origin", "https://example.com");
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
    assert_eq!(harness.get(&format!("/jobs/{job}")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_and_logging_out_ends_the_session() {
    let mut harness = Harness::closed().await;
    let wrong = harness.post("/login", &[("token", "rw_wrong")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("No living token reads like this"), "{}", wrong.text);
    harness.log_in(Role::Viewer).await;
    assert_eq!(harness.get("/jobs").await.status, StatusCode::OK);
    harness.post("/logout", &[]).await;
    assert_eq!(harness.get("/jobs").await.status, StatusCode::SEE_OTHER);
}
