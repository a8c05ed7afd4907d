//! What Riot counts together: the windows of a key on a route, or of one method on a route.
//!
//! The hold rule: a request takes a token of every window before it is sent and gives it back one
//! window's length after it was answered. So at the moment a request is sent, every other request
//! that Riot could count with it, wherever its window begins, still holds a token; and there are
//! only as many tokens as requests allowed. The cost is one round trip per window.
//!
//! No counter of tokens is kept. There is a log of the times of answers, from which the tokens
//! held in a window of any length can be read, also in one that becomes known later.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::{Rates, Told};
use super::snapshot::WindowSnapshot;

/// The log reaches at least this far back, so that a window learned late finds its past.
const LOG_REACH: Duration = Duration::from_mins(10);
/// The log outlives its windows by this much: an answer is compared with what was held when its
/// request was sent, and a request may take that long.
const LOG_SLACK: Duration = Duration::from_mins(2);
/// Added to every wait that Riot asks for, times a random part, so that not all come back at once.
const JITTER: Duration = Duration::from_millis(250);
/// Percent of a limit that refusals can cost at most.
const MOST_PENALTIES: u64 = 50;
/// What strangers used within a window is expected of them for so many windows more.
const EXPECTED_WINDOWS: u32 = 3;
/// Waits after refusals without a word about how long: 1, 2, 4 … up to this.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);
/// Where one request at a time goes out, one whose answer is so late is not waited for any longer …
const LATE: Duration = Duration::from_secs(2);
/// … unless so many are unanswered. The least of Riot's limits allow more than that.
const MOST_UNANSWERED: u32 = 5;

/// One window: so many requests in so long.
#[derive(Debug)]
pub(super) struct Window {
    /// As Riot says.
    pub(super) limit: u32,
    pub(super) period: Duration,
    /// Use by others of the same key, as Riot's counts betray it: when it is forgotten, how many.
    pub(super) foreign: VecDeque<(Instant, u32)>,
    /// The most that others were seen to use within a period, and until when as much is expected of
    /// them again: the greatest, and those after it that outlive it.
    pub(super) expected: VecDeque<(Instant, u32)>,
    /// Each refusal costs one percent of the limit until then.
    pub(super) penalties: Vec<Instant>,
}

impl Window {
    pub(super) fn new(limit: u32, seconds: u32) -> Self {
        Self {
            limit,
            period: Duration::from_secs(seconds.into()),
            foreign: VecDeque::new(),
            expected: VecDeque::new(),
            penalties: Vec::new(),
        }
    }

    /// Tokens there are: our share of the limit, less penalties; at least one.
    fn tokens(&self, usage_factor: f64, now: Instant) -> u64 {
        let share = self.share(usage_factor);
        let penalties = self.penalties.iter().filter(|until| **until > now).count() as u64;
        (share - (share * penalties.min(MOST_PENALTIES)).div_ceil(100)).max(1)
    }

    /// What the usage factor leaves us, at least one.
    fn share(&self, usage_factor: f64) -> u64 {
        ((f64::from(self.limit) * usage_factor).floor() as u64).max(1)
    }

    /// Tokens to set aside for others: what they use beyond what the usage factor leaves them, and
    /// what can be expected of them. An expectation takes half of the tokens at most, since nobody
    /// else's answers would ever disprove it.
    fn set_aside(&self, usage_factor: f64, now: Instant) -> u64 {
        let theirs = u64::from(self.limit).saturating_sub(self.share(usage_factor));
        let expected = self.expected.iter().find(|(until, _)| *until > now).map_or(0, |(_, n)| *n);
        let expected =
            u64::from(expected).saturating_sub(theirs).min(self.tokens(usage_factor, now) / 2);
        self.foreign_held(now).saturating_sub(theirs).max(expected)
    }

    /// Others were seen at work: as much as they used within this period is expected again.
    fn expect_again(&mut self, now: Instant) {
        let level = u32::try_from(self.foreign_held(now)).unwrap_or(u32::MAX);
        while self.expected.back().is_some_and(|(_, known)| *known <= level) {
            self.expected.pop_back();
        }
        self.expected.push_back((now + self.period * (1 + EXPECTED_WINDOWS), level));
    }

    pub(super) fn foreign_held(&self, now: Instant) -> u64 {
        self.foreign.iter().filter(|(until, _)| *until > now).map(|(_, n)| u64::from(*n)).sum()
    }
}

