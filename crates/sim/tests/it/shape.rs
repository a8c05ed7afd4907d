//! Generated matches have the fields, types and nulls of recorded ones, and what the description of
//! the API requires.

use std::collections::{BTreeMap, BTreeSet};

use riftwatch_sim::SimConfig;
use serde_json::Value;

use crate::support::{Lab, recorded_data, small};

/// Types seen at each path; list elements are `[]`. Whole numbers and others are one type: Riot
/// writes `5` for 5.0.
#[derive(Default)]
struct Shape {
    types: BTreeMap<String, BTreeSet<&'static str>>,
    /// How many of the parents had the path.
    seen: BTreeMap<String, usize>,
}

impl Shape {
    fn add(&mut self, path: &str, value: &Value) {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        self.types.entry(path.to_owned()).or_default().insert(name);
        *self.seen.entry(path.to_owned()).or_default() += 1;
        match value {
            Value::Array(items) => {
                items.iter().for_each(|item| self.add(&format!("{path}[]"), item))
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    self.add(&format!("{path}.{key}"), item);
                }
            }
            _ => {}
        }
    }

    /// Whether every parent had it.
    fn is_constant(&self, path: &str) -> bool {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        parent.is_empty() || self.seen.get(parent) == self.seen.get(path)
    }
}

async fn generated() -> Vec<Value> {
    let lab = Lab::start(SimConfig { players: 200, ..small() }).await;
    let mut games = Vec::new();
    for player in lab.players("euw1", 4).await {
        let puuid = player["puuid"].as_str().expect("a puuid");
        let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=30&type=ranked");
        for id in lab.json("europe", &list).await.as_array().expect("ids") {
            let path = format!("/lol/match/v5/matches/{}", id.as_str().expect("an id"));
            games.push(lab.json("europe", &path).await);
        }
    }
    assert!(games.len() > 50, "{}", games.len());
    games
}

#[tokio::test]
async fn generated_matches_have_the_shape_of_recorded_ones() {
    let Some(data) = recorded_data() else { return };
    let (mut real, mut newest) = (Shape::default(), Shape::default());
    for entry in std::fs::read_dir(data.join("match")).expect("matches") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let game: Value = serde_json::from_slice(&bytes).expect("JSON");
        let version = game["info"]["gameVersion"].as_str().unwrap_or("0");
        let mut parts = version.split('.').filter_map(|part| part.parse::<u32>().ok());
        let season = parts.next().unwrap_or(0);
        if season >= 13 && [420, 440].map(Value::from).contains(&game["info"]["queueId"]) {
            real.add("match", &game);
            if season >= 16 {
                newest.add("match", &game);
            }
        }
    }
    assert!(!newest.seen.is_empty(), "a match of 2026 is among the recorded ones");
    let mut ours = Shape::default();
    generated().await.iter().for_each(|game| ours.add("match", game));

    for (path, types) in &ours.types {
        let theirs =
            real.types.get(path).unwrap_or_else(|| panic!("{path} is in no recorded match"));
        assert!(types.is_subset(theirs), "{path}: {types:?}, recorded {theirs:?}");
    }
    // Not every participant of a file has these; all that everybody has, ours have.
    for path in
        newest.types.keys().filter(|path| newest.is_constant(path) && real.is_constant(path))
    {
        assert!(ours.is_constant(path), "{path} is missing at times");
        assert!(ours.types.contains_key(path), "{path} is missing");
    }
}

#[tokio::test]
async fn generated_matches_have_what_the_description_of_the_api_requires() {
    let Some(data) = recorded_data() else { return };
    let path = data.join("spec/riotapi-openapi-3.0.0.2026-04-15.json");
    let bytes = std::fs::read(path).expect("the description");
    let spec: Value = serde_json::from_slice(&bytes).expect("JSON");
    for game in generated().await {
        check(&spec, "match-v5.MatchDto", &game, "match");
    }
}

/// Required fields are there, and fields have their types.
fn check(spec: &Value, schema: &str, value: &Value, path: &str) {
    let schema = &spec["components"]["schemas"][schema];
    let fields = value.as_object().unwrap_or_else(|| panic!("{path} is no object"));
    for required in schema["required"].as_array().into_iter().flatten() {
        let key = required.as_str().expect("a key");
        assert!(fields.contains_key(key), "{path}.{key} is missing");
    }
    for (key, field) in fields {
        let kind = &schema["properties"][key];
        if !kind.is_null() {
            check_kind(spec, kind, field, &format!("{path}.{key}"));
        }
    }
}

fn check_kind(spec: &Value, kind: &Value, value: &Value, path: &str) {
    let reference = kind["$ref"].as_str().or_else(|| kind["anyOf"][0]["$ref"].as_str());
    if let Some(reference) = reference {
        let name = reference.rsplit('/').next().expect("a name");
        return check(spec, name, value, path);
    }
    match kind["type"].as_str() {
        Some("integer") => assert!(value.is_i64() || value.is_u64(), "{path}: {value}"),
        Some("number") => assert!(value.is_number(), "{path}: {value}"),
        Some("string") => assert!(value.is_string(), "{path}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{path}: {value}"),
        Some("array") => {
            for item in value.as_array().unwrap_or_else(|| panic!("{path}: {value}")) {
                check_kind(spec, &kind["items"], item, &format!("{path}[]"));
            }
        }
        _ => {}
    }
}
