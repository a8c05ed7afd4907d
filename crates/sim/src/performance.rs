//! What the ten did in a game, made from its outcome and their skill when somebody asks.
//!
//! The figures of one match agree with each other: a side's deaths are the other side's kills plus
//! the few that nobody got, assists stay within kills, takedowns of towers and monsters within what
//! the side took.

use riftwatch_domain::story::Story;

use crate::champions::CHAMPIONS;
use crate::dice::{Dice, Stream};
use crate::realm::{Game, Realm};
use crate::tables::{STATS, early, relation, tanking};
use riftwatch_detection::worlds::levels;

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
    let raw: [Raw; 10] = std::array::from_fn(|i| raw(realm, game, dice, i, minutes));
    let mut lines: [Line; 10] = std::array::from_fn(|i| economy(game, dice, &raw[i], i, minutes));
    fights(game, dice, &raw, &mut lines, minutes);
    damage(game, dice, &raw, &mut lines, minutes);
    let sides = [0, 1].map(|side| objectives(game, dice, side == 0, minutes));
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
        take_objectives(game, dice, &mut lines, side, taken);
    }
    first_takedowns(dice, &mut lines, &first);
    habits(realm, game, dice, &mut lines, minutes);
    Performance { lines, sides, first }
}

/// Wishes before they are made to agree: expected kills and such, as real numbers.
struct Raw {
    kills: f64,
    deaths: f64,
    assists: f64,
    solo_kills: f64,
    damage: f64,
    cs: f64,
    cs10: f64,
    gold: f64,
    vision: f64,
}

fn raw(realm: &Realm, game: &Game, dice: &mut Dice, i: usize, minutes: f64) -> Raw {
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
    let z: [f64; STATS] = std::array::from_fn(|s| {
        let noise: f64 = (0..=s).map(|k| relation()[s][k] * independent[k]).sum();
        let z = levels::SIGNAL[s] * edge
            + f64::from(person.style[s])
            + f64::from(champion[s])
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

fn economy(game: &Game, dice: &mut Dice, raw: &Raw, i: usize, minutes: f64) -> Line {
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

/// Kills, deaths and assists that agree.
fn fights(game: &Game, dice: &mut Dice, raw: &[Raw; 10], lines: &mut [Line; 10], minutes: f64) {
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

fn weights_of<T>(five: &[T], weight: impl Fn(&T) -> f64) -> [f64; 5] {
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

fn damage(game: &Game, dice: &mut Dice, raw: &[Raw; 10], lines: &mut [Line; 10], minutes: f64) {
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

fn objectives(game: &Game, dice: &mut Dice, is_blue: bool, minutes: f64) -> Objectives {
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

fn take_objectives(
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

fn first_takedowns(dice: &mut Dice, lines: &mut [Line; 10], first: &[Option<usize>; 8]) {
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
