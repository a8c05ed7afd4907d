//! What a job is: its type, its settings, its code and its outcome.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::JobContext;

/// A type of job. One value of it serves all runs of all jobs of the type, also side by side.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// What the job works with: pools, clients. One for all jobs of a program.
    type Deps: Send + Sync + 'static;
    /// The settings in `config_json`. Put `#[serde(default, deny_unknown_fields)]` on it, so that a
    /// misspelt key is refused; the comments of its fields become the schema's descriptions.
    type Config: DeserializeOwned + Serialize + Default + JsonSchema + Send + Sync;

    /// The name that `job_type` has in the table.
    const KIND: &'static str;
    /// What it does, in one sentence.
    const DESCRIPTION: &'static str;
    /// Time between ticks in the row that the first start makes; whole seconds.
    const DEFAULT_INTERVAL: Duration;
    /// Whether that row is enabled.
    const DEFAULT_ENABLED: bool = true;
    /// The name of that row.
    const DEFAULT_NAME: &'static str = Self::KIND;

    /// Does one run's work. Must watch [`JobContext::cancel`] where it can take long: half a second
    /// after a timeout, and two seconds after a cancel or at the end of a shutdown's grace, its
    /// future is dropped at the next `await`. It must be safe to run again after any stop.
    ///
    /// # Errors
    ///
    /// Any error ends the run as failed, recorded with its chain of causes.
    async fn run(
        &self,
        cx: &JobContext<Self::Deps>,
        config: Self::Config,
    ) -> Result<Outcome, JobError>;
}

/// How a run ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is done.
    Done,
    /// Some items failed; the metrics say how many.
    Partial,
    /// A limit is used up. The progress is saved, and the next run is moved to when it can work.
    RateLimited {
        /// From now.
        retry_after: Duration,
    },
    /// Stopped early because of [`JobContext::cancel`]; the runtime knows why.
    Interrupted,
}

/// Why a run failed: any error, or words.
///
/// It is no [`Error`] itself, so that `?` turns every error into one.
pub struct JobError(Cause);

enum Cause {
    Error(Box<dyn Error + Send + Sync>),
    Message(String),
}

impl JobError {
    /// A failure without an error behind it.
    pub fn msg(message: impl fmt::Display) -> Self {
        Self(Cause::Message(message.to_string()))
    }

    /// The error and its causes, outermost first, joined by `": "`.
    pub fn chain(&self) -> String {
        self.causes().join(": ")
    }

    /// The error and its causes, outermost first. Never empty.
    pub fn causes(&self) -> Vec<String> {
        match &self.0 {
            Cause::Message(message) => vec![message.clone()],
            Cause::Error(error) => causes_of(error.as_ref()),
        }
    }
}

/// An error and its causes, outermost first, joined by `": "`.
pub(crate) fn chain_of(error: &(dyn Error + 'static)) -> String {
    causes_of(error).join(": ")
}

fn causes_of(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some errors print their cause themselves.
        if !causes.last().is_some_and(|last| last.ends_with(&text)) {
            causes.push(text);
        }
        source = cause.source();
    }
    causes
}

impl<E: Error + Send + Sync + 'static> From<E> for JobError {
    fn from(error: E) -> Self {
        Self(Cause::Error(Box::new(error)))
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobError").field(&self.chain()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn an_error_is_told_with_its_causes() {
        let failing = || -> Result<(), JobError> { Err(Outer(Inner))? };
        let error = failing().expect_err("it fails");
        assert_eq!(error.chain(), "outer: inner");
        assert_eq!(error.causes(), ["outer", "inner"]);
        assert_eq!(JobError::msg("out of milk").to_string(), "out of milk");
    }
}
