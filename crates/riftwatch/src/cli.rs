//! The command line.

mod detection;
mod job;
mod player;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use riftwatch_domain::routing::Platform;
use secrecy::SecretString;
use url::Url;

pub(crate) use self::detection::{ListArgs, SortBy, StoredCommand};
pub(crate) use self::job::{JobCommand, JobSettings};
pub(crate) use self::player::PlayerCommand;

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

    #[command(flatten)]
    pub(crate) remote: Remote,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The server that `job`, `player`, `status` and the stored part of `detection` talk to.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// A running server, like `https://riftwatch.example`. Without: commands work on the database of
    /// the settings themselves, whether a server runs or not.
    #[arg(long, global = true, value_name = "URL", env = "RIFTWATCH_SERVER")]
    pub(crate) server: Option<Url>,

    /// The token for the server. In the environment, since others can read command lines.
    #[arg(
        long,
        global = true,
        env = "RIFTWATCH_TOKEN",
        hide_env_values = true,
        hide = true,
        value_parser = secret
    )]
    pub(crate) token: Option<SecretString>,
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
    /// Compare policies of looking at tracked players over a simulated week. See docs/BENCHMARKS.md.
    SimStudy(SimStudyArgs),
    /// Bring the database to this program's schema.
    Migrate,
    /// Check the configuration, the database, the clock and the Riot API, and say what to do.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say whether all is well.
    Status {
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
    /// Say which accounts play unlike their rank, and how far to trust that: those of the database, over
    /// the API, or those of a file. See docs/DETECTION.md.
    #[command(subcommand)]
    Detection(DetectionCommand),
    /// Tokens of the API: who may use it, and for what.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print what a shell needs to complete the commands.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
    /// The private PostgreSQL that riftwatch runs where DATABASE_URL is not set.
    #[command(subcommand)]
    Db(DbCommand),
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.trim().into())
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
pub(crate) struct SimStudyArgs {
    /// The same seed is the same week.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many players are tracked.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) players: usize,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
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

    /// When the windows of the limits begin and end.
    #[arg(long, value_enum, default_value_t = SimWindows::FromFirstCall)]
    pub(crate) windows: SimWindows,

    /// How the limits are told in the headers.
    #[arg(long, value_enum, default_value_t = SimHeaders::InOrder)]
    pub(crate) headers: SimHeaders,

    /// Milliseconds that an answer takes at the least.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,

    /// Milliseconds that an answer takes on top on average, at random; one in a hundred ten times as
    /// many.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) jitter: u64,

    /// A key that collects so many 429s in a minute is banned: 403 for ten minutes after the last.
    #[arg(long, value_name = "REFUSALS")]
    pub(crate) ban_after: Option<u32>,

    /// Each key sees puuids of its own, as with Riot.
    #[arg(long)]
    pub(crate) puuids_per_key: bool,

    /// Queues whose matches are listed and answer 403.
    #[arg(long, value_name = "QUEUES", value_delimiter = ',')]
    pub(crate) private_queues: Vec<u16>,

    /// How far each patch moves the statistics of roles and champions, in deviations: 0 to 1. The
    /// game's version changes every two weeks in any case.
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub(crate) patch_shift: f64,

    /// What goes wrong from the start: a file with the JSON that /sim/faults takes.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Compress answers for clients that ask.
    #[arg(long)]
    pub(crate) gzip: bool,
}

/// When a window of the simulator's limits begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimWindows {
    /// With the first call after the last one ended: Riot's.
    FromFirstCall,
    /// At whole multiples of its length on the clock.
    WallAligned,
    /// Any stretch of its length.
    Sliding,
}

