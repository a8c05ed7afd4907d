//! Refusals, errors, broken connections, callers who go away.

use std::error::Error;
use std::time::{Duration, Instant};

use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::Region;
use riftwatch_riot::api::{CallClass, Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::error::{LimitScope, RiotError, Verdict};
use riftwatch_riot::{RiotClient, RiotClientConfig};

use crate::server::{Reply, Server, ok, status};
use crate::{client, config};

async fn ids(riot: &RiotClient, caller: &Caller) -> Result<Option<Vec<MatchId>>, RiotError> {
    let query = MatchIdsQuery::default();
    riot.match_ids(caller, Region::Europe, &Puuid::new("p"), &query).await
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_counted() {
    for trouble in [status(500, ""), status(503, "<html>"), Reply::Hangup, Reply::CutOff] {
        let server =
            Server::start(move |n, _| if n < 2 { trouble.clone() } else { ok("[]") }).await;
        let caller = Caller::default();
        let ids = ids(&client(&server), &caller).await;
        assert_eq!(ids.expect("the third time"), Some(Vec::new()));
        assert_eq!((caller.requests_sent(), server.targets().len()), (3, 3));
    }
}

#[tokio::test]
async fn after_four_tries_the_last_status_is_the_error() {
    let server = Server::start(|n, _| status(500 + n as u16 % 4, "")).await;
    let caller = Caller::default();
    let error = ids(&client(&server), &caller).await.expect_err("always fails");
    assert!(matches!(error, RiotError::Upstream { status: 503, .. }), "{error}");
    assert_eq!(caller.requests_sent(), 4);
}

#[tokio::test]
async fn a_silent_server_is_a_transport_error_with_its_cause() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let config = RiotClientConfig { timeout: Duration::from_millis(30), ..config(&server) };
    let riot = RiotClient::new(config).expect("a valid configuration");
    let error = ids(&riot, &Caller::default()).await.expect_err("never answers");
    let RiotError::Transport { endpoint, source } = error else { panic!("{error}") };
    assert_eq!(endpoint, "match-v5.getMatchIdsByPUUID");
    let mut cause: Option<&dyn Error> = Some(&*source);
    let mut said = String::new();
    while let Some(error) = cause {
        said += &format!("{error}; ");
        cause = error.source();
    }
    assert!(said.contains("timed out"), "{said}");
    // What timed out may have been counted: four tokens are taken.
    assert_eq!(riot.limits().routes[0].windows[1].held, 4);
}

#[tokio::test]
async fn without_a_connection_no_budget_is_used() {
    let server = Server::start(|_, _| ok("[]")).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}/{{route}}", gone.local_addr().expect("bound"));
    drop(gone);
    let riot = RiotClient::new(RiotClientConfig { base_url, ..config(&server) });
    let riot = riot.expect("a valid configuration");
    let error = ids(&riot, &Caller::default()).await.expect_err("nobody listens");
    assert!(matches!(error, RiotError::Transport { .. }), "{error}");
    assert!(riot.limits().routes[0].windows.iter().all(|window| window.held == 0));
}

#[tokio::test]
async fn a_429_of_each_scope_is_waited_out_and_the_call_succeeds() {
    for (scope, wait) in [
        (Some("application"), Some("1")),
        (Some("method"), Some("1")),
        (Some("service"), None),
        (None, None),
    ] {
        let server = Server::start(move |n, _| {
            if n > 0 {
                return ok("[]");
            }
            let mut reply = status(429, "");
            if let Some(scope) = scope {
                reply = reply.with("X-Rate-Limit-Type", scope);
            }
            if let Some(wait) = wait {
                reply = reply.with("Retry-After", wait);
            }
            reply
        })
        .await;
        let riot = client(&server);
        let asked = Instant::now();
        let caller = Caller::default();
        assert_eq!(ids(&riot, &caller).await.expect("the second time"), Some(Vec::new()));
        assert!(asked.elapsed() >= Duration::from_secs(1), "{scope:?}");
        assert_eq!(caller.requests_sent(), 2);
        let refusals = riot.limits().routes[0].refusals();
        let counted = [refusals.application, refusals.method, refusals.service, refusals.untyped];
        let expected = match scope {
            Some("application") => [1, 0, 0, 0],
            Some("method") => [0, 1, 0, 0],
            Some(_) => [0, 0, 1, 0],
            None => [0, 0, 0, 1],
        };
        assert_eq!(counted, expected);
    }
}

