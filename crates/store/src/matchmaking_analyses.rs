//! Analyses of how a player's team-mates compare with their opponents: wishes, progress, results.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::player::Puuid;
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::matchmaking_analyses as analyses;

/// An analysis.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = analyses, check_for_backend(diesel::pg::Pg))]
pub struct AnalysisRow {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Whose.
    pub puuid: String,
    /// Games that were asked for, from the newest on.
    pub games_wanted: i32,
    /// By whom.
    pub requested_by: String,
    /// `pending`, `running`, `completed`, `cancelled` or `failed`.
    pub status: String,
    /// Games that there are to compare, of those asked for; 0 before it begins.
    pub games_total: i32,
    /// The games that are done, newest first.
    pub compared: Value,
    /// What came of it.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// When somebody asked to end it.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When it was asked for. Games that began later are not looked at.
    pub created_at: DateTime<Utc>,
    /// When it began first.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Stores a wish. `None`: there is an unfinished one for the player already.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn insert(
    conn: &mut Conn,
    puuid: &Puuid,
    games_wanted: i32,
    requested_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<AnalysisRow>, StoreError> {
    Ok(diesel::insert_into(analyses::table)
        .values((
            analyses::puuid.eq(puuid.as_str()),
            analyses::games_wanted.eq(games_wanted),
            analyses::requested_by.eq(requested_by),
            analyses::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(AnalysisRow::as_returning())
        .get_result(conn)
        .await
        .optional()?)
}

/// One analysis.
///
/// # Errors
///
/// When the database fails.
pub async fn find(conn: &mut Conn, id: i64) -> Result<Option<AnalysisRow>, StoreError> {
    Ok(analyses::table.find(id).select(AnalysisRow::as_select()).first(conn).await.optional()?)
}

/// A player's analyses, newest first, those before the id `before` if given.
///
/// # Errors
///
/// When the database fails.
pub async fn of_player(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AnalysisRow>, StoreError> {
    let mut query = analyses::table
        .filter(analyses::puuid.eq(puuid.as_str()))
        .order(analyses::id.desc())
        .limit(limit)
        .select(AnalysisRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(analyses::id.lt(before));
    }
    Ok(query.load(conn).await?)
}

/// Takes the oldest analysis that is pending, or whose run is taken for dead, for `lease_s` seconds
/// by the database's clock. Several callers never take the same.
///
/// # Errors
///
/// When the database fails.
pub async fn claim(
    conn: &mut Conn,
    lease_s: i64,
    now: DateTime<Utc>,
) -> Result<Option<AnalysisRow>, StoreError> {
    Ok(diesel::sql_query(
        "UPDATE matchmaking_analyses
         SET status = 'running', started_at = coalesce(started_at, $2),
             lease_until = now() + $1 * interval '1 second'
         WHERE id = (SELECT id FROM matchmaking_analyses
                     WHERE status IN ('pending', 'running')
                       AND (status = 'pending' OR lease_until < now())
                     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING *",
    )
    .bind::<BigInt, _>(lease_s)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await
    .optional()?)
}

/// Whether somebody who works on an analysis may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// Yes.
    Yes,
    /// Somebody asked to end it.
    Cancelled,
    /// It is not, or no longer, the caller's: another run took it, or the player was erased.
    Lost,
}

#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = Bool)]
    cancelled: bool,
}

/// Adds games that are done behind the `done` that were, and renews the lease.
///
/// # Errors
///
/// When the database fails.
pub async fn advance(
    conn: &mut Conn,
    id: i64,
    done: usize,
    games_total: i32,
    more: &Value,
    lease_s: i64,
) -> Result<GoOn, StoreError> {
    let asked: Option<Asked> = diesel::sql_query(
        "UPDATE matchmaking_analyses
         SET compared = compared || $3, games_total = $4,
             lease_until = now() + $5 * interval '1 second'
         WHERE id = $1 AND status = 'running' AND jsonb_array_length(compared) = $2
         RETURNING cancel_requested_at IS NOT NULL AS cancelled",
    )
    .bind::<BigInt, _>(id)
    .bind::<Integer, _>(i32::try_from(done).unwrap_or(i32::MAX))
    .bind::<Jsonb, _>(more)
    .bind::<Integer, _>(games_total)
    .bind::<BigInt, _>(lease_s)
    .get_result(conn)
    .await
    .optional()?;
    Ok(match asked {
        Some(Asked { cancelled: false }) => GoOn::Yes,
        Some(Asked { cancelled: true }) => GoOn::Cancelled,
        None => GoOn::Lost,
    })
}

/// Gives an analysis back, to be taken up by the next run.
///
/// # Errors
///
/// When the database fails.
pub async fn give_back(conn: &mut Conn, id: i64) -> Result<(), StoreError> {
    diesel::update(analyses::table.find(id).filter(analyses::status.eq("running")))
        .set((analyses::status.eq("pending"), analyses::lease_until.eq(None::<DateTime<Utc>>)))
        .execute(conn)
        .await?;
    Ok(())
}

/// How an analysis ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// With this.
    Completed(Value),
    /// Because somebody asked.
    Cancelled,
    /// Because of this.
    Failed(String),
}

/// Ends an analysis that is running. Does nothing if it has ended.
///
/// # Errors
///
/// When the database fails.
pub async fn end(conn: &mut Conn, id: i64, end: End, now: DateTime<Utc>) -> Result<(), StoreError> {
    let (status, result, error) = match end {
        End::Completed(result) => ("completed", Some(result), None),
        End::Cancelled => ("cancelled", None, None),
        End::Failed(error) => ("failed", None, Some(error)),
    };
    diesel::update(analyses::table.find(id).filter(analyses::status.eq("running")))
        .set((
            analyses::status.eq(status),
            analyses::result.eq(result),
            analyses::error.eq(error),
            analyses::lease_until.eq(None::<DateTime<Utc>>),
            analyses::ended_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends an analysis that nobody works on, or asks whoever does to end it. `None`: there is none.
/// The row is as it is after that; one that had ended is as it was.
///
/// # Errors
///
/// When the database fails.
pub async fn cancel(
    conn: &mut Conn,
    id: i64,
    now: DateTime<Utc>,
) -> Result<Option<AnalysisRow>, StoreError> {
    diesel::sql_query(
        "UPDATE matchmaking_analyses
         SET status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
             ended_at = CASE status WHEN 'pending' THEN $2 ELSE ended_at END,
             cancel_requested_at = coalesce(cancel_requested_at, $2)
         WHERE id = $1 AND status IN ('pending', 'running')",
    )
    .bind::<BigInt, _>(id)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    find(conn, id).await
}

/// A game of the analysed player.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Lobby {
    /// Which.
    pub match_id: String,
    /// When it began.
    pub game_start: DateTime<Utc>,
    /// Whether the player won.
    pub win: bool,
    /// Numbers of the others on the side.
    pub mates: Vec<i64>,
    /// Numbers of the other side.
    pub opponents: Vec<i64>,
}

type LobbyColumns = (Text, Timestamptz, Bool, Array<BigInt>, Array<BigInt>);

/// The newest `games` ranked solo games of a player that began before `before`, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn lobbies(
    conn: &mut Conn,
    puuid: &str,
    before: DateTime<Utc>,
    games: i64,
) -> Result<Vec<Lobby>, StoreError> {
    Ok(diesel::dsl::sql::<LobbyColumns>(
        "SELECT g.match_id, g.game_start, g.win, g.mates, g.opponents
         FROM ranked_games g JOIN players p ON p.number = g.player
         WHERE p.puuid = ",
    )
    .bind::<Text, _>(puuid)
    .sql(" AND g.game_start < ")
    .bind::<Timestamptz, _>(before)
    .sql(" ORDER BY g.game_start DESC, g.match_id DESC LIMIT ")
    .bind::<BigInt, _>(games)
    .load(conn)
    .await?)
}
