//! One API key in many processes: what they spend of its budget is written down in PostgreSQL.

use async_trait::async_trait;
use riftwatch_riot::sharing::{BudgetId, Change, Found, SharedRecords, Unreachable};
use riftwatch_store::{Db, riot_budgets};

/// Connections for the records: two routes seldom need them at the same moment.
const CONNECTIONS: usize = 2;

/// The records of a database, on connections of their own: work that fills the pool must not keep
/// the key's turn from being handed on.
#[derive(Debug, Clone)]
pub struct PostgresRecords(Db);

impl PostgresRecords {
    /// The records of this database. Connects when first needed.
    pub fn of(db: &Db) -> Self {
        Self(Db::new(db.url(), CONNECTIONS))
    }
}

#[async_trait]
impl SharedRecords for PostgresRecords {
    async fn change(&self, budget: &BudgetId, change: &mut Change<'_>) -> Result<(), Unreachable> {
        let unreachable = |error: riftwatch_store::StoreError| Unreachable(error.into());
        let mut conn = self.0.get().await.map_err(unreachable)?;
        let mut change = |found: Option<(serde_json::Value, std::time::Duration)>| {
            change(found.map(|(record, age)| Found { record, age }))
        };
        riot_budgets::change(&mut conn, &budget.key_hash, budget.route.as_str(), &mut change)
            .await
            .map_err(unreachable)
    }
}
