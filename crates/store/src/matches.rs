//! Matches and their participants, each match whole or not at all.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use riftwatch_domain::matches::{
    Match, MatchId, Participant, ParticipantDetails, Position, QueueId, Team,
};
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::players;
use crate::pool::Conn;
use crate::schema::{match_participants, match_rejects, matches};

/// What storing a match did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// False: the match was there already, and nothing was touched.
    pub new: bool,
    /// Participants written.
    pub participants: usize,
    /// Players met for the first time.
    pub players_discovered: usize,
}

/// Stores a match with its participants, and the players met in it, in one transaction. Storing a
/// match again does nothing.
///
/// # Errors
///
/// When the database fails.
pub async fn store(
    conn: &mut Conn,
    game: &Match,
    now: DateTime<Utc>,
) -> Result<Stored, StoreError> {
    conn.transaction(async |conn| {
        let new = diesel::insert_into(matches::table)
            .values(NewMatch::from_domain(game, now)?)
            .on_conflict(matches::match_id)
            .do_nothing()
            .execute(conn)
            .await?
            > 0;
        if !new {
            return Ok(Stored::default());
        }
        let rows = game
            .participants
            .iter()
            .map(|participant| ParticipantRow::from_domain(game, participant))
            .collect::<Result<Vec<_>, _>>()?;
        let participants = insert_participants(conn, rows).await?;
        // Players live on platforms; a match of a tournament realm says nothing about where.
        let players_discovered = match game.match_id.platform() {
            Some(platform) => players::meet(conn, game, home(platform), now).await?,
            None => 0,
        };
        Ok(Stored { new, participants, players_discovered })
    })
    .await
}

/// Where players of a platform's matches live today.
fn home(platform: Platform) -> Platform {
    match platform {
        Platform::Ph2 | Platform::Th2 => Platform::Sg2,
        other => other,
    }
}

/// Statements over a fixed number of rows are prepared once and kept; ten is by far the most
/// frequent number of participants.
async fn insert_participants(
    conn: &mut Conn,
    rows: Vec<ParticipantRow>,
) -> Result<usize, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let insert = diesel::insert_into(match_participants::table);
    let written = match <[ParticipantRow; 10]>::try_from(rows) {
        Ok(ten) => insert.values(ten).execute(conn).await?,
        Err(rows) => insert.values(rows).execute(conn).await?,
    };
    Ok(written)
}

/// Why a listed match is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// Riot answers 403: its players keep it to themselves.
    Private,
    /// Riot answers 404. Fresh matches may yet appear: asked for three times, ten minutes apart.
    Gone,
    /// The answer cannot be read. Asked for again by a newer reader.
    Malformed,
}

impl RejectReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Gone => "gone",
            Self::Malformed => "malformed",
        }
    }
}

/// The version of the reader of matches: raise it when it learns to read more, so that malformed
/// matches are fetched again.
pub const PARSER_VERSION: i32 = 1;

/// Times that a match which Riot does not have is asked for.
const GONE_ATTEMPTS: i32 = 3;

/// Minutes between these.
const GONE_PAUSE_MIN: i64 = 10;

