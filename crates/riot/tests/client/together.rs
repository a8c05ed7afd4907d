//! Callers who want the same match at the same time.

use std::task::Poll;
use std::time::Duration;

use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_riot::RiotClient;
use riftwatch_riot::api::{CallClass, Caller, RiotApi};
use riftwatch_riot::error::RiotError;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use crate::client;
use crate::server::{Reply, Server, status};

/// A server that answers matches after a while, and says when it is asked.
async fn slow(reply: Reply) -> (Server, RiotClient, UnboundedReceiver<()>) {
    let (asked, questions) = unbounded_channel();
    let server = Server::start(move |_, _| {
        asked.send(()).expect("the test listens");
        // On a thread of the test's runtime, which has more than one.
        std::thread::sleep(Duration::from_millis(200));
        reply.clone()
    })
    .await;
    let riot = client(&server);
    (server, riot, questions)
}

fn ask(riot: &RiotClient, caller: &Caller) -> JoinHandle<Result<Option<Match>, RiotError>> {
    let (riot, caller) = (riot.clone(), caller.clone());
    tokio::spawn(async move {
        let id: MatchId = "EUW1_1".parse().expect("a match id");
        riot.match_by_id(&caller, &id).await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_share_one_request_and_who_leaves_does_not_fail_the_others() {
    let (server, riot, mut questions) = slow(status(404, "")).await;
    let caller = Caller::default();
    let first = ask(&riot, &caller);
    questions.recv().await.expect("asked");
    let id: MatchId = "EUW1_1".parse().expect("a match id");
    let mut others: Vec<_> = (0..5).map(|_| riot.match_by_id(&caller, &id)).collect();
    for other in &mut others {
        // Asks, and finds somebody asking.
        let polled = std::future::poll_fn(|cx| Poll::Ready(other.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    first.abort();
    for other in others {
        assert_eq!(other.await.expect("an answer"), None);
    }
    assert_eq!((server.targets().len(), caller.requests_sent()), (1, 1));
    // What came of it is not kept: the next one asks.
    assert_eq!(ask(&riot, &caller).await.expect("no panic").expect("an answer"), None);
    assert_eq!(server.targets().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_private_match_is_private_to_all_who_ask() {
    let (server, riot, mut questions) = slow(status(403, "")).await;
    let first = ask(&riot, &Caller::default());
    questions.recv().await.expect("asked");
    let second = ask(&riot, &Caller::default());
    for asked in [first, second] {
        let game = asked.await.expect("no panic");
        assert!(matches!(game, Err(RiotError::PrivateMatch)), "{game:?}");
    }
    assert!(server.targets().len() <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_is_for_the_one_who_asked_and_a_person_does_not_wait_behind_background_work() {
    let (server, riot, mut questions) = slow(status(400, "no")).await;
    let background = ask(&riot, &Caller::new(CallClass::Backfill));
    questions.recv().await.expect("asked");
    let person = ask(&riot, &Caller::new(CallClass::Interactive));
    questions.recv().await.expect("asked again, at once");
    for asked in [background, person] {
        let game = asked.await.expect("no panic");
        assert!(matches!(game, Err(RiotError::BadRequest { .. })), "{game:?}");
    }
    assert_eq!(server.targets().len(), 2);
}
