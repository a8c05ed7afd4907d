//! What is usual: a game's statistics as distances from those of an average player in that role,
//! in that lobby, with that result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::Game;
use crate::stats::{self, STATS};

/// No single statistic counts for more than this many standard deviations.
const CLIP: f32 = 3.5;

/// Tier in whose lobbies `level` is the mean: Platinum.
const MIDDLE_TIER: f32 = 4.0;

/// The mean of one statistic in one role, and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Mean in a Platinum lobby, between win and loss.
    pub(crate) level: f32,
    /// Change per tier of the lobby.
    pub(crate) per_tier: f32,
    /// A win's distance from a loss. Taken out, so that winning and playing well are separate
    /// evidence.
    pub(crate) win: f32,
    /// Standard deviation of what remains.
    pub(crate) spread: f32,
}

/// Means and spreads by role and statistic, and by champion where they are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// By role, then statistic.
    pub(crate) cells: [[Cell; STATS]; 5],
    /// What a champion adds, in standard deviations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) champions: BTreeMap<u32, [f32; STATS]>,
}

impl Baseline {
    /// Distances from the usual in standard deviations, held within ±3.5; NaN where the game lacks
    /// the statistic. `tier` is the height of the lobby.
    pub(crate) fn residuals(&self, game: &Game, tier: f32) -> [f32; STATS] {
        let cells = &self.cells[game.role.index()];
        let above = tier - MIDDLE_TIER;
        let won = if game.win { 0.5 } else { -0.5 };
        let mut z = stats::of(game);
        for (value, cell) in z.iter_mut().zip(cells) {
            *value = (*value - cell.level - cell.per_tier * above - cell.win * won) / cell.spread;
        }
        if let Some(offsets) = self.champions.get(&game.champion_id) {
            for (value, offset) in z.iter_mut().zip(offsets) {
                *value -= offset;
            }
        }
        // `clamp` keeps NaN.
        z.map(|value| value.clamp(-CLIP, CLIP))
    }
}

/// Sums of one role and statistic for a regression on 1, tier and result.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    xx: [[f64; 3]; 3],
    xy: [f64; 3],
    yy: f64,
}

/// Learns a baseline from games, seen once, in constant memory.
///
/// Nothing here needs to know whose games they are: the few accounts of another story move the
/// means little, and games far from the usual are left out.
#[derive(Debug, Clone)]
pub struct BaselineFit {
    start: Baseline,
    trim: f32,
    sums: Box<[[Sums; STATS]; 5]>,
    champions: BTreeMap<u32, ChampionSums>,
    /// Sums of the distances from the start, by role.
    distances: [[f64; STATS]; 5],
    /// Games by role.
    roles: [f64; 5],
    games: u64,
}

/// Distances from the start on one champion, and in which roles it was played.
#[derive(Debug, Clone, Copy, Default)]
struct ChampionSums {
    distances: [f64; STATS],
    roles: [f64; 5],
}

impl BaselineFit {
    /// Games that the baseline one starts from is worth, in every cell.
    const START_WORTH: f64 = 2_000.0;
    /// Games on a champion that no offset is worth.
    const CHAMPION_WORTH: f64 = 50.0;

    /// Begins from a known baseline, which new games replace as they become many (half of it is
    /// gone after 2,000 games of a role).
    pub fn new(start: &Baseline) -> Self {
        Self::trimmed(start, 4.5)
    }

    /// The same, leaving out values more than `trim` standard deviations from the start.
    pub(crate) fn trimmed(start: &Baseline, trim: f32) -> Self {
        Self {
            start: start.clone(),
            trim,
            sums: Box::default(),
            champions: BTreeMap::new(),
            distances: [[0.0; STATS]; 5],
            roles: [0.0; 5],
            games: 0,
        }
    }

    /// Games observed that count and whose lobby's height is known.
    pub fn games(&self) -> u64 {
        self.games
    }

