//! The games of an account, one after the other.

use chrono::{DateTime, Duration, Utc};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::{Division, Tier};

use super::World;
use super::account::Account;
use super::correlation;
use super::levels::{self, SIGNAL, WIN};
use super::person::CHAMPIONS_OF_ROLE;
use super::random::Dice;
use crate::evidence::{Evidence, Game, RankPoint, Role};
use crate::stats::STATS;

/// 2026-03-01, midnight UTC: the day on which worlds begin.
const FIRST_DAY: DateTime<Utc> = DateTime::from_timestamp(1_772_323_200, 0).expect("a valid time");

/// What all accounts of a world share.
#[derive(Debug)]
pub(super) struct Scenery {
    champions: Vec<[f64; STATS]>,
    /// What this world's levels have beyond the table, by role.
    levels: [[f64; STATS]; 5],
    spreads: [[f64; STATS]; 5],
    patch: [f64; STATS],
    patch_at: DateTime<Utc>,
    relation: [[f64; STATS]; STATS],
}

impl Scenery {
    pub(super) fn new(world: &World, dice: &mut Dice) -> Self {
        let mut offsets = |sd: f64| std::array::from_fn(|_| dice.around(0.0, sd));
        Self {
            champions: (0..5 * CHAMPIONS_OF_ROLE).map(|_| offsets(world.champion_effect)).collect(),
            levels: std::array::from_fn(|_| offsets(world.level_error)),
            spreads: std::array::from_fn(levels::spread),
            patch: offsets(world.patch_shift),
            patch_at: FIRST_DAY + Duration::days(24),
            relation: correlation::cholesky(world.relation),
        }
    }
}

/// Games of the account on each champion so far.
#[derive(Debug, Default)]
struct Mastery(Vec<(u32, u32)>);

impl Mastery {
    /// Count before this game; the champion is new to the list with a count from `first`.
    fn played(&mut self, champion: u32, first: impl FnOnce() -> u32) -> u32 {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == champion) {
            *count += 1;
            return *count - 1;
        }
        let count = first();
        self.0.push((champion, count + 1));
        count
    }
}

/// Plays `games` games. Name and label of the account are left empty.
pub(super) fn play(
    world: &World,
    scenery: &Scenery,
    mut account: Account,
    games: usize,
    dice: &mut Dice,
) -> Evidence {
    account.rank = account.rank.clamp(0.0, 9.5);
    let mut mastery = Mastery::default();
    let mut calendar = Calendar::new(dice);
    let mut form = dice.around(0.0, world.form);
    let mut evidence = Evidence {
        account_id: String::new(),
        account_level: Some(account.level.round() as u32),
        label: None,
        ranks: Vec::with_capacity(games / 2),
        games: Vec::with_capacity(games),
    };
    for place in 0..games {
        let turn = usize::from(account.turns[place]);
        let (at, new_day) = calendar.next(account.people[turn].hour, world, dice);
        if new_day {
            evidence.ranks.push(rank_point(at, account.rank));
        }
        form = world.form_memory * form
            + (1.0 - world.form_memory * world.form_memory).sqrt() * dice.around(0.0, world.form);
        let game = play_one(world, scenery, &account, place, form, at, &mut mastery, dice);
        let step = world.matchmaking_last
            + (world.matchmaking_first - world.matchmaking_last)
                * (-(account.games_before + place as f64) / world.matchmaking_settles).exp();
        account.matchmaking += if game.win { step } else { -step };
        let pull = (world.rank_pull * (account.matchmaking - account.rank)).clamp(-0.8, 0.8);
        account.rank +=
            if game.win { world.rank_win * (1.0 + pull) } else { -world.rank_loss * (1.0 - pull) };
        account.rank = account.rank.clamp(0.0, 9.5);
        if dice.chance(account.people[turn].slot_flips) {
            account.people[turn].slot = 3 - account.people[turn].slot;
        }
        evidence.games.push(game);
    }
    if world.missing > 0.0 {
        forget(world, &mut evidence, dice);
    }
    evidence
}

