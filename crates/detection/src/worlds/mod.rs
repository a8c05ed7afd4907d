//! Worlds: generated players with a known story, to fit and to judge the method on.
//!
//! No public data says which accounts are whose. What can be said is how well a detector tells
//! stories apart whose consequences we can write down; that is what a world does. Its figures
//! compare detectors and never estimate how often live accounts are judged rightly.
//!
//! Everything is decided by a world's parameters and a seed: account number 17 of seed 4 is the
//! same on every machine and whatever else is made. An account costs 10–50 µs.

mod account;
pub mod correlation;
pub mod levels;
mod person;
mod play;
mod random;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::stats::STATS;
use crate::story::Story;
pub(crate) use random::Dice;

/// The parameters of a world. Strengths are in tiers, probabilities and shares in 0..=1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// What it is called in reports.
    pub name: String,
    /// Log-odds of a win per tier of strength above the lobby.
    pub win_slope: f64,
    /// How far matchmaking moves after an account's first game, in tiers.
    pub matchmaking_first: f64,
    /// How far it moves after very many games.
    pub matchmaking_last: f64,
    /// Games in which the difference of the two falls to 37 %.
    pub matchmaking_settles: f64,
    /// What a win adds to the displayed rank.
    pub rank_win: f64,
    /// What a loss takes.
    pub rank_loss: f64,
    /// How strongly the displayed rank is drawn to where matchmaking sees the account.
    pub rank_pull: f64,
    /// What strength above the lobby shows in each statistic, relative to the table.
    pub signal: [f64; STATS],
    /// How much players differ in their ways, relative to the table.
    pub style: f64,
    /// How much champions differ, in standard deviations of a statistic.
    pub champion_effect: f64,
    /// By how much this world's levels differ from the table, in standard deviations.
    pub level_error: f64,
    /// How many games are wild: every statistic 2.2 times as far from the mean.
    pub wild_games: f64,
    /// Standard deviation of form, in tiers.
    pub form: f64,
    /// Correlation of form from one game to the next.
    pub form_memory: f64,
    /// By how much a patch, at one date for all, moves statistics, in standard deviations.
    pub patch_shift: f64,
    /// Spread of a lobby's mean rank around where matchmaking sees the account.
    pub lobby_noise: f64,
    /// Median number of games of an account; they lie between 6 and 200.
    pub games_median: f64,
    /// Spread of its logarithm.
    pub games_spread: f64,
    /// Share of accounts whose story is not an innocent one.
    pub anomalies: f64,
    /// Median level of accounts that have been around.
    pub old_level_median: f64,
    /// Spread of its logarithm.
    pub old_level_spread: f64,
    /// How often an old account has a low level all the same.
    pub old_level_low: f64,
    /// What the levels of smurfs are multiplied by.
    pub smurf_level_factor: f64,
    /// Mean and spread of a smurf's strength above where its account is seeded.
    pub smurf_gap: [f64; 2],
    /// The least such strength.
    pub smurf_gap_least: f64,
    /// How much of it matchmaking knows from the start.
    pub smurf_seeding: f64,
    /// Range of a deranker's strength above the displayed rank.
    pub deranker_gap: [f64; 2],
    /// Mean and spread of the strength of whoever bought an account.
    pub buyer_strength: [f64; 2],
    /// Mean and spread of a second person's strength above the owner's.
    pub second_gap: [f64; 2],
    /// How often the second person has Flash on the other key.
    pub second_slot_differs: f64,
    /// How often the second person's ways are half the owner's.
    pub second_style_alike: f64,
    /// Spread of people's typical hours, in hours.
    pub hours_of_people: f64,
    /// Spread of one person's hours from day to day.
    pub hours_of_days: f64,
    /// How often Flash changes its key from one game to the next.
    pub slot_flips: f64,
    /// Mean number of games that follow the first of a session, at one stretch.
    pub session_games: f64,
    /// Share of ordinary accounts that sometimes queue with a friend.
    pub friends: f64,
    /// How closely the statistics of a game hang together, relative to the table, 0..=1.
    pub relation: f64,
    /// How much further games lie above the mean than below, as the spread of a logarithm.
    pub skew: f64,
    /// By how much a game lost on purpose is played below the lobby.
    pub throw_depth: f64,
    /// Share of such games.
    pub throw_share: f64,
    /// How often an account lacks one of the fields that may be missing.
    pub missing: f64,
}

impl World {
    /// Shares of the stories, in the order of [`Story::ALL`]. They add to 1.
    pub fn shares(&self) -> [f64; 14] {
        account::shares(self.anomalies)
    }

