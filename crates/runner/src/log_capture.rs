//! A `tracing` layer that gives every event inside a run to the run's own log.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use riftwatch_domain::execution::LogLine;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::run::Run;
use crate::tally::clean_text;

/// The layer, for events of level `INFO` and above. Install it beside the program's own:
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(riftwatch_runner::log_capture::layer());
/// # drop(subscriber);
/// ```
///
/// A filter on the whole registry holds for runs as well; put it on the other layers instead.
pub fn layer<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    layer_at(LevelFilter::INFO)
}

/// As [`layer`], for events of another level and above.
pub fn layer_at<S>(level: LevelFilter) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Capture.with_filter(level)
}

thread_local! {
    /// The run whose span is being made on this thread.
    static OPENING: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
}

const NAME: &str = "job.run";

/// The span of a run. Events inside it, at any depth, belong to the run. For traces, it is inside a
/// span of its tick, which was due at `due`.
pub(crate) fn open(
    run: &Arc<Run>,
    job_name: &str,
    job_type: &str,
    due: Option<DateTime<Utc>>,
) -> Span {
    let tick = tracing::trace_span!(
        target: "riftwatch_trace",
        parent: None,
        "job.tick",
        job.name = job_name,
        job.kind = job_type,
        execution.id = run.id,
        due_at_ms = due.map(|due| due.timestamp_millis()),
    );
    OPENING.with(|opening| *opening.borrow_mut() = Some(Arc::clone(run)));
    // At the highest level, so that no level filter hides it and with it the runs' events.
    let span = tracing::error_span!(
        target: "riftwatch_runner",
        parent: tick.id(),
        NAME,
        job.name = job_name,
        job.kind = job_type,
        execution.id = run.id,
    );
    OPENING.with(|opening| *opening.borrow_mut() = None);
    span
}

struct Capture;

struct Owner(Arc<Run>);

impl<S> Layer<S> for Capture
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attrs.metadata().name() != NAME {
            return;
        }
        if let Some(run) = OPENING.with(|opening| opening.borrow_mut().take())
            && let Some(span) = ctx.span(id)
        {
            span.extensions_mut().insert(Owner(run));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(scope) = ctx.event_scope(event) else { return };
        for span in scope {
            if let Some(Owner(run)) = span.extensions().get::<Owner>() {
                run.log(|at| {
                    let mut fields = Fields::default();
                    event.record(&mut fields);
                    LogLine {
                        seq: 0,
                        at,
                        level: event.metadata().level().to_string(),
                        target: event.metadata().target().to_owned(),
                        message: fields.message,
                        fields: fields.rest.into(),
                    }
                });
                return;
            }
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.rest.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = clean_text(&format!("{value:?}"));
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = clean_text(value);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, clean_text(&crate::job::chain_of(value)));
    }
}
