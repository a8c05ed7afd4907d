//! The life of one platform: who wants to play when, what comes of it, and how ratings move.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, Ordering};

use riftwatch_domain::routing::Platform;

use crate::accounts::{self, Account, Window};
use crate::champions::CHAMPIONS;
use crate::dice::{Dice, Stream};
use crate::lobby::{self, SkillIndex};
use crate::names;
use crate::patches::Patches;
use crate::persons;
use crate::stories::StoryMix;
use crate::tables::STATS;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// One platform's accounts and everything that has happened among them.
#[derive(Debug)]
pub(crate) struct Realm {
    pub(crate) platform: Platform,
    pub(crate) seed: u64,
    pub(crate) window: Window,
    pub(crate) accounts: Vec<Account>,
    /// What each champion adds to the statistics of whoever plays it, in deviations.
    pub(crate) champion_ways: Vec<[f32; STATS]>,
    pub(crate) patches: Patches,
    first_game_id: i64,
    by_name: HashMap<String, u32>,
    live: RwLock<Live>,
    /// When the next thing happens: lets a reader see without a lock that nothing has.
    due_ms: AtomicI64,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) now_ms: i64,
    pub(crate) slots: Vec<Slot>,
    pub(crate) standings: Vec<Standing>,
    pub(crate) games: Vec<Game>,
    /// Finished games of each account, oldest first.
    pub(crate) played: Vec<Vec<u32>>,
    pub(crate) by_skill: SkillIndex,
    events: BinaryHeap<Reverse<(i64, Event)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A game ends.
    Ends(u32),
    /// An account wants to play.
    Wants(u32),
}

/// What matchmaking reads of an account: kept small and apart, because it reads hundreds a match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// Hidden rating, in tiers.
    pub(crate) rating: f64,
    /// When it next wants to play; events of other times are stale.
    pub(crate) wants_ms: i64,
    /// Free from here on: when it opens, then the end of its last game.
    pub(crate) free_ms: i64,
    /// When it vanishes.
    pub(crate) gone_ms: i64,
}

impl Slot {
    pub(crate) fn is_free(&self, now_ms: i64) -> bool {
        self.free_ms <= now_ms && now_ms < self.gone_ms
    }
}

/// Where an account stands now.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) solo: Ladder,
    pub(crate) flex: Ladder,
    pub(crate) level: f64,
    /// When the level last changed.
    pub(crate) level_since_ms: i64,
    /// Ranked games here, for learning curves and the speed of the rating.
    pub(crate) games: u32,
    pub(crate) rated_games: u32,
    /// Flash is on the other key than usual.
    pub(crate) has_moved_flash: bool,
    /// Champions played, with all games on each, those before the world included.
    pub(crate) practice: Vec<(u8, u16)>,
}

/// A ranked queue as one account sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ladder {
    pub(crate) height: f64,
    pub(crate) wins: u32,
    pub(crate) losses: u32,
    /// Wins in a row.
    pub(crate) streak: u32,
    /// Games since the last change of tier, while few.
    pub(crate) games_in_tier: u32,
}

/// Games an account plays in a row, on average.
const GAMES_A_SESSION: f64 = 2.5;
/// Ranked games before a rank is shown.
const PLACEMENTS: u32 = 5;

impl Ladder {
    pub(crate) fn is_ranked(&self) -> bool {
        self.wins + self.losses >= PLACEMENTS
    }

    /// A win lifts by some 22 points, a loss costs some 20, more when the hidden rating is on the
    /// other side.
    fn record(&mut self, won: bool, rating: f64) {
        let world = persons::world();
        let pull = (world.rank_pull * (rating - self.height)).clamp(-0.8, 0.8);
        let tier = self.height.floor();
        if won {
            self.height += world.rank_win * (1.0 + pull);
            self.wins += 1;
            self.streak += 1;
        } else {
            self.height = (self.height - world.rank_loss * (1.0 - pull)).max(0.0);
            self.losses += 1;
            self.streak = 0;
        }
        self.games_in_tier = if self.height.floor() == tier { self.games_in_tier + 1 } else { 0 };
    }
}

