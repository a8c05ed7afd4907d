//! Accounts: what stays the same while persons play on them.

mod telling;

use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use riftwatch_domain::story::Story;

use crate::dice::{Dice, Stream};
use crate::ladder;
use crate::names;
use crate::persons::Person;
use crate::stories::StoryMix;

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
    /// It was made when it opens; else it is older than the world.
    pub(crate) is_new: bool,
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

    /// Whether Riot knows it at a time: it has been made, and not been deleted.
    pub(crate) fn exists(&self, now_ms: i64) -> bool {
        (!self.is_new || self.opens_ms <= now_ms)
            && self.vanishes_ms.is_none_or(|at_ms| now_ms < at_ms)
    }

    /// Games on a champion before the world began.
    pub(crate) fn practice_before(&self, dice: &mut Dice, role: u8, champion: u8) -> u16 {
        let knows = !self.is_new && self.owner.pools[usize::from(role)].contains(&champion);
        let games = match knows {
            true if role == self.owner.role => dice.gauss(45f64.ln(), 0.9).exp(),
            true => dice.gauss(15f64.ln(), 0.9).exp(),
            false => dice.exponential(1.5),
        };
        games.min(2_000.0) as u16
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
        is_new: false,
        icon: dice.below(6_500) as i32,
        owner: Person::new(dice, skill),
        second: None,
        thrown: Vec::new(),
        games_per_day,
        partner: None,
        rating: skill - 0.05 + dice.gauss(0.0, 0.2),
        height: skill - 0.1 + dice.gauss(0.0, 0.3),
        level: dice.gauss(5.65, 0.7).exp().clamp(31.0, 1_800.0),
        season_games: (games_per_day * dice.between(15.0, 90.0)) as u32,
        rated_games: 200,
    };
    telling::tell(dice, &mut account, window);
    account.height = account.height.max(0.0);
    account
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
        if friend as usize == i {
            continue;
        }
        accounts[i].partner = Some((friend, share));
        if accounts[i].story == Story::DuoCarried {
            // Some have queued together for long, and matchmaking knows it; others have just begun.
            let gap = accounts[friend as usize].owner.skill - accounts[i].owner.skill;
            let known = dice.unit() * 0.8 * share * gap.max(0.0) / 2.0;
            accounts[i].rating += known;
            accounts[i].height += known;
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
                Story::Smurf => assert!(gap > 0.9, "smurf {gap}"),
                Story::Deranker => {
                    assert!(gap > 0.8 && !account.thrown.is_empty(), "deranker {gap}")
                }
                Story::Bought | Story::Shared => {
                    let (_, second) = account.second.as_ref().expect("a second person");
                    assert!(second.skill - account.owner.skill >= 0.4);
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
