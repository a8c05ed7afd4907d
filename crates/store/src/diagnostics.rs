//! How the database itself is: sizes, old transactions, connections, migrations.

use chrono::{DateTime, Utc};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::migrations;
use crate::pool::Conn;

/// A table, partitions counted in.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct TableSize {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows, as PostgreSQL last estimated.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Row versions that are of no more use to anybody, as PostgreSQL counts them.
    #[diesel(sql_type = BigInt)]
    pub dead_rows: i64,
    /// With indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Of the indexes alone.
    #[diesel(sql_type = BigInt)]
    pub index_bytes: i64,
}

/// The tables of this program, largest first.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn tables(conn: &mut Conn) -> Result<Vec<TableSize>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT coalesce(parent.relname, c.relname)::text AS name,
                sum(greatest(coalesce(s.n_live_tup, 0), c.reltuples, 0))::bigint AS rows,
                sum(coalesce(s.n_dead_tup, 0))::bigint AS dead_rows,
                sum(pg_total_relation_size(c.oid))::bigint AS bytes,
                sum(pg_indexes_size(c.oid))::bigint AS index_bytes
         FROM pg_class c
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
         LEFT JOIN pg_class parent ON parent.oid = i.inhparent
         LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
         GROUP BY 1 ORDER BY bytes DESC, name LIMIT 100",
    )
    .load(conn)
    .await?)
}

/// The server in numbers.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct Pulse {
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// Size of the whole database.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Connections to it, of everybody.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// The most that the server takes.
    #[diesel(sql_type = Integer)]
    pub max_connections: i32,
    /// How full the queue of notifications is, 0 to 1.
    #[diesel(sql_type = Double)]
    pub notify_usage: f64,
    /// Age of the oldest transaction that goes on, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest_transaction_s: Option<f64>,
    /// The server process that holds it.
    #[diesel(sql_type = Nullable<Integer>)]
    pub oldest_pid: Option<i32>,
    /// What it is doing: `idle in transaction`.
    #[diesel(sql_type = Nullable<Text>)]
    pub oldest_state: Option<String>,
    /// Who: the name that the program gave itself.
    #[diesel(sql_type = Nullable<Text>)]
    pub oldest_application: Option<String>,
}

/// Asks the server how it is. Without the text of queries: they may hold what is nobody's business.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn pulse(conn: &mut Conn) -> Result<Pulse, StoreError> {
    Ok(diesel::sql_query(
        "SELECT clock_timestamp() AS now, pg_database_size(current_database()) AS bytes,
                (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
                current_setting('max_connections')::integer AS max_connections,
                pg_notification_queue_usage() AS notify_usage,
                extract(epoch FROM clock_timestamp() - o.xact_start)::float8 AS oldest_transaction_s,
                o.pid AS oldest_pid, o.state AS oldest_state, o.application_name AS oldest_application
         FROM (SELECT) one
         LEFT JOIN LATERAL (
             SELECT xact_start, pid, state, application_name FROM pg_stat_activity
             WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
               AND backend_type = 'client backend'
             ORDER BY xact_start LIMIT 1) o ON true",
    )
    .get_result(conn)
    .await?)
}

/// A migration that this program carries, or that the database has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Version and words; only the version for one that this program does not know.
    pub name: String,
    /// Whether this program carries it.
    pub known: bool,
    /// When it was applied. `None`: not yet.
    pub applied_at: Option<DateTime<Utc>>,
}

/// Every migration, oldest first.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn migrations(conn: &mut Conn) -> Result<Vec<MigrationState>, StoreError> {
    #[derive(diesel::QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
        #[diesel(sql_type = Timestamptz)]
        applied_at: DateTime<Utc>,
    }
    let applied: Vec<Applied> = diesel::sql_query(
        "SELECT version::text AS version, run_on::timestamptz AS applied_at
         FROM __diesel_schema_migrations",
    )
    .load(conn)
    .await?;
    let mut states = Vec::new();
    for set in [migrations::RUNTIME, migrations::GAME] {
        let ours: Vec<Box<dyn Migration<Pg>>> = set.migrations().map_err(StoreError::Migration)?;
        states.extend(ours.iter().map(|migration| {
            let version = migration.name().version().to_string();
            let seen = applied.iter().find(|applied| applied.version == version);
            MigrationState {
                name: migration.name().to_string(),
                known: true,
                applied_at: seen.map(|applied| applied.applied_at),
            }
        }));
    }
    // Versions are written without dashes in the table, names with them.
    let plain = |name: &str| name.replace('-', "");
    let unknown = applied.iter().filter(|applied| {
        !states.iter().any(|state| plain(&state.name).starts_with(&plain(&applied.version)))
    });
    let unknown: Vec<MigrationState> = unknown
        .map(|applied| MigrationState {
            name: applied.version.clone(),
            known: false,
            applied_at: Some(applied.applied_at),
        })
        .collect();
    states.extend(unknown);
    states.sort_by_key(|state| plain(&state.name));
    Ok(states)
}
