//! Who is fetching which match, so that no two processes, jobs or slots fetch the same one at once.
//!
//! A claim says until when its holder is taken to be alive, by the database's clock. It stays until
//! then also when the match is stored: whoever asks at that very moment sees one or the other. A
//! process that dies holds nobody up for longer.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::MatchId;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::match_claims;

/// The right to fetch a match, of whoever knows until when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    match_id: MatchId,
    until: DateTime<Utc>,
}

impl Claim {
    /// Of which match.
    pub fn match_id(&self) -> &MatchId {
        &self.match_id
    }
}

/// What became of the wish to fetch a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody else fetches it until the claim runs out.
    Mine(Claim),
    /// It is stored, and started at this time.
    Stored(DateTime<Utc>),
    /// Somebody else is at it.
    Elsewhere,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    match_id: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    game_start: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

/// Claims matches for `lease`, those that are neither stored nor claimed; says of each what became of it,
/// in the order given. One statement, and no wait for the disk.
///
/// # Errors
///
/// When the database fails.
pub async fn claim(
    conn: &mut Conn,
    match_ids: &[MatchId],
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let ids: Vec<&str> = match_ids.iter().map(MatchId::as_str).collect();
    // A stored match is looked up by its key, however small the table was when this was planned.
    // Claims are made in one order, so that two who want the same ones never wait in a circle.
    let rows: Vec<Row> = diesel::sql_query(
        "WITH wanted AS (
             SELECT w.match_id, s.game_start
             FROM (SELECT DISTINCT unnest($1) AS match_id) w LEFT JOIN LATERAL (
                 SELECT m.game_start FROM matches m WHERE m.match_id = w.match_id LIMIT 1) s ON true),
         mine AS (
             INSERT INTO match_claims AS c (match_id, until)
             SELECT match_id, clock_timestamp() + $2 * interval '1 second' FROM wanted
             WHERE game_start IS NULL
             ORDER BY match_id COLLATE \"C\"
             ON CONFLICT (match_id) DO UPDATE SET until = excluded.until
                 WHERE c.until <= clock_timestamp()
             RETURNING match_id, until)
         SELECT match_id, game_start, until FROM wanted LEFT JOIN mine USING (match_id)",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Double, _>(lease.as_secs_f64())
    .load(conn)
    .await?;
    let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.match_id.as_str(), row)).collect();
    let claimed = match_ids.iter().map(|id| {
        let row = rows.get(id.as_str());
        match (row.and_then(|row| row.game_start), row.and_then(|row| row.until)) {
            (Some(start), _) => Claimed::Stored(start),
            (None, Some(until)) => Claimed::Mine(Claim { match_id: id.clone(), until }),
            (None, None) => Claimed::Elsewhere,
        }
    });
    Ok(claimed.collect())
}

/// Makes claims last for `lease` from now. Those that had run out are not this holder's any more, and do
/// not come back.
///
/// # Errors
///
/// When the database fails; then the claims run out by themselves.
pub async fn renew(
    conn: &mut Conn,
    claims: &[Claim],
    lease: Duration,
) -> Result<Vec<Claim>, StoreError> {
    #[derive(QueryableByName)]
    struct Renewed {
        #[diesel(sql_type = Text)]
        match_id: String,
        #[diesel(sql_type = Timestamptz)]
        until: DateTime<Utc>,
    }
    let ids: Vec<&str> = claims.iter().map(|claim| claim.match_id.as_str()).collect();
    let untils: Vec<DateTime<Utc>> = claims.iter().map(|claim| claim.until).collect();
    let renewed: Vec<Renewed> = diesel::sql_query(
        "UPDATE match_claims c SET until = clock_timestamp() + $3 * interval '1 second'
         FROM unnest($1, $2) AS mine (match_id, until)
         WHERE c.match_id = mine.match_id AND c.until = mine.until
         RETURNING c.match_id, c.until",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Timestamptz>, _>(untils)
    .bind::<Double, _>(lease.as_secs_f64())
    .load(conn)
    .await?;
    let until_of = |id: &MatchId| renewed.iter().find(|row| row.match_id == id.as_str());
    Ok(claims
        .iter()
        .filter_map(|claim| {
            let until = until_of(&claim.match_id)?.until;
            Some(Claim { match_id: claim.match_id.clone(), until })
        })
        .collect())
}

/// Gives a claim back: the match was not had, and somebody else may try at once. One that has run out
/// and is somebody else's by now stays theirs.
///
/// # Errors
///
/// When the database fails; then the claim runs out by itself.
pub async fn release(conn: &mut Conn, claim: &Claim) -> Result<(), StoreError> {
    diesel::delete(match_claims::table.find(claim.match_id.as_str()))
        .filter(match_claims::until.eq(claim.until))
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes claims that have run out. The table is small: it is read from one end to the other.
///
/// # Errors
///
/// When the database fails.
pub async fn sweep(conn: &mut Conn) -> Result<usize, StoreError> {
    Ok(diesel::sql_query("DELETE FROM match_claims WHERE until <= clock_timestamp()")
        .execute(conn)
        .await?)
}
