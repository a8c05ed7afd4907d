//! Takes due runs out of the table, as many at once as there are free slots.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riftwatch_store::Db;
use riftwatch_store::job_executions::{self, Claimant, Claimed};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::control::{Control, Slot};
use crate::link::{Link, on};

/// The most runs that one statement takes.
const BATCH: usize = 500;

/// While more runs are due than there are slots, the claimer waits this long for more slots to
/// become free: a claim costs a commit whatever its size.
const GATHER: Duration = Duration::from_millis(3);

/// How long the lowest pending id is good for.
const LOWEST_FOR: Duration = Duration::from_secs(2);

/// A claimed run on its way to its code.
pub(crate) struct Work {
    pub(crate) claimed: Claimed,
    pub(crate) at: Instant,
    pub(crate) slot: Slot,
}

/// Claims until the shutdown begins. Dropping `work` then tells the worker that nothing more comes.
pub(crate) async fn run(
    db: Db,
    control: Arc<Control>,
    job_types: Vec<String>,
    work: mpsc::Sender<Work>,
) {
    let mut link = Link::to_queue(&db, "claims");
    let mut more = true;
    let mut lowest: Option<(i64, Instant)> = None;
    while !control.draining.is_cancelled() {
        if !more {
            // A notification that came while the last claim was under way is kept as a permit.
            tokio::select! {
                () = control.draining.cancelled() => break,
                _ = timeout(control.config.poll, control.look_for_runs.notified()) => {}
            }
        }
        gather(&control, more).await;
        let free = control.free_slots().min(BATCH);
        if free == 0 || !control.may_begin() {
            more = false;
            continue;
        }
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let at = Instant::now();
        let claimed = on!(link, conn => async {
            let from_id = match lowest {
                Some((id, asked)) if asked.elapsed() < LOWEST_FOR => id,
                _ => job_executions::lowest_pending(conn).await?,
            };
            let claimant = Claimant {
                worker: control.worker_id,
                job_types: &job_types,
                lease: control.config.lease,
                from_id,
            };
            Ok((from_id, job_executions::claim(conn, claimant, limit).await?))
        });
        match claimed.map(|(from_id, claims)| {
            if lowest.is_none_or(|(_, asked)| asked.elapsed() >= LOWEST_FOR) {
                lowest = Some((from_id, at));
            }
            claims
        }) {
            Ok(claims) => {
                more = claims.len() == free;
                control.hold(claims.iter().map(|claimed| claimed.id));
                control.outbox.changed(claims.iter().map(|claimed| claimed.id));
                for claimed in claims {
                    let slot = Slot::take(&control);
                    // The worker ends only after this sender is gone.
                    if work.send(Work { claimed, at, slot }).await.is_err() {
                        return;
                    }
                }
            }
            Err(_) => {
                more = true;
                tokio::select! {
                    () = control.draining.cancelled() => {}
                    () = tokio::time::sleep(link.backoff()) => {}
                }
            }
        }
    }
}

async fn gather(control: &Control, more: bool) {
    if !more {
        return;
    }
    let enough = control.config.concurrency.div_ceil(4);
    let deadline = tokio::time::Instant::now() + GATHER;
    while control.free_slots() < enough {
        let freed = control.look_for_runs.notified();
        if tokio::time::timeout_at(deadline, freed).await.is_err() {
            return;
        }
    }
}
