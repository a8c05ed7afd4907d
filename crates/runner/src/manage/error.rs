//! Why a wish was refused, with the field and the mend.

use riftwatch_domain::execution::{ExecutionId, ExecutionStatus};
use riftwatch_domain::job::JobId;
use riftwatch_store::StoreError;

/// One thing that is wrong with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{path}: {message}")]
pub struct FieldError {
    /// The field: `interval_seconds`, `config_json.platforms[1]`.
    pub path: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Why a wish was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// There is no such job.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// There is no such run.
    #[error("there is no execution {0}")]
    NoExecution(ExecutionId),
    /// The job never had this version.
    #[error("job {id} has no version {version}")]
    NoVersion {
        /// The job.
        id: JobId,
        /// The version that was asked for.
        version: i64,
    },
    /// A wish about many runs that is about too many.
    #[error("{matching} runs or more match, {cap} at most are done at once: narrow the filter")]
    TooMany {
        /// How many match, as far as was counted.
        matching: i64,
        /// How many are allowed.
        cap: i64,
    },
    /// Fields that do not fit.
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
    /// Another job has the name.
    #[error("name: there is a job {0:?} already; choose another name or change that one")]
    NameTaken(String),
    /// Somebody else edited the job in the meantime.
    #[error("the job is at version {current}, not {expected}: read it again and repeat the edit")]
    VersionConflict {
        /// The version that the edit was made for.
        expected: i64,
        /// The version now.
        current: i64,
    },
    /// All of the job's slots are taken.
    #[error("the job is running already, as execution {}", ids(.executions))]
    AlreadyRunning {
        /// By these runs, oldest first.
        executions: Vec<ExecutionId>,
    },
    /// The run has ended; there is nothing to cancel.
    #[error("execution {id} has ended already: it is {status}")]
    Ended {
        /// The run.
        id: ExecutionId,
        /// How it ended.
        status: ExecutionStatus,
    },
    /// Only failed and cancelled runs can be run again.
    #[error(
        "execution {id} is {status}: only a failed or cancelled one can be retried; trigger the job instead"
    )]
    NotRetriable {
        /// The run.
        id: ExecutionId,
        /// Where it stands.
        status: ExecutionStatus,
    },
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn ids(ids: &[ExecutionId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl ManageError {
    /// Whether the actor's wish was the cause, not the database.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Store(_))
    }
}