    /// The world that the method was designed in.
    pub fn base() -> Self {
        Self {
            name: "base".to_owned(),
            win_slope: 0.40,
            matchmaking_first: 0.30,
            matchmaking_last: 0.055,
            matchmaking_settles: 12.0,
            rank_win: 0.055,
            rank_loss: 0.05,
            rank_pull: 0.35,
            signal: [1.0; STATS],
            style: 1.0,
            champion_effect: 0.25,
            level_error: 0.03,
            wild_games: 0.0,
            form: 0.0,
            form_memory: 0.0,
            patch_shift: 0.0,
            lobby_noise: 0.39,
            games_median: 45.0,
            games_spread: 0.75,
            anomalies: 0.106,
            old_level_median: 150.0,
            old_level_spread: 0.75,
            old_level_low: 0.04,
            smurf_level_factor: 1.0,
            smurf_gap: [2.6, 0.8],
            smurf_gap_least: 1.5,
            smurf_seeding: 0.3,
            deranker_gap: [1.8, 3.5],
            buyer_strength: [4.6, 0.6],
            second_gap: [2.2, 0.5],
            second_slot_differs: 0.45,
            second_style_alike: 0.35,
            hours_of_people: 3.5,
            hours_of_days: 2.0,
            slot_flips: 0.005,
            session_games: 2.2,
            friends: 0.4,
            relation: 1.0,
            skew: 0.0,
            throw_depth: 4.0,
            throw_share: 0.4,
            missing: 0.0,
        }
    }

    /// Strength shows less, both in statistics and in the distance between players.
    pub fn weak_signal() -> Self {
        let base = Self::base();
        Self {
            name: "weak_signal".to_owned(),
            signal: [0.75; STATS],
            smurf_gap: [2.2, 0.7],
            second_gap: [1.9, 0.5],
            deranker_gap: [1.6, 3.0],
            win_slope: 0.36,
            ..base
        }
    }

    /// Half the accounts have fewer than 18 games.
    pub fn few_games() -> Self {
        Self { name: "few_games".to_owned(), games_median: 18.0, games_spread: 0.6, ..Self::base() }
    }

    /// Smurfs have two and a half times the usual level.
    pub fn smurf_level() -> Self {
        Self { name: "smurf_level".to_owned(), smurf_level_factor: 2.5, ..Self::base() }
    }

    /// Three in a hundred accounts, not ten.
    pub fn rare() -> Self {
        Self { name: "rare".to_owned(), anomalies: 0.3 * 0.106, ..Self::base() }
    }

    /// The second person has the owner's key for Flash and the owner's ways.
    pub fn same_booster() -> Self {
        Self {
            name: "same_booster".to_owned(),
            second_slot_differs: 0.0,
            second_style_alike: 1.0,
            ..Self::base()
        }
    }

    /// Wild games, form that lasts, and a patch on the way.
    pub fn heavy_tails() -> Self {
        Self {
            name: "heavy_tails".to_owned(),
            wild_games: 0.06,
            form: 0.35,
            form_memory: 0.6,
            patch_shift: 0.15,
            ..Self::base()
        }
    }

    /// All of the difficulties at once, and rare.
    pub fn hard() -> Self {
        Self {
            name: "hard".to_owned(),
            anomalies: 0.3 * 0.106,
            smurf_level_factor: 1.6,
            games_median: 32.0,
            wild_games: 0.03,
            form: 0.2,
            form_memory: 0.5,
            patch_shift: 0.1,
            second_slot_differs: 0.25,
            second_style_alike: 0.6,
            ..Self::weak_signal()
        }
    }

    /// Outside everything that the method was fitted on. Reported, never a gate.
    pub fn out_of_range() -> Self {
        Self {
            name: "out_of_range".to_owned(),
            signal: [0.55; STATS],
            style: 1.4,
            win_slope: 0.28,
            smurf_gap: [1.9, 0.5],
            smurf_gap_least: 1.0,
            smurf_seeding: 0.5,
            smurf_level_factor: 3.5,
            deranker_gap: [1.3, 2.4],
            buyer_strength: [3.6, 0.6],
            second_gap: [1.5, 0.5],
            second_slot_differs: 0.1,
            second_style_alike: 0.8,
            slot_flips: 0.015,
            lobby_noise: 0.7,
            wild_games: 0.10,
            form: 0.5,
            form_memory: 0.8,
            patch_shift: 0.25,
            games_median: 35.0,
            anomalies: 0.3 * 0.106,
            ..Self::base()
        }
    }

    /// Every named world, the one outside the ranges last.
    pub fn named() -> [Self; 9] {
        [
            Self::base(),
            Self::weak_signal(),
            Self::few_games(),
            Self::smurf_level(),
            Self::rare(),
            Self::same_booster(),
            Self::heavy_tails(),
            Self::hard(),
            Self::out_of_range(),
        ]
    }

