#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod claimer;
mod config;
mod context;
mod control;
mod engine;
mod finisher;
pub mod follow;
mod job;
mod keeper;
mod link;
mod listener;
mod log_buffer;
pub mod log_capture;
pub mod manage;
mod outbox;
mod plan;
mod registry;
mod run;
mod runner;
pub mod schedule;
mod tally;
mod ticker;
mod upkeep;
mod wakeups;
mod worker;

pub use async_trait::async_trait;
pub use config::RunnerConfig;
pub use context::JobContext;
pub use follow::{Change, Changes, Follow, Followed, Watch};
pub use job::{Job, JobError, Outcome};
pub use registry::{Catalog, ConfigError, JobType, Registry};
pub use riftwatch_store::job_executions::Retention;
pub use runner::{NotReady, Runner, RunnerError, RunnerHandle, RunnerStatus};
pub use tally::{Metric, Tally};

/// The actor of what the runtime does by itself, in the audit log and the history of jobs.
const OWN_NAME: &str = "riftwatch";
