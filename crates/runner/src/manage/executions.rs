//! Runs: list, trigger, cancel, retry, logs; and the overview.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::execution::{Execution, ExecutionId, ExecutionStatus, LogLine, Trigger};
use riftwatch_domain::job::JobId;
use riftwatch_store::execution_logs::{self, LineFilter};
use riftwatch_store::job_executions::{self, Cancel, Enqueued, Filter, Overview, Request};
use riftwatch_store::{Conn, Db, StoreError, job_configurations, transactions};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};
use tracing::debug;

use super::audit::{self, Act};
use super::{Actor, ManageError};
use crate::job::chain_of;

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
    let mut items = job_executions::list(&mut conn, filter, before, limit + 1).await?;
    let more = i64::try_from(items.len()).is_ok_and(|count| count > limit);
    if more {
        items.pop();
    }
    let next_cursor = items.last().filter(|_| more).map(|run| run.id);
    Ok(ExecutionPage { items, next_cursor })
}

/// A run, and when it may be done.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExecutionView {
    /// The run.
    #[serde(flatten)]
    pub execution: Execution,
    /// Expected end of a run that goes on: by its progress, else by the median of the job's last
    /// successes. `None` when neither says anything.
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
    let seconds = match &execution.progress {
        // The first few items say too little.
        Some(progress) if progress.percent() >= 5 => {
            let elapsed = (now - started_at).as_seconds_f64();
            elapsed * 100.0 / f64::from(progress.percent())
        }
        _ => match job_executions::median_duration_s(conn, execution.job_id).await? {
            Some(seconds) => seconds,
            None => return Ok(None),
        },
    };
    let taken = std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    let end = started_at + TimeDelta::from_std(taken).unwrap_or(TimeDelta::zero());
    Ok(Some(end.max(now)))
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
            notify(&mut conn, "due").await;
            Ok(made)
        }
        Err(error) => {
            audit::refused(&mut conn, act, &error).await;
            Err(error)
        }
    }
}

/// After the commit, so that no transaction holds the notification's lock. If it is lost, polling
/// finds what it would have said.
async fn notify(conn: &mut Conn, payload: &str) {
    if let Err(error) =
        riftwatch_store::workers::notify(conn, crate::wakeups::CHANNEL, payload).await
    {
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
                notify(&mut conn, &format!("cancel:{id}")).await;
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
    let items = execution_logs::list(&mut conn, id, after, filter, limit).await?;
    let next_after = items.last().map_or(after, |line| line.seq);
    Ok(LogPage { items, next_after, ended: run.status.is_final() })
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