/// When the next request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Not before this time.
    pub(super) not_before: Instant,
    /// At this time, if nothing is answered sooner. `None`: only after a request in flight has been
    /// answered, which time alone does not bring about.
    pub(super) surely: Option<Instant>,
}

impl Turn {
    pub(super) fn is_now(self, now: Instant) -> bool {
        self.surely.is_some_and(|at| at <= now)
    }

    /// The turn when both allow it.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            not_before: self.not_before.max(other.not_before),
            surely: self.surely.zip(other.surely).map(|(one, other)| one.max(other)),
        }
    }
}

/// A set of windows, and what is known of their use.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) windows: Vec<Window>,
    /// Whether Riot has told the limits. Until then one request at a time goes out.
    pub(super) known: bool,
    /// Whether Riot has told its counts before, so that what is new in them is new in fact.
    pub(super) counted: bool,
    /// After a refusal: one request at a time, until one sent later is answered otherwise.
    pub(super) careful: bool,
    pub(super) usage_factor: f64,
    pub(super) in_flight: u32,
    /// How many of those in flight nobody waits for any more.
    forsaken: u32,
    /// When the last one went out.
    last_taken: Option<Instant>,
    /// When answers came, oldest first. Those that may come still, of requests sent by a process
    /// that is gone, are in it with the latest time at which they can.
    pub(super) answered: VecDeque<Instant>,
    pub(super) blocked_until: Option<Instant>,
    pub(super) refused_at: Option<Instant>,
    pub(super) strikes: u32,
    /// Requests of this process, and when it sent the first.
    sent: u64,
    first_sent: Option<Instant>,
}

impl Budget {
    /// A budget of which only a guess is known: `(requests, seconds)`, which hold until Riot tells.
    pub(super) fn guessed(guess: &[(u32, u32)], usage_factor: f64) -> Self {
        Self {
            windows: guess.iter().map(|(limit, seconds)| Window::new(*limit, *seconds)).collect(),
            known: false,
            counted: false,
            careful: false,
            usage_factor,
            in_flight: 0,
            forsaken: 0,
            last_taken: None,
            answered: VecDeque::new(),
            blocked_until: None,
            refused_at: None,
            strikes: 0,
            sent: 0,
            first_sent: None,
        }
    }

    /// When one more request may go, after `ahead` others that go first.
    pub(super) fn turn(&self, now: Instant, ahead: u64) -> Turn {
        let from = self.blocked_until.map_or(now, |until| until.max(now));
        let mut turn =
            Turn { not_before: from, surely: self.next_probe(now).map(|at| at.max(from)) };
        for window in &self.windows {
            turn = turn.and(self.window_turn(window, now, ahead));
        }
        turn
    }

    /// Where one request at a time goes out: when the next one may, if none is answered until then.
    fn next_probe(&self, now: Instant) -> Option<Instant> {
        let one_at_a_time = !self.known || self.careful;
        if !one_at_a_time || self.in_flight == 0 {
            return Some(now);
        }
        if self.in_flight >= MOST_UNANSWERED {
            return None;
        }
        if self.in_flight == self.forsaken {
            return Some(now);
        }
        self.last_taken.map(|at| now.max(at + LATE))
    }