/// A match, as little of it as the rest can be made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Game {
    /// Number within the realm; the match id follows from it.
    pub(crate) number: u32,
    pub(crate) start_ms: i64,
    pub(crate) duration_s: u16,
    pub(crate) queue: u16,
    pub(crate) blue_won: bool,
    pub(crate) is_remake: bool,
    pub(crate) surrendered: bool,
    /// Mean rating of the ten, in hundredths of a tier.
    pub(crate) tier: i16,
    /// Blue top to support, then red.
    pub(crate) seats: [Seat; 10],
}

impl Game {
    pub(crate) fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.duration_s) * 1_000
    }

    pub(crate) fn is_ranked(&self) -> bool {
        matches!(self.queue, 420 | 440)
    }

    /// Played on Summoner's Rift, by positions.
    pub(crate) fn has_positions(&self) -> bool {
        self.queue != 450
    }
}

/// One of the ten.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seat {
    pub(crate) account: u32,
    /// Place in the table of champions.
    pub(crate) champion: u8,
    /// The account's second person plays.
    pub(crate) is_second: bool,
    pub(crate) flash_on_d: bool,
    /// Loses on purpose.
    pub(crate) throws: bool,
    pub(crate) level: u16,
    /// Skill in this game above the lobby's mean rating, in hundredths of a tier.
    pub(crate) edge: i16,
}

impl Realm {
    /// Makes the accounts and lives up to `now_ms`.
    pub(crate) fn new(
        seed: u64,
        platform: Platform,
        players: usize,
        mix: &StoryMix,
        patch_shift: f64,
        window: Window,
        now_ms: i64,
    ) -> Self {
        let accounts = accounts::create(seed, platform, players, mix, window);
        let mut by_name = HashMap::new();
        for (i, account) in accounts.iter().enumerate() {
            let names = [Some(&account.riot_id), account.renamed.as_ref().map(|(_, name)| name)];
            for name in names.into_iter().flatten() {
                by_name.insert(names::lookup_key(&name.game_name, &name.tag_line), i as u32);
            }
        }
        let standings: Vec<Standing> =
            accounts.iter().enumerate().map(|(i, a)| opening(seed, platform, i, a)).collect();
        let slot = |account: &Account| Slot {
            rating: account.rating,
            wants_ms: i64::MAX,
            free_ms: account.opens_ms,
            gone_ms: account.vanishes_ms.unwrap_or(i64::MAX),
        };
        let mut live = Live {
            now_ms: window.start_ms,
            by_skill: SkillIndex::new(accounts.iter().map(|account| account.rating)),
            slots: accounts.iter().map(slot).collect(),
            played: vec![Vec::new(); accounts.len()],
            games: Vec::new(),
            events: BinaryHeap::new(),
            standings,
        };
        for i in 0..accounts.len() as u32 {
            let from_ms = accounts[i as usize].opens_ms;
            let mut dice = Dice::new(seed, Stream::Schedule, platform as u64, u64::from(i) << 32);
            live.next_game(&mut dice, &accounts, i, from_ms);
        }
        let realm = Self {
            platform,
            seed,
            window,
            first_game_id: first_game_id(window.start_ms),
            champion_ways: champion_ways(seed),
            patches: Patches::new(seed, patch_shift),
            accounts,
            by_name,
            live: RwLock::new(live),
            due_ms: AtomicI64::new(i64::MIN),
        };
        realm.advance(now_ms);
        realm
    }

    /// Lets everything happen that happens up to `now_ms`.
    pub(crate) fn advance(&self, now_ms: i64) {
        if now_ms < self.due_ms.load(Ordering::Acquire) {
            return;
        }
        let mut live = self.live.write().expect("no one panics while holding this lock");
        while let Some(&Reverse((at_ms, event))) = live.events.peek() {
            if at_ms > now_ms {
                break;
            }
            live.events.pop();
            live.now_ms = at_ms;
            match event {
                Event::Ends(game) => self.finish(&mut live, game),
                Event::Wants(account) => {
                    let slot = &live.slots[account as usize];
                    if slot.wants_ms == at_ms && slot.is_free(at_ms) {
                        self.play(&mut live, account);
                    }
                }
            }
        }
        let due_ms = live.events.peek().map_or(i64::MAX, |Reverse((at_ms, _))| *at_ms);
        self.due_ms.store(due_ms, Ordering::Release);
    }

