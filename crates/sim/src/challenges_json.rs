//! The `challenges` of a participant: what follows from the game, and zeros for the rest.

use crate::json::Json;
use crate::performance::{FirstShare, Line, Performance};
use crate::realm::Game;

/// Challenges that nothing in the simulated game bears on; present in every row.
const ZEROS: &[&str] = &[
    "12AssistStreakCount",
    "InfernalScalePickup",
    "SWARM_DefeatAatrox",
    "SWARM_DefeatBriar",
    "SWARM_DefeatMiniBosses",
    "SWARM_EvolveWeapon",
    "SWARM_Have3Passives",
    "SWARM_KillEnemy",
    "SWARM_PickupGold",
    "SWARM_ReachLevel50",
    "SWARM_Survive15Min",
    "SWARM_WinWith5EvolvedWeapons",
    "acesBefore15Minutes",
    "blastConeOppositeOpponentCount",
    "buffsStolen",
    "dancedWithRiftHerald",
    "doubleAces",
    "elderDragonKillsWithOpposingSoul",
    "elderDragonMultikills",
    "epicMonsterKillsNearEnemyJungler",
    "epicMonsterKillsWithin30SecondsOfSpawn",
    "epicMonsterSteals",
    "epicMonsterStolenWithoutSmite",
    "fistBumpParticipation",
    "flawlessAces",
    "hadOpenNexus",
    "junglerTakedownsNearDamagedEpicMonster",
    "kTurretsDestroyedBeforePlatesFall",
    "killedChampTookFullTeamDamageSurvived",
    "killsOnRecentlyHealedByAramPack",
    "killsWithHelpFromEpicMonster",
    "legendaryCount",
    "mejaisFullStackInTime",
    "multiKillOneSpell",
    "multiTurretRiftHeraldCount",
    "multikillsAfterAggressiveFlash",
    "outerTurretExecutesBefore10Minutes",
    "outnumberedNexusKill",
    "perfectDragonSoulsTaken",
    "poroExplosions",
    "quickCleanse",
    "quickFirstTurret",
    "snowballsHit",
    "soloBaronKills",
    "survivedSingleDigitHpCount",
    "takedownsBeforeJungleMinionSpawn",
    "takedownsInAlcove",
    "takedownsInEnemyFountain",
    "teamElderDragonKills",
    "tookLargeDamageSurvived",
    "twentyMinionsIn3SecondsCount",
    "twoWardsOneSweeperCount",
    "unseenRecalls",
];