/// How the simulator tells its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimHeaders {
    /// Windows in the order of the limits.
    InOrder,
    /// Windows backwards, as Riot has been seen to send them.
    Reversed,
    /// Only the first window has a count.
    ShortCount,
    /// Not readable.
    Garbled,
    /// None at all.
    Absent,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DetectionCommand {
    #[command(flatten)]
    Stored(StoredCommand),
    /// Assess the accounts of a file: one JSON object a line in, one out, in the same order.
    ///
    /// A line that cannot be read is told on standard error, with its number, field and what is
    /// expected there; the others are assessed, and the exit status is 1.
    Assess {
        /// Evidence, as docs/DETECTION.md describes it; plain or compressed by zstd.
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// Where the assessments go, compressed where it ends in .zst. Without: to standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Share of accounts taken to be unusual before anything is known, 0.001 to 0.5.
        #[arg(long, default_value_t = 0.03, value_parser = prior)]
        prior: f64,
        #[command(flatten)]
        model: ModelArgs,
    },
    /// How well the model does on accounts whose story is known.
    Evaluate {
        /// Labelled evidence, plain or compressed by zstd. Without: every generated world.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "seed"])]
        input: Option<PathBuf>,
        /// Share of accounts that the model takes to be unusual, 0.001 to 0.5. Without: the share
        /// among the labels, or that of each world.
        #[arg(long, value_parser = prior)]
        prior: Option<f64>,
        /// Accounts of each world.
        #[arg(long, default_value_t = riftwatch_detection::evaluate::ACCOUNTS)]
        accounts: u64,
        /// Seed of the first world.
        #[arg(long, default_value_t = riftwatch_detection::evaluate::SEED)]
        seed: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Fit a model on generated worlds and, for the innocent side, on real accounts.
    ///
    /// The same options give the same bytes. Half a minute on two cores.
    Fit {
        /// Where the model goes.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Evidence of real accounts, most of them innocent, plain or compressed by zstd: what is
        /// usual in a game, and what innocent accounts look like, then come from them.
        #[arg(long, value_name = "FILE")]
        honest: Option<PathBuf>,
        /// Take the stored accounts as the real ones: most of them must be innocent. Nothing is
        /// changed in the database, and the model names nobody.
        #[arg(long, conflicts_with = "honest")]
        database: bool,
        /// Stored accounts at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 20_000, requires = "database")]
        accounts: usize,
        /// Version of the model, as every assessment will show it.
        #[arg(long, value_name = "NAME", default_value = "story-1.fitted")]
        version: String,
        /// The day that the provenance gives.
        #[arg(long, value_name = "DATE", default_value = "not told")]
        fitted_on: String,
        /// Another seed gives other worlds.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// A fiftieth of the worlds: seconds, and a model that is worse.
        #[arg(long)]
        small: bool,
    },
    /// Print the model's version and where it comes from, as JSON.
    Model {
        /// A model that `fit` made. Without: the one that ships with the program.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
}

/// Which model, and what it takes to be usual in a game.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// A model that `fit` made. Without: the one that ships with the program.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Where the level that is usual in a game comes from. A file's own is better where its games
    /// are of another patch or region than the model's.
    #[arg(long, value_enum, default_value_t = BaselineFrom::Auto)]
    pub(crate) baseline: BaselineFrom,
}

/// Where the level that is usual in a game comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselineFrom {
    /// From the file if it has games enough for that (20,000), from the model otherwise.
    Auto,
    /// From the model.
    Model,
    /// From the games of the file.
    File,
}

fn prior(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.001..=0.5).contains(&share) => Ok(share),
        _ => Err("expected a number from 0.001 to 0.5".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once.
    Create {
        /// Who gets it, as the audit log will name them.
        #[arg(long)]
        name: String,
        /// viewer reads; operator also triggers, cancels, tracks and edits; admin also sets secrets and erases.
        #[arg(long)]
        role: riftwatch_domain::access::Role,
        /// For how long it is taken, for example 90d. Without: until it is revoked.
        #[arg(long = "expires-in", value_name = "TIME", value_parser = humantime::parse_duration)]
        expires_in: Option<Duration>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the tokens that were made. The tokens themselves are not stored.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a token, and the sessions that began with it, within two seconds.
    Revoke {
        /// The token's name.
        name: String,
    },
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
