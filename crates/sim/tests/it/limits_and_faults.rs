//! Limits, their headers, and what goes wrong on purpose.

use crate::support::{Lab, small};
use chrono::{Duration, TimeZone, Utc};
use reqwest::Response;
use riftwatch_domain::clock::Clock;
use riftwatch_sim::{Fault, FaultRule, FaultScope, HeaderStyle, Latency, SimConfig};
use serde_json::{Value, json};

const PAGE: &str = "/lol/league/v4/entries/RANKED_SOLO_5x5/GOLD/II";

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn clock() -> Clock {
    Clock::manual(Utc.with_ymd_and_hms(2026, 3, 10, 18, 0, 0).single().expect("a time"))
}

#[tokio::test]
async fn a_window_refuses_the_call_too_many_and_lets_the_next_one_in() {
    let clock = clock();
    let limits = "2:10,3:100;method=50:10".parse().expect("limits");
    let lab = Lab::start(SimConfig { clock: clock.clone(), limits, ..small() }).await;
    let first = lab.get("euw1", PAGE).await;
    assert_eq!(header(&first, "x-app-rate-limit"), "2:10,3:100");
    assert_eq!(header(&first, "x-app-rate-limit-count"), "1:10,1:100");
    assert_eq!(header(&first, "x-method-rate-limit"), "50:10");
    assert_eq!(header(&first, "x-method-rate-limit-count"), "1:10");
    assert_eq!(header(&first, "retry-after"), "");
    lab.get("EUW1", PAGE).await;
    clock.advance(Duration::milliseconds(2_500));
    let third = lab.get("euw1", PAGE).await;
    assert_eq!(third.status(), 429);
    assert_eq!(header(&third, "x-rate-limit-type"), "application");
    assert_eq!(header(&third, "retry-after"), "8", "seven and a half, rounded up");
    assert_eq!(header(&third, "x-app-rate-limit-count"), "3:10,3:100");
    assert_eq!(lab.get("eun1", PAGE).await.status(), 200, "another route");
    clock.advance(Duration::milliseconds(7_500));
    // The refused call has used up the long window.
    let fourth = lab.get("euw1", PAGE).await;
    assert_eq!((fourth.status().as_u16(), header(&fourth, "retry-after")), (429, "90"));
    clock.advance(Duration::seconds(80));
    assert_eq!(lab.get("euw1", PAGE).await.status(), 429);
    clock.advance(Duration::seconds(10));
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);

    let stats = lab.admin("stats").await;
    assert_eq!(stats["requests"], 7);
    assert_eq!(stats["by_endpoint"], json!({"league-v4.getLeagueEntries": 7}));
    assert_eq!(stats["by_status"], json!({"200": 4, "429": 3}));
    assert_eq!(stats["violations"], json!({"application": 3, "method": 0, "service": 0}));
    assert_eq!(stats["sent_while_blocked"], 1);
    assert_eq!(stats["utilisation"][2]["window"], "2:10");
    assert_eq!(lab.sim.stats().violations.application, 3);
}

#[tokio::test]
async fn a_method_has_its_own_window() {
    let limits = "100:10;method=1:10".parse().expect("limits");
    let lab = Lab::start(SimConfig { clock: clock(), limits, ..small() }).await;
    lab.get("euw1", PAGE).await;
    let refused = lab.get("euw1", PAGE).await;
    assert_eq!(header(&refused, "x-rate-limit-type"), "method");
    assert_eq!(header(&refused, "x-method-rate-limit-count"), "2:10");
    let other = lab.get("euw1", "/lol/league/v4/masterleagues/by-queue/RANKED_SOLO_5x5").await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn headers_come_in_the_style_asked_for() {
    for (headers, limits, counts) in [
        (HeaderStyle::Reversed, "100:120,20:1", "1:120,1:1"),
        (HeaderStyle::ShortCount, "20:1,100:120", "1:1"),
        (HeaderStyle::Garbled, "many", "1:;:"),
        (HeaderStyle::Absent, "", ""),
    ] {
        let dev = "dev".parse().expect("limits");
        let lab = Lab::start(SimConfig { headers, limits: dev, ..small() }).await;
        let response = lab.get("euw1", PAGE).await;
        assert_eq!(header(&response, "x-app-rate-limit"), limits);
        assert_eq!(header(&response, "x-app-rate-limit-count"), counts);
    }
}

#[tokio::test]
async fn limits_change_while_it_runs() {
    let lab = Lab::start(small()).await;
    assert_eq!(lab.post("limits", "7:70").await.status(), 204);
    assert_eq!(header(&lab.get("euw1", PAGE).await, "x-app-rate-limit"), "7:70");
    let refused = lab.post("limits", "7 a minute").await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.expect("a body").contains("not a limit"));
}

