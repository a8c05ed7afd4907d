//! A simulated week under a policy: who is looked at when, what that finds, and what the key allows.
//! Time is a number; nothing waits.

use std::cmp::Ordering;
use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_app::rhythm::{LookRules, Rhythm};
use riftwatch_store::looks::PlayedSpan;

use super::world::{Seconds, World};

/// A tick of the job.
const TICK_S: Seconds = 120;
/// A call's way to Riot and back.
const ROUND_TRIP_S: f64 = 0.1;
/// How long the job waits for a turn before it ends the run.
const PATIENCE_S: f64 = 15.0;
/// Matches fetched side by side.
const LANES: f64 = 4.0;
/// New matches of one player in one run.
const MOST_MATCHES: usize = 20;
/// Games that a rhythm is read from.
const RHYTHM_GAMES: usize = 60;

/// How players are chosen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Policy {
    /// Every player, in order, every two minutes or as soon as the last round is through, waiting
    /// for the limiter; and the ranks of each.
    Plain,
    /// The same, but a round ends after this many seconds and the next starts over with the first
    /// player, as a job does that its time-out ends.
    StartingOver(Seconds),
    /// `riftwatch_app::rhythm`, as the job uses it.
    Rhythm(LookRules),
}

/// What a week came to.
#[derive(Debug, Clone)]
pub(super) struct Week {
    /// When each game was stored; `None`: not by the end.
    pub(super) stored_at: Vec<Option<f64>>,
    pub(super) lookups: u64,
    pub(super) matches: u64,
    pub(super) ranks: u64,
}

/// The windows of a key on one route: so many calls in so many seconds.
pub(super) type Windows = &'static [(usize, f64)];

/// The limiter's rule, exactly: a call holds a token of each window until a window's length after its
/// answer (docs/adr/0006).
struct Budget {
    windows: Windows,
    free_at: Vec<VecDeque<f64>>,
}

impl Budget {
    fn new(windows: Windows) -> Self {
        Self { windows, free_at: windows.iter().map(|_| VecDeque::new()).collect() }
    }

    /// The earliest turn from `now` on.
    fn turn(&mut self, now: f64) -> f64 {
        let mut turn = now;
        for ((tokens, _), held) in self.windows.iter().zip(&mut self.free_at) {
            while held.front().is_some_and(|at| *at <= now) {
                held.pop_front();
            }
            if held.len() >= *tokens {
                turn = turn.max(held[held.len() - tokens]);
            }
        }
        turn
    }

    /// One call at its turn; when it is answered.
    fn call(&mut self, now: f64) -> f64 {
        let answered = self.turn(now) + ROUND_TRIP_S;
        for ((_, period), held) in self.windows.iter().zip(&mut self.free_at) {
            held.push_back(answered + period);
        }
        answered
    }
}

struct State<'a> {
    world: &'a World,
    budget: Budget,
    week: Week,
    /// Each player's stored games, newest last.
    known: Vec<Vec<PlayedSpan>>,
    ranked_since: Vec<bool>,
    now: f64,
}

/// Lives the days from `from` to `until` under a policy. What ended before is stored.
pub(super) fn live(
    world: &World,
    policy: Policy,
    windows: Windows,
    from: Seconds,
    until: Seconds,
) -> Week {
    let stored = |end: Seconds| (end < from).then_some(end as f64);
    let mut state = State {
        world,
        budget: Budget::new(windows),
        week: Week {
            stored_at: world.games.iter().map(|game| stored(game.end)).collect(),
            lookups: 0,
            matches: 0,
            ranks: 0,
        },
        known: vec![Vec::new(); world.of_player.len()],
        ranked_since: vec![false; world.of_player.len()],
        now: from as f64,
    };
    for game in world.games.iter().filter(|game| game.end < from) {
        state.learn(game);
    }
    state.ranked_since.fill(false);
    match policy {
        Policy::Plain => state.rounds(None, until),
        Policy::StartingOver(timeout) => state.rounds(Some(timeout), until),
        Policy::Rhythm(rules) => state.by_rhythm(&rules, until),
    }
    state.week
}

