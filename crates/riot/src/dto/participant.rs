//! One participant of a match: some 150 fields, of which two dozen are kept as columns and some
//! more as details. Riot adds several fields a year and drops some.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use riftwatch_domain::matches::{Participant, ParticipantDetails, Position};
use riftwatch_domain::player::Puuid;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::lenient::{Int, OptFloat, OptInt, OptText, OptTruth, Truth};
use super::small::riot_id;

/// The challenges that detection reads. There are some 130 more.
const KEPT_CHALLENGES: [&str; 19] = [
    "damagePerMinute",
    "earlyLaningPhaseGoldExpAdvantage",
    "goldPerMinute",
    "hadAfkTeammate",
    "jungleCsBefore10Minutes",
    "kda",
    "killParticipation",
    "laneMinionsFirst10Minutes",
    "laningPhaseGoldExpAdvantage",
    "maxCsAdvantageOnLaneOpponent",
    "maxLevelLeadLaneOpponent",
    "playedChampSelectPosition",
    "skillshotsDodged",
    "skillshotsHit",
    "soloKills",
    "takedownsFirstXMinutes",
    "teamDamagePercentage",
    "visionScoreAdvantageLaneOpponent",
    "visionScorePerMinute",
];

/// A participant, but for what only the whole match can tell.
pub(super) struct ParticipantDto {
    /// With number and time played as sent, zero where absent.
    pub(super) participant: Participant,
    pub(super) time_played: Option<i32>,
}

impl<'de> Deserialize<'de> for ParticipantDto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParticipantVisitor)
    }
}

/// A field's name, borrowed from the body where it can be.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct ParticipantVisitor;

