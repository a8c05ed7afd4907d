//! What the ten did in a game, made from its outcome and their skill when somebody asks.
//!
//! The figures of one match agree with each other: a side's deaths are the other side's kills plus
//! the few that nobody got, assists stay within kills, takedowns of towers and monsters within what
//! the side took.

mod damage;
mod farming;
mod fights;
mod line;
mod objectives;
mod wishes;

use crate::dice::{Dice, Stream};
use crate::realm::{Game, Realm};

pub(crate) use damage::Damage;
pub(crate) use farming::{experience_for, level_for};
pub(crate) use line::{FirstShare, Line};
pub(crate) use objectives::Objectives;

/// A whole match.
#[derive(Debug)]
pub(crate) struct Performance {
    pub(crate) lines: [Line; 10],
    /// Blue, red.
    pub(crate) sides: [Objectives; 2],
    /// Which side was first at each, in the order of [`Performance::taken`]; `None` if nobody was.
    pub(crate) first: [Option<usize>; 8],
}

impl Performance {
    /// What a side took of champions, towers, inhibitors, dragons, barons, heralds, grubs, atakhans.
    pub(crate) fn taken(lines: &[Line; 10], sides: &[Objectives; 2], side: usize) -> [i32; 8] {
        let taken = &sides[side];
        [
            lines[side * 5..side * 5 + 5].iter().map(|line| line.kills).sum(),
            taken.towers,
            taken.inhibitors,
            taken.dragons,
            taken.barons,
            taken.heralds,
            taken.grubs,
            taken.atakhans,
        ]
    }
}

/// Plays a match out. The same game gives the same figures.
pub(crate) fn of(realm: &Realm, game: &Game) -> Performance {
    let stream = u64::from(game.number);
    let mut dice = Dice::new(realm.seed, Stream::Performance, realm.platform as u64, stream);
    let dice = &mut dice;
    let minutes = f64::from(game.duration_s) / 60.0;
    let raw = std::array::from_fn(|i| wishes::raw(realm, game, dice, i, minutes));
    let mut lines = std::array::from_fn(|i| farming::economy(game, dice, &raw[i], i, minutes));
    fights::fights(game, dice, &raw, &mut lines, minutes);
    damage::damage(game, dice, &raw, &mut lines, minutes);
    let sides = [0, 1].map(|side| objectives::objectives(game, dice, side == 0, minutes));
    let taken = [0, 1].map(|side| Performance::taken(&lines, &sides, side));
    let first = std::array::from_fn(|i| {
        let blue_is_quicker = dice.chance(if game.blue_won { 0.65 } else { 0.35 });
        match (taken[0][i] > 0, taken[1][i] > 0) {
            (true, true) => Some(usize::from(!blue_is_quicker)),
            (true, false) => Some(0),
            (false, true) => Some(1),
            (false, false) => None,
        }
    });
    for (side, taken) in sides.iter().enumerate() {
        objectives::take(game, dice, &mut lines, side, taken);
    }
    objectives::first_takedowns(dice, &mut lines, &first);
    habits(realm, game, dice, &mut lines, minutes);
    Performance { lines, sides, first }
}

/// What is a matter of habit: pings, casts, control wards.
fn habits(realm: &Realm, game: &Game, dice: &mut Dice, lines: &mut [Line; 10], minutes: f64) {
    // assist me, all in, command, enemy missing, enemy vision, get back, need vision, on my way, push
    const PINGS_PER_MIN: [f64; 9] = [0.05, 0.01, 0.20, 0.17, 0.09, 0.06, 0.005, 0.30, 0.01];
    for (seat, line) in game.seats.iter().zip(lines.iter_mut()) {
        let person = realm.accounts[seat.account as usize].person(seat.is_second);
        let pings = f64::from(person.pings) * minutes;
        line.pings = PINGS_PER_MIN.map(|rate| dice.count((rate * pings).min(60.0)));
        line.casts =
            [4.0, 2.2, 2.0, 0.32].map(|rate| (rate * minutes * dice.between(0.6, 1.6)) as i32);
        line.spell_casts = [0.16, 0.16].map(|rate| dice.count(rate * minutes));
        line.control_wards = (f64::from(line.control_wards) * f64::from(person.wards)) as i32;
    }
}
