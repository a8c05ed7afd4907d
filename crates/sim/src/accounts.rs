//! Persons and their accounts: what stays the same while they play.

use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;

use crate::champions;
use crate::dice::{Dice, Stream};
use crate::ladder;
use crate::names;
use crate::stories::{Story, StoryMix};

/// Statistics that a person has a style in, in the order of the performance tables.
pub(crate) const STATS: usize = 10;

/// How unlike two persons are in each statistic, in single-game deviations (from the variance
/// between players in real data).
const STYLE_SD: [f64; STATS] = [0.25, 0.25, 0.25, 0.35, 0.35, 0.35, 0.45, 0.25, 0.30, 0.25];

/// Somebody who plays.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Skill in tiers when the world begins.
    pub(crate) skill: f64,
    /// Skill gained per game.
    pub(crate) growth: f64,
    /// Skill missing at first; back after some fifteen games.
    pub(crate) rust: f64,
    /// Main position, 0 to 4, and the one after it.
    pub(crate) role: u8,
    pub(crate) second_role: u8,
    /// Share of games in a position chosen at random.
    pub(crate) roaming: f64,
    /// Favourite champions by position, best first.
    pub(crate) pools: [[u8; 6]; 5],
    /// Steepness of the preference for the first champions.
    pub(crate) focus: f64,
    pub(crate) one_trick: bool,
    pub(crate) flash_on_d: bool,
    /// Middle of the day's play, hours UTC.
    pub(crate) hour: f64,
    pub(crate) style: [f32; STATS],
    /// How much the person pings, and wards with control wards; 1 is usual.
    pub(crate) pings: f32,
    pub(crate) wards: f32,
}

/// When the second person of an account plays.
#[derive(Debug, Clone)]
pub(crate) enum Handover {
    /// After so many games, for good.
    AfterGames(u32),
    /// From a time on (milliseconds), for good.
    From(i64),
    /// In parts of a window of time that repeats: shares of it, `0..1`.
    Blocks(Vec<(f64, f64)>),
}

/// An account: name, owner, habits and what it begins with.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) story: Story,
    pub(crate) riot_id: RiotId,
    /// A later name and when it is taken (milliseconds).
    pub(crate) renamed: Option<(i64, RiotId)>,
    /// When the account is deleted (milliseconds).
    pub(crate) vanishes_ms: Option<i64>,
    /// Before this it does not play (milliseconds).
    pub(crate) opens_ms: i64,
    pub(crate) icon: i32,
    pub(crate) owner: Person,
    pub(crate) second: Option<(Handover, Person)>,
    /// Shares of the window in which games are thrown.
    pub(crate) thrown: Vec<(f64, f64)>,
    /// Wanted games a day.
    pub(crate) games_per_day: f64,
    /// Another account of the realm to play with, and the share of games with it.
    pub(crate) partner: Option<(u32, f64)>,
    /// What it begins with: hidden rating, visible height, level, games this season.
    pub(crate) rating: f64,
    pub(crate) height: f64,
    pub(crate) level: f64,
    pub(crate) season_games: u32,
    /// Games behind the hidden rating: few make it move fast.
    pub(crate) rated_games: u32,
}

/// The stretch of time that shares of a window refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    pub(crate) length_ms: i64,
}

impl Window {
    /// Where in the window a time falls, `0..1`; the window repeats.
    fn phase(self, at_ms: i64) -> f64 {
        ((at_ms - self.start_ms) as f64 / self.length_ms as f64).rem_euclid(1.0)
    }

    fn at(self, share: f64) -> i64 {
        self.start_ms + (self.length_ms as f64 * share) as i64
    }
}

impl Account {
    /// Whether the second person plays the game after `games` others at this time.
    pub(crate) fn is_second(&self, window: Window, at_ms: i64, games: u32) -> bool {
        match &self.second {
            None => false,
            Some((Handover::AfterGames(n), _)) => games >= *n,
            Some((Handover::From(from_ms), _)) => at_ms >= *from_ms,
            Some((Handover::Blocks(blocks), _)) => is_within(blocks, window.phase(at_ms)),
        }
    }

    /// The owner, or the second person.
    pub(crate) fn person(&self, is_second: bool) -> &Person {
        match &self.second {
            Some((_, person)) if is_second => person,
            _ => &self.owner,
        }
    }