impl State<'_> {
    fn learn(&mut self, game: &super::world::Game) {
        let span = PlayedSpan { start: time(game.start as f64), end: time(game.end as f64) };
        for player in &game.tracked {
            let known = &mut self.known[*player];
            // Nearly always the last one.
            let place = known.partition_point(|other| other.start <= span.start);
            known.insert(place, span);
            self.ranked_since[*player] |= game.is_ranked;
        }
    }

    /// One player: the list, what is new on it, oldest first, and the ranks. `false`: the job's
    /// patience came to its end before it was through.
    fn look(&mut self, player: usize, patience_s: f64, always_ranks: bool) -> bool {
        if self.budget.turn(self.now) > self.now + patience_s {
            return false;
        }
        self.now = self.budget.call(self.now);
        self.week.lookups += 1;
        let missing: Vec<usize> = self.world.of_player[player]
            .iter()
            .rev()
            .copied()
            .skip_while(|game| self.world.games[*game].end as f64 > self.now)
            .take(100)
            .filter(|game| self.week.stored_at[*game].is_none())
            .collect();
        let begun = self.now;
        for (number, game) in missing.into_iter().rev().take(MOST_MATCHES).enumerate() {
            let lane = begun + (number as f64 / LANES).floor() * ROUND_TRIP_S;
            if self.budget.turn(lane.max(begun)) > self.now + patience_s {
                return false;
            }
            self.now = self.now.max(self.budget.call(lane));
            self.week.stored_at[game] = Some(self.now);
            self.week.matches += 1;
            let world = self.world;
            self.learn(&world.games[game]);
        }
        // Ranks are asked on another route, whose budget is not the narrow one.
        if always_ranks || self.ranked_since[player] {
            self.week.ranks += 1;
            self.ranked_since[player] = false;
        }
        true
    }

    fn rounds(&mut self, timeout: Option<Seconds>, until: Seconds) {
        while self.now < until as f64 {
            let begun = self.now;
            for player in 0..self.world.of_player.len() {
                if timeout.is_some_and(|timeout| self.now > begun + timeout as f64)
                    || self.now >= until as f64
                {
                    break;
                }
                self.look(player, f64::INFINITY, true);
            }
            self.now = self.now.max(begun + TICK_S as f64);
        }
    }

    /// As `tracked_player_updater` does it.
    fn by_rhythm(&mut self, rules: &LookRules, until: Seconds) {
        let players = self.world.of_player.len();
        let mut looked_at = vec![self.now; players];
        let mut planned_on = vec![usize::MAX; players];
        let mut next_look = vec![self.now; players];
        while self.now < until as f64 {
            let tick = self.now;
            let mut due: Vec<(f64, usize)> = Vec::new();
            for player in 0..players {
                let games = self.known[player].len();
                if planned_on[player] != games && next_look[player] > tick {
                    let rhythm = self.rhythm(player);
                    next_look[player] = seconds(rhythm.next_look(time(looked_at[player]), rules));
                    planned_on[player] = games;
                }
                if next_look[player] <= tick {
                    let worth = self.rhythm(player).worth_min(time(looked_at[player]), time(tick));
                    due.push((worth, player));
                }
            }
            due.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal));
            let mut back_at = tick + TICK_S as f64;
            for (_, player) in due {
                if !self.look(player, PATIENCE_S, false) {
                    back_at = self.budget.turn(self.now);
                    break;
                }
                looked_at[player] = self.now;
                planned_on[player] = self.known[player].len();
                let rhythm = self.rhythm(player);
                next_look[player] = seconds(rhythm.next_look(time(self.now), rules));
            }
            self.now = self.now.max(back_at);
        }
    }

    fn rhythm(&self, player: usize) -> Rhythm {
        let known = &self.known[player];
        let newest: Vec<PlayedSpan> = known.iter().rev().take(RHYTHM_GAMES).copied().collect();
        Rhythm::of(&newest, time(self.now))
    }
}

fn time(at: f64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds((at * 1000.0) as i64)
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}