/// Records that a match cannot be stored.
///
/// # Errors
///
/// When the database fails.
pub async fn reject(
    conn: &mut Conn,
    match_id: &MatchId,
    reason: RejectReason,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use match_rejects as rejects;
    diesel::insert_into(rejects::table)
        .values((
            rejects::match_id.eq(match_id.as_str()),
            rejects::reason.eq(reason.as_str()),
            rejects::detail.eq(detail),
            rejects::parser_version.eq(PARSER_VERSION),
            rejects::created_at.eq(now),
            rejects::updated_at.eq(now),
        ))
        .on_conflict(rejects::match_id)
        .do_update()
        .set((
            rejects::reason.eq(reason.as_str()),
            rejects::detail.eq(detail),
            rejects::parser_version.eq(PARSER_VERSION),
            rejects::attempts.eq(rejects::attempts + 1),
            rejects::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The ids that are worth fetching: neither stored nor rejected for good. Keeps the order.
///
/// # Errors
///
/// When the database fails.
pub async fn missing(
    conn: &mut Conn,
    ids: &[MatchId],
    now: DateTime<Utc>,
) -> Result<Vec<MatchId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&str> = ids.iter().map(MatchId::as_str).collect();
    let stored: Vec<String> = matches::table
        .filter(matches::match_id.eq_any(&texts))
        .select(matches::match_id)
        .load(conn)
        .await?;
    use match_rejects as rejects;
    let still_malformed =
        rejects::reason.eq("malformed").and(rejects::parser_version.eq(PARSER_VERSION));
    let gone_for_now = rejects::reason.eq("gone").and(
        rejects::attempts
            .ge(GONE_ATTEMPTS)
            .or(rejects::updated_at.gt(now - chrono::Duration::minutes(GONE_PAUSE_MIN))),
    );
    let rejected: Vec<String> = rejects::table
        .filter(rejects::match_id.eq_any(&texts))
        .filter(rejects::reason.eq("private").or(still_malformed).or(gone_for_now))
        .select(rejects::match_id)
        .load(conn)
        .await?;
    let known: HashSet<&str> = stored.iter().chain(&rejected).map(String::as_str).collect();
    Ok(ids.iter().filter(|id| !known.contains(id.as_str())).cloned().collect())
}

/// Start times of the stored ones among the ids.
///
/// # Errors
///
/// When the database fails.
pub async fn starts(
    conn: &mut Conn,
    ids: &[MatchId],
) -> Result<Vec<(MatchId, DateTime<Utc>)>, StoreError> {
    let rows: Vec<(String, DateTime<Utc>)> = matches::table
        .filter(matches::match_id.eq_any(ids.iter().map(MatchId::as_str)))
        .select((matches::match_id, matches::game_start))
        .load(conn)
        .await?;
    rows.into_iter().map(|(id, start)| Ok((read_id(&id)?, start))).collect()
}

/// A match with all its participants, in Riot's order.
///
/// # Errors
///
/// When the database fails.
pub async fn find(conn: &mut Conn, match_id: &MatchId) -> Result<Option<Match>, StoreError> {
    let row: Option<MatchRow> = matches::table
        .find(match_id.as_str())
        .select(MatchRow::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let participants: Vec<ParticipantRow> = match_participants::table
        .filter(match_participants::match_id.eq(match_id.as_str()))
        .order(match_participants::participant_id)
        .select(ParticipantRow::as_select())
        .load(conn)
        .await?;
    let participants =
        participants.into_iter().map(Participant::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(row.into_domain(participants)?))
}

/// A match as one of its players saw it. The match comes without its participants.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// The match; `participants` is empty.
    pub game: Match,
    /// The player's part in it.
    pub participant: Participant,
}

/// Where a list of a player's matches goes on: the start and the id of the last one shown.
pub type PlayedCursor = (DateTime<Utc>, MatchId);

/// A player's matches, newest first, from after `cursor` on, of one queue or of all.
///
/// # Errors
///
/// When the database fails.
pub async fn of_player(
    conn: &mut Conn,
    puuid: &Puuid,
    queue: Option<QueueId>,
    cursor: Option<&PlayedCursor>,
    limit: i64,
) -> Result<Vec<Played>, StoreError> {
    use match_participants as parts;
    let mut query = parts::table
        .inner_join(matches::table)
        .filter(parts::puuid.eq(puuid.as_str()))
        .order((parts::game_start.desc(), parts::match_id.desc()))
        .limit(limit)
        .select((MatchRow::as_select(), ParticipantRow::as_select()))
        .into_boxed();
    if let Some(queue) = queue {
        query = query.filter(parts::queue_id.eq(queue.0));
    }
    if let Some((start, id)) = cursor {
        query = query.filter(
            parts::game_start
                .lt(*start)
                .or(parts::game_start.eq(*start).and(parts::match_id.lt(id.as_str()))),
        );
    }
    let rows: Vec<(MatchRow, ParticipantRow)> = query.load(conn).await?;
    rows.into_iter()
        .map(|(game, participant)| {
            Ok(Played { game: game.into_domain(Vec::new())?, participant: participant.try_into()? })
        })
        .collect()
}

/// How many matches and participants are stored.
///
/// # Errors
///
/// When the database fails.
pub async fn count(conn: &mut Conn) -> Result<(i64, i64), StoreError> {
    let games = matches::table.count().get_result(conn).await?;
    let participants = match_participants::table.count().get_result(conn).await?;
    Ok((games, participants))
}

/// When the newest stored match ended. Costs a look at one index entry: of matches that began last.
///
/// # Errors
///
/// When the database fails.
pub async fn latest_end(conn: &mut Conn) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(matches::table
        .order((matches::game_start.desc(), matches::match_id.desc()))
        .select(matches::game_end)
        .first(conn)
        .await
        .optional()?)
}

fn read_id(text: &str) -> Result<MatchId, StoreError> {
    text.parse().map_err(|error| StoreError::corrupt("matches", "match_id", error))
}

#[derive(Insertable)]
#[diesel(table_name = matches, treat_none_as_default_value = false)]
struct NewMatch<'a> {
    match_id: &'a str,
    platform_id: String,
    queue_id: i32,
    map_id: i32,
    game_mode: &'a str,
    game_type: Option<&'a str>,
    game_version: &'a str,
    game_creation: DateTime<Utc>,
    game_start: DateTime<Utc>,
    game_end: DateTime<Utc>,
    game_duration: i32,
    end_of_game_result: Option<&'a str>,
    teams: serde_json::Value,
    created_at: DateTime<Utc>,
}

