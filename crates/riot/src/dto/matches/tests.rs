//! Matches of every odd sort, made up here.

use proptest::prelude::*;
use riftwatch_domain::matches::Position;
use serde_json::{Value, json};

use super::*;

fn participant(number: i32) -> Value {
    let text = r#"{
        "riotIdGameName": "夜の 狐", "riotIdTagline": "JP1",
        "championId": 64, "championName": "LeeSin", "champLevel": 16, "teamId": 100,
        "teamPosition": "JUNGLE", "individualPosition": "JUNGLE", "win": true, "kills": 7,
        "deaths": 3, "assists": 11, "goldEarned": 12345, "totalMinionsKilled": 40,
        "neutralMinionsKilled": 130, "visionScore": 33, "totalDamageDealtToChampions": 20000,
        "damageDealtToObjectives": 15000, "totalDamageTaken": 30000, "wardsPlaced": 9,
        "wardsKilled": 4, "timePlayed": 1800, "summonerLevel": 321, "profileIcon": 5,
        "summoner1Id": 4, "summoner2Id": 11, "summoner1Casts": 5, "summoner2Casts": 20,
        "item0": 1, "item3": 4, "item6": 3340, "itemsPurchased": 20, "onMyWayPings": 6,
        "holdPings": 0, "placement": 0, "gameEndedInEarlySurrender": false,
        "challenges": {
            "kda": 6, "soloKills": 1, "killParticipation": 0.6, "legendaryItemUsed": [1, 2],
            "abilityUses": 200, "goldPerMinute": null
        },
        "perks": {"styles": [{"selections": []}]}, "missions": {"playerScore0": 0}
    }"#;
    let mut participant: Value = serde_json::from_str(text).expect("json");
    participant["participantId"] = json!(number);
    participant["puuid"] = json!(format!("p-{number}"));
    participant
}

fn game(participants: Vec<Value>) -> Value {
    json!({
        "metadata": {"dataVersion": "2", "matchId": "EUW1_7000000001", "participants": []},
        "info": {
            "gameId": 7_000_000_001_i64, "platformId": "EUW1", "queueId": 420, "mapId": 11,
            "gameMode": "CLASSIC", "gameType": "MATCHED_GAME", "gameVersion": "16.3.1.1",
            "gameCreation": 1_770_000_000_000_i64, "gameStartTimestamp": 1_770_000_030_000_i64,
            "gameEndTimestamp": 1_770_001_830_500_i64, "gameDuration": 1800,
            "endOfGameResult": "GameComplete",
            "teams": [{"teamId": 100, "win": true, "bans": [{"championId": -1, "pickTurn": 1},
                {"championId": 157, "pickTurn": 2}], "objectives": {}}],
            "participants": participants,
        }
    })
}

fn parse(value: &Value) -> Result<Match, RiotError> {
    parse_match("match-v5.getMatch", value.to_string().as_bytes())
}

fn parsed(value: &Value) -> Match {
    parse(value).expect("a match")
}

/// A match of two with one field of the first participant, or of `info`, set or (`null`) taken away.
fn with(place: &str, field: &str, value: Value) -> Value {
    let mut game = game(vec![participant(1), participant(2)]);
    let object = game.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
    if value.is_null() {
        object.remove(field);
    } else {
        object.insert(field.to_owned(), value);
    }
    game
}

const FIRST: &str = "/info/participants/0";

#[test]
fn a_plain_match_is_read_as_sent() {
    let game = parsed(&game(vec![participant(1)]));
    assert_eq!(game.match_id.as_str(), "EUW1_7000000001");
    assert_eq!(game.queue_id, QueueId::RANKED_SOLO);
    assert_eq!(game.game_start.timestamp_millis(), 1_770_000_030_000);
    assert_eq!(game.game_end.timestamp_millis(), 1_770_001_830_500);
    assert_eq!(game.game_duration, 1800);
    assert_eq!(game.teams, [Team { team_id: 100, win: true, bans: vec![-1, 157] }]);
    let p = &game.participants[0];
    assert_eq!((p.kills, p.deaths, p.assists, p.cs()), (7, 3, 11, 170));
    assert_eq!(p.riot_id.as_ref().map(ToString::to_string).as_deref(), Some("夜の 狐#JP1"));
    assert_eq!(p.team_position, Position::Jungle);
    assert_eq!(p.placement, None, "zero is no place");
    assert_eq!(p.details.items, [1, 0, 0, 4, 0, 0, 3340]);
    assert_eq!(p.details.summoner_casts, [5, 20]);
    assert_eq!(p.details.pings, [("onMyWayPings".to_owned(), 6)].into());
    let challenges = [("kda", 6.0), ("killParticipation", 0.6), ("soloKills", 1.0)];
    assert_eq!(p.details.challenges, challenges.map(|(key, n)| (key.to_owned(), n)).into());
}

