//! Finished games and who played in them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::player::{Puuid, RiotId};
use crate::routing::{Platform, Region};

/// A match's key: `{PLATFORM}_{number}`, for example `EUW1_7261321891`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MatchId(String);

impl MatchId {
    /// The text, prefix in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the underscore.
    pub fn prefix(&self) -> &str {
        self.0.split_once('_').map_or("", |(prefix, _)| prefix)
    }

    /// The platform of the prefix; `None` for prefixes of tournament realms and such, whose
    /// matches no region of the public API knows.
    pub fn platform(&self) -> Option<Platform> {
        self.prefix().parse().ok()
    }

    /// The region whose host knows the match.
    pub fn region(&self) -> Option<Region> {
        self.platform().map(Platform::region)
    }
}

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not of the form `{PLATFORM}_{number}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a match id: expected a platform, an underscore and a number, as in EUW1_7261321891")]
pub struct InvalidMatchId;

impl FromStr for MatchId {
    type Err = InvalidMatchId;

    fn from_str(text: &str) -> Result<Self, InvalidMatchId> {
        let (prefix, number) = text.split_once('_').ok_or(InvalidMatchId)?;
        let plausible = (1..=16).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_alphanumeric())
            && (1..=19).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit());
        if plausible {
            Ok(Self(format!("{}_{number}", prefix.to_ascii_uppercase())))
        } else {
            Err(InvalidMatchId)
        }
    }
}

impl TryFrom<String> for MatchId {
    type Error = InvalidMatchId;

    fn try_from(text: String) -> Result<Self, InvalidMatchId> {
        text.parse()
    }
}

impl From<MatchId> for String {
    fn from(id: MatchId) -> Self {
        id.0
    }
}

/// Which sort of game it was. Riot adds queues, so any number is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueId(pub i32);

impl QueueId {
    /// Ranked solo and duo, the one that assessments rest on.
    pub const RANKED_SOLO: Self = Self(420);
    /// Ranked flex.
    pub const RANKED_FLEX: Self = Self(440);
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place on Summoner's Rift that Riot assigns to a participant after the game.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Position {
    /// `TOP`
    Top,
    /// `JUNGLE`
    Jungle,
    /// `MIDDLE`
    Middle,
    /// `BOTTOM`
    Bottom,
    /// `UTILITY`, the support.
    Utility,
    /// Empty in remakes and on maps without positions; anything else as Riot spells it.
    Other(String),
}

impl Position {
    /// The five positions, in Riot's order.
    pub const ALL: [Self; 5] = [Self::Top, Self::Jungle, Self::Middle, Self::Bottom, Self::Utility];

    /// Riot's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Top => "TOP",
            Self::Jungle => "JUNGLE",
            Self::Middle => "MIDDLE",
            Self::Bottom => "BOTTOM",
            Self::Utility => "UTILITY",
            Self::Other(text) => text,
        }
    }
}

impl Default for Position {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Position {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::ALL
            .into_iter()
            .find(|position| position.as_str() == text)
            .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl From<String> for Position {
    fn from(text: String) -> Self {
        match text.parse() {
            Ok(position) => position,
            Err(never) => match never {},
        }
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.as_str().to_owned()
    }
}

/// A finished game.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Its key.
    pub match_id: MatchId,
    /// The sort of game.
    pub queue_id: QueueId,
    /// 11 is Summoner's Rift.
    pub map_id: i32,
    /// `CLASSIC`, `ARAM`, `CHERRY`, …
    pub game_mode: String,
    /// `MATCHED_GAME`, …; absent in some old matches.
    pub game_type: Option<String>,
    /// Full version; the first two parts are the patch.
    pub game_version: String,
    /// When the lobby became a game.
    pub game_creation: DateTime<Utc>,
    /// When the game began.
    pub game_start: DateTime<Utc>,
    /// When it ended; start and duration added where Riot does not say (before patch 11.20).
    pub game_end: DateTime<Utc>,
    /// Seconds.
    pub game_duration: i32,
    /// `GameComplete`, `Abort_…`; absent before 2024. An abort may still be a full game.
    pub end_of_game_result: Option<String>,
    /// The sides.
    pub teams: Vec<Team>,
    /// One to sixteen, not always ten.
    pub participants: Vec<Participant>,
}

impl Match {
    /// Ended by vote in the first minutes because somebody was missing: nobody's play can be read
    /// from it.
    pub fn is_remake(&self) -> bool {
        self.participants.iter().any(|p| p.game_ended_in_early_surrender)
    }
}

/// One side of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// 100 or 200; 0 in Arena.
    pub team_id: i32,
    /// Whether the side won.
    pub win: bool,
    /// Banned champions in order of picking; −1 is no ban.
    pub bans: Vec<i32>,
}

/// One player in one match.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    /// Riot's number within the match, from 1.
    pub participant_id: i32,
    /// Absent for players hidden by the game; [`Puuid::BOT`] for the computer.
    pub puuid: Option<Puuid>,
    /// The name at the time of the match, where Riot sent one.
    pub riot_id: Option<RiotId>,
    /// Account level at the time of the match.
    pub summoner_level: i32,
    /// Icon at the time of the match.
    pub profile_icon: i32,
    /// 100 or 200; 0 in Arena.
    pub team_id: i32,
    /// Key of the champion.
    pub champion_id: i32,
    /// Riot's spelling, which is not unique over time: key on the id.
    pub champion_name: String,
    /// Champion level at the end.
    pub champ_level: i32,
    /// Riot's final word on where the participant played.
    pub team_position: Position,
    /// The position guessed from this participant alone.
    pub individual_position: Position,
    /// Whether the participant's side won.
    pub win: bool,
    /// Kills.
    pub kills: i32,
    /// Deaths.
    pub deaths: i32,
    /// Assists.
    pub assists: i32,
    /// Gold over the whole game.
    pub gold_earned: i32,
    /// Lane minions.
    pub total_minions_killed: i32,
    /// Jungle monsters.
    pub neutral_minions_killed: i32,
    /// Vision score.
    pub vision_score: i32,
    /// Damage dealt to champions.
    pub total_damage_dealt_to_champions: i32,
    /// Damage dealt to towers, dragons and such.
    pub damage_dealt_to_objectives: i32,
    /// Damage taken.
    pub total_damage_taken: i32,
    /// Wards placed.
    pub wards_placed: i32,
    /// Wards destroyed.
    pub wards_killed: i32,
    /// Seconds in the game.
    pub time_played: i32,
    /// Summoner spell on D; 4 is Flash.
    pub summoner1_id: i32,
    /// Summoner spell on F.
    pub summoner2_id: i32,
    /// The match was a remake.
    pub game_ended_in_early_surrender: bool,
    /// 1 to 8 in Arena, where there is more to reach than winning.
    pub placement: Option<i32>,
    /// What is kept but not searched.
    pub details: ParticipantDetails,
}

impl Participant {
    /// Creep score: lane minions and jungle monsters.
    pub fn cs(&self) -> i32 {
        self.total_minions_killed + self.neutral_minions_killed
    }

    /// `(kills + assists) / deaths`, with deaths counted as one when there is none.
    pub fn kda(&self) -> f64 {
        f64::from(self.kills + self.assists) / f64::from(self.deaths.max(1))
    }
}

/// The parts of a participant that no query filters on. Empty where Riot sent nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParticipantDetails {
    /// Items in slots 0 to 6 at the end; 0 is an empty slot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<i32>,
    /// Casts of the two summoner spells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub summoner_casts: Vec<i32>,
    /// Pings by kind (`enemyMissingPings`, …), without the zeros.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pings: BTreeMap<String, i32>,
    /// The challenges that detection reads (`soloKills`, `killParticipation`, …).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub challenges: BTreeMap<String, f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_id_knows_its_region_even_for_merged_platforms() {
        let id: MatchId = "th2_24825892".parse().expect("a match id");
        assert_eq!(id.as_str(), "TH2_24825892");
        assert_eq!(id.region(), Some(Region::Sea));
    }

    #[test]
    fn a_tournament_realm_has_no_region() {
        let id: MatchId = "ESPORTSTMNT01_2690234".parse().expect("a match id");
        assert_eq!(id.region(), None);
    }

    #[test]
    fn what_is_no_match_id_is_refused() {
        for text in ["", "EUW1", "EUW1_", "_5", "EUW1_5x", "EU W1_5", "EUW1_-5"] {
            assert_eq!(text.parse::<MatchId>(), Err(InvalidMatchId), "{text}");
        }
    }
}
