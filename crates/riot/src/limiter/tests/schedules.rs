//! Any schedule of calls against a model of Riot: no limit is ever broken, nobody is forgotten.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::riot::{Riot, Rule, Windowing, answer};
use crate::api::CallClass;
use crate::limiter::Sharing;
use crate::limiter::answer::Answer;
use crate::limiter::gate::Gate;
use crate::limiter::state::{Granted, RouteState, Ticket};

const METHOD: &str = "method";
/// As the client's: after this long the connection is closed, and nothing arrives any more.
const TIME_OUT: Duration = Duration::from_secs(20);

/// One call of a schedule, all in milliseconds.
#[derive(Debug, Clone)]
struct Call {
    after_last: u64,
    class: CallClass,
    uplink: u64,
    downlink: u64,
    gives_up_after: Option<u64>,
    /// After its turn.
    goes_away_after: Option<u64>,
    headers: Headers,
}

/// What becomes of the rate-limit headers of an answer.
#[derive(Debug, Clone, Copy)]
enum Headers {
    Whole,
    Absent,
    Garbage,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let class = prop_oneof![
        Just(CallClass::Interactive),
        Just(CallClass::Refresh),
        Just(CallClass::Backfill)
    ];
    // Mostly bursts, with pauses; mostly quick answers, some slow, some that never come.
    let gap = prop_oneof![8 => Just(0_u64), 4 => 0..200_u64, 1 => 0..9000_u64];
    let uplink = prop_oneof![8 => 0..60_u64, 1 => 0..3000_u64];
    let downlink = prop_oneof![16 => 0..60_u64, 2 => 0..3000_u64, 1 => Just(1_000_000_u64)];
    let patience = prop_oneof![8 => Just(None), 1 => (0..5000_u64).prop_map(Some)];
    let headers = prop_oneof![
        8 => Just(Headers::Whole),
        1 => Just(Headers::Absent),
        1 => Just(Headers::Garbage)
    ];
    let call = (gap, class, uplink, downlink, patience.clone(), patience, headers).prop_map(
        |(after_last, class, uplink, downlink, gives_up_after, goes_away_after, headers)| Call {
            after_last,
            class,
            uplink,
            downlink,
            gives_up_after,
            goes_away_after,
            headers,
        },
    );
    vec(call, 1..150)
}

/// Calls of which the first is answered soon, and awaited.
fn calls_answered_at_first() -> impl Strategy<Value = Vec<Call>> {
    calls().prop_map(|mut calls| {
        let first = &mut calls[0];
        (first.uplink, first.downlink) = (first.uplink % 900, first.downlink % 900);
        first.goes_away_after = None;
        // It goes alone, so that no other one goes before it.
        if let Some(second) = calls.get_mut(1) {
            second.after_last += 1;
        }
        calls
    })
}

fn rules(limit: Range<u32>) -> impl Strategy<Value = Vec<Rule>> {
    let windowing = prop_oneof![
        Just(Windowing::FromFirst),
        Just(Windowing::WallAligned),
        Just(Windowing::Sliding)
    ];
    vec((limit, 1..15_u64, windowing), 1..4).prop_map(|rules| {
        let mut by_period = BTreeMap::new();
        for (limit, seconds, windowing) in rules {
            by_period.insert(seconds, Rule::new(limit, seconds, windowing));
        }
        by_period.into_values().collect()
    })
}

#[derive(Debug)]
enum Event {
    Enter(usize),
    GiveUp(usize),
    ArriveAtRiot(usize, Granted),
    Answered(Granted, Box<Answer>),
    TimedOut(Granted),
    GoesAway(Granted),
}

/// What came of a schedule.
struct Outcome {
    riot: Riot,
    state: RouteState,
    granted: Vec<(Ticket, CallClass)>,
    gave_up: usize,
    end: Instant,
}

