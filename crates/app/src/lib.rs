//! The product's verbs, as free functions that jobs and the API share.
//!
//! A verb joins what the store knows with what Riot says. It holds no database connection while it
//! waits for Riot, and whatever it has finished is committed: it can be dropped at any await.

pub mod assess;
pub mod deps;
pub mod rank_check;
pub mod reachability;
pub mod sync;
pub mod tracking;

pub use deps::Deps;
