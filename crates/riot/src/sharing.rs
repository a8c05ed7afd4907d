//! One key in many processes: where they write down what they spend of its budget.
//!
//! Each route of a key has a record, and one process at a time has the turn: it alone sends requests
//! to that route, by the same rules as a process that is alone. When its turn ends it writes down what
//! it has spent and hands the turn on; who dies with it is succeeded when the turn's time is over, and
//! everything that it may have sent is counted as sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use riftwatch_domain::routing::Route;
use sha2::{Digest, Sha256};

/// Whose record: a key's, on a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BudgetId {
    /// The beginning of a hash of the key, 32 hexadecimal digits. The key cannot be had from it.
    pub key_hash: Arc<str>,
    /// The route.
    pub route: Route,
}

/// A record as it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What was written.
    pub record: serde_json::Value,
    /// Since then; may be told too short, never too long.
    pub age: Duration,
}

/// What is to become of a record: its new text, or `None` to leave it as it is.
pub type Change<'a> = dyn FnMut(Option<Found>) -> Option<serde_json::Value> + Send + 'a;

/// A place for records that all processes with the key can reach.
#[async_trait]
pub trait SharedRecords: Send + Sync + fmt::Debug {
    /// Reads the record (`None`: there is none yet), asks `change` what to write, and writes that. No
    /// one else changes the record in between; `change` may be asked again when someone else was
    /// first, and its last word counts.
    ///
    /// The age of what is written begins after `change` was asked.
    ///
    /// # Errors
    ///
    /// When the place cannot be reached. It is then unknown whether the record was changed.
    async fn change(&self, budget: &BudgetId, change: &mut Change<'_>) -> Result<(), Unreachable>;
}

/// The records cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the record of the riot api budget cannot be reached")]
pub struct Unreachable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The beginning of a hash of a key, by which processes know that they share it.
pub(crate) fn key_hash(key: &[u8]) -> Arc<str> {
    let hash = Sha256::new().chain_update(b"riftwatch riot budget\0").chain_update(key).finalize();
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_a_hash_that_does_not_show_it() {
        let hash = key_hash(b"RGAPI-secret");
        assert_eq!(hash.len(), 32);
        assert_eq!(hash, key_hash(b"RGAPI-secret"));
        assert_ne!(hash, key_hash(b"RGAPI-secreT"));
    }
}
