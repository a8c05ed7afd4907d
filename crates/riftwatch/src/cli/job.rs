//! `riftwatch job` and its options.

use clap::{Args, Subcommand};
use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus};

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the jobs with their schedule and their last run.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a job and its newest runs.
    Show {
        /// The job's name or id.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the types that a job may have, with their settings.
    Types {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Create a job.
    Create {
        /// What people call it.
        name: String,
        /// Which code it runs: see `riftwatch job types`.
        #[arg(long = "type", value_name = "TYPE")]
        job_type: String,
        #[command(flatten)]
        settings: JobSettings,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change a job. What is not given stays.
    Edit {
        /// The job's name or id.
        job: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: JobSettings,
        /// Only if nobody has changed the job since this version.
        #[arg(long, value_name = "VERSION")]
        if_version: Option<i64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a job. Its runs stay readable.
    Delete {
        /// The job's name or id.
        job: String,
    },
    /// Run a job now and wait for its end. Exits with 1 if the run fails.
    Run {
        /// The job's name or id.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a job be ticked.
    Enable {
        /// The job's name or id.
        job: String,
    },
    /// Stop ticking a job; it can still be run by hand.
    Disable {
        /// The job's name or id.
        job: String,
    },
    /// Hold a job's schedule back; it can still be run by hand.
    Pause {
        /// The job's name or id.
        job: String,
        /// Why, for those who come later.
        #[arg(long)]
        reason: Option<String>,
        /// When the pause ends by itself, like 2026-12-24T08:00:00Z.
        #[arg(long, value_name = "TIME")]
        until: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// Let a paused job's schedule go on. What it missed is not made up for.
    Resume {
        /// The job's name or id.
        job: String,
    },
    /// List runs, newest first.
    Runs {
        /// The job's name or id. Without: of all jobs.
        job: Option<String>,
        /// Only those with this status.
        #[arg(long)]
        status: Option<ExecutionStatus>,
        /// Only those that ended for this reason.
        #[arg(long)]
        reason: Option<ExecutionReason>,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=200))]
        limit: u8,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask a run to end.
    Cancel {
        /// The run's number.
        run: i64,
    },
    /// Run the job of a failed or cancelled run again, with its settings as they are now.
    Retry {
        /// The run's number.
        run: i64,
    },
    /// Print what a run logged.
    Logs {
        /// The run's number, or a job's name for its newest run.
        run: String,
        /// Go on until the run ends. Exits with 1 if it fails.
        #[arg(long, short)]
        follow: bool,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// List the versions of a job's configuration, newest first.
    Versions {
        /// The job's name or id.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an earlier version of a job's configuration the present one.
    Restore {
        /// The job's name or id.
        job: String,
        /// The version to go back to.
        version: i64,
    },
    /// Say when a cron expression fires next.
    Preview {
        /// Five fields, or six with seconds first, like "30 4 * * *".
        cron: String,
        /// An IANA zone, like Europe/Berlin.
        #[arg(long, default_value = "UTC")]
        time_zone: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What may be set on a job.
#[derive(Debug, Default, Args)]
pub(crate) struct JobSettings {
    /// Seconds between ticks.
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["cron", "manual"])]
    pub(crate) interval: Option<i32>,
    /// A cron expression: five fields, or six with seconds first.
    #[arg(long, conflicts_with = "manual")]
    pub(crate) cron: Option<String>,
    /// The IANA zone that the expression is read in, like Europe/Berlin.
    #[arg(long)]
    pub(crate) time_zone: Option<String>,
    /// No schedule: it runs when somebody asks.
    #[arg(long)]
    pub(crate) manual: bool,
    /// The job type's own settings (`config_json`), a JSON object.
    #[arg(long = "config-json", value_name = "JSON", value_parser = object)]
    pub(crate) config_json: Option<serde_json::Value>,
    /// The most seconds that a run may take.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<i32>,
    /// How many of its runs may go on side by side.
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_instances: Option<i32>,
    /// The most seconds by which a tick is put off.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) jitter: Option<i32>,
    /// What becomes of ticks that nobody made in time: once, all or skip.
    #[arg(long, value_name = "POLICY")]
    pub(crate) misfire_policy: Option<String>,
    /// Whether it is ticked.
    #[arg(long)]
    pub(crate) enabled: Option<bool>,
}

fn object(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("expected a JSON object, like '{\"rank_threshold\": 2}'".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
