//! Patches: a new version of the game every two weeks, and what it changes in what people do.

use chrono::{DateTime, Datelike};

use crate::dice::{Dice, Stream};
use crate::tables::STATS;

/// One champion in so many is changed by a patch.
const CHANGED: f64 = 0.25;
/// A changed champion moves by so much more than a role.
const CHAMPION: f64 = 2.0;

/// A version of the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patch {
    year: i32,
    number: u32,
}

impl Patch {
    /// The patch of a day: one every two weeks, numbered within the year.
    pub(crate) fn at(ms: i64) -> Self {
        let day = DateTime::from_timestamp_millis(ms).unwrap_or_default();
        Self { year: day.year(), number: day.ordinal0() / 14 + 1 }
    }

    /// As matches tell it: `16.5.715.4685`.
    pub(crate) fn version(self) -> String {
        let Self { year, number } = self;
        format!("{}.{number}.{}.{}", year - 2010, 700 + number * 3, 4000 + number * 137)
    }
}

/// What patches do to the levels of statistics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patches {
    seed: u64,
    /// In deviations of a statistic; 0: nothing.
    shift: f64,
}

impl Patches {
    pub(crate) fn new(seed: u64, shift: f64) -> Self {
        Self { seed, shift }
    }

    /// What a patch adds to each statistic of who plays a champion in a role, in deviations. Each
    /// patch is about the same levels, and not on top of the one before.
    pub(crate) fn moves(&self, patch: Patch, role: usize, champion: u8) -> [f64; STATS] {
        if self.shift == 0.0 {
            return [0.0; STATS];
        }
        let space = (patch.year as u64) << 8 | u64::from(patch.number);
        let mut of_role = Dice::new(self.seed, Stream::Patch, space, role as u64);
        let mut of_champion =
            Dice::new(self.seed, Stream::Patch, space, 1000 + u64::from(champion));
        let is_changed = of_champion.chance(CHANGED);
        std::array::from_fn(|_| {
            let champion = if is_changed { CHAMPION * of_champion.normal() } else { 0.0 };
            self.shift * (of_role.normal() + champion)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_patch_is_two_weeks_of_a_year() {
        let first = 1_767_225_600_000; // 2026-01-01
        assert_eq!(Patch::at(first).version(), "16.1.703.4137");
        assert_eq!(Patch::at(first + 14 * DAY_MS - 1), Patch::at(first));
        assert_eq!(Patch::at(first + 14 * DAY_MS).version(), "16.2.706.4274");
        assert_eq!(Patch::at(first - 1).version(), "15.27.781.7699");
    }

    #[test]
    fn patches_move_roles_and_some_champions_the_same_for_the_same_seed() {
        let patches = Patches::new(7, 0.2);
        let (now, next) = (Patch { year: 2026, number: 3 }, Patch { year: 2026, number: 4 });
        assert_eq!(patches.moves(now, 0, 9), Patches::new(7, 0.2).moves(now, 0, 9));
        assert_ne!(patches.moves(now, 0, 9), patches.moves(next, 0, 9));
        assert_ne!(patches.moves(now, 0, 9), patches.moves(now, 1, 9));
        assert_ne!(patches.moves(now, 0, 9), Patches::new(8, 0.2).moves(now, 0, 9));
        // Most champions move as their role does and no further.
        let mut moves: Vec<u64> =
            (0..160).map(|champion| patches.moves(now, 0, champion)[0].to_bits()).collect();
        moves.sort_unstable();
        let as_the_role = moves.chunk_by(|a, b| a == b).map(<[u64]>::len).max();
        assert!(as_the_role.is_some_and(|count| (100..140).contains(&count)), "{as_the_role:?}");
        assert_eq!(Patches::new(7, 0.0).moves(now, 0, 9), [0.0; STATS]);
    }
}
