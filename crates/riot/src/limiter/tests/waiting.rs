//! Waiting for a turn: patience, going away, and who is woken.

use std::time::Duration;

use riftwatch_domain::routing::{Platform, Region, Route};
use tokio::time::{Instant, advance, timeout};

use super::riot::answer;
use crate::api::CallClass::{Interactive, Refresh};
use crate::limiter::{Answer, Limiter, Permit};

const ROUTE: Route = Route::Region(Region::Europe);
const METHOD: &str = "match-v5.getMatch";

async fn acquire(limiter: &Limiter) -> Permit {
    limiter.acquire(ROUTE, METHOD, Refresh, "", None).await.expect("endless patience")
}

fn told() -> Answer {
    answer(200, &[("x-app-rate-limit", "2:10"), ("x-method-rate-limit", "1000:10")])
}

/// A limiter that knows its limits, two in ten seconds, and has both tokens free.
async fn limiter() -> Limiter {
    let limiter = Limiter::new(1.0);
    send(acquire(&limiter).await);
    advance(Duration::from_secs(100)).await;
    limiter
}

fn send(mut permit: Permit) {
    permit.sending();
    permit.answered(&told());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_wakes_when_the_token_is_due() {
    let limiter = limiter().await;
    send(acquire(&limiter).await);
    send(acquire(&limiter).await);
    let asked = Instant::now();
    acquire(&limiter).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_that_long_is_told_so_at_once() {
    let limiter = limiter().await;
    send(acquire(&limiter).await);
    send(acquire(&limiter).await);
    let asked = Instant::now();
    let deadline = Some(asked + Duration::from_secs(9));
    let refused = limiter.acquire(ROUTE, METHOD, Interactive, "", deadline).await;
    assert_eq!(refused.expect_err("too late"), Duration::from_secs(10));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(limiter.snapshot().routes[0].waiting().total(), 0);
    let deadline = Some(asked + Duration::from_secs(10));
    limiter.acquire(ROUTE, METHOD, Interactive, "", deadline).await.expect("just in time");
}

#[tokio::test(start_paused = true)]
async fn patience_ends_also_when_the_turn_could_not_be_foreseen() {
    let limiter = Limiter::new(1.0);
    let mut probe = acquire(&limiter).await;
    probe.sending();
    let asked = Instant::now();
    let deadline = Some(asked + Duration::from_millis(1500));
    let refused = limiter.acquire(ROUTE, METHOD, Interactive, "", deadline).await;
    assert!(refused.expect_err("the probe is not answered") >= Duration::from_secs(1));
    assert_eq!(asked.elapsed(), Duration::from_millis(1500));
    assert_eq!(limiter.snapshot().routes[0].waiting().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_call_whose_answer_never_comes_holds_up_nobody_for_long() {
    let limiter = Limiter::new(1.0);
    let mut silent = acquire(&limiter).await;
    silent.sending();
    let asked = Instant::now();
    let second = acquire(&limiter).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(2));
    send(second);
    // The limits are known, and what is not answered counts against them.
    acquire(&limiter).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(12));
}

#[tokio::test(start_paused = true)]
async fn a_first_call_whose_caller_goes_away_holds_up_nobody_at_all() {
    let limiter = Limiter::new(1.0);
    let mut silent = acquire(&limiter).await;
    let attendance = silent.attendance();
    silent.sending();
    let asked = Instant::now();
    let mut next = Box::pin(limiter.acquire(ROUTE, METHOD, Refresh, "", None));
    assert!(futures_pending(&mut next).await);
    drop(attendance);
    let next = next.await.expect("endless patience");
    assert_eq!(asked.elapsed(), Duration::ZERO);
    let route = &limiter.snapshot().routes[0];
    assert_eq!((route.in_flight, route.windows[0].held), (2, 2), "it may still be answered");
    send(next);
    drop(silent);
    assert_eq!(limiter.snapshot().routes[0].windows[0].held, 2, "and counts for a window");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_leaves_its_place_to_the_next() {
    let limiter = limiter().await;
    let (first, second) = (acquire(&limiter).await, acquire(&limiter).await);
    let gone = tokio::spawn({
        let limiter = limiter.clone();
        async move { acquire(&limiter).await }
    });
    let stays = tokio::spawn({
        let limiter = limiter.clone();
        async move { acquire(&limiter).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(limiter.snapshot().routes[0].waiting().refresh, 2);
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    assert_eq!(limiter.snapshot().routes[0].waiting().refresh, 1);
    drop(first);
    stays.await.expect("has its turn");
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_while_its_caller_goes_is_not_lost() {
    let limiter = limiter().await;
    let (first, _second) = (acquire(&limiter).await, acquire(&limiter).await);
    let mut gone = Box::pin(limiter.acquire(ROUTE, METHOD, Refresh, "", None));
    let mut stays = Box::pin(limiter.acquire(ROUTE, METHOD, Refresh, "", None));
    assert!(futures_pending(&mut gone).await && futures_pending(&mut stays).await);
    // The turn is given to the one that nobody polls any more.
    drop(first);
    drop(gone);
    timeout(Duration::from_secs(1), stays).await.expect("woken").expect("endless patience");
}

async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_dropped_after_sending_is_held_as_if_answered() {
    let limiter = limiter().await;
    for _ in 0..2 {
        let mut permit = acquire(&limiter).await;
        permit.sending();
    }
    let asked = Instant::now();
    acquire(&limiter).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_permit_without_a_connection_is_free_at_once() {
    let limiter = limiter().await;
    for _ in 0..20 {
        let mut permit = acquire(&limiter).await;
        permit.sending();
        permit.not_sent();
    }
    assert_eq!(limiter.snapshot().routes[0].windows[0].free, 2);
}

#[tokio::test(start_paused = true)]
async fn routes_do_not_wait_for_each_other() {
    let limiter = limiter().await;
    let _held = (acquire(&limiter).await, acquire(&limiter).await);
    let other = Route::Platform(Platform::Euw1);
    limiter.acquire(other, METHOD, Refresh, "", None).await.expect("another route");
    let names: Vec<Route> = limiter.snapshot().routes.iter().map(|route| route.route).collect();
    assert_eq!(names, [other, ROUTE]);
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_shows_limits_use_and_who_waits() {
    let limiter = limiter().await;
    send(acquire(&limiter).await);
    advance(Duration::from_secs(4)).await;
    let _in_flight = {
        let mut permit = acquire(&limiter).await;
        permit.sending();
        permit
    };
    let waiting = tokio::spawn({
        let limiter = limiter.clone();
        async move { acquire(&limiter).await }
    });
    tokio::task::yield_now().await;
    let snapshot = limiter.snapshot();
    let route = &snapshot.routes[0];
    assert!(route.limits_known);
    assert_eq!((route.sent(), route.in_flight, route.refusals().total()), (3, 1, 0));
    assert_eq!(route.waiting().refresh, 1);
    let window = &route.windows[0];
    assert_eq!((window.limit, window.period), (2, Duration::from_secs(10)));
    assert_eq!((window.held, window.foreign, window.free), (2, 0, 0));
    assert_eq!(window.next_free_in, Duration::from_secs(6));
    waiting.abort();
}
