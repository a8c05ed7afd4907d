//! What all processes together have spent of an API key's budget: one record a key and route, which
//! one process at a time changes. What a record means is the Riot client's business.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::transactions;

/// What is to become of a record: its new text, or `None` to leave it as it is. It is given the
/// record, if there is one, and how long ago that was written: perhaps told too short, never too long.
pub type Change<'a> = dyn FnMut(Option<(Value, Duration)>) -> Option<Value> + Send + 'a;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    record: Value,
    #[diesel(sql_type = BigInt)]
    age_ms: i64,
}

/// Changes a record while nobody else can: one transaction, which holds the row's lock. `change` is
/// asked again when another process wrote the first record in between.
///
/// # Errors
///
/// When the database fails; where that was at the end, it is not known whether the record was changed.
pub async fn change(
    conn: &mut Conn,
    key_hash: &str,
    route: &str,
    change: &mut Change<'_>,
) -> Result<(), StoreError> {
    loop {
        transactions::begin(conn).await?;
        let tried = try_change(conn, key_hash, route, change).await;
        if transactions::end(conn, tried).await? {
            return Ok(());
        }
    }
}

/// `false`: another process wrote the first record.
async fn try_change(
    conn: &mut Conn,
    key_hash: &str,
    route: &str,
    change: &mut Change<'_>,
) -> Result<bool, StoreError> {
    // The time may be that of before the lock was had: an age that is too short does no harm.
    let found: Option<Row> = diesel::sql_query(
        "SELECT record, greatest(0, floor(extract(epoch FROM clock_timestamp() - written_at) * 1000))::bigint AS age_ms
         FROM riot_budgets WHERE key_hash = $1 AND route = $2 FOR UPDATE",
    )
    .bind::<Text, _>(key_hash)
    .bind::<Text, _>(route)
    .get_result(conn)
    .await
    .optional()?;
    let is_new = found.is_none();
    let found = found.map(|row| (row.record, Duration::from_millis(row.age_ms.unsigned_abs())));
    let Some(record) = change(found) else { return Ok(true) };
    let sql = if is_new {
        "INSERT INTO riot_budgets (key_hash, route, record) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT riot_budgets_pkey DO NOTHING"
    } else {
        "UPDATE riot_budgets SET record = $3, written_at = clock_timestamp()
         WHERE key_hash = $1 AND route = $2"
    };
    let written = diesel::sql_query(sql)
        .bind::<Text, _>(key_hash)
        .bind::<Text, _>(route)
        .bind::<Jsonb, _>(record)
        .execute(conn)
        .await?;
    Ok(written == 1)
}

/// A record with its route.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Written {
    /// A platform or a region, as hosts spell it.
    #[diesel(sql_type = Text)]
    pub route: String,
    /// What was written.
    #[diesel(sql_type = Jsonb)]
    pub record: Value,
    #[diesel(sql_type = BigInt)]
    age_ms: i64,
}

impl Written {
    /// How long ago it was written.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.age_ms.unsigned_abs())
    }
}

/// All records of a key, by route; without one, of the key whose record was written last. Takes no
/// lock: for people to look at.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn written(conn: &mut Conn, key_hash: Option<&str>) -> Result<Vec<Written>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT route, record, greatest(0, floor(extract(epoch FROM clock_timestamp() - written_at) * 1000))::bigint AS age_ms
         FROM riot_budgets
         WHERE key_hash = coalesce($1, (SELECT key_hash FROM riot_budgets ORDER BY written_at DESC LIMIT 1))
         ORDER BY route",
    )
    .bind::<Nullable<Text>, _>(key_hash)
    .load(conn)
    .await?)
}
