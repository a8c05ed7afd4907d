//! Who is fetching which match, so that no two processes, jobs or slots fetch the same one at once.
//!
//! A claim says until when its holder is taken to be alive, by the database's clock. It stays until
//! then also when the match is stored: whoever asks at that very moment sees one or the other. A
//! process that dies holds nobody up for longer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Text, Timestamptz};
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
    #[diesel(sql_type = Nullable<Timestamptz>)]
    game_start: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

/// Claims a match for `lease`, unless it is stored or claimed. One statement, and no wait for the disk.
///
/// # Errors
///
/// When the database fails.
pub async fn claim(
    conn: &mut Conn,
    match_id: &MatchId,
    lease: Duration,
) -> Result<Claimed, StoreError> {
    let row: Row = diesel::sql_query(
        "WITH stored AS (SELECT game_start FROM matches WHERE match_id = $1),
         mine AS (
             INSERT INTO match_claims AS c (match_id, until)
             SELECT $1, clock_timestamp() + $2 * interval '1 second'
             WHERE NOT EXISTS (SELECT FROM stored)
             ON CONFLICT (match_id) DO UPDATE SET until = excluded.until
                 WHERE c.until <= clock_timestamp()
             RETURNING until)
         SELECT (SELECT game_start FROM stored) AS game_start, (SELECT until FROM mine) AS until",
    )
    .bind::<Text, _>(match_id.as_str())
    .bind::<Double, _>(lease.as_secs_f64())
    .get_result(conn)
    .await?;
    Ok(match (row.game_start, row.until) {
        (Some(start), _) => Claimed::Stored(start),
        (None, Some(until)) => Claimed::Mine(Claim { match_id: match_id.clone(), until }),
        (None, None) => Claimed::Elsewhere,
    })
}

/// Makes a claim last for `lease` from now. `None`: it had run out, and is not this holder's any more.
///
/// # Errors
///
/// When the database fails; then the claim runs out by itself.
pub async fn renew(
    conn: &mut Conn,
    claim: &Claim,
    lease: Duration,
) -> Result<Option<Claim>, StoreError> {
    #[derive(QueryableByName)]
    struct Renewed {
        #[diesel(sql_type = Timestamptz)]
        until: DateTime<Utc>,
    }
    let renewed: Option<Renewed> = diesel::sql_query(
        "UPDATE match_claims SET until = clock_timestamp() + $3 * interval '1 second'
         WHERE match_id = $1 AND until = $2
         RETURNING until",
    )
    .bind::<Text, _>(claim.match_id.as_str())
    .bind::<Timestamptz, _>(claim.until)
    .bind::<Double, _>(lease.as_secs_f64())
    .get_result(conn)
    .await
    .optional()?;
    Ok(renewed.map(|row| Claim { match_id: claim.match_id.clone(), until: row.until }))
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
