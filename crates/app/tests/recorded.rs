//! Real recorded answers: every match is read and stored, and the tables hold what the files say,
//! field by field.
//!
//! The answers may not be passed on, so they are not part of this repository: where they are
//! absent, the test says that it was skipped.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_riot::wire::parse_match;
use riftwatch_store::matches;
use riftwatch_testkit::TestDb;
use riftwatch_testkit::builders::noon;
use serde_json::Value;

fn recorded_matches() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/match");
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    Some(files).filter(|files| !files.is_empty())
}

fn int(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64)).unwrap_or(0)
}

fn at(value: &Value) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(int(value)).expect("a time")
}

async fn check_match(client: &tokio_postgres::Client, file: &Value) {
    let id = file["metadata"]["matchId"].as_str().expect("an id");
    let info = &file["info"];
    let row = client
        .query_one(
            "SELECT queue_id, map_id, game_mode, game_version, game_creation, game_start, game_end, \
                    game_duration, end_of_game_result, teams \
             FROM matches WHERE match_id = $1",
            &[&id],
        )
        .await
        .unwrap_or_else(|error| panic!("{id} is not stored: {error}"));
    assert_eq!(i64::from(row.get::<_, i32>(0)), int(&info["queueId"]), "{id} queue");
    assert_eq!(i64::from(row.get::<_, i32>(1)), int(&info["mapId"]), "{id} map");
    assert_eq!(row.get::<_, &str>(2), info["gameMode"], "{id} mode");
    assert_eq!(row.get::<_, &str>(3), info["gameVersion"], "{id} version");
    assert_eq!(row.get::<_, DateTime<Utc>>(4), at(&info["gameCreation"]), "{id} creation");
    let start = at(&info["gameStartTimestamp"]);
    assert_eq!(row.get::<_, DateTime<Utc>>(5), start, "{id} start");
    // Before patch 11.20 there was no end, and the duration was in milliseconds.
    let (duration_s, end) = match &info["gameEndTimestamp"] {
        Value::Null => {
            let ms = int(&info["gameDuration"]);
            (ms / 1000, start + TimeDelta::milliseconds(ms))
        }
        end => (int(&info["gameDuration"]), at(end)),
    };
    assert_eq!(i64::from(row.get::<_, i32>(7)), duration_s, "{id} duration");
    let off = row.get::<_, DateTime<Utc>>(6) - end;
    assert!(off.abs() < TimeDelta::seconds(1), "{id} end is off by {off}");
    assert_eq!(row.get::<_, Option<&str>>(8), info["endOfGameResult"].as_str(), "{id} result");
    let teams: Value = row.get(9);
    for (ours, theirs) in
        teams.as_array().expect("teams").iter().zip(info["teams"].as_array().expect("teams"))
    {
        assert_eq!(ours["team_id"], theirs["teamId"], "{id} team");
        assert_eq!(ours["win"], theirs["win"], "{id} team won");
        let bans = theirs["bans"].as_array().map(Vec::as_slice).unwrap_or_default();
        let bans: Vec<i64> = bans.iter().map(|ban| int(&ban["championId"])).collect();
        let ours: Vec<i64> = ours["bans"].as_array().expect("bans").iter().map(int).collect();
        assert_eq!(ours, bans, "{id} bans");
    }
}

/// Columns that are Riot's fields under another spelling.
const INTEGERS: [(&str, &str); 18] = [
    ("team_id", "teamId"),
    ("champion_id", "championId"),
    ("champ_level", "champLevel"),
    ("summoner_level", "summonerLevel"),
    ("kills", "kills"),
    ("deaths", "deaths"),
    ("assists", "assists"),
    ("gold_earned", "goldEarned"),
    ("total_minions_killed", "totalMinionsKilled"),
    ("neutral_minions_killed", "neutralMinionsKilled"),
    ("vision_score", "visionScore"),
    ("total_damage_dealt_to_champions", "totalDamageDealtToChampions"),
    ("damage_dealt_to_objectives", "damageDealtToObjectives"),
    ("total_damage_taken", "totalDamageTaken"),
    ("wards_placed", "wardsPlaced"),
    ("wards_killed", "wardsKilled"),
    ("summoner1_id", "summoner1Id"),
    ("summoner2_id", "summoner2Id"),
];

async fn check_participants(client: &tokio_postgres::Client, file: &Value) -> usize {
    let id = file["metadata"]["matchId"].as_str().expect("an id");
    let rows = client
        .query(
            "SELECT to_jsonb(p) FROM match_participants p WHERE match_id = $1 ORDER BY participant_id",
            &[&id],
        )
        .await
        .expect("the participants");
    // In every recorded match the participants stand in the order of their numbers.
    let theirs = file["info"]["participants"].as_array().expect("participants");
    assert_eq!(rows.len(), theirs.len(), "{id} participants");
    for (row, theirs) in rows.iter().zip(theirs) {
        let ours: Value = row.get(0);
        let who = format!("{id} {}", theirs["puuid"]);
        for (column, field) in INTEGERS {
            assert_eq!(int(&ours[column]), int(&theirs[field]), "{who} {column}");
        }
        let cs = int(&theirs["totalMinionsKilled"]) + int(&theirs["neutralMinionsKilled"]);
        assert_eq!(int(&ours["cs"]), cs, "{who} cs");
        assert_eq!(ours["puuid"], theirs["puuid"], "{who} puuid");
        assert_eq!(ours["win"], theirs["win"], "{who} win");
        assert_eq!(ours["champion_name"], theirs["championName"], "{who} champion");
        for (column, field) in
            [("team_position", "teamPosition"), ("individual_position", "individualPosition")]
        {
            assert_eq!(
                ours[column].as_str(),
                Some(theirs[field].as_str().unwrap_or_default()),
                "{who} {column}"
            );
        }
        let items: Vec<i64> = (0..7).map(|slot| int(&theirs[format!("item{slot}")])).collect();
        let kept: Vec<i64> =
            ours["details"]["items"].as_array().expect("items").iter().map(int).collect();
        assert_eq!(kept, items, "{who} items");
        for (challenge, value) in ours["details"]["challenges"].as_object().into_iter().flatten() {
            assert_eq!(
                value.as_f64(),
                theirs["challenges"][challenge].as_f64(),
                "{who} {challenge}"
            );
        }
    }
    rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_match_is_stored_as_the_file_says() {
    let Some(files) = recorded_matches() else {
        println!("skipped: no recorded answers beside the repository");
        return;
    };
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    let mut participants = 0;
    for path in &files {
        let body = std::fs::read(path).expect("a readable file");
        let game =
            parse_match(&body).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let stored = matches::store(&mut conn, &game, noon())
            .await
            .unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        assert!(stored.new, "{} is stored twice", path.display());
        let file: Value = serde_json::from_slice(&body).expect("JSON");
        check_match(&client, &file).await;
        participants += check_participants(&client, &file).await;
    }
    println!("{} recorded matches, {participants} participants", files.len());
    drop(client);
    driver.await.unwrap().unwrap();
}
