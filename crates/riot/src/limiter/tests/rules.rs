//! The state machine, rule by rule. Time is a number here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::riot::answer;
use crate::api::CallClass::{self, Backfill, Interactive, Refresh};
use crate::limiter::Sharing;
use crate::limiter::answer::Answer;
use crate::limiter::gate::Gate;
use crate::limiter::state::{Granted, RouteState};

const MATCH: &str = "match-v5.getMatch";
const IDS: &str = "match-v5.getMatchIdsByPUUID";

fn state(usage_factor: f64) -> RouteState {
    let shares = BTreeMap::from([("important".to_owned(), 3)]);
    RouteState::new(usage_factor, Arc::new(shares), Gate::Open)
}

/// A route with a clock.
struct Bench {
    state: RouteState,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self { state: state(1.0), now: Instant::now() }
    }

    /// A route on which Riot has told these limits, and nothing is held any more.
    fn told(app: &str, method: &str) -> Self {
        let mut bench = Self::new();
        for name in [MATCH, IDS] {
            bench.enter(name, Refresh);
            let granted = bench.poll();
            bench.answered(&granted[0], &limits(app, method));
            bench.pass(7200.0);
        }
        bench
    }

    fn pass(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    fn enter(&mut self, method: &'static str, class: CallClass) {
        self.state.enter(method, class, "", self.now);
    }

    fn enter_many(&mut self, method: &'static str, count: usize) {
        for _ in 0..count {
            self.enter(method, Refresh);
        }
    }

    fn poll(&mut self) -> Vec<Granted> {
        self.state.poll(self.now).granted
    }

    /// Seconds from now until the state wants to look again.
    fn wake_in(&mut self) -> Option<f64> {
        let polled = self.state.poll(self.now);
        assert_eq!(polled.granted, [], "nobody's turn now");
        polled.wake_at.map(|at| (at - self.now).as_secs_f64())
    }

    fn answered(&mut self, granted: &Granted, answer: &Answer) {
        self.state.answered(granted, self.now, answer, 0.0);
    }

    /// Seconds from now until a newcomer's turn.
    fn estimate(&mut self, class: CallClass) -> f64 {
        (self.state.earliest_turn(MATCH, class, "", self.now) - self.now).as_secs_f64()
    }
}

fn limits(app: &str, method: &str) -> Answer {
    answer(200, &[("x-app-rate-limit", app), ("x-method-rate-limit", method)])
}

fn refused(headers: &[(&str, &str)]) -> Answer {
    answer(429, headers)
}

#[test]
fn before_the_first_answer_one_request_at_a_time_goes_out() {
    let mut bench = Bench::new();
    bench.enter_many(MATCH, 3);
    bench.enter(IDS, Refresh);
    let first = bench.poll();
    assert_eq!(first.len(), 1);
    assert_eq!(bench.wake_in(), Some(2.0), "when the answer is late");
    // The key's limits are told with it, this method's too; the other method's are not.
    bench.answered(&first[0], &limits("100:10", "50:10"));
    bench.enter_many(IDS, 3);
    let next = bench.poll();
    assert_eq!(next.iter().filter(|g| g.method == MATCH).count(), 2);
    assert_eq!(next.iter().filter(|g| g.method == IDS).count(), 1);
}

#[test]
fn a_first_answer_that_does_not_come_lets_others_try_up_to_five_at_once() {
    let mut bench = Bench::new();
    bench.enter_many(MATCH, 7);
    let first = bench.poll();
    for _ in 1..5 {
        assert_eq!(bench.wake_in(), Some(2.0));
        bench.pass(2.0);
        assert_eq!(bench.poll().len(), 1);
    }
    assert_eq!(bench.wake_in(), None, "riot does not answer at all");
    bench.state.unanswered(&first[0], bench.now);
    assert_eq!(bench.wake_in(), Some(2.0), "the last is not late yet");
    bench.pass(2.0);
    let last = bench.poll();
    assert_eq!(last.len(), 1);
    let route = riftwatch_domain::routing::Region::Europe.into();
    let windows = bench.state.snapshot(route, Sharing::Alone, bench.now).windows;
    assert_eq!((windows[0].held, windows[1].held), (5, 6), "what is not answered is counted");
    bench.answered(&last[0], &limits("6:120", "50:10"));
    assert_eq!(bench.poll().len(), 0, "also against the limits that are told then");
}

