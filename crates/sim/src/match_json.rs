//! A match as match-v5 tells it, in the shape of 2026.

use crate::challenges_json;
use crate::champions::CHAMPIONS;
use crate::dice::scramble;
use crate::json::Json;
use crate::patches::Patch;
use crate::performance::{self, Damage, FirstShare, Line, Performance};
use crate::puuids::PuuidCodec;
use crate::realm::{Game, Realm, Seat};
use crate::world::account_number;

/// Positions in Riot's order, with what `lane` and `role` say about them.
const ROLES: [(&str, &str, &str); 5] = [
    ("TOP", "TOP", "SOLO"),
    ("JUNGLE", "JUNGLE", "NONE"),
    ("MIDDLE", "MIDDLE", "SOLO"),
    ("BOTTOM", "BOTTOM", "CARRY"),
    ("UTILITY", "BOTTOM", "SUPPORT"),
];

/// The body of `getMatch`.
pub(crate) fn body(realm: &Realm, game: &Game, puuids: PuuidCodec) -> Vec<u8> {
    let performance = performance::of(realm, game);
    let puuids: [String; 10] = std::array::from_fn(|i| {
        puuids.encode(account_number(realm.platform, game.seats[i].account))
    });
    let match_id = realm.match_id(game.number);
    let mut json = Json::with_capacity(70_000);
    json.open();
    json.object("metadata");
    json.text("dataVersion", "2");
    json.text("matchId", &match_id);
    json.array("participants");
    for puuid in &puuids {
        json.text_element(puuid);
    }
    json.close_array();
    json.close();
    json.object("info");
    let game_id = realm.game_id(game.number);
    json.text("endOfGameResult", "GameComplete");
    let loading_ms = 12_000 + (scramble(u64::from(game.number)) % 9_000) as i64;
    json.int("gameCreation", game.start_ms - loading_ms);
    json.int("gameDuration", i64::from(game.duration_s));
    json.int("gameEndTimestamp", game.end_ms());
    json.int("gameId", game_id);
    json.text("gameMode", if game.has_positions() { "CLASSIC" } else { "ARAM" });
    json.text("gameName", &format!("teambuilder-match-{game_id}"));
    json.int("gameStartTimestamp", game.start_ms);
    json.text("gameType", "MATCHED_GAME");
    json.text("gameVersion", &Patch::at(game.start_ms).version());
    json.int("mapId", if game.has_positions() { 11 } else { 12 });
    json.array("participants");
    for (i, puuid) in puuids.iter().enumerate() {
        participant(&mut json, realm, game, &performance, i, puuid);
    }
    json.close_array();
    json.text("platformId", &realm.platform.as_str().to_uppercase());
    json.int("queueId", i64::from(game.queue));
    json.array("teams");
    for side in 0..2 {
        team(&mut json, game, &performance, side);
    }
    json.close_array();
    json.text("tournamentCode", "");
    json.close();
    json.close();
    json.finish()
}

fn team(json: &mut Json, game: &Game, performance: &Performance, side: usize) {
    json.open();
    json.array("bans");
    for i in 0..5 {
        let pick_turn = (side * 5 + i + 1) as i64;
        json.open();
        json.int("championId", ban(game, side, i));
        json.int("pickTurn", pick_turn);
        json.close();
    }
    json.close_array();
    json.object("feats");
    for feat in ["EPIC_MONSTER_KILL", "FIRST_BLOOD", "FIRST_TURRET"] {
        json.object(feat);
        json.int("featState", 0);
        json.close();
    }
    json.close();
    json.object("objectives");
    let taken = Performance::taken(&performance.lines, &performance.sides, side);
    const NAMES: [(&str, usize); 8] = [
        ("atakhan", 7),
        ("baron", 4),
        ("champion", 0),
        ("dragon", 3),
        ("horde", 6),
        ("inhibitor", 2),
        ("riftHerald", 5),
        ("tower", 1),
    ];
    for (name, i) in NAMES {
        json.object(name);
        json.bool("first", performance.first[i] == Some(side));
        json.int("kills", taken[i]);
        json.close();
    }
    json.close();
    json.int("teamId", if side == 0 { 100 } else { 200 });
    json.bool("win", (side == 0) == game.blue_won);
    json.close();
}