#[tokio::test]
async fn faults_look_like_the_real_ones() {
    let lab = Lab::start(small()).await;
    let get = async |fault: Fault| {
        lab.sim.set_faults(vec![FaultRule::next(1, fault)]);
        lab.client().get(lab.url("euw1", PAGE)).header("X-Riot-Token", "k").send().await
    };
    let service = Fault::RateLimited { scope: FaultScope::Service, retry_after: 3 };
    let response = get(service).await.expect("an answer");
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "x-rate-limit-type"), "service");
    assert_eq!(header(&response, "retry-after"), "3");

    let response = get(Fault::BareRateLimited).await.expect("an answer");
    assert_eq!(response.status(), 429);
    assert_eq!(
        (header(&response, "x-rate-limit-type"), header(&response, "retry-after")),
        ("", "")
    );

    let response = get(Fault::ServerError { status: 503 }).await.expect("an answer");
    assert_eq!(response.status(), 503);
    assert!(response.text().await.expect("a body").starts_with("<html>"));

    let response = get(Fault::EmptyBody).await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), response.text().await.expect("a body").len()),
        (200, 0)
    );

    let response = get(Fault::TruncatedJson).await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(response.json::<Value>().await.is_err());

    let response = get(Fault::NotJson).await.expect("an answer");
    assert_eq!(header(&response, "content-type"), "text/html");

    assert!(get(Fault::Reset).await.is_err(), "the connection closes without an answer");

    for (fault, status) in [(Fault::Forbidden, 403), (Fault::KeyExpired, 401)] {
        assert_eq!(get(fault).await.expect("an answer").status(), status);
    }
    let response = get(Fault::NoLimitHeaders).await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "x-app-rate-limit")), (200, ""));
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200, "one call each");
    assert_eq!(lab.sim.stats().violations.service, 2);
}

#[tokio::test]
async fn a_hanging_call_hangs_until_its_caller_gives_up() {
    let lab = Lab::start(small()).await;
    lab.sim.set_faults(vec![FaultRule::next(1, Fault::Hang)]);
    let patience = std::time::Duration::from_millis(50);
    let request = lab.client().get(lab.url("euw1", PAGE)).header("X-Riot-Token", "k");
    let error = request.timeout(patience).send().await.expect_err("no answer");
    assert!(error.is_timeout());
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);
}

#[tokio::test]
async fn faults_are_sent_and_read_over_http() {
    let lab = Lab::start(small()).await;
    let rules =
        json!([{"fault": {"kind": "forbidden"}, "endpoint": "match-v5.getMatch", "count": 2}]);
    assert_eq!(lab.post("faults", &rules.to_string()).await.status(), 200);
    let path = "/lol/match/v5/matches/EUW1_1";
    assert_eq!(lab.get("europe", path).await.status(), 403);
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);
    assert_eq!(lab.admin("faults").await[0]["count"], 1);
    assert_eq!(lab.post("faults", "[]").await.status(), 200);
    assert_eq!(lab.get("europe", path).await.status(), 404);
    let wrong = lab.post("faults", r#"[{"fault": {"kind": "earthquake"}}]"#).await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn answers_are_compressed_for_who_asks() {
    let lab = Lab::start(SimConfig { gzip: true, ..small() }).await;
    let request = lab.client().get(lab.url("euw1", PAGE)).header("X-Riot-Token", "k");
    let response = request.header("Accept-Encoding", "gzip").send().await.expect("an answer");
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert_eq!(response.bytes().await.expect("a body")[..2], [0x1f, 0x8b]);
    assert_eq!(header(&lab.get("euw1", PAGE).await, "content-encoding"), "");
}

#[tokio::test]
async fn answers_take_the_time_they_are_told_to() {
    let ms = std::time::Duration::from_millis;
    let latency = Latency { base: ms(20), jitter: ms(1), spike_share: 1.0, spike: ms(15) };
    let lab = Lab::start(SimConfig { latency: Some(latency), ..small() }).await;
    lab.sim.set_faults(vec![FaultRule::next(1, Fault::Slow { delay_ms: 25 })]);
    let begin = std::time::Instant::now();
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);
    assert!(begin.elapsed() >= ms(60), "{:?}", begin.elapsed());
}