#[test]
fn who_goes_away_before_the_first_answer_holds_up_nobody() {
    let mut bench = Bench::new();
    bench.enter_many(MATCH, 9);
    let mut gone = Vec::new();
    for _ in 0..5 {
        let granted = bench.poll();
        assert_eq!(granted.len(), 1);
        assert_eq!(bench.wake_in().is_some(), gone.len() < 4);
        assert!(bench.state.forsaken(&granted[0]));
        assert!(!bench.state.forsaken(&granted[0]), "once is enough");
        gone.extend(granted);
    }
    assert_eq!(bench.wake_in(), None, "five are unanswered");
    bench.answered(&gone[2], &answer(200, &[]));
    assert_eq!(bench.poll().len(), 1);
    assert_eq!(bench.poll().len(), 0, "somebody waits for this one");
    assert!(!bench.state.forsaken(&gone[2]), "it is over");
    for granted in [&gone[0], &gone[1], &gone[3]] {
        bench.state.unanswered(granted, bench.now);
    }
    bench.state.unsent(&gone[4]);
    assert_eq!(bench.wake_in(), Some(2.0), "those who are gone and answered are not counted twice");
}

#[test]
fn without_headers_the_least_keys_limits_hold() {
    let mut bench = Bench::new();
    bench.enter_many(MATCH, 21);
    for _ in 0..20 {
        let granted = bench.poll();
        assert_eq!(granted.len(), 1);
        bench.answered(&granted[0], &answer(200, &[]));
    }
    assert_eq!(bench.wake_in(), Some(1.0), "20 in a second are used up");
}

#[test]
fn a_token_comes_back_one_window_after_the_answer() {
    let mut bench = Bench::told("2:10", "1000:10");
    bench.enter_many(MATCH, 3);
    let granted = bench.poll();
    assert_eq!(granted.len(), 2);
    bench.pass(1.0);
    bench.answered(&granted[0], &answer(200, &[]));
    bench.pass(2.0);
    bench.answered(&granted[1], &answer(200, &[]));
    assert_eq!(bench.wake_in(), Some(8.0));
    bench.pass(7.999);
    assert_eq!(bench.poll().len(), 0);
    bench.pass(0.001);
    assert_eq!(bench.poll().len(), 1);
}

#[test]
fn what_was_never_sent_costs_nothing_and_what_was_never_answered_costs_as_an_answer() {
    let mut bench = Bench::told("1:10", "1000:10");
    bench.enter_many(MATCH, 3);
    let granted = bench.poll();
    bench.state.unsent(&granted[0]);
    let granted = bench.poll();
    assert_eq!(granted.len(), 1);
    bench.pass(20.0);
    bench.state.unanswered(&granted[0], bench.now);
    assert_eq!(bench.wake_in(), Some(10.0));
}

#[test]
fn a_new_window_knows_what_was_sent_before_it_was_told() {
    let mut bench = Bench::told("100:1", "1000:10");
    bench.enter_many(MATCH, 6);
    let granted = bench.poll();
    assert_eq!(granted.len(), 6);
    for granted in &granted {
        bench.answered(granted, &limits("100:1,6:120", "1000:10"));
    }
    bench.pass(5.0);
    bench.enter(MATCH, Refresh);
    assert_eq!(bench.wake_in(), Some(115.0));
}

#[test]
fn a_smaller_limit_holds_at_once_and_a_larger_one_too() {
    let mut bench = Bench::told("10:10", "1000:10");
    bench.enter_many(MATCH, 5);
    for granted in bench.poll() {
        bench.answered(&granted, &limits("3:10", "1000:10"));
    }
    bench.enter_many(MATCH, 2);
    assert_eq!(bench.wake_in(), Some(10.0));
    bench.pass(10.0);
    let granted = bench.poll();
    assert_eq!(granted.len(), 2);
    bench.enter_many(MATCH, 4);
    bench.answered(&granted[0], &limits("6:10", "1000:10"));
    assert_eq!(bench.poll().len(), 4);
}

#[test]
fn headers_that_are_garbled_or_gone_change_nothing() {
    let mut bench = Bench::told("5:10", "1000:10");
    bench.enter_many(MATCH, 3);
    let garbage = [("x-app-rate-limit", "many"), ("x-app-rate-limit-count", "1:x")];
    for granted in bench.poll() {
        bench.answered(&granted, &answer(200, &garbage));
    }
    bench.enter_many(MATCH, 9);
    assert_eq!(bench.poll().len(), 2);
    let route = riftwatch_domain::routing::Region::Europe.into();
    assert_eq!(bench.state.snapshot(route, Sharing::Alone, bench.now).garbled_headers, 6);
}

