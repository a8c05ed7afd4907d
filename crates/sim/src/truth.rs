//! The labels of a world, for judging a detector. Kept apart from every Riot endpoint.

use riftwatch_domain::player::{Puuid, RiotId};
use riftwatch_domain::routing::Platform;
use riftwatch_domain::story::Story;
use serde::Serialize;

use crate::accounts::Handover;
use crate::puuids::PuuidCodec;
use crate::realm::Realm;
use crate::world::{World, account_number};

/// What is true of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// The account.
    pub puuid: Puuid,
    /// Its present name.
    pub riot_id: RiotId,
    /// Where it plays.
    pub platform: Platform,
    /// Its story: the label.
    pub story: Story,
    /// Far better than its rank by its owner's doing.
    pub is_smurf: bool,
    /// Played by more than one person.
    pub is_shared: bool,
    /// Skill of the owner in tiers (Iron IV = 0) when the world began. For a bought account, the
    /// seller's.
    pub skill: f64,
    /// Skill of the second person, where there is one.
    pub second_skill: Option<f64>,
    /// Shares of the history, `0..1`, in which the second person sits in; the history's length
    /// after which they do so again.
    pub second_plays: Vec<(f64, f64)>,
    /// Finished games, and those of them that the second person played.
    pub games: u32,
    /// See `games`.
    pub second_games: u32,
    /// Games thrown.
    pub thrown_games: u32,
    /// Hidden rating and visible height now, in tiers.
    pub rating: f64,
    /// See `rating`.
    pub height: f64,
}

pub(crate) fn of(realm: &Realm, index: u32, puuids: PuuidCodec, now_ms: i64) -> Truth {
    let account = &realm.accounts[index as usize];
    let (rating, height, games, second_games, thrown_games) = realm.read(|live| {
        let standing = &live.standings[index as usize];
        let mut counts = [0u32; 3];
        for &number in &live.played[index as usize] {
            let seats = &live.games[number as usize].seats;
            let own = seats.iter().find(|seat| seat.account == index);
            counts[0] += 1;
            counts[1] += u32::from(own.is_some_and(|seat| seat.is_second));
            counts[2] += u32::from(own.is_some_and(|seat| seat.throws));
        }
        (live.slots[index as usize].rating, standing.solo.height, counts[0], counts[1], counts[2])
    });
    // A changed role is the same person's.
    let second = account.second.as_ref().filter(|_| account.story.is_shared());
    Truth {
        puuid: Puuid::new(puuids.encode(account_number(realm.platform, index))),
        riot_id: account.name_at(now_ms).clone(),
        platform: realm.platform,
        story: account.story,
        is_smurf: account.story.is_smurf(),
        is_shared: account.story.is_shared(),
        skill: account.owner.skill,
        second_skill: second.map(|(_, person)| person.skill),
        second_plays: match second {
            Some((Handover::Blocks(blocks), _)) => blocks.clone(),
            _ => Vec::new(),
        },
        games,
        second_games: if second.is_some() { second_games } else { 0 },
        thrown_games,
        rating,
        height,
    }
}

/// Every account, platform by platform.
pub(crate) fn all(world: &World, key: &str) -> Vec<Truth> {
    let (puuids, now_ms) = (world.puuids(key), world.now_ms());
    let mut rows = Vec::new();
    for realm in &world.realms {
        realm.advance(now_ms);
        rows.extend((0..realm.accounts.len() as u32).map(|i| of(realm, i, puuids, now_ms)));
    }
    rows
}
