//! Keys: shown nowhere, replaced at any time, and not used any more once refused.

use std::io;
use std::sync::{Arc, Mutex};

use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::{RiotClient, RiotClientConfig};

use crate::server::{Server, ok, status};
use crate::{KEY, client, config};

fn match_id(number: u32) -> MatchId {
    format!("EUW1_{number}").parse().expect("a match id")
}

async fn ids(riot: &RiotClient) -> Result<Option<Vec<MatchId>>, RiotError> {
    let query = MatchIdsQuery::default();
    riot.match_ids(&Caller::default(), Region::Europe, &Puuid::new("p"), &query).await
}

#[tokio::test]
async fn a_refused_key_stops_all_calls_until_there_is_a_new_one() {
    let server = Server::start(|_, request| match request.header("x-riot-token") {
        Some("new") => ok("[]"),
        _ => status(401, r#"{"status":{"message":"Unknown apikey","status_code":401}}"#),
    })
    .await;
    let riot = client(&server);
    assert!(!riot.key_refused());
    assert!(matches!(ids(&riot).await, Err(RiotError::Unauthorized)));
    assert!(riot.key_refused());
    // Of another route and method too, and of a clone.
    let (other, caller, puuid) = (riot.clone(), Caller::default(), Puuid::new("p"));
    let summoner = other.summoner_by_puuid(&caller, Platform::Kr, &puuid).await;
    assert!(matches!(summoner, Err(RiotError::Unauthorized)));
    assert_eq!(server.targets().len(), 1, "the second call sent nothing");

    riot.set_api_key("new".into());
    assert!(!riot.key_refused());
    assert_eq!(ids(&riot).await.expect("a good key"), Some(Vec::new()));
}

#[tokio::test]
async fn a_403_on_anything_but_a_match_is_a_refused_key() {
    let server = Server::start(|_, _| status(403, "Forbidden")).await;
    let riot = client(&server);
    assert!(matches!(
        ids(&riot).await,
        Err(RiotError::Forbidden { endpoint: "match-v5.getMatchIdsByPUUID" })
    ));
    assert!(riot.key_refused());
    assert!(matches!(
        riot.match_by_id(&Caller::default(), &match_id(1)).await,
        Err(RiotError::Forbidden { .. })
    ));
    assert_eq!(server.targets().len(), 1);
}

#[tokio::test]
async fn a_private_match_is_no_refused_key_and_neither_are_many() {
    let server = Server::start(|_, request| {
        if request.target.contains("/matches/EUW1") { status(403, "") } else { ok("{}") }
    })
    .await;
    let riot = client(&server);
    for number in 1..=12 {
        let game = riot.match_by_id(&Caller::default(), &match_id(number)).await;
        assert!(matches!(game, Err(RiotError::PrivateMatch)), "{number}");
    }
    assert!(!riot.key_refused());
    let asked = server.targets().iter().filter(|target| target.contains("/lol/status/")).count();
    assert_eq!(asked, 2, "once for each five in a row");
}

#[tokio::test]
async fn five_forbidden_matches_of_a_dead_key_are_found_out() {
    let server = Server::start(|_, _| status(403, "Forbidden")).await;
    let riot = client(&server);
    for number in 1..=4 {
        let game = riot.match_by_id(&Caller::default(), &match_id(number)).await;
        assert!(matches!(game, Err(RiotError::PrivateMatch)));
    }
    let game = riot.match_by_id(&Caller::default(), &match_id(5)).await;
    assert!(matches!(game, Err(RiotError::Forbidden { .. })), "{game:?}");
    assert!(riot.key_refused());
}

#[tokio::test]
async fn calls_that_wait_for_their_turn_end_when_the_key_is_refused() {
    // One request in ten minutes: the second call waits for longer than any test.
    let server = Server::start(|_, _| {
        ok("[]").with("X-App-Rate-Limit", "1:600").with("X-App-Rate-Limit-Count", "1:600")
    })
    .await;
    let riot = client(&server);
    ids(&riot).await.expect("the first request");
    let waits = tokio::spawn({
        let riot = riot.clone();
        async move { ids(&riot).await }
    });
    while riot.limits().routes[0].waiting().total() == 0 {
        tokio::task::yield_now().await;
    }
    // Refused by setting one that cannot be sent.
    riot.set_api_key("\u{1}".into());
    assert!(matches!(waits.await.expect("no panic"), Err(RiotError::Unauthorized)));
    assert_eq!(riot.limits().routes[0].waiting().total(), 0);
}

#[tokio::test]
async fn a_new_key_has_limits_of_its_own() {
    // One request in ten minutes, of each key.
    let server = Server::start(|_, _| {
        ok("[]").with("X-App-Rate-Limit", "1:600").with("X-App-Rate-Limit-Count", "1:600")
    })
    .await;
    let riot = client(&server);
    ids(&riot).await.expect("the first request");
    let waits = tokio::spawn({
        let riot = riot.clone();
        async move { ids(&riot).await }
    });
    while riot.limits().routes[0].waiting().total() == 0 {
        tokio::task::yield_now().await;
    }
    riot.set_api_key(KEY.into());
    assert_eq!(riot.limits().routes[0].windows[0].held, 1, "the same key has the same limits");
    riot.set_api_key("RGAPI-another".into());
    assert_eq!(waits.await.expect("no panic").expect("at once"), Some(Vec::new()));
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.header("x-riot-token") == Some(KEY))
        .collect();
    assert_eq!(sent, [true, false]);
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let server = Server::start(|_, _| ok("[]")).await;
    let riot = RiotClient::new(RiotClientConfig { api_key: None, ..config(&server) });
    let riot = riot.expect("a valid configuration");
    let error = ids(&riot).await.expect_err("no key");
    assert!(error.to_string().contains("RIOT_API_KEY"), "{error}");
    assert_eq!(server.targets().len(), 0);
    riot.set_api_key(KEY.into());
    ids(&riot).await.expect("a key");
}

