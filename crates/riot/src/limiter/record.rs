//! The record by which processes take turns at a route's budget. Pure: what is found comes in, what
//! to write goes out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Reading};
use crate::sharing::Found;

/// A turn, when others wait for theirs.
pub(super) const TURN: Duration = Duration::from_secs(1);
/// A turn in which nothing can be sent for so long is not worth handing on earlier.
pub(super) const LONGEST_TURN: Duration = Duration::from_secs(5);
/// After its turn a process that does not hand on is taken for dead.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// Of a process in the queue, how often it looks at least.
const LEAST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A process, by a random number.
pub(super) type Process = u64;

/// What is written down about a route. All times are milliseconds after `ledger` was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// From the writing of the ledger until that of the record.
    passed: i64,
    /// Who has the turn.
    owner: Option<Process>,
    /// Counts the changes of hand.
    epoch: u64,
    /// When the turn ends, and when its owner must be dead.
    turn_until: i64,
    lease_until: i64,
    /// Requests that the owner may have sent after it wrote the ledger.
    reserved: u32,
    /// How long a request may take.
    longest_request: i64,
    /// Who waits for a turn, first the next.
    waiting: Vec<Process>,
    ledger: Option<Ledger>,
}

/// A turn as it begins.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) epoch: u64,
    /// What was spent before; `None`: nobody has written anything yet.
    pub(super) ledger: Option<Ledger>,
    pub(super) age_ms: i64,
    pub(super) unknown: u32,
    pub(super) settled_in_ms: i64,
    pub(super) others_wait: bool,
}

impl Taken {
    pub(super) fn reading(&self, now: tokio::time::Instant) -> Reading {
        Reading {
            now,
            age_ms: self.age_ms,
            unknown: self.unknown,
            settled_in_ms: self.settled_in_ms,
        }
    }
}

/// What came of asking for a turn.
#[derive(Debug)]
pub(super) enum Asked {
    /// It is ours.
    Taken(Box<Taken>),
    /// We are in the queue, and look again after this long.
    Waiting(Duration),
}

/// What an owner writes down.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) ledger: Ledger,
    /// Requests that may be sent after it was written …
    pub(super) reserved: u32,
    /// … in the rest of the turn.
    pub(super) turn: Duration,
    pub(super) longest_request: Duration,
}

impl Record {
    /// The record as it is now. One that cannot be read, by an error or from a later version of the
    /// program, is as good as none: then the route begins with single requests and Riot's counts.
    pub(super) fn read(found: Option<Found>) -> Self {
        let Some(found) = found else { return Self::default() };
        match serde_json::from_value::<Self>(found.record) {
            Ok(record) => {
                let passed = record.passed.saturating_add(ms(found.age));
                Self { passed, ..record }
            }
            Err(error) => {
                tracing::error!(error = %error, "the record of a riot api budget cannot be read");
                Self::default()
            }
        }
    }

    pub(super) fn write(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("numbers and lists of them")
    }

    /// Takes the turn if nobody has it, else stands in the queue: at its end, or at its beginning
    /// when it is urgent. `reserve`: requests to send before writing anything down.
    pub(super) fn ask(&mut self, me: Process, urgent: bool, reserve: u32) -> Asked {
        let is_free = match self.owner {
            None => true,
            Some(owner) => owner == me || self.passed >= self.lease_until,
        };
        if !is_free {
            if urgent {
                self.waiting.retain(|process| *process != me);
                self.waiting.insert(0, me);
            } else if !self.waiting.contains(&me) {
                self.waiting.push(me);
            }
            return Asked::Waiting(self.wait(me));
        }
        self.waiting.retain(|process| *process != me);
        let taken = Taken {
            epoch: self.epoch + 1,
            ledger: self.ledger.clone(),
            age_ms: self.passed,
            unknown: self.reserved,
            settled_in_ms: self.lease_until.saturating_add(self.longest_request),
            others_wait: !self.waiting.is_empty(),
        };
        self.owner = Some(me);
        self.epoch = taken.epoch;
        self.turn_until = self.passed.saturating_add(ms(TURN));
        self.lease_until = self.turn_until.saturating_add(ms(GRACE));
        self.reserved = self.reserved.saturating_add(reserve);
        Asked::Taken(Box::new(taken))
    }

