//! What is known of an account, and the file format in which it comes: one JSON object a line.
//!
//! ```json
//! {"account_id": "a17", "account_level": 42, "label": "smurf",
//!  "ranks": [{"at": "2026-03-01T12:00:00Z", "tier": "GOLD", "division": "II", "league_points": 40}],
//!  "games": [{"at": "2026-03-01T18:22:07Z", "duration_s": 1740, "queue": 420, "role": "MIDDLE",
//!             "champion_id": 103, "win": true, "kills": 9, "deaths": 2, "assists": 7, "cs": 205,
//!             "gold": 13120, "damage_to_champions": 28110, "vision_score": 21,
//!             "kill_participation": 0.61, "cs_at_10": 84, "solo_kills": 3, "flash_slot": 1,
//!             "rank_tier_value": 3.4, "lobby_tier_value": 5.1, "champion_games_before": 7,
//!             "duo": false}]}
//! ```
//!
//! A field that is absent (or null) is missing evidence, never zero. Keys that are not known here
//! are passed over, so that files may carry more than we read.

use chrono::{DateTime, Utc};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::{Division, Tier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The five roles, as Riot spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum Role {
    Top,
    Jungle,
    Middle,
    Bottom,
    Utility,
}

impl Role {
    /// All five, in Riot's order.
    pub const ALL: [Self; 5] = [Self::Top, Self::Jungle, Self::Middle, Self::Bottom, Self::Utility];

    /// Place in [`Role::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A rank that the account showed at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankPoint {
    /// When it was seen.
    pub at: DateTime<Utc>,
    /// The tier.
    #[serde(deserialize_with = "known_tier")]
    pub tier: Tier,
    /// Absent from Master upwards in some files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<Division>,
    /// Points within the division, or above Master.
    pub league_points: i32,
}

impl RankPoint {
    /// Height on the ladder in tiers: Iron IV with 0 points is 0, a tier 1, a division a quarter,
    /// a point 1/400; Master is 7 and everything above goes by points.
    pub fn tier_value(&self) -> f64 {
        let points = f64::from(self.league_points) / 400.0;
        if self.tier.is_apex() {
            return 7.0 + points;
        }
        let tier = self.tier.ordinal().map_or(0.0, f64::from);
        let division = self.division.map_or(0.0, |division| f64::from(division.ordinal()) / 4.0);
        tier + division + points
    }
}

/// One game of the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// When it began.
    pub at: DateTime<Utc>,
    /// Seconds.
    pub duration_s: u32,
    /// Only [`QueueId::RANKED_SOLO`] counts.
    pub queue: QueueId,
    /// Where the account played.
    pub role: Role,
    /// Key of the champion.
    pub champion_id: u32,
    /// Whether its side won.
    pub win: bool,
    /// Kills.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub kills: f32,
    /// Deaths.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub deaths: f32,
    /// Assists.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub assists: f32,
    /// Lane minions and monsters over the whole game.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub cs: f32,
    /// Gold over the whole game.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub gold: f32,
    /// Damage to champions over the whole game.
    #[serde(deserialize_with = "amount", serialize_with = "shortest")]
    pub damage_to_champions: f32,
    /// Vision score.
    #[serde(default, deserialize_with = "amount_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vision_score: Option<f32>,
    /// Share of the side's kills in which the account took part, 0..=1.
    #[serde(default, deserialize_with = "amount_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kill_participation: Option<f32>,
    /// Lane minions and monsters in the first ten minutes.
    #[serde(default, deserialize_with = "amount_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs_at_10: Option<f32>,
    /// Kills without help.
    #[serde(default, deserialize_with = "amount_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solo_kills: Option<f32>,
    /// Which of the two spell keys held Flash; only whether it changes is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_slot: Option<u8>,
    /// The account's rank before the game, in tiers (see [`RankPoint::tier_value`]).
    #[serde(default, deserialize_with = "height_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank_tier_value: Option<f32>,
    /// Mean rank of the others in the game, in tiers, where at least three were known.
    #[serde(default, deserialize_with = "height_if_any", serialize_with = "shortest_if_any")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lobby_tier_value: Option<f32>,
    /// Games of the account on this champion before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion_games_before: Option<u32>,
    /// Whether it was played with the account's most frequent companion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duo: Option<bool>,
}

