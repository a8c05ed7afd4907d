//! Test support: a migrated database for each test, builders of domain values, and faults to order.
//!
//! ```no_run
//! # async fn test() {
//! let test = riftwatch_testkit::TestDb::new().await;
//! let mut conn = test.db.get().await.expect("a connection");
//! # }
//! ```
//!
//! The databases live on a private PostgreSQL that the first test starts and all test processes
//! share (`cluster.rs` says how). A test that must stop or restart PostgreSQL takes a
//! [`TestCluster`].

pub mod builders;
mod cluster;
mod database;
mod own_cluster;
mod proxy;
mod watchdog;

pub use builders::{game, participant, player};
pub use database::TestDb;
pub use own_cluster::TestCluster;
pub use proxy::Proxy;
