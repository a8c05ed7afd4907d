//! The jobs that are measured.

use std::time::{Duration, SystemTime};

use riftwatch_runner::{Job, JobContext, JobError, Outcome, Registry, async_trait};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How late a run's code began, in milliseconds: SQL over its row. Server and processes share the
/// clock of one machine.
pub(crate) const BEGAN_US: &str =
    "(metrics->>'began_us')::float8 / 1000 - extract(epoch FROM created_at)::float8 * 1000";

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NoConfig {}

macro_rules! job {
    ($name:ident, $kind:literal, $description:literal, $cx:ident => $does:expr) => {
        struct $name;

        #[async_trait]
        impl Job for $name {
            type Deps = ();
            type Config = NoConfig;
            const KIND: &'static str = $kind;
            const DESCRIPTION: &'static str = $description;
            const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
            const DEFAULT_ENABLED: bool = false;

            async fn run(&self, $cx: &JobContext<()>, _: NoConfig) -> Result<Outcome, JobError> {
                $does
            }
        }
    };
}

job!(Noop, "noop", "Says when it began, and does nothing.", cx => {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    cx.increment_metric("began_us", i64::try_from(now.as_micros())?);
    Ok(Outcome::Done)
});

job!(Wait, "wait", "Waits to be cancelled.", cx => {
    cx.cancel.cancelled().await;
    Ok(Outcome::Interrupted)
});

job!(Talk, "talk", "Logs a line now and then for ten seconds.", _cx => {
    for n in 0..200 {
        // Not in step with anything.
        tokio::time::sleep(Duration::from_millis(37 + n * 7 % 29)).await;
        tracing::info!(n, "a line");
    }
    Ok(Outcome::Done)
});

pub(crate) fn registry() -> Registry<()> {
    Registry::new().with(Noop).with(Wait).with(Talk)
}
