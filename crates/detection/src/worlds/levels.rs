//! What players of each role and tier do in an average game, and how much games vary.
//!
//! Per-minute figures, kill participation, the ratio (kills + assists) / deaths and the spreads
//! from Gold upwards come from public ranked matches of 2025; Iron to Silver are extrapolated.
//! Kills and assists are held constant over tiers so that deaths follow from the ratio; minions at
//! ten minutes follow those of the whole game; solo kills are an assumption. A world is a means to
//! compare detectors; none of its figures is an estimate for live accounts.

use crate::stats::STATS;

/// Rows: tiers Iron to Master; columns: roles Top to Utility.
type Table = [[f64; 5]; 8];

const KDA: Table = [
    [1.56, 2.29, 1.93, 1.98, 2.46],
    [1.63, 2.39, 2.02, 2.08, 2.57],
    [1.63, 2.39, 2.02, 2.08, 2.57],
    [1.70, 2.50, 2.11, 2.17, 2.69],
    [1.72, 2.53, 2.13, 2.19, 2.72],
    [1.72, 2.53, 2.13, 2.19, 2.72],
    [1.81, 2.66, 2.24, 2.31, 2.86],
    [1.99, 2.93, 2.46, 2.54, 3.15],
];

const CS: Table = [
    [5.10, 5.88, 5.08, 5.27, 1.39],
    [5.67, 6.08, 5.64, 5.86, 1.29],
    [6.19, 6.21, 6.16, 6.40, 1.18],
    [6.60, 6.34, 6.57, 6.83, 1.12],
    [6.88, 6.44, 6.85, 7.11, 1.09],
    [6.98, 6.47, 6.95, 7.22, 1.08],
    [7.08, 6.54, 7.05, 7.33, 1.07],
    [7.24, 6.60, 7.21, 7.49, 1.05],
];

const GOLD: Table = [
    [382.0, 391.0, 384.0, 402.0, 270.0],
    [388.0, 398.0, 391.0, 409.0, 275.0],
    [395.0, 405.0, 398.0, 417.0, 280.0],
    [401.0, 411.0, 403.0, 423.0, 284.0],
    [406.0, 416.0, 408.0, 428.0, 287.0],
    [408.0, 418.0, 410.0, 430.0, 289.0],
    [410.0, 421.0, 413.0, 433.0, 291.0],
    [414.0, 424.0, 417.0, 437.0, 293.0],
];

const DAMAGE: Table = [
    [664.0, 578.0, 693.0, 702.0, 338.0],
    [695.0, 605.0, 726.0, 735.0, 354.0],
    [727.0, 633.0, 759.0, 769.0, 370.0],
    [758.0, 660.0, 792.0, 802.0, 386.0],
    [774.0, 674.0, 809.0, 819.0, 394.0],
    [778.0, 677.0, 813.0, 823.0, 396.0],
    [790.0, 688.0, 825.0, 835.0, 402.0],
    [806.0, 701.0, 842.0, 852.0, 410.0],
];

const VISION: Table = [
    [0.43, 0.61, 0.47, 0.42, 1.75],
    [0.46, 0.65, 0.50, 0.45, 1.86],
    [0.49, 0.68, 0.53, 0.47, 1.96],
    [0.51, 0.71, 0.55, 0.50, 2.06],
    [0.53, 0.75, 0.58, 0.52, 2.15],
    [0.54, 0.76, 0.59, 0.53, 2.20],
    [0.55, 0.78, 0.60, 0.54, 2.25],
    [0.58, 0.82, 0.63, 0.57, 2.36],
];

const KILL_PARTICIPATION: Table = [
    [0.35, 0.50, 0.42, 0.44, 0.53],
    [0.35, 0.50, 0.42, 0.45, 0.54],
    [0.35, 0.51, 0.43, 0.45, 0.55],
    [0.36, 0.52, 0.44, 0.46, 0.56],
    [0.37, 0.52, 0.44, 0.47, 0.56],
    [0.37, 0.52, 0.44, 0.47, 0.56],
    [0.37, 0.53, 0.45, 0.47, 0.57],
    [0.38, 0.54, 0.46, 0.48, 0.58],
];

const KILLS: [f64; 5] = [5.4, 6.3, 6.5, 6.7, 2.4];
const ASSISTS: [f64; 5] = [5.0, 7.6, 6.4, 6.6, 12.9];
const CS_AT_10_IN_EMERALD: [f64; 5] = [63.0, 57.0, 66.0, 62.0, 9.0];
const SOLO_KILLS: [f64; 5] = [1.9, 1.1, 1.7, 0.8, 0.3];

/// Standard deviation of one game, by statistic and role.
const SPREAD: [[f64; 5]; STATS] = [
    [3.7, 4.5, 4.3, 4.8, 2.4],
    [3.1, 3.1, 3.1, 3.0, 3.2],
    [4.0, 5.0, 4.4, 4.1, 7.2],
    [1.21, 1.20, 1.16, 1.07, 0.44],
    [70.0, 68.0, 65.0, 73.0, 43.0],
    [282.0, 283.0, 287.0, 333.0, 199.0],
    [0.19, 0.30, 0.22, 0.21, 0.56],
    [0.14, 0.15, 0.15, 0.15, 0.14],
    [12.0, 10.5, 12.5, 12.0, 6.0],
    [1.8, 1.3, 1.7, 1.1, 0.6],
];

/// What a win is worth, in standard deviations from a loss.
pub const WIN: [f64; STATS] = [0.59, -0.79, 0.74, 0.30, 1.01, 0.45, 0.20, 0.30, 0.12, 0.25];

/// What a tier of skill above the lobby is worth, in standard deviations.
pub const SIGNAL: [f64; STATS] = [0.25, -0.18, 0.05, 0.32, 0.30, 0.22, 0.12, 0.06, 0.38, 0.28];

/// How much players of the same strength differ in their ways.
pub const STYLE: [f64; STATS] = [0.30, 0.30, 0.30, 0.40, 0.28, 0.38, 0.45, 0.22, 0.32, 0.28];

/// Mean of each statistic for a role in a lobby of the given height, between the tables' tiers.
pub fn usual(role: usize, tier: f64) -> [f64; STATS] {
    let tier = tier.clamp(0.0, 7.0);
    let below = (tier as usize).min(6);
    let above = tier - below as f64;
    let at = |table: &Table| table[below][role] * (1.0 - above) + table[below + 1][role] * above;
    let cs = at(&CS);
    [
        KILLS[role],
        (KILLS[role] + ASSISTS[role]) / at(&KDA),
        ASSISTS[role],
        cs,
        at(&GOLD),
        at(&DAMAGE),
        at(&VISION),
        at(&KILL_PARTICIPATION),
        CS_AT_10_IN_EMERALD[role] * cs / CS[5][role],
        SOLO_KILLS[role],
    ]
}

/// Standard deviation of one game, by statistic.
pub fn spread(role: usize) -> [f64; STATS] {
    SPREAD.map(|of_role| of_role[role])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_lie_between_the_tables_tiers() {
        let gold_and_a_half = usual(0, 3.5);
        assert!((gold_and_a_half[3] - 6.74).abs() < 1e-9);
        assert_eq!(usual(2, 9.0), usual(2, 7.0));
        assert_eq!(usual(2, -1.0), usual(2, 0.0));
    }
}
