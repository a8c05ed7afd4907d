//! One pair of hands: ways, champions, role, hours, and which key holds Flash.

use super::World;
use super::levels::STYLE;
use super::random::Dice;
use crate::stats::STATS;

/// Champions of a role; the role's number times this is its first.
pub(super) const CHAMPIONS_OF_ROLE: usize = 34;

/// Somebody who plays.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Strength in tiers at the start, champion and role set aside.
    pub(super) strength: f64,
    /// Offset of each statistic, in standard deviations.
    pub(super) style: [f64; STATS],
    pub(super) main_role: usize,
    /// Share of games outside the main role.
    pub(super) off_role: f64,
    /// Champions by role, the most played first.
    pub(super) pools: [Vec<u32>; 5],
    /// Share of games on the first champion of the pool; 0 for the usual spread.
    pub(super) favourite: f64,
    /// Knows champions from other accounts, so that none of them is new.
    pub(super) knows_champions: bool,
    /// Typical hour of the day.
    pub(super) hour: f64,
    pub(super) slot: u8,
    pub(super) slot_flips: f64,
}

impl Person {
    pub(super) fn draw(world: &World, strength: f64, dice: &mut Dice) -> Self {
        let main_role = dice.below(5);
        let main_pool = 3 + dice.below(6);
        Self {
            strength,
            style: std::array::from_fn(|stat| dice.around(0.0, world.style * STYLE[stat])),
            main_role,
            off_role: dice.within(0.02, 0.25),
            pools: std::array::from_fn(|role| {
                let size = if role == main_role { main_pool } else { 2 + dice.below(3) };
                draw_pool(role, size, dice)
            }),
            favourite: 0.0,
            knows_champions: false,
            hour: dice.around(19.0, world.hours_of_people),
            slot: 1 + u8::from(dice.chance(0.5)),
            // Most people never move Flash; a few do so again and again.
            slot_flips: if dice.chance(0.1) { 10.0 * world.slot_flips } else { 0.0 },
        }
    }

    /// The same person in another role, with other champions.
    pub(super) fn in_another_role(&self, dice: &mut Dice) -> Self {
        let main_role = (self.main_role + 1 + dice.below(4)) % 5;
        let mut changed = self.clone();
        changed.main_role = main_role;
        changed.pools[main_role] = draw_pool(main_role, 3 + dice.below(4), dice);
        changed
    }

    /// Role and champion of the next game.
    pub(super) fn pick(&self, dice: &mut Dice) -> (usize, u32) {
        let role = if dice.chance(self.off_role) {
            (self.main_role + 1 + dice.below(4)) % 5
        } else {
            self.main_role
        };
        let pool = &self.pools[role];
        if role == self.main_role && dice.chance(self.favourite) {
            return (role, pool[0]);
        }
        if dice.chance(0.06) {
            return (role, any_champion(role, dice));
        }
        // The most played half of the time, the next half of the rest, and so on.
        let mut place = 0;
        while place + 1 < pool.len() && dice.chance(0.6) {
            place += 1;
        }
        (role, pool[place])
    }
}

fn any_champion(role: usize, dice: &mut Dice) -> u32 {
    (role * CHAMPIONS_OF_ROLE + dice.below(CHAMPIONS_OF_ROLE)) as u32
}

fn draw_pool(role: usize, size: usize, dice: &mut Dice) -> Vec<u32> {
    let mut pool = Vec::with_capacity(size);
    while pool.len() < size {
        let champion = any_champion(role, dice);
        if !pool.contains(&champion) {
            pool.push(champion);
        }
    }
    pool
}