impl<'a> NewMatch<'a> {
    fn from_domain(game: &'a Match, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self {
            match_id: game.match_id.as_str(),
            platform_id: game.match_id.prefix().to_ascii_lowercase(),
            queue_id: game.queue_id.0,
            map_id: game.map_id,
            game_mode: &game.game_mode,
            game_type: game.game_type.as_deref(),
            game_version: &game.game_version,
            game_creation: game.game_creation,
            game_start: game.game_start,
            game_end: game.game_end,
            game_duration: game.game_duration,
            end_of_game_result: game.end_of_game_result.as_deref(),
            teams: to_json("matches", "teams", &game.teams)?,
            created_at: now,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = matches, check_for_backend(diesel::pg::Pg))]
struct MatchRow {
    match_id: String,
    queue_id: i32,
    map_id: i32,
    game_mode: String,
    game_type: Option<String>,
    game_version: String,
    game_creation: DateTime<Utc>,
    game_start: DateTime<Utc>,
    game_end: DateTime<Utc>,
    game_duration: i32,
    end_of_game_result: Option<String>,
    teams: serde_json::Value,
}

impl MatchRow {
    fn into_domain(self, participants: Vec<Participant>) -> Result<Match, StoreError> {
        let teams: Vec<Team> = serde_json::from_value(self.teams)
            .map_err(|error| StoreError::corrupt("matches", "teams", error))?;
        Ok(Match {
            match_id: read_id(&self.match_id)?,
            queue_id: QueueId(self.queue_id),
            map_id: self.map_id,
            game_mode: self.game_mode,
            game_type: self.game_type,
            game_version: self.game_version,
            game_creation: self.game_creation,
            game_start: self.game_start,
            game_end: self.game_end,
            game_duration: self.game_duration,
            end_of_game_result: self.end_of_game_result,
            teams,
            participants,
        })
    }
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = match_participants, check_for_backend(diesel::pg::Pg), treat_none_as_default_value = false)]
struct ParticipantRow {
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
    fn from_domain(game: &Match, participant: &Participant) -> Result<Self, StoreError> {
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

fn to_json(
    table: &'static str,
    column: &'static str,
    value: &impl serde::Serialize,
) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::corrupt(table, column, error))
}