#[test]
fn use_by_others_is_set_aside_for_one_window() {
    let mut bench = Bench::told("10:10", "1000:10");
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    let counts = [("x-app-rate-limit", "10:10"), ("x-app-rate-limit-count", "8:10")];
    bench.answered(&granted[0], &answer(200, &counts));
    bench.enter_many(MATCH, 5);
    assert_eq!(bench.poll().len(), 2, "one is ours, seven are not");
    assert_eq!(bench.wake_in(), Some(10.0));
    bench.pass(10.0);
    assert_eq!(bench.poll().len(), 3);
}

#[test]
fn our_own_requests_are_never_taken_for_others() {
    let mut bench = Bench::told("10:10", "1000:10");
    bench.enter_many(MATCH, 10);
    let granted = bench.poll();
    // Answered in the wrong order: the last one's count comes first.
    for (granted, count) in granted.iter().zip((1..=10).rev()) {
        bench.pass(0.1);
        let count = format!("{count}:10");
        let counts = [("x-app-rate-limit", "10:10"), ("x-app-rate-limit-count", count.as_str())];
        bench.answered(granted, &answer(200, &counts));
    }
    bench.pass(9.1);
    bench.enter_many(MATCH, 10);
    assert_eq!(bench.poll().len(), 1, "the first token is back, and no more are missing");
    let route = riftwatch_domain::routing::Region::Europe.into();
    assert_eq!(bench.state.snapshot(route, Sharing::Alone, bench.now).windows[0].foreign, 0);
}

#[test]
fn an_application_429_stops_the_route_until_retry_after_and_then_one_tries() {
    let mut bench = Bench::told("100:10", "1000:10");
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.answered(
        &granted[0],
        &refused(&[("x-rate-limit-type", "application"), ("retry-after", "7")]),
    );
    bench.enter_many(MATCH, 5);
    bench.enter_many(IDS, 5);
    assert_eq!(bench.wake_in(), Some(7.0));
    bench.pass(7.0);
    let first = bench.poll();
    assert_eq!(first.len(), 1);
    assert_eq!(bench.wake_in(), Some(2.0), "when its answer is late");
    bench.answered(&first[0], &answer(200, &[]));
    assert_eq!(bench.poll().len(), 9);
}

#[test]
fn method_and_service_429s_stop_the_method_only() {
    for scope in ["method", "service", "something new"] {
        let mut bench = Bench::told("100:10", "1000:10");
        bench.enter(MATCH, Refresh);
        let granted = bench.poll();
        let headers = [("x-rate-limit-type", scope), ("retry-after", "7")];
        bench.answered(&granted[0], &refused(&headers));
        bench.enter_many(MATCH, 2);
        bench.enter_many(IDS, 2);
        let others = bench.poll();
        assert_eq!(others.iter().map(|g| g.method).collect::<Vec<_>>(), [IDS, IDS], "{scope}");
        assert_eq!(bench.wake_in(), Some(7.0), "{scope}");
    }
}

#[test]
fn untyped_429s_wait_longer_each_time_up_to_a_minute_and_forget_it_after_an_answer() {
    let mut bench = Bench::told("100:10", "1000:10");
    bench.enter_many(MATCH, 1);
    for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        let granted = bench.poll();
        bench.answered(&granted[0], &refused(&[]));
        bench.enter(MATCH, Refresh);
        assert_eq!(bench.wake_in(), Some(expected));
        bench.pass(expected);
    }
    let granted = bench.poll();
    bench.answered(&granted[0], &answer(200, &[]));
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.pass(0.1);
    bench.answered(&granted[0], &refused(&[]));
    bench.enter(MATCH, Refresh);
    assert_eq!(bench.wake_in(), Some(1.0));
}

#[test]
fn requests_refused_together_count_as_one_mistake() {
    let mut bench = Bench::told("1000:10", "1000:10");
    bench.enter_many(MATCH, 20);
    for granted in bench.poll() {
        bench.pass(0.01);
        bench.answered(&granted, &refused(&[]));
    }
    bench.enter(MATCH, Refresh);
    assert_eq!(bench.wake_in(), Some(1.0));
}

#[test]
fn without_retry_after_the_window_of_our_own_log_is_waited_for() {
    let mut bench = Bench::told("100:10", "1000:10");
    bench.enter_many(MATCH, 2);
    let granted = bench.poll();
    bench.answered(&granted[0], &answer(200, &[]));
    bench.pass(4.0);
    bench.answered(&granted[1], &refused(&[("x-rate-limit-type", "application")]));
    bench.enter(MATCH, Refresh);
    assert_eq!(bench.wake_in(), Some(6.0), "by our log the window began four seconds ago");
}

