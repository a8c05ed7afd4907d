//! What the API answers to a call about the generated world.

use bytes::Bytes;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::rank::Division;
use riftwatch_domain::routing::{Platform, Route};

use crate::calls::Call;
use crate::dice::scramble;
use crate::id_filter::{IdFilter, number, pairs};
use crate::json::Json;
use crate::ladder;
use crate::mastery;
use crate::match_json;
use crate::puuids::PuuidCodec;
use crate::realm::{DAY_MS, Game, Ladder, Realm, Standing};
use crate::spectator;
use crate::timeline_json;
use crate::world::{World, account_number};

/// A status and a body of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Self { status: 200, body: Bytes::from(body) }
    }

    /// An error as Riot's edge words it.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let mut json = Json::with_capacity(80);
        json.open();
        json.object("status");
        json.text("message", message);
        json.int("status_code", i64::from(status));
        json.close();
        json.close();
        Self { status, body: Bytes::from(json.finish()) }
    }

    pub(crate) fn not_found() -> Self {
        Self::error(404, "Data not found")
    }

    /// A puuid of another key, or none at all.
    pub(crate) fn undecryptable() -> Self {
        Self::error(400, "Bad Request - Exception decrypting")
    }
}

/// Entries on a page of the ladder.
const PAGE: usize = 205;
/// The longest list of match ids that Riot keeps.
pub(crate) const MAX_LISTED: usize = 1_000;
/// Timelines are kept for a year.
const TIMELINES_MS: i64 = 365 * DAY_MS;
const SOLO: &str = "RANKED_SOLO_5x5";
const FLEX: &str = "RANKED_FLEX_SR";

/// Answers a call that came on a route with a key.
pub(crate) fn answer(world: &World, route: Route, call: &Call, query: &str, key: &str) -> Answer {
    let asked = Asked { world, route, puuids: world.puuids(key), now_ms: world.now_ms() };
    match call {
        Call::AccountByRiotId { game_name, tag_line } => asked.account_by_name(game_name, tag_line),
        Call::AccountByPuuid(puuid) => asked.account(puuid),
        Call::ActiveRegion(puuid) => asked.active_region(puuid),
        Call::Summoner(puuid) => asked.summoner(puuid),
        Call::LeagueEntries(puuid) => asked.league_entries(puuid),
        Call::LeaguePage { queue, tier, division, with_apex } => {
            asked.league_page(queue, tier, division, *with_apex, query)
        }
        Call::ApexLeague { tier, queue, .. } => asked.apex_league(tier, queue),
        Call::MatchIds(puuid) => asked.match_ids(puuid, query),
        Call::Match(id) => asked.game(id),
        Call::Timeline(id) => asked.timeline(id),
        Call::Masteries(puuid) => asked.masteries(puuid, None),
        Call::TopMasteries(puuid) => match number(&pairs(query), "count", 3) {
            Ok(count @ 0..) => asked.masteries(puuid, Some(count as usize)),
            _ => Answer::error(400, "Bad Request - Invalid count"),
        },
        Call::MasteryOn { puuid, champion } => asked.mastery_on(puuid, champion),
        Call::MasteryScore(puuid) => asked.about(puuid, |realm, index| {
            Some(mastery::score(&mastery::of(realm, index)).to_string().into_bytes())
        }),
        Call::CurrentGame(puuid) => asked
            .about(puuid, |realm, index| spectator::body(realm, index, asked.puuids, asked.now_ms)),
        Call::Challenges(puuid) => {
            asked.about(puuid, |realm, index| Some(mastery::challenges(realm, index)))
        }
        Call::Status => asked.status(),
    }
}

/// An account and its place in a queue.
type Ranked = (u32, Ladder);

struct Asked<'a> {
    world: &'a World,
    route: Route,
    puuids: PuuidCodec,
    now_ms: i64,
}

