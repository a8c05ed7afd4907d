//! What a player earns without fighting: minions, monsters, gold, experience, and wards.

use super::line::Line;
use super::wishes::Raw;
use crate::dice::Dice;
use crate::realm::Game;
use crate::tables::early;

pub(super) fn economy(game: &Game, dice: &mut Dice, raw: &Raw, i: usize, minutes: f64) -> Line {
    let role = i % 5;
    let is_jungle = role == 1 && game.has_positions();
    let (lane10, jungle10) = early(role);
    let thin = if game.has_positions() { 1.0 } else { 0.4 };
    let cs = raw.cs * minutes * thin;
    let monsters = match role {
        _ if !game.has_positions() => 0.0,
        1 => cs * dice.between(0.72, 0.88),
        4 => 0.0,
        _ => cs * dice.between(0.0, 0.09),
    };
    let monsters10 = if is_jungle {
        (raw.cs10 - lane10).clamp(0.0, monsters)
    } else if role == 4 || !game.has_positions() {
        0.0
    } else {
        f64::from(dice.count(jungle10)).min(monsters)
    };
    let minions = (cs - monsters).max(0.0);
    let lane_cs10 = if is_jungle { lane10 * dice.between(0.0, 2.0) } else { raw.cs10 - monsters10 };
    let early = (minutes / 10.0).min(1.0);
    let experience = match role {
        4 => 275.0,
        1 => 360.0,
        3 => 350.0,
        _ => 392.0,
    } * minutes.powf(1.08)
        * (1.0 + 0.12 * (raw.gold / 400.0 - 1.0))
        * dice.between(0.82, 1.16);
    let vision = if game.has_positions() { raw.vision * minutes } else { 0.0 };
    Line {
        minions: minions as i32,
        monsters: monsters as i32,
        enemy_monsters: (monsters * dice.between(0.0, if is_jungle { 0.22 } else { 0.35 })) as i32,
        minions10: (lane_cs10.max(0.0) * early).min(minions) as i32,
        monsters10: (monsters10 * early).round(),
        gold: (500.0 + (raw.gold * minutes - 500.0 * (minutes / 28.8).min(1.0)).max(0.0)) as i32,
        experience: experience as i32,
        level: level_for(experience),
        vision: vision as i32,
        wards: (vision * if role == 4 { 0.45 } else { 0.5 } + dice.between(0.0, 3.0)) as i32,
        wards_killed: dice.count(vision * 0.14),
        control_wards: dice.count(vision * 0.07),
        ..Line::default()
    }
}

/// Champion level of some experience.
pub(crate) fn level_for(experience: f64) -> i32 {
    (2..=18).take_while(|&level| experience >= experience_for(level)).last().unwrap_or(1)
}

/// The experience that a level takes: 280 for the second, 100 more for each after it than for the
/// one before.
pub(crate) fn experience_for(level: i32) -> f64 {
    let steps = f64::from(level - 1);
    230.0 * steps + 50.0 * steps * steps
}