    pub(crate) fn throws(&self, window: Window, at_ms: i64) -> bool {
        is_within(&self.thrown, window.phase(at_ms))
    }

    pub(crate) fn has_vanished(&self, now_ms: i64) -> bool {
        self.vanishes_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The name at a time.
    pub(crate) fn name_at(&self, at_ms: i64) -> &RiotId {
        match &self.renamed {
            Some((from_ms, name)) if *from_ms <= at_ms => name,
            _ => &self.riot_id,
        }
    }
}

fn is_within(blocks: &[(f64, f64)], phase: f64) -> bool {
    blocks.iter().any(|&(from, to)| from <= phase && phase < to)
}

impl Person {
    fn new(dice: &mut Dice, skill: f64) -> Self {
        let role = dice.below(5) as u8;
        let second_role = (role + 1 + dice.below(4) as u8) % 5;
        Self {
            skill,
            growth: dice.gauss(0.0, 0.0015),
            rust: 0.0,
            role,
            second_role,
            roaming: 0.04,
            pools: pools(dice),
            focus: dice.between(0.4, 2.2),
            one_trick: false,
            flash_on_d: dice.chance(0.45),
            hour: dice.gauss(19.0, 2.5).rem_euclid(24.0),
            style: std::array::from_fn(|i| (STYLE_SD[i] * dice.normal()) as f32),
            pings: dice.gauss(0.0, 0.6).exp() as f32,
            wards: dice.gauss(0.0, 0.4).exp() as f32,
        }
    }