impl Asked<'_> {
    /// The account of a puuid, wherever it plays.
    fn find(&self, puuid: &str) -> Result<(&Realm, u32), Answer> {
        let number = self.puuids.decode(puuid).ok_or_else(Answer::undecryptable)?;
        let (realm, index) = self.world.account(number).ok_or_else(Answer::not_found)?;
        realm.advance(self.now_ms);
        Ok((realm, index))
    }

    /// The account of a puuid on the platform that is asked.
    fn find_here(&self, puuid: &str) -> Result<(&Realm, u32), Answer> {
        let (realm, index) = self.find(puuid)?;
        let is_here = Route::Platform(realm.platform) == self.route;
        let is_there = realm.accounts[index as usize].exists(self.now_ms);
        if is_here && is_there { Ok((realm, index)) } else { Err(Answer::not_found()) }
    }

    fn account_by_name(&self, game_name: &str, tag_line: &str) -> Answer {
        match self.world.by_name(game_name, tag_line) {
            Some((realm, index)) => self.account_body(realm, index),
            None => Answer::error(
                404,
                &format!(
                    "Data not found - No results found for player with riot id {game_name}#{tag_line}"
                ),
            ),
        }
    }

    fn account(&self, puuid: &str) -> Answer {
        match self.find(puuid) {
            Ok((realm, index)) if !realm.accounts[index as usize].exists(self.now_ms) => {
                Answer::not_found()
            }
            Ok((realm, index)) => self.account_body(realm, index),
            Err(answer) => answer,
        }
    }

    fn account_body(&self, realm: &Realm, index: u32) -> Answer {
        let name = realm.accounts[index as usize].name_at(self.now_ms);
        let mut json = Json::with_capacity(160);
        json.open();
        json.text("puuid", &self.puuid(realm, index));
        json.text("gameName", &name.game_name);
        json.text("tagLine", &name.tag_line);
        json.close();
        Answer::ok(json.finish())
    }

    fn puuid(&self, realm: &Realm, index: u32) -> String {
        self.puuids.encode(account_number(realm.platform, index))
    }

    fn active_region(&self, puuid: &str) -> Answer {
        let realm = match self.find(puuid) {
            Ok((realm, index)) if realm.accounts[index as usize].exists(self.now_ms) => realm,
            Ok(_) => return Answer::not_found(),
            Err(answer) => return answer,
        };
        let mut json = Json::with_capacity(140);
        json.open();
        json.text("puuid", puuid);
        json.text("game", "lol");
        json.text("region", realm.platform.as_str());
        json.close();
        Answer::ok(json.finish())
    }

    fn summoner(&self, puuid: &str) -> Answer {
        let (realm, index) = match self.find_here(puuid) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let (level, since_ms) = realm.read(|live| {
            let standing = &live.standings[index as usize];
            (standing.level as i64, standing.level_since_ms)
        });
        let mut json = Json::with_capacity(180);
        json.open();
        json.text("puuid", puuid);
        json.int("profileIconId", realm.accounts[index as usize].icon);
        json.int("revisionDate", since_ms);
        json.int("summonerLevel", level);
        json.close();
        Answer::ok(json.finish())
    }

    fn league_entries(&self, puuid: &str) -> Answer {
        let (realm, index) = match self.find_here(puuid) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let standing = realm.read(|live| live.standings[index as usize].clone());
        let mut json = Json::with_capacity(600);
        json.open_array();
        for (queue, ladder) in [(SOLO, &standing.solo), (FLEX, &standing.flex)] {
            if ladder.is_ranked() {
                entry(&mut json, realm, index, queue, ladder, puuid);
            }
        }
        json.close_array();
        Answer::ok(json.finish())
    }

    /// Those of the asked platform's accounts that stand in a tier (and division), best first.
    fn standing_in(
        &self,
        queue: &str,
        tier: &str,
        division: Option<Division>,
    ) -> Result<(&Realm, Vec<Ranked>), Answer> {
        let ladder_of: fn(&Standing) -> &Ladder = match queue {
            SOLO => |standing| &standing.solo,
            FLEX => |standing| &standing.flex,
            _ => return Err(Answer::error(400, "Bad Request - Invalid queue")),
        };
        let Route::Platform(platform) = self.route else { return Err(Answer::not_found()) };
        let realm = self.world.realm(platform).ok_or_else(Answer::not_found)?;
        realm.advance(self.now_ms);
        let mut rows: Vec<Ranked> = realm.read(|live| {
            let rows = live.standings.iter().enumerate().filter_map(|(index, standing)| {
                let ladder = ladder_of(standing);
                let place = ladder::place(ladder.height);
                let is_in = ladder.is_ranked()
                    && place.tier.as_str() == tier
                    && division.is_none_or(|division| place.division == division)
                    && realm.accounts[index].exists(self.now_ms);
                is_in.then(|| (index as u32, ladder.clone()))
            });
            rows.collect()
        });
        rows.sort_by(|a, b| b.1.height.total_cmp(&a.1.height).then(a.0.cmp(&b.0)));
        Ok((realm, rows))
    }

    fn league_page(
        &self,
        queue: &str,
        tier: &str,
        division: &str,
        with_apex: bool,
        query: &str,
    ) -> Answer {
        let is_apex = matches!(tier, "MASTER" | "GRANDMASTER" | "CHALLENGER");
        let is_lower = riftwatch_domain::rank::Tier::LADDER[..7].iter().any(|t| t.as_str() == tier);
        let Ok(division) = division.parse::<Division>() else {
            return Answer::error(400, "Bad Request - Invalid division");
        };
        if !(is_lower || is_apex && with_apex && division == Division::I) {
            return Answer::error(400, "Bad Request - Invalid tier");
        }
        let page = match number(&pairs(query), "page", 1) {
            Ok(page @ 1..) => page as usize,
            _ => return Answer::error(400, "Bad Request - Invalid page"),
        };
        let (realm, rows) = match self.standing_in(queue, tier, Some(division)) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let mut json = Json::with_capacity(300 * PAGE);
        json.open_array();
        let skipped = (page - 1).saturating_mul(PAGE);
        for (index, ladder) in rows.iter().skip(skipped).take(PAGE) {
            entry(&mut json, realm, *index, queue, ladder, &self.puuid(realm, *index));
        }
        json.close_array();
        Answer::ok(json.finish())
    }

    fn apex_league(&self, tier: &str, queue: &str) -> Answer {
        let (realm, rows) = match self.standing_in(queue, tier, None) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let mut json = Json::with_capacity(1_000);
        json.open();
        json.text("tier", tier);
        json.text("leagueId", &league_id(realm, queue, tier, 0));
        json.text("queue", queue);
        json.text("name", "The Simulated");
        json.array("entries");
        for (index, ladder) in &rows {
            json.open();
            json.text("puuid", &self.puuid(realm, *index));
            entry_figures(&mut json, ladder);
            json.close();
        }
        json.close_array();
        json.close();
        Answer::ok(json.finish())
    }

    fn match_ids(&self, puuid: &str, query: &str) -> Answer {
        let filter = match IdFilter::read(query) {
            Ok(filter) => filter,
            Err(message) => return Answer::error(400, message),
        };
        let (realm, index) = match self.find(puuid) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let mut json = Json::with_capacity(20 * 20);
        json.open_array();
        // Another region knows the player, and no matches of theirs.
        if Route::Region(realm.platform.region()) == self.route {
            let numbers = realm.read(|live| {
                let played = live.played[index as usize].iter().rev().take(MAX_LISTED);
                let games = played.map(|&number| &live.games[number as usize]);
                let fitting =
                    games.filter(|game| filter.takes(game.start_ms / 1_000, i32::from(game.queue)));
                let page = fitting.skip(filter.start).take(filter.count);
                page.map(|game| game.number).collect::<Vec<u32>>()
            });
            for number in numbers {
                json.text_element(&realm.match_id(number));
            }
        }
        json.close_array();
        Answer::ok(json.finish())
    }

    fn game(&self, id: &str) -> Answer {
        match self.find_game(id) {
            Ok((_, game)) if self.world.hides(game.queue) => Answer::error(403, "Forbidden"),
            Ok((realm, game)) => Answer::ok(match_json::body(realm, &game, self.puuids)),
            Err(answer) => answer,
        }
    }

    fn timeline(&self, id: &str) -> Answer {
        match self.find_game(id) {
            Ok((_, game)) if self.world.hides(game.queue) => Answer::error(403, "Forbidden"),
            Ok((_, game)) if game.end_ms() < self.now_ms - TIMELINES_MS => {
                Answer::error(404, "Data not found - match file not found")
            }
            Ok((realm, game)) => Answer::ok(timeline_json::body(realm, &game, self.puuids)),
            Err(answer) => answer,
        }
    }

    fn find_game(&self, id: &str) -> Result<(&Realm, Game), Answer> {
        let missing = || Answer::error(404, "Data not found - match file not found");
        let id: MatchId =
            id.parse().map_err(|_| Answer::error(400, "Bad Request - Invalid match id"))?;
        if id.region().map(Route::from) != Some(self.route) {
            return Err(missing());
        }
        self.world.game(&id).ok_or_else(missing)
    }

    /// What is told of an account on the platform that is asked, where there is anything.
    fn about(&self, puuid: &str, tell: impl FnOnce(&Realm, u32) -> Option<Vec<u8>>) -> Answer {
        match self.find_here(puuid) {
            Ok((realm, index)) => tell(realm, index).map_or_else(Answer::not_found, Answer::ok),
            Err(answer) => answer,
        }
    }

    fn masteries(&self, puuid: &str, most: Option<usize>) -> Answer {
        self.about(puuid, |realm, index| {
            let mut json = Json::with_capacity(12_000);
            json.open_array();
            let all = mastery::of(realm, index);
            for mastery in all.iter().take(most.unwrap_or(usize::MAX)) {
                mastery.write(&mut json, puuid);
            }
            json.close_array();
            Some(json.finish())
        })
    }

    fn mastery_on(&self, puuid: &str, champion: &str) -> Answer {
        let Ok(champion) = champion.parse::<i32>() else {
            return Answer::error(400, "Bad Request - Invalid champion");
        };
        self.about(puuid, |realm, index| {
            let all = mastery::of(realm, index);
            let mastery = all.iter().find(|mastery| mastery.champion_id == champion)?;
            let mut json = Json::with_capacity(600);
            mastery.write(&mut json, puuid);
            Some(json.finish())
        })
    }

    fn status(&self) -> Answer {
        // Riot has no status page for Taiwan.
        let platform = match self.route {
            Route::Platform(platform) if platform != Platform::Tw2 => platform,
            _ => return Answer::not_found(),
        };
        let id = platform.as_str().to_uppercase();
        let mut json = Json::with_capacity(200);
        json.open();
        json.text("id", &id);
        json.text("name", &id);
        json.array("locales");
        json.text_element("en_GB");
        json.close_array();
        for list in ["maintenances", "incidents"] {
            json.array(list);
            json.close_array();
        }
        json.close();
        Answer::ok(json.finish())
    }
}

