//! The game that somebody is in now.

use crate::accounts::Account;
use crate::champions::CHAMPIONS;
use crate::dice::scramble;
use crate::json::Json;
use crate::match_json;
use crate::puuids::PuuidCodec;
use crate::realm::{Game, Realm};
use crate::world::account_number;

/// How long before its start a game can be seen: while it loads.
const LOADING_MS: i64 = 30_000;

/// One account in so many hides from spectators.
const HIDDEN_OF: u64 = 20;

/// Whether an account hides: asked about it, the spectator knows nothing, and in others' games its
/// puuid is null and its name its champion's.
pub(crate) fn is_hidden(realm: &Realm, index: u32) -> bool {
    scramble(realm.seed ^ (u64::from(index) << 20) ^ 0x51de).is_multiple_of(HIDDEN_OF)
}

/// The body of getCurrentGameInfoByPuuid; `None` while the account is in no game, or hides.
pub(crate) fn body(realm: &Realm, index: u32, puuids: PuuidCodec, now_ms: i64) -> Option<Vec<u8>> {
    if is_hidden(realm, index) {
        return None;
    }
    let game = realm.read(|live| {
        // Free from the end of its last game on: in the future while it plays.
        (live.slots[index as usize].free_ms > now_ms).then_some(())?;
        let mut newest = live.games.iter().rev();
        newest.find(|game| game.seats.iter().any(|seat| seat.account == index)).copied()
    })?;
    (game.start_ms - LOADING_MS <= now_ms && now_ms < game.end_ms())
        .then(|| write(realm, &game, puuids, now_ms))
}

fn write(realm: &Realm, game: &Game, puuids: PuuidCodec, now_ms: i64) -> Vec<u8> {
    let is_on = game.start_ms <= now_ms;
    let mut json = Json::with_capacity(6_000);
    json.open();
    json.int("gameId", realm.game_id(game.number));
    json.int("mapId", if game.has_positions() { 11 } else { 12 });
    json.text("gameMode", if game.has_positions() { "CLASSIC" } else { "ARAM" });
    json.text("gameType", "MATCHED");
    json.int("gameQueueConfigId", i64::from(game.queue));
    json.array("participants");
    for (i, seat) in game.seats.iter().enumerate() {
        participant(&mut json, realm, game, i, seat.account, puuids, now_ms);
    }
    json.close_array();
    json.object("observers");
    json.text("encryptionKey", &format!("{:032x}", scramble(u64::from(game.number))));
    json.close();
    json.text("platformId", &realm.platform.as_str().to_uppercase());
    json.array("bannedChampions");
    if game.has_positions() {
        for turn in 0..10 {
            json.open();
            json.int("championId", match_json::ban(game, turn / 5, turn % 5));
            json.int("teamId", if turn < 5 { 100 } else { 200 });
            json.int("pickTurn", turn as i64 + 1);
            json.close();
        }
    }
    json.close_array();
    json.int("gameStartTime", if is_on { game.start_ms } else { 0 });
    json.int("gameLength", if is_on { (now_ms - game.start_ms) / 1_000 } else { 0 });
    json.close();
    json.finish()
}

fn participant(
    json: &mut Json,
    realm: &Realm,
    game: &Game,
    i: usize,
    index: u32,
    puuids: PuuidCodec,
    now_ms: i64,
) {
    let account: &Account = &realm.accounts[index as usize];
    let seat = &game.seats[i];
    let champion = &CHAMPIONS[usize::from(seat.champion)];
    let other = match_json::summoner_spell(game, i % 5, match_json::habit(seat));
    json.open();
    if is_hidden(realm, index) {
        json.null("puuid");
        json.text("riotId", champion.name);
    } else {
        json.text("puuid", &puuids.encode(account_number(realm.platform, index)));
        json.text("riotId", &account.name_at(now_ms).to_string());
    }
    json.int("teamId", if i < 5 { 100 } else { 200 });
    json.int("spell1Id", if seat.flash_on_d { 4 } else { other });
    json.int("spell2Id", if seat.flash_on_d { other } else { 4 });
    json.int("championId", champion.id);
    json.int("profileIconId", account.icon);
    json.bool("bot", false);
    json.array("gameCustomizationObjects");
    json.close_array();
    let (style, keystone, others, sub, pair) =
        match_json::runes(i % 5, champion.is_magic, match_json::habit(seat));
    json.object("perks");
    json.array("perkIds");
    for perk in [keystone].into_iter().chain(others).chain(pair) {
        json.int_element(perk);
    }
    json.close_array();
    json.int("perkStyle", style);
    json.int("perkSubStyle", sub);
    json.close();
    json.close();
}
