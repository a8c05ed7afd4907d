//! Matches and their participants, each match whole or not at all.

mod brief;
mod participants;

pub use brief::{Brief, brief_of_player};
mod writing;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{Match, MatchId, Participant, QueueId, Team};
use riftwatch_domain::player::Puuid;

use self::participants::ParticipantRow;
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{match_participants, match_rejects, matches};
use crate::suppressions::SuppressionKey;

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

/// Stores a match with its participants, the players met in it, and what detection reads of it: whole
/// or not at all. Storing a match again does nothing. One statement.
///
/// # Errors
///
/// When the database fails.
pub async fn store(
    conn: &mut Conn,
    game: &Match,
    now: DateTime<Utc>,
) -> Result<Stored, StoreError> {
    let stored = store_except(conn, std::slice::from_ref(game), None, now).await?;
    Ok(stored.as_slice().first().copied().unwrap_or_default())
}

/// Stores matches, each as [`store`] does, but all or none. The answers are in the order of the
/// matches; players met for the first time are counted with the first match that is new.
///
/// # Errors
///
/// When the database fails, or refuses one of the matches.
pub async fn store_many(
    conn: &mut Conn,
    games: &[Match],
    now: DateTime<Utc>,
) -> Result<Vec<Stored>, StoreError> {
    store_except(conn, games, None, now).await
}

/// Stores matches as [`store_many`] does, without the ids and names of people who were erased: by the
/// digests of `key` they are recognised, and become players hidden by the game. Nobody is erased
/// before the transaction ends.
///
/// # Errors
///
/// When the database fails, or refuses one of the matches.
pub async fn store_except(
    conn: &mut Conn,
    games: &[Match],
    key: Option<&SuppressionKey>,
    now: DateTime<Utc>,
) -> Result<Vec<Stored>, StoreError> {
    let mut seen = HashSet::new();
    let once: Vec<&Match> = games.iter().filter(|game| seen.insert(&game.match_id)).collect();
    if once.is_empty() {
        return Ok(Vec::new());
    }
    let written = writing::write(conn, &once, key, now).await?;
    let mut discovered = written.as_slice().first().map_or(0, |row| row.discovered);
    let mut new: HashSet<String> = written.into_iter().map(|row| row.match_id).collect();
    let stored = games.iter().map(|game| {
        // Taken out, so that a match that is given twice is stored once.
        if !new.remove(game.match_id.as_str()) {
            return Stored::default();
        }
        let players_discovered = usize::try_from(std::mem::take(&mut discovered)).unwrap_or(0);
        Stored { new: true, participants: game.participants.len(), players_discovered }
    });
    Ok(stored.collect())
}

/// Why a listed match is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// Riot answers 403: its players keep it to themselves.
    Private,
    /// Riot answers 404. What was listed a moment ago may yet appear: it is asked for again, ten
    /// minutes apart, three times and for an hour at least.
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

/// The fewest times that a match which Riot does not have is asked for.
const GONE_ATTEMPTS: i32 = 3;

/// Minutes between these.
pub const GONE_PAUSE_MIN: i64 = 10;

/// Minutes after the first answer of this kind from which on it is believed.
const GONE_AFTER_MIN: i64 = 60;

/// Records that a match cannot be stored. Whether that is for good: `false` for a match that Riot
/// does not have yet, or had for a moment.
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
) -> Result<bool, StoreError> {
    use match_rejects as rejects;
    let (attempts, since): (i32, DateTime<Utc>) = diesel::insert_into(rejects::table)
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
        .returning((rejects::attempts, rejects::created_at))
        .get_result(conn)
        .await?;
    let is_final =
        attempts >= GONE_ATTEMPTS && since <= now - chrono::Duration::minutes(GONE_AFTER_MIN);
    Ok(reason != RejectReason::Gone || is_final)
}

/// Matches that an older reader than this one could not read, and that are not stored since.
///
/// # Errors
///
/// When the database fails.
pub async fn unread(conn: &mut Conn, limit: i64) -> Result<Vec<MatchId>, StoreError> {
    use match_rejects as rejects;
    let stored = matches::table.filter(matches::match_id.eq(rejects::match_id));
    let ids: Vec<String> = rejects::table
        .filter(rejects::reason.eq("malformed").and(rejects::parser_version.lt(PARSER_VERSION)))
        .filter(diesel::dsl::not(diesel::dsl::exists(stored)))
        .order((rejects::parser_version, rejects::match_id))
        .limit(limit)
        .select(rejects::match_id)
        .load(conn)
        .await?;
    ids.iter().map(|id| read_id(id)).collect()
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
        rejects::reason.eq("malformed").and(rejects::parser_version.ge(PARSER_VERSION));
    let minutes_ago = |minutes| now - chrono::Duration::minutes(minutes);
    let gone_for_good = rejects::attempts
        .ge(GONE_ATTEMPTS)
        .and(rejects::created_at.le(minutes_ago(GONE_AFTER_MIN)));
    let gone_for_now = rejects::reason
        .eq("gone")
        .and(gone_for_good.or(rejects::updated_at.gt(minutes_ago(GONE_PAUSE_MIN))));
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