#[expect(clippy::too_many_arguments, reason = "everything that one game depends on")]
fn play_one(
    world: &World,
    scenery: &Scenery,
    account: &Account,
    place: usize,
    form: f64,
    at: DateTime<Utc>,
    mastery: &mut Mastery,
    dice: &mut Dice,
) -> Game {
    let turn = usize::from(account.turns[place]);
    let person = &account.people[turn];
    let thrown = account.thrown[place];
    let (role, champion) = person.pick(dice);
    let known = account.has_history && account.people[0].pools[role].contains(&champion);
    let before = mastery.played(champion, || {
        let median = if role == account.people[0].main_role { 45.0 } else { 15.0 };
        if known { dice.spread(median, 0.9) as u32 } else { dice.waiting(1.5) as u32 }
    });

    let mut skill = person.strength + form;
    if turn == 0 {
        let t = place as f64;
        skill += account.drift * t + account.learning * (1.0 + t).ln()
            - account.rust * (-t / 15.0).exp();
    }
    let familiar = f64::from(before) + if person.knows_champions { 60.0 } else { 0.0 };
    skill -= 0.5 * (-familiar / 8.0).exp();
    if role != person.main_role {
        skill -= 0.4;
    }
    if champion == person.pools[person.main_role][0] {
        skill += account.favourite_bonus;
    }
    if thrown {
        skill = account.matchmaking - world.throw_depth;
    }
    let edge = skill - account.matchmaking;
    let duo = !thrown && dice.chance(account.duo.0);
    let help = if duo { 0.8 * account.duo.1 } else { 0.0 };
    let odds = if thrown { -2.2 } else { world.win_slope * (edge + help) };
    let win = dice.unit() < 1.0 / (1.0 + (-odds).exp());

    let noise = {
        let independent: [f64; STATS] = std::array::from_fn(|_| dice.normal());
        let wild = if dice.chance(world.wild_games) { 2.2 } else { 1.0 };
        // Scripts vary little from game to game.
        let even = if place < account.bot_games { 0.6 } else { 1.0 };
        let relation = &scenery.relation;
        std::array::from_fn::<f64, STATS, _>(|row| {
            let noise = (0..=row).map(|k| relation[row][k] * independent[k]).sum::<f64>();
            wild * even * skewed(noise, world.skew)
        })
    };
    let usual = levels::usual(role, account.matchmaking);
    let patched = if at >= scenery.patch_at { 1.0 } else { 0.0 };
    let stats: [f64; STATS] = std::array::from_fn(|stat| {
        let z = world.signal[stat] * SIGNAL[stat] * edge
            + person.style[stat]
            + scenery.champions[champion as usize][stat]
            + scenery.levels[role][stat]
            + patched * scenery.patch[stat]
            + WIN[stat] * if win { 0.5 } else { -0.5 }
            + noise[stat];
        (usual[stat] + scenery.spreads[role][stat] * z).max(0.0)
    });
    let duration_s = dice.around(1730.0, 370.0).clamp(905.0, 3300.0);
    let minutes = duration_s / 60.0;
    Game {
        at,
        duration_s: duration_s as u32,
        queue: QueueId::RANKED_SOLO,
        role: Role::ALL[role],
        champion_id: champion + 1,
        win,
        kills: stats[0].round() as f32,
        deaths: stats[1].round() as f32,
        assists: stats[2].round() as f32,
        cs: (stats[3] * minutes).round() as f32,
        gold: (stats[4] * minutes).round() as f32,
        damage_to_champions: (stats[5] * minutes).round() as f32,
        vision_score: Some((stats[6] * minutes).round() as f32),
        kill_participation: Some(((stats[7].min(1.0) * 100.0).round() / 100.0) as f32),
        cs_at_10: Some(stats[8].round() as f32),
        solo_kills: Some(stats[9].round() as f32),
        flash_slot: Some(person.slot),
        rank_tier_value: Some(two_places(account.rank)),
        lobby_tier_value: Some(two_places(
            dice.around(account.matchmaking, world.lobby_noise).clamp(0.0, 10.0),
        )),
        champion_games_before: Some(before),
        duo: Some(duo),
    }
}

/// A standard normal number drawn out above and pressed together below, with the same mean and
/// spread.
fn skewed(noise: f64, skew: f64) -> f64 {
    if skew < 0.01 {
        return noise;
    }
    let square = skew * skew;
    let mean = (0.5 * square).exp();
    ((skew * noise).exp() - mean) / (mean * square.exp_m1().sqrt())
}

fn two_places(value: f64) -> f32 {
    ((value * 100.0).round() / 100.0) as f32
}

/// Drops whole fields of the account, each by its own throw.
fn forget(world: &World, evidence: &mut Evidence, dice: &mut Dice) {
    let lacks: [bool; 9] = std::array::from_fn(|_| dice.chance(world.missing));
    for game in &mut evidence.games {
        let fields = [
            &mut game.vision_score,
            &mut game.kill_participation,
            &mut game.cs_at_10,
            &mut game.solo_kills,
            &mut game.rank_tier_value,
            &mut game.lobby_tier_value,
        ];
        for (field, lacks) in fields.into_iter().zip(lacks) {
            if lacks {
                *field = None;
            }
        }
        if lacks[6] {
            game.flash_slot = None;
        }
        if lacks[7] {
            game.champion_games_before = None;
        }
        if lacks[8] {
            game.duo = None;
        }
    }
}

/// When games are played: sessions, with days between them.
#[derive(Debug)]
struct Calendar {
    day: i64,
    left_in_session: u32,
    next_at: DateTime<Utc>,
}

impl Calendar {
    fn new(dice: &mut Dice) -> Self {
        Self { day: dice.below(20) as i64, left_in_session: 0, next_at: FIRST_DAY }
    }

    /// The time of the next game, and whether it is the first of its session.
    fn next(&mut self, hour: f64, world: &World, dice: &mut Dice) -> (DateTime<Utc>, bool) {
        let new_session = self.left_in_session == 0;
        if new_session {
            self.left_in_session = 1 + dice.waiting(world.session_games) as u32;
            self.day += 1 + dice.waiting(0.8) as i64;
            let hour = dice.around(hour, world.hours_of_days).clamp(0.0, 30.0);
            let start =
                FIRST_DAY + Duration::days(self.day) + Duration::seconds((hour * 3600.0) as i64);
            self.next_at = self.next_at.max(start);
        }
        self.left_in_session -= 1;
        let at = self.next_at;
        self.next_at += Duration::seconds(dice.within(2100.0, 3000.0) as i64);
        (at, new_session)
    }
}

fn rank_point(at: DateTime<Utc>, value: f64) -> RankPoint {
    if value >= 7.0 {
        let tier = match value {
            value if value >= 9.0 => Tier::Challenger,
            value if value >= 8.0 => Tier::Grandmaster,
            _ => Tier::Master,
        };
        let league_points = ((value - 7.0) * 400.0) as i32;
        return RankPoint { at, tier, division: Some(Division::I), league_points };
    }
    let tier = Tier::LADDER[value as usize].clone();
    let quarters = value.fract() * 4.0;
    let division = Division::ALL[(quarters as usize).min(3)];
    RankPoint {
        at,
        tier,
        division: Some(division),
        league_points: (quarters.fract() * 100.0) as i32,
    }
}
