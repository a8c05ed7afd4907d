//! Browsers that logged in with a token.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Double};
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use std::time::Duration;

use crate::api_tokens::{Bearer, BearerRow, SecretHash, new_secret};
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::api_sessions as sessions;

/// Begins a session of a token, and tells its secret, once. Removes what has expired.
///
/// # Errors
///
/// When the database refuses.
pub async fn begin(
    conn: &mut Conn,
    token_id: i64,
    lifetime: Duration,
) -> Result<SecretString, StoreError> {
    let secret = new_secret("rws_");
    diesel::sql_query(
        "WITH old AS (DELETE FROM api_sessions WHERE expires_at < now())
         INSERT INTO api_sessions (secret_hash, token_id, expires_at)
         VALUES ($1, $2, now() + make_interval(secs => $3))",
    )
    .bind::<Bytea, _>(SecretHash::of(&secret).0.as_slice())
    .bind::<BigInt, _>(token_id)
    .bind::<Double, _>(lifetime.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(secret.into())
}

/// Whose session it is, if it and its token are taken now.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find(conn: &mut Conn, secret: &SecretHash) -> Result<Option<Bearer>, StoreError> {
    let row: Option<BearerRow> = diesel::sql_query(
        "SELECT t.id, t.name, t.role FROM api_sessions s JOIN api_tokens t ON t.id = s.token_id
         WHERE s.secret_hash = $1 AND s.expires_at > now() AND t.revoked_at IS NULL
           AND (t.expires_at IS NULL OR t.expires_at > now())",
    )
    .bind::<Bytea, _>(secret.0.as_slice())
    .get_result(conn)
    .await
    .optional()?;
    row.map(Bearer::try_from).transpose()
}

/// Ends a session, if there is such a one.
///
/// # Errors
///
/// When the database refuses.
pub async fn end(conn: &mut Conn, secret: &SecretHash) -> Result<(), StoreError> {
    diesel::delete(sessions::table.find(secret.0.as_slice())).execute(conn).await?;
    Ok(())
}
