//! A service of its own on the job runtime: `cargo run -p riftwatch-runner --example greet`.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::{error::Error, sync::Arc, time::Duration};

use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, async_trait, log_capture,
};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, migrations};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

struct Greetings {
    names: Vec<String>,
}

/// The settings in `config_json`; these comments are their description in the schema.
#[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Whether to shout.
    loud: bool,
}

struct Greet;

#[async_trait]
impl Job for Greet {
    type Deps = Greetings;
    type Config = Config;
    const KIND: &'static str = "greet";
    const DESCRIPTION: &'static str = "Greets everybody.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

    async fn run(&self, cx: &JobContext<Greetings>, config: Config) -> Result<Outcome, JobError> {
        for name in &cx.deps.names {
            if cx.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            let mark = if config.loud { "!" } else { "" };
            tracing::info!(name, "hello {name}{mark}");
            cx.increment_metric("greeted", 1);
        }
        Ok(Outcome::Done)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::registry().with(log_capture::layer()).init();
    // Any PostgreSQL will do; this one is ours and goes with the folder.
    let folder = std::env::temp_dir().join("riftwatch-greet");
    let server = PrivateServer::start(EmbeddedConfig::new(folder)).await?;
    let url: DatabaseUrl = server.url().parse()?;
    migrations::run_runtime(&url).await?;
    let deps = Arc::new(Greetings { names: vec!["Ada".to_owned()] });
    let registry = Registry::new().with(Greet);
    let db = Db::new(&url, 8);
    let runner = Runner::start(db, registry, deps, RunnerConfig::default()).await?;
    println!("greeting every 60 seconds until Ctrl-C; the runs are in {url}");
    runner.run_until_signal().await?;
    server.stop().await?;
    Ok(())
}
