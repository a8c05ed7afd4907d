//! Carries one claimed run from its settings to its recorded end.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riftwatch_domain::execution::{ExecutionId, ExecutionReason};
use riftwatch_domain::job::JobId;
use riftwatch_store::job_executions::{Claimed, Finish};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{sleep, timeout};
use tracing::{Instrument, error, info, warn};

use crate::claimer::Work;
use crate::context::JobContext;
use crate::control::Control;
use crate::finisher::{Ended, Finisher};
use crate::job::{JobError, Outcome};
use crate::log_buffer::LogBuffer;
use crate::log_capture;
use crate::registry::{Registry, RunFuture};
use crate::run::{Run, Stop, progress_json};
use crate::tally::{Tally, clean_text};

/// How long a dropped future may take to be gone before the run is given up. Longer means that its
/// code does not come to an `await`.
const DROP_WINDOW: Duration = Duration::from_millis(100);

/// What runs need.
pub(crate) struct Engine<D> {
    pub(crate) control: Arc<Control>,
    pub(crate) registry: Arc<Registry<D>>,
    pub(crate) deps: Arc<D>,
    pub(crate) finisher: Finisher,
}

/// How a run's code ended.
enum End {
    Returned(Result<Outcome, JobError>),
    Panicked(String),
    /// Dropped at an `await`, because it did not end by itself after its stop.
    Dropped,
    /// It never came to an `await`: it goes on, and nobody listens to it.
    Detached,
}

