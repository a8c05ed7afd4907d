//! Rows of participants, as they are read.

use diesel::prelude::*;
use riftwatch_domain::matches::{Participant, ParticipantDetails, Position};
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::schema::match_participants;

#[derive(Queryable, Selectable)]
#[diesel(table_name = match_participants, check_for_backend(diesel::pg::Pg))]
pub(super) struct ParticipantRow {
    participant_id: i32,
    puuid: Option<String>,
    summoner_level: i32,
    team_id: i32,
    champion_id: i32,
    champion_name: String,
    champ_level: i32,
    team_position: String,
    individual_position: String,
    win: bool,
    kills: i32,
    deaths: i32,
    assists: i32,
    gold_earned: i32,
    total_minions_killed: i32,
    neutral_minions_killed: i32,
    vision_score: i32,
    total_damage_dealt_to_champions: i32,
    damage_dealt_to_objectives: i32,
    total_damage_taken: i32,
    wards_placed: i32,
    wards_killed: i32,
    time_played: i32,
    summoner1_id: i32,
    summoner2_id: i32,
    game_ended_in_early_surrender: bool,
    placement: Option<i32>,
    details: serde_json::Value,
}

impl TryFrom<ParticipantRow> for Participant {
    type Error = StoreError;

    fn try_from(row: ParticipantRow) -> Result<Self, StoreError> {
        let details: ParticipantDetails = serde_json::from_value(row.details)
            .map_err(|error| StoreError::corrupt("match_participants", "details", error))?;
        Ok(Self {
            participant_id: row.participant_id,
            puuid: row.puuid.map(Puuid::new),
            // Past names are not kept (Riot's rules forbid showing them).
            riot_id: None,
            summoner_level: row.summoner_level,
            profile_icon: 0,
            team_id: row.team_id,
            champion_id: row.champion_id,
            champion_name: row.champion_name,
            champ_level: row.champ_level,
            team_position: Position::from(row.team_position),
            individual_position: Position::from(row.individual_position),
            win: row.win,
            kills: row.kills,
            deaths: row.deaths,
            assists: row.assists,
            gold_earned: row.gold_earned,
            total_minions_killed: row.total_minions_killed,
            neutral_minions_killed: row.neutral_minions_killed,
            vision_score: row.vision_score,
            total_damage_dealt_to_champions: row.total_damage_dealt_to_champions,
            damage_dealt_to_objectives: row.damage_dealt_to_objectives,
            total_damage_taken: row.total_damage_taken,
            wards_placed: row.wards_placed,
            wards_killed: row.wards_killed,
            time_played: row.time_played,
            summoner1_id: row.summoner1_id,
            summoner2_id: row.summoner2_id,
            game_ended_in_early_surrender: row.game_ended_in_early_surrender,
            placement: row.placement,
            details,
        })
    }
}