#[test]
fn what_a_match_is_nothing_without_is_named_when_it_is_missing() {
    for field in ["championId", "kills", "deaths", "assists", "win"] {
        let error = parse(&with(FIRST, field, Value::Null)).expect_err(field);
        let RiotError::Decode { path, source, .. } = error else { panic!("{error}") };
        assert_eq!(path, "info.participants[0]");
        assert!(source.to_string().contains(field), "{source}");
        let error = parse(&with(FIRST, field, json!("much"))).expect_err(field);
        let RiotError::Decode { path, .. } = error else { panic!("{error}") };
        assert_eq!(path, format!("info.participants[0].{field}"));
    }
    let error = parse(&with("/info", "participants", Value::Null)).expect_err("no participants");
    assert!(matches!(error, RiotError::Decode { .. }));
}

#[test]
fn every_other_field_may_be_missing_or_of_any_type() {
    let sample = participant(1);
    let kept = ["championId", "kills", "deaths", "assists", "win"];
    for field in sample.as_object().expect("an object").keys() {
        if kept.contains(&field.as_str()) {
            continue;
        }
        parsed(&with(FIRST, field, Value::Null));
        if field != "challenges" {
            for value in [json!("text"), json!([1]), json!({"a": [{}]}), json!(1e300), json!(true)]
            {
                parsed(&with(FIRST, field, value));
            }
        }
    }
    parsed(&with(FIRST, "challenges", json!(null)));
    for field in ["queueId", "mapId", "gameMode", "gameType", "gameVersion", "endOfGameResult"] {
        parsed(&with("/info", field, Value::Null));
    }
}

#[test]
fn the_id_is_made_from_its_parts_when_the_metadata_lack_it() {
    for metadata in [json!({}), json!({"matchId": 7}), json!({"matchId": "?"}), json!(null)] {
        let mut game = game(vec![participant(1)]);
        game["metadata"] = metadata;
        assert_eq!(parsed(&game).match_id.as_str(), "EUW1_7000000001");
    }
    let mut game = game(vec![participant(1)]);
    game["metadata"] = json!({});
    game["info"]["gameId"] = json!("none");
    let RiotError::Decode { path, .. } = parse(&game).expect_err("no id") else { panic!("decode") };
    assert_eq!(path, "metadata.matchId");
}

#[test]
fn a_duration_is_in_milliseconds_where_no_end_is_sent() {
    let mut old = with("/info", "gameEndTimestamp", Value::Null);
    old["info"]["gameDuration"] = json!(1_563_281);
    let old = parsed(&old);
    assert_eq!(old.game_duration, 1563);
    assert_eq!(old.game_end.timestamp_millis(), 1_770_000_030_000 + 1_563_281);
}

#[test]
fn gaps_in_the_times_are_filled_and_a_match_without_any_is_refused() {
    let no_duration = parsed(&with("/info", "gameDuration", Value::Null));
    assert_eq!(no_duration.game_duration, 1800);
    let no_start = parsed(&with("/info", "gameStartTimestamp", json!(0)));
    assert_eq!(no_start.game_start, no_start.game_creation);
    let no_creation = parsed(&with("/info", "gameCreation", Value::Null));
    assert_eq!(no_creation.game_creation, no_creation.game_start);
    let mut none = with("/info", "gameCreation", json!(0));
    none["info"]["gameStartTimestamp"] = json!(0);
    let RiotError::Decode { path, .. } = parse(&none).expect_err("no time") else {
        panic!("decode")
    };
    assert_eq!(path, "info.gameStartTimestamp");
    for absurd in [json!(i64::MAX), json!(1e300)] {
        let error = parse(&with("/info", "gameEndTimestamp", absurd)).expect_err("no such year");
        assert!(matches!(error, RiotError::Decode { path, .. } if path == "info.gameEndTimestamp"));
    }
}

#[test]
fn numbers_may_be_floats_and_too_large_ones_are_cut() {
    let p = |value| parsed(&with(FIRST, "goldEarned", value)).participants[0].gold_earned;
    assert_eq!(p(json!(12345.0)), 12345);
    assert_eq!(p(json!(99_999_999_999_i64)), i32::MAX);
    assert_eq!(p(json!(-1e99)), i32::MIN);
    assert_eq!(parsed(&with(FIRST, "kills", json!(4.0))).participants[0].kills, 4);
}

#[test]
fn bots_and_hidden_players_are_participants() {
    let puuid = |value| parsed(&with(FIRST, "puuid", value)).participants[0].puuid.clone();
    assert!(puuid(json!("BOT")).is_some_and(|puuid| puuid.is_bot()));
    assert_eq!(puuid(Value::Null), None);
    assert_eq!(puuid(json!("")), None);
}