    /// How long one in the queue need not look: until its turn can be, by the places before it.
    fn wait(&self, me: Process) -> Duration {
        let place = self.waiting.iter().position(|process| *process == me).unwrap_or(0);
        let left = self.turn_until.saturating_sub(self.passed);
        let wait = if left > 0 {
            Duration::from_millis(left.unsigned_abs()) + TURN * u32::try_from(place).unwrap_or(0)
        } else {
            // The owner hands on at this moment, or is dead.
            let overdue = Duration::from_millis(left.unsigned_abs());
            overdue / 4 + Duration::from_millis(200) * u32::try_from(place).unwrap_or(0)
        };
        wait.clamp(LEAST_WAIT, LONGEST_WAIT)
    }

    /// Leaves the queue, and hands on a turn that came unasked.
    pub(super) fn withdraw(&mut self, me: Process) {
        self.waiting.retain(|process| *process != me);
        if self.owner == Some(me) {
            self.hand_on();
        }
    }

    /// What was spent, as it was written down last.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// To read the ledger by, without what its owner may have sent since.
    pub(super) fn reading(&self, now: tokio::time::Instant) -> Reading {
        Reading {
            now,
            age_ms: self.passed,
            unknown: 0,
            settled_in_ms: self.lease_until.saturating_add(self.longest_request),
        }
    }

    /// Whether an owner who can be alive has the turn.
    pub(super) fn is_taken(&self) -> bool {
        self.owner.is_some() && self.passed < self.lease_until
    }

    /// Requests that the owner may have sent after it wrote the ledger.
    pub(super) fn reserved(&self) -> u32 {
        self.reserved
    }

    /// How many wait for a turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn is_owned(&self, me: Process, epoch: u64) -> bool {
        self.owner == Some(me) && self.epoch == epoch
    }

    fn note(&mut self, page: Page) {
        self.passed = 0;
        self.ledger = Some(page.ledger);
        self.reserved = page.reserved;
        self.longest_request = ms(page.longest_request);
        self.turn_until = ms(page.turn);
        self.lease_until = self.turn_until.saturating_add(ms(GRACE));
    }

    /// Writes down what was spent, and goes on. Whether others wait; `None`: the turn was lost.
    pub(super) fn go_on(&mut self, me: Process, epoch: u64, page: Page) -> Option<bool> {
        if !self.is_owned(me, epoch) {
            return None;
        }
        self.note(page);
        Some(!self.waiting.is_empty())
    }

    /// Writes down what was spent, and hands on to the next in the queue; with `again`, stands in
    /// it anew, at its beginning when `urgent`. How long to wait then; `None`: there is no need to.
    pub(super) fn end(
        &mut self,
        me: Process,
        epoch: u64,
        page: Page,
        again: Again,
    ) -> Option<Duration> {
        if !self.is_owned(me, epoch) {
            return None;
        }
        self.note(page);
        self.hand_on();
        match again {
            Again::No => return None,
            Again::Yes => self.waiting.push(me),
            Again::Urgently => self.waiting.insert(0, me),
        }
        Some(self.wait(me))
    }

    /// The next one has the turn, if there is one: as soon as it looks, and if it does not, it is
    /// taken for dead as any owner is.
    fn hand_on(&mut self) {
        self.epoch += 1;
        if self.waiting.is_empty() {
            self.owner = None;
        } else {
            self.owner = Some(self.waiting.remove(0));
            self.turn_until = self.passed.saturating_add(ms(TURN));
            self.lease_until = self.turn_until.saturating_add(ms(GRACE));
        }
    }
}

