//! Players of whom enough is stored to learn from.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Conn;

#[derive(QueryableByName)]
struct Puuid {
    #[diesel(sql_type = Text)]
    puuid: String,
}

/// Up to `limit` players with at least `games` stored ranked solo games, whose puuids come behind
/// `after`, in their order. Puuids say nothing about anybody: the first so many are a fair sample.
///
/// # Errors
///
/// When the database fails.
pub async fn page(
    conn: &mut Conn,
    after: &str,
    games: i64,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Puuid> = diesel::sql_query(
        "SELECT p.puuid FROM players p
         WHERE p.puuid > $1
           AND EXISTS (SELECT FROM ranked_games g WHERE g.player = p.number OFFSET $2 - 1)
         ORDER BY p.puuid
         LIMIT $3",
    )
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(games)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.puuid).collect())
}
