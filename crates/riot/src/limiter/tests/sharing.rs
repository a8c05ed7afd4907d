//! Several processes with one key, each with a limiter of its own, on a clock that jumps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use riftwatch_domain::routing::{Region, Route};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::riot::{Riot, Rule, Windowing};
use super::soak::delay;
use crate::api::CallClass::{self, Backfill, Interactive, Refresh};
use crate::limiter::{KeySharing, Limiter, Sharing, read_shared};
use crate::sharing::{BudgetId, key_hash};
use crate::testing::MemoryRecords;

const ROUTE: Route = Route::Region(Region::Europe);
const METHOD: &str = "match-v5.getMatch";
/// As the client's.
const LONGEST_REQUEST: Duration = Duration::from_secs(25);

const DEVELOPMENT: [(u32, u64); 2] = [(20, 1), (100, 120)];
const PRODUCTION: [(u32, u64); 2] = [(500, 10), (30_000, 600)];

fn riot(limits: &[(u32, u64)], windowing: Windowing) -> Arc<Mutex<Riot>> {
    let rules = |limits: &[(u32, u64)]| {
        limits.iter().map(|(n, seconds)| Rule::new(*n, *seconds, windowing)).collect()
    };
    let app = rules(limits);
    Arc::new(Mutex::new(Riot::new(Instant::now(), app, rules(&[(2000, 10)]))))
}

fn process(records: &MemoryRecords, number: u64) -> Limiter {
    let sharing = KeySharing {
        records: Arc::new(records.clone()),
        key_hash: key_hash(b"RGAPI-any"),
        process: number,
        longest_request: LONGEST_REQUEST,
    };
    Limiter::of_key(1.0, Arc::default(), Some(sharing))
}

/// One request there and back. `None`: no turn until `end`, or the process was killed.
async fn request(
    limiter: &Limiter,
    riot: &Mutex<Riot>,
    class: CallClass,
    random: &mut StdRng,
    end: Instant,
    is_dead: &AtomicBool,
) -> Option<()> {
    let acquired = timeout_at(end, limiter.acquire(ROUTE, METHOD, class, "", Some(end))).await;
    let mut permit = acquired.ok()?.ok()?;
    if !permit.sending() {
        return Some(());
    }
    // What a process has sent before it dies arrives all the same.
    sleep(delay(random)).await;
    let answer = riot.lock().expect("not poisoned").arrive(Instant::now());
    sleep(delay(random)).await;
    if is_dead.load(Ordering::Relaxed) {
        std::mem::forget(permit);
        return None;
    }
    permit.answered(&answer);
    Some(())
}

/// Callers of a process who always want more, until `end`.
fn callers(
    tasks: &mut JoinSet<()>,
    limiter: &Limiter,
    riot: &Arc<Mutex<Riot>>,
    count: u64,
    seed: u64,
    end: Instant,
    is_dead: &Arc<AtomicBool>,
) {
    for caller in 0..count {
        let (limiter, riot, is_dead) = (limiter.clone(), riot.clone(), is_dead.clone());
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed * 1000 + caller);
            while request(&limiter, &riot, Refresh, &mut random, end, &is_dead).await.is_some() {}
        });
    }
}

async fn all(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        done.expect("a caller does not panic");
    }
}

struct Use {
    /// Of what is allowed.
    share: f64,
    violations: u32,
    changes_per_request: f64,
    /// Of the process that sent least, against an equal share.
    least: f64,
}

async fn load(
    limits: &[(u32, u64)],
    windowing: Windowing,
    processes: u64,
    callers_each: u64,
    span_s: u64,
) -> Use {
    let riot = riot(limits, windowing);
    let records = MemoryRecords::new();
    let end = Instant::now() + Duration::from_secs(span_s);
    let mut tasks = JoinSet::new();
    let alive = Arc::new(AtomicBool::new(false));
    let limiters: Vec<Limiter> = (0..processes).map(|n| process(&records, n)).collect();
    for (seed, limiter) in limiters.iter().enumerate() {
        callers(&mut tasks, limiter, &riot, callers_each, seed as u64, end, &alive);
    }
    all(tasks).await;
    let riot = riot.lock().expect("not poisoned");
    let rate = limits
        .iter()
        .map(|(n, seconds)| f64::from(*n) / *seconds as f64)
        .fold(f64::INFINITY, f64::min);
    let sent = limiters.iter().map(|limiter| limiter.snapshot().routes[0].sent());
    let used = Use {
        share: f64::from(riot.counted) / (rate * span_s as f64),
        violations: riot.violations,
        changes_per_request: records.changes() as f64 / f64::from(riot.counted),
        least: sent.min().expect("processes") as f64 * processes as f64 / f64::from(riot.counted),
    };
    println!(
        "{limits:?} {windowing:?}, {processes} processes: {:.2} % used, {} violations, {:.3} changes a \
         request, least share {:.2}",
        used.share * 100.0,
        used.violations,
        used.changes_per_request,
        used.least,
    );
    used
}