/// Whether who hands on wants another turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    No,
    Yes,
    Urgently,
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Process = 1;
    const B: Process = 2;
    const C: Process = 3;

    fn page(reserved: u32) -> Page {
        Page {
            ledger: Ledger::default(),
            reserved,
            turn: TURN,
            longest_request: Duration::from_secs(25),
        }
    }

    fn taken(asked: Asked) -> Taken {
        match asked {
            Asked::Taken(taken) => *taken,
            Asked::Waiting(wait) => panic!("must wait for {wait:?}"),
        }
    }

    fn waits(asked: &Asked) -> bool {
        matches!(asked, Asked::Waiting(_))
    }

    /// The record after some time, as another process finds it.
    fn after(record: &Record, ms: u64) -> Record {
        Record::read(Some(Found { record: record.write(), age: Duration::from_millis(ms) }))
    }

    #[test]
    fn one_has_the_turn_and_hands_it_on_in_order_of_asking_with_people_first() {
        let mut record = Record::default();
        let turn = taken(record.ask(A, false, 5));
        assert!(!turn.others_wait);
        assert!(waits(&record.ask(B, false, 5)));
        assert!(waits(&record.ask(C, true, 5)));
        assert!(waits(&record.ask(B, false, 5)), "once in the queue, however often it looks");
        assert_eq!(record.go_on(A, turn.epoch, page(5)), Some(true));
        assert!(record.end(A, turn.epoch, page(0), Again::Yes).is_some());
        assert_eq!((record.owner, record.waiting.clone()), (Some(C), vec![B, A]));
        let turn = taken(record.ask(C, true, 5));
        assert!(turn.others_wait);
        assert_eq!(turn.unknown, 0, "it was handed on in order");
        assert_eq!(record.end(C, turn.epoch, page(0), Again::No), None);
        assert_eq!((record.owner, record.waiting.clone()), (Some(B), vec![A]));
        record.withdraw(B);
        assert_eq!((record.owner, record.waiting.clone()), (Some(A), vec![]));
        record.withdraw(A);
        assert_eq!(record.owner, None);
    }

    #[test]
    fn a_dead_owner_is_followed_when_its_lease_is_over_and_counted_for_all_it_may_have_sent() {
        let mut record = Record::default();
        let turn = taken(record.ask(A, false, 5));
        assert_eq!(record.go_on(A, turn.epoch, page(7)), Some(false));
        assert!(waits(&after(&record, 2900).ask(B, false, 3)));
        let mut record = after(&record, 3000);
        let turn = taken(record.ask(B, false, 3));
        assert_eq!((turn.unknown, turn.age_ms), (7, 3000));
        assert_eq!(turn.settled_in_ms, 3000 + 25_000, "sent at the last moment, and slow");
        // And should the second die at once as well:
        let turn = taken(after(&record, 3000).ask(C, false, 1));
        assert_eq!(turn.unknown, 10);
        assert_eq!(turn.settled_in_ms, 6000 + 25_000);
    }

    #[test]
    fn who_was_taken_for_dead_cannot_write_any_more() {
        let mut record = Record::default();
        let old = taken(record.ask(A, false, 5));
        let mut record = after(&record, 3000);
        taken(record.ask(B, false, 5));
        let before = record.clone();
        assert_eq!(record.go_on(A, old.epoch, page(5)), None);
        assert_eq!(record.end(A, old.epoch, page(0), Again::Yes), None);
        assert_eq!(record, before);
    }

    #[test]
    fn an_owner_whose_lease_is_over_goes_on_when_nobody_took_the_turn() {
        let mut record = Record::default();
        let turn = taken(record.ask(A, false, 5));
        assert_eq!(after(&record, 60_000).go_on(A, turn.epoch, page(5)), Some(false));
    }

    #[test]
    fn a_record_that_cannot_be_read_is_as_none() {
        let found = Found { record: serde_json::json!({"owner": "nobody"}), age: Duration::ZERO };
        assert_eq!(Record::read(Some(found)), Record::default());
    }
}
