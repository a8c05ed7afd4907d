//! Rows of participants, and the quickest way to write them.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{Match, Participant, ParticipantDetails, Position};
use riftwatch_domain::player::Puuid;

use super::to_json;
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::match_participants;

/// Writes participants of any number of matches by one statement, which is the same for every
/// number: it is prepared once for a connection. `just bench-store` has the rivals.
pub(super) async fn insert(
    conn: &mut Conn,
    rows: Vec<ParticipantRow>,
) -> Result<usize, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut columns = Columns::default();
    for row in rows {
        columns.push(row);
    }
    Ok(RunQueryDsl::execute(columns, conn).await?)
}

/// `INSERT … SELECT … FROM unnest(…)` of rows, turned: each column is one array. A macro, because
/// each column has to be named in four places otherwise.
macro_rules! columns {
    ($first:ident: $first_rust:ty => $first_sql:ty, $($name:ident: $rust:ty => $sql:ty,)*) => {
        #[derive(Debug, Default)]
        struct Columns {
            $first: Vec<$first_rust>,
            $($name: Vec<$rust>,)*
        }

        impl Columns {
            fn push(&mut self, row: ParticipantRow) {
                self.$first.push(row.$first);
                $(self.$name.push(row.$name);)*
            }
        }

        impl QueryFragment<Pg> for Columns {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(concat!(
                    "INSERT INTO match_participants (", stringify!($first),
                    $(", ", stringify!($name),)* ") SELECT * FROM unnest(",
                ));
                out.push_bind_param::<Array<$first_sql>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<Array<$sql>, _>(&self.$name)?;
                )*
                out.push_sql(")");
                Ok(())
            }
        }
    };
}

columns! {
    match_id: String => Text,
    participant_id: i32 => Integer,
    puuid: Option<String> => Nullable<Text>,
    game_start: DateTime<Utc> => Timestamptz,
    queue_id: i32 => Integer,
    summoner_level: i32 => Integer,
    team_id: i32 => Integer,
    champion_id: i32 => Integer,
    champion_name: String => Text,
    champ_level: i32 => Integer,
    team_position: String => Text,
    individual_position: String => Text,
    win: bool => Bool,
    kills: i32 => Integer,
    deaths: i32 => Integer,
    assists: i32 => Integer,
    gold_earned: i32 => Integer,
    total_minions_killed: i32 => Integer,
    neutral_minions_killed: i32 => Integer,
    vision_score: i32 => Integer,
    total_damage_dealt_to_champions: i32 => Integer,
    damage_dealt_to_objectives: i32 => Integer,
    total_damage_taken: i32 => Integer,
    wards_placed: i32 => Integer,
    wards_killed: i32 => Integer,
    time_played: i32 => Integer,
    summoner1_id: i32 => Integer,
    summoner2_id: i32 => Integer,
    game_ended_in_early_surrender: bool => Bool,
    placement: Option<i32> => Nullable<Integer>,
    details: serde_json::Value => Jsonb,
}

/// The text is the same whatever the rows: so it may be prepared once.
impl QueryId for Columns {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for Columns {}

#[derive(Queryable, Selectable)]
#[diesel(table_name = match_participants, check_for_backend(diesel::pg::Pg))]
pub(super) struct ParticipantRow {
    match_id: String,
    participant_id: i32,
    puuid: Option<String>,
    game_start: DateTime<Utc>,
    queue_id: i32,
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

impl ParticipantRow {
    pub(super) fn from_domain(game: &Match, participant: &Participant) -> Result<Self, StoreError> {
        let p = participant;
        Ok(Self {
            match_id: game.match_id.as_str().to_owned(),
            participant_id: p.participant_id,
            puuid: p.puuid.as_ref().map(|puuid| puuid.as_str().to_owned()),
            game_start: game.game_start,
            queue_id: game.queue_id.0,
            summoner_level: p.summoner_level,
            team_id: p.team_id,
            champion_id: p.champion_id,
            champion_name: p.champion_name.clone(),
            champ_level: p.champ_level,
            team_position: p.team_position.as_str().to_owned(),
            individual_position: p.individual_position.as_str().to_owned(),
            win: p.win,
            kills: p.kills,
            deaths: p.deaths,
            assists: p.assists,
            gold_earned: p.gold_earned,
            total_minions_killed: p.total_minions_killed,
            neutral_minions_killed: p.neutral_minions_killed,
            vision_score: p.vision_score,
            total_damage_dealt_to_champions: p.total_damage_dealt_to_champions,
            damage_dealt_to_objectives: p.damage_dealt_to_objectives,
            total_damage_taken: p.total_damage_taken,
            wards_placed: p.wards_placed,
            wards_killed: p.wards_killed,
            time_played: p.time_played,
            summoner1_id: p.summoner1_id,
            summoner2_id: p.summoner2_id,
            game_ended_in_early_surrender: p.game_ended_in_early_surrender,
            placement: p.placement,
            details: to_json("match_participants", "details", &p.details)?,
        })
    }
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
