//! Persons and their accounts: what stays the same while they play.

use riftwatch_detection::worlds::{World, levels};
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use riftwatch_domain::story::Story;

use crate::champions;
use crate::dice::{Dice, Stream};
use crate::ladder;
use crate::names;
use crate::stories::StoryMix;

/// Statistics that a person has a style in, in the order of the levels.
pub(crate) const STATS: usize = levels::STYLE.len();

/// Somebody who plays.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Skill in tiers when the world begins.
    pub(crate) skill: f64,
    /// Skill gained per game.
    pub(crate) growth: f64,
    /// Skill gained per unit of ln(1 + games), as beginners do.
    pub(crate) learning: f64,
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
    /// Knows champions from other accounts, so that none of them is new.
    pub(crate) knows_champions: bool,
    pub(crate) flash_on_d: bool,
    /// How often Flash changes its key from one game to the next.
    pub(crate) key_changes: f64,
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

impl Person {
    fn new(dice: &mut Dice, skill: f64) -> Self {
        let role = dice.below(5) as u8;
        let second_role = (role + 1 + dice.below(4) as u8) % 5;
        Self {
            skill,
            growth: dice.between(-0.0015, 0.0015),
            learning: 0.0,
            rust: 0.0,
            role,
            second_role,
            roaming: dice.between(0.02, 0.12),
            pools: pools(dice),
            focus: dice.between(0.4, 2.2),
            one_trick: false,
            knows_champions: false,
            flash_on_d: dice.chance(0.45),
            // Most people never move Flash; a few do so again and again.
            key_changes: if dice.chance(0.1) { 10.0 * world().slot_flips } else { 0.0 },
            hour: dice.gauss(19.0, 2.5).rem_euclid(24.0),
            style: std::array::from_fn(|i| (levels::STYLE[i] * dice.normal()) as f32),
            pings: dice.gauss(0.0, 0.6).exp() as f32,
            wards: dice.gauss(0.0, 0.4).exp() as f32,
        }
    }

    /// Skill after some ranked games, in a position, on a champion played so often before.
    pub(crate) fn skill_at(&self, games: u32, role: u8, champion: u8, practice: u16) -> f64 {
        let games = f64::from(games);
        let off_role = match role {
            role if role == self.role => 0.0,
            role if role == self.second_role => 0.2,
            _ => 0.4,
        };
        let is_trick = self.one_trick && champion == self.pools[usize::from(self.role)][0];
        let familiar = f64::from(practice) + if self.knows_champions { 60.0 } else { 0.0 };
        // Off positions and new champions cost the average game so much, and the ratings, which
        // only pass between players, cannot know: it is given back to all.
        0.2 + self.skill + self.growth * games + self.learning * (1.0 + games).ln()
            - self.rust * (-games / 15.0).exp()
            - off_role
            - 0.5 * (-familiar / 8.0).exp()
            + if is_trick { 0.55 } else { 0.0 }
    }
}

/// The parameters that this world shares with the worlds that detection is fitted on.
pub(crate) fn world() -> &'static World {
    static BASE: std::sync::LazyLock<World> = std::sync::LazyLock::new(World::base);
    &BASE
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
    tell(dice, &mut account, window);
    account.height = account.height.max(0.0);
    account
}

/// Makes an account fit its story. The figures are those of the worlds that detection is fitted on,
/// where they are not a matter of time: see the design's world generator.
fn tell(dice: &mut Dice, account: &mut Account, window: Window) {
    match account.story {
        // The partner of a carried player is found among the other accounts afterwards.
        Story::Stable | Story::DuoCarried => {}
        Story::Improving => account.owner.growth = dice.between(0.006, 0.02),
        Story::Returning => returns(dice, account, window),
        Story::OneTrick => {
            account.owner.one_trick = true;
            account.rating += 0.45;
            account.height += 0.45;
        }
        Story::Newbie => {
            open_lately(dice, account, window, 14.0, 0.5);
            account.owner.skill = dice.gauss(0.7, 0.7).max(-0.6);
            account.owner.learning = dice.between(0.08, 0.25);
            account.owner.roaming = dice.between(0.1, 0.5);
            account.rating = dice.gauss(2.0, 0.4);
            account.height = account.rating - dice.between(0.0, 0.8);
        }
        Story::NormalsVet => {
            account.level = dice.gauss(150f64.ln(), 0.45).exp().max(45.0);
            account.rating = account.owner.skill + dice.gauss(-0.1, 0.35);
            account.height = account.rating - dice.between(0.3, 1.0);
            account.season_games = 0;
            account.rated_games = few_rated(dice);
        }
        Story::OffRole => {
            account.owner.roaming = 0.6;
            account.rating -= 0.25;
            account.height -= 0.25;
        }
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
            open_lately(dice, account, window, 13.0, 0.8);
            account.owner.knows_champions = true;
            account.rating = account.owner.skill + dice.gauss(0.0, 0.25);
            account.height = account.rating - dice.between(0.0, 0.6);
        }
        Story::Smurf => is_far_too_low(dice, account, window),
        Story::Deranker => loses_on_purpose(dice, account),
        Story::Bought => changes_hands(dice, account, window),
        Story::Shared => takes_turns(dice, account),
    }
}

