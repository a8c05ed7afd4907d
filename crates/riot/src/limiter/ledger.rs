//! What was spent of a route's budget, written down for the next process that spends from it.
//!
//! All times are milliseconds before the moment of writing, or after it where the name says `_in`.
//! They are rounded to the later side, which can only hold a token for longer.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::budget::{Budget, Window, seconds};

/// Answers closer together than this are written as one …
const GRAIN_MS: i64 = 20;
/// … and those that are long past, when they are closer than this part of their age: a token held for
/// a hundredth of a window longer costs a hundredth of the budget.
const GRAINS_PER_AGE: i64 = 128;

/// A route: the key's limits there, and each method's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub(super) app: BudgetLedger,
    pub(super) methods: BTreeMap<String, BudgetLedger>,
}

/// One budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BudgetLedger {
    windows: Vec<WindowLedger>,
    known: bool,
    counted: bool,
    careful: bool,
    /// Sent and not answered.
    in_flight: u32,
    /// When answers came, and how many, oldest first. Below zero: may come until then.
    answered: Vec<(i64, u32)>,
    blocked_in: Option<i64>,
    refused: Option<i64>,
    strikes: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WindowLedger {
    limit: u32,
    seconds: u32,
    #[serde(default)]
    foreign_in: Vec<(i64, u32)>,
    #[serde(default)]
    expected_in: Vec<(i64, u32)>,
    #[serde(default)]
    penalties_in: Vec<i64>,
}

/// What the reader of a ledger must add to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The reader's time.
    pub(super) now: Instant,
    /// Since the ledger was written.
    pub(super) age_ms: i64,
    /// Requests that the writer may have sent after writing.
    pub(super) unknown: u32,
    /// After the writing, the latest time at which what was in flight or is unknown can be counted.
    pub(super) settled_in_ms: i64,
}

impl Reading {
    /// A time so long before the writing.
    fn before(&self, ms: i64) -> Instant {
        self.after(-ms)
    }

    /// A time so long after the writing. A time before the machine's start is taken for now.
    fn after(&self, ms: i64) -> Instant {
        let from_now = ms - self.age_ms;
        let by = Duration::from_millis(from_now.unsigned_abs());
        if from_now >= 0 { self.now + by } else { self.now.checked_sub(by).unwrap_or(self.now) }
    }
}

impl BudgetLedger {
    pub(super) fn of(budget: &Budget, now: Instant) -> Self {
        let longest = budget.windows.iter().map(|window| window.period).max();
        // Before the limits are known, everything may matter to a window that is told next.
        let reach = longest.filter(|_| budget.known);
        let held = |at: &&Instant| reach.is_none_or(|reach| **at + reach > now);
        Self {
            windows: budget.windows.iter().map(|window| WindowLedger::of(window, now)).collect(),
            known: budget.known,
            counted: budget.counted,
            careful: budget.careful,
            in_flight: budget.in_flight,
            answered: grouped(budget.answered.iter().filter(held).map(|at| age_ms(*at, now))),
            blocked_in: budget.blocked_until.map(|until| until_ms(until, now)).filter(|ms| *ms > 0),
            refused: budget.refused_at.map(|at| age_ms(at, now)),
            strikes: budget.strikes,
        }
    }

    /// The budget as it is to the reader.
    pub(super) fn read(&self, usage_factor: f64, reading: Reading) -> Budget {
        let mut budget = Budget::guessed(&[], usage_factor);
        budget.windows = self.windows.iter().map(|window| window.read(reading)).collect();
        budget.known = self.known;
        budget.counted = self.counted;
        budget.careful = self.careful;
        let mut answered: Vec<Instant> = Vec::new();
        for (ms, count) in &self.answered {
            answered.extend((0..*count).map(|_| reading.before(*ms)));
        }
        let unsettled = self.in_flight + reading.unknown;
        answered.extend((0..unsettled).map(|_| reading.after(reading.settled_in_ms)));
        answered.sort_unstable();
        budget.answered = answered.into();
        budget.blocked_until = self.blocked_in.map(|ms| reading.after(ms));
        budget.refused_at = self.refused.map(|ms| reading.before(ms));
        budget.strikes = self.strikes;
        budget
    }
}