#[test]
fn without_retry_after_the_counts_tell_which_window_is_full() {
    let mut bench = Bench::told("100:10,1000:120", "1000:10");
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    let headers =
        [("x-rate-limit-type", "application"), ("x-app-rate-limit-count", "101:10,102:120")];
    bench.answered(&granted[0], &refused(&headers));
    bench.enter(MATCH, Refresh);
    assert_eq!(bench.wake_in(), Some(10.0));
}

#[test]
fn a_429_costs_one_percent_of_the_limit_for_ten_windows() {
    let mut bench = Bench::told("100:10", "1000:10");
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.answered(
        &granted[0],
        &refused(&[("x-rate-limit-type", "application"), ("retry-after", "1")]),
    );
    let mut sent_in_a_window = |seconds: f64| {
        bench.pass(seconds);
        bench.enter_many(MATCH, 300);
        let mut sent = 0;
        loop {
            let granted = bench.poll();
            if granted.is_empty() {
                return sent;
            }
            sent += granted.len();
            for granted in granted {
                bench.answered(&granted, &answer(200, &[]));
            }
        }
    };
    assert_eq!(sent_in_a_window(50.0), 99);
    assert_eq!(sent_in_a_window(60.0), 100);
}

#[test]
fn the_usage_factor_leaves_room_for_other_tools() {
    let mut bench = Bench::told("10:10", "1000:10");
    bench.state = state(0.5);
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.answered(&granted[0], &limits("11:10", "1000:10"));
    bench.enter_many(MATCH, 10);
    assert_eq!(bench.poll().len(), 4);
}

#[test]
fn within_a_class_the_first_come_goes_first_also_across_methods() {
    let mut bench = Bench::told("3:10", "1000:10");
    for method in [MATCH, IDS, IDS, MATCH] {
        bench.enter(method, Refresh);
    }
    assert_eq!(bench.poll().iter().map(|g| g.method).collect::<Vec<_>>(), [MATCH, IDS, IDS]);
}

#[test]
fn classes_share_what_is_scarce() {
    let mut bench = Bench::told("120:10", "1000:10");
    for class in [Backfill, Refresh, Interactive] {
        for _ in 0..200 {
            bench.enter(MATCH, class);
        }
    }
    let granted = bench.poll();
    let of = |class| granted.iter().filter(|g| g.class == class).count() as f64;
    assert_eq!(granted.len(), 120);
    // Within one turn: who was last to go before it began is a turn behind.
    for (class, share) in [(Interactive, 80.0), (Refresh, 30.0), (Backfill, 10.0)] {
        assert!((of(class) - share).abs() <= 1.0, "{class:?}: {}", of(class));
    }
    assert_eq!(granted[0].class, Interactive);
}

#[test]
fn jobs_share_a_class_equally_however_much_one_of_them_asks_for() {
    let mut bench = Bench::told("40:10", "1000:10");
    for _ in 0..500 {
        bench.state.enter(MATCH, Refresh, "greedy", bench.now);
    }
    for _ in 0..10 {
        bench.state.enter(IDS, Refresh, "modest", bench.now);
    }
    let granted = bench.poll();
    assert_eq!(granted.len(), 40);
    assert_eq!(granted.iter().filter(|g| g.method == IDS).count(), 10, "all it asked for");
}

#[test]
fn a_job_with_a_share_of_three_has_three_turns_of_four() {
    let mut bench = Bench::told("80:10", "1000:10");
    for _ in 0..200 {
        bench.state.enter(MATCH, Refresh, "any", bench.now);
        bench.state.enter(IDS, Refresh, "important", bench.now);
    }
    let granted = bench.poll();
    let important = granted.iter().filter(|g| g.method == IDS).count();
    assert!((59..=61).contains(&important), "{important}");
    let route = riftwatch_domain::routing::Region::Europe.into();
    for granted in &granted {
        assert!(bench.state.sending(granted, bench.now));
    }
    let jobs = bench.state.snapshot(route, Sharing::Alone, bench.now).jobs;
    let shown: Vec<_> = jobs
        .iter()
        .map(|job| (job.job.as_str(), job.share, job.waiting as u64 + job.sent))
        .collect();
    assert_eq!(shown, [("", 1, 0), ("any", 1, 200), ("important", 3, 200)]);
}