    /// Reads what is the case. Call [`Realm::advance`] first.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Live) -> T) -> T {
        look(&self.live.read().expect("no one panics while holding this lock"))
    }

    /// The account that has this name at a time, or had it before: Riot finds old names until
    /// somebody takes them, we do not.
    pub(crate) fn by_name(&self, game_name: &str, tag_line: &str, now_ms: i64) -> Option<u32> {
        let key = names::lookup_key(game_name, tag_line);
        let index = *self.by_name.get(&key)?;
        let account = &self.accounts[index as usize];
        let current = account.name_at(now_ms);
        let is_current = names::lookup_key(&current.game_name, &current.tag_line) == key;
        (is_current && account.exists(now_ms)).then_some(index)
    }

    pub(crate) fn match_id(&self, number: u32) -> String {
        let prefix = self.platform.as_str().to_uppercase();
        format!("{prefix}_{}", self.first_game_id + i64::from(number))
    }

    /// A finished game by the number in its match id.
    pub(crate) fn game(&self, game_id: i64, now_ms: i64) -> Option<Game> {
        let number = usize::try_from(game_id.checked_sub(self.first_game_id)?).ok()?;
        self.read(|live| live.games.get(number).copied()).filter(|game| game.end_ms() <= now_ms)
    }

    pub(crate) fn game_id(&self, number: u32) -> i64 {
        self.first_game_id + i64::from(number)
    }

    /// Games of an account on a champion so far, those before the world included.
    pub(crate) fn practice(&self, standing: &Standing, index: u32, role: u8, champion: u8) -> u16 {
        if let Some((_, games)) = standing.practice.iter().find(|(known, _)| *known == champion) {
            return *games;
        }
        let stream = (1 << 41) | (u64::from(champion) << 32) | u64::from(index);
        let mut dice = Dice::new(self.seed, Stream::Opening, self.platform as u64, stream);
        self.accounts[index as usize].practice_before(&mut dice, role, champion)
    }

    /// Somebody wants to play: ten come together, or it is tried again a little later.
    fn play(&self, live: &mut Live, account: u32) {
        let number = live.games.len() as u32;
        let attempt = (u64::from(number) << 20) | u64::from(account & 0xf_ffff);
        let mut dice = Dice::new(self.seed, Stream::Lobby, self.platform as u64, attempt);
        let Some(game) = lobby::gather(self, live, &mut dice, account) else {
            let wants_ms = live.now_ms + 10 * 60_000 + dice.below(600_000) as i64;
            live.want(account, wants_ms);
            return;
        };
        for seat in &game.seats {
            live.slots[seat.account as usize].free_ms = game.end_ms();
        }
        live.events.push(Reverse((game.end_ms(), Event::Ends(number))));
        live.games.push(game);
    }

    /// A game ends: ratings, ranks, levels, and what its players do next.
    fn finish(&self, live: &mut Live, number: u32) {
        let game = live.games[number as usize];
        let end_ms = game.end_ms();
        for (i, seat) in game.seats.iter().enumerate() {
            let index = seat.account as usize;
            let won = (i < 5) == game.blue_won;
            live.played[index].push(number);
            let standing = &mut live.standings[index];
            if !game.is_remake {
                let level = standing.level;
                // Some ten games a level.
                standing.level += 0.1 * f64::from(game.duration_s) / 1_800.0;
                if standing.level.floor() > level.floor() {
                    standing.level_since_ms = end_ms;
                }
            }
            if game.is_ranked() && !game.is_remake {
                let slot = &mut live.slots[index];
                let before = slot.rating;
                let world = persons::world();
                let step = world.matchmaking_last
                    + (world.matchmaking_first - world.matchmaking_last)
                        * (-f64::from(standing.rated_games) / world.matchmaking_settles).exp();
                slot.rating = (before + if won { step } else { -step }).clamp(-0.5, 9.5);
                standing.rated_games += 1;
                standing.games += 1;
                match game.queue {
                    420 => standing.solo.record(won, slot.rating),
                    _ => standing.flex.record(won, slot.rating),
                }
                live.by_skill.moved(seat.account, before, slot.rating);
            }
            let stream = (u64::from(seat.account) << 32) | u64::from(number + 1);
            let mut dice = Dice::new(self.seed, Stream::Schedule, self.platform as u64, stream);
            let before = self.practice(standing, seat.account, (i % 5) as u8, seat.champion);
            standing.practise(seat.champion, before);
            let account = &self.accounts[index];
            standing.has_moved_flash ^= dice.chance(account.person(seat.is_second).key_changes);
            live.next_game(&mut dice, &self.accounts, seat.account, end_ms);
        }
    }
}