#[tokio::test]
async fn the_key_is_in_no_error_and_no_debug_text() {
    let server = Server::start(|_, _| ok("<html>")).await;
    let riot = client(&server);
    let error = ids(&riot).await.expect_err("no json");
    let config = config(&server);
    let shown = format!("{error} {error:?} {riot:?} {config:?} {:?}", riot.limits());
    assert!(!shown.contains(KEY), "{shown}");
}

/// All that is logged, whatever its level.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_key_is_in_no_log_whatever_riot_answers() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    // For the whole process: what other tests log at this time must not show it either.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    // Some proxies show what they were asked.
    let body = format!(r#"{{"status":{{"message":"Unknown apikey {KEY}","status_code":1}}}}"#);
    for code in [200, 400, 401, 403, 404, 405, 429, 500] {
        let body = body.clone();
        let server = Server::start(move |_, _| status(code, body.clone())).await;
        let riot = client(&server);
        let caller = Caller::default().with_patience(std::time::Duration::from_millis(10));
        let query = MatchIdsQuery::default();
        let puuid = Puuid::new("p");
        let answer = riot.match_ids(&caller, Region::Europe, &puuid, &query).await;
        let mut shown = format!("{answer:?} {riot:?}");
        let mut cause = answer.as_ref().err().map(|error| error as &dyn std::error::Error);
        while let Some(error) = cause {
            shown += &error.to_string();
            cause = error.source();
        }
        assert!(!shown.contains(KEY), "{code}: {shown}");
    }
    let log = log.0.lock().expect("not poisoned");
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("riot answered 401") && !log.contains(KEY), "{log}");
}

#[tokio::test]
async fn another_host_never_sees_the_key() {
    let other = Server::start(|_, _| ok("[]")).await;
    let there = other.base_url.replace("{route}", "europe");
    for code in [301, 302, 303, 307, 308] {
        let there = there.clone();
        let server = Server::start(move |_, _| status(code, "").with("Location", &there)).await;
        let riot = client(&server);
        let error = ids(&riot).await.expect_err("a redirect is no answer");
        assert!(matches!(error, RiotError::Upstream { status, .. } if status == code), "{error}");
        assert_eq!(server.targets().len(), 1);
    }
    assert_eq!(other.targets(), Vec::<String>::new());
}