#[test]
fn any_number_of_participants_is_numbered_from_one() {
    for count in [0, 1, 3, 8, 10, 16, 18] {
        let game = parsed(&game((1..=count).map(participant).collect()));
        let numbers: Vec<i32> = game.participants.iter().map(|p| p.participant_id).collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    }
    let numbers = |numbers: [Value; 3]| {
        let mut list = vec![participant(1), participant(2), participant(3)];
        for (participant, number) in list.iter_mut().zip(numbers) {
            participant["participantId"] = number;
        }
        parsed(&game(list)).participants.iter().map(|p| p.participant_id).collect::<Vec<_>>()
    };
    assert_eq!(numbers([json!(1), json!(null), json!(3)]), [1, 2, 3]);
    assert_eq!(numbers([json!(1), json!(1), json!(1)]), [1, 2, 3]);
    assert_eq!(numbers([json!(-1), json!(0), json!(7)]), [1, 2, 3]);
    assert_eq!(numbers([json!(3), json!(1), json!(2)]), [3, 1, 2]);
}

#[test]
fn an_unknown_position_is_kept_and_the_character_nul_is_not() {
    let p = parsed(&with(FIRST, "teamPosition", json!("ROA\u{0}MER"))).participants[0].clone();
    assert_eq!(p.team_position, Position::Other("ROAMER".to_owned()));
    let game = with(FIRST, "riotIdGameName", json!("a\u{0}b"));
    assert_eq!(parsed(&game).participants[0].riot_id.as_ref().expect("a name").game_name, "ab");
    let game = with(FIRST, "x\u{0}Pings", json!(2));
    assert!(parsed(&game).participants[0].details.pings.contains_key("xPings"));
    for field in ["gameMode", "gameType", "gameVersion", "endOfGameResult"] {
        let game = parsed(&with("/info", field, json!("\u{0}")));
        assert!(!format!("{game:?}").contains("\\0"), "{field}");
    }
}

#[test]
fn the_first_name_of_the_name_is_read_too() {
    let mut game = with(FIRST, "riotIdGameName", Value::Null);
    game["info"]["participants"][0]["riotIdName"] = json!("Older");
    let name = |game: &Value| parsed(game).participants[0].riot_id.clone().map(|id| id.game_name);
    assert_eq!(name(&game).as_deref(), Some("Older"));
    game["info"]["participants"][0]["riotIdGameName"] = json!("Newer");
    assert_eq!(name(&game).as_deref(), Some("Newer"));
}

#[test]
fn what_is_no_match_is_an_error_with_a_place() {
    for (body, place) in [
        ("", "."),
        ("<html>", "."),
        ("null", "."),
        ("{}", "."),
        ("{\"info\":{\"participants\":[{\"kills\":", "info.participants[0].kills"),
    ] {
        let error = parse_match("m", body.as_bytes()).expect_err(body);
        let RiotError::Decode { path, .. } = error else { panic!("{error}") };
        assert_eq!(path, place, "{body}");
    }
    let trailing = format!("{} x", game(vec![participant(1)]));
    let error = parse_match("m", trailing.as_bytes()).expect_err("more than a match");
    assert!(matches!(error, RiotError::Decode { .. }));
    let deep = "[".repeat(100_000);
    parse_match("m", deep.as_bytes()).expect_err("too deep");
    let deep = format!("{{\"info\":{{\"x\":{deep}}}}}");
    parse_match("m", deep.as_bytes()).expect_err("too deep in a field that nobody reads");
}

/// Any JSON, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect::<Value>()),
        ]
    })
}

/// Every value in the JSON, by its pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                places(item, &format!("{at}/{name}"), all);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_match("m", &bytes);
    }

    #[test]
    fn no_change_of_a_match_makes_it_panic_and_what_is_read_is_fit_to_store(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any_json()), 1..6)
    ) {
        let mut game = game(vec![participant(1), participant(2)]);
        for (index, value) in changes {
            let mut all = Vec::new();
            places(&game, "", &mut all);
            if let Some(place) = game.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        if let Ok(game) = parse(&game) {
            // Two backslashes are one in the text, and no NUL whatever follows them.
            let shown = format!("{game:?}").replace("\\\\", "");
            prop_assert!(!shown.contains("\\0"), "{}", shown);
            let times = [game.game_creation, game.game_start, game.game_end];
            prop_assert!(times.iter().all(|time| (0..=253_402_300_799).contains(&time.timestamp())));
            prop_assert!(game.game_duration >= 0);
        }
    }

    #[test]
    fn no_cut_or_bitten_match_makes_it_panic(
        cut in any::<prop::sample::Index>(),
        bites in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
    ) {
        let mut body = game(vec![participant(1)]).to_string().into_bytes();
        for (index, byte) in bites {
            let at = index.index(body.len());
            body[at] = byte;
        }
        let _ = parse_match("m", &body);
        let _ = parse_match("m", &body[..cut.index(body.len())]);
    }
}
