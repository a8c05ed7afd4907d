//! Kills, deaths, assists and streaks.

use super::line::Line;
use super::wishes::Raw;
use crate::dice::Dice;
use crate::realm::Game;

/// Kills, deaths and assists that agree.
pub(super) fn fights(
    game: &Game,
    dice: &mut Dice,
    raw: &[Raw; 10],
    lines: &mut [Line; 10],
    minutes: f64,
) {
    let bloodiness = if game.has_positions() { 1.0 } else { 1.9 };
    for side in 0..2 {
        let ours = side * 5..side * 5 + 5;
        let theirs = (1 - side) * 5..(1 - side) * 5 + 5;
        let wishes: f64 = raw[ours.clone()].iter().map(|r| r.kills).sum();
        let fates: f64 = raw[theirs.clone()].iter().map(|r| r.deaths).sum();
        let total = if game.is_remake {
            i32::from(dice.chance(0.3))
        } else {
            // Deaths of the lower tiers are reckoned from ratios, kills are counted: they weigh more.
            ((2.0 * wishes + fates) / 3.0 * bloodiness).round() as i32
        };
        let kills = share_out(total, &weights_of(&raw[ours.clone()], |r| r.kills));
        let deaths = share_out(total, &weights_of(&raw[theirs.clone()], |r| r.deaths));
        for (line, kills) in lines[ours.clone()].iter_mut().zip(kills) {
            line.kills = kills;
        }
        for (line, deaths) in lines[theirs].iter_mut().zip(deaths) {
            line.executions = i32::from(dice.chance(0.03 * minutes / 28.8));
            line.deaths = deaths + line.executions;
        }
        for (line, raw) in lines[ours.clone()].iter_mut().zip(&raw[ours]) {
            let wish = (raw.assists * bloodiness * bloodiness.sqrt()).round() as i32;
            line.assists = wish.clamp(0, total - line.kills);
            line.solo_kills = (raw.solo_kills.round() as i32).min(line.kills / 2 + line.kills % 2);
            if !game.has_positions() {
                line.solo_kills = 0;
            }
        }
    }
    for line in lines.iter_mut() {
        streaks(dice, line);
        let respawn_s = 9.0 + 1.05 * minutes * 0.75;
        line.dead_s = (f64::from(line.deaths) * respawn_s * dice.between(0.8, 1.15)) as i32;
        let lives = f64::from(line.deaths + 1);
        let longest = minutes * 60.0 / lives * (1.0 + lives.ln()).min(3.0);
        line.longest_life_s = longest.min(minutes * 60.0) as i32;
        if line.deaths == 0 {
            line.longest_life_s = 0;
        }
    }
}

/// Several kills at once and several in a life, out of the kills there are.
fn streaks(dice: &mut Dice, line: &mut Line) {
    let mut left = line.kills;
    for (size, chance) in [(5, 0.004), (4, 0.015), (3, 0.06), (2, 0.45)] {
        let most = left / size;
        let n = (0..most).filter(|_| dice.chance(chance)).count() as i32;
        left -= n * size;
        match size {
            5 => line.penta_kills = n,
            4 => line.quadra_kills = n,
            3 => line.triple_kills = n,
            _ => line.double_kills = n,
        }
    }
    // A bigger one passes through the smaller ones.
    line.quadra_kills += line.penta_kills;
    line.triple_kills += line.quadra_kills;
    line.double_kills += line.triple_kills;
    let lives = f64::from(line.deaths + 1);
    let spree = (f64::from(line.kills) / lives * dice.between(1.2, 3.0)).round() as i32;
    let least = line.largest_multi_kill();
    line.largest_spree = spree.clamp(least, line.kills.max(least));
    if line.largest_spree < 2 {
        line.largest_spree = 0;
    }
    line.sprees =
        if line.largest_spree >= 3 { 1 + (line.kills - line.largest_spree) / 5 } else { 0 };
}

pub(super) fn weights_of<T>(five: &[T], weight: impl Fn(&T) -> f64) -> [f64; 5] {
    std::array::from_fn(|i| weight(&five[i]))
}

/// Splits a whole number in proportion to weights; the largest remainders get what is left.
fn share_out(total: i32, weights: &[f64; 5]) -> [i32; 5] {
    let sum: f64 = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let exact = weights.map(|w| f64::from(total) * w / sum);
    let mut parts = exact.map(|x| x.floor() as i32);
    let mut order = [0, 1, 2, 3, 4];
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let left = total - parts.iter().sum::<i32>();
    for &i in order.iter().cycle().take(usize::try_from(left).unwrap_or(0)) {
        parts[i] += 1;
    }
    parts
}