impl<D: Send + Sync + 'static> Engine<D> {
    /// Runs it, and hands its end to the finisher. Returns when its slot may be used again.
    pub(crate) async fn run(&self, work: Work) {
        let Work { claimed, at, slot } = work;
        // A claim that is half a lease old was held up: the process stood still, or the machine is
        // far too busy. Somebody else will be quicker.
        if !self.control.may_begin() || at.elapsed() > self.control.config.lease / 2 {
            self.finisher.give_back(claimed.id).await;
            return;
        }
        let run = Arc::new(Run::new(
            &claimed,
            at,
            LogBuffer::new(self.control.config.log_lines),
            Arc::clone(&self.control.lines),
        ));
        self.control.begin(&run);
        let ended = self.begin(&claimed, &run).await;
        self.control.end(run.id);
        drop(slot);
        self.finisher.ended(ended).await;
    }

    async fn begin(&self, claimed: &Claimed, run: &Arc<Run>) -> Ended {
        let cx = JobContext {
            deps: Arc::clone(&self.deps),
            cancel: run.cancel.clone(),
            now: claimed.started_at,
            execution_id: ExecutionId(claimed.id),
            job_id: JobId(claimed.job_id),
            job_name: claimed.job_name.clone(),
            attempt: claimed.attempt,
            scheduled_for: claimed.scheduled_for,
            tally: Tally(Arc::clone(run)),
        };
        let span =
            log_capture::open(run, &claimed.job_name, &claimed.job_type, claimed.scheduled_for);
        match self.registry.start(&claimed.job_type, cx, &claimed.config) {
            Some(Ok(job)) => {
                let limit = match claimed.timeout_seconds {
                    Some(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
                    None => self.control.config.default_timeout,
                };
                let end = self.supervise(job, run, limit, &span).await;
                span.in_scope(|| conclude(run, end, limit))
            }
            Some(Err(error)) => {
                let error = format!("the job's settings do not fit its type: {error}");
                span.in_scope(|| error!("{error}"));
                record(run, ExecutionReason::InvalidConfig, vec![error], None)
            }
            None => {
                let error = format!(
                    "job_type: no running program knows the job type {:?}",
                    claimed.job_type
                );
                span.in_scope(|| error!("{error}"));
                record(run, ExecutionReason::UnknownJobType, vec![error], None)
            }
        }
    }

    /// Runs the job's code in a task of its own, so that neither a panic nor a stop touches the
    /// worker.
    async fn supervise(
        &self,
        job: RunFuture,
        run: &Arc<Run>,
        limit: Duration,
        span: &tracing::Span,
    ) -> End {
        let mut task = tokio::spawn(job.instrument(span.clone()));
        tokio::select! {
            biased;
            result = &mut task => return end_of(result),
            () = run.cancel.cancelled() => {}
            () = sleep(limit) => run.stop(Stop::Timeout),
        }
        if let Ok(result) = timeout(self.stop_window(run), &mut task).await {
            return end_of(result);
        }
        task.abort();
        if let Ok(result) = timeout(DROP_WINDOW, &mut task).await {
            return end_of(result);
        }
        self.detach(task, run.id);
        End::Detached
    }

    /// How long a run has to end by itself after its stop.
    fn stop_window(&self, run: &Run) -> Duration {
        match run.stopped() {
            Some(Stop::Timeout) => Duration::from_millis(500),
            // Between the fence, at two thirds of the lease, and the end of the lease.
            Some(Stop::Fenced) => self.control.config.lease / 6,
            _ => Duration::from_secs(2),
        }
    }

    fn detach(&self, task: JoinHandle<Result<Outcome, JobError>>, id: i64) {
        let control = Arc::clone(&self.control);
        let count = control.detached.fetch_add(1, Ordering::AcqRel) + 1;
        error!(
            execution.id = id,
            detached = count,
            "run {id} does not come to an await: its slot is given back, its thread is lost until it does"
        );
        tokio::spawn(async move {
            let _ = task.await;
            control.detached.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

fn end_of(result: Result<Result<Outcome, JobError>, JoinError>) -> End {
    match result {
        Ok(returned) => End::Returned(returned),
        Err(error) if error.is_panic() => End::Panicked(panic_message(&*error.into_panic())),
        Err(_) => End::Dropped,
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without words".to_owned()
    }
}

fn conclude(run: &Run, end: End, limit: Duration) -> Ended {
    let stop = run.stopped();
    let stop_words = |stop: Stop| match stop {
        Stop::Timeout => format!("it took longer than {} s", limit.as_secs_f64()),
        Stop::Cancelled => "it was cancelled".to_owned(),
        Stop::Shutdown => "the process shut down before it had ended".to_owned(),
        Stop::Fenced => "its process could not reach the database to renew its lease".to_owned(),
        Stop::Gone => "it was closed by somebody else".to_owned(),
    };
    let (reason, causes, retry_after) = match (end, stop) {
        // What is done is done, whatever was asked for in the meantime.
        (End::Returned(Ok(Outcome::Done)), _) => (ExecutionReason::Completed, vec![], None),
        (End::Returned(Ok(Outcome::Partial)), _) => (ExecutionReason::Partial, vec![], None),
        (End::Returned(Ok(Outcome::RateLimited { retry_after })), _) => {
            (ExecutionReason::RateLimited, vec![], Some(retry_after))
        }
        (End::Returned(Ok(Outcome::Interrupted)), None) => (ExecutionReason::Partial, vec![], None),
        (End::Returned(Ok(Outcome::Interrupted)) | End::Dropped, Some(stop)) => {
            (stop.reason(), vec![stop_words(stop)], None)
        }
        (End::Returned(Err(error)), None) => (ExecutionReason::Error, error.causes(), None),
        (End::Returned(Err(error)), Some(stop)) => {
            let causes = [stop_words(stop)].into_iter().chain(error.causes()).collect();
            (stop.reason(), causes, None)
        }
        (End::Panicked(message), _) => {
            (ExecutionReason::Panicked, vec![format!("panicked: {message}")], None)
        }
        (End::Detached, Some(stop)) => (
            stop.reason(),
            vec![format!("{}, and did not react to being cancelled", stop_words(stop))],
            None,
        ),
        // Only a runtime that shuts down drops a task that nobody stopped.
        (End::Dropped | End::Detached, None) => {
            (ExecutionReason::Shutdown, vec![stop_words(Stop::Shutdown)], None)
        }
    };
    if stop == Some(Stop::Gone) {
        warn!("the run was closed by somebody else while it went on: its end is dropped");
    } else if !causes.is_empty() {
        let error = causes.join(": ");
        error!(reason = %reason, "the run ended badly: {error}");
    } else if reason == ExecutionReason::RateLimited {
        info!("the run is rate limited and comes back");
    }
    record(run, reason, causes, retry_after)
}

fn record(
    run: &Run,
    reason: ExecutionReason,
    causes: Vec<String>,
    retry_after: Option<Duration>,
) -> Ended {
    let sums = run.sums();
    let causes: Vec<String> = causes.iter().map(|cause| clean_text(cause)).collect();
    let error = (!causes.is_empty()).then(|| causes.join(": "));
    let metrics = sums.metrics_json();
    let progress = progress_json(&sums);
    let mut notes = sums.notes;
    if let Some(error) = &error {
        notes.insert("error".to_owned(), error.clone().into());
    }
    // In one text nobody can tell a cause from a colon within one.
    if causes.len() > 1 {
        notes.insert("error_causes".to_owned(), causes.into());
    }
    Ended {
        job_id: run.job_id,
        gone: run.stopped() == Some(Stop::Gone),
        finish: Finish {
            id: run.id,
            reason,
            elapsed_ms: run.elapsed_ms(),
            metrics,
            log_data: notes.into(),
            error,
            progress,
        },
        tail_shown: run.shows_tail(),
        lines: run.end_log(),
        retry_after,
    }
}
