//! Runs: list, trigger, cancel, retry, logs; and the overview.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId, ExecutionStatus, LogLine, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_store::execution_logs::{self, LineFilter};
use riftwatch_store::job_executions::{self, Cancel, Enqueued, Filter, Overview, Request};
use riftwatch_store::{Conn, Db, StoreError, job_configurations, transactions, workers};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};
use tracing::debug;

use super::audit::{self, Act};
use super::{Actor, ManageError, estimate};
use crate::job::chain_of;
use crate::log_buffer::mark;
use crate::outbox::{SIGHTS, WISHES, list};

/// Runs, newest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExecutionPage {
    /// The runs.
    pub items: Vec<Execution>,
    /// Give this as `before` for the next page. `None`: this is the last.
    pub next_cursor: Option<ExecutionId>,
}

/// The runs that match, before run `before`, at most `limit`. Costs milliseconds however many there
/// are, and a page stays what it was while runs arrive.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn executions(
    db: &Db,
    filter: &Filter,
    before: Option<ExecutionId>,
    limit: i64,
) -> Result<ExecutionPage, ManageError> {
    let mut conn = db.get().await?;
    let items = job_executions::list(&mut conn, filter, before, limit + 1).await?;
    let (items, next_cursor) = super::page(items, limit, |run| run.id);
    Ok(ExecutionPage { items, next_cursor })
}

/// A run, and when it may be done.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExecutionView {
    /// The run.
    #[serde(flatten)]
    pub execution: Execution,
    /// Expected end of a run that goes on: by its progress and the pace of the job's last
    /// successes, else by how long they took. `None` when neither says anything.
    pub expected_end_at: Option<DateTime<Utc>>,
}

/// One run.
///
/// # Errors
///
/// [`ManageError::NoExecution`], or when the database cannot be asked.
pub async fn find_execution(db: &Db, id: ExecutionId) -> Result<ExecutionView, ManageError> {
    let mut conn = db.get().await?;
    let execution =
        job_executions::find(&mut conn, id).await?.ok_or(ManageError::NoExecution(id))?;
    let expected_end_at = match (execution.status, execution.started_at) {
        (ExecutionStatus::Running, Some(started_at)) => {
            expected_end(&mut conn, &execution, started_at).await?
        }
        _ => None,
    };
    Ok(ExecutionView { execution, expected_end_at })
}

async fn expected_end(
    conn: &mut Conn,
    execution: &Execution,
    started_at: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let now = job_configurations::now(conn).await?;
    let history = job_executions::history(conn, execution.job_id).await?;
    let elapsed_s = (now - started_at).as_seconds_f64();
    let Some(left_s) = estimate::left_s(elapsed_s, execution.progress.as_ref(), history) else {
        return Ok(None);
    };
    let left = Duration::try_from_secs_f64(left_s).unwrap_or_default();
    Ok(now.checked_add_signed(TimeDelta::from_std(left).unwrap_or(TimeDelta::zero())))
}

/// Asks for a run now. Works also while the job is disabled or paused, and with any scheduler off.
///
/// # Errors
///
/// [`ManageError::NoJob`]; [`ManageError::AlreadyRunning`] with the runs that take the job's slots;
/// or when the database cannot be asked.
pub async fn trigger(
    db: &Db,
    id: JobId,
    how: Trigger,
    actor: &Actor,
) -> Result<ExecutionId, ManageError> {
    ask(db, id, how, None, actor).await
}

/// Runs a failed or cancelled run's job again, with its settings as they are now.
///
/// # Errors
///
/// [`ManageError::NoExecution`]; [`ManageError::NotRetriable`]; [`ManageError::NoJob`] when the job
/// was deleted; [`ManageError::AlreadyRunning`] with the runs that are in the way; or when the
/// database cannot be asked.
pub async fn retry(db: &Db, id: ExecutionId, actor: &Actor) -> Result<ExecutionId, ManageError> {
    let mut conn = db.get().await?;
    let old = job_executions::find(&mut conn, id).await?.ok_or(ManageError::NoExecution(id))?;
    if !matches!(old.status, ExecutionStatus::Failed | ExecutionStatus::Cancelled) {
        let error = ManageError::NotRetriable { id, status: old.status };
        let act = Act {
            job_id: Some(old.job_id.0),
            execution_id: Some(id.0),
            ..Act::new(actor, "retry")
        };
        audit::refused(&mut conn, act, &error).await;
        return Err(error);
    }
    drop(conn);
    ask(db, old.job_id, Trigger::Retry, Some((id, old.attempt + 1)), actor).await
}