fn entry(json: &mut Json, realm: &Realm, index: u32, queue: &str, ladder: &Ladder, puuid: &str) {
    let place = ladder::place(ladder.height);
    json.open();
    let group = if place.tier.is_apex() { 0 } else { u64::from(index) / 200 };
    json.text("leagueId", &league_id(realm, queue, place.tier.as_str(), group));
    json.text("queueType", queue);
    json.text("tier", place.tier.as_str());
    json.text("puuid", puuid);
    entry_figures(json, ladder);
    json.close();
}

fn entry_figures(json: &mut Json, ladder: &Ladder) {
    let place = ladder::place(ladder.height);
    json.text("rank", place.division.as_str());
    json.int("leaguePoints", place.points);
    json.int("wins", i64::from(ladder.wins));
    json.int("losses", i64::from(ladder.losses));
    json.bool("veteran", ladder.games_in_tier >= 100);
    json.bool("inactive", false);
    json.bool("freshBlood", ladder.games_in_tier < 20);
    json.bool("hotStreak", ladder.streak >= 3);
}

/// The id of a league: a UUID of what it is made of.
fn league_id(realm: &Realm, queue: &str, tier: &str, group: u64) -> String {
    let text = format!("{}{queue}{tier}{group}", realm.platform);
    let high = text.bytes().fold(realm.seed, |hash, byte| scramble(hash ^ u64::from(byte)));
    let low = scramble(high);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}
