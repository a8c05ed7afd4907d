//! Traces for an OpenTelemetry collector: spans leave in batches over OTLP, and nobody waits for
//! them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opentelemetry::trace::{SpanId, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use riftwatch_domain::causes::chain;
use tokio::runtime::Handle;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::NoCollector;

/// The longest that a batch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that the program's end waits for what was not sent yet.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The target of spans that are there for traces only.
const TRACES_ONLY: &str = "riftwatch_trace";

/// Where spans go. Sends what is left when told that the program ends.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Prepares the way to the collector; nothing is sent yet. The queue is bounded: where the
    /// collector is slow or away, spans are dropped.
    pub(super) fn to(endpoint: &Url) -> Result<Self, NoCollector> {
        let target = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|source| NoCollector(source.into()))?;
        let client =
            Collector { http, runtime: Handle::current(), is_away: AtomicBool::new(false) };
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(target)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|source| NoCollector(source.into()))?;
        let resource = Resource::builder()
            .with_service_name("riftwatch")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(Shaped(exporter))
            .build();
        // SQL is told by the connections themselves.
        riftwatch_store::query_spans::turn_on();
        Ok(Self(provider))
    }

    /// The layer that makes spans of the program's.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let ours = |metadata: &Metadata<'_>| {
            let target = metadata.target();
            // Without events: log lines go where they always go.
            metadata.is_span()
                && (target == TRACES_ONLY
                    || (target.starts_with("riftwatch")
                        && *metadata.level() <= tracing::Level::INFO))
        };
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("riftwatch"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter_fn(ours))
    }

    /// Sends what is left, for at most three seconds.
    pub(crate) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_WORDS) {
            tracing::debug!(error = chain(&error), "the last spans were not sent");
        }
    }
}

/// The collector, over the HTTP client that the program has. The exporter runs on a thread of its
/// own, without a runtime.
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    is_away: AtomicBool,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request: reqwest::Request = request.try_into()?;
        let http = self.http.clone();
        let asked = async move {
            let answer = http.execute(request).await.map_err(reqwest::Error::without_url)?;
            let status = answer.status();
            let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
            Ok::<_, reqwest::Error>((status, body))
        };
        let answer: Result<_, HttpError> = match self.runtime.spawn(asked).await? {
            Ok((status, body)) if status.is_success() => Ok((status, body)),
            Ok((status, _)) => Err(HttpError::from(format!("it answered {status}"))),
            Err(error) => Err(error.into()),
        };
        let was_away = self.is_away.swap(answer.is_err(), Ordering::Relaxed);
        match &answer {
            Err(error) if !was_away => tracing::warn!(
                error = chain(&**error),
                "the collector of traces takes nothing: spans are dropped until it does"
            ),
            Ok(_) if was_away => tracing::info!("the collector of traces takes spans again"),
            _ => {}
        }
        let (status, body) = answer?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

/// Gives spans the times and names that `tracing` cannot.
#[derive(Debug)]
struct Shaped(OtlpExporter);

impl SpanExporter for Shaped {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(shape);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn shape(span: &mut SpanData) {
    // Paths have puuids and names in them; the route says which path.
    span.attributes.retain(|attribute| attribute.key.as_str() != "http.path");
    let text = |key: &'static str| found(span, key).map(|value| value.as_str().into_owned());
    match &*span.name {
        // Whoever claims a run opens the span of the tick that it is due to.
        "job.tick" => {
            if let Some(Value::I64(due_ms)) = found(span, "due_at_ms")
                && let Ok(due_ms) = u64::try_from(*due_ms)
            {
                let due = SystemTime::UNIX_EPOCH + Duration::from_millis(due_ms);
                span.start_time = span.start_time.min(due);
            }
        }
        "request" => {
            if let (Some(method), Some(route)) = (text("http.method"), text("http.route")) {
                span.name = format!("{method} {route}").into();
            }
        }
        "sql" => {
            if let Some(statement) = text("db.operation") {
                span.name = statement.into();
            }
        }
        "riot.call" => {
            if let Some(endpoint) = text("riot.endpoint") {
                span.name = format!("riot {endpoint}").into();
            }
        }
        _ => {}
    }
}

fn found<'a>(span: &'a SpanData, key: &'static str) -> Option<&'a Value> {
    let is = |attribute: &&KeyValue| attribute.key == Key::from_static_str(key);
    span.attributes.iter().find(is).map(|attribute| &attribute.value)
}

/// JSON lines with the ids of the trace and the span that they belong to.
pub(super) struct WithIds<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let ids = tracing::Span::current().id().and_then(|id| {
            tracing::dispatcher::get_default(|all| {
                tracing_opentelemetry::get_otel_context(&id, all)
            })
        });
        let ids = ids.map(|context| context.span().span_context().clone());
        let Some(ids) = ids.filter(|ids| ids.span_id() != SpanId::INVALID) else {
            return self.0.format_event(ctx, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(ctx, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(
                writer,
                "{{\"trace_id\":\"{}\",\"span_id\":\"{}\",{rest}",
                ids.trace_id(),
                ids.span_id()
            ),
            None => writer.write_str(&line),
        }
    }
}
