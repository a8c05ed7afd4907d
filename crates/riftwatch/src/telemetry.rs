//! Where log lines go: standard error, and the record of the run that they belong to.

use std::io::IsTerminal;

use riftwatch_runner::log_capture;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::settings::{LogFormat, LogSettings};

/// The filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "RUST_LOG (log.filter) is {filter:?}: expected levels by module, as in \"info,riftwatch_riot=debug\""
)]
pub(crate) struct InvalidFilter {
    filter: String,
    #[source]
    source: tracing_subscriber::filter::ParseError,
}

/// Sends log lines to standard error as the settings' filter says, and those of runs to their
/// records, whatever the filter.
pub(crate) fn init(settings: &LogSettings) -> Result<(), InvalidFilter> {
    let filter = EnvFilter::builder()
        .parse(&settings.filter)
        .map_err(|source| InvalidFilter { filter: settings.filter.clone(), source })?;
    let lines =
        fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match settings.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(log_capture::layer())
        .init();
    Ok(())
}