impl Game {
    /// The shortest game that is read, in seconds: what ends sooner was given up or never began.
    pub const SHORTEST_S: u32 = 900;

    /// Whether the game says anything about play: ranked solo, and not over at once.
    pub fn counts(&self) -> bool {
        self.queue == QueueId::RANKED_SOLO && self.duration_s >= Self::SHORTEST_S
    }
}

/// What is known of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Any name for the account; comes back in the assessment.
    pub account_id: String,
    /// Account level, 1 upwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_level: Option<u32>,
    /// The name of the true story, where it is known. Read by evaluation alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Ranks shown over time, oldest first.
    #[serde(default, deserialize_with = "list_if_any", skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<RankPoint>,
    /// Games, oldest first.
    pub games: Vec<Game>,
}

impl Evidence {
    /// Reads one line of an evidence file; `line` is its number, for the message alone. Games and
    /// ranks that are out of order are put in order.
    ///
    /// # Errors
    ///
    /// When the line is not such an object; the message names the line and the field.
    pub fn parse(line: u64, text: &str) -> Result<Self, MalformedEvidence> {
        // Keeping track of the path costs a third more: only a line that fails is read with it.
        let mut evidence: Self = match serde_json::from_str(text) {
            Ok(evidence) => evidence,
            Err(error) => return Err(Self::malformed(line, text, &error)),
        };
        if !evidence.games.is_sorted_by_key(|game| game.at) {
            evidence.games.sort_by_key(|game| game.at);
        }
        if !evidence.ranks.is_sorted_by_key(|rank| rank.at) {
            evidence.ranks.sort_by_key(|rank| rank.at);
        }
        Ok(evidence)
    }

    fn malformed(line: u64, text: &str, error: &serde_json::Error) -> MalformedEvidence {
        let mut json = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, Self>(&mut json) {
            Err(error) => MalformedEvidence {
                line,
                path: error.path().to_string(),
                reason: in_words(&error.into_inner().to_string()),
            },
            // The object was sound, and something followed it.
            Ok(_) => MalformedEvidence {
                line,
                path: ".".to_owned(),
                reason: in_words(&error.to_string()),
            },
        }
    }
}