    /// A world with every parameter drawn from a wide range: what a model is fitted on, so that it
    /// rests on no single set of assumptions.
    pub fn randomised(seed: u64) -> Self {
        let dice = &mut Dice::new(seed, u64::MAX);
        let common_signal = dice.within(0.65, 1.25);
        Self {
            name: format!("randomised {seed}"),
            win_slope: dice.within(0.32, 0.48),
            matchmaking_first: dice.within(0.20, 0.40),
            matchmaking_last: dice.within(0.04, 0.07),
            matchmaking_settles: dice.within(8.0, 16.0),
            rank_win: dice.within(0.05, 0.06),
            rank_loss: dice.within(0.045, 0.055),
            rank_pull: dice.within(0.2, 0.5),
            signal: std::array::from_fn(|_| common_signal * dice.within(0.75, 1.25)),
            style: dice.within(0.75, 1.3),
            champion_effect: dice.within(0.10, 0.35),
            level_error: dice.within(0.0, 0.2),
            wild_games: if dice.chance(0.4) { dice.within(0.0, 0.08) } else { 0.0 },
            form: if dice.chance(0.4) { dice.within(0.0, 0.45) } else { 0.0 },
            form_memory: dice.within(0.3, 0.8),
            patch_shift: if dice.chance(0.4) { dice.within(0.0, 0.2) } else { 0.0 },
            lobby_noise: dice.within(0.25, 0.55),
            games_median: dice.spread(38.0, 0.4).clamp(14.0, 80.0),
            games_spread: dice.within(0.5, 0.9),
            anomalies: dice.within(0.05, 0.15),
            old_level_median: dice.within(90.0, 250.0),
            old_level_spread: dice.within(0.55, 1.2),
            old_level_low: dice.within(0.0, 0.2),
            smurf_level_factor: dice.spread(1.0, 0.4).clamp(0.7, 3.0),
            smurf_gap: [dice.within(2.0, 3.0), dice.within(0.6, 1.0)],
            smurf_gap_least: dice.within(1.2, 1.7),
            smurf_seeding: dice.within(0.15, 0.45),
            deranker_gap: [dice.within(1.4, 2.0), dice.within(2.8, 3.8)],
            buyer_strength: [dice.within(4.0, 5.2), dice.within(0.4, 0.8)],
            second_gap: [dice.within(1.7, 2.6), dice.within(0.3, 0.7)],
            second_slot_differs: dice.within(0.15, 0.6),
            second_style_alike: dice.within(0.1, 0.7),
            hours_of_people: dice.within(1.5, 4.5),
            hours_of_days: dice.within(1.2, 4.0),
            slot_flips: dice.within(0.002, 0.01),
            session_games: dice.within(0.0, 2.5),
            friends: dice.within(0.0, 0.5),
            relation: dice.within(0.6, 1.0),
            skew: dice.within(0.0, 0.5),
            throw_depth: dice.within(2.5, 5.0),
            throw_share: dice.within(0.15, 0.5),
            missing: if dice.chance(0.4) { dice.within(0.0, 0.4) } else { 0.0 },
        }
    }
}

/// A world that has begun: its champions and levels are drawn, and its accounts can be made.
#[derive(Debug)]
pub struct Generator {
    world: World,
    seed: u64,
    scenery: play::Scenery,
}

impl Generator {
    /// Draws what all accounts of the world share.
    pub fn new(world: World, seed: u64) -> Self {
        let scenery = play::Scenery::new(&world, &mut Dice::new(seed, u64::MAX - 1));
        Self { world, seed, scenery }
    }

    /// The parameters.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Account number `number`, with its label set. Story and number of games are drawn.
    pub fn account(&self, number: u64) -> (Evidence, Story) {
        let dice = &mut Dice::new(self.seed, number);
        let story = account::draw_story(&self.world, dice);
        let games = account::draw_games(&self.world, dice);
        (self.play(number, story, games, dice), story)
    }

    /// Account number `number` with the given story; the number of games is drawn unless given.
    pub fn account_of(&self, number: u64, story: Story, games: Option<usize>) -> Evidence {
        let dice = &mut Dice::new(self.seed, number);
        let drawn = account::draw_games(&self.world, dice);
        self.play(number, story, games.unwrap_or(drawn), dice)
    }

    fn play(&self, number: u64, story: Story, games: usize, dice: &mut Dice) -> Evidence {
        let account = account::Account::draw(&self.world, story, games, dice);
        let mut evidence = play::play(&self.world, &self.scenery, account, games, dice);
        evidence.account_id = format!("{}-{number}", self.world.name);
        evidence.label = Some(story.key().to_owned());
        evidence
    }
}
