//! A match's timeline as match-v5 tells it: a frame a minute, and the events between frames.

use crate::champions::CHAMPIONS;
use crate::json::Json;
use crate::performance::{self, Damage, Performance};
use crate::puuids::PuuidCodec;
use crate::realm::{Game, Realm};
use crate::timeline::{self, Event, Monster, What};
use crate::world::account_number;

const MINUTE_MS: i64 = 60_000;
const LANES: [&str; 3] = ["BOT_LANE", "MID_LANE", "TOP_LANE"];
const TOWERS: [&str; 4] = ["OUTER_TURRET", "INNER_TURRET", "BASE_TURRET", "NEXUS_TURRET"];
const DRAGONS: [(&str, &str); 6] = [
    ("AIR_DRAGON", "Cloud"),
    ("CHEMTECH_DRAGON", "Chemtech"),
    ("EARTH_DRAGON", "Mountain"),
    ("FIRE_DRAGON", "Infernal"),
    ("HEXTECH_DRAGON", "Hextech"),
    ("WATER_DRAGON", "Ocean"),
];

/// The body of `getTimeline`.
pub(crate) fn body(realm: &Realm, game: &Game, puuids: PuuidCodec) -> Vec<u8> {
    let performance = performance::of(realm, game);
    let events = timeline::events(realm, game, &performance);
    let puuids: [String; 10] = std::array::from_fn(|i| {
        puuids.encode(account_number(realm.platform, game.seats[i].account))
    });
    let end_ms = i64::from(game.duration_s) * 1_000;
    let mut json = Json::with_capacity(500_000);
    json.open();
    json.object("metadata");
    json.text("dataVersion", "2");
    json.text("matchId", &realm.match_id(game.number));
    json.array("participants");
    for puuid in &puuids {
        json.text_element(puuid);
    }
    json.close_array();
    json.close();
    json.object("info");
    json.text("endOfGameResult", "GameComplete");
    json.int("frameInterval", MINUTE_MS);
    json.array("frames");
    let mut rest = events.as_slice();
    for minute in 0..=end_ms / MINUTE_MS + 1 {
        // The last frame is the end, whatever the minute.
        let at_ms = (minute * MINUTE_MS).min(end_ms);
        let n = rest.partition_point(|event| event.at_ms <= at_ms);
        // The end itself belongs to the last frame.
        let n = if minute <= end_ms / MINUTE_MS { n.min(rest.len() - 1) } else { rest.len() };
        let (now, later) = rest.split_at(n);
        rest = later;
        json.open();
        json.array("events");
        for event in now {
            write(&mut json, realm, game, event);
        }
        json.close_array();
        json.object("participantFrames");
        for player in 0..10 {
            frame(&mut json, game, &performance, player, at_ms, end_ms);
        }
        json.close();
        json.int("timestamp", at_ms);
        json.close();
    }
    json.close_array();
    json.int("gameId", realm.game_id(game.number));
    json.array("participants");
    for (i, puuid) in puuids.iter().enumerate() {
        json.open();
        json.int("participantId", i as i64 + 1);
        json.text("puuid", puuid);
        json.close();
    }
    json.close_array();
    json.close();
    json.close();
    json.finish()
}

/// Riot's number of a player in a match; 0 for nobody.
fn id(player: Option<usize>) -> i64 {
    player.map_or(0, |player| player as i64 + 1)
}

fn team(side: usize) -> i64 {
    if side == 0 { 100 } else { 200 }
}

/// Somewhere between the bases, the same place for the same event.
fn position(json: &mut Json, event: &Event) {
    let at = crate::dice::scramble(event.at_ms as u64);
    json.object("position");
    json.int("x", 1_500 + (at % 12_000) as i64);
    json.int("y", 1_500 + (at / 12_000 % 12_000) as i64);
    json.close();
}

