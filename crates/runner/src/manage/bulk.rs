//! One wish about many runs: retry them, or cancel them.

use riftwatch_domain::execution::{ExecutionId, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_store::job_executions::{self, Enqueued, Filter, Reach, Request, Target};
use riftwatch_store::{Conn, Db, StoreError, transactions};

use super::audit::{self, Act};
use super::executions::{tell_cancelled, tell_changed, tell_due};
use super::{Actor, ManageError};

/// The most runs that one wish may be about.
pub const BULK_CAP: i64 = 1000;

/// Runs changed by one transaction: what they lock is free again soon.
const CHUNK: usize = 100;

/// What may be wished for many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkWish {
    /// Of failed and cancelled ones.
    Retry,
    /// Of pending and running ones.
    Cancel,
}

impl BulkWish {
    fn reach(self) -> Reach {
        match self {
            Self::Retry => Reach::EndedBadly,
            Self::Cancel => Reach::Unfinished,
        }
    }
}

/// How many runs a wish would be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct BulkPreview {
    /// How many; one more than the cap stands for all that are more.
    pub matching: i64,
    /// The most that are allowed: [`BULK_CAP`].
    pub cap: i64,
}

/// A run that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BulkRefusal {
    /// The run.
    pub id: ExecutionId,
    /// Why.
    pub message: String,
}

/// What came of a wish about many runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct BulkDone {
    /// The new runs of a retry; the runs that a cancel stops.
    pub done: Vec<ExecutionId>,
    /// Runs that were left as they are: their job's slots are taken, their job is gone, or they
    /// ended in the meantime.
    pub refused: Vec<BulkRefusal>,
}

/// How many runs the wish would be about. Changes nothing.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn preview(db: &Db, filter: &Filter, wish: BulkWish) -> Result<BulkPreview, ManageError> {
    let mut conn = db.get().await?;
    let targets = job_executions::targets(&mut conn, filter, wish.reach(), BULK_CAP + 1).await?;
    let matching = i64::try_from(targets.len()).unwrap_or(i64::MAX);
    Ok(BulkPreview { matching, cap: BULK_CAP })
}

async fn targets(
    conn: &mut Conn,
    filter: &Filter,
    wish: BulkWish,
    refused: Act<'_>,
) -> Result<Vec<Target>, ManageError> {
    let targets = job_executions::targets(conn, filter, wish.reach(), BULK_CAP + 1).await?;
    let matching = i64::try_from(targets.len()).unwrap_or(i64::MAX);
    if matching > BULK_CAP {
        let error = ManageError::TooMany { matching, cap: BULK_CAP };
        audit::refused(conn, refused, &error).await;
        return Err(error);
    }
    Ok(targets)
}

/// Retries the failed and cancelled runs that match, newest first, as [`retry`](super::retry) does.
/// A job has as many runs side by side as it has slots, so of many failures of one job only so many
/// are retried, and the others are refused.
///
/// # Errors
///
/// [`ManageError::TooMany`] when more than [`BULK_CAP`] match, with nothing done; or when the
/// database gives up half-way: then the hundreds of runs that were done before stay done.
pub async fn retry_many(db: &Db, filter: &Filter, actor: &Actor) -> Result<BulkDone, ManageError> {
    let mut conn = db.get().await?;
    let targets = targets(&mut conn, filter, BulkWish::Retry, Act::new(actor, "retry")).await?;
    let mut all = BulkDone::default();
    for chunk in targets.chunks(CHUNK) {
        transactions::begin(&mut conn).await?;
        let retried = retry_chunk(&mut conn, chunk, actor).await;
        let mut some = transactions::end(&mut conn, retried).await?;
        all.done.append(&mut some.done);
        all.refused.append(&mut some.refused);
    }
    if !all.done.is_empty() {
        tell_due(&mut conn).await;
    }
    Ok(all)
}

async fn retry_chunk(
    conn: &mut Conn,
    targets: &[Target],
    actor: &Actor,
) -> Result<BulkDone, StoreError> {
    let mut came = BulkDone::default();
    let mut acts = Vec::with_capacity(targets.len());
    for target in targets {
        let (old, job_id) = (ExecutionId(target.id), JobId(target.job_id));
        let request = Request {
            job_id,
            trigger: Trigger::Retry,
            requested_by: Some(&actor.name),
            retry: Some((old, target.attempt + 1)),
        };
        let act = about(target, actor, "retry");
        let refusal = match job_executions::enqueue(conn, request).await? {
            Enqueued::Made(made) => {
                came.done.push(made);
                acts.push((Act { execution_id: Some(made.0), ..act }, None));
                continue;
            }
            Enqueued::Busy(executions) => ManageError::AlreadyRunning { executions },
            Enqueued::NoJob => ManageError::NoJob(job_id),
        };
        let message = refusal.to_string();
        acts.push((act, Some(message.clone())));
        came.refused.push(BulkRefusal { id: old, message });
    }
    audit::all(conn, &acts).await?;
    Ok(came)
}

/// Cancels the pending and running runs that match, newest first, as [`cancel`](super::cancel) does.
///
/// # Errors
///
/// [`ManageError::TooMany`] when more than [`BULK_CAP`] match, with nothing done; or when the
/// database gives up half-way: then the hundreds of runs that were done before stay done.
pub async fn cancel_many(db: &Db, filter: &Filter, actor: &Actor) -> Result<BulkDone, ManageError> {
    let mut conn = db.get().await?;
    let targets = targets(&mut conn, filter, BulkWish::Cancel, Act::new(actor, "cancel")).await?;
    let mut all = BulkDone::default();
    for chunk in targets.chunks(CHUNK) {
        transactions::begin(&mut conn).await?;
        let cancelled = cancel_chunk(&mut conn, chunk, actor).await;
        let (mut some, begun) = transactions::end(&mut conn, cancelled).await?;
        tell_cancelled(&mut conn, &begun).await;
        all.done.append(&mut some.done);
        all.refused.append(&mut some.refused);
    }
    // Of those that had not begun, no worker tells.
    let done: Vec<i64> = all.done.iter().map(|id| id.0).collect();
    for some in done.chunks(CHUNK) {
        tell_changed(&mut conn, some).await;
    }
    Ok(all)
}

/// Returns what came of it, and those that had begun.
async fn cancel_chunk(
    conn: &mut Conn,
    targets: &[Target],
    actor: &Actor,
) -> Result<(BulkDone, Vec<i64>), StoreError> {
    let ids: Vec<i64> = targets.iter().map(|target| target.id).collect();
    let asked = job_executions::cancel_all(conn, &ids).await?;
    let mut came = BulkDone::default();
    let mut acts = Vec::with_capacity(targets.len());
    for target in targets {
        let id = ExecutionId(target.id);
        let act = about(target, actor, "cancel");
        if asked.iter().any(|(asked, _)| *asked == target.id) {
            came.done.push(id);
            acts.push((act, None));
        } else {
            let message = format!("execution {id} ended in the meantime");
            acts.push((act, Some(message.clone())));
            came.refused.push(BulkRefusal { id, message });
        }
    }
    audit::all(conn, &acts).await?;
    Ok((came, asked.into_iter().filter(|(_, begun)| *begun).map(|(id, _)| id).collect()))
}

fn about<'a>(target: &'a Target, actor: &'a Actor, action: &'static str) -> Act<'a> {
    Act {
        job_id: Some(target.job_id),
        job_name: Some(&target.job_name),
        execution_id: Some(target.id),
        ..Act::new(actor, action)
    }
}
