//! Every fault, as its bytes arrive: a table of what is asked for and what must be seen.

use std::time::{Duration, Instant};

use chrono::{TimeZone, Utc};
use reqwest::header::HeaderMap;
use riftwatch_domain::clock::Clock;
use riftwatch_sim::{Ban, Fault, FaultRule, FaultScope, SimConfig};
use serde_json::Value;

use crate::support::{Lab, small};

const PAGE: &str = "/lol/league/v4/entries/RANKED_SOLO_5x5/GOLD/II";

/// What came over the wire.
#[derive(Debug, Default)]
struct Seen {
    /// 0: no answer came.
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The body ended before it was whole.
    broke: bool,
    took: Duration,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    fn is_html(&self) -> bool {
        self.header("content-type") == "text/html" && self.body.starts_with(b"<html>")
    }
}

async fn look(lab: &Lab, route: &str, path: &str) -> Seen {
    let began = Instant::now();
    let request = lab.client().get(lab.url(route, path)).header("X-Riot-Token", "RGAPI-test");
    // What hangs is given up after a second; everything else here comes at once.
    let Ok(mut response) = request.timeout(Duration::from_secs(1)).send().await else {
        return Seen { broke: true, took: began.elapsed(), ..Seen::default() };
    };
    let mut seen = Seen {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        ..Seen::default()
    };
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => seen.body.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => {
                seen.broke = true;
                break;
            }
        }
    }
    seen.took = began.elapsed();
    seen
}

fn limited(seen: &Seen, scope: &str, after: &str) -> bool {
    seen.status == 429
        && seen.header("x-rate-limit-type") == scope
        && seen.header("retry-after") == after
}

/// What must be seen under a fault, given what is seen without.
type Check = fn(&Seen, &Seen) -> bool;

const FAULTS: &[(&str, Check)] = &[
    (r#"{"kind": "rate_limited", "scope": "application", "retry_after": 7}"#, |seen, _| {
        limited(seen, "application", "7")
    }),
    (r#"{"kind": "rate_limited", "scope": "method", "retry_after": 2}"#, |seen, _| {
        limited(seen, "method", "2")
    }),
    (r#"{"kind": "rate_limited", "scope": "service", "retry_after": 1}"#, |seen, _| {
        limited(seen, "service", "1")
    }),
    (r#"{"kind": "no_retry_after", "scope": "method"}"#, |seen, _| limited(seen, "method", "")),
    (r#"{"kind": "bare_rate_limited"}"#, |seen, _| limited(seen, "", "")),
    (r#"{"kind": "server_error", "status": 500}"#, |seen, _| seen.status == 500 && seen.is_html()),
    (r#"{"kind": "server_error", "status": 503}"#, |seen, _| seen.status == 503 && seen.is_html()),
    (r#"{"kind": "service_error", "status": 502}"#, |seen, _| {
        seen.status == 502 && seen.json().is_some_and(|body| body["httpStatus"] == 502)
    }),
    (r#"{"kind": "empty_body"}"#, |seen, _| seen.status == 200 && seen.body.is_empty()),
    (r#"{"kind": "truncated_json"}"#, |seen, usual| {
        seen.status == 200 && !seen.broke && seen.body == usual.body[..usual.body.len() / 2]
    }),
    (r#"{"kind": "malformed_json"}"#, |seen, usual| {
        seen.status == 200
            && seen.body.len() == usual.body.len() - 1
            && seen.json().is_none()
            && seen.header("content-type").starts_with("application/json")
    }),
    (r#"{"kind": "not_json"}"#, |seen, _| seen.status == 200 && seen.is_html()),
    (r#"{"kind": "wrong_content_type"}"#, |seen, usual| {
        seen.status == 200 && seen.header("content-type") == "text/plain" && seen.body == usual.body
    }),
    (r#"{"kind": "slow", "delay_ms": 60}"#, |seen, usual| {
        seen.body == usual.body && seen.took >= Duration::from_millis(60)
    }),
    (r#"{"kind": "drip", "bytes": 200, "pause_ms": 15}"#, |seen, usual| {
        let pieces = usual.body.len().div_ceil(200) as u32;
        pieces > 2
            && seen.body == usual.body
            && !seen.broke
            && seen.took >= Duration::from_millis(15) * pieces
    }),
    (r#"{"kind": "cut"}"#, |seen, usual| {
        seen.status == 200 && seen.broke && seen.body.len() < usual.body.len()
    }),
    (r#"{"kind": "reset"}"#, |seen, _| {
        seen.status == 0 && seen.broke && seen.took < Duration::from_millis(900)
    }),
    (r#"{"kind": "hang"}"#, |seen, _| {
        seen.status == 0 && seen.broke && seen.took >= Duration::from_millis(900)
    }),
    (r#"{"kind": "forbidden"}"#, |seen, _| seen.status == 403),
    (r#"{"kind": "not_found"}"#, |seen, _| seen.status == 404),
    (r#"{"kind": "key_expired"}"#, |seen, _| seen.status == 401),
    (r#"{"kind": "no_limit_headers"}"#, |seen, usual| {
        seen.body == usual.body
            && !usual.header("x-app-rate-limit").is_empty()
            && seen.header("x-app-rate-limit").is_empty()
            && seen.header("x-method-rate-limit-count").is_empty()
    }),
    (r#"{"kind": "other_limits", "app": "7:3"}"#, |seen, usual| {
        seen.body == usual.body
            && seen.header("x-app-rate-limit") == "7:3"
            && usual.header("x-app-rate-limit") != "7:3"
    }),
    (r#"{"kind": "clock_skew", "seconds": -86400}"#, |seen, usual| {
        let date = |seen: &Seen| chrono::DateTime::parse_from_rfc2822(seen.header("date")).ok();
        let skew = date(usual).zip(date(seen)).map(|(usual, skewed)| usual - skewed);
        seen.body == usual.body && skew.is_some_and(|skew| (skew.num_hours() - 24).abs() <= 1)
    }),
];

