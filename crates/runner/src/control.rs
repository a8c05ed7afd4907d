//! What the parts of one runner share: who is wanted, who holds what, who is well.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::RunnerConfig;
use crate::outbox::Outbox;
use crate::run::{Run, Stop};

/// Shared by the parts of one runner.
pub(crate) struct Control {
    pub(crate) worker_id: Uuid,
    pub(crate) config: RunnerConfig,
    /// Cancelled when the shutdown begins: no more ticks, no more claims.
    pub(crate) draining: CancellationToken,
    /// Cancelled when the last part may end.
    pub(crate) ended: CancellationToken,
    /// There may be pending runs, or a slot became free.
    pub(crate) look_for_runs: Notify,
    /// A job was edited, or a slot that a tick waits for may be free.
    pub(crate) look_for_ticks: Notify,
    /// What other processes are to be told.
    pub(crate) outbox: Outbox,
    /// A run logged a line.
    pub(crate) lines: Arc<Notify>,
    /// Somebody waits for the number of runs to fall.
    pub(crate) fewer_runs: Notify,
    /// A job under the misfire policy `all` waits for a free slot.
    pub(crate) backlog: AtomicBool,
    /// The heartbeat is too old: claim nothing, begin nothing.
    pub(crate) fenced: AtomicBool,
    /// Notifications arrive.
    pub(crate) listening: AtomicBool,
    /// Slots that claimed runs take up.
    occupied: AtomicUsize,
    /// Runs whose code goes on although they have ended.
    pub(crate) detached: AtomicUsize,
    runs: Mutex<Runs>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Runs {
    /// Runs whose code goes on.
    active: HashMap<i64, Arc<Run>>,
    /// Runs that the table may give to this process, from the claim to the recorded end.
    held: HashSet<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    /// When the last heartbeat that was written was sent.
    pub(crate) beat: Instant,
    /// When the ticker last looked.
    pub(crate) ticker_pass: Instant,
    /// When it last made a tick, by the database's clock.
    pub(crate) last_tick: Option<DateTime<Utc>>,
    /// Ticks made by this process.
    pub(crate) ticks: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    pub(crate) fn new(config: RunnerConfig) -> Self {
        let now = Instant::now();
        Self {
            worker_id: Uuid::new_v4(),
            config,
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            look_for_runs: Notify::new(),
            look_for_ticks: Notify::new(),
            outbox: Outbox::new(),
            lines: Arc::new(Notify::new()),
            fewer_runs: Notify::new(),
            backlog: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            occupied: AtomicUsize::new(0),
            detached: AtomicUsize::new(0),
            runs: Mutex::default(),
            health: Mutex::new(Health { beat: now, ticker_pass: now, last_tick: None, ticks: 0 }),
        }
    }

    pub(crate) fn may_begin(&self) -> bool {
        !self.draining.is_cancelled() && !self.fenced.load(Ordering::Acquire)
    }

    pub(crate) fn free_slots(&self) -> usize {
        self.config.concurrency.saturating_sub(self.occupied.load(Ordering::Acquire))
    }

    pub(crate) fn occupied(&self) -> usize {
        self.occupied.load(Ordering::Acquire)
    }

    pub(crate) fn hold(&self, ids: impl IntoIterator<Item = i64>) {
        lock(&self.runs).held.extend(ids);
    }

    pub(crate) fn release(&self, ids: impl IntoIterator<Item = i64>) {
        let mut runs = lock(&self.runs);
        for id in ids {
            runs.held.remove(&id);
        }
    }

    pub(crate) fn holds(&self, id: i64) -> bool {
        lock(&self.runs).held.contains(&id)
    }

    pub(crate) fn begin(&self, run: &Arc<Run>) {
        lock(&self.runs).active.insert(run.id, Arc::clone(run));
    }

    pub(crate) fn end(&self, id: i64) {
        lock(&self.runs).active.remove(&id);
        self.fewer_runs.notify_waiters();
    }

    pub(crate) fn active(&self) -> Vec<Arc<Run>> {
        lock(&self.runs).active.values().cloned().collect()
    }

    pub(crate) fn is_active(&self, id: i64) -> bool {
        lock(&self.runs).active.contains_key(&id)
    }

    pub(crate) fn active_count(&self) -> usize {
        lock(&self.runs).active.len()
    }

    pub(crate) fn stop_run(&self, id: i64, stop: Stop) {
        let run = lock(&self.runs).active.get(&id).cloned();
        if let Some(run) = run {
            run.stop(stop);
        }
    }

    pub(crate) fn stop_all(&self, stop: Stop) {
        for run in self.active() {
            run.stop(stop);
        }
    }

    pub(crate) fn health(&self) -> Health {
        *lock(&self.health)
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Health)) {
        change(&mut lock(&self.health));
    }
}

/// A slot that a claimed run takes up; dropping it frees the slot.
pub(crate) struct Slot(Arc<Control>);

impl Slot {
    pub(crate) fn take(control: &Arc<Control>) -> Self {
        control.occupied.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(control))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.occupied.fetch_sub(1, Ordering::AcqRel);
        self.0.look_for_runs.notify_one();
        self.0.fewer_runs.notify_waiters();
    }
}
