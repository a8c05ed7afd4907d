//! What the simulator counts.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::windows::Utilisation;

/// Everything since the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SimStats {
    /// Calls to Riot endpoints, refused ones included.
    pub requests: u64,
    /// Calls by Riot's name of the method.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Answers by status. A broken or hanging answer counts as 0.
    pub by_status: BTreeMap<u16, u64>,
    /// Calls over a limit, by who refused them.
    pub violations: Violations,
    /// Calls in a scope that had been told to wait longer: what gets a key banned.
    pub sent_while_blocked: u64,
    /// Calls of banned keys.
    pub sent_while_banned: u64,
    /// Application windows by key and route.
    pub utilisation: Vec<Utilisation>,
}

/// 429s by scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub struct Violations {
    pub application: u64,
    pub method: u64,
    /// Made up by a fault, since nobody shares the service here.
    pub service: u64,
}