impl Standing {
    fn practise(&mut self, champion: u8, before: u16) {
        let games = before.saturating_add(1);
        match self.practice.iter_mut().find(|(known, _)| *known == champion) {
            Some(known) => known.1 = games,
            None => self.practice.push((champion, games)),
        }
    }
}

/// Champions differ in what their players do, whoever they are.
fn champion_ways(seed: u64) -> Vec<[f32; STATS]> {
    let sd = persons::world().champion_effect;
    (0..CHAMPIONS.len())
        .map(|i| {
            let mut dice = Dice::new(seed, Stream::Champion, 0, i as u64);
            std::array::from_fn(|_| dice.gauss(0.0, sd) as f32)
        })
        .collect()
}

impl Live {
    fn want(&mut self, account: u32, wants_ms: i64) {
        self.slots[account as usize].wants_ms = wants_ms;
        self.events.push(Reverse((wants_ms, Event::Wants(account))));
    }

    /// When the account plays again. It earns games as time passes: with some left it goes on at once,
    /// else it comes back, about its hour of the day, when it has earned a session's worth. So being
    /// called in to fill a lobby does not make anybody play more in the end.
    fn next_game(&mut self, dice: &mut Dice, accounts: &[Account], index: u32, after_ms: i64) {
        let account = &accounts[index as usize];
        let days = (after_ms - account.opens_ms) as f64 / DAY_MS as f64;
        let left = account.games_per_day * days - self.played[index as usize].len() as f64;
        if left > 0.0 && dice.chance(0.95) {
            let pause_ms = 60_000.0 * (1.5 + dice.exponential(9.0));
            return self.want(index, after_ms + pause_ms as i64);
        }
        let session = 0.5 + dice.exponential(GAMES_A_SESSION);
        let gap_days = (session - left).max(0.0) / account.games_per_day;
        let day = (after_ms + (gap_days * DAY_MS as f64) as i64).div_euclid(DAY_MS) * DAY_MS;
        let hour = account.owner.hour + dice.gauss(0.0, 2.3);
        let at_ms = day + (hour * HOUR_MS as f64) as i64;
        let soonest_ms = after_ms + HOUR_MS + (dice.exponential(3.0) * HOUR_MS as f64) as i64;
        self.want(index, at_ms.max(soonest_ms));
    }
}

/// Where an account stands when the world begins.
fn opening(seed: u64, platform: Platform, index: usize, account: &Account) -> Standing {
    let mut dice = Dice::new(seed, Stream::Opening, platform as u64, (index as u64) | (1 << 40));
    let mut ladder = |share: f64, height: f64| {
        let games = (f64::from(account.season_games) * share) as u32;
        let rate =
            (0.5 + 0.02 * (account.rating - 3.0) / 4.0 + dice.gauss(0.0, 0.02)).clamp(0.3, 0.7);
        let wins = (f64::from(games) * rate).round() as u32;
        let streak = dice.below(4).saturating_sub(1) as u32;
        Ladder {
            height: height.max(0.0),
            wins,
            losses: games - wins.min(games),
            streak,
            games_in_tier: games,
        }
    };
    let solo = ladder(1.0, account.height);
    let flex = ladder(0.15, account.height - 0.4);
    Standing {
        solo,
        flex,
        level: account.level,
        level_since_ms: account.opens_ms - (account.level.fract() * 5.0 * DAY_MS as f64) as i64,
        games: 0,
        rated_games: account.rated_games,
        has_moved_flash: false,
        practice: Vec::new(),
    }
}

/// Game numbers grow with the day the world begins, so that worlds of different days, which hold
/// different games, do not give them the same ids.
fn first_game_id(start_ms: i64) -> i64 {
    start_ms.div_euclid(DAY_MS) * 350_000
}
