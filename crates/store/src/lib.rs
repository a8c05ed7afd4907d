//! What riftwatch knows, in PostgreSQL.
//!
//! One module per aggregate, each a set of functions that take a connection first. Domain types go
//! in and come out; rows and SQL stay inside.

pub mod assessments;
pub mod audit_log;
pub mod embedded;
pub mod error;
pub mod evidence;
pub mod execution_logs;
pub mod job_configurations;
pub mod job_executions;
pub mod match_stats;
pub mod matches;
pub mod migrations;
pub mod players;
pub mod pool;
pub mod ranks;
pub mod schema;
pub mod server;
pub mod sync_cursors;
pub mod transactions;
pub mod url;
pub mod workers;

pub use error::StoreError;
pub use pool::{Conn, Db, PooledConn};
pub use url::DatabaseUrl;