#[tokio::test]
async fn a_429_longer_than_the_callers_patience_is_told_with_its_scope() {
    let server = Server::start(|_, _| {
        status(429, "").with("X-Rate-Limit-Type", "method").with("Retry-After", "90")
    })
    .await;
    let riot = client(&server);
    let caller = Caller::new(CallClass::Interactive).with_patience(Duration::from_secs(5));
    let asked = Instant::now();
    let error = ids(&riot, &caller).await.expect_err("too long");
    let RiotError::RateLimited { scope: LimitScope::Method, retry_after } = error else {
        panic!("{error:?}")
    };
    assert!((89..=91).contains(&retry_after.as_secs()), "{retry_after:?}");
    // The next one need not ask Riot to know.
    let error = ids(&riot, &caller).await.expect_err("too long still");
    assert!(matches!(error, RiotError::RateLimited { scope: LimitScope::Local, .. }), "{error:?}");
    assert_eq!((caller.requests_sent(), server.targets().len()), (1, 1));
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn limits_in_reversed_order_are_understood() {
    let server = Server::start(|_, _| {
        ok("[]")
            .with("X-App-Rate-Limit", "100:120,20:1")
            .with("X-App-Rate-Limit-Count", "1:1,40:120")
    })
    .await;
    let riot = client(&server);
    ids(&riot, &Caller::default()).await.expect("an answer");
    let route = &riot.limits().routes[0];
    let windows: Vec<_> = route
        .windows
        .iter()
        .map(|window| (window.limit, window.period.as_secs(), window.foreign))
        .collect();
    assert_eq!(windows, [(20, 1, 0), (100, 120, 39)]);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_decode_error_and_not_asked_for_again() {
    let bodies: [&[u8]; 4] = [b"", b"<html></html>", b"{\"status\":{}}", b"\xff\xfe"];
    for body in bodies {
        let server = Server::start(move |_, _| ok(body)).await;
        let caller = Caller::default();
        let error = ids(&client(&server), &caller).await.expect_err("no list");
        assert!(matches!(error, RiotError::Decode { .. }), "{error}");
        assert_eq!(caller.requests_sent(), 1);
    }
}

#[tokio::test]
async fn a_400_and_strange_statuses_are_errors_at_once() {
    for code in [400, 405, 415, 302, 418] {
        let server = Server::start(move |_, _| status(code, "no")).await;
        let caller = Caller::default();
        let riot = client(&server);
        let error = ids(&riot, &caller).await.expect_err("no answer");
        match error {
            RiotError::BadRequest { .. } => assert_eq!(code, 400),
            RiotError::Upstream { status, .. } => assert_eq!(status, code),
            error => panic!("{error}"),
        }
        assert_eq!(caller.requests_sent(), 1);
        assert!(!riot.key_refused());
    }
}

#[tokio::test]
async fn a_puuid_of_another_key_is_told_from_other_bad_requests() {
    let body =
        r#"{"status":{"message":"Bad Request - Exception decrypting abc","status_code":400}}"#;
    let server = Server::start(move |_, _| status(400, body)).await;
    let riot = client(&server);
    let error = ids(&riot, &Caller::default()).await.expect_err("not ours");
    assert!(
        matches!(error, RiotError::ForeignPuuid { endpoint: "match-v5.getMatchIdsByPUUID" }),
        "{error}"
    );
    assert_eq!(error.verdict(), Verdict::SkipItem);
    assert!(!riot.key_refused());
}

#[tokio::test]
async fn a_method_that_is_down_is_left_alone_and_others_are_not() {
    let server = Server::start(|_, request| {
        if request.target.contains("/ids") { status(500, "") } else { status(404, "") }
    })
    .await;
    let riot = client(&server);
    for _ in 0..3 {
        ids(&riot, &Caller::default()).await.expect_err("down");
    }
    assert_eq!(server.targets().len(), 12);
    let caller = Caller::default();
    let error = ids(&riot, &caller).await.expect_err("left alone");
    assert!(matches!(error, RiotError::Upstream { status: 500, .. }), "{error}");
    assert_eq!(caller.requests_sent(), 0);
    let account = riot.account_by_puuid(&caller, Region::Europe, &Puuid::new("p")).await;
    assert_eq!(account.expect("another method"), None);
}

#[tokio::test]
async fn questions_that_riot_refuses_are_rationed() {
    let server = Server::start(|_, _| status(400, "no")).await;
    let riot = client(&server);
    for _ in 0..50 {
        ids(&riot, &Caller::default()).await.expect_err("refused");
    }
    assert_eq!(server.targets().len(), 20, "riot locks out keys that ask on and on");
}

/// Asks, and goes away once the request has arrived.
async fn give_up(riot: &RiotClient, arrival: &mut tokio::sync::mpsc::UnboundedReceiver<()>) {
    let call = tokio::spawn({
        let riot = riot.clone();
        async move { ids(&riot, &Caller::default()).await }
    });
    arrival.recv().await.expect("the request arrives");
    call.abort();
    assert!(call.await.expect_err("aborted").is_cancelled());
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_request_to_its_end() {
    let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |_, _| {
        arrived.send(()).expect("the test listens");
        Reply::Silence
    })
    .await;
    let config = RiotClientConfig { timeout: Duration::from_millis(200), ..config(&server) };
    let riot = RiotClient::new(config).expect("a valid configuration");
    give_up(&riot, &mut arrival).await;
    assert_eq!(riot.limits().routes[0].in_flight, 1, "it may still be answered");
    while riot.limits().routes[0].in_flight > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(riot.limits().routes[0].windows[1].held, 1, "and then counts for a window's length");
}

#[tokio::test]
async fn a_first_call_that_is_given_up_holds_up_nobody_who_asks_after_it() {
    let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |n, _| {
        arrived.send(()).expect("the test listens");
        if n == 0 { Reply::Silence } else { ok("[]") }
    })
    .await;
    let config = RiotClientConfig { timeout: Duration::from_mins(10), ..config(&server) };
    let riot = RiotClient::new(config).expect("a valid configuration");
    give_up(&riot, &mut arrival).await;
    let caller = Caller::default();
    let next = tokio::time::timeout(Duration::from_mins(1), ids(&riot, &caller));
    assert_eq!(next.await.expect("long before the first ends").expect("an answer"), Some(vec![]));
    assert_eq!(riot.limits().routes[0].windows[1].held, 2);
}

#[tokio::test]
async fn a_limit_is_kept_over_real_http() {
    let server = Server::start(|_, _| {
        ok("[]").with("X-App-Rate-Limit", "10:1").with("X-App-Rate-Limit-Count", "1:1")
    })
    .await;
    let riot = client(&server);
    let asked = Instant::now();
    let calls: Vec<_> = (0..31)
        .map(|_| {
            let riot = riot.clone();
            tokio::spawn(async move { ids(&riot, &Caller::default()).await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("an answer");
    }
    assert!(asked.elapsed() >= Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