/// A banned champion that nobody plays; sometimes none.
pub(crate) fn ban(game: &Game, side: usize, turn: usize) -> i32 {
    if !game.has_positions() {
        return -1;
    }
    let mut at = scramble((u64::from(game.number) << 8) | (side * 5 + turn) as u64);
    if at.is_multiple_of(25) {
        return -1;
    }
    loop {
        let champion = (at % CHAMPIONS.len() as u64) as u8;
        if game.seats.iter().all(|seat| seat.champion != champion) {
            return CHAMPIONS[usize::from(champion)].id;
        }
        at += 1;
    }
}

fn participant(
    json: &mut Json,
    realm: &Realm,
    game: &Game,
    performance: &Performance,
    i: usize,
    puuid: &str,
) {
    let seat = &game.seats[i];
    let account = &realm.accounts[seat.account as usize];
    let name = account.name_at(game.end_ms());
    let line = &performance.lines[i];
    let champion = &CHAMPIONS[usize::from(seat.champion)];
    let (side, role) = (i / 5, i % 5);
    let won = (side == 0) == game.blue_won;
    let enemy = Performance::taken(&performance.lines, &performance.sides, 1 - side);
    let (position, lane, lane_role) =
        if game.has_positions() && !game.is_remake { ROLES[role] } else { ("", "NONE", "SUPPORT") };
    let habit = habit(seat);
    let luck = luck(game, i);

    json.open();
    for n in [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9] {
        json.int(&format!("PlayerScore{n}"), 0);
    }
    json.int("allInPings", line.pings[1]);
    json.int("assistMePings", line.pings[0]);
    json.int("assists", line.assists);
    json.int("baronKills", line.barons);
    json.int("basicPings", 0);
    challenges_json::write(json, game, performance, i);
    json.int("champExperience", line.experience);
    json.int("champLevel", line.level);
    json.int("championId", champion.id);
    json.text("championName", champion.name);
    json.int("championTransform", 0);
    json.int("commandPings", line.pings[2]);
    json.int("consumablesPurchased", 2 + (luck % 5) as i64);
    json.int("damageDealtToBuildings", line.turret_damage);
    json.int("damageDealtToEpicMonsters", line.epic_damage);
    json.int("damageDealtToObjectives", line.objective_damage);
    json.int("damageDealtToTurrets", line.turret_damage);
    json.int("damageSelfMitigated", line.mitigated);
    json.int("dangerPings", 0);
    json.int("deaths", line.deaths);
    json.int("detectorWardsPlaced", line.control_wards);
    json.int("doubleKills", line.double_kills);
    json.int("dragonKills", line.dragons);
    json.bool("eligibleForProgression", !game.is_remake);
    json.int("enemyMissingPings", line.pings[3]);
    json.int("enemyVisionPings", line.pings[4]);
    json.bool("firstBloodAssist", line.first_blood == FirstShare::Assist);
    json.bool("firstBloodKill", line.first_blood == FirstShare::Kill);
    json.bool("firstTowerAssist", line.first_tower == FirstShare::Assist);
    json.bool("firstTowerKill", line.first_tower == FirstShare::Kill);
    json.bool("gameEndedInEarlySurrender", game.is_remake);
    json.bool("gameEndedInSurrender", game.surrendered || game.is_remake);
    json.int("getBackPings", line.pings[5]);
    json.int("goldEarned", line.gold);
    json.int("goldSpent", line.gold - (luck % 900).min(line.gold.unsigned_abs() as u64) as i32);
    json.int("holdPings", 0);
    json.text("individualPosition", if position.is_empty() { "Invalid" } else { position });
    json.int("inhibitorKills", line.inhibitors);
    json.int("inhibitorTakedowns", line.inhibitors);
    json.int("inhibitorsLost", enemy[2]);
    for (slot, item) in items(line, role, champion.is_magic, luck).into_iter().enumerate() {
        json.int(&format!("item{slot}"), item);
    }
    json.int("itemsPurchased", 8 + line.gold / 750);
    json.int("killingSprees", line.sprees);
    json.int("kills", line.kills);
    json.text("lane", lane);
    json.int("largestCriticalStrike", if role == 3 { 300 + (luck % 700) as i64 } else { 0 });
    json.int("largestKillingSpree", line.largest_spree);
    json.int("largestMultiKill", line.largest_multi_kill());
    json.int("longestTimeSpentLiving", line.longest_life_s);
    damage(json, "Dealt", line.damage_total);
    damage(json, "DealtToChampions", line.damage);
    damage(json, "Taken", line.damage_taken);
    json.object("missions");
    for n in 0..12 {
        json.int(&format!("playerScore{n}"), 0);
    }
    json.close();
    json.int("needVisionPings", line.pings[6]);
    json.int("neutralMinionsKilled", line.monsters);
    json.int("nexusKills", i64::from(line.nexus));
    json.int("nexusLost", i64::from(!won && !game.surrendered && !game.is_remake));
    json.int("nexusTakedowns", i64::from(line.nexus));
    json.int("objectivesStolen", 0);
    json.int("objectivesStolenAssists", 0);
    json.int("onMyWayPings", line.pings[7]);
    json.int("participantId", i as i64 + 1);
    json.int("pentaKills", line.penta_kills);
    perks(json, line, role, champion.is_magic, habit);
    json.int("placement", 0);
    for n in 1..=6 {
        json.int(&format!("playerAugment{n}"), 0);
    }
    json.int("playerSubteamId", 0);
    json.int("profileIcon", account.icon);
    json.int("pushPings", line.pings[8]);
    json.text("puuid", puuid);
    json.int("quadraKills", line.quadra_kills);
    json.int("retreatPings", line.pings[5] / 2);
    json.text("riotIdGameName", &name.game_name);
    json.text("riotIdTagline", &name.tag_line);
    json.text("role", lane_role);
    json.int("roleBoundItem", if position.is_empty() { 0 } else { 1_206 + role as i64 });
    json.int("sightWardsBoughtInGame", 0);
    for (n, casts) in line.casts.into_iter().enumerate() {
        json.int(&format!("spell{}Casts", n + 1), casts);
    }
    json.int("subteamPlacement", 0);
    let other = summoner_spell(game, role, habit);
    let spells = if seat.flash_on_d { [4, other] } else { [other, 4] };
    for (n, (spell, casts)) in spells.into_iter().zip(line.spell_casts).enumerate() {
        json.int(&format!("summoner{}Casts", n + 1), casts);
        json.int(&format!("summoner{}Id", n + 1), spell);
    }
    json.text("summonerId", &puuid[..47]);
    json.int("summonerLevel", i64::from(seat.level));
    json.text("summonerName", "");
    json.bool("teamEarlySurrendered", game.is_remake && !won);
    json.int("teamId", if side == 0 { 100 } else { 200 });
    json.text("teamPosition", position);
    json.int("timeCCingOthers", line.control_s);
    json.int("timePlayed", i64::from(game.duration_s));
    json.int("totalAllyJungleMinionsKilled", line.monsters - line.enemy_monsters);
    json.int("totalDamageDealt", line.damage_total.total());
    json.int("totalDamageDealtToChampions", line.damage.total());
    json.int("totalDamageShieldedOnTeammates", line.shielded);
    json.int("totalDamageTaken", line.damage_taken.total());
    json.int("totalEnemyJungleMinionsKilled", line.enemy_monsters);
    json.int("totalHeal", line.healed + line.healed_allies);
    json.int("totalHealsOnTeammates", line.healed_allies);
    json.int("totalMinionsKilled", line.minions);
    json.int("totalTimeCCDealt", line.control_s * 9);
    json.int("totalTimeSpentDead", line.dead_s);
    json.int("totalUnitsHealed", if line.healed_allies > 0 { 5 } else { 1 });
    json.int("tripleKills", line.triple_kills);
    damage_pure(json, line);
    json.int("turretKills", line.towers);
    json.int("turretTakedowns", line.tower_takedowns);
    json.int("turretsLost", enemy[1]);
    json.int("unrealKills", 0);
    json.int("visionClearedPings", 0);
    json.int("visionScore", line.vision);
    json.int("visionWardsBoughtInGame", line.control_wards);
    json.int("wardsKilled", line.wards_killed);
    json.int("wardsPlaced", line.wards + line.control_wards);
    json.bool("win", won);
    json.close();
}

