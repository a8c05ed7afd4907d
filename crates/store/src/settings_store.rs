//! Secrets that are set while the program runs, sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection as _, RunQueryDsl};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::settings;
use crate::secret_key::{CannotOpen, SecretKey};

/// The key by which erased people are recognised, in base64.
pub(crate) const SUPPRESSION_KEY: &str = "suppression_key";

/// The key of the Riot API.
pub const RIOT_API_KEY: &str = "riot_api_key";

/// A stored secret, sealed.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = settings, check_for_backend(diesel::pg::Pg))]
pub struct Sealed {
    name: String,
    sealed: Vec<u8>,
    /// Which key seals it.
    pub key_id: String,
    /// Raised by every change.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who changed it.
    pub updated_by: String,
}

impl Sealed {
    /// The value.
    ///
    /// # Errors
    ///
    /// If another key sealed it.
    pub fn open(&self, key: &SecretKey) -> Result<SecretString, CannotOpen> {
        key.open(&self.name, &self.sealed)
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed")
            .field("name", &self.name)
            .field("key_id", &self.key_id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Stores a secret in place of the one before.
///
/// # Errors
///
/// When the database refuses.
pub async fn set(
    conn: &mut Conn,
    key: &SecretKey,
    name: &str,
    value: &SecretString,
    by: &str,
) -> Result<Sealed, StoreError> {
    let sealed = key.seal(name, value.expose_secret());
    let columns = (
        settings::sealed.eq(sealed),
        settings::key_id.eq(key.id()),
        settings::updated_by.eq(by),
        settings::updated_at.eq(diesel::dsl::now),
    );
    let row = diesel::insert_into(settings::table)
        .values((settings::name.eq(name), columns.clone()))
        .on_conflict(settings::name)
        .do_update()
        .set((columns, settings::version.eq(settings::version + 1)))
        .returning(Sealed::as_returning())
        .get_result(conn)
        .await?;
    Ok(row)
}

/// Seals with the new key what the old one seals; their values, and so their versions, stay. Returns how
/// many there were. What a third key seals is left alone.
///
/// # Errors
///
/// When the database refuses; then nothing is changed.
pub async fn reseal(
    conn: &mut Conn,
    old: &SecretKey,
    new: &SecretKey,
) -> Result<usize, StoreError> {
    conn.transaction(async |conn| {
        let rows: Vec<Sealed> = settings::table
            .filter(settings::key_id.eq(old.id()).and(settings::key_id.ne(new.id())))
            .order(settings::name)
            .select(Sealed::as_select())
            .for_update()
            .load(conn)
            .await?;
        for row in &rows {
            let value =
                row.open(old).map_err(|error| StoreError::corrupt("settings", "sealed", error))?;
            diesel::update(settings::table.find(&row.name))
                .set((
                    settings::sealed.eq(new.seal(&row.name, value.expose_secret())),
                    settings::key_id.eq(new.id()),
                ))
                .execute(conn)
                .await?;
        }
        Ok(rows.len())
    })
    .await
}

/// A secret, if it was set.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<Sealed>, StoreError> {
    Ok(settings::table.find(name).select(Sealed::as_select()).first(conn).await.optional()?)
}

/// Which version of a secret is stored, without reading it.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn version(conn: &mut Conn, name: &str) -> Result<Option<i64>, StoreError> {
    Ok(settings::table.find(name).select(settings::version).first(conn).await.optional()?)
}

/// Forgets a secret.
///
/// # Errors
///
/// When the database refuses.
pub async fn remove(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    diesel::delete(settings::table.find(name)).execute(conn).await?;
    Ok(())
}
