//! Who may do what, how often, and what is recorded of it.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use riftwatch_domain::access::Role;
use riftwatch_http::{AccessConfig, Limit, ROUTES};
use riftwatch_store::{api_tokens, audit_log};
use serde_json::json;

use crate::harness::{Answer, Harness};
use crate::table::{concrete, method};

fn no_limits() -> AccessConfig {
    AccessConfig { per_address: None, per_token: None, ..AccessConfig::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_wants_its_role() {
    let api = Harness::closed(no_limits()).await;
    let mut tokens = vec![];
    for role in Role::ALL {
        tokens.push((role, api.token(role.as_str(), role).await));
    }
    for route in ROUTES {
        let request = || api.request(method(route), &concrete(route)).json(&json!({ "x": 1 }));
        let name = format!("{} {}", route.method, route.path);
        let without = Answer::of(request()).await;
        let Some(needs) = route.needs else {
            assert_ne!(without.status, 401, "{name}");
            continue;
        };
        assert_eq!(without.brief(), "401 unauthenticated -", "{name}");
        assert_eq!(without.header("www-authenticate"), "Bearer", "{name}");
        for (role, token) in &tokens {
            let answer = Answer::of(request().bearer_auth(token)).await;
            if *role < needs {
                assert_eq!(answer.brief(), "403 forbidden -", "{name} as {role}");
                assert_eq!(answer.body["error"]["needs"], needs.as_str(), "{name} as {role}");
            } else {
                // What is asked for is nonsense, and was looked at.
                let status = answer.status.as_u16();
                assert!(
                    ![401, 403, 429].contains(&status) && status < 500,
                    "{name} as {role}: {}",
                    answer.shown()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_until_it_is_revoked_or_expires() {
    let api = Harness::closed(no_limits()).await;
    let mut conn = api.conn().await;
    let token = api.token("me", Role::Viewer).await;
    assert!(token.starts_with("rw_") && token.len() == 46, "256 bits in base64");
    let ask = async |token: &str| {
        Answer::of(api.request(Method::GET, "/api/v1/jobs/").bearer_auth(token)).await.brief()
    };
    assert_eq!(ask(&token).await, "200  -");
    let seen = api_tokens::list(&mut conn).await.unwrap().remove(0);
    assert!(seen.last_used_at.is_some());
    assert_eq!(ask("rw_wrong").await, "401 invalid_token -");
    assert_eq!(ask(&token[..45]).await, "401 invalid_token -");

    let past = riftwatch_testkit::builders::noon();
    let (_, expired) = api_tokens::create(&mut conn, "old", Role::Admin, Some(past)).await.unwrap();
    assert_eq!(ask(secrecy::ExposeSecret::expose_secret(&expired)).await, "401 invalid_token -");

    api_tokens::revoke(&mut conn, "me").await.unwrap();
    // Look-ups are believed for two seconds.
    let mut answer = ask(&token).await;
    for _ in 0..100 {
        if answer != "200  -" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = ask(&token).await;
    }
    assert_eq!(answer, "401 invalid_token -");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_hashes_are_stored() {
    let api = Harness::closed(no_limits()).await;
    let token = api.token("me", Role::Viewer).await;
    let stored = api.dump("api_tokens").await;
    assert!(stored.contains("viewer") && !stored.contains(&token[3..]), "{stored}");
    let cookie = log_in(&api, &token).await;
    let stored = api.dump("api_sessions").await;
    let secret = cookie.split_once('=').unwrap().1;
    assert!(!stored.is_empty() && !stored.contains(secret), "{stored}");
}

async fn log_in(api: &Harness, token: &str) -> String {
    let answer = api.post(&format!("/test/login/{token}")).await;
    assert_eq!(answer.status, 204);
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
    let attributes = ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"];
    assert!(attributes.iter().all(|text| cookie.contains(text)), "{cookie}");
    assert!(!cookie.contains("Secure"), "plain HTTP could not use it: {cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stands_for_its_token_until_it_ends() {
    let api = Harness::closed(no_limits()).await;
    let token = api.token("me", Role::Viewer).await;
    assert_eq!(api.post("/test/login/rw_wrong").await.text, "<p>no</p>", "pages stay pages");
    let cookie = log_in(&api, &token).await;
    let ask = |method: Method, path: &str| api.request(method, path).header(COOKIE, &cookie);
    assert_eq!(Answer::of(ask(Method::GET, "/test/page")).await.text, "me is viewer");
    assert_eq!(Answer::of(ask(Method::GET, "/api/v1/jobs/")).await.status, 200);
    let button = Answer::of(ask(Method::POST, "/test/button")).await;
    assert_eq!((button.status.as_u16(), &*button.text), (403, "<p>for operator</p>"));

    let own = format!("http://{}", api.authority);
    let page = ask(Method::GET, "/test/page").header("Origin", own);
    assert_eq!(Answer::of(page).await.status, 200);
    let foreign = ask(Method::GET, "/test/page").header("Origin", "http://127.0.0.1:1");
    assert_eq!(Answer::of(foreign).await.brief(), "403 foreign_origin -");

    let out = Answer::of(ask(Method::POST, "/test/logout")).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    let after = Answer::of(ask(Method::GET, "/api/v1/jobs/")).await;
    assert_eq!(after.brief(), "401 unauthenticated -");

    let behind_tls = api.request(Method::POST, &format!("/test/login/{token}"));
    let cookie = Answer::of(behind_tls.header("X-Forwarded-Proto", "https")).await;
    assert!(cookie.header("set-cookie").contains("Secure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_has_to_wait() {
    let few = Some(Limit { per_second: 1, burst: 3 });
    let api = Harness::closed(AccessConfig { per_token: few, ..no_limits() }).await;
    let token = api.token("busy", Role::Viewer).await;
    let other = api.token("other", Role::Viewer).await;
    let ask = async |token: &str| {
        Answer::of(api.request(Method::GET, "/api/v1/jobs/").bearer_auth(token)).await
    };
    let mut refused = ask(&token).await;
    for _ in 0..10 {
        if refused.status != 200 {
            break;
        }
        refused = ask(&token).await;
    }
    assert_eq!(refused.brief(), "429 too_many_requests -");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask(&other).await.status, 200, "others are not harmed");

    let api = Harness::closed(AccessConfig { per_address: few, ..no_limits() }).await;
    let mut last = api.get("/health/live").await;
    for _ in 0..10 {
        last = api.get("/health/live").await;
    }
    assert_eq!(last.brief(), "429 too_many_requests -");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_ends_after_twenty() {
    let api = Harness::closed(no_limits()).await;
    let guess = async |n: usize| {
        let request = api.request(Method::GET, "/api/v1/jobs/").bearer_auth(format!("rw_{n}"));
        Answer::of(request).await.status.as_u16()
    };
    let mut answers = vec![];
    for n in 0..40 {
        answers.push(guess(n).await);
    }
    assert!(answers[..20].iter().all(|status| *status == 401), "{answers:?}");
    assert!(answers.contains(&429), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_recorded_and_every_refused_one() {
    let api = Harness::closed(no_limits()).await;
    let viewer = api.token("vera", Role::Viewer).await;
    let operator = api.token("otto", Role::Operator).await;
    api.add_account("Ada");
    let send =
        async |request: RequestBuilder, token: &str| Answer::of(request.bearer_auth(token)).await;
    let jobs = || api.request(Method::POST, "/api/v1/jobs/");
    let job = json!({ "name": "a", "job_type": "toy" });
    Answer::of(jobs().json(&job)).await;
    send(jobs().json(&job), "rw_wrong").await;
    send(jobs().json(&job), &viewer).await;
    send(jobs().json(&json!({ "x": 1 })), &operator).await;
    send(jobs().json(&json!({ "name": "", "job_type": "toy" })), &operator).await;
    send(jobs().json(&job), &operator).await;
    let track = || api.request(Method::POST, "/api/v1/players/track");
    let ada = json!({ "riot_id": "Ada#EUW", "platform": "euw1" });
    let tracked = send(track().json(&ada), &operator).await;
    send(track().json(&json!({ "riot_id": "Ada", "platform": "euw1" })), &operator).await;
    send(api.request(Method::GET, "/api/v1/jobs/"), &viewer).await;

    let mut conn = api.conn().await;
    let filter = audit_log::AuditFilter::default();
    let mut entries = audit_log::list(&mut conn, &filter, None, 100).await.unwrap();
    entries.reverse();
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} {} {}",
                entry.actor,
                entry.action,
                entry.outcome,
                entry.reason.as_deref().unwrap_or("-")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    nobody POST /api/v1/jobs refused send a token: Authorization: Bearer rw_…
    nobody POST /api/v1/jobs refused the token is unknown, expired or revoked
    vera POST /api/v1/jobs refused this takes a token with the role operator
    otto POST /api/v1/jobs refused unknown field `x`, expected one of `name`, `job_type`, `interval_seconds`, `cron`, `time_zone`, `manual_only`, `jitter_seconds`, `enabled`, `config_json`, `timeout_seconds`, `max_instances`, `misfire_policy` at line 1 column 4
    otto create refused name: must have 1 to 200 characters, none of them a control character
    otto create done -
    otto POST /api/v1/players/track done -
    otto POST /api/v1/players/track refused a Riot ID has the form Name#TAG: there is no `#`
    ");
    let puuid = tracked.body["puuid"].as_str().unwrap();
    assert!(!api.dump("audit_log").await.contains(puuid), "it would outlive the person's erasure");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_access_control_a_server_is_for_this_machine_only() {
    let api = Harness::new().await;
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = riftwatch_http::server(listener, api.state(), Harness::open_config(), |_| {});
    let error = refused.expect_err("others could reach it").to_string();
    assert!(error.contains("loopback"), "{error}");
}