pub(crate) fn write(json: &mut Json, game: &Game, performance: &Performance, i: usize) {
    let (side, role) = (i / 5, i % 5);
    let line = &performance.lines[i];
    let team = &performance.lines[side * 5..side * 5 + 5];
    let opponent = &performance.lines[(1 - side) * 5 + role];
    let taken = Performance::taken(&performance.lines, &performance.sides, side);
    let lost = Performance::taken(&performance.lines, &performance.sides, 1 - side);
    let minutes = f64::from(game.duration_s) / 60.0;
    let takedowns = line.kills + line.assists;
    let share = |of: fn(&Line) -> i32| {
        let all: i32 = team.iter().map(of).sum();
        if all == 0 { 0.0 } else { f64::from(of(line)) / f64::from(all) }
    };
    let per_min = |amount: i32| f64::from(amount) / minutes;
    let is_jungle = role == 1 && game.has_positions();
    let cs = |line: &Line| line.minions + line.monsters;
    let lead10 =
        f64::from(line.minions10 - opponent.minions10) + line.monsters10 - opponent.monsters10;
    let gold_lead = f64::from(line.gold - opponent.gold) / minutes;

    json.object("challenges");
    for key in ZEROS {
        json.int(key, 0);
    }
    json.float("HealFromMapSources", f64::from(line.healed) * 0.05);
    json.int("abilityUses", line.casts.iter().sum::<i32>());
    json.float("alliedJungleMonsterKills", f64::from(line.monsters - line.enemy_monsters));
    json.int("baronTakedowns", taken[4].min(line.barons + takedowns % 2));
    json.float("bountyGold", f64::from((line.largest_spree - 2).max(0) * 125));
    json.int(
        "completeSupportQuestInTime",
        i64::from(role == 4 && game.has_positions() && minutes > 18.0 && line.gold > 7_000),
    );
    json.int("controlWardsPlaced", line.control_wards);
    json.float("damagePerMinute", f64::from(line.damage.total()) / minutes);
    json.float("damageTakenOnTeamPercentage", share(|l| l.damage_taken.total()));
    json.int("deathsByEnemyChamps", line.deaths - line.executions);
    json.int("dodgeSkillShotsSmallWindow", line.casts[3] / 3);
    json.int("dragonTakedowns", taken[3].min(line.dragons + takedowns % 2));
    json.int("earlyLaningPhaseGoldExpAdvantage", i64::from(lead10 > 8.0));
    json.float("effectiveHealAndShielding", f64::from(line.healed_allies + line.shielded));
    json.int("enemyChampionImmobilizations", line.control_s / 2);
    json.float("enemyJungleMonsterKills", f64::from(line.enemy_monsters));
    json.int("firstTurretKilled", i64::from(performance.first[1] == Some(side)));
    json.int("fullTeamTakedown", takedowns / 12);
    json.float("gameLength", f64::from(game.duration_s) + f64::from(game.number % 997) / 1_000.0);
    json.float("goldPerMinute", per_min(line.gold));
    json.int("immobilizeAndKillWithAlly", takedowns / 3);
    json.int("initialBuffCount", if is_jungle { 2 } else { 0 });
    json.int("initialCrabCount", i64::from(is_jungle));
    json.float("jungleCsBefore10Minutes", line.monsters10);
    json.float("kda", f64::from(takedowns) / f64::from(line.deaths.max(1)));
    json.int("killAfterHiddenWithAlly", takedowns / 8);
    let kills: i32 = taken[0];
    let participation = if kills == 0 { 0.0 } else { f64::from(takedowns) / f64::from(kills) };
    json.float("killParticipation", participation);
    json.int("killingSprees", line.sprees);
    json.int("killsNearEnemyTurret", line.kills / 5);
    json.int("killsUnderOwnTurret", line.kills / 7);
    json.int("knockEnemyIntoTeamAndKill", takedowns / 9);
    json.int("landSkillShotsEarlyGame", line.casts[0] / 20);
    json.int("laneMinionsFirst10Minutes", line.minions10);
    json.int("laningPhaseGoldExpAdvantage", i64::from(gold_lead > 40.0));
    json.array("legendaryItemUsed");
    for item in [3_071, 6_655, 3_089].into_iter().take((line.gold / 4_000).max(0) as usize) {
        json.int_element(item);
    }
    json.close_array();
    json.int("lostAnInhibitor", i64::from(lost[2] > 0));
    json.int("maxKillDeficit", (lost[0] - taken[0]).max(0));
    json.float(
        "moreEnemyJungleThanOpponent",
        f64::from(line.enemy_monsters - opponent.enemy_monsters),
    );
    json.int("multikills", line.double_kills);
    json.int("outnumberedKills", line.kills / 6);
    json.int("perfectGame", i64::from(lost[0] == 0 && lost[1] == 0 && taken[1] > 4));
    json.int("pickKillWithAlly", takedowns * 4 / 5);
    json.int("quickSoloKills", line.solo_kills / 3);
    json.int("riftHeraldTakedowns", taken[5].min(line.heralds + i32::from(is_jungle)));
    json.int("saveAllyFromDeath", line.healed_allies / 4_000);
    json.int("scuttleCrabKills", if is_jungle { line.monsters / 45 } else { 0 });
    json.int("skillshotsDodged", line.casts[1] / 2);
    json.int("skillshotsHit", line.casts[0] / 4);
    json.int("soloKills", line.solo_kills);
    json.int("stealthWardsPlaced", line.wards);
    json.int("survivedThreeImmobilizesInFight", line.control_s / 15);
    json.int("takedownOnFirstTurret", i64::from(line.first_tower != FirstShare::None));
    json.int("takedowns", takedowns);
    json.int("takedownsAfterGainingLevelAdvantage", 0);
    json.int("takedownsFirstXMinutes", (f64::from(takedowns) * (12.0 / minutes).min(1.0)) as i32);
    json.int("teamBaronKills", taken[4]);
    json.float("teamDamagePercentage", share(|l| l.damage.total()));
    json.int("teamRiftHeraldKills", taken[5]);
    json.int("turretPlatesTaken", line.tower_takedowns * 2);
    json.int("turretTakedowns", line.tower_takedowns);
    json.int("turretsTakenWithRiftHerald", taken[5].min(line.tower_takedowns));
    json.float("visionScorePerMinute", per_min(line.vision));
    json.int("voidMonsterKill", if is_jungle { taken[6] } else { 0 });
    json.int("wardTakedowns", line.wards_killed);
    json.int(
        "wardTakedownsBefore20M",
        (f64::from(line.wards_killed) * (20.0 / minutes).min(1.0)) as i32,
    );
    json.int("wardsGuarded", line.control_wards / 4);

    // Of the keys that Riot sends at times.
    if game.has_positions() {
        let vision_lead =
            f64::from(line.vision - opponent.vision) / f64::from(opponent.vision.max(1));
        json.float(
            "maxCsAdvantageOnLaneOpponent",
            f64::from((cs(line) - cs(opponent)).max(0)) + 3.0,
        );
        json.int("maxLevelLeadLaneOpponent", (line.level - opponent.level).max(0) + 1);
        json.float("visionScoreAdvantageLaneOpponent", vision_lead);
        json.int("playedChampSelectPosition", 1);
        if is_jungle {
            json.int("junglerKillsEarlyJungle", line.kills / 8);
            json.int("killsOnLanersEarlyJungleAsJungler", line.kills / 5);
        } else {
            json.int("getTakedownsInAllLanesEarlyJungleAsLaner", 0);
            json.int("killsOnOtherLanesEarlyJungleAsLaner", takedowns / 10);
        }
    }
    if line.control_wards > 1 {
        let coverage = 0.3 + 0.05 * f64::from(line.control_wards.min(10));
        json.float("controlWardTimeCoverageInRiverOrEnemyHalf", coverage);
    }
    if performance.first[1] == Some(side) {
        json.float("firstTurretKilledTime", (minutes * 60.0 * 0.45).min(840.0));
    }
    let most = |of: fn(&Line) -> i32| performance.lines.iter().map(of).max() == Some(of(line));
    if most(|l| l.damage.total()) {
        json.int("highestChampionDamage", 1);
    }
    if most(|l| l.control_s) {
        json.int("highestCrowdControlScore", 1);
    }
    if line.wards_killed > 0 && most(|l| l.wards_killed) {
        json.int("highestWardKills", 1);
    }
    json.close();
}