impl WindowLedger {
    fn of(window: &Window, now: Instant) -> Self {
        let until = |entries: &VecDeque<(Instant, u32)>| {
            entries
                .iter()
                .map(|(until, count)| (until_ms(*until, now), *count))
                .filter(|(ms, _)| *ms > 0)
                .collect()
        };
        Self {
            limit: window.limit,
            seconds: seconds(window.period),
            foreign_in: until(&window.foreign),
            expected_in: until(&window.expected),
            penalties_in: window.penalties.iter().map(|until| until_ms(*until, now)).collect(),
        }
    }

    fn read(&self, reading: Reading) -> Window {
        let until = |entries: &[(i64, u32)]| {
            entries.iter().map(|(ms, count)| (reading.after(*ms), *count)).collect()
        };
        Window {
            foreign: until(&self.foreign_in),
            expected: until(&self.expected_in),
            penalties: self.penalties_in.iter().map(|ms| reading.after(*ms)).collect(),
            ..Window::new(self.limit, self.seconds)
        }
    }
}

/// Whole milliseconds since a time, rounded down; below zero for a time to come.
fn age_ms(at: Instant, now: Instant) -> i64 {
    -until_ms(at, now)
}

/// Whole milliseconds until a time, rounded up.
fn until_ms(at: Instant, now: Instant) -> i64 {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match at.checked_duration_since(now) {
        Some(left) => ms(left) + i64::from(left.subsec_nanos() % 1_000_000 != 0),
        None => -ms(now - at),
    }
}

/// Ages, oldest first, with those that are nearly the same as one: the youngest.
fn grouped(ages: impl Iterator<Item = i64>) -> Vec<(i64, u32)> {
    let mut groups: Vec<(i64, u32)> = Vec::new();
    let mut oldest = 0;
    for age in ages {
        match groups.last_mut() {
            Some((youngest, count)) if oldest - age <= GRAIN_MS.max(oldest / GRAINS_PER_AGE) => {
                *youngest = age;
                *count += 1;
            }
            _ => {
                oldest = age;
                groups.push((age, 1));
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(now: Instant) -> Reading {
        Reading { now, age_ms: 0, unknown: 0, settled_in_ms: 25_000 }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_is_read_back_and_never_too_early() {
        tokio::time::advance(Duration::from_secs(2000)).await;
        let now = Instant::now();
        let mut budget = Budget::guessed(&[(20, 1), (100, 120)], 1.0);
        budget.known = true;
        let times = [119.5, 60.0, 59.9, 2.0, 1.001, 1.0, 0.5, 0.0005];
        budget.answered = times.iter().map(|s| now - Duration::from_secs_f64(*s)).collect();
        budget.windows[1].foreign.push_back((now + Duration::from_micros(30_000_500), 7));
        budget.windows[1].penalties.push(now + Duration::from_secs(5));
        budget.blocked_until = Some(now + Duration::from_millis(1500));
        let ledger = BudgetLedger::of(&budget, now);
        let again = ledger.read(1.0, reading(now));
        assert_eq!(again.answered.len(), budget.answered.len());
        for (read, true_time) in again.answered.iter().zip(&budget.answered) {
            assert!(read >= true_time, "held at least as long");
            let age = now - *true_time;
            assert!(*read - *true_time <= Duration::from_millis(21).max(age / 100), "{age:?}");
        }
        assert_eq!(again.windows[1].foreign[0], (now + Duration::from_millis(30_001), 7));
        assert_eq!(again.windows[1].penalties, budget.windows[1].penalties);
        assert_eq!(again.blocked_until, budget.blocked_until);
        let json = serde_json::to_string(&ledger).expect("plain numbers");
        assert_eq!(serde_json::from_str::<BudgetLedger>(&json).expect("as written"), ledger);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_sent_after_writing_is_held_until_it_cannot_matter() {
        tokio::time::advance(Duration::from_secs(2000)).await;
        let now = Instant::now();
        let mut budget = Budget::guessed(&[(100, 120)], 1.0);
        budget.in_flight = 3;
        let ledger = BudgetLedger::of(&budget, now);
        let later = Reading { age_ms: 10_000, unknown: 5, ..reading(now) };
        let read = ledger.read(1.0, later);
        assert_eq!(read.in_flight, 0, "nobody will answer them here");
        assert_eq!(Vec::from(read.answered), [now + Duration::from_secs(15); 8]);
    }

    #[test]
    fn a_long_log_is_written_short() {
        let busy = (0..600_000).rev().step_by(20);
        let groups = grouped(busy);
        assert!(groups.len() < 900, "{}", groups.len());
        assert_eq!(groups.iter().map(|(_, count)| count).sum::<u32>(), 30_000);
    }
}
