//! What all processes with a key have spent on a route, as the record that they share tells it: for
//! people. It is as old as the owner's last word, about a second.

use std::time::Duration;

use tokio::time::Instant;

use super::ledger::{BudgetLedger, Reading};
use super::record::Record;
use super::snapshot::WindowSnapshot;
use super::state::blocked_for;
use crate::sharing::Found;

/// A route's budget over all processes with the key.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedRoute {
    /// The key's use there.
    pub spent: SharedBudget,
    /// The use of each method that was ever called, by its name.
    pub methods: Vec<(String, SharedBudget)>,
    /// Whether a process has the turn to send requests.
    pub is_taken: bool,
    /// Requests that it may have sent since it wrote down what it spent: at most so many.
    pub reserved: u32,
    /// Processes that wait for their turn.
    pub waiting: usize,
}

/// A budget over all processes. Their `utilisation` is not known; it is 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SharedBudget {
    /// Whether Riot has told the limits.
    pub limits_known: bool,
    /// The windows now.
    pub windows: Vec<WindowSnapshot>,
    /// How long a refusal still stops it; zero when it does not.
    pub blocked_for: Duration,
}

impl SharedBudget {
    fn of(ledger: &BudgetLedger, reading: Reading) -> Self {
        let budget = ledger.read(1.0, reading);
        Self {
            limits_known: budget.known,
            windows: budget.snapshot(reading.now),
            blocked_for: blocked_for(&budget, reading.now),
        }
    }
}

/// What a shared record tells. `None`: nothing was written down yet.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn read_shared(found: Found) -> Option<SharedRoute> {
    let now = Instant::now();
    let record = Record::read(Some(found));
    let reading = record.reading(now);
    let ledger = record.ledger()?;
    Some(SharedRoute {
        spent: SharedBudget::of(&ledger.app, reading),
        methods: ledger
            .methods
            .iter()
            .map(|(name, method)| (name.clone(), SharedBudget::of(method, reading)))
            .collect(),
        is_taken: record.is_taken(),
        reserved: if record.is_taken() { record.reserved() } else { 0 },
        waiting: record.waiting(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::super::ledger::Ledger;
    use super::super::record::{Asked, Page};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_one_process_wrote_down_another_one_shows() {
        tokio::time::advance(Duration::from_secs(600)).await;
        let now = Instant::now();
        let mut budget = Budget::guessed(&[(20, 1), (100, 120)], 1.0);
        budget.known = true;
        budget.answered =
            [110.0, 60.0, 0.4].iter().map(|s| now - Duration::from_secs_f64(*s)).collect();
        let app = BudgetLedger::of(&budget, now);
        let methods = [("match-v5.getMatch".to_owned(), app.clone())].into();
        let mut record = Record::default();
        let Asked::Taken(taken) = record.ask(1, false, 5) else { panic!("it is free") };
        assert!(matches!(record.ask(2, false, 5), Asked::Waiting(_)));
        let page = Page {
            ledger: Ledger { app, methods },
            reserved: 7,
            turn: Duration::from_secs(1),
            longest_request: Duration::from_secs(25),
        };
        assert_eq!(record.go_on(1, taken.epoch, page), Some(true));
        let told = |age_s: u64| {
            let found = Found { record: record.write(), age: Duration::from_secs(age_s) };
            read_shared(found).expect("something is written down")
        };
        let fresh = told(0);
        let used = |told: &SharedRoute| -> Vec<(u64, u32)> {
            told.spent.windows.iter().map(|window| (window.held, window.limit)).collect()
        };
        assert_eq!(used(&fresh), [(1, 20), (3, 100)]);
        assert_eq!((fresh.is_taken, fresh.reserved, fresh.waiting), (true, 7, 1));
        assert_eq!(fresh.methods[0].0, "match-v5.getMatch");
        let later = told(30);
        assert_eq!(used(&later), [(0, 20), (2, 100)]);
        assert!(!later.is_taken, "its lease is over");
        let nothing = Found { record: Record::default().write(), age: Duration::ZERO };
        assert_eq!(read_shared(nothing), None);
    }
}