#[tokio::test(start_paused = true)]
async fn two_four_and_eight_processes_use_a_development_key_fully_and_never_break_it() {
    for (processes, windowing) in [
        (1, Windowing::FromFirst),
        (2, Windowing::Sliding),
        (4, Windowing::FromFirst),
        (8, Windowing::WallAligned),
        (8, Windowing::Sliding),
    ] {
        let used = load(&DEVELOPMENT, windowing, processes, 20, 1200).await;
        assert_eq!(used.violations, 0);
        assert!(used.share >= 0.98, "{}", used.share);
        assert!(used.least >= 0.3, "{}", used.least);
    }
}

#[tokio::test(start_paused = true)]
async fn two_four_and_eight_processes_use_a_production_key_fully_and_never_break_it() {
    for (processes, windowing) in [
        (1, Windowing::FromFirst),
        (2, Windowing::WallAligned),
        (4, Windowing::Sliding),
        (8, Windowing::FromFirst),
    ] {
        let used = load(&PRODUCTION, windowing, processes, 20, 620).await;
        assert_eq!(used.violations, 0);
        assert!(used.share >= 0.95, "{}", used.share);
        assert!(used.changes_per_request <= 0.5, "{}", used.changes_per_request);
        assert!(used.least >= 0.5, "{}", used.least);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_is_followed_and_what_it_may_have_sent_is_counted() {
    for windowing in [Windowing::FromFirst, Windowing::Sliding, Windowing::WallAligned] {
        for limits in [&[(20, 1), (100, 30)], &PRODUCTION] {
            let riot = riot(limits, windowing);
            let records = MemoryRecords::new();
            let start = Instant::now();
            let end = start + Duration::from_secs(300);
            let mut tasks = JoinSet::new();
            let mut sent_after = 0;
            // One after the other dies, in the middle of whatever it does.
            for number in 0..4 {
                let dies_at =
                    if number == 3 { end } else { start + Duration::from_secs(7 + 11 * number) };
                let is_dead = Arc::new(AtomicBool::new(false));
                let runtime = process(&records, number);
                callers(&mut tasks, &runtime, &riot, 15, number, dies_at, &is_dead);
                if number < 3 {
                    sleep_until(dies_at).await;
                    is_dead.store(true, Ordering::Relaxed);
                    // Nobody hands on for it: its keeper finds no one waiting, and is stopped before
                    // it can write that down.
                    records.set_away(true);
                    sleep(Duration::from_secs(4)).await;
                    records.set_away(false);
                    sent_after = riot.lock().expect("not poisoned").counted;
                }
            }
            all(tasks).await;
            let riot = riot.lock().expect("not poisoned");
            assert_eq!(riot.violations, 0, "{windowing:?} {limits:?}");
            assert!(riot.counted > sent_after + 100, "the last one works: {}", riot.counted);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_record_nothing_is_sent_and_with_it_again_all_goes_on() {
    let riot = riot(&[(20, 1), (100, 10)], Windowing::Sliding);
    let records = MemoryRecords::new();
    let limiter = process(&records, 1);
    let end = Instant::now() + Duration::from_secs(300);
    let mut tasks = JoinSet::new();
    callers(&mut tasks, &limiter, &riot, 20, 1, end, &Arc::default());
    let counted = || riot.lock().expect("not poisoned").counted;
    sleep(Duration::from_secs(60)).await;
    assert!(counted() > 400, "{}", counted());
    records.set_away(true);
    sleep(Duration::from_secs(10)).await;
    let before = counted();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(counted(), before, "what was written down is used up");
    assert_eq!(limiter.snapshot().routes[0].sharing, Sharing::Unavailable);
    records.set_away(false);
    all(tasks).await;
    assert!(counted() > before + 1500, "{} {before}", counted());
    assert_eq!(riot.lock().expect("not poisoned").violations, 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_alone_waits_for_nobody() {
    let riot = riot(&PRODUCTION, Windowing::FromFirst);
    let records = MemoryRecords::new();
    let limiter = process(&records, 1);
    let random = &mut StdRng::seed_from_u64(1);
    let end = Instant::now() + Duration::from_secs(600);
    let no = AtomicBool::new(false);
    for _ in 0..40 {
        request(&limiter, &riot, Refresh, random, end, &no).await.expect("a turn");
    }
    let waits = limiter.snapshot().routes[0].waits.refresh;
    // The first waits for the turn, some five milliseconds; the others find it here.
    assert_eq!((waits.counts[0], waits.count()), (40, 40), "{waits:?}");
    assert!(records.changes() <= 12, "{}", records.changes());
}

#[tokio::test(start_paused = true)]
async fn a_person_does_not_wait_for_the_turns_of_other_processes_background_work() {
    let riot = riot(&PRODUCTION, Windowing::Sliding);
    let records = MemoryRecords::new();
    let end = Instant::now() + Duration::from_secs(60);
    let mut tasks = JoinSet::new();
    // Eight busy processes with something left of the budget.
    for number in 0..8 {
        callers(&mut tasks, &process(&records, number), &riot, 1, number, end, &Arc::default());
    }
    let limiter = process(&records, 100);
    let random = &mut StdRng::seed_from_u64(1);
    for _ in 0..5 {
        sleep(Duration::from_secs(7)).await;
        let asked = Instant::now();
        let call = limiter.acquire(ROUTE, METHOD, Interactive, "", Some(end));
        let mut permit =
            timeout(Duration::from_secs(3), call).await.expect("soon").expect("a turn");
        assert!(asked.elapsed() <= Duration::from_millis(1700), "{:?}", asked.elapsed());
        assert!(permit.sending());
        sleep(delay(random)).await;
        let answer = riot.lock().expect("not poisoned").arrive(Instant::now());
        permit.answered(&answer);
    }
    all(tasks).await;
    assert_eq!(riot.lock().expect("not poisoned").violations, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_hands_on_at_once_and_who_gives_up_does_not_hold_up_others() {
    let riot = riot(&PRODUCTION, Windowing::Sliding);
    let records = MemoryRecords::new();
    let no = AtomicBool::new(false);
    let random = &mut StdRng::seed_from_u64(1);
    let end = Instant::now() + Duration::from_secs(100);
    let (first, second) = (process(&records, 1), process(&records, 2));
    request(&first, &riot, Backfill, random, end, &no).await.expect("a turn");
    assert_eq!(first.snapshot().routes[0].sharing, Sharing::Here);
    first.leave().await;
    assert_eq!(first.snapshot().routes[0].sharing, Sharing::Elsewhere);
    let asked = Instant::now();
    request(&second, &riot, Refresh, random, end, &no).await.expect("a turn");
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
    // The first asks again, and gives up at once.
    let call = first.acquire(ROUTE, METHOD, Refresh, "", None);
    assert!(timeout(Duration::from_millis(50), call).await.is_err());
    sleep(Duration::from_secs(5)).await;
    let asked = Instant::now();
    request(&second, &riot, Refresh, random, end, &no).await.expect("a turn");
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_first_call_whose_answer_never_comes_holds_up_no_process() {
    let riot = riot(&DEVELOPMENT, Windowing::Sliding);
    let records = MemoryRecords::new();
    let no = AtomicBool::new(false);
    let random = &mut StdRng::seed_from_u64(1);
    let end = Instant::now() + Duration::from_secs(100);
    let (first, second) = (process(&records, 1), process(&records, 2));
    let call = first.acquire(ROUTE, METHOD, Refresh, "", Some(end));
    let mut silent = call.await.expect("a turn");
    assert!(silent.sending());
    for process in [&first, &second] {
        let asked = Instant::now();
        request(process, &riot, Refresh, random, end, &no).await.expect("a turn");
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    }
    let id = BudgetId { key_hash: key_hash(b"RGAPI-any"), route: ROUTE };
    sleep(Duration::from_secs(5)).await;
    let told = || {
        let found = records.found(&id).expect("something was written down");
        let told = read_shared(found).expect("by an owner");
        (told.spent.limits_known, told.spent.windows.last().map(|window| window.held))
    };
    assert_eq!(told(), (true, Some(3)), "what is not answered is counted for all to see");
    drop(silent);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(told(), (true, Some(3)), "for as long as it can matter");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_start_of_all_processes_goes_on_from_the_record() {
    let riot = riot(&DEVELOPMENT, Windowing::FromFirst);
    let records = MemoryRecords::new();
    for number in 0..6 {
        let end = Instant::now() + Duration::from_secs(70);
        let mut tasks = JoinSet::new();
        callers(&mut tasks, &process(&records, number), &riot, 10, number, end, &Arc::default());
        all(tasks).await;
        sleep_until(end + Duration::from_secs(1)).await;
    }
    let riot = riot.lock().expect("not poisoned");
    assert_eq!(riot.violations, 0, "each knew what those before it had used");
    assert!(riot.counted >= 340, "{}", riot.counted);
}
