//! What one player did in a game.

use super::Damage;

/// One player's game.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) kills: i32,
    pub(crate) deaths: i32,
    /// Deaths that no enemy got.
    pub(crate) executions: i32,
    pub(crate) assists: i32,
    pub(crate) minions: i32,
    pub(crate) monsters: i32,
    pub(crate) enemy_monsters: i32,
    pub(crate) minions10: i32,
    pub(crate) monsters10: f64,
    pub(crate) solo_kills: i32,
    pub(crate) gold: i32,
    pub(crate) experience: i32,
    pub(crate) level: i32,
    pub(crate) damage: Damage,
    pub(crate) damage_taken: Damage,
    pub(crate) damage_total: Damage,
    pub(crate) mitigated: i32,
    pub(crate) healed: i32,
    pub(crate) healed_allies: i32,
    pub(crate) shielded: i32,
    pub(crate) objective_damage: i32,
    pub(crate) epic_damage: i32,
    pub(crate) turret_damage: i32,
    pub(crate) vision: i32,
    pub(crate) wards: i32,
    pub(crate) wards_killed: i32,
    pub(crate) control_wards: i32,
    pub(crate) double_kills: i32,
    pub(crate) triple_kills: i32,
    pub(crate) quadra_kills: i32,
    pub(crate) penta_kills: i32,
    pub(crate) largest_spree: i32,
    pub(crate) sprees: i32,
    pub(crate) towers: i32,
    pub(crate) tower_takedowns: i32,
    pub(crate) inhibitors: i32,
    pub(crate) dragons: i32,
    pub(crate) barons: i32,
    pub(crate) heralds: i32,
    pub(crate) nexus: bool,
    pub(crate) first_blood: FirstShare,
    pub(crate) first_tower: FirstShare,
    pub(crate) dead_s: i32,
    pub(crate) longest_life_s: i32,
    pub(crate) casts: [i32; 4],
    pub(crate) spell_casts: [i32; 2],
    pub(crate) control_s: i32,
    pub(crate) pings: [i32; 9],
}

/// Part in a first takedown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FirstShare {
    #[default]
    None,
    Kill,
    Assist,
}

impl Line {
    pub(crate) fn largest_multi_kill(&self) -> i32 {
        match self {
            line if line.penta_kills > 0 => 5,
            line if line.quadra_kills > 0 => 4,
            line if line.triple_kills > 0 => 3,
            line if line.double_kills > 0 => 2,
            line => line.kills.min(1),
        }
    }
}
