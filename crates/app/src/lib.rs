//! The product's verbs, as free functions that jobs and the API share.
//!
//! A verb joins what the store knows with what Riot says. It holds no database connection while it
//! waits for Riot, and whatever it has finished is committed: it can be dropped at any await.

mod asking;
pub mod assess;
pub mod backfill;
pub mod circuit_breaker;
pub mod deps;
pub mod erasure;
mod held;
pub mod key_sharing;
pub mod looks;
pub mod matchmaking;
pub mod rank_check;
pub mod reachability;
pub mod rekey;
pub mod reliability;
pub mod reviews;
pub mod rhythm;
mod storing;
pub mod sync;
pub mod tracking;

pub use deps::Deps;
