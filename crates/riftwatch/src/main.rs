//! The riftwatch program: reads the settings and wires the crates together.

mod api;
mod cli;
mod commands;
mod database;
mod output;
mod secrets;
mod server;
mod settings;
mod signals;
mod telemetry;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::settings::Settings;
use crate::telemetry::Traces;

/// How the program ends when nothing went wrong with itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done: 0.
    Fine,
    /// It was done and the answer is no: a run that failed, a check that did not hold: 1.
    No,
}

/// Why the program could not do what was asked: exit code 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Said(String),
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    #[error(transparent)]
    Database(#[from] database::DatabaseError),
    #[error("the private database")]
    Embedded(#[from] riftwatch_store::embedded::EmbeddedError),
    #[error("the database")]
    Store(#[from] riftwatch_store::StoreError),
    #[error("the Riot client")]
    Riot(#[from] riftwatch_riot::error::RiotError),
    #[error("the simulator")]
    Sim(#[from] riftwatch_sim::SimError),
    #[error("the job runtime")]
    Runner(#[from] riftwatch_runner::RunnerError),
    #[error(transparent)]
    Manage(#[from] riftwatch_runner::manage::ManageError),
    #[error(transparent)]
    Lines(#[from] riftwatch_detection::lines::LinesError),
    #[error(transparent)]
    Track(#[from] riftwatch_app::tracking::TrackError),
    #[error(transparent)]
    Refused(#[from] api::Refused),
    #[error("asking the server")]
    Client(#[source] reqwest::Error),
    #[error("the file {}", path.display())]
    File {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the HTTP server on {bind}")]
    Http {
        bind: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

fn main() -> ExitCode {
    // Before anything speaks TLS; without a default, the first connection would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        unreachable!("nothing else installs a provider");
    }
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the machine can run threads");
    let mut traces = None;
    let ended = runtime.block_on(run(cli, &mut traces));
    if let Some(traces) = traces {
        traces.end();
    }
    match ended {
        Ok(Exit::Fine) => ExitCode::SUCCESS,
        Ok(Exit::No) => ExitCode::from(1),
        Err(failure) => {
            report(&failure);
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli, traces: &mut Option<Traces>) -> Result<Exit, Failure> {
    let settings = Settings::load(cli.config.as_deref())?;
    *traces = telemetry::init(&settings)?;
    match cli.command {
        Command::Serve { bind, roles } => {
            commands::serve::run(&settings.with_roles(&roles), bind).await
        }
        Command::Demo(args) => commands::demo::run(&settings.without_access_control(), args).await,
        Command::Sim(args) => commands::sim::run(args).await,
        Command::SimStudy(args) => commands::sim_study::run(&args),
        Command::Migrate => commands::migrate::run(&settings).await,
        Command::Doctor { json } => commands::doctor::run(&settings, json).await,
        Command::Status { json } => commands::status::run(&settings, &cli.remote, json).await,
        Command::Job(command) => commands::job::run(&settings, &cli.remote, command).await,
        Command::Player(command) => commands::player::run(&settings, &cli.remote, command).await,
        Command::Detection(command) => {
            commands::detection::run(&settings, &cli.remote, command).await
        }
        Command::Token(command) => commands::token::run(&settings, command).await,
        Command::Completions { shell } => {
            commands::completions::run(shell);
            Ok(Exit::Fine)
        }
        Command::Db(command) => commands::db::run(&settings, command).await,
    }
}

/// Tells a person what went wrong, cause by cause.
fn report(failure: &Failure) {
    let mut stderr = std::io::stderr();
    let _ = writeln!(stderr, "riftwatch: {failure}");
    let mut source = std::error::Error::source(failure);
    while let Some(cause) = source {
        let _ = writeln!(stderr, "  because: {cause}");
        source = cause.source();
    }
}
