//! Records of shared budgets in memory, for tests of what spends from them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::sharing::{BudgetId, Change, Found, SharedRecords, Unreachable};

/// How long a look takes: about as long as PostgreSQL's.
const TRIP: Duration = Duration::from_millis(2);

/// Records that several clients of one process share as if they were processes. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryRecords(Arc<Inner>);

type Records = HashMap<BudgetId, (Value, Instant)>;

#[derive(Debug, Default)]
struct Inner {
    records: Mutex<Records>,
    is_away: AtomicBool,
    changes: AtomicU64,
}

impl MemoryRecords {
    /// No records yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nothing is reached, or everything again.
    pub fn set_away(&self, is_away: bool) {
        self.0.is_away.store(is_away, Ordering::Relaxed);
    }

    /// A record as it is now.
    pub fn found(&self, budget: &BudgetId) -> Option<Found> {
        let records = self.0.records.lock().expect("no one panics while holding this lock");
        found(&records, budget)
    }

    /// How often a record was looked at: what would be commits in a database.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SharedRecords for MemoryRecords {
    async fn change(&self, budget: &BudgetId, change: &mut Change<'_>) -> Result<(), Unreachable> {
        sleep(TRIP).await;
        if self.0.is_away.load(Ordering::Relaxed) {
            return Err(Unreachable("it is away".into()));
        }
        self.0.changes.fetch_add(1, Ordering::Relaxed);
        {
            let mut records = self.0.records.lock().expect("no one panics while holding this lock");
            if let Some(record) = change(found(&records, budget)) {
                records.insert(budget.clone(), (record, Instant::now()));
            }
        }
        sleep(TRIP).await;
        Ok(())
    }
}

fn found(records: &Records, budget: &BudgetId) -> Option<Found> {
    let (record, at) = records.get(budget)?;
    Some(Found { record: record.clone(), age: at.elapsed() })
}
