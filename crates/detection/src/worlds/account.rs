//! What each story makes of an account before its first game.

use super::World;
use super::person::Person;
use super::random::Dice;
use crate::story::Story;

/// An account about to play: who, in which games, from which standing.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) level: f64,
    /// Where matchmaking sees it.
    pub(super) matchmaking: f64,
    /// What it displays.
    pub(super) rank: f64,
    /// Ranked games before the first that is seen.
    pub(super) games_before: f64,
    /// Whether champions were played on it before.
    pub(super) has_history: bool,
    pub(super) people: Vec<Person>,
    /// Who plays each game, by place in `people`.
    pub(super) turns: Vec<u8>,
    /// Games lost on purpose.
    pub(super) thrown: Vec<bool>,
    /// Games played as a script would.
    pub(super) bot_games: usize,
    /// Strength gained per game by the owner.
    pub(super) drift: f64,
    /// Strength gained per unit of ln(1 + games), as beginners do.
    pub(super) learning: f64,
    /// Strength missing at first, gone by and by in 15 games.
    pub(super) rust: f64,
    /// What the favourite champion adds.
    pub(super) favourite_bonus: f64,
    /// Share of games with a companion, and the companion's strength above the owner's.
    pub(super) duo: (f64, f64),
}

/// Shares of the stories, innocent ones relative to each other, then the others likewise.
const HONEST: [f64; Story::HONEST] = [0.33, 0.12, 0.07, 0.09, 0.05, 0.04, 0.06, 0.06, 0.05, 0.024];
const OTHERS: [f64; 4] = [0.050, 0.015, 0.011, 0.030];

/// Shares of all stories in a world of which `anomalies` are not innocent. They add to 1.
pub(super) fn shares(anomalies: f64) -> [f64; 14] {
    let honest: f64 = HONEST.iter().sum();
    let others: f64 = OTHERS.iter().sum();
    std::array::from_fn(|place| match place.checked_sub(Story::HONEST) {
        None => HONEST[place] / honest * (1.0 - anomalies),
        Some(other) => OTHERS[other] / others * anomalies,
    })
}

pub(super) fn draw_story(world: &World, dice: &mut Dice) -> Story {
    Story::ALL[dice.weighted(&shares(world.anomalies))]
}

pub(super) fn draw_games(world: &World, dice: &mut Dice) -> usize {
    dice.spread(world.games_median, world.games_spread).round().clamp(6.0, 200.0) as usize
}

impl Account {
    pub(super) fn draw(world: &World, story: Story, games: usize, dice: &mut Dice) -> Self {
        let strength = dice.around(3.2, 1.25).clamp(0.0, 7.5);
        let mut account = Self::settled(world, strength, games, dice);
        match story {
            Story::Stable => account.drift = dice.within(-0.0015, 0.0015),
            Story::Improving => account.drift = dice.within(0.006, 0.02),
            Story::Returning => account.returns(world, dice),
            Story::OneTrick => account.has_one_champion(dice),
            Story::Newbie => account.is_new_to_the_game(world, dice),
            Story::NormalsVet => account.is_new_to_ranked(dice),
            Story::DuoCarried => account.is_carried(dice),
            Story::OffRole => account.plays_everywhere(),
            Story::RoleSwap => account.changes_role(games, dice),
            Story::AltOk => account.is_an_honest_second(dice),
            Story::Smurf => account.is_far_too_low(world, dice),
            Story::Deranker => account.loses_on_purpose(world, games, dice),
            Story::Bought => account.changes_hands(world, games, dice),
            Story::Shared => account.takes_turns(world, games, dice),
        }
        account
    }

    /// An account that has been around, at the rank that fits.
    fn settled(world: &World, strength: f64, games: usize, dice: &mut Dice) -> Self {
        let matchmaking = strength - 0.05 + dice.around(0.0, 0.2);
        let level = if dice.chance(world.old_level_low) {
            new_level(20.0, 0.8, dice)
        } else {
            dice.spread(world.old_level_median, world.old_level_spread).max(30.0)
        };
        let with_friends = dice.chance(world.friends);
        Self {
            level,
            matchmaking,
            rank: matchmaking + dice.around(-0.05, 0.25),
            games_before: dice.spread(180.0, 0.7),
            has_history: true,
            people: vec![Person::draw(world, strength, dice)],
            turns: vec![0; games],
            thrown: vec![false; games],
            bot_games: 0,
            drift: dice.within(-0.0015, 0.0015),
            learning: 0.0,
            rust: 0.0,
            favourite_bonus: 0.0,
            duo: if with_friends {
                (dice.within(0.1, 0.4), dice.around(0.0, 0.5))
            } else {
                (0.0, 0.0)
            },
        }
    }

    fn restart(&mut self, dice: &mut Dice) {
        self.games_before = dice.waiting(4.0).min(20.0);
        self.has_history = false;
    }

    fn returns(&mut self, world: &World, dice: &mut Dice) {
        // Whoever returns has been here: the account is not a new one.
        self.level = dice.spread(world.old_level_median, world.old_level_spread).max(50.0);
        self.rust = dice.within(0.6, 1.6);
        self.matchmaking = self.people[0].strength - dice.within(0.6, 2.0);
        self.rank = self.matchmaking - dice.within(0.1, 0.7);
        self.games_before = dice.waiting(20.0);
    }

    fn has_one_champion(&mut self, dice: &mut Dice) {
        self.people[0].favourite = 0.85;
        self.favourite_bonus = 0.55;
        self.matchmaking += 0.45;
        self.rank += 0.45;
        self.people[0].off_role = dice.within(0.02, 0.12);
    }