/// A line is no evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, field {path}: {reason}")]
pub struct MalformedEvidence {
    /// Number of the line, from 1.
    pub line: u64,
    /// Path to the field within the line, as in `games[3].kills`; `.` is the line itself.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What serde_json says, without its own "at line 1 column 80" (the line is another one, and the path
/// says where), and with our words for its types.
fn in_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    [
        ("expected f32", "expected a number"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected u16", "expected a whole number, 0 or more"),
        ("expected u8", "expected a whole number, 0 to 255"),
        ("expected i32", "expected a whole number"),
        ("expected struct Evidence", "expected an object with account_id and games"),
        ("expected struct Game", "expected an object, as a game is"),
        ("expected struct RankPoint", "expected an object with at, tier and league_points"),
        ("expected a boolean", "expected true or false"),
        ("expected a formatted date and time string or a unix timestamp", EXPECTED_TIME),
        ("expected an RFC 3339 formatted date and time string", EXPECTED_TIME),
        ("input contains invalid characters", EXPECTED_TIME),
        ("premature end of input", EXPECTED_TIME),
        ("trailing input", EXPECTED_TIME),
        ("input is out of range", EXPECTED_TIME),
    ]
    .iter()
    .fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}

const EXPECTED_TIME: &str = "expected a time such as \"2026-03-01T18:22:07Z\"";

fn checked<E: serde::de::Error>(value: f32, lowest: f32, highest: f32) -> Result<f32, E> {
    if (lowest..=highest).contains(&value) {
        Ok(value)
    } else {
        Err(E::custom(format!("{value} is not within {lowest} to {highest}")))
    }
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    checked(f32::deserialize(from)?, 0.0, 1e7)
}

fn amount_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f32>, D::Error> {
    Option::<f32>::deserialize(from)?.map(|value| checked(value, 0.0, 1e7)).transpose()
}

/// Points above Master have no upper end, but twenty tiers of them is a mistake.
fn height_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f32>, D::Error> {
    Option::<f32>::deserialize(from)?.map(|value| checked(value, -5.0, 30.0)).transpose()
}

fn list_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<RankPoint>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn known_tier<'de, D: Deserializer<'de>>(from: D) -> Result<Tier, D::Error> {
    let tier = Tier::deserialize(from)?;
    match tier.ordinal() {
        Some(_) => Ok(tier),
        None => Err(serde::de::Error::custom(format!("{:?} is not a tier", tier.as_str()))),
    }
}

/// Writes 9 rather than 9.0 where nothing is lost.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn shortest<S: Serializer>(value: &f32, to: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e7 {
        to.serialize_i64(*value as i64)
    } else {
        to.serialize_f32(*value)
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn shortest_if_any<S: Serializer>(value: &Option<f32>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => shortest(value, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAME: &str = r#"{"at": "2026-03-01T18:22:07Z", "duration_s": 1740, "queue": 420,
        "role": "MIDDLE", "champion_id": 103, "win": true, "kills": 9, "deaths": 2, "assists": 7,
        "cs": 205, "gold": 13120, "damage_to_champions": 28110}"#;

    fn refusal(text: &str) -> String {
        Evidence::parse(7, text).expect_err("malformed").to_string()
    }

    #[test]
    fn what_is_absent_or_null_is_missing_and_unknown_keys_are_passed_over() {
        let text = format!(
            r#"{{"account_id": "a", "ranks": null, "account_level": null, "later": 1, "games": [{GAME}]}}"#
        );
        let evidence = Evidence::parse(1, &text).unwrap();
        assert_eq!(evidence.account_level, None);
        assert_eq!(evidence.ranks, []);
        let game = &evidence.games[0];
        assert_eq!((game.kills, game.vision_score, game.duo), (9.0, None, None));
        assert!(game.counts());
    }

    #[test]
    fn evidence_reads_back_from_what_it_writes() {
        let text = r#"{"account_id":"a17","account_level":42,"label":"smurf","ranks":[{"at":"2026-03-01T12:00:00Z","tier":"GOLD","division":"II","league_points":40}],"games":[{"at":"2026-03-01T18:22:07Z","duration_s":1740,"queue":420,"role":"MIDDLE","champion_id":103,"win":true,"kills":9,"deaths":2,"assists":7,"cs":205,"gold":13120,"damage_to_champions":28110,"vision_score":21,"kill_participation":0.61,"cs_at_10":84,"solo_kills":3,"flash_slot":1,"rank_tier_value":3.4,"lobby_tier_value":5.1,"champion_games_before":7,"duo":false}]}"#;
        let evidence = Evidence::parse(1, text).unwrap();
        assert_eq!(serde_json::to_string(&evidence).unwrap(), text);
        assert!((evidence.ranks[0].tier_value() - 3.6).abs() < 1e-12);
    }

    #[test]
    fn a_malformed_line_is_refused_by_line_and_path() {
        let with = |from: &str, to: &str| {
            format!(r#"{{"account_id": "a", "games": [{GAME}, {}]}}"#, GAME.replace(from, to))
        };
        assert_eq!(
            refusal(&with(r#""kills": 9"#, r#""kills": -1"#)),
            "line 7, field games[1].kills: -1 is not within 0 to 10000000"
        );
        assert_eq!(
            refusal(&with(r#""kills": 9,"#, "")),
            "line 7, field games[1]: missing field `kills`"
        );
        assert!(refusal(&with("MIDDLE", "MID")).starts_with("line 7, field games[1].role: "));
        assert!(refusal(&with("2026-03-01T", "yesterday")).contains("games[1].at"));
        assert!(refusal(&with(r#""gold": 13120"#, r#""gold": "much""#)).contains("games[1].gold"));
        assert!(refusal("").starts_with("line 7, field"));
        assert!(refusal("[]").starts_with("line 7, field"));
        assert!(
            refusal(r#"{"account_id": "a", "games": []} {}"#)
                .ends_with("field .: trailing characters")
        );
        assert_eq!(
            refusal(
                r#"{"account_id": "a", "games": [], "ranks": [{"at": "2026-03-01T12:00:00Z", "tier": "WOOD", "division": "I", "league_points": 0}]}"#
            ),
            "line 7, field ranks[0].tier: \"WOOD\" is not a tier"
        );
    }

    #[test]
    fn games_out_of_order_are_put_in_order() {
        let earlier = GAME.replace("2026-03-01", "2026-02-01");
        let text = format!(r#"{{"account_id": "a", "games": [{GAME}, {earlier}]}}"#);
        assert!(Evidence::parse(1, &text).unwrap().games.is_sorted_by_key(|game| game.at));
    }
}
