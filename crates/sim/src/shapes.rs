//! Answers as they were in earlier years, and as they may be in later ones.
//!
//! Riot adds fields several times a year, takes some away, and has changed the unit of one. Who reads
//! matches of two years has to read all of their shapes.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Fields of a participant, with the year in which they came; a `*` stands for any rest.
const CAME: [(&str, u32); 16] = [
    ("challenges", 2022),
    ("*Pings", 2022),
    ("eligibleForProgression", 2022),
    ("totalAllyJungleMinionsKilled", 2022),
    ("totalEnemyJungleMinionsKilled", 2022),
    ("placement", 2023),
    ("subteamPlacement", 2023),
    ("playerSubteamId", 2023),
    ("playerAugment*", 2023),
    ("riotIdGameName", 2024),
    ("riotIdTagline", 2024),
    ("missions", 2024),
    ("PlayerScore*", 2025),
    ("PlayerBehavior", 2026),
    ("positionAssignedByMatchmaking", 2026),
    ("selectedRolePreferences", 2026),
];

/// A match as it was sent in a year: without the fields that came later, and before the end of 2021
/// with its duration in milliseconds. Other answers stay as they are.
pub(crate) fn of_year(body: &Bytes, year: u32) -> Bytes {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    let Some(info) = answer.get_mut("info").and_then(Value::as_object_mut) else {
        return body.clone();
    };
    if year < 2024 {
        info.remove("endOfGameResult");
    }
    if year < 2022 {
        info.remove("gameEndTimestamp");
        let seconds = info.get("gameDuration").and_then(Value::as_i64).unwrap_or_default();
        info.insert("gameDuration".to_owned(), json!(seconds * 1000));
    }
    if let Some(version) = info.get_mut("gameVersion") {
        // The number of 2020 was 10.
        *version = json!(format!("{}.12.400.1000", year.saturating_sub(2010)));
    }
    let participants = info.get_mut("participants").and_then(Value::as_array_mut);
    for participant in participants.into_iter().flatten().filter_map(Value::as_object_mut) {
        participant.retain(|field, _| {
            CAME.iter().all(|(name, came)| year >= *came || !is_like(field, name))
        });
    }
    text(&answer)
}

fn is_like(field: &str, name: &str) -> bool {
    match (name.strip_prefix('*'), name.strip_suffix('*')) {
        (Some(end), _) => field.ends_with(end),
        (_, Some(beginning)) => field.starts_with(beginning),
        _ => field == name,
    }
}

/// What nobody knows yet: more fields in every object, and words that are new.
pub(crate) fn of_the_future(body: &Bytes) -> Bytes {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    grow(&mut answer);
    text(&answer)
}

fn grow(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(grow);
            rename(fields);
            fields
                .insert("somethingNew".to_owned(), json!({"parts": [1, null, "x", {"deep": 0.5}]}));
            fields.insert("riftCharge".to_owned(), json!(0.5));
        }
        Value::Array(values) => values.iter_mut().for_each(grow),
        _ => {}
    }
}

fn rename(fields: &mut Map<String, Value>) {
    let new = [
        ("tier", "LEGEND"),
        ("gameMode", "VOYAGE"),
        ("gameType", "MATCHED_VOYAGE"),
        ("endOfGameResult", "GameComplete_Twice"),
        ("individualPosition", "ROAMER"),
    ];
    for (field, word) in new {
        if let Some(known) = fields.get_mut(field).filter(|known| known.is_string()) {
            *known = json!(word);
        }
    }
}

fn text(answer: &Value) -> Bytes {
    answer.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched() -> Bytes {
        text(&json!({"metadata": {"matchId": "EUW1_1"}, "info": {
            "gameDuration": 1800, "gameEndTimestamp": 5, "gameVersion": "16.1", "gameMode": "CLASSIC",
            "endOfGameResult": "GameComplete",
            "participants": [{"kills": 3, "challenges": {"kda": 2.0}, "dangerPings": 4,
                              "PlayerScore3": 0, "riotIdGameName": "fox"}],
        }}))
    }

    fn read(body: &Bytes) -> Value {
        serde_json::from_slice(body).expect("it is JSON")
    }

    #[test]
    fn a_match_of_2020_counts_milliseconds_and_has_no_challenges() {
        let expected = json!({"metadata": {"matchId": "EUW1_1"}, "info": {
            "gameDuration": 1_800_000, "gameVersion": "10.12.400.1000", "gameMode": "CLASSIC",
            "participants": [{"kills": 3}],
        }});
        assert_eq!(read(&of_year(&matched(), 2020)), expected);
    }

    #[test]
    fn what_came_by_a_year_is_in_it() {
        let info = &read(&of_year(&matched(), 2024))["info"];
        assert_eq!(
            (&info["gameDuration"], &info["endOfGameResult"]),
            (&json!(1800), &json!("GameComplete"))
        );
        let expected = json!([{"kills": 3, "challenges": {"kda": 2.0}, "dangerPings": 4,
                               "riotIdGameName": "fox"}]);
        assert_eq!(info["participants"], expected);
    }

    #[test]
    fn every_object_of_the_future_has_more_in_it_and_a_list_of_ids_has_not() {
        let future = read(&of_the_future(&matched()));
        assert_eq!(future["info"]["gameMode"], "VOYAGE");
        assert_eq!(future["info"]["participants"][0]["challenges"]["riftCharge"], 0.5);
        let ids = Bytes::from_static(b"[\"EUW1_1\"]");
        assert_eq!((of_the_future(&ids), of_year(&ids, 2020)), (ids.clone(), ids));
    }
}
