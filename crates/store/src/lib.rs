//! What riftwatch knows, in PostgreSQL.
//!
//! One module per aggregate, each a set of functions that take a connection first. Domain types go
//! in and come out; rows and SQL stay inside.

pub mod api_tokens;
pub mod assessments;
pub mod audit_log;
pub mod diagnostics;
pub mod embedded;
pub mod encounters;
pub mod erasure;
pub mod error;
pub mod evidence;
pub mod execution_logs;
pub mod job_configurations;
pub mod job_executions;
pub mod looks;
pub mod match_claims;
pub mod match_stats;
pub mod matches;
pub mod matchmaking_analyses;
pub mod migrations;
pub mod outcomes;
pub mod players;
pub mod pool;
pub mod query_spans;
pub mod ranks;
pub mod retention;
pub mod reviews;
pub mod riot_budgets;
pub mod run_feed;
pub mod run_history;
pub mod samples;
pub mod schema;
pub mod secret_key;
pub mod server;
pub mod sessions;
pub mod settings_store;
pub mod suppressions;
pub mod sync_cursors;
pub mod transactions;
pub mod url;
pub mod workers;

pub use error::StoreError;
pub use pool::{Conn, Db, PooledConn};
pub use url::DatabaseUrl;
