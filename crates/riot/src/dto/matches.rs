//! Matches.

use std::collections::BTreeSet;

use riftwatch_domain::matches::{Match, MatchId, Participant, QueueId, Team};
use serde::Deserialize;

use super::lenient::{OptInt, OptList, OptLong, OptText, OptTruth, clamp};
use super::participant::ParticipantDto;
use super::small::time;
use super::{decode, read};
use crate::error::RiotError;

#[derive(Deserialize)]
struct MatchDto {
    #[serde(default)]
    metadata: Option<MetadataDto>,
    info: InfoDto,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataDto {
    #[serde(default)]
    match_id: OptText,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InfoDto {
    #[serde(default)]
    platform_id: OptText,
    #[serde(default)]
    game_id: OptLong,
    #[serde(default)]
    queue_id: OptInt,
    #[serde(default)]
    map_id: OptInt,
    #[serde(default)]
    game_mode: OptText,
    #[serde(default)]
    game_type: OptText,
    #[serde(default)]
    game_version: OptText,
    /// Milliseconds since 1970, as the other times.
    #[serde(default)]
    game_creation: OptLong,
    #[serde(default)]
    game_start_timestamp: OptLong,
    /// Sent since patch 11.20.
    #[serde(default)]
    game_end_timestamp: OptLong,
    /// Seconds where the end is sent too, milliseconds where it is not.
    #[serde(default)]
    game_duration: OptLong,
    #[serde(default)]
    end_of_game_result: OptText,
    #[serde(default)]
    teams: OptList<TeamDto>,
    participants: Vec<ParticipantDto>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TeamDto {
    #[serde(default)]
    team_id: OptInt,
    #[serde(default)]
    win: OptTruth,
    #[serde(default)]
    bans: OptList<BanDto>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BanDto {
    #[serde(default)]
    champion_id: OptInt,
}

pub(crate) fn parse_match(endpoint: &'static str, body: &[u8]) -> Result<Match, RiotError> {
    let MatchDto { metadata, info } = read(endpoint, body)?;
    let match_id = match_id(metadata, &info)
        .ok_or_else(|| decode(endpoint, "metadata.matchId", "no match id"))?;
    let times = Times::of(&info)
        .map_err(|field| decode(endpoint, &format!("info.{field}"), "no plausible time"))?;
    let game_duration = times.duration_s();
    let at = |field: &str, ms: i64| {
        time(ms).ok_or_else(|| decode(endpoint, &format!("info.{field}"), "no plausible time"))
    };
    Ok(Match {
        match_id,
        queue_id: QueueId(info.queue_id.or_zero()),
        map_id: info.map_id.or_zero(),
        game_mode: info.game_mode.or_empty(),
        game_type: info.game_type.non_empty(),
        game_version: info.game_version.or_empty(),
        game_creation: at("gameCreation", times.creation_ms)?,
        game_start: at("gameStartTimestamp", times.start_ms)?,
        game_end: at("gameEndTimestamp", times.end_ms)?,
        game_duration,
        end_of_game_result: info.end_of_game_result.non_empty(),
        teams: info.teams.0.into_iter().map(Team::from).collect(),
        participants: participants(info.participants, game_duration),
    })
}

/// The id in the metadata, or the one that it is made of.
fn match_id(metadata: Option<MetadataDto>, info: &InfoDto) -> Option<MatchId> {
    let told = metadata.and_then(|metadata| metadata.match_id.0);
    told.and_then(|text| text.parse().ok()).or_else(|| {
        let platform = info.platform_id.0.as_deref()?;
        let number = info.game_id.0?;
        format!("{platform}_{number}").parse().ok()
    })
}

/// The times of a game in milliseconds.
struct Times {
    creation_ms: i64,
    start_ms: i64,
    end_ms: i64,
    duration_ms: i64,
}

impl Times {
    /// Fills the gaps. Zero is what Riot sends for a time that it does not know.
    ///
    /// # Errors
    ///
    /// The field without which there is no knowing.
    fn of(info: &InfoDto) -> Result<Self, &'static str> {
        let told = |field: &OptLong| field.0.filter(|ms| *ms > 0);
        let creation = told(&info.game_creation);
        let start = told(&info.game_start_timestamp);
        let end = told(&info.game_end_timestamp);
        let start_ms = start.or(creation).ok_or("gameStartTimestamp")?;
        let creation_ms = creation.unwrap_or(start_ms);
        let told_ms = info.game_duration.0.filter(|duration| *duration >= 0).map(|duration| {
            // The key alone tells the unit, whatever its value.
            if info.game_end_timestamp.0.is_some() {
                duration.saturating_mul(1000)
            } else {
                duration
            }
        });
        let duration_ms = match (told_ms, end) {
            (Some(duration_ms), _) => duration_ms,
            (None, Some(end_ms)) => end_ms.saturating_sub(start_ms).max(0),
            (None, None) => return Err("gameDuration"),
        };
        let end_ms = end.unwrap_or(start_ms.saturating_add(duration_ms));
        Ok(Self { creation_ms, start_ms, end_ms, duration_ms })
    }

    fn duration_s(&self) -> i32 {
        clamp(self.duration_ms / 1000)
    }
}

impl From<TeamDto> for Team {
    fn from(dto: TeamDto) -> Self {
        Self {
            team_id: dto.team_id.or_zero(),
            win: dto.win.or_false(),
            bans: dto.bans.0.iter().map(|ban| ban.champion_id.0.unwrap_or(-1)).collect(),
        }
    }
}

/// Numbers the participants where Riot has not, or not well: the number is a key within the match.
fn participants(dtos: Vec<ParticipantDto>, game_duration: i32) -> Vec<Participant> {
    let mut participants: Vec<Participant> = dtos
        .into_iter()
        .map(|dto| Participant {
            time_played: dto.time_played.unwrap_or(game_duration),
            ..dto.participant
        })
        .collect();
    for (place, participant) in (1..).zip(&mut participants) {
        if participant.participant_id == 0 {
            participant.participant_id = place;
        }
    }
    let numbers: BTreeSet<i32> = participants.iter().map(|p| p.participant_id).collect();
    if numbers.len() < participants.len() || numbers.first().is_some_and(|first| *first < 1) {
        for (place, participant) in (1..).zip(&mut participants) {
            participant.participant_id = place;
        }
    }
    participants
}

#[cfg(test)]
mod tests;