fn write(json: &mut Json, realm: &Realm, game: &Game, event: &Event) {
    json.open();
    let kind = match &event.what {
        What::Begins => {
            json.int("realTimestamp", game.start_ms);
            "PAUSE_END"
        }
        What::Ends => {
            json.int("gameId", realm.game_id(game.number));
            json.int("realTimestamp", game.end_ms());
            json.int("winningTeam", team(usize::from(!game.blue_won)));
            "GAME_END"
        }
        What::Kill { killer, victim, assists, streak, ended } => {
            helpers(json, assists);
            json.int("bounty", 300);
            json.int("killStreakLength", (streak - 1).max(0));
            json.int("killerId", id(*killer));
            position(json, event);
            json.int("shutdownBounty", if *ended >= 3 { 150 * (ended - 2) } else { 0 });
            let by = killer.unwrap_or(*victim);
            hits(json, game, "victimDamageDealt", *victim, by);
            hits(json, game, "victimDamageReceived", by, *victim);
            json.int("victimId", id(Some(*victim)));
            "CHAMPION_KILL"
        }
        What::FirstBlood(killer) => {
            json.text("killType", "KILL_FIRST_BLOOD");
            json.int("killerId", id(Some(*killer)));
            position(json, event);
            "CHAMPION_SPECIAL_KILL"
        }
        What::Building { killer, side, lane, tower } => {
            json.int("bounty", 0);
            let building = if tower.is_some() { "TOWER_BUILDING" } else { "INHIBITOR_BUILDING" };
            json.text("buildingType", building);
            json.int("killerId", id(*killer));
            json.text("laneType", LANES[*lane]);
            position(json, event);
            json.int("teamId", team(*side));
            if let Some(tower) = tower {
                json.text("towerType", TOWERS[*tower]);
            }
            "BUILDING_KILL"
        }
        What::Plate { killer, side, lane } => {
            json.int("killerId", id(Some(*killer)));
            json.text("laneType", LANES[*lane]);
            position(json, event);
            json.int("teamId", team(*side));
            "TURRET_PLATE_DESTROYED"
        }
        What::Monster { killer, kind } => {
            json.int("bounty", 0);
            json.int("killerId", id(Some(*killer)));
            json.int("killerTeamId", team(killer / 5));
            match kind {
                Monster::Dragon(element) => {
                    json.text("monsterSubType", DRAGONS[*element].0);
                    json.text("monsterType", "DRAGON");
                }
                Monster::Baron => json.text("monsterType", "BARON_NASHOR"),
                Monster::Herald => json.text("monsterType", "RIFTHERALD"),
                Monster::Grub => json.text("monsterType", "HORDE"),
            }
            position(json, event);
            "ELITE_MONSTER_KILL"
        }
        What::Soul { side, element } => {
            json.text("name", DRAGONS[*element].1);
            json.int("teamId", team(*side));
            "DRAGON_SOUL_GIVEN"
        }
        What::Level { player, level } => {
            json.int("level", *level);
            json.int("participantId", id(Some(*player)));
            "LEVEL_UP"
        }
        What::Skill { player, slot } => {
            json.text("levelUpType", "NORMAL");
            json.int("participantId", id(Some(*player)));
            json.int("skillSlot", *slot);
            "SKILL_LEVEL_UP"
        }
        What::Bought { player, item } => {
            json.int("itemId", *item);
            json.int("participantId", id(Some(*player)));
            "ITEM_PURCHASED"
        }
        What::Ward { player, is_control } => {
            json.int("creatorId", id(Some(*player)));
            json.text("wardType", if *is_control { "CONTROL_WARD" } else { "YELLOW_TRINKET" });
            "WARD_PLACED"
        }
        What::WardKilled { player } => {
            json.int("killerId", id(Some(*player)));
            json.text("wardType", "YELLOW_TRINKET");
            "WARD_KILL"
        }
    };
    json.int("timestamp", event.at_ms);
    json.text("type", kind);
    json.close();
}

/// Absent where nobody helped.
fn helpers(json: &mut Json, assists: &[usize]) {
    if assists.is_empty() {
        return;
    }
    json.array("assistingParticipantIds");
    for &helper in assists {
        json.int_element(id(Some(helper)));
    }
    json.close_array();
}

/// What one player did to another before a death.
fn hits(json: &mut Json, game: &Game, key: &str, from: usize, to: usize) {
    let champion = &CHAMPIONS[usize::from(game.seats[from].champion)];
    let amount = 300 + 60 * ((from * 7 + to * 3) as i64 % 11);
    json.array(key);
    json.open();
    json.bool("basic", false);
    json.int("magicDamage", if champion.is_magic { amount } else { 0 });
    json.text("name", champion.name);
    json.int("participantId", id(Some(from)));
    json.int("physicalDamage", if champion.is_magic { 0 } else { amount });
    json.text("spellName", "");
    json.int("spellSlot", -1);
    json.int("trueDamage", 0);
    json.text("type", "OTHER");
    json.close();
    json.close_array();
}

