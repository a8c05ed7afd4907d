//! Assessments, each a document that is never changed, and whose turn it is to get one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_analysis, players, reachability_observations};

/// An assessment to be stored. The document is the whole of it; the other fields are for searching.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = player_analysis, treat_none_as_default_value = false)]
pub struct NewAssessment {
    /// Whose.
    pub puuid: String,
    /// Name and version of the model.
    pub model_version: String,
    /// Games that it rests on.
    pub games: i32,
    /// 0 to 1; absent where nothing is said.
    pub probability: Option<f64>,
    /// Lower end of the interval around `probability`.
    pub interval_low: Option<f64>,
    /// Upper end of it.
    pub interval_high: Option<f64>,
    /// Key of the verdict.
    pub verdict: String,
    /// The part of `probability` that is somebody stronger playing, 0 to 1.
    pub smurf_probability: Option<f64>,
    /// The old score; no probability.
    pub legacy_score: Option<f64>,
    /// Start of the newest game that was looked at.
    pub evidence_until: Option<DateTime<Utc>>,
    /// JSON, kept to the byte.
    pub document: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A stored assessment.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = player_analysis, check_for_backend(diesel::pg::Pg))]
pub struct StoredAssessment {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Key of the verdict.
    pub verdict: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// JSON, as it was stored.
    pub document: String,
}

/// Stores an assessment.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn insert(
    conn: &mut Conn,
    assessment: &NewAssessment,
) -> Result<StoredAssessment, StoreError> {
    Ok(diesel::insert_into(player_analysis::table)
        .values(assessment)
        .returning(StoredAssessment::as_returning())
        .get_result(conn)
        .await?)
}

/// Stores several at once.
///
/// # Errors
///
/// As [`insert`].
pub async fn insert_all(
    conn: &mut Conn,
    assessments: &[NewAssessment],
) -> Result<usize, StoreError> {
    if assessments.is_empty() {
        return Ok(0);
    }
    Ok(diesel::insert_into(player_analysis::table).values(assessments).execute(conn).await?)
}

/// A player's newest assessment.
///
/// # Errors
///
/// When the database fails.
pub async fn latest(
    conn: &mut Conn,
    puuid: &Puuid,
) -> Result<Option<StoredAssessment>, StoreError> {
    Ok(history(conn, puuid, None, 1).await?.pop())
}

/// The newest assessment of each of the players that have one, with its player.
///
/// # Errors
///
/// When the database fails.
pub async fn latest_of(
    conn: &mut Conn,
    puuids: &[&str],
) -> Result<Vec<(String, StoredAssessment)>, StoreError> {
    Ok(player_analysis::table
        .filter(player_analysis::puuid.eq_any(puuids))
        .distinct_on(player_analysis::puuid)
        .order((player_analysis::puuid, player_analysis::id.desc()))
        .select((player_analysis::puuid, StoredAssessment::as_select()))
        .load(conn)
        .await?)
}

/// A player's assessments, newest first, those before the id `before` if given.
///
/// # Errors
///
/// When the database fails.
pub async fn history(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredAssessment>, StoreError> {
    let mut query = player_analysis::table
        .filter(player_analysis::puuid.eq(puuid.as_str()))
        .order(player_analysis::id.desc())
        .limit(limit)
        .select(StoredAssessment::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(player_analysis::id.lt(before));
    }
    Ok(query.load(conn).await?)
}

/// A player with evidence that no assessment has seen.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Due {
    /// Who.
    #[diesel(sql_type = Text)]
    pub puuid: String,
    /// Whether as many games are stored as were asked for.
    #[diesel(sql_type = Bool)]
    pub enough_games: bool,
}

/// Takes up to `limit` players who are due, those who have waited longest first, passing over whom
/// somebody else has taken. They stay taken until the transaction ends, which also keeps new
/// evidence about them waiting: begin one before, and mark them in it. Most people are met once
/// and have too few games: these come along, so that they are marked and not looked at again.
///
/// # Errors
///
/// When the database fails.
pub async fn due(conn: &mut Conn, fewest_games: i64, limit: i64) -> Result<Vec<Due>, StoreError> {
    // A player's own row is locked without its key: others may go on referring to it.
    Ok(diesel::sql_query(
        "SELECT p.puuid, (SELECT count(*) FROM (
                SELECT FROM match_participants m
                WHERE m.puuid = p.puuid AND m.queue_id = $1 AND NOT m.game_ended_in_early_surrender
                LIMIT $2) AS found) >= $2 AS enough_games
         FROM players p
         WHERE NOT p.is_analyzed
         ORDER BY p.updated_at, p.puuid
         LIMIT $3
         FOR NO KEY UPDATE OF p SKIP LOCKED",
    )
    .bind::<Integer, _>(QueueId::RANKED_SOLO.0)
    .bind::<BigInt, _>(fewest_games)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?)
}

/// Takes one player until the transaction ends, waiting for whoever has taken them. False: nobody
/// we know.
///
/// # Errors
///
/// When the database fails.
pub async fn take(conn: &mut Conn, puuid: &Puuid) -> Result<bool, StoreError> {
    let known: Option<String> = players::table
        .find(puuid.as_str())
        .select(players::puuid)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    Ok(known.is_some())
}

/// Notes that assessments have seen all evidence about these players.
///
/// # Errors
///
/// When the database fails.
pub async fn mark_analyzed(conn: &mut Conn, puuids: &[&str]) -> Result<(), StoreError> {
    // `updated_at` stays: it says when there was last something new about the player.
    diesel::update(players::table.filter(players::puuid.eq_any(puuids)))
        .set(players::is_analyzed.eq(true))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct UnobservedRow {
    #[diesel(sql_type = Text)]
    puuid: String,
    #[diesel(sql_type = Text)]
    platform: String,
}

/// Players with an unusual assessment, now or earlier, whom nobody has looked for since `since`;
/// the longest unobserved first.
///
/// # Errors
///
/// When the database fails.
pub async fn unobserved(
    conn: &mut Conn,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Puuid, Platform)>, StoreError> {
    let rows: Vec<UnobservedRow> = diesel::sql_query(
        "SELECT p.puuid, p.platform
         FROM (SELECT DISTINCT puuid FROM player_analysis WHERE verdict = 'unusual_pattern') u
         JOIN players p USING (puuid)
         LEFT JOIN LATERAL (
             SELECT o.seen_at FROM reachability_observations o WHERE o.puuid = p.puuid
             ORDER BY o.seen_at DESC LIMIT 1) last ON true
         WHERE last.seen_at IS NULL OR last.seen_at <= $1
         ORDER BY last.seen_at NULLS FIRST, p.puuid
         LIMIT $2",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let platform = row
                .platform
                .parse()
                .map_err(|error| StoreError::corrupt("players", "platform", error))?;
            Ok((Puuid::new(row.puuid), platform))
        })
        .collect()
}

/// Notes whether Riot knew the account at `now`.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn observe(
    conn: &mut Conn,
    puuid: &Puuid,
    reachable: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use reachability_observations as observations;
    diesel::insert_into(observations::table)
        .values((
            observations::puuid.eq(puuid.as_str()),
            observations::seen_at.eq(now),
            observations::reachable.eq(reachable),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}
