//! Where log lines and spans go: standard error, the record of the run that they belong to, and a
//! collector of traces where one is named.

mod traces;

use std::error::Error;
use std::io::IsTerminal;

use riftwatch_runner::log_capture;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub(crate) use self::traces::Traces;
use self::traces::WithIds;
use crate::settings::{LogFormat, Settings};

/// Why nothing is logged or traced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    /// The filter cannot be read.
    #[error(
        "RUST_LOG (log.filter) is {filter:?}: expected levels by module, as in \"info,riftwatch_riot=debug\""
    )]
    Filter {
        filter: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The collector of traces cannot be reached by any means.
    #[error(transparent)]
    Collector(#[from] NoCollector),
}

/// No client for a collector of traces.
#[derive(Debug, thiserror::Error)]
#[error("the collector of traces")]
pub(crate) struct NoCollector(#[source] Box<dyn Error + Send + Sync>);

/// Sends log lines to standard error as the settings' filter says, those of runs to their records,
/// whatever the filter, and spans to the collector, if one is named. To be called on the runtime.
pub(crate) fn init(settings: &Settings) -> Result<Option<Traces>, TelemetryError> {
    let log = &settings.log;
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .map_err(|source| TelemetryError::Filter { filter: log.filter.clone(), source })?;
    let traces = settings.otlp_endpoint().as_ref().map(Traces::to).transpose()?;
    let lines =
        fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match log.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json if traces.is_some() => lines.json().map_event_format(WithIds).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(traces.as_ref().map(Traces::layer))
        .with(lines.with_filter(filter))
        .with(log_capture::layer())
        .init();
    Ok(traces)
}
