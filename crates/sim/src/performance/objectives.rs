//! Towers and great monsters: what a side took, who of it struck last, and who was first.

use super::fights::weights_of;
use super::line::{FirstShare, Line};
use crate::dice::Dice;
use crate::realm::Game;

/// What a side took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Objectives {
    pub(crate) towers: i32,
    pub(crate) inhibitors: i32,
    pub(crate) dragons: i32,
    pub(crate) barons: i32,
    pub(crate) heralds: i32,
    pub(crate) grubs: i32,
    pub(crate) atakhans: i32,
}

pub(super) fn objectives(game: &Game, dice: &mut Dice, is_blue: bool, minutes: f64) -> Objectives {
    if game.is_remake {
        return Objectives::default();
    }
    let won = is_blue == game.blue_won;
    let towers = if won {
        // A nexus falls behind at least five towers; a surrender leaves fewer.
        let least = if game.surrendered { 1 } else { 5 };
        (least + dice.count(minutes / 9.0)).min(11)
    } else {
        dice.count(minutes / 11.0).min(10)
    };
    let inhibitors = match (won, game.surrendered) {
        (true, false) => 1 + dice.count(0.8).min(2),
        (true, true) => i32::from(towers >= 6 && dice.chance(0.4)),
        (false, _) => i32::from(towers >= 6 && dice.chance(0.5)),
    };
    if !game.has_positions() {
        return Objectives { towers: towers.min(4), inhibitors, ..Objectives::default() };
    }
    let share = if won { 0.62 } else { 0.38 };
    let per = |from: f64, every: f64| ((minutes - from) / every).max(0.0) * share;
    Objectives {
        towers,
        inhibitors,
        dragons: dice.count(per(5.0, 6.0)).min(5),
        barons: dice.count(per(22.0, 9.0)).min(3),
        heralds: i32::from(minutes > 16.0 && dice.chance(share)),
        grubs: dice.count(if minutes > 9.0 { 3.0 * share } else { 0.0 }).min(3),
        atakhans: 0,
    }
}

pub(super) fn take(
    game: &Game,
    dice: &mut Dice,
    lines: &mut [Line; 10],
    side: usize,
    taken: &Objectives,
) {
    let ours = side * 5;
    let mut give = |dice: &mut Dice, n: i32, weights: [f64; 5], to: fn(&mut Line) -> &mut i32| {
        for _ in 0..n {
            *to(&mut lines[ours + dice.weighted(&weights)]) += 1;
        }
    };
    // One tower in ten falls to minions.
    let towers = (0..taken.towers).filter(|_| dice.chance(0.9)).count() as i32;
    give(dice, towers, [3.0, 1.3, 2.0, 3.5, 0.5], |l| &mut l.towers);
    give(dice, taken.inhibitors, [3.0, 1.0, 2.0, 3.0, 0.3], |l| &mut l.inhibitors);
    give(dice, taken.dragons, [0.3, 8.0, 0.5, 0.8, 0.1], |l| &mut l.dragons);
    give(dice, taken.barons, [0.3, 8.0, 0.5, 0.8, 0.1], |l| &mut l.barons);
    give(dice, taken.heralds, [0.5, 8.0, 0.5, 0.3, 0.1], |l| &mut l.heralds);
    let won = (side == 0) == game.blue_won;
    if won && !game.surrendered && !game.is_remake {
        lines[ours + dice.weighted(&[3.0, 1.0, 2.0, 3.0, 0.5])].nexus = true;
    }
    for line in &mut lines[ours..ours + 5] {
        let others = (taken.towers - line.towers).max(0);
        let along = (0..others).filter(|_| dice.chance(0.22)).count() as i32;
        line.tower_takedowns = line.towers + along;
        line.turret_damage =
            (f64::from(line.tower_takedowns) * dice.between(700.0, 1_900.0)) as i32;
        line.epic_damage = (f64::from(line.dragons + line.barons) * dice.between(3_000.0, 6_000.0)
            + f64::from(line.heralds) * 3_000.0
            + dice.between(0.0, 1_500.0) * f64::from(taken.dragons))
            as i32;
        line.objective_damage = line.turret_damage + line.epic_damage;
    }
}

pub(super) fn first_takedowns(dice: &mut Dice, lines: &mut [Line; 10], first: &[Option<usize>; 8]) {
    if let Some(side) = first[0] {
        let kills = weights_of(&lines[side * 5..side * 5 + 5], |l| f64::from(l.kills));
        let killer = side * 5 + dice.weighted(&kills);
        lines[killer].first_blood = FirstShare::Kill;
        let helper = side * 5 + dice.below(5);
        if helper != killer && lines[helper].assists > 0 && dice.chance(0.7) {
            lines[helper].first_blood = FirstShare::Assist;
        }
    }
    if let Some(side) = first[1] {
        let towers = weights_of(&lines[side * 5..side * 5 + 5], |l| f64::from(l.towers));
        if towers.iter().sum::<f64>() > 0.0 {
            let taker = side * 5 + dice.weighted(&towers);
            lines[taker].first_tower = FirstShare::Kill;
            let helper = side * 5 + dice.below(5);
            if helper != taker && lines[helper].tower_takedowns > lines[helper].towers {
                lines[helper].first_tower = FirstShare::Assist;
            }
        }
    }
}