async fn ask(
    db: &Db,
    id: JobId,
    how: Trigger,
    retry: Option<(ExecutionId, i32)>,
    actor: &Actor,
) -> Result<ExecutionId, ManageError> {
    let mut conn = db.get().await?;
    let action = if retry.is_some() { "retry" } else { "trigger" };
    let mut act = Act { job_id: Some(id.0), ..Act::new(actor, action) };
    let request = Request { job_id: id, trigger: how, requested_by: Some(&actor.name), retry };
    transactions::begin(&mut conn).await?;
    let enqueued = async {
        let made = match job_executions::enqueue(&mut conn, request).await? {
            Enqueued::Made(made) => made,
            Enqueued::Busy(executions) => return Err(ManageError::AlreadyRunning { executions }),
            Enqueued::NoJob => return Err(ManageError::NoJob(id)),
        };
        act.execution_id = Some(made.0);
        audit::done(&mut conn, act, json!({})).await?;
        Ok(made)
    }
    .await;
    match transactions::end(&mut conn, enqueued).await {
        Ok(made) => {
            tell_due(&mut conn).await;
            Ok(made)
        }
        Err(error) => {
            audit::refused(&mut conn, act, &error).await;
            Err(error)
        }
    }
}

/// Tells runners that runs are due. After the commit, so that no transaction that does work holds
/// the notification's lock; of many callers at once, one tells for all. If it is lost, polling
/// finds what it would have said.
pub(super) async fn tell_due(conn: &mut Conn) {
    told(workers::notify_once(conn, WISHES, "due").await);
}

/// Tells the workers of running runs to stop them.
pub(super) async fn tell_cancelled(conn: &mut Conn, ids: &[i64]) {
    if !ids.is_empty() {
        let payload = format!("cancel:{}", list(ids.iter().copied()));
        told(workers::notify(conn, WISHES, &payload).await);
    }
}

/// Tells those who look on that runs changed which no worker holds.
pub(super) async fn tell_changed(conn: &mut Conn, ids: &[i64]) {
    if !ids.is_empty() {
        told(workers::notify(conn, SIGHTS, &list(ids.iter().copied())).await);
    }
}

fn told(result: Result<(), StoreError>) {
    if let Err(error) = result {
        debug!(error = chain_of(&error), "a notification was not sent");
    }
}

/// Ends a run: a pending one at once, a running one as soon as its job reacts, two seconds at most.
/// Returns whether it had already begun. If it ends by itself first, its own result stands.
///
/// # Errors
///
/// [`ManageError::NoExecution`], [`ManageError::Ended`], or when the database cannot be asked.
pub async fn cancel(db: &Db, id: ExecutionId, actor: &Actor) -> Result<bool, ManageError> {
    let mut conn = db.get().await?;
    let mut act = Act { execution_id: Some(id.0), ..Act::new(actor, "cancel") };
    transactions::begin(&mut conn).await?;
    let asked = async {
        let begun = match job_executions::cancel(&mut conn, id).await? {
            Cancel::Cancelled => false,
            Cancel::Requested => true,
            Cancel::Ended(status) => return Err(ManageError::Ended { id, status }),
            Cancel::NoRun => return Err(ManageError::NoExecution(id)),
        };
        let run = job_executions::find(&mut conn, id).await?;
        act.job_id = run.map(|run| run.job_id.0);
        audit::done(&mut conn, act, json!({})).await?;
        Ok(begun)
    }
    .await;
    match transactions::end(&mut conn, asked).await {
        Ok(begun) => {
            if begun {
                tell_cancelled(&mut conn, &[id.0]).await;
            } else {
                tell_changed(&mut conn, &[id.0]).await;
            }
            Ok(begun)
        }
        Err(error) => {
            audit::refused(&mut conn, act, &error).await;
            Err(error)
        }
    }
}

