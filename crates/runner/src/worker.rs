//! The worker loop: apalis drives claimed runs through the engine.
//!
//! apalis gives the loop itself, the limit on runs side by side, the shared engine as `Data`, the
//! events of the worker, and a monitor that starts the loop again should it ever break. Where runs
//! come from and what becomes of them is ours; nothing else in the crate names apalis.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use apalis::layers::WorkerBuilderExt;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::monitor::Monitor;
use apalis_core::task::Task;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::event::Event;
use tokio::sync::mpsc;
use tower::layer::util::Identity;
use tracing::{debug, error};

use crate::claimer::Work;
use crate::engine::Engine;

/// apalis's view of the claims: a stream that never fails and that ends after the last claim.
#[derive(Clone)]
struct Claims(Arc<Mutex<mpsc::Receiver<Work>>>);

impl Backend for Claims {
    type Task = Task<Work>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Work>, Infallible>>> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.poll_recv(cx).map(|work| work.map(|work| Ok(Task::from(work))))
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        // The end of the claims does not end apalis's worker by itself; asked for here, after the
        // last run, it ends in order. It can only be refused because it has stopped already.
        let _ = worker.stop();
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Claims {
    type Args = Work;
    type Id = i64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}

async fn handle<D: Send + Sync + 'static>(work: Work, engine: Data<Arc<Engine<D>>>) {
    engine.run(work).await;
}

/// Runs what comes out of `work` until it ends and the last run with it.
pub(crate) async fn run<D: Send + Sync + 'static>(
    engine: Arc<Engine<D>>,
    work: mpsc::Receiver<Work>,
) {
    let claims = Claims(Arc::new(Mutex::new(work)));
    let name = engine.control.worker_id.to_string();
    let concurrency = engine.control.config.concurrency;
    let monitor = Monitor::new()
        .should_restart(|worker, error| {
            error!(worker = worker.name(), %error, "the worker loop broke; starting it again");
            true
        })
        .on_event(|worker, event| {
            if !matches!(event, Event::Success(_)) {
                debug!(worker = worker.name(), "{event}");
            }
        })
        .register(move |_| {
            WorkerBuilder::new(name.as_str())
                .backend(claims.clone())
                .data(Arc::clone(&engine))
                .concurrency(concurrency)
                .build(handle::<D>)
        });
    if let Err(error) = monitor.run().await {
        error!(%error, "the worker ended in disorder");
    }
}
