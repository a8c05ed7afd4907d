//! Who plays when: people with habits, lobbies of ten, matches. All from a seed.
//!
//! The habits are those of the simulator's generator: games a day are log-normal (median 1.4, one in
//! ten above 3.7), an own hour of the day (19:00 UTC give or take 2.5 h) about which sessions begin, give
//! or take 2.3 h, sessions of 2.5 games on average, pauses of ten minutes between their games. Games
//! last 28.8 ± 6.1 minutes (Summoner's Rift, Europe, 2025), two in a hundred end at once. People of
//! like skill who want to play at the same time form lobbies. A seventh of the people are tracked, so
//! that a tracked player's match has 1.8 of them on average: of real players' lists, 43 % of the
//! entries were already on another's, which is 1.75 for each match.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Seconds since the world began.
pub(super) type Seconds = i64;

pub(super) const DAY_S: Seconds = 86_400;
const HOUR_S: f64 = 3_600.0;
/// People for each tracked one.
const PEOPLE_PER_TRACKED: usize = 7;
/// Pools of like skill.
const POOLS: usize = 4;
/// A lobby.
const TEN: usize = 10;

/// A finished match.
#[derive(Debug, Clone)]
pub(super) struct Game {
    pub(super) start: Seconds,
    pub(super) end: Seconds,
    pub(super) is_ranked: bool,
    /// The tracked ones among its players.
    pub(super) tracked: Vec<usize>,
}

/// Matches with tracked players, in the order of their ends.
#[derive(Debug)]
pub(super) struct World {
    pub(super) games: Vec<Game>,
    /// Places in `games`, by tracked player.
    pub(super) of_player: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Person {
    games_per_day: f64,
    hour: f64,
    pool: usize,
    played: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends(usize),
    Wants(usize),
}

impl World {
    /// Lives for so many days with so many tracked players, the first ones of the people.
    pub(super) fn new(seed: u64, tracked: usize, days: i64) -> Self {
        let mut dice = Dice(seed);
        let mut people: Vec<Person> = (0..tracked * PEOPLE_PER_TRACKED)
            .map(|_| Person {
                games_per_day: dice.gauss(0.35, 0.75).exp().clamp(0.05, 9.0),
                hour: dice.gauss(19.0, 2.5).rem_euclid(24.0),
                pool: dice.below(POOLS),
                played: 0.0,
            })
            .collect();
        let mut events = BinaryHeap::new();
        for (i, person) in people.iter().enumerate() {
            events.push(Reverse((next_game(&mut dice, person, 0), Event::Wants(i))));
        }
        let mut queues: Vec<Vec<usize>> = vec![Vec::new(); POOLS];
        let mut all: Vec<(Game, Vec<usize>)> = Vec::new();
        while let Some(Reverse((now, event))) = events.pop() {
            if now >= days * DAY_S {
                break;
            }
            match event {
                Event::Wants(i) => {
                    let queue = &mut queues[people[i].pool];
                    queue.push(i);
                    if queue.len() < TEN {
                        continue;
                    }
                    let lobby = std::mem::take(queue);
                    let is_remake = dice.unit() < 0.02;
                    let minutes = if is_remake {
                        dice.between(3.0, 5.0)
                    } else {
                        dice.gauss(28.8, 6.1).clamp(15.0, 55.0)
                    };
                    let end = now + (minutes * 60.0) as Seconds;
                    let game = Game {
                        start: now,
                        end,
                        is_ranked: dice.unit() < 0.87,
                        tracked: lobby.iter().copied().filter(|i| *i < tracked).collect(),
                    };
                    events.push(Reverse((end, Event::Ends(all.len()))));
                    all.push((game, lobby));
                }
                Event::Ends(number) => {
                    for i in all[number].1.clone() {
                        people[i].played += 1.0;
                        let at = next_game(&mut dice, &people[i], now);
                        events.push(Reverse((at, Event::Wants(i))));
                    }
                }
            }
        }
        let finished = |game: &Game| game.end < days * DAY_S && !game.tracked.is_empty();
        let mut games: Vec<Game> = all.into_iter().map(|(game, _)| game).filter(finished).collect();
        games.sort_by_key(|game| game.end);
        let mut of_player = vec![Vec::new(); tracked];
        for (number, game) in games.iter().enumerate() {
            for player in &game.tracked {
                of_player[*player].push(number);
            }
        }
        Self { games, of_player }
    }
}

/// When a person plays again: with earned games left at once, else about the own hour, when a
/// session's worth is earned.
fn next_game(dice: &mut Dice, person: &Person, after: Seconds) -> Seconds {
    let left = person.games_per_day * (after as f64 / DAY_S as f64) - person.played;
    if left > 0.0 && dice.unit() < 0.95 {
        return after + (60.0 * (1.5 + dice.exponential(9.0))) as Seconds;
    }
    let session = 0.5 + dice.exponential(2.5);
    let gap_days = (session - left).max(0.0) / person.games_per_day;
    let day = (after + (gap_days * DAY_S as f64) as Seconds).div_euclid(DAY_S) * DAY_S;
    let at = day + ((person.hour + dice.gauss(0.0, 2.3)) * HOUR_S) as Seconds;
    let soonest = after + ((1.0 + dice.exponential(3.0)) * HOUR_S) as Seconds;
    at.max(soonest)
}

/// Numbers at random (SplitMix64), the same for the same seed.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, neither included.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    fn gauss(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}
