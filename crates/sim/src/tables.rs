//! What players of each tier and position do on average, and how much single games differ.
//!
//! Sources: 27,629 rows of Emerald to Master games of EUW, March 2025; the tiers below Platinum are
//! carried on from there by ratios measured elsewhere.

/// Averages of a position in a tier.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    /// (kills + assists) / deaths, of sums.
    pub(crate) kda: f64,
    pub(crate) cs_per_min: f64,
    pub(crate) gold_per_min: f64,
    pub(crate) damage_per_min: f64,
    pub(crate) vision_per_min: f64,
}

const fn level(kda: f64, cs: f64, gold: f64, damage: f64, vision: f64) -> Level {
    Level {
        kda,
        cs_per_min: cs,
        gold_per_min: gold,
        damage_per_min: damage,
        vision_per_min: vision,
    }
}

/// Iron to Master, top to support.
#[rustfmt::skip]
const LEVELS: [[Level; 5]; 8] = [
    [
        level(1.56, 5.10, 382.0, 664.0, 0.43),
        level(2.29, 5.88, 391.0, 578.0, 0.61),
        level(1.93, 5.08, 384.0, 693.0, 0.47),
        level(1.98, 5.27, 402.0, 702.0, 0.42),
        level(2.46, 1.39, 270.0, 338.0, 1.75),
    ],
    [
        level(1.63, 5.67, 388.0, 695.0, 0.46),
        level(2.39, 6.08, 398.0, 605.0, 0.65),
        level(2.02, 5.64, 391.0, 726.0, 0.50),
        level(2.08, 5.86, 409.0, 735.0, 0.45),
        level(2.57, 1.29, 275.0, 354.0, 1.86),
    ],
    [
        level(1.63, 6.19, 395.0, 727.0, 0.49),
        level(2.39, 6.21, 405.0, 633.0, 0.68),
        level(2.02, 6.16, 398.0, 759.0, 0.53),
        level(2.08, 6.40, 417.0, 769.0, 0.47),
        level(2.57, 1.18, 280.0, 370.0, 1.96),
    ],
    [
        level(1.70, 6.60, 401.0, 758.0, 0.51),
        level(2.50, 6.34, 411.0, 660.0, 0.71),
        level(2.11, 6.57, 403.0, 792.0, 0.55),
        level(2.17, 6.83, 423.0, 802.0, 0.50),
        level(2.69, 1.12, 284.0, 386.0, 2.06),
    ],
    [
        level(1.72, 6.88, 406.0, 774.0, 0.53),
        level(2.53, 6.44, 416.0, 674.0, 0.75),
        level(2.13, 6.85, 408.0, 809.0, 0.58),
        level(2.19, 7.11, 428.0, 819.0, 0.52),
        level(2.72, 1.09, 287.0, 394.0, 2.15),
    ],
    [
        level(1.72, 6.98, 408.0, 778.0, 0.54),
        level(2.53, 6.47, 418.0, 677.0, 0.76),
        level(2.13, 6.95, 410.0, 813.0, 0.59),
        level(2.19, 7.22, 430.0, 823.0, 0.53),
        level(2.72, 1.08, 289.0, 396.0, 2.20),
    ],
    [
        level(1.81, 7.08, 410.0, 790.0, 0.55),
        level(2.66, 6.54, 421.0, 688.0, 0.78),
        level(2.24, 7.05, 413.0, 825.0, 0.60),
        level(2.31, 7.33, 433.0, 835.0, 0.54),
        level(2.86, 1.07, 291.0, 402.0, 2.25),
    ],
    [
        level(1.99, 7.24, 414.0, 806.0, 0.58),
        level(2.93, 6.60, 424.0, 701.0, 0.82),
        level(2.46, 7.21, 417.0, 842.0, 0.63),
        level(2.54, 7.49, 437.0, 852.0, 0.57),
        level(3.15, 1.05, 293.0, 410.0, 2.36),
    ],
];