    /// Some have queued together for long, and matchmaking knows it; others have just begun.
    fn is_carried(&mut self, dice: &mut Dice) {
        self.duo = (dice.within(0.5, 0.9), dice.within(1.0, 2.5));
        let known = dice.unit() * 0.8 * self.duo.0 * self.duo.1;
        self.matchmaking += known;
        self.rank += known;
    }

    fn plays_everywhere(&mut self) {
        self.people[0].off_role = 0.6;
        self.matchmaking -= 0.25;
        self.rank -= 0.25;
    }

    fn is_new_to_the_game(&mut self, world: &World, dice: &mut Dice) {
        let strength = dice.around(0.7, 0.7).max(-0.6);
        self.people[0] = Person::draw(world, strength, dice);
        self.people[0].off_role = dice.within(0.1, 0.5);
        self.level = new_level(14.0, 0.5, dice);
        self.matchmaking = dice.around(2.0, 0.4);
        self.rank = self.matchmaking - dice.within(0.0, 0.8);
        self.learning = dice.within(0.08, 0.25);
        self.restart(dice);
    }

    fn is_new_to_ranked(&mut self, dice: &mut Dice) {
        self.level = dice.spread(150.0, 0.45).max(45.0);
        self.matchmaking = self.people[0].strength + dice.around(-0.1, 0.35);
        self.rank = self.matchmaking - dice.within(0.3, 1.0);
        self.games_before = dice.waiting(4.0);
    }

    fn changes_role(&mut self, games: usize, dice: &mut Dice) {
        let mut after = self.people[0].in_another_role(dice);
        if dice.chance(0.15) {
            after.slot = 3 - after.slot;
        }
        self.people.push(after);
        let from = (games as f64 * dice.within(0.3, 0.7)) as usize;
        self.turns[from..].fill(1);
    }

    fn is_an_honest_second(&mut self, dice: &mut Dice) {
        let owner = &mut self.people[0];
        owner.knows_champions = true;
        self.level = new_level(13.0, 0.8, dice);
        self.matchmaking = owner.strength + dice.around(0.0, 0.25);
        self.rank = self.matchmaking - dice.within(0.0, 0.6);
        self.restart(dice);
    }

    fn is_far_too_low(&mut self, world: &World, dice: &mut Dice) {
        let seed = dice.around(2.0, 0.7).clamp(0.2, 4.5);
        let gap = dice.around(world.smurf_gap[0], world.smurf_gap[1]).max(world.smurf_gap_least);
        let owner = &mut self.people[0];
        owner.strength = seed + gap;
        owner.knows_champions = true;
        self.level = world.smurf_level_factor * new_level(6.0, 0.8, dice);
        self.matchmaking = seed + world.smurf_seeding * gap;
        self.rank = self.matchmaking - dice.within(0.2, 0.9);
        self.restart(dice);
    }

    fn loses_on_purpose(&mut self, world: &World, games: usize, dice: &mut Dice) {
        let gap = dice.within(world.deranker_gap[0], world.deranker_gap[1]);
        let strength = &mut self.people[0].strength;
        *strength = strength.max(gap + 0.3);
        self.matchmaking = *strength - gap + dice.around(0.1, 0.2);
        self.rank = *strength - gap;
        let mut throwing = dice.chance(world.throw_share);
        let mut place = 0;
        // Stretches of five lost games on average, and as many between as the share asks for.
        let between = 5.0 / world.throw_share - 5.0;
        while place < games {
            let length = if throwing {
                2.0 + dice.waiting(3.0)
            } else {
                0.3 * between + dice.waiting(0.7 * between)
            } as usize;
            let length = length.max(1);
            let end = (place + length).min(games);
            self.thrown[place..end].fill(throwing);
            throwing = !throwing;
            place = end;
        }
    }

    fn changes_hands(&mut self, world: &World, games: usize, dice: &mut Dice) {
        let strength = dice.around(world.buyer_strength[0], world.buyer_strength[1]);
        let mut buyer = Person::draw(world, strength, dice);
        buyer.knows_champions = true;
        self.people[0].strength = dice.within(-0.5, 0.5);
        self.people.push(buyer);
        self.bot_games = dice.below(13).min(games / 2);
        self.turns[self.bot_games..].fill(1);
        self.level = dice.within(30.0, 38.0);
        self.rank = dice.within(0.3, 1.8);
        self.matchmaking = self.rank + dice.within(0.0, 0.5);
        self.restart(dice);
    }

    fn takes_turns(&mut self, world: &World, games: usize, dice: &mut Dice) {
        let owner = &self.people[0];
        let gap = dice.around(world.second_gap[0], world.second_gap[1]).max(0.4);
        let mut second = Person::draw(world, owner.strength + gap, dice);
        second.knows_champions = true;
        second.slot =
            if dice.chance(world.second_slot_differs) { 3 - owner.slot } else { owner.slot };
        if dice.chance(world.second_style_alike) {
            for (theirs, owners) in second.style.iter_mut().zip(owner.style) {
                *theirs = 0.5 * (*theirs + owners);
            }
        }
        self.people.push(second);
        for _ in 0..1 + dice.below(3) {
            let length = ((games as f64 * dice.within(0.12, 0.30)) as usize).max(2);
            let from = dice.below(games.saturating_sub(length) + 1);
            self.turns[from..(from + length).min(games)].fill(1);
        }
    }
}

/// Ranked play begins at level 30.
fn new_level(above: f64, spread: f64, dice: &mut Dice) -> f64 {
    30.0 + dice.spread(above, spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_to_one_and_keep_the_anomalies() {
        let shares = shares(0.1);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[Story::HONEST..].iter().sum::<f64>() - 0.1).abs() < 1e-12);
    }
}
