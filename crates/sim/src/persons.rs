//! Somebody who plays, on one account or several.

use riftwatch_detection::worlds::{World, levels};

use crate::champions;
use crate::dice::Dice;
use crate::tables::STATS;

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

impl Person {
    pub(crate) fn new(dice: &mut Dice, skill: f64) -> Self {
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

pub(crate) fn pools(dice: &mut Dice) -> [[u8; 6]; 5] {
    std::array::from_fn(|role| {
        let mut champions = champions::of_role(role as u8);
        std::array::from_fn(|_| champions.swap_remove(dice.below(champions.len())))
    })
}