/// Runs a schedule to its end, or fails if it has none.
fn run(calls: &[Call], app: Vec<Rule>, method: Vec<Rule>) -> Outcome {
    let start = Instant::now();
    let mut riot = Riot::new(start - Duration::from_millis(4321), app, method);
    let mut state = RouteState::new(1.0, Arc::default(), Gate::Open);
    let mut events: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
    let mut bodies: Vec<Option<Event>> = Vec::new();
    let push = |events: &mut BinaryHeap<_>, bodies: &mut Vec<Option<Event>>, at, event| {
        events.push(Reverse((at, bodies.len())));
        bodies.push(Some(event));
    };
    let mut at = start;
    for (index, call) in calls.iter().enumerate() {
        at += Duration::from_millis(call.after_last);
        push(&mut events, &mut bodies, at, Event::Enter(index));
    }
    let mut tickets: BTreeMap<Ticket, usize> = BTreeMap::new();
    let mut granted_order = Vec::new();
    let mut gave_up = 0;
    let mut told = false;
    let mut job = None;
    let mut wake_at = None;
    let mut end = start;
    loop {
        let next_event = events.peek().map(|Reverse((at, _))| *at);
        let Some(now) = [next_event, wake_at].into_iter().flatten().min() else { break };
        end = now;
        while events.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, body))) = events.pop() else { break };
            match bodies[body].take().expect("each event happens once") {
                Event::Enter(index) => {
                    let (ticket, of) = state.enter(METHOD, calls[index].class, "", now);
                    job = Some(of);
                    tickets.insert(ticket, index);
                    if let Some(patience) = calls[index].gives_up_after {
                        let at = now + Duration::from_millis(patience);
                        push(&mut events, &mut bodies, at, Event::GiveUp(index));
                    }
                }
                Event::GiveUp(index) => {
                    let place = tickets.iter().find(|(_, call)| **call == index);
                    if let Some(ticket) = place.map(|(ticket, _)| *ticket) {
                        let job = job.expect("who gives up has entered");
                        state.leave(METHOD, calls[index].class, job, ticket);
                        tickets.remove(&ticket);
                        gave_up += 1;
                    }
                }
                Event::ArriveAtRiot(index, granted) => {
                    let riot_answer = riot.arrive(now);
                    let answer = match calls[index].headers {
                        // Who never hears of a limit cannot keep it: the first answers are whole.
                        Headers::Absent if told => answer(200, &[]),
                        Headers::Garbage if told => {
                            answer(200, &[("x-app-rate-limit", "1;1"), ("x-method-rate-limit", "")])
                        }
                        _ => riot_answer,
                    };
                    let downlink = Duration::from_millis(calls[index].downlink);
                    let (at, event) = if now + downlink < granted.at + TIME_OUT {
                        (now + downlink, Event::Answered(granted, Box::new(answer)))
                    } else {
                        (granted.at + TIME_OUT, Event::TimedOut(granted))
                    };
                    push(&mut events, &mut bodies, at, event);
                }
                Event::Answered(granted, answer) => {
                    told = true;
                    state.answered(&granted, now, &answer, 0.5);
                }
                Event::TimedOut(granted) => state.unanswered(&granted, now),
                Event::GoesAway(granted) => {
                    state.forsaken(&granted);
                }
            }
        }
        let polled = state.poll(now);
        assert!(polled.wake_at.is_none_or(|at| at > now), "a turn that is now is granted now");
        wake_at = polled.wake_at;
        for granted in polled.granted {
            let index =
                tickets.remove(&granted.ticket).expect("granted once, and not after leaving");
            granted_order.push((granted.ticket, granted.class));
            assert!(state.sending(&granted, now));
            if let Some(patience) = calls[index].goes_away_after {
                let at = now + Duration::from_millis(patience);
                push(&mut events, &mut bodies, at, Event::GoesAway(granted));
            }
            let at = now + Duration::from_millis(calls[index].uplink);
            push(&mut events, &mut bodies, at, Event::ArriveAtRiot(index, granted));
        }
    }
    assert_eq!(tickets.len(), 0, "everyone has had a turn or left");
    Outcome { riot, state, granted: granted_order, gave_up, end }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_breaks_a_limit_and_everyone_has_a_turn(
        calls in calls_answered_at_first(), app in rules(1..12), method in rules(1..12)
    ) {
        keeps_to_the_rules(&calls, app, method)?;
    }

    // Nobody can keep a limit of one who is told of it by no answer; Riot's limits are larger.
    #[test]
    fn no_schedule_does_when_the_first_answers_fail_to_come_either(
        calls in calls(), app in rules(5..16), method in rules(5..16)
    ) {
        keeps_to_the_rules(&calls, app, method)?;
    }
}

fn keeps_to_the_rules(
    calls: &[Call],
    app: Vec<Rule>,
    method: Vec<Rule>,
) -> Result<(), TestCaseError> {
    let outcome = run(calls, app, method);
    prop_assert_eq!(outcome.riot.violations, 0);
    prop_assert_eq!(outcome.granted.len() + outcome.gave_up, calls.len());
    prop_assert_eq!(outcome.riot.counted as usize, outcome.granted.len());

    for class in [CallClass::Interactive, CallClass::Refresh, CallClass::Backfill] {
        let turns: Vec<Ticket> =
            outcome.granted.iter().filter(|(_, c)| *c == class).map(|(t, _)| *t).collect();
        prop_assert!(turns.is_sorted(), "first come, first served: {:?}", turns);
    }

    // At rest every token is back: none was lost, none was made up, none was taken for
    // somebody else's.
    let later = outcome.end + Duration::from_secs(200);
    let route = riftwatch_domain::routing::Region::Europe.into();
    let snapshot = outcome.state.snapshot(route, Sharing::Alone, later);
    prop_assert_eq!(snapshot.in_flight, 0);
    let method_windows = snapshot.methods.iter().flat_map(|method| &method.windows);
    for window in snapshot.windows.iter().chain(method_windows) {
        prop_assert_eq!((window.held, window.foreign), (0, 0));
        prop_assert_eq!(window.free, u64::from(window.limit));
    }
    for window in outcome.state.snapshot(route, Sharing::Alone, outcome.end).windows {
        prop_assert_eq!(window.foreign, 0, "we are alone");
    }
    Ok(())
}
