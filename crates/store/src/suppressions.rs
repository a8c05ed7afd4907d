//! People who were erased: kept out of everything that is stored from then on.
//!
//! A row is an HMAC of a puuid, or of a name, under a key that the database has sealed only: it can be
//! asked about somebody, and nobody can be read back from it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::player::{Puuid, RiotId};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::suppressions;
use crate::secret_key::SecretKey;
use crate::settings_store::{self, SUPPRESSION_KEY};

/// What every key signs, so that another key is noticed.
const CHECK: &[u8] = b"riftwatch suppressions 1";

/// The key of the digests. All processes on one database need the same.
#[derive(Clone)]
pub struct SuppressionKey(hmac::Key);

impl SuppressionKey {
    /// A key made of a secret; 32 random bytes are right.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, bytes).as_ref().to_vec()
    }

    /// Of a name, in whatever case: it finds a person whose puuid has changed with the API key.
    pub(crate) fn digest_of_name(&self, name: &RiotId) -> Vec<u8> {
        let name = format!("{}#{}", name.game_name.to_lowercase(), name.tag_line.to_lowercase());
        self.digest(format!("riot id {name}").as_bytes())
    }

    pub(crate) fn digest_of(&self, puuid: &Puuid) -> Vec<u8> {
        self.digest(puuid.as_str().as_bytes())
    }
}

impl fmt::Debug for SuppressionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuppressionKey")
    }
}

/// The key of a database's digests, which it keeps sealed: digests cannot be made anew, so their key
/// stays when the one that seals it is changed. Made from `secret` on first use. `None`: another key
/// seals it.
///
/// # Errors
///
/// When the database fails.
pub async fn key(
    conn: &mut Conn,
    secret: &SecretKey,
) -> Result<Option<SuppressionKey>, StoreError> {
    if let Some(sealed) = settings_store::find(conn, SUPPRESSION_KEY).await? {
        if let Ok(text) = sealed.open(secret) {
            let bytes = BASE64_STANDARD
                .decode(text.expose_secret())
                .map_err(|error| StoreError::corrupt("settings", "sealed", error))?;
            return Ok(Some(SuppressionKey::from_secret(&bytes)));
        }
        if !are_unreadable(conn, None).await? {
            // Nobody was erased: nothing is lost with the key.
            return make(conn, secret).await.map(Some);
        }
        return Ok(None);
    }
    make(conn, secret).await.map(Some)
}

/// Makes the key of a database's digests from `secret`, if it has none yet.
///
/// # Errors
///
/// When the database fails.
pub async fn ensure_key(conn: &mut Conn, secret: &SecretKey) -> Result<(), StoreError> {
    if settings_store::version(conn, SUPPRESSION_KEY).await?.is_none() {
        make(conn, secret).await?;
    }
    Ok(())
}

/// Derived from the sealing key, as all keys of digests were before they were stored.
async fn make(conn: &mut Conn, secret: &SecretKey) -> Result<SuppressionKey, StoreError> {
    let bytes = secret.derive("suppressions");
    let key = SuppressionKey::from_secret(&bytes);
    // Stored where it is the right one only; the caller finds out otherwise by `are_unreadable`.
    if !are_unreadable(conn, Some(&key)).await? {
        let text = SecretString::from(BASE64_STANDARD.encode(&bytes));
        settings_store::set(conn, secret, SUPPRESSION_KEY, &text, "riftwatch").await?;
    }
    Ok(key)
}

/// Notes that a person is not to be stored any more. Waits for matches that are being stored, and
/// lets nobody ask again before the transaction ends: what it then deletes stays deleted.
///
/// # Errors
///
/// When the database fails.
pub async fn add(
    conn: &mut Conn,
    key: &SuppressionKey,
    puuid: &Puuid,
    name: Option<&RiotId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::sql_query("LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE").execute(conn).await?;
    let digests = [Some(key.digest_of(puuid)), name.map(|name| key.digest_of_name(name))];
    let rows: Vec<_> = digests
        .into_iter()
        .flatten()
        .map(|digest| {
            (
                suppressions::digest.eq(digest),
                suppressions::key_check.eq(key.digest(CHECK)),
                suppressions::created_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(suppressions::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a person was erased, by the puuid or by the name that the person had then.
///
/// # Errors
///
/// When the database fails.
pub async fn contains(
    conn: &mut Conn,
    key: &SuppressionKey,
    puuid: &Puuid,
    name: Option<&RiotId>,
) -> Result<bool, StoreError> {
    let mut digests = vec![key.digest_of(puuid)];
    digests.extend(name.map(|name| key.digest_of_name(name)));
    let found: i64 = suppressions::table
        .filter(suppressions::digest.eq_any(digests))
        .count()
        .get_result(conn)
        .await?;
    Ok(found > 0)
}

/// Whether there are people who were erased and whom this key does not recognise: they would be
/// stored again. Without a key, it recognises nobody.
///
/// # Errors
///
/// When the database fails.
pub async fn are_unreadable(
    conn: &mut Conn,
    key: Option<&SuppressionKey>,
) -> Result<bool, StoreError> {
    let check = key.map(|key| key.digest(CHECK)).unwrap_or_default();
    let others: i64 = suppressions::table
        .filter(suppressions::key_check.ne(check))
        .count()
        .get_result(conn)
        .await?;
    Ok(others > 0)
}
