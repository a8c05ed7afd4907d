//! Tokens of the API. The tokens themselves are told once, when they are made, and are stored nowhere.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Text};
use diesel_async::RunQueryDsl;
use riftwatch_domain::access::Role;
use ring::digest::{SHA256, digest};
use secrecy::SecretString;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::api_tokens as tokens;
use crate::secret_key::random;

/// What every token begins with, so that people and scanners know one when they see it.
pub const PREFIX: &str = "rw_";

/// What is stored of a token or a session's secret. Both have 256 random bits: there is nothing to
/// guess that salt or slowness would make harder.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub(crate) [u8; 32]);

impl SecretHash {
    /// Of a token as it was told.
    pub fn of(secret: &str) -> Self {
        let hash = digest(&SHA256, secret.as_bytes());
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// As 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// 256 random bits after a prefix.
pub(crate) fn new_secret(prefix: &str) -> String {
    format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()))
}

/// A token, without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its key.
    pub id: i64,
    /// Who has it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stops to be taken. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = tokens, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: i64,
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for ApiToken {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: row.name,
            role: parse_role(&row.role)?,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

fn parse_role(text: &str) -> Result<Role, StoreError> {
    text.parse().map_err(|error| StoreError::corrupt("api_tokens", "role", error))
}

/// Makes a token and tells it, once.
///
/// # Errors
///
/// [`StoreError::Conflict`] with `api_tokens_name_key` if a living token has the name, with
/// `api_tokens_name_check` if the name is empty.
pub async fn create(
    conn: &mut Conn,
    name: &str,
    role: Role,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(ApiToken, SecretString), StoreError> {
    let secret = new_secret(PREFIX);
    let row: Row = diesel::insert_into(tokens::table)
        .values((
            tokens::name.eq(name),
            tokens::role.eq(role.as_str()),
            tokens::token_hash.eq(SecretHash::of(&secret).0.as_slice()),
            tokens::expires_at.eq(expires_at),
        ))
        .returning(Row::as_returning())
        .get_result(conn)
        .await?;
    Ok((row.try_into()?, secret.into()))
}

/// Every token that was ever made, oldest first.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(conn: &mut Conn) -> Result<Vec<ApiToken>, StoreError> {
    let rows: Vec<Row> =
        tokens::table.select(Row::as_select()).order(tokens::id).limit(10_000).load(conn).await?;
    rows.into_iter().map(ApiToken::try_from).collect()
}

/// Ends the living token of this name, and the sessions that began with it. `None`: there is none.
///
/// # Errors
///
/// When the database refuses.
pub async fn revoke(conn: &mut Conn, name: &str) -> Result<Option<ApiToken>, StoreError> {
    let row: Option<Row> = diesel::update(tokens::table)
        .filter(tokens::name.eq(name).and(tokens::revoked_at.is_null()))
        .set(tokens::revoked_at.eq(diesel::dsl::now))
        .returning(Row::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    row.map(ApiToken::try_from).transpose()
}

/// Who a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The token's key.
    pub token_id: i64,
    /// The token's name.
    pub name: String,
    /// What it allows.
    pub role: Role,
}

/// What a query of a bearer gives.
#[derive(QueryableByName)]
pub(crate) struct BearerRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
}

impl TryFrom<BearerRow> for Bearer {
    type Error = StoreError;

    fn try_from(row: BearerRow) -> Result<Self, StoreError> {
        Ok(Self { token_id: row.id, role: parse_role(&row.role)?, name: row.name })
    }
}

/// The bearer of a token that is taken now, by the database's clock. Notes that it was used.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn authenticate(
    conn: &mut Conn,
    token: &SecretHash,
) -> Result<Option<Bearer>, StoreError> {
    // Written once a minute at most; the SELECT must not see whether it was.
    let row: Option<BearerRow> = diesel::sql_query(
        "WITH used AS (
             UPDATE api_tokens SET last_used_at = now()
             WHERE token_hash = $1 AND revoked_at IS NULL
               AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute'))
         SELECT id, name, role FROM api_tokens
         WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
    )
    .bind::<Bytea, _>(token.0.as_slice())
    .get_result(conn)
    .await
    .optional()?;
    row.map(Bearer::try_from).transpose()
}
