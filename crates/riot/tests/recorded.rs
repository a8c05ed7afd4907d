//! Recorded answers of Riot, where they are at hand, field by field against what is read of them.

use std::fs;
use std::path::{Path, PathBuf};

use riftwatch_domain::matches::{Match, Participant};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::wire::parse_match;
use serde_json::Value;

/// The folder beside the repository, or none: then there is nothing to compare with.
#[expect(clippy::print_stdout, reason = "a test that was skipped should say so")]
fn recordings(kind: &str) -> Option<Vec<PathBuf>> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = crate_folder
        .ancestors()
        .map(|folder| folder.join("../shared/data").join(kind))
        .find(|folder| folder.is_dir());
    let Some(folder) = found else {
        println!("skipped: there are no recorded answers beside the repository");
        return None;
    };
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    Some(files)
}

/// Like a number in the file, which is an integer for every field compared here.
fn int(value: &Value, field: &str) -> Option<i64> {
    value.get(field).map(|number| number.as_i64().unwrap_or_else(|| panic!("{field}: {number}")))
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn compare_participant(place: usize, read: &Participant, sent: &Value) {
    let ints = [
        ("participantId", read.participant_id),
        ("summonerLevel", read.summoner_level),
        ("profileIcon", read.profile_icon),
        ("teamId", read.team_id),
        ("championId", read.champion_id),
        ("champLevel", read.champ_level),
        ("kills", read.kills),
        ("deaths", read.deaths),
        ("assists", read.assists),
        ("goldEarned", read.gold_earned),
        ("totalMinionsKilled", read.total_minions_killed),
        ("neutralMinionsKilled", read.neutral_minions_killed),
        ("visionScore", read.vision_score),
        ("totalDamageDealtToChampions", read.total_damage_dealt_to_champions),
        ("damageDealtToObjectives", read.damage_dealt_to_objectives),
        ("totalDamageTaken", read.total_damage_taken),
        ("wardsPlaced", read.wards_placed),
        ("wardsKilled", read.wards_killed),
        ("timePlayed", read.time_played),
        ("summoner1Id", read.summoner1_id),
        ("summoner2Id", read.summoner2_id),
    ];
    for (field, read) in ints {
        // One recorded file has a participant without a number.
        let absent = if field == "participantId" { place as i64 + 1 } else { i64::MIN };
        assert_eq!(i64::from(read), int(sent, field).unwrap_or(absent), "{field}");
    }
    assert_eq!(
        i64::from(read.cs()),
        int(sent, "totalMinionsKilled").unwrap_or(0)
            + int(sent, "neutralMinionsKilled").unwrap_or(0)
    );
    assert_eq!(read.puuid.as_ref().map(|puuid| puuid.as_str()), text(sent, "puuid"));
    assert_eq!(Some(read.champion_name.as_str()), text(sent, "championName"));
    assert_eq!(Some(read.team_position.as_str()), text(sent, "teamPosition"));
    assert_eq!(Some(read.individual_position.as_str()), text(sent, "individualPosition"));
    assert_eq!(Some(read.win), sent["win"].as_bool());
    assert_eq!(
        Some(read.game_ended_in_early_surrender),
        sent["gameEndedInEarlySurrender"].as_bool()
    );
    assert_eq!(read.placement.map(i64::from), int(sent, "placement").filter(|place| *place > 0));
    let name = text(sent, "riotIdGameName").filter(|name| !name.is_empty());
    let name = name.or(text(sent, "riotIdName").filter(|name| !name.is_empty()));
    assert_eq!(read.riot_id.as_ref().map(|id| id.game_name.as_str()), name);
    let tag = text(sent, "riotIdTagline").filter(|tag| !tag.is_empty());
    assert_eq!(read.riot_id.as_ref().map(|id| id.tag_line.as_str()), tag);
    compare_details(read, sent);
}

fn compare_details(read: &Participant, sent: &Value) {
    let items: Vec<i64> =
        (0..7).map(|slot| int(sent, &format!("item{slot}")).expect("an item slot")).collect();
    assert_eq!(read.details.items.iter().map(|item| i64::from(*item)).collect::<Vec<_>>(), items);
    let casts = ["summoner1Casts", "summoner2Casts"].map(|field| int(sent, field).expect("casts"));
    assert_eq!(
        read.details.summoner_casts.iter().map(|n| i64::from(*n)).collect::<Vec<_>>(),
        casts
    );

    let object = sent.as_object().expect("an object");
    let pings: Vec<(&str, i64)> = object
        .iter()
        .filter(|(name, _)| name.ends_with("Pings"))
        .map(|(name, count)| (name.as_str(), count.as_i64().expect("a count")))
        .filter(|(_, count)| *count != 0)
        .collect();
    let mut read_pings: Vec<(&str, i64)> =
        read.details.pings.iter().map(|(name, count)| (name.as_str(), i64::from(*count))).collect();
    read_pings.sort_by_key(|(name, _)| object.keys().position(|key| key == name));
    assert_eq!(read_pings, pings);

    let kept = [
        "soloKills",
        "killParticipation",
        "kda",
        "laneMinionsFirst10Minutes",
        "jungleCsBefore10Minutes",
        "teamDamagePercentage",
        "damagePerMinute",
        "goldPerMinute",
        "visionScorePerMinute",
        "maxCsAdvantageOnLaneOpponent",
        "maxLevelLeadLaneOpponent",
        "laningPhaseGoldExpAdvantage",
        "earlyLaningPhaseGoldExpAdvantage",
        "visionScoreAdvantageLaneOpponent",
        "takedownsFirstXMinutes",
        "hadAfkTeammate",
        "playedChampSelectPosition",
        "skillshotsDodged",
        "skillshotsHit",
    ];
    let challenges = sent.get("challenges");
    let mut expected = 0;
    for name in kept {
        let value = challenges.and_then(|challenges| challenges.get(name)).and_then(Value::as_f64);
        assert_eq!(read.details.challenges.get(name).copied(), value, "{name}");
        expected += usize::from(value.is_some());
    }
    assert_eq!(read.details.challenges.len(), expected, "nothing else is kept");
}

fn compare(read: &Match, sent: &Value) {
    let info = &sent["info"];
    assert_eq!(Some(read.match_id.as_str()), text(&sent["metadata"], "matchId"));
    assert_eq!(Some(i64::from(read.queue_id.0)), int(info, "queueId"));
    assert_eq!(Some(i64::from(read.map_id)), int(info, "mapId"));
    assert_eq!(Some(read.game_mode.as_str()), text(info, "gameMode"));
    assert_eq!(read.game_type.as_deref(), text(info, "gameType").filter(|text| !text.is_empty()));
    assert_eq!(Some(read.game_version.as_str()), text(info, "gameVersion"));
    assert_eq!(read.end_of_game_result.as_deref(), text(info, "endOfGameResult"));
    assert_eq!(Some(read.game_creation.timestamp_millis()), int(info, "gameCreation"));
    let start = int(info, "gameStartTimestamp").expect("a start");
    let duration = int(info, "gameDuration").expect("a duration");
    assert_eq!(read.game_start.timestamp_millis(), start);
    let (end, seconds) = match int(info, "gameEndTimestamp") {
        Some(end) => (end, duration),
        None => (start + duration, duration / 1000),
    };
    assert_eq!(read.game_end.timestamp_millis(), end);
    assert_eq!(i64::from(read.game_duration), seconds);

    let teams = info["teams"].as_array().expect("teams");
    assert_eq!(read.teams.len(), teams.len());
    for (read, sent) in read.teams.iter().zip(teams) {
        assert_eq!(Some(i64::from(read.team_id)), int(sent, "teamId"));
        assert_eq!(Some(read.win), sent["win"].as_bool());
        let bans = sent["bans"].as_array().expect("bans");
        let bans: Vec<i64> =
            bans.iter().map(|ban| int(ban, "championId").expect("a ban")).collect();
        assert_eq!(read.bans.iter().map(|ban| i64::from(*ban)).collect::<Vec<_>>(), bans);
    }
    let participants = info["participants"].as_array().expect("participants");
    assert_eq!(read.participants.len(), participants.len());
    for (place, (read, sent)) in read.participants.iter().zip(participants).enumerate() {
        compare_participant(place, read, sent);
    }
    assert_eq!(
        read.is_remake(),
        participants.iter().any(|p| p["gameEndedInEarlySurrender"].as_bool() == Some(true))
    );
}

#[test]
fn every_recorded_match_is_read_field_by_field() {
    let Some(files) = recordings("match") else { return };
    let (mut matches, mut participants, mut remakes, mut bots) = (0, 0, 0, 0);
    for file in &files {
        let body = fs::read(file).expect("a readable file");
        let read = parse_match(&body).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let sent: Value = serde_json::from_slice(&body).expect("json");
        println!("{}", read.match_id);
        compare(&read, &sent);
        matches += 1;
        participants += read.participants.len();
        remakes += usize::from(read.is_remake());
        bots += read
            .participants
            .iter()
            .filter(|p| p.puuid.as_ref().is_some_and(|puuid| puuid.is_bot()))
            .count();
    }
    println!("{matches} matches, {participants} participants, {remakes} remakes, {bots} bots");
    assert!(matches > 0 && participants > 0 && remakes > 0 && bots > 0);
}

#[test]
fn a_recorded_match_cut_anywhere_is_an_error_with_a_place() {
    let Some(files) = recordings("match") else { return };
    let body = fs::read(&files[0]).expect("a readable file");
    for length in (0..body.len()).step_by(997) {
        let error = parse_match(&body[..length]).expect_err("not whole");
        assert!(matches!(error, RiotError::Decode { .. }));
    }
}