fn damage(json: &mut Json, what: &str, damage: Damage) {
    json.int(&format!("magicDamage{what}"), damage.magic);
    json.int(&format!("physicalDamage{what}"), damage.physical);
}

fn damage_pure(json: &mut Json, line: &Line) {
    json.int("trueDamageDealt", line.damage_total.pure);
    json.int("trueDamageDealtToChampions", line.damage.pure);
    json.int("trueDamageTaken", line.damage_taken.pure);
}

/// The spell beside Flash: Smite in the jungle, Teleport on top, Snowball in ARAM, and by habit.
pub(crate) fn summoner_spell(game: &Game, role: usize, habit: u64) -> i32 {
    if !game.has_positions() {
        return 32;
    }
    let choice: &[i32] = match role {
        0 => &[12, 12, 12, 14, 6],
        1 => &[11],
        2 => &[14, 12, 14, 21],
        3 => &[7, 21, 1],
        _ => &[14, 3, 7],
    };
    choice[(habit % choice.len() as u64) as usize]
}

/// A number for what a person always does.
pub(crate) fn habit(seat: &Seat) -> u64 {
    scramble(u64::from(seat.account) << 1 | u64::from(seat.is_second))
}

/// A number for small choices of a player in a match.
pub(crate) fn luck(game: &Game, player: usize) -> u64 {
    scramble((u64::from(game.number) << 4) | player as u64)
}