/// Averages at a height of the ladder (tiers, Iron IV = 0), between tiers in proportion.
pub(crate) fn level_at(height: f64, role: usize) -> Level {
    // A tier's row stands for its middle.
    let at = (height - 0.5).clamp(0.0, 7.0);
    let below = (at as usize).min(6);
    let (a, b) = (LEVELS[below][role], LEVELS[below + 1][role]);
    let mix = |a: f64, b: f64| a + (b - a) * (at - below as f64);
    level(
        mix(a.kda, b.kda),
        mix(a.cs_per_min, b.cs_per_min),
        mix(a.gold_per_min, b.gold_per_min),
        mix(a.damage_per_min, b.damage_per_min),
        mix(a.vision_per_min, b.vision_per_min),
    )
}

/// What a position does whatever the tier, and single-game deviations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    /// Averages of a game of 28.8 minutes.
    pub(crate) kills: f64,
    pub(crate) deaths: f64,
    pub(crate) solo_kills: f64,
    /// Lane minions and jungle monsters in the first ten minutes.
    pub(crate) lane_cs10: f64,
    pub(crate) jungle_cs10: f64,
    /// Deviations.
    pub(crate) kills_sd: f64,
    pub(crate) deaths_sd: f64,
    pub(crate) assists_sd: f64,
    pub(crate) cs_sd: f64,
    pub(crate) gold_sd: f64,
    pub(crate) damage_sd: f64,
    pub(crate) vision_sd: f64,
    pub(crate) cs10_sd: f64,
    /// Share of the team's damage taken.
    pub(crate) tanking: f64,
}

/// Top to support.
pub(crate) const SPREADS: [Spread; 5] = [
    Spread {
        kills: 5.47,
        deaths: 5.90,
        solo_kills: 2.1,
        lane_cs10: 62.0,
        jungle_cs10: 1.0,
        kills_sd: 3.7,
        deaths_sd: 3.1,
        assists_sd: 4.0,
        cs_sd: 1.21,
        gold_sd: 70.0,
        damage_sd: 282.0,
        vision_sd: 0.19,
        cs10_sd: 13.0,
        tanking: 1.35,
    },
    Spread {
        kills: 7.22,
        deaths: 5.70,
        solo_kills: 1.3,
        lane_cs10: 2.0,
        jungle_cs10: 54.0,
        kills_sd: 4.5,
        deaths_sd: 3.1,
        assists_sd: 5.0,
        cs_sd: 1.20,
        gold_sd: 68.0,
        damage_sd: 283.0,
        vision_sd: 0.30,
        cs10_sd: 10.0,
        tanking: 1.45,
    },
    Spread {
        kills: 6.57,
        deaths: 5.81,
        solo_kills: 1.65,
        lane_cs10: 65.0,
        jungle_cs10: 1.0,
        kills_sd: 4.3,
        deaths_sd: 3.1,
        assists_sd: 4.4,
        cs_sd: 1.16,
        gold_sd: 65.0,
        damage_sd: 287.0,
        vision_sd: 0.22,
        cs10_sd: 14.0,
        tanking: 0.85,
    },
    Spread {
        kills: 7.36,
        deaths: 5.98,
        solo_kills: 0.7,
        lane_cs10: 59.0,
        jungle_cs10: 0.5,
        kills_sd: 4.8,
        deaths_sd: 3.0,
        assists_sd: 4.1,
        cs_sd: 1.07,
        gold_sd: 73.0,
        damage_sd: 333.0,
        vision_sd: 0.21,
        cs10_sd: 13.0,
        tanking: 0.70,
    },
    Spread {
        kills: 2.42,
        deaths: 5.77,
        solo_kills: 0.3,
        lane_cs10: 9.0,
        jungle_cs10: 0.0,
        kills_sd: 2.4,
        deaths_sd: 3.2,
        assists_sd: 7.2,
        cs_sd: 0.44,
        gold_sd: 43.0,
        damage_sd: 199.0,
        vision_sd: 0.56,
        cs10_sd: 5.0,
        tanking: 0.75,
    },
];