    /// Skill after some games, in a position, on a champion of some rank among the favourites.
    pub(crate) fn skill_at(&self, games: u32, role: u8, favourite: Option<usize>) -> f64 {
        let games = f64::from(games);
        let off_role = match role {
            role if role == self.role => 0.0,
            role if role == self.second_role => 0.15,
            _ => 0.45,
        };
        let champion = match favourite {
            Some(0) if self.one_trick => 0.55,
            Some(rank) => -0.04 * rank as f64,
            None => -0.3,
        };
        self.skill + self.growth * games.min(300.0) - self.rust * (-games / 15.0).exp() - off_role
            + champion
    }
}

fn pools(dice: &mut Dice) -> [[u8; 6]; 5] {
    std::array::from_fn(|role| {
        let mut champions = champions::of_role(role as u8);
        std::array::from_fn(|_| champions.swap_remove(dice.below(champions.len())))
    })
}

/// Makes the accounts of a platform. Each has a stream of its own, so that more players do not change
/// the first ones (their partners, found afterwards, may).
pub(crate) fn create(
    seed: u64,
    platform: Platform,
    players: usize,
    mix: &StoryMix,
    window: Window,
) -> Vec<Account> {
    let mut taken = std::collections::HashSet::new();
    let mut accounts: Vec<Account> = (0..players)
        .map(|i| {
            let mut dice = Dice::new(seed, Stream::Account, platform as u64, i as u64);
            let mut fresh_name = |dice: &mut Dice| {
                let id = names::riot_id(dice, platform, |id| {
                    taken.contains(&names::lookup_key(&id.game_name, &id.tag_line))
                });
                taken.insert(names::lookup_key(&id.game_name, &id.tag_line));
                id
            };
            let riot_id = fresh_name(&mut dice);
            let renamed = dice
                .chance(0.03)
                .then(|| (window.at(dice.between(0.2, 1.5)), fresh_name(&mut dice)));
            let story = Story::ALL[dice.weighted(&mix.0)];
            account(&mut dice, story, riot_id, renamed, window)
        })
        .collect();
    pair_up(seed, platform, &mut accounts);
    accounts
}

fn account(
    dice: &mut Dice,
    story: Story,
    riot_id: RiotId,
    renamed: Option<(i64, RiotId)>,
    window: Window,
) -> Account {
    let skill = ladder::height_at_share(dice.unit());
    let games_per_day = dice.gauss(0.35, 0.75).exp().clamp(0.05, 9.0);
    let mut account = Account {
        story,
        riot_id,
        renamed,
        vanishes_ms: dice.chance(0.01).then(|| window.at(dice.between(0.3, 1.5))),
        opens_ms: window.start_ms,
        icon: dice.below(6_500) as i32,
        owner: Person::new(dice, skill),
        second: None,
        thrown: Vec::new(),
        games_per_day,
        partner: None,
        // Off positions and champions cost a little, so a rating settles a little under the skill.
        rating: skill - 0.2 + dice.gauss(0.0, 0.2),
        height: skill - 0.3 + dice.gauss(0.0, 0.3),
        level: dice.gauss(5.65, 0.7).exp().clamp(31.0, 1_800.0),
        season_games: (games_per_day * dice.between(15.0, 90.0)) as u32,
        rated_games: 200,
    };
    tell(dice, &mut account, window);
    account.height = account.height.max(0.0);
    account
}

/// Makes an account fit its story. The figures are those of the detection design's world generator.
fn tell(dice: &mut Dice, account: &mut Account, window: Window) {
    let young = |account: &mut Account, dice: &mut Dice, level: f64| {
        account.opens_ms = window.at(dice.between(0.0, 0.6));
        account.level = dice.gauss(level.ln(), 0.3).exp().max(30.0);
        account.season_games = 0;
        account.rated_games = 0;
    };
    match account.story {
        Story::Stable => {}
        Story::Improving => account.owner.growth = dice.between(0.006, 0.02),
        Story::Returning => {
            account.owner.rust = dice.between(0.4, 1.2);
            account.rating = account.owner.skill - dice.between(0.6, 2.0);
            account.height = account.rating - dice.between(0.1, 0.6);
            account.season_games = 0;
            account.rated_games = 10;
            account.opens_ms = window.at(dice.between(0.0, 0.5));
        }
        Story::OneTrick => account.owner.one_trick = true,
        Story::Newbie => {
            young(account, dice, 44.0);
            account.owner.skill = dice.gauss(0.7, 0.7).max(0.0);
            account.owner.growth = dice.between(0.003, 0.012);
            account.rating = dice.gauss(1.9, 0.3);
            account.height = account.rating - 0.5;
        }
        Story::NormalsVet => {
            account.level = dice.gauss(150f64.ln(), 0.4).exp();
            account.height = account.rating - dice.between(0.3, 1.0);
            account.season_games = 0;
            account.rated_games = 60;
        }
        // The partner is found among the other accounts afterwards.
        Story::DuoCarried => {}
        Story::OffRole => account.owner.roaming = 0.6,
        Story::RoleSwap => {
            let mut later = account.owner.clone();
            later.role = (account.owner.role + 1 + dice.below(4) as u8) % 5;
            later.second_role = account.owner.role;
            later.pools = pools(dice);
            later.flash_on_d ^= dice.chance(0.15);
            let from_ms = window.at(dice.between(0.35, 0.65));
            account.second = Some((Handover::From(from_ms), later));
        }
        Story::AltOk => {
            young(account, dice, 55.0);
            account.rating = account.owner.skill + dice.gauss(0.0, 0.2);
            account.height = account.rating - dice.between(0.0, 0.4);
            account.rated_games = 40;
        }
        Story::Smurf => {
            young(account, dice, 36.0);
            let seeded = account.owner.skill.min(4.0);
            account.owner.skill = (seeded + dice.gauss(2.6, 0.8).max(1.5)).min(8.6);
            account.rating = seeded + 0.3 * (account.owner.skill - seeded);
            account.height = account.rating - dice.between(0.3, 0.9);
        }
        Story::Deranker => {
            account.owner.skill = account.owner.skill.max(2.5);
            account.rating = account.owner.skill - dice.between(1.8, 3.5);
            account.height = account.rating + dice.gauss(0.0, 0.2);
            let blocks = 3 + dice.below(3);
            account.thrown = (0..blocks)
                .map(|i| {
                    let slot = 1.0 / blocks as f64;
                    let from = slot * (i as f64 + dice.between(0.0, 0.5));
                    (from, from + slot * dice.between(0.15, 0.45))
                })
                .collect();
        }
        Story::Bought => {
            young(account, dice, 32.0);
            account.level = dice.between(30.0, 38.0);
            let skill = dice.gauss(4.6, 0.8).clamp(2.5, 8.0);
            let buyer = Person::new(dice, skill);
            // The seller plays first: badly, like a script, and always the same.
            account.owner.skill = dice.between(0.0, 0.6);
            account.owner.growth = 0.0;
            account.owner.focus = 2.2;
            account.second = Some((Handover::AfterGames(4 + dice.below(9) as u32), buyer));
            account.rating = dice.between(0.3, 1.5);
            account.height = account.rating;
        }
        Story::Shared => {
            let skill = account.owner.skill + dice.gauss(2.2, 0.4).max(1.0);
            let mut helper = Person::new(dice, skill);
            helper.flash_on_d = account.owner.flash_on_d ^ dice.chance(0.45);
            if dice.chance(0.35) {
                for (theirs, own) in helper.style.iter_mut().zip(account.owner.style) {
                    *theirs = (*theirs + own) / 2.0;
                }
            }
            let blocks = 1 + dice.below(3);
            let slot = 1.0 / blocks as f64;
            let blocks = (0..blocks).map(|i| {
                let length = dice.between(0.12, 0.30).min(slot * 0.9);
                let from = slot * i as f64 + dice.between(0.0, slot - length);
                (from, from + length)
            });
            account.second = Some((Handover::Blocks(blocks.collect()), helper));
        }
    }
}

/// Finds friends: far better ones for the carried, equals for some of the others.
fn pair_up(seed: u64, platform: Platform, accounts: &mut [Account]) {
    let mut by_skill: Vec<u32> = (0..accounts.len() as u32)
        .filter(|&i| accounts[i as usize].story == Story::Stable)
        .collect();
    by_skill.sort_by(|&a, &b| {
        let skill = |i: u32| accounts[i as usize].owner.skill;
        skill(a).total_cmp(&skill(b)).then(a.cmp(&b))
    });
    if by_skill.is_empty() {
        return;
    }
    for i in 0..accounts.len() {
        let mut dice = Dice::new(seed, Stream::Opening, platform as u64, i as u64);
        let (wanted, share) = match accounts[i].story {
            Story::DuoCarried => (dice.between(1.0, 2.5), dice.between(0.5, 0.9)),
            Story::Stable if dice.chance(0.12) => (dice.gauss(0.0, 0.3), dice.between(0.1, 0.5)),
            _ => continue,
        };
        let wanted = accounts[i].owner.skill + wanted;
        let at = by_skill.partition_point(|&j| accounts[j as usize].owner.skill < wanted);
        // Any of the next few, so that not everybody has the same friend.
        let at = (at + dice.below(6)).min(by_skill.len() - 1);
        let friend = by_skill[at];
        if friend as usize != i {
            accounts[i].partner = Some((friend, share));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { start_ms: 0, length_ms: 60 * 86_400_000 };

    fn accounts(players: usize) -> Vec<Account> {
        create(3, Platform::Euw1, players, &StoryMix::default(), WINDOW)
    }

    #[test]
    fn more_players_leave_the_first_ones_as_they_were() {
        let (few, many) = (accounts(50), accounts(200));
        for (a, b) in few.iter().zip(&many) {
            assert_eq!(a.riot_id, b.riot_id);
            assert_eq!((a.story, a.owner.skill), (b.story, b.owner.skill));
        }
    }

    #[test]
    fn anomalous_accounts_are_better_than_they_stand() {
        for account in accounts(4_000) {
            let gap = account.owner.skill - account.rating;
            match account.story {
                Story::Smurf => assert!(gap > 0.8, "smurf {gap}"),
                Story::Deranker => assert!(gap >= 1.8 && !account.thrown.is_empty()),
                Story::Bought | Story::Shared => {
                    let (_, second) = account.second.as_ref().expect("a second person");
                    assert!(second.skill - account.owner.skill >= 1.0);
                }
                Story::Stable => assert!(gap.abs() < 1.5, "stable {gap}"),
                _ => {}
            }
        }
    }

    #[test]
    fn a_helper_sits_in_for_a_part_of_the_time_again_and_again() {
        let all = accounts(4_000);
        let shared = all.iter().find(|a| a.story == Story::Shared).expect("a shared account");
        let share = |from: i64| {
            let hours = 60 * 24;
            let second =
                (0..hours).filter(|h| shared.is_second(WINDOW, from + h * 3_600_000, 0)).count();
            second as f64 / hours as f64
        };
        let in_history = share(0);
        assert!((0.1..=0.9).contains(&in_history), "{in_history}");
        assert_eq!(share(WINDOW.length_ms), in_history);
    }
}