/// What the seven slots hold at the end; 0 is nothing.
pub(crate) fn items(line: &Line, role: usize, is_magic: bool, luck: u64) -> [i32; 7] {
    let build: [i32; 6] = match (role, is_magic) {
        (4, true) => [3_158, 3_190, 3_107, 3_222, 3_504, 3_011],
        (4, false) => [3_009, 6_676, 3_142, 3_814, 6_696, 3_179],
        (_, true) => [3_020, 6_655, 3_089, 3_157, 3_135, 4_645],
        (3, false) => [3_006, 6_672, 3_031, 3_094, 3_036, 3_072],
        (_, false) => [3_047, 3_071, 6_333, 3_053, 3_742, 3_026],
    };
    let finished = (line.gold / 2_700).clamp(0, 6) as usize;
    std::array::from_fn(|slot| match slot {
        6 if role == 4 => 3_364,
        6 => 3_340,
        slot if slot < finished => build[slot],
        slot if slot == finished => 1_036 + (luck % 2) as i32 * 16,
        _ => 0,
    })
}

/// A style, its keystone and three more runes, another style and two of its runes.
type Runes = (i32, i32, [i32; 3], i32, [i32; 2]);

pub(crate) fn runes(role: usize, is_magic: bool, habit: u64) -> Runes {
    match (role, is_magic) {
        (4, true) => (8_400, 8_465, [8_463, 8_473, 8_453], 8_300, [8_345, 8_347]),
        (3, false) => (8_000, 8_008, [9_111, 9_104, 8_014], 8_300, [8_304, 8_345]),
        (_, true) if habit.is_multiple_of(2) => {
            (8_100, 8_112, [8_139, 8_140, 8_106], 8_200, [8_210, 8_236])
        }
        (_, true) => (8_200, 8_229, [8_226, 8_210, 8_237], 8_300, [8_304, 8_345]),
        (_, false) => (8_000, 8_010, [9_111, 9_104, 8_299], 8_400, [8_444, 8_242]),
    }
}

fn perks(json: &mut Json, line: &Line, role: usize, is_magic: bool, habit: u64) {
    let (style, keystone, others, sub, pair) = runes(role, is_magic, habit);
    json.object("perks");
    json.object("statPerks");
    json.int("defense", 5_011);
    json.int("flex", 5_008);
    json.int("offense", if role == 3 { 5_005 } else { 5_008 });
    json.close();
    json.array("styles");
    let mut write = |description: &str, style: i32, perks: &[i32]| {
        json.open();
        json.text("description", description);
        json.array("selections");
        for (n, &perk) in perks.iter().enumerate() {
            json.open();
            json.int("perk", perk);
            json.int("var1", line.damage.total() / (12 + 9 * n as i32));
            json.int("var2", 0);
            json.int("var3", 0);
            json.close();
        }
        json.close_array();
        json.int("style", style);
        json.close();
    };
    write("primaryStyle", style, &[keystone, others[0], others[1], others[2]]);
    write("subStyle", sub, &pair);
    json.close_array();
    json.close();
}