/// Lines of a run's log.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LogPage {
    /// The lines, in order.
    pub items: Vec<LogLine>,
    /// Give this as `after` for what follows; while the run goes on, lines may still come.
    pub next_after: i32,
    /// Whether the run has ended, so that an empty page is the end.
    pub ended: bool,
}

/// The lines of a run after line `after` (0: from the first), at most `limit`.
///
/// Lines can be read about a tenth of a second after they were logged. A run that goes on and has
/// logged more than is kept of its beginning shows its newest lines only, a hundred at most; where
/// `after` is further behind, a line in place of those between says how many they are. With that
/// line's number or a later one as the next `after`, no line comes twice.
///
/// # Errors
///
/// [`ManageError::NoExecution`], or when the database cannot be asked.
pub async fn logs(
    db: &Db,
    id: ExecutionId,
    after: i32,
    filter: &LineFilter,
    limit: i64,
) -> Result<LogPage, ManageError> {
    let mut conn = db.get().await?;
    // First: lines are stored together with the end, so that none comes after an end seen here.
    let run = job_executions::find(&mut conn, id).await?.ok_or(ManageError::NoExecution(id))?;
    // Before the stored lines: all that come before a tail are stored before it is shown.
    let tail = if run.status.is_final() {
        Vec::new()
    } else {
        execution_logs::tail(&mut conn, id).await?
    };
    let mut items = execution_logs::list(&mut conn, id, after, filter, limit).await?;
    let room = usize::try_from(limit).unwrap_or(0).saturating_sub(items.len());
    if room > 0 {
        let stored = items.last().map_or(after, |line| line.seq);
        items.extend(newest(tail, stored, filter).into_iter().take(room));
    }
    let next_after = items.last().map_or(after, |line| line.seq);
    Ok(LogPage { items, next_after, ended: run.status.is_final() })
}

/// What a shown tail adds to the lines up to `stored`. A filter that hides lines hides the mark too:
/// it cannot say how many of those passed over it would have let through.
fn newest(tail: Vec<LogLine>, stored: i32, filter: &LineFilter) -> Vec<LogLine> {
    let mut lines: Vec<LogLine> = tail.into_iter().filter(|line| line.seq > stored).collect();
    let mut passed_over = None;
    if let Some(first) = lines.first()
        && *filter == LineFilter::default()
        && first.seq > stored.saturating_add(1)
    {
        let missing = u64::try_from(first.seq - 1 - stored).unwrap_or(0);
        let message = format!(
            "{missing} lines are passed over here: a run that goes on shows its newest lines only"
        );
        passed_over = Some(mark(first, message, missing));
    }
    lines.retain(|line| filter.lets_through(line));
    passed_over.into_iter().chain(lines).collect()
}

/// The whole system at a glance.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn overview(db: &Db) -> Result<(Overview, Option<Execution>), ManageError> {
    let mut conn = db.get().await?;
    let overview = job_executions::overview(&mut conn).await?;
    let last = job_executions::list(&mut conn, &Filter::default(), None, 1).await?.pop();
    Ok((overview, last))
}

/// Waits until a run has ended, at most `patience`. Returns it as it is then.
///
/// # Errors
///
/// [`ManageError::NoExecution`], or when the database cannot be asked.
pub async fn wait_for_end(
    db: &Db,
    id: ExecutionId,
    patience: Duration,
) -> Result<Execution, ManageError> {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(5);
    loop {
        let run = {
            let mut conn = db.get().await?;
            job_executions::find(&mut conn, id).await?.ok_or(ManageError::NoExecution(id))?
        };
        if run.status.is_final() || Instant::now() + pause > deadline {
            return Ok(run);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}
