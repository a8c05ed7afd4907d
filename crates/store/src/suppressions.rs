//! People who were erased: kept out of everything that is stored from then on.
//!
//! A row is an HMAC of a puuid under a key that the database does not know: it can be asked about a
//! puuid, and nobody can be read back from it.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::Match;
use riftwatch_domain::player::Puuid;
use ring::hmac;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::suppressions;
use crate::secret_key::SecretKey;

/// What every key signs, so that another key is noticed.
const CHECK: &[u8] = b"riftwatch suppressions 1";

/// The key of the digests. All processes on one database need the same.
#[derive(Clone)]
pub struct SuppressionKey(hmac::Key);

impl SuppressionKey {
    /// The key that goes with the one that seals secrets.
    pub fn of(secret: &SecretKey) -> Self {
        Self::from_secret(&secret.derive("suppressions"))
    }

    /// A key made of a secret; 32 random bytes are right.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, bytes).as_ref().to_vec()
    }

    fn digest_of(&self, puuid: &Puuid) -> Vec<u8> {
        self.digest(puuid.as_str().as_bytes())
    }
}

impl fmt::Debug for SuppressionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuppressionKey")
    }
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
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::sql_query("LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE").execute(conn).await?;
    diesel::insert_into(suppressions::table)
        .values((
            suppressions::digest.eq(key.digest_of(puuid)),
            suppressions::key_check.eq(key.digest(CHECK)),
            suppressions::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a person was erased.
///
/// # Errors
///
/// When the database fails.
pub async fn contains(
    conn: &mut Conn,
    key: &SuppressionKey,
    puuid: &Puuid,
) -> Result<bool, StoreError> {
    let found: i64 = suppressions::table
        .filter(suppressions::digest.eq(key.digest_of(puuid)))
        .count()
        .get_result(conn)
        .await?;
    Ok(found > 0)
}

/// The match without the ids and names of those who were erased: they become players hidden by the
/// game. Inside a transaction, nobody is erased before it ends. Costs one small query and a
/// microsecond a participant.
///
/// # Errors
///
/// When the database fails.
pub async fn filter<'a>(
    conn: &mut Conn,
    key: &SuppressionKey,
    game: &'a Match,
) -> Result<Cow<'a, Match>, StoreError> {
    let digests: Vec<Option<Vec<u8>>> = game
        .participants
        .iter()
        .map(|participant| participant.puuid.as_ref().map(|puuid| key.digest_of(puuid)))
        .collect();
    let asked: Vec<&Vec<u8>> = digests.iter().flatten().collect();
    let found: Vec<Vec<u8>> = suppressions::table
        .filter(suppressions::digest.eq_any(asked))
        .select(suppressions::digest)
        .load(conn)
        .await?;
    if found.is_empty() {
        return Ok(Cow::Borrowed(game));
    }
    let mut game = game.clone();
    for (participant, digest) in game.participants.iter_mut().zip(&digests) {
        if digest.as_ref().is_some_and(|digest| found.contains(digest)) {
            participant.puuid = None;
            participant.riot_id = None;
        }
    }
    Ok(Cow::Owned(game))
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
