//! Makes an account fit its story.

use riftwatch_domain::story::Story;

use super::{Account, Handover, Window};
use crate::dice::Dice;
use crate::persons::{Person, pools, world};

/// Makes an account fit its story. The figures are those of the worlds that detection is fitted on,
/// where they are not a matter of time.
pub(super) fn tell(dice: &mut Dice, account: &mut Account, window: Window) {
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