/// Where a player stands at a time: all of the final figures at the end.
fn frame(
    json: &mut Json,
    game: &Game,
    performance: &Performance,
    player: usize,
    at_ms: i64,
    end_ms: i64,
) {
    let line = &performance.lines[player];
    let share = at_ms as f64 / end_ms.max(1) as f64;
    let grown = timeline::grown(share);
    let part = |all: i32| (f64::from(all) * grown) as i64;
    let gold = 500 + (f64::from(line.gold - 500) * grown) as i64;
    let experience = f64::from(line.experience) * grown;
    json.object(&(player + 1).to_string());
    champion_stats(json, performance::level_for(experience), share);
    json.int("currentGold", if at_ms == 0 { 500 } else { gold % 1_300 });
    json.object("damageStats");
    damage(json, "DamageDone", line.damage_total, &part);
    damage(json, "DamageDoneToChampions", line.damage, &part);
    damage(json, "DamageTaken", line.damage_taken, &part);
    json.close();
    json.int("goldPerSecond", 0);
    json.int("jungleMinionsKilled", farmed(line.monsters10, line.monsters, at_ms, end_ms));
    json.int("level", performance::level_for(experience));
    let minions = farmed(f64::from(line.minions10), line.minions, at_ms, end_ms);
    json.int("minionsKilled", minions);
    json.int("participantId", player as i64 + 1);
    position(json, &Event { at_ms: at_ms * 10 + player as i64 + game.start_ms, what: What::Ends });
    json.int("timeEnemySpentControlled", part(line.control_s) * 1_000);
    json.int("totalGold", gold);
    json.int("xp", experience as i64);
    json.close();
}

fn damage(json: &mut Json, what: &str, damage: Damage, part: &dyn Fn(i32) -> i64) {
    let (magic, physical) = (part(damage.magic), part(damage.physical));
    let pure = part(damage.pure);
    json.int(&format!("magic{what}"), magic);
    json.int(&format!("physical{what}"), physical);
    json.int(&format!("total{what}"), magic + physical + pure);
    json.int(&format!("true{what}"), pure);
}

/// Minions or monsters at a time: from the first wave on, through the count at ten minutes, to all.
fn farmed(at_ten: f64, all: i32, at_ms: i64, end_ms: i64) -> i64 {
    const FIRST_MS: f64 = 90_000.0;
    const TEN_MS: f64 = 600_000.0;
    let (at, end) = (at_ms as f64, end_ms as f64);
    if at >= end {
        return i64::from(all);
    }
    let amount = if end <= TEN_MS {
        f64::from(all) * (at - FIRST_MS) / (end - FIRST_MS).max(1.0)
    } else if at <= TEN_MS {
        at_ten * (at - FIRST_MS) / (TEN_MS - FIRST_MS)
    } else {
        at_ten + (f64::from(all) - at_ten) * (at - TEN_MS) / (end - TEN_MS)
    };
    amount.max(0.0).round() as i64
}

fn champion_stats(json: &mut Json, level: i32, share: f64) {
    let level = i64::from(level);
    let bought = (share * 100.0) as i64;
    json.object("championStats");
    json.int("abilityHaste", bought / 2);
    json.int("abilityPower", 0);
    json.int("armor", 30 + 4 * level + bought / 4);
    json.int("armorPen", 0);
    json.int("armorPenPercent", 0);
    json.int("attackDamage", 58 + 3 * level + bought / 2);
    json.int("attackSpeed", 100 + 3 * level);
    json.int("bonusArmorPenPercent", 0);
    json.int("bonusMagicPenPercent", 0);
    json.int("ccReduction", 0);
    json.int("cooldownReduction", 0);
    json.int("health", 560 + 90 * level);
    json.int("healthMax", 600 + 100 * level + 8 * bought);
    json.int("healthRegen", 15 + level);
    json.int("lifesteal", 0);
    json.int("magicPen", 0);
    json.int("magicPenPercent", 0);
    json.int("magicResist", 30 + level);
    json.int("movementSpeed", 335 + bought / 4);
    json.int("omnivamp", 0);
    json.int("physicalVamp", 0);
    json.int("power", 280 + 40 * level);
    json.int("powerMax", 330 + 45 * level);
    json.int("powerRegen", 12 + level);
    json.int("spellVamp", 0);
    json.close();
}
