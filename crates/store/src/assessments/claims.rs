//! Whose turn it is to be assessed, and who is at it.
//!
//! `players.is_analyzed` is false while there is evidence that nobody has looked at. A batch is
//! claimed by setting it, and by a row in `assessment_claims` that says until when the claimer is
//! taken to be alive. Evidence that comes in meanwhile sets the flag back, and is looked at next; a
//! claim that is not finished in time makes its players due again. Nothing is held in between, no
//! lock and no transaction.

use diesel::sql_types::{BigInt, Text};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName};
use diesel_async::{AsyncConnection, RunQueryDsl};
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::players;

/// Players who are being assessed by whoever holds this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    id: i64,
    /// Who, the longest waiting first.
    pub puuids: Vec<String>,
}

#[derive(QueryableByName)]
struct Claimed {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    puuid: String,
}

/// Claims up to `limit` players who are due, passing over whom somebody else is claiming or has
/// claimed. `None`: nobody is due. After `lease_s` seconds by the database's clock they are due
/// again.
///
/// # Errors
///
/// When the database fails.
pub async fn claim(conn: &mut Conn, limit: i64, lease_s: i64) -> Result<Option<Claim>, StoreError> {
    conn.transaction(async |conn| {
        diesel::sql_query(
            "WITH dead AS (DELETE FROM assessment_claims WHERE until < now() RETURNING puuids)
             UPDATE players SET is_analyzed = false
             WHERE puuid IN (SELECT unnest(puuids) FROM dead)",
        )
        .execute(conn)
        .await?;
        // A player's own row is locked without its key: others may go on referring to it. Once it is
        // locked it stays where it is, so that it is found again by its place: by its puuid, the
        // planner at times reads the whole table for each batch.
        let rows: Vec<Claimed> = diesel::sql_query(
            "WITH due AS (
                 SELECT p.ctid AS place, p.puuid, p.updated_at FROM players p
                 WHERE NOT p.is_analyzed
                   AND p.puuid NOT IN (SELECT unnest(c.puuids) FROM assessment_claims c)
                 ORDER BY p.updated_at, p.puuid
                 LIMIT $1
                 FOR NO KEY UPDATE SKIP LOCKED),
             taken AS (
                 UPDATE players p SET is_analyzed = true FROM due WHERE p.ctid = due.place),
             claimed AS (
                 INSERT INTO assessment_claims (puuids, until)
                 SELECT array_agg(puuid), now() + $2 * interval '1 second' FROM due
                 HAVING count(*) > 0
                 RETURNING id)
             SELECT claimed.id, due.puuid FROM claimed, due ORDER BY due.updated_at, due.puuid",
        )
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(lease_s)
        .load(conn)
        .await?;
        let Some(&Claimed { id, .. }) = rows.as_slice().first() else { return Ok(None) };
        Ok(Some(Claim { id, puuids: rows.into_iter().map(|row| row.puuid).collect() }))
    })
    .await
}

/// Ends a claim; to be called in the transaction that stores what came of it. False: it had run
/// out, its players are somebody else's, and what came of it must not be stored.
///
/// # Errors
///
/// When the database fails.
pub async fn finish(conn: &mut Conn, claim: &Claim) -> Result<bool, StoreError> {
    let gone = diesel::sql_query("DELETE FROM assessment_claims WHERE id = $1")
        .bind::<BigInt, _>(claim.id)
        .execute(conn)
        .await?;
    Ok(gone == 1)
}

/// Gives a claim back: its players are due at once.
///
/// # Errors
///
/// When the database fails; then they are due when the claim runs out.
pub async fn give_back(conn: &mut Conn, claim: &Claim) -> Result<(), StoreError> {
    diesel::sql_query(
        "WITH mine AS (DELETE FROM assessment_claims WHERE id = $1 RETURNING puuids)
         UPDATE players SET is_analyzed = false
         WHERE puuid IN (SELECT unnest(puuids) FROM mine)",
    )
    .bind::<BigInt, _>(claim.id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a rank of a player is news about them. Their first one is news also about those who
/// played with them and were assessed without it: a game is as high as the people in it.
///
/// # Errors
///
/// When the database fails.
pub(crate) async fn note_rank(
    conn: &mut Conn,
    puuid: &Puuid,
    is_first: bool,
) -> Result<(), StoreError> {
    diesel::update(players::table.find(puuid.as_str()).filter(players::is_analyzed))
        .set(players::is_analyzed.eq(false))
        .execute(conn)
        .await?;
    if is_first {
        diesel::sql_query(
            "UPDATE players SET is_analyzed = false
             WHERE puuid IN (
                 SELECT o.puuid FROM players o
                 WHERE o.is_analyzed
                   AND o.number IN (SELECT unnest(g.mates || g.opponents)
                                    FROM ranked_games g JOIN players p ON p.number = g.player
                                    WHERE p.puuid = $1)
                   AND EXISTS (SELECT FROM player_analysis a WHERE a.puuid = o.puuid)
                 -- Whoever is locked is getting news, or is being claimed: waiting in any order for
                 -- so many would end in a circle.
                 FOR NO KEY UPDATE SKIP LOCKED)",
        )
        .bind::<Text, _>(puuid.as_str())
        .execute(conn)
        .await?;
    }
    Ok(())
}
