//! The schema, compiled in, and bringing a database to it.
//!
//! There are two sets under `migrations/`: `runtime` holds what the job runtime needs and stands
//! alone, for services that use the runtime without the game; `game` holds the rest.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::StoreError;
use crate::pool::Conn;
use crate::url::DatabaseUrl;

/// The tables of the job runtime.
pub const RUNTIME: EmbeddedMigrations = embed_migrations!("../../migrations/runtime");

/// The tables of the game. They need nothing of the runtime's.
pub const GAME: EmbeddedMigrations = embed_migrations!("../../migrations/game");

/// How long a migration waits for a table that others hold. While it waits, everybody who comes
/// later waits behind it: better that it fails, and is tried again at a quieter time.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '10s'";

/// The advisory lock under which migrations run: any number that nothing else uses.
const LOCK: i64 = 0x7269_6674;

/// Brings the database to the newest schema: the runtime's and the game's tables. Returns the
/// names of the migrations that were run; empty when there was nothing to do. Several processes may
/// call it at once: one does the work, the others wait.
///
/// Needs a multi-thread tokio runtime.
///
/// # Errors
///
/// When the database cannot be reached, or a migration fails (it is rolled back).
pub async fn run(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    run_sets(url, vec![RUNTIME, GAME]).await
}

/// As [`run`], for the job runtime's tables alone.
///
/// # Errors
///
/// As [`run`].
pub async fn run_runtime(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    run_sets(url, vec![RUNTIME]).await
}

/// Names of the compiled-in migrations that the database has not seen. Empty: the schema is ours,
/// or newer.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn pending(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    let mut conn = connect(url).await?;
    #[derive(diesel::QueryableByName)]
    struct Exists {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        exists: bool,
    }
    let table: Exists =
        diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists")
            .get_result(&mut conn)
            .await?;
    // The harness would create its table; a question must not change anything.
    if !table.exists {
        return all_names();
    }
    on_a_thread(move || {
        let mut harness = AsyncMigrationHarness::new(conn);
        let mut names = Vec::new();
        for set in [RUNTIME, GAME] {
            let pending = harness.pending_migrations(set).map_err(StoreError::Migration)?;
            names.extend(pending.iter().map(|migration| migration.name().to_string()));
        }
        Ok(names)
    })
    .await
}

/// As [`pending`], over a connection that is there, of a database that was migrated once. For health
/// checks: one query, and nothing is changed.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn missing(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    missing_of(conn, [RUNTIME, GAME]).await
}

/// As [`missing`], of the job runtime's migrations alone.
///
/// # Errors
///
/// As [`missing`].
pub async fn missing_runtime(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    missing_of(conn, [RUNTIME]).await
}

async fn missing_of(
    conn: &mut Conn,
    sets: impl IntoIterator<Item = EmbeddedMigrations>,
) -> Result<Vec<String>, StoreError> {
    #[derive(diesel::QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let seen: Vec<Version> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .load(conn)
            .await?;
    let mut names = Vec::new();
    for set in sets {
        let ours: Vec<Box<dyn Migration<Pg>>> = set.migrations().map_err(StoreError::Migration)?;
        names.extend(ours.iter().map(|migration| migration.name()).filter_map(|name| {
            let version = name.version().to_string();
            let is_missing = !seen.iter().any(|seen| seen.version == version);
            is_missing.then(|| name.to_string())
        }));
    }
    Ok(names)
}

fn all_names() -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for set in [RUNTIME, GAME] {
        let migrations: Vec<Box<dyn Migration<Pg>>> =
            set.migrations().map_err(StoreError::Migration)?;
        names.extend(migrations.iter().map(|migration| migration.name().to_string()));
    }
    names.sort();
    Ok(names)
}

async fn run_sets(
    url: &DatabaseUrl,
    sets: Vec<EmbeddedMigrations>,
) -> Result<Vec<String>, StoreError> {
    let mut conn = connect(url).await?;
    // A session lock: it ends with the connection, whatever happens.
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut conn)
        .await?;
    diesel::sql_query(LOCK_TIMEOUT).execute(&mut conn).await?;
    on_a_thread(move || {
        let mut harness = AsyncMigrationHarness::new(conn);
        let mut names = Vec::new();
        for set in sets {
            let done = harness.run_pending_migrations(set).map_err(StoreError::Migration)?;
            names.extend(done.iter().map(ToString::to_string));
        }
        Ok(names)
    })
    .await
}

/// The harness waits for the database within one poll. On the caller's own task that would swallow
/// the wake-ups of whatever else the task waits for.
async fn on_a_thread(
    work: impl FnOnce() -> Result<Vec<String>, StoreError> + Send + 'static,
) -> Result<Vec<String>, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Migration(error.into())),
    }
}

async fn connect(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    url.establish().await.map_err(|error| StoreError::Unavailable(error.into()))
}
