//! Damage: dealt to champions and to everything, and what the other side's does to one's own.

use super::line::Line;
use super::wishes::Raw;
use crate::champions::CHAMPIONS;
use crate::dice::Dice;
use crate::realm::Game;
use crate::tables::tanking;

/// Damage by kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Damage {
    pub(crate) physical: i32,
    pub(crate) magic: i32,
    pub(crate) pure: i32,
}

impl Damage {
    pub(crate) fn total(self) -> i32 {
        self.physical + self.magic + self.pure
    }

    fn split(total: f64, magic_share: f64, pure_share: f64) -> Self {
        let magic = (total * magic_share) as i32;
        let pure = (total * pure_share) as i32;
        Self { physical: total as i32 - magic - pure, magic, pure }
    }
}

pub(super) fn damage(
    game: &Game,
    dice: &mut Dice,
    raw: &[Raw; 10],
    lines: &mut [Line; 10],
    minutes: f64,
) {
    let bloodiness = if game.has_positions() { 1.0 } else { 1.6 };
    for i in 0..10 {
        let champion = &CHAMPIONS[usize::from(game.seats[i].champion)];
        let magic =
            if champion.is_magic { dice.between(0.7, 0.92) } else { dice.between(0.03, 0.2) };
        let pure = dice.between(0.01, 0.09);
        let line = &mut lines[i];
        let dealt = raw[i].damage * minutes * bloodiness;
        line.damage = Damage::split(dealt, magic, pure);
        let farm = f64::from(line.minions + line.monsters) * dice.between(480.0, 640.0);
        line.damage_total = Damage::split(dealt + farm + 2_000.0, magic * 0.8, pure + 0.02);
    }
    for side in 0..2 {
        let enemy = &lines[(1 - side) * 5..(1 - side) * 5 + 5];
        let sum =
            |part: fn(Damage) -> i32| enemy.iter().map(|l| f64::from(part(l.damage))).sum::<f64>();
        let (physical, magic, pure) = (sum(|d| d.physical), sum(|d| d.magic), sum(|d| d.pure));
        let weights: [f64; 5] = std::array::from_fn(|role| {
            let line = &lines[side * 5 + role];
            tanking(role) * (0.6 + 0.08 * f64::from(line.deaths)) * dice.between(0.8, 1.25)
        });
        let all: f64 = weights.iter().sum();
        for role in 0..5 {
            let share = weights[role] / all;
            let line = &mut lines[side * 5 + role];
            // What minions, monsters and towers deal comes on top.
            let field = minutes * if role == 1 { 420.0 } else { 110.0 };
            line.damage_taken = Damage {
                physical: (physical * share + field * 0.8) as i32,
                magic: (magic * share + field * 0.2) as i32,
                pure: (pure * share) as i32,
            };
            let taken = f64::from(line.damage_taken.total());
            line.mitigated = (taken * dice.between(0.45, 1.25)) as i32;
            line.healed = (taken * dice.between(0.06, if role == 1 { 0.6 } else { 0.3 })) as i32;
            if role == 4 {
                line.healed_allies = (minutes * dice.exponential(70.0)) as i32;
                line.shielded = (minutes * dice.exponential(45.0)) as i32;
            }
            line.control_s = (minutes * dice.between(0.15, 1.3)) as i32;
        }
    }
}