#[test]
fn the_estimate_knows_the_shares_of_jobs() {
    let mut bench = Bench::told("2:10", "1000:10");
    bench.enter_many(MATCH, 2);
    for granted in &bench.poll() {
        bench.answered(granted, &answer(200, &[]));
    }
    for _ in 0..10 {
        bench.state.enter(MATCH, Refresh, "greedy", bench.now);
    }
    let wait = |bench: &mut Bench, job| {
        (bench.state.earliest_turn(MATCH, Refresh, job, bench.now) - bench.now).as_secs()
    };
    assert_eq!(wait(&mut bench, "greedy"), 60, "after ten others, two in a window");
    assert_eq!(wait(&mut bench, "modest"), 10, "after one of them");
    assert_eq!(wait(&mut bench, "important"), 10);
}

#[test]
fn what_strangers_used_is_expected_of_them_again() {
    let mut bench = Bench::told("10:10", "1000:10");
    let counted = |count: u32| {
        let count = format!("{count}:10");
        answer(200, &[("x-app-rate-limit", "10:10"), ("x-app-rate-limit-count", &count)])
    };
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.answered(&granted[0], &counted(1));
    bench.enter(MATCH, Refresh);
    let granted = bench.poll();
    bench.answered(&granted[0], &counted(6));
    // Four strangers came while we watched. They are forgotten as the windows pass, and four more
    // are expected.
    bench.pass(10.1);
    bench.enter_many(MATCH, 20);
    assert_eq!(bench.poll().len(), 6);
    bench.state = {
        let mut calm = Bench::told("10:10", "1000:10");
        calm.enter(MATCH, Refresh);
        let granted = calm.poll();
        // The first count that one sees may be of one's own past: nothing is expected after it.
        calm.answered(&granted[0], &counted(7));
        calm.pass(10.1);
        bench.now = calm.now;
        calm.state
    };
    bench.enter_many(MATCH, 20);
    assert_eq!(bench.poll().len(), 10);
}

#[test]
fn waits_are_counted_by_class() {
    let mut bench = Bench::told("1:10", "1000:10");
    bench.enter(MATCH, Interactive);
    bench.enter(MATCH, Backfill);
    let granted = bench.poll();
    bench.answered(&granted[0], &answer(200, &[]));
    bench.pass(10.0);
    assert_eq!(bench.poll().len(), 1);
    let route = riftwatch_domain::routing::Region::Europe.into();
    let waits = bench.state.snapshot(route, Sharing::Alone, bench.now).waits;
    assert_eq!((waits.interactive.count(), waits.interactive.sum_seconds), (1, 0.0));
    assert_eq!((waits.backfill.count(), waits.backfill.sum_seconds), (1, 10.0));
}

#[test]
fn who_leaves_the_queue_is_not_waited_for() {
    let mut bench = Bench::told("1:10", "1000:10");
    let (gone, job) = bench.state.enter(MATCH, Refresh, "", bench.now);
    let (stays, _) = bench.state.enter(MATCH, Refresh, "", bench.now);
    bench.state.leave(MATCH, Refresh, job, gone);
    assert_eq!(bench.poll().iter().map(|g| g.ticket).collect::<Vec<_>>(), [stays]);
    bench.state.leave(MATCH, Refresh, job, stays);
}

#[test]
fn the_estimate_counts_those_who_go_first() {
    let mut bench = Bench::told("2:10", "1000:10");
    assert_eq!(bench.estimate(Refresh), 0.0);
    bench.enter_many(MATCH, 2);
    let granted = bench.poll();
    for granted in &granted {
        bench.answered(granted, &answer(200, &[]));
    }
    assert_eq!(bench.estimate(Refresh), 10.0);
    bench.enter_many(MATCH, 2);
    assert_eq!(bench.estimate(Refresh), 20.0, "two wait already for the next window");
    assert_eq!(bench.estimate(Interactive), 10.0, "of those, none goes before a person");
    bench.enter_many(MATCH, 4);
    assert_eq!(bench.estimate(Refresh), 40.0);
}

#[test]
fn callers_of_a_closed_method_are_not_counted_before_others() {
    let mut bench = Bench::told("2:10", "1000:10");
    bench.enter(IDS, Refresh);
    let granted = bench.poll();
    let headers = [("x-rate-limit-type", "service"), ("retry-after", "60")];
    bench.answered(&granted[0], &refused(&headers));
    bench.enter_many(IDS, 50);
    bench.pass(10.0);
    assert_eq!(bench.estimate(Refresh), 0.0);
}