#[tokio::test]
async fn every_fault_is_produced_on_the_wire() {
    let lab = Lab::start(small()).await;
    let usual = look(&lab, "euw1", PAGE).await;
    assert!(usual.status == 200 && usual.json().is_some(), "{usual:?}");
    for (fault, check) in FAULTS {
        let rules = format!(r#"[{{"fault": {fault}, "count": 1}}]"#);
        assert_eq!(lab.post("faults", &rules).await.status(), 200, "{fault}");
        let seen = look(&lab, "euw1", PAGE).await;
        assert!(check(&seen, &usual), "{fault}: {seen:?}");
        let after = look(&lab, "euw1", PAGE).await;
        assert_eq!((after.status, after.body == usual.body), (200, true), "after {fault}");
    }
}

#[tokio::test]
async fn lists_of_matches_go_wrong_as_told() {
    let lab = Lab::start(small()).await;
    let player = lab.players("euw1", 1).await.remove(0);
    let puuid = player["puuid"].as_str().expect("a puuid");
    let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=5");
    let ids = |value: &Value| -> Vec<String> {
        serde_json::from_value(value.clone()).expect("a list of ids")
    };
    let all = ids(&lab.json("europe", &list.replace("count=5", "count=20")).await);

    lab.sim.set_faults(vec![FaultRule::next(1, Fault::DuplicateId)]);
    let doubled = ids(&lab.json("europe", &list).await);
    assert_eq!(doubled[0], doubled[1]);
    assert_eq!(doubled[1..], all[..5]);

    // Between the first page and the second, two of the newest go: two are never listed.
    let first = ids(&lab.json("europe", &list).await);
    lab.sim.set_faults(vec![FaultRule::next(1, Fault::ShrunkList { by: 2 })]);
    let second = ids(&lab.json("europe", &format!("{list}&start=5")).await);
    assert_eq!(first, all[..5]);
    assert_eq!(second, all[7..12]);

    // A match that is listed and not there.
    let rule = FaultRule { path: Some(all[0].clone()), ..FaultRule::always(Fault::NotFound) };
    lab.sim.set_faults(vec![rule]);
    for (id, status) in [(&all[0], 404), (&all[1], 200)] {
        let path = format!("/lol/match/v5/matches/{id}");
        assert_eq!(lab.get("europe", &path).await.status(), status, "{id}");
    }
    assert_eq!(ids(&lab.json("europe", &list).await), all[..5]);
}

#[tokio::test]
async fn a_burst_comes_by_the_clock_and_a_key_expires_at_its_time() {
    let noon = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).single().expect("a time");
    let clock = Clock::manual(noon);
    let burst = FaultRule::always(Fault::ServerError { status: 500 }).between(60.0, 30.0);
    let expiry = FaultRule { after_s: 3_600.0, ..FaultRule::always(Fault::KeyExpired) };
    let faults = vec![burst, expiry];
    let lab = Lab::start(SimConfig { clock: clock.clone(), faults, ..small() }).await;
    let mut seen = Vec::new();
    for seconds in [59, 1, 29, 1, 3_509, 1, 100_000] {
        clock.advance(chrono::Duration::seconds(seconds));
        seen.push(lab.get("euw1", PAGE).await.status().as_u16());
    }
    assert_eq!(seen, [200, 500, 500, 200, 200, 401, 401]);
}

#[tokio::test]
async fn another_key_takes_the_place_of_the_one_that_was_taken() {
    let lab = Lab::start(SimConfig { api_key: Some("RGAPI-test".to_owned()), ..small() }).await;
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);
    lab.sim.set_key(Some("RGAPI-next"));
    let refused = lab.get("euw1", PAGE).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.expect("a body").contains("Unknown apikey"));
    assert_eq!(lab.post("key", "RGAPI-test").await.status(), 204);
    assert_eq!(lab.get("euw1", PAGE).await.status(), 200);
}

#[tokio::test]
async fn a_key_that_does_not_heed_its_limits_is_banned() {
    let noon = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).single().expect("a time");
    let clock = Clock::manual(noon);
    let ban = Some(Ban { refusals: 3, length: Duration::from_secs(600) });
    let limits = "2:10".parse().expect("limits");
    let lab = Lab::start(SimConfig { clock: clock.clone(), ban, limits, ..small() }).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(lab.get("euw1", PAGE).await.status().as_u16());
    }
    assert_eq!(seen, [200, 200, 429, 429, 403, 403]);
    clock.advance(chrono::Duration::seconds(500));
    assert_eq!(lab.get("eun1", PAGE).await.status(), 403, "on every route");
    clock.advance(chrono::Duration::seconds(101));
    assert_eq!(lab.get("eun1", PAGE).await.status(), 200);
    let stats = lab.sim.stats();
    assert_eq!((stats.sent_while_banned, stats.sent_while_blocked), (3, 3));
}

#[tokio::test]
async fn a_service_limit_is_counted_as_one_and_blocks_nobody() {
    let lab = Lab::start(small()).await;
    let scope = FaultScope::Service;
    lab.sim.set_faults(vec![FaultRule::next(2, Fault::NoRetryAfter { scope })]);
    let seen = [
        lab.get("euw1", PAGE).await.status().as_u16(),
        lab.get("euw1", PAGE).await.status().as_u16(),
        lab.get("euw1", PAGE).await.status().as_u16(),
    ];
    assert_eq!(seen, [429, 429, 200]);
    let stats = lab.sim.stats();
    assert_eq!((stats.violations.service, stats.sent_while_blocked), (2, 0));
}
