//! What verbs, jobs and handlers work with.

use std::sync::Arc;

use riftwatch_domain::clock::Clock;
use riftwatch_riot::api::RiotApi;
use riftwatch_store::Db;
use riftwatch_store::suppressions::SuppressionKey;

/// The outside world, passed by name.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database.
    pub store: Db,
    /// The Riot API: one client a process, since it keeps the key's budget.
    pub riot: Arc<dyn RiotApi>,
    /// The time.
    pub clock: Clock,
    /// How many players may be tracked (`MAX_TRACKED_PLAYERS`).
    pub max_tracked_players: u32,
    /// What people who were erased are recognised by. Without one nobody can be erased.
    pub suppression_key: Option<SuppressionKey>,
}
