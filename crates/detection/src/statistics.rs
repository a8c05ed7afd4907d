//! What an assessment needs to know of an account, in sums that a game is added to in O(1).

use crate::evidence::Role;

/// A game as the sums see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// Place among the account's games, from 0.
    pub place: u32,
    /// Performance index: 0 is usual, 1 is one game's standard deviation above.
    pub index: f32,
    /// What the index is worth against that of a game with every statistic, 0..=1.
    pub worth: f32,
    /// Whether it was won.
    pub win: bool,
    /// Where.
    pub role: Role,
    /// On which champion.
    pub champion_id: u32,
    /// Hour of the day as a point on the unit circle: cosine and sine.
    pub hour: [f32; 2],
    /// Whether the champion had fewer than ten games on the account.
    pub new_champion: Option<bool>,
    /// Displayed rank, in tiers.
    pub rank: Option<f32>,
    /// Height of the lobby above the displayed rank, in tiers.
    pub lobby_above: Option<f32>,
    /// Which key held Flash.
    pub flash_slot: Option<u8>,
    /// With the most frequent companion.
    pub duo: Option<bool>,
}

/// Sums of the index.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IndexSums {
    /// Games.
    pub games: u32,
    /// Worth of these games.
    pub worth: f64,
    /// Sum of the index, by worth.
    pub sum: f64,
    /// Sum of its square, by worth.
    pub squares: f64,
}

impl IndexSums {
    fn add(&mut self, game: &Played) {
        let (worth, index) = (f64::from(game.worth), f64::from(game.index));
        self.games += 1;
        self.worth += worth;
        self.sum += worth * index;
        self.squares += worth * index * index;
    }

    /// Mean of the index; 0 without games.
    pub fn mean(&self) -> f64 {
        if self.worth > 0.0 { self.sum / self.worth } else { 0.0 }
    }

    /// Variance of a game's index, drawn to 1 as by twenty further games.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        let squares = (self.squares - self.worth * mean * mean).max(0.0);
        (20.0 + squares) / (20.0 + self.worth)
    }
}

/// Games won out of games played.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wins {
    /// Games.
    pub games: u32,
    /// Of these, won.
    pub won: u32,
}

impl Wins {
    fn add(&mut self, win: bool) {
        self.games += 1;
        self.won += u32::from(win);
    }

    /// Share of wins, drawn to one half as by two games.
    pub fn ratio(&self) -> f64 {
        f64::from(self.won + 1) / f64::from(self.games + 2)
    }
}

/// Sums for a regression of the index on ln(1 + place).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Learning {
    x: f64,
    xx: f64,
    xy: f64,
}

/// Everything that is kept of an account's games, besides the games.
///
/// Adding a game costs some 20 ns and no allocation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    /// Account level.
    pub account_level: Option<u32>,
    /// All games.
    pub all: IndexSums,
    /// Games on new champions.
    pub new_champions: IndexSums,
    /// Results.
    pub wins: Wins,
    /// Results of the first twenty.
    pub early: Wins,
    /// Results with the companion.
    pub duo: Wins,
    /// Results without.
    pub solo: Wins,
    /// Lost games far below the account's own mean.
    pub thrown: u32,
    /// Games whose lobby and rank are known, and the sum of the distances.
    pub lobby: (u32, f64),
    /// Place and rank of the first game with a rank, and of the last.
    pub ranks: Option<[(u32, f32); 2]>,
    /// Which key the first slot below stands for.
    pub first_slot: Option<u8>,
    /// Index by the key that holds Flash: the first seen, then any other.
    pub slots: [IndexSums; 2],
    learning: Learning,
}

impl Statistics {
    /// An account of which no game is known yet.
    pub fn new(account_level: Option<u32>) -> Self {
        Self { account_level, ..Self::default() }
    }

    /// An account with these games, oldest first.
    pub fn of(account_level: Option<u32>, games: &[Played]) -> Self {
        let mut account = Self::new(account_level);
        for game in games {
            account.push(game);
        }
        account
    }

    /// Adds a game that is newer than those before.
    pub fn push(&mut self, game: &Played) {
        // Against the games before this one, so that the order of two calls does not matter to
        // what was known at the time; a few usual games stand in at the beginning.
        let usual = self.all.sum / (self.all.worth + 3.0);
        if !game.win && f64::from(game.index) < usual - 2.0 {
            self.thrown += 1;
        }
        self.all.add(game);
        self.wins.add(game.win);
        if self.early.games < 20 {
            self.early.add(game.win);
        }
        if game.new_champion == Some(true) {
            self.new_champions.add(game);
        }
        match game.duo {
            Some(true) => self.duo.add(game.win),
            Some(false) => self.solo.add(game.win),
            None => {}
        }
        if let Some(above) = game.lobby_above {
            self.lobby.0 += 1;
            self.lobby.1 += f64::from(above);
        }
        if let Some(rank) = game.rank {
            let last = (game.place, rank);
            self.ranks = Some([self.ranks.map_or(last, |[first, _]| first), last]);
        }
        if let Some(slot) = game.flash_slot {
            let first = *self.first_slot.get_or_insert(slot);
            self.slots[usize::from(slot != first)].add(game);
        }
        let (worth, x) = (f64::from(game.worth), f64::from(1 + game.place).ln());
        self.learning.x += worth * x;
        self.learning.xx += worth * x * x;
        self.learning.xy += worth * x * f64::from(game.index);
    }

    /// Number of games.
    pub fn games(&self) -> u32 {
        self.wins.games
    }

    /// Slope of the index on ln(1 + place) and the variance of its error; `None` while there is
    /// nothing to draw a line through.
    pub fn learning(&self) -> Option<(f64, f64)> {
        let worth = self.all.worth;
        let spread = self.learning.xx - self.learning.x * self.learning.x / worth.max(1e-9);
        let slope = (self.learning.xy - self.learning.x * self.all.mean()) / spread;
        (self.games() >= 6 && spread > 0.5).then(|| (slope, 1.0 / spread))
    }
}