    fn window_turn(&self, window: &Window, now: Instant, ahead: u64) -> Turn {
        let tokens = window.tokens(self.usage_factor, now);
        let held = (self.answered.len() - self.first_held(window.period, now)) as u64;
        let used = u64::from(self.in_flight) + held + window.set_aside(self.usage_factor, now);
        // Each round of as many requests as there are tokens takes a period.
        let (rounds, place) = (ahead / tokens, ahead % tokens);
        let needed = (used + place + 1).saturating_sub(tokens);
        let known = if needed == 0 { Some(now) } else { self.nth_release(window, now, needed) };
        // Requests in flight give their tokens back one period from now at the earliest.
        let first = known.unwrap_or(now + window.period);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX).min(1_000_000);
        let not_before = first + window.period * rounds;
        Turn { not_before, surely: known.map(|_| not_before) }
    }

    /// Index of the oldest answer whose token is still held in a window of this length.
    fn first_held(&self, period: Duration, now: Instant) -> usize {
        self.answered.partition_point(|at| *at + period <= now)
    }

    /// When the `n`th token from now is given back, counting those already on their way.
    fn nth_release(&self, window: &Window, now: Instant, n: u64) -> Option<Instant> {
        let mut ours = self
            .answered
            .range(self.first_held(window.period, now)..)
            .map(|at| *at + window.period)
            .peekable();
        let mut theirs = window.foreign.iter().filter(|(until, _)| *until > now).peekable();
        let mut released = 0;
        loop {
            let at = match (ours.peek(), theirs.peek()) {
                (Some(our), Some((their, count))) if their < our => {
                    released += u64::from(*count);
                    let at = *their;
                    theirs.next();
                    at
                }
                (Some(our), _) => {
                    released += 1;
                    let at = *our;
                    ours.next();
                    at
                }
                (None, Some((their, count))) => {
                    released += u64::from(*count);
                    let at = *their;
                    theirs.next();
                    at
                }
                (None, None) => return None,
            };
            if released >= n {
                return Some(at);
            }
        }
    }

    /// A request goes out.
    pub(super) fn take(&mut self, now: Instant) {
        self.in_flight += 1;
        self.sent += 1;
        self.first_sent.get_or_insert(now);
        self.last_taken = Some(now);
    }

    /// Nobody waits for the answer to one of those in flight any more. Its token stays taken.
    pub(super) fn forsake(&mut self) {
        self.forsaken += 1;
    }

    /// One that nobody waited for is not in flight any more.
    pub(super) fn forget_forsaken(&mut self) {
        self.forsaken -= 1;
    }

    /// The request did not go out after all.
    pub(super) fn give_back(&mut self) {
        self.in_flight -= 1;
        self.sent -= 1;
    }

    /// Takes over what a ledger tells of the use of the same limits, in place of what was known. The
    /// counts for people go on.
    pub(super) fn replace(&mut self, by: Self) {
        let (sent, first_sent) = (self.sent, self.first_sent);
        *self = Self { sent, first_sent, ..by };
    }

    /// The request was answered, or given up after it was sent.
    pub(super) fn hold(&mut self, now: Instant) {
        self.in_flight -= 1;
        let later = self.answered.iter().rev().take_while(|at| **at > now).count();
        self.answered.insert(self.answered.len() - later, now);
        let reach = self.windows.iter().map(|w| w.period).fold(LOG_REACH, Duration::max);
        while self.answered.front().is_some_and(|at| *at + reach + LOG_SLACK < now) {
            self.answered.pop_front();
        }
        for window in &mut self.windows {
            while window.foreign.front().is_some_and(|(until, _)| *until + LOG_SLACK < now) {
                window.foreign.pop_front();
            }
            while window.expected.front().is_some_and(|(until, _)| *until <= now) {
                window.expected.pop_front();
            }
            window.penalties.retain(|until| *until > now);
        }
    }

    /// Takes over what the headers of an answer say. `taken_at`: when its token was taken.
    pub(super) fn learn(&mut self, now: Instant, taken_at: Instant, told: &Told) {
        if let Rates::Windows(limits) = &told.limits {
            self.known = true;
            let same = self.windows.len() == limits.len()
                && self.windows.iter().all(|w| limits.get(&seconds(w.period)) == Some(&w.limit));
            if !same {
                let mut old = std::mem::take(&mut self.windows);
                for (period, limit) in limits {
                    let known = old.iter().position(|w| seconds(w.period) == *period);
                    let mut window = match known {
                        Some(index) => old.swap_remove(index),
                        None => Window::new(*limit, *period),
                    };
                    window.limit = *limit;
                    self.windows.push(window);
                }
            }
        }
        let Rates::Windows(counts) = &told.counts else { return };
        let counted_before = std::mem::replace(&mut self.counted, true);
        for window in &mut self.windows {
            let Some(count) = counts.get(&seconds(window.period)) else { continue };
            // All of ours that Riot can have counted when this request arrived, which was not
            // before its token was taken. More than that is someone else's.
            let since = taken_at.checked_sub(window.period);
            let ours = match since {
                Some(since) => {
                    self.answered.len() - self.answered.partition_point(|at| *at <= since)
                }
                None => self.answered.len(),
            };
            let theirs: u64 = window
                .foreign
                .iter()
                .filter(|(until, _)| *until > taken_at)
                .map(|(_, n)| u64::from(*n))
                .sum();
            let explained = u64::from(self.in_flight) + ours as u64 + theirs;
            let surplus = u64::from(*count).saturating_sub(explained);
            if surplus > 0 {
                let surplus = u32::try_from(surplus).unwrap_or(u32::MAX);
                window.foreign.push_back((now + window.period, surplus));
                // What the first answer counts may be our own, of before a restart: that is over.
                if counted_before {
                    window.expect_again(now);
                }
            }
        }
    }

    /// Riot refused for this budget's limit. Stops until it says, and leaves a little more room
    /// from now on. `dice`: a random number, 0 to 1.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        told: &Told,
        retry_after: Option<Duration>,
        dice: f64,
    ) {
        let counts = told.counts.windows();
        let full = |window: &Window| match counts {
            Some(counts) => counts.get(&seconds(window.period)).is_some_and(|n| *n >= window.limit),
            None => false,
        };
        let any_full = self.windows.iter().any(full);
        let guilty: Vec<usize> =
            (0..self.windows.len()).filter(|i| !any_full || full(&self.windows[*i])).collect();

        let wait = retry_after.unwrap_or_else(|| {
            guilty
                .iter()
                .map(|i| self.remaining(&self.windows[*i], now))
                .max()
                .unwrap_or(JITTER * 4)
        });
        for index in guilty {
            let window = &mut self.windows[index];
            window.penalties.push(now + window.period * 10);
        }
        self.block(now, wait + JITTER.mul_f64(dice));
    }

    /// Riot, or what is behind it, refused for a reason that has nothing to do with our count.
    pub(super) fn back_off(
        &mut self,
        now: Instant,
        taken_at: Instant,
        retry_after: Option<Duration>,
        dice: f64,
    ) {
        // Several requests that were on their way together are refused together: one strike.
        if self.is_news(taken_at) {
            self.strikes = (self.strikes + 1).min(7);
        }
        let exponential = Duration::from_secs(1 << self.strikes.saturating_sub(1));
        let wait = retry_after.unwrap_or(exponential.min(LONGEST_BACKOFF));
        self.block(now, wait + JITTER.mul_f64(dice));
    }

    /// Riot answered anything but 429.
    pub(super) fn accept(&mut self, taken_at: Instant) {
        if self.is_news(taken_at) {
            self.careful = false;
            self.strikes = 0;
        }
    }

    /// Whether a request was sent after the last refusal.
    fn is_news(&self, taken_at: Instant) -> bool {
        self.refused_at.is_none_or(|refused_at| taken_at > refused_at)
    }

    fn block(&mut self, now: Instant, wait: Duration) {
        let until = now + wait;
        self.blocked_until = Some(self.blocked_until.map_or(until, |known| known.max(until)));
        self.refused_at = Some(now);
        self.careful = true;
    }

    /// How long the window that Riot counts in can last still, by our own log.
    fn remaining(&self, window: &Window, now: Instant) -> Duration {
        match self.answered.get(self.first_held(window.period, now)) {
            Some(oldest) => (*oldest + window.period).saturating_duration_since(now),
            None => window.period,
        }
    }

    /// Until when a refusal stops everything, if it still does.
    pub(super) fn blocked_until(&self, now: Instant) -> Option<Instant> {
        self.blocked_until.filter(|until| *until > now)
    }

    /// The use of each window, for people.
    pub(super) fn snapshot(&self, now: Instant) -> Vec<WindowSnapshot> {
        self.windows.iter().map(|window| self.window_snapshot(window, now)).collect()
    }

    fn window_snapshot(&self, window: &Window, now: Instant) -> WindowSnapshot {
        let held = (self.answered.len() - self.first_held(window.period, now)) as u64
            + u64::from(self.in_flight);
        let set_aside = window.set_aside(self.usage_factor, now);
        let tokens = window.tokens(self.usage_factor, now);
        let elapsed = self.first_sent.map_or(Duration::ZERO, |first| now - first);
        let periods = elapsed.max(window.period).as_secs_f64() / window.period.as_secs_f64();
        WindowSnapshot {
            limit: window.limit,
            period: window.period,
            held,
            foreign: window.foreign_held(now),
            set_aside,
            free: tokens.saturating_sub(held + set_aside),
            next_free_in: self
                .window_turn(window, now, 0)
                .not_before
                .saturating_duration_since(now),
            utilisation: (self.sent as f64 / (f64::from(window.limit) * periods)).min(1.0),
        }
    }
}

pub(super) fn seconds(period: Duration) -> u32 {
    u32::try_from(period.as_secs()).unwrap_or(u32::MAX)
}
