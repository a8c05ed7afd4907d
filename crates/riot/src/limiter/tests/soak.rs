//! Ten minutes and more under load, on a clock that jumps: how much of what is allowed is used.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use riftwatch_domain::routing::{Region, Route};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::riot::{Riot, Rule, Windowing};
use crate::api::CallClass;
use crate::limiter::Limiter;

const ROUTE: Route = Route::Region(Region::Europe);
const METHOD: &str = "match-v5.getMatch";
const WINDOWINGS: [Windowing; 3] =
    [Windowing::FromFirst, Windowing::WallAligned, Windowing::Sliding];

/// A way of some 35 ms in the middle, with a tail; one in a hundred takes 400 ms more.
pub(super) fn delay(random: &mut StdRng) -> Duration {
    let tail = -15.0 * (1.0 - random.random::<f64>()).ln();
    let hiccup = if random.random::<f64>() < 0.01 { 400.0 } else { 0.0 };
    Duration::from_secs_f64((20.0 + tail + hiccup) / 1000.0)
}

/// When requests arrived at Riot, in seconds, from callers who always want more. None is refused.
async fn load(limits: &[(u32, u64)], windowing: Windowing, span: Duration) -> Vec<f64> {
    let rules = |limits: &[(u32, u64)]| {
        limits.iter().map(|(n, seconds)| Rule::new(*n, *seconds, windowing)).collect()
    };
    let epoch = Instant::now();
    let app = rules(limits);
    let method = rules(&[(20_000, 10), (1_200_000, 600)]);
    let riot = Arc::new(Mutex::new((Riot::new(epoch, app, method), Vec::new())));
    let limiter = Limiter::new(1.0);
    let mut callers = JoinSet::new();
    for seed in 0..600 {
        let (limiter, riot) = (limiter.clone(), riot.clone());
        callers.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let end = epoch + span;
            while let Ok(mut permit) =
                limiter.acquire(ROUTE, METHOD, CallClass::Refresh, "", Some(end)).await
            {
                permit.sending();
                sleep(delay(&mut random)).await;
                let answer = {
                    let (riot, arrivals) = &mut *riot.lock().expect("not poisoned");
                    arrivals.push(epoch.elapsed().as_secs_f64());
                    riot.arrive(Instant::now())
                };
                sleep(delay(&mut random)).await;
                permit.answered(&answer);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("a caller does not panic");
    }
    let (riot, arrivals) = &mut *riot.lock().expect("not poisoned");
    assert_eq!(riot.violations, 0, "{windowing:?}");
    std::mem::take(arrivals)
}

/// Least share of what is allowed that was used, over the ways in which windows begin: in all
/// (against `n × span ÷ D`), and from window to window (against `n ÷ D`), where it does not matter how
/// many windows happen to begin within the span.
async fn utilisation(limits: &[(u32, u64)], span_s: u64) -> (f64, f64) {
    let (n, period_s) = *limits
        .iter()
        .min_by_key(|(n, period_s)| u64::from(*n) * 1_000_000 / period_s)
        .expect("there are limits");
    let rate = f64::from(n) / period_s as f64;
    let (mut least, mut least_steady) = (f64::INFINITY, f64::INFINITY);
    for windowing in WINDOWINGS {
        let arrivals = load(limits, windowing, Duration::from_secs(span_s)).await;
        let used = arrivals.len() as f64 / (rate * span_s as f64);
        let first = n as usize;
        let last = (arrivals.len() - 1) / first * first;
        let steady = (last - first) as f64 / (arrivals[last] - arrivals[first]) / rate;
        println!(
            "{limits:?} {windowing:?}: {} requests in {span_s} s, {:.2} %, steady {:.2} %",
            arrivals.len(),
            used * 100.0,
            steady * 100.0,
        );
        least = least.min(used);
        least_steady = least_steady.min(steady);
    }
    (least, least_steady)
}

#[tokio::test(start_paused = true)]
async fn a_development_key_is_used_to_99_percent_without_a_429() {
    let (used, steady) = utilisation(&[(20, 1), (100, 120)], 1200).await;
    assert!(used >= 0.99 && steady >= 0.99, "{used} {steady}");
}

#[tokio::test(start_paused = true)]
async fn a_production_key_is_used_to_99_percent_without_a_429() {
    let (used, steady) = utilisation(&[(500, 10), (30_000, 600)], 660).await;
    assert!(used >= 0.99 && steady >= 0.99, "{used} {steady}");
}

#[tokio::test(start_paused = true)]
async fn a_method_that_allows_less_than_the_key_does_is_used_as_well() {
    let epoch = Instant::now();
    let rules = |n, seconds| vec![Rule::new(n, seconds, Windowing::FromFirst)];
    let riot = Arc::new(Mutex::new(Riot::new(epoch, rules(500, 10), rules(50, 10))));
    let limiter = Limiter::new(1.0);
    let end = epoch + Duration::from_secs(600);
    let mut callers = JoinSet::new();
    for _ in 0..60 {
        let (limiter, riot) = (limiter.clone(), riot.clone());
        callers.spawn(async move {
            while let Ok(mut permit) =
                limiter.acquire(ROUTE, METHOD, CallClass::Backfill, "", Some(end)).await
            {
                permit.sending();
                sleep(Duration::from_millis(30)).await;
                let answer = riot.lock().expect("not poisoned").arrive(Instant::now());
                sleep(Duration::from_millis(30)).await;
                permit.answered(&answer);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("a caller does not panic");
    }
    let riot = riot.lock().expect("not poisoned");
    assert_eq!(riot.violations, 0);
    assert!(riot.counted >= 2970, "{}", riot.counted);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_a_window_breaks_nothing() {
    for windowing in WINDOWINGS {
        let epoch = Instant::now();
        let app = vec![Rule::new(20, 1, windowing), Rule::new(100, 120, windowing)];
        let riot = &mut Riot::new(epoch, app, vec![Rule::new(2000, 10, windowing)]);
        // Each process sends as much as it may for 70 seconds, then is gone with what it knew.
        for _ in 0..4 {
            let limiter = Limiter::new(1.0);
            let end = Instant::now() + Duration::from_secs(70);
            while let Ok(mut permit) =
                limiter.acquire(ROUTE, METHOD, CallClass::Refresh, "", Some(end)).await
            {
                permit.sending();
                let answer = riot.arrive(Instant::now());
                sleep(Duration::from_millis(20)).await;
                permit.answered(&answer);
            }
            sleep_until(end).await;
        }
        // The second and the fourth find the window full, and no way to know it but to ask.
        assert!(riot.violations <= 2, "{windowing:?}: {}", riot.violations);
        assert!(riot.counted >= 200, "{windowing:?}: {}", riot.counted);
    }
}

/// Somebody else sends with the same key all the time, three requests in ten of what it allows.
/// What we sent, how often we were refused, and how often any of us was.
async fn beside_a_stranger(usage_factor: f64) -> (u64, u64, u32) {
    let epoch = Instant::now();
    let app = vec![Rule::new(100, 10, Windowing::FromFirst)];
    let method = vec![Rule::new(2000, 10, Windowing::FromFirst)];
    let riot = Arc::new(Mutex::new(Riot::new(epoch, app, method)));
    let limiter = Limiter::new(usage_factor);
    let end = epoch + Duration::from_secs(1000);
    let stranger = tokio::spawn({
        let riot = riot.clone();
        async move {
            while Instant::now() < end {
                riot.lock().expect("not poisoned").arrive(Instant::now());
                sleep(Duration::from_millis(334)).await;
            }
        }
    });
    let mut callers = JoinSet::new();
    for seed in 0..120 {
        let (limiter, riot) = (limiter.clone(), riot.clone());
        callers.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            while let Ok(mut permit) =
                limiter.acquire(ROUTE, METHOD, CallClass::Refresh, "", Some(end)).await
            {
                permit.sending();
                sleep(delay(&mut random)).await;
                let answer = riot.lock().expect("not poisoned").arrive(Instant::now());
                sleep(delay(&mut random)).await;
                permit.answered(&answer);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("a caller does not panic");
    }
    stranger.await.expect("a stranger does not panic");
    let route = &limiter.snapshot().routes[0];
    let violations = riot.lock().expect("not poisoned").violations;
    println!("factor {usage_factor}: {} sent, {} refused", route.sent(), route.refusals().total());
    (route.sent(), route.refusals().total(), violations)
}

#[tokio::test(start_paused = true)]
async fn a_usage_factor_keeps_a_shared_key_within_its_limit() {
    let (sent, refused, violations) = beside_a_stranger(0.7).await;
    assert_eq!((refused, violations), (0, 0));
    assert!(sent >= 6900, "{sent}");
}

/// What a stranger will do next cannot be known, only what he did. So without a usage factor it
/// comes to refusals; each leaves him some room, until there are few.
#[tokio::test(start_paused = true)]
async fn an_unexpected_stranger_is_given_room() {
    let (sent, refused, _) = beside_a_stranger(1.0).await;
    assert!(refused * 100 <= sent * 3, "{refused} of {sent}");
    assert!(sent >= 7000, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_is_followed() {
    let epoch = Instant::now();
    let app = vec![Rule::new(100, 10, Windowing::FromFirst)];
    let riot = &mut Riot::new(epoch, app, vec![Rule::new(2000, 10, Windowing::FromFirst)]);
    let limiter = Limiter::new(1.0);
    let mut counts = Vec::new();
    for limit in [100, 40, 150] {
        riot.app[0].limit = limit;
        let before = (riot.counted, riot.violations);
        let end = Instant::now() + Duration::from_secs(105);
        while let Ok(mut permit) =
            limiter.acquire(ROUTE, METHOD, CallClass::Refresh, "", Some(end)).await
        {
            permit.sending();
            let answer = riot.arrive(Instant::now());
            sleep(Duration::from_millis(20)).await;
            permit.answered(&answer);
        }
        sleep_until(end).await;
        counts.push((riot.counted - before.0, riot.violations - before.1));
    }
    // The one request that brings the news may be one too many.
    assert!(counts.iter().all(|(_, violations)| *violations <= 1), "{counts:?}");
    assert!(counts[1].0 <= 11 * 40 && counts[2].0 >= 10 * 140, "{counts:?}");
}

/// One request in a hundred hangs until its time-out, at Riot's door or on the way back; what hangs
/// at the door is counted by nobody.
#[tokio::test(start_paused = true)]
async fn requests_that_hang_cost_their_own_tokens_and_nothing_else() {
    for windowing in WINDOWINGS {
        let epoch = Instant::now();
        let app = vec![Rule::new(100, 10, windowing)];
        let method = vec![Rule::new(60, 7, windowing)];
        let riot = Arc::new(Mutex::new(Riot::new(epoch, app, method)));
        let limiter = Limiter::new(1.0);
        let end = epoch + Duration::from_secs(600);
        let mut callers = JoinSet::new();
        for seed in 0..60 {
            let (limiter, riot) = (limiter.clone(), riot.clone());
            callers.spawn(async move {
                let mut random = StdRng::seed_from_u64(seed);
                while let Ok(mut permit) =
                    limiter.acquire(ROUTE, METHOD, CallClass::Refresh, "", Some(end)).await
                {
                    permit.sending();
                    let hangs = random.random::<f64>() < 0.01;
                    if hangs && random.random::<bool>() {
                        sleep(Duration::from_secs(20)).await;
                        continue;
                    }
                    sleep(delay(&mut random)).await;
                    let answer = riot.lock().expect("not poisoned").arrive(Instant::now());
                    if hangs {
                        sleep(Duration::from_secs(20)).await;
                        continue;
                    }
                    sleep(delay(&mut random)).await;
                    permit.answered(&answer);
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.expect("a caller does not panic");
        }
        let riot = riot.lock().expect("not poisoned");
        assert_eq!(riot.violations, 0, "{windowing:?}");
        // 60 in 7 s is less than 100 in 10 s; a token that hangs is away for nearly three rounds more.
        assert!(riot.counted >= 4800, "{windowing:?}: {}", riot.counted);
    }
}
