//! Letting go of what is too old, some rows at a time.
//!
//! Each function deletes at most `limit` of the oldest and says how many it was; fewer than `limit`
//! means that there are no more.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Conn;

async fn delete(
    conn: &mut Conn,
    sql: &str,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    Ok(diesel::sql_query(sql)
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(limit)
        .execute(conn)
        .await?)
}

/// Matches that began before, with their participants. What detection reads of them stays.
///
/// # Errors
///
/// When the database fails.
pub async fn matches(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM matches WHERE match_id IN (
                   SELECT match_id FROM matches WHERE game_start < $1
                   ORDER BY game_start, match_id LIMIT $2)";
    delete(conn, sql, before, limit).await
}

/// Notes of matches that could not be stored, if nobody has tried since.
///
/// # Errors
///
/// When the database fails.
pub async fn match_rejects(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM match_rejects WHERE match_id IN (
                   SELECT match_id FROM match_rejects WHERE updated_at < $1 LIMIT $2)";
    delete(conn, sql, before, limit).await
}

/// Players whom nobody tracks and nobody has met since, with their evidence, ranks, assessments and
/// all else that hangs on them. Their old participations lose the id.
///
/// # Errors
///
/// When the database fails.
pub async fn players(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "WITH gone AS (
                   DELETE FROM players WHERE puuid IN (
                       SELECT puuid FROM players
                       WHERE NOT is_tracked AND (profile_seen_at IS NULL OR profile_seen_at < $1)
                         AND updated_at < $1
                       ORDER BY profile_seen_at NULLS FIRST, puuid LIMIT $2
                       FOR UPDATE SKIP LOCKED)
                   RETURNING puuid),
               anonymous AS (
                   UPDATE match_participants m SET puuid = NULL FROM gone WHERE m.puuid = gone.puuid)
               SELECT FROM gone";
    delete(conn, sql, before, limit).await
}

/// Ranks seen before, of players whom nobody tracks; a player's newest stays.
///
/// # Errors
///
/// When the database fails.
pub async fn ranks(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM player_ranks WHERE id IN (
                   SELECT r.id FROM player_ranks r JOIN players p USING (puuid)
                   WHERE r.seen_at < $1 AND NOT p.is_tracked
                     AND EXISTS (SELECT FROM player_ranks n WHERE n.puuid = r.puuid
                                 AND n.queue_type = r.queue_type AND n.seen_at > r.seen_at)
                   LIMIT $2)";
    delete(conn, sql, before, limit).await
}

/// Assessments made before. Those with a review from `reviews_before` on stay, and so does the newest
/// of a tracked player. Whoever loses their newest is due again: assessments are made anew, not kept.
///
/// # Errors
///
/// When the database fails.
pub async fn assessments(
    conn: &mut Conn,
    before: DateTime<Utc>,
    reviews_before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    Ok(diesel::sql_query(
        "WITH old AS (
             SELECT a.id, a.puuid, NOT EXISTS (
                        SELECT FROM player_analysis n WHERE n.puuid = a.puuid AND n.id > a.id)
                        AS newest
             FROM player_analysis a
             WHERE a.created_at < $1
               AND NOT EXISTS (SELECT FROM assessment_reviews r
                               WHERE r.assessment_id = a.id AND r.created_at >= $3)
               AND NOT EXISTS (SELECT FROM players p WHERE p.puuid = a.puuid AND p.is_tracked
                               AND NOT EXISTS (SELECT FROM player_analysis n
                                               WHERE n.puuid = a.puuid AND n.id > a.id))
             ORDER BY a.created_at, a.id LIMIT $2),
         due AS (
             UPDATE players SET is_analyzed = false
             WHERE is_analyzed AND puuid IN (SELECT puuid FROM old WHERE newest))
         DELETE FROM player_analysis WHERE id IN (SELECT id FROM old)",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(reviews_before)
    .execute(conn)
    .await?)
}

/// Stories that were told before.
///
/// # Errors
///
/// When the database fails.
pub async fn told_stories(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM told_stories WHERE id IN (
                   SELECT id FROM told_stories WHERE told_at < $1 ORDER BY id LIMIT $2)";
    delete(conn, sql, before, limit).await
}

/// Observations of whether Riot knew an account, made before.
///
/// # Errors
///
/// When the database fails.
pub async fn observations(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM reachability_observations WHERE (puuid, seen_at) IN (
                   SELECT puuid, seen_at FROM reachability_observations WHERE seen_at < $1 LIMIT $2)";
    delete(conn, sql, before, limit).await
}

/// Matchmaking analyses that ended before.
///
/// # Errors
///
/// When the database fails.
pub async fn matchmaking_analyses(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM matchmaking_analyses WHERE id IN (
                   SELECT id FROM matchmaking_analyses WHERE ended_at < $1 ORDER BY id LIMIT $2)";
    delete(conn, sql, before, limit).await
}