    /// Takes a game into account, if it counts and the height of its lobby is known.
    pub fn observe(&mut self, game: &Game) {
        let Some(tier) = game.lobby_tier_value.or(game.rank_tier_value) else { return };
        if !game.counts() {
            return;
        }
        self.games += 1;
        let role = game.role.index();
        let values = stats::of(game);
        let x = [1.0, f64::from(tier - MIDDLE_TIER), if game.win { 0.5 } else { -0.5 }];
        let entry = self.champions.entry(game.champion_id).or_default();
        entry.roles[role] += 1.0;
        self.roles[role] += 1.0;
        for (stat, &value) in values.iter().enumerate() {
            let cell = &self.start.cells[role][stat];
            let usual = cell.level + cell.per_tier * x[1] as f32 + cell.win * x[2] as f32;
            let z = (value - usual) / cell.spread;
            if z.is_nan() || z.abs() > self.trim {
                continue;
            }
            entry.distances[stat] += f64::from(z);
            self.distances[role][stat] += f64::from(z);
            let sums = &mut self.sums[role][stat];
            let y = f64::from(value);
            for row in 0..3 {
                for column in 0..3 {
                    sums.xx[row][column] += x[row] * x[column];
                }
                sums.xy[row] += x[row] * y;
            }
            sums.yy += y * y;
        }
    }

    /// The baseline of the games seen, with what each champion adds to it.
    pub fn finish(self) -> Baseline {
        let mut fitted = self.cells(Self::START_WORTH);
        for (champion, sums) in &self.champions {
            let games: f64 = sums.roles.iter().sum();
            let shrunk = games / (games + Self::CHAMPION_WORTH);
            // What the role's new cell accounts for already is no merit of the champion.
            let offsets: [f32; STATS] = std::array::from_fn(|stat| {
                let of_roles: f64 = (0..5)
                    .filter(|&role| sums.roles[role] > 0.0)
                    .map(|role| sums.roles[role] * self.distances[role][stat] / self.roles[role])
                    .sum();
                (shrunk * (sums.distances[stat] - of_roles) / games) as f32
            });
            fitted.champions.insert(*champion, offsets);
        }
        fitted
    }

    /// The regressions alone, the start being worth `worth` games.
    pub(crate) fn cells(&self, worth: f64) -> Baseline {
        let mut fitted = self.start.clone();
        fitted.champions.clear();
        for role in 0..5 {
            for stat in 0..STATS {
                let sums = &self.sums[role][stat];
                let games = sums.xx[0][0];
                let Some([level, per_tier, win]) = solve(sums.xx, sums.xy) else { continue };
                let explained = level * sums.xy[0] + per_tier * sums.xy[1] + win * sums.xy[2];
                let variance = ((sums.yy - explained) / games).max(1e-9);
                let part = games / (games + worth);
                let cell = &mut fitted.cells[role][stat];
                let blend =
                    |old: f32, new: f64| (f64::from(old) * (1.0 - part) + new * part) as f32;
                *cell = Cell {
                    level: blend(cell.level, level),
                    per_tier: blend(cell.per_tier, per_tier),
                    win: blend(cell.win, win),
                    spread: blend(cell.spread, variance.sqrt()),
                };
            }
        }
        fitted
    }
}

/// Solves the 3 × 3 normal equations by elimination; `None` where they do not decide.
#[expect(clippy::needless_range_loop, reason = "matrices are clearer by index")]
fn solve(mut a: [[f64; 3]; 3], mut b: [f64; 3]) -> Option<[f64; 3]> {
    // A grain of ridge, so that a file from a single tier still has a level.
    let ridge = 1e-6 * a[0][0];
    for (row, equation) in a.iter_mut().enumerate() {
        equation[row] += ridge;
    }
    for pivot in 0..3 {
        if a[pivot][pivot] < 1e-9 {
            return None;
        }
        for row in pivot + 1..3 {
            let factor = a[row][pivot] / a[pivot][pivot];
            for column in pivot..3 {
                a[row][column] -= factor * a[pivot][column];
            }
            b[row] -= factor * b[pivot];
        }
    }
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    Some(b)
}
