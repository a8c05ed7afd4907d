//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use riftwatch_domain::routing::Platform;

/// Keeps League of Legends players current by background jobs, and says which accounts play like
/// somebody else's.
///
/// Every setting has an environment variable, which may also stand in a file `.env` in the working
/// directory: see docs/configuration.md.
#[derive(Debug, Parser)]
#[command(name = "riftwatch", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// A file of settings, in the form of the compiled-in defaults (docs/configuration.md).
    #[arg(long, global = true, value_name = "FILE", env = "RIFTWATCH_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: the API, the ticks and the jobs.
    Serve {
        /// Where the API answers, in place of the setting.
        #[arg(long, value_name = "ADDR:PORT")]
        bind: Option<SocketAddr>,
        /// What this process does, in place of JOB_SCHEDULER_ENABLED and JOB_WORKER_ENABLED; may be
        /// given more than once. Every process answers the API, its health and its metrics.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Role>,
    },
    /// Watch it work: a private database, a simulated Riot API and the server in one process.
    Demo(DemoArgs),
    /// Run the simulated Riot API alone. See docs/simulator.md.
    Sim(SimArgs),
    /// Bring the database to this program's schema.
    Migrate,
    /// Check the configuration, the database, the clock and the Riot API, and say what to do.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// See and steer jobs.
    #[command(subcommand)]
    Job(JobCommand),
    /// See and steer tracked players.
    #[command(subcommand)]
    Player(PlayerCommand),
    /// Say which accounts of a file play unlike their rank, and how far to trust that. See
    /// docs/DETECTION.md.
    #[command(subcommand)]
    Detection(DetectionCommand),
    /// The private PostgreSQL that riftwatch runs where DATABASE_URL is not set.
    #[command(subcommand)]
    Db(DbCommand),
}

/// What a process does in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Nothing but the API.
    Api,
    /// Makes ticks.
    Scheduler,
    /// Runs jobs.
    Worker,
    /// Everything.
    All,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the API answers, in place of the setting.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) bind: Option<SocketAddr>,

    /// Stop after this long, for example 60s or 5m. Without: run until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) run_for: Option<Duration>,

    /// At the end, print one line of JSON with what was done; nothing else goes to standard output.
    #[arg(long)]
    pub(crate) json: bool,

    /// The simulated key's limits: dev, personal, production, or windows like "20:1,100:120".
    #[arg(long, value_name = "LIMITS", default_value = "production")]
    pub(crate) limits: riftwatch_sim::Limits,

    /// The simulated world: the same seed is the same world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Simulated seconds that pass in one second.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) speed: f64,

    /// How many players to track, at most MAX_TRACKED_PLAYERS.
    #[arg(long, default_value_t = 5)]
    pub(crate) track: u32,
}

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Where the simulated API answers: a loopback address.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9000")]
    pub(crate) bind: SocketAddr,

    /// The same seed is the same world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many accounts live in the world.
    #[arg(long, default_value_t = 2000)]
    pub(crate) players: usize,

    /// Days of history when the world begins.
    #[arg(long, default_value_t = 60)]
    pub(crate) days: u32,

    /// Simulated seconds that pass in one second.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) speed: f64,

    /// Rate limits of a key: dev, personal, production, none, or windows like "20:1,100:120".
    #[arg(long, value_name = "LIMITS", default_value = "dev")]
    pub(crate) limits: riftwatch_sim::Limits,

    /// Platforms that accounts live on.
    #[arg(long, value_delimiter = ',', default_value = "euw1,eun1")]
    pub(crate) platforms: Vec<Platform>,

    /// The only key that is taken. Without: any.
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,

    /// Serve recorded answers from this directory instead of a generated world.
    #[arg(long, value_name = "DIR")]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the jobs with their schedule and their last run.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
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
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlayerCommand {
    /// Track the player of a Riot ID.
    Track {
        /// For example "Name#TAG".
        riot_id: String,
        /// Where the account plays, for example euw1.
        #[arg(long)]
        platform: Platform,
    },
    /// List the tracked players.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DetectionCommand {
    /// Assess the accounts of a file: one JSON object a line in, one out, in the same order.
    Assess {
        /// Evidence, as docs/DETECTION.md describes it.
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// Where the assessments go. Without: to standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Share of accounts taken to be unusual before anything is known, 0.001 to 0.5.
        #[arg(long, default_value_t = 0.03, value_parser = prior)]
        prior: f64,
    },
    /// How well the model does on accounts whose story is known.
    Evaluate {
        /// Labelled evidence. Without: every generated world.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "seed"])]
        input: Option<PathBuf>,
        /// Accounts of each world.
        #[arg(long, default_value_t = riftwatch_detection::evaluate::ACCOUNTS)]
        accounts: u64,
        /// Seed of the first world.
        #[arg(long, default_value_t = riftwatch_detection::evaluate::SEED)]
        seed: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the model's version and where it comes from, as JSON.
    Model,
}

fn prior(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.001..=0.5).contains(&share) => Ok(share),
        _ => Err("expected a number from 0.001 to 0.5".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Start the private PostgreSQL and leave it running.
    Start,
    /// Stop it, if it runs.
    Stop,
    /// Print its URL, as psql and DATABASE_URL take it.
    Url,
    /// Open psql on it; what follows is handed on.
    Psql {
        /// Arguments of psql.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