/// An account made for this story: new, with few ranked games by the end of the history. Some are
/// made only later, so that the world keeps getting new ones.
fn open_lately(dice: &mut Dice, account: &mut Account, window: Window, above: f64, spread: f64) {
    let world = world();
    let games = dice.gauss(world.games_median.ln(), world.games_spread).exp().clamp(6.0, 200.0);
    // Somebody who begins on a new account plays it.
    account.games_per_day = account.games_per_day.max(0.7);
    account.is_new = true;
    account.opens_ms = if dice.chance(0.2) {
        window.at(dice.between(1.0, 2.0))
    } else {
        // Three games in four are ranked solo.
        let days = games / (0.75 * account.games_per_day);
        (window.at(1.0) - (days * 86_400_000.0) as i64).max(window.at(dice.between(0.0, 0.1)))
    };
    account.level = 30.0 + dice.gauss(above.ln(), spread).exp();
    account.season_games = 0;
    account.rated_games = few_rated(dice);
}

fn few_rated(dice: &mut Dice) -> u32 {
    dice.exponential(4.0).min(20.0) as u32
}

fn returns(dice: &mut Dice, account: &mut Account, window: Window) {
    account.owner.rust = dice.between(0.6, 1.6);
    account.level = account.level.max(50.0);
    account.rating = account.owner.skill - dice.between(0.6, 2.0);
    account.height = account.rating - dice.between(0.1, 0.7);
    account.season_games = 0;
    account.rated_games = dice.exponential(20.0) as u32;
    account.opens_ms = window.at(dice.between(0.0, 0.5));
}

fn is_far_too_low(dice: &mut Dice, account: &mut Account, window: Window) {
    let world = world();
    open_lately(dice, account, window, 6.0, 0.8);
    let seed = dice.gauss(2.0, 0.7).clamp(0.2, 4.5);
    let gap = dice.gauss(world.smurf_gap[0], world.smurf_gap[1]).max(world.smurf_gap_least);
    account.owner.skill = seed + gap;
    account.owner.knows_champions = true;
    account.rating = seed + world.smurf_seeding * gap;
    account.height = account.rating - dice.between(0.2, 0.9);
}

fn loses_on_purpose(dice: &mut Dice, account: &mut Account) {
    let world = world();
    let gap = dice.between(world.deranker_gap[0], world.deranker_gap[1]);
    account.owner.skill = account.owner.skill.max(gap + 0.3);
    account.rating = account.owner.skill - gap + dice.gauss(0.1, 0.2);
    account.height = account.owner.skill - gap;
    // Two games in five, in turns of some games each.
    let turns = ((account.games_per_day * 60.0 / 14.0) as usize).clamp(3, 30);
    let slot = 1.0 / turns as f64;
    account.thrown = (0..turns)
        .map(|i| {
            let length = slot * dice.between(0.25, 0.5);
            let from = slot * i as f64 + dice.between(0.0, slot - length);
            (from, from + length)
        })
        .collect();
}

fn changes_hands(dice: &mut Dice, account: &mut Account, window: Window) {
    let world = world();
    open_lately(dice, account, window, 2.0, 0.1);
    account.level = dice.between(30.0, 38.0);
    let strength = dice.gauss(world.buyer_strength[0], world.buyer_strength[1]);
    let mut buyer = Person::new(dice, strength);
    buyer.knows_champions = true;
    // The seller plays first: badly, like a script, and always the same.
    account.owner.skill = dice.between(-0.5, 0.5);
    account.owner.growth = 0.0;
    account.owner.focus = 2.2;
    account.second = Some((Handover::AfterGames(dice.below(13) as u32), buyer));
    account.height = dice.between(0.3, 1.8);
    account.rating = account.height + dice.between(0.0, 0.5);
}

fn takes_turns(dice: &mut Dice, account: &mut Account) {
    let world = world();
    let gap = dice.gauss(world.second_gap[0], world.second_gap[1]).max(0.4);
    let mut helper = Person::new(dice, account.owner.skill + gap);
    helper.knows_champions = true;
    helper.flash_on_d = account.owner.flash_on_d ^ dice.chance(world.second_slot_differs);
    if dice.chance(world.second_style_alike) {
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
