//! What everybody would do alone, from skill, style, champion and luck, before the ten are made to agree.

use riftwatch_detection::worlds::levels;
use riftwatch_domain::story::Story;

use crate::dice::Dice;
use crate::patches::Patch;
use crate::realm::{Game, Realm};
use crate::tables::{STATS, relation};

/// Places of the statistics in the rows of the levels.
#[derive(Debug, Clone, Copy)]
enum Stat {
    Kills,
    Deaths,
    Assists,
    Cs,
    Gold,
    Damage,
    Vision,
    // Follows from kills and assists; its place keeps the rows aligned.
    #[expect(dead_code, reason = "a place in the rows")]
    KillParticipation,
    Cs10,
    SoloKills,
}

/// Wishes before they are made to agree: expected kills and such, as real numbers.
pub(super) struct Raw {
    pub(super) kills: f64,
    pub(super) deaths: f64,
    pub(super) assists: f64,
    pub(super) solo_kills: f64,
    pub(super) damage: f64,
    pub(super) cs: f64,
    pub(super) cs10: f64,
    pub(super) gold: f64,
    pub(super) vision: f64,
}

pub(super) fn raw(realm: &Realm, game: &Game, dice: &mut Dice, i: usize, minutes: f64) -> Raw {
    let seat = &game.seats[i];
    let role = i % 5;
    let account = &realm.accounts[seat.account as usize];
    let person = account.person(seat.is_second);
    let usual = levels::usual(role, f64::from(game.tier) / 100.0);
    let spread = levels::spread(role);
    let edge = f64::from(seat.edge) / 100.0;
    let side = if (i < 5) == game.blue_won { 0.5 } else { -0.5 };
    // Whoever levels an account for sale plays like a script, which varies little.
    let even = if account.story == Story::Bought && !seat.is_second { 0.6 } else { 1.0 };
    let independent: [f64; STATS] = std::array::from_fn(|_| dice.normal());
    let champion = &realm.champion_ways[usize::from(seat.champion)];
    let patch = realm.patches.moves(Patch::at(game.start_ms), role, seat.champion);
    let z: [f64; STATS] = std::array::from_fn(|s| {
        let noise: f64 = (0..=s).map(|k| relation()[s][k] * independent[k]).sum();
        let z = levels::SIGNAL[s] * edge
            + f64::from(person.style[s])
            + f64::from(champion[s])
            + patch[s]
            + levels::WIN[s] * side
            + even * noise;
        z.clamp(-3.5, 3.5)
    });
    // The averages are of a game of this length.
    let length = minutes / 29.8;
    let plain = |stat: Stat| usual[stat as usize] + spread[stat as usize] * z[stat as usize];
    // Counts of rare things are skewed to the right: log-normal, with the same mean over all games
    // of all players. Winning, style and champions widen it beyond a game's own luck.
    let skewed = |stat: Stat| {
        let s = stat as usize;
        let (mean, sd) = (usual[s].max(0.1), spread[s]);
        let log_sd = (1.0 + (sd / mean).powi(2)).ln().sqrt();
        let wider = levels::WIN[s].powi(2) / 4.0 + levels::STYLE[s].powi(2);
        mean * length * (log_sd * z[s] - log_sd * log_sd * (1.0 + wider) / 2.0).exp()
    };
    Raw {
        kills: skewed(Stat::Kills),
        deaths: skewed(Stat::Deaths),
        assists: skewed(Stat::Assists),
        solo_kills: skewed(Stat::SoloKills),
        damage: plain(Stat::Damage).max(110.0),
        cs: plain(Stat::Cs).max(0.25),
        cs10: plain(Stat::Cs10).max(0.0),
        gold: plain(Stat::Gold).max(195.0),
        vision: plain(Stat::Vision).max(0.06),
    }
}