impl<'de> Visitor<'de> for ParticipantVisitor {
    type Value = ParticipantDto;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a participant")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParticipantDto, A::Error> {
        let (mut champion_id, mut kills, mut deaths, mut assists) = (None, None, None, None);
        let (mut win, mut time_played) = (None, None);
        let (mut game_name, mut old_game_name, mut tag_line) =
            (OptText(None), OptText(None), OptText(None));
        let mut items = [None; 7];
        let mut casts = [None; 2];
        let mut p = nobody();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "championId" => champion_id = Some(map.next_value::<Int>()?.0),
                "kills" => kills = Some(map.next_value::<Int>()?.0),
                "deaths" => deaths = Some(map.next_value::<Int>()?.0),
                "assists" => assists = Some(map.next_value::<Int>()?.0),
                "win" => win = Some(map.next_value::<Truth>()?.0),
                "participantId" => p.participant_id = int(&mut map)?,
                "puuid" => p.puuid = text(&mut map)?.non_empty().map(Puuid::new),
                // The first name of the field, for a few patches; both are sent in some.
                "riotIdName" => old_game_name = text(&mut map)?,
                "riotIdGameName" => game_name = text(&mut map)?,
                "riotIdTagline" => tag_line = text(&mut map)?,
                "summonerLevel" => p.summoner_level = int(&mut map)?,
                "profileIcon" => p.profile_icon = int(&mut map)?,
                "teamId" => p.team_id = int(&mut map)?,
                "championName" => p.champion_name = text(&mut map)?.or_empty(),
                "champLevel" => p.champ_level = int(&mut map)?,
                "teamPosition" => p.team_position = position(&mut map)?,
                "individualPosition" => p.individual_position = position(&mut map)?,
                "goldEarned" => p.gold_earned = int(&mut map)?,
                "totalMinionsKilled" => p.total_minions_killed = int(&mut map)?,
                "neutralMinionsKilled" => p.neutral_minions_killed = int(&mut map)?,
                "visionScore" => p.vision_score = int(&mut map)?,
                "totalDamageDealtToChampions" => {
                    p.total_damage_dealt_to_champions = int(&mut map)?;
                }
                "damageDealtToObjectives" => p.damage_dealt_to_objectives = int(&mut map)?,
                "totalDamageTaken" => p.total_damage_taken = int(&mut map)?,
                "wardsPlaced" => p.wards_placed = int(&mut map)?,
                "wardsKilled" => p.wards_killed = int(&mut map)?,
                "timePlayed" => time_played = map.next_value::<OptInt>()?.0,
                "summoner1Id" => p.summoner1_id = int(&mut map)?,
                "summoner2Id" => p.summoner2_id = int(&mut map)?,
                "summoner1Casts" => casts[0] = map.next_value::<OptInt>()?.0,
                "summoner2Casts" => casts[1] = map.next_value::<OptInt>()?.0,
                "gameEndedInEarlySurrender" => {
                    p.game_ended_in_early_surrender = map.next_value::<OptTruth>()?.or_false();
                }
                // Zero outside of Arena.
                "placement" => p.placement = Some(int(&mut map)?).filter(|place| *place > 0),
                "challenges" => p.details.challenges = map.next_value::<ChallengesDto>()?.0,
                name => {
                    if let Some(slot) = item_slot(name) {
                        items[slot] = map.next_value::<OptInt>()?.0;
                    } else if name.ends_with("Pings") {
                        let name = name.replace('\0', "");
                        let count = int(&mut map)?;
                        if count != 0 {
                            p.details.pings.insert(name, count);
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        p.champion_id = champion_id.ok_or_else(|| A::Error::missing_field("championId"))?;
        p.kills = kills.ok_or_else(|| A::Error::missing_field("kills"))?;
        p.deaths = deaths.ok_or_else(|| A::Error::missing_field("deaths"))?;
        p.assists = assists.ok_or_else(|| A::Error::missing_field("assists"))?;
        p.win = win.ok_or_else(|| A::Error::missing_field("win"))?;
        let game_name = OptText(game_name.non_empty().or(old_game_name.non_empty()));
        p.riot_id = riot_id(game_name, tag_line);
        p.details.items = all_if_any(&items);
        p.details.summoner_casts = all_if_any(&casts);
        Ok(ParticipantDto { participant: p, time_played })
    }
}

fn nobody() -> Participant {
    Participant {
        participant_id: 0,
        puuid: None,
        riot_id: None,
        summoner_level: 0,
        profile_icon: 0,
        team_id: 0,
        champion_id: 0,
        champion_name: String::new(),
        champ_level: 0,
        team_position: Position::default(),
        individual_position: Position::default(),
        win: false,
        kills: 0,
        deaths: 0,
        assists: 0,
        gold_earned: 0,
        total_minions_killed: 0,
        neutral_minions_killed: 0,
        vision_score: 0,
        total_damage_dealt_to_champions: 0,
        damage_dealt_to_objectives: 0,
        total_damage_taken: 0,
        wards_placed: 0,
        wards_killed: 0,
        time_played: 0,
        summoner1_id: 0,
        summoner2_id: 0,
        game_ended_in_early_surrender: false,
        placement: None,
        details: ParticipantDetails::default(),
    }
}

fn int<'de, A: MapAccess<'de>>(map: &mut A) -> Result<i32, A::Error> {
    Ok(map.next_value::<OptInt>()?.or_zero())
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<OptText, A::Error> {
    map.next_value()
}

fn position<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Position, A::Error> {
    Ok(Position::from(text(map)?.or_empty()))
}

/// `item0` … `item6`.
fn item_slot(name: &str) -> Option<usize> {
    let slot: usize = name.strip_prefix("item")?.parse().ok()?;
    (slot < 7).then_some(slot)
}

/// Zeros for the gaps, unless there is nothing at all.
fn all_if_any(values: &[Option<i32>]) -> Vec<i32> {
    if values.iter().all(Option::is_none) {
        return Vec::new();
    }
    values.iter().map(|value| value.unwrap_or(0)).collect()
}

/// An object of numbers, one list among them; absent before patch 12.3 and in some modes.
struct ChallengesDto(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for ChallengesDto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let challenges: Option<KeptChallenges> = Option::deserialize(deserializer)?;
        Ok(Self(challenges.map(|kept| kept.0).unwrap_or_default()))
    }
}

struct KeptChallenges(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for KeptChallenges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChallengesVisitor).map(Self)
    }
}

struct ChallengesVisitor;

impl<'de> Visitor<'de> for ChallengesVisitor {
    type Value = BTreeMap<String, f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of challenges")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(Name(name)) = map.next_key()? {
            if KEPT_CHALLENGES.binary_search(&&*name).is_err() {
                map.next_value::<IgnoredAny>()?;
            } else if let OptFloat(Some(value)) = map.next_value()? {
                kept.insert(name.into_owned(), value);
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_challenges_are_sorted_for_the_search() {
        assert!(KEPT_CHALLENGES.is_sorted());
    }

    #[test]
    fn item_slots_are_seven() {
        assert_eq!(item_slot("item6"), Some(6));
        for name in
            ["item7", "item", "items", "itemsPurchased", "item-1", "item99999999999999999999"]
        {
            assert_eq!(item_slot(name), None, "{name}");
        }
    }
}
