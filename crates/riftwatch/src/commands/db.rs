//! `riftwatch db`: the private PostgreSQL.

use std::os::unix::process::CommandExt;

use riftwatch_store::embedded;

use crate::cli::DbCommand;
use crate::database::{data_dir, private};
use crate::output::line;
use crate::settings::Settings;
use crate::{Exit, Failure};

pub(crate) async fn run(settings: &Settings, command: DbCommand) -> Result<Exit, Failure> {
    // A named server is for its owner to start and stop; its URL is as good an answer as ours.
    let named = settings.database_url()?;
    match (command, named) {
        (DbCommand::Url, Some(url)) => line(url.expose()),
        (DbCommand::Psql { args }, Some(url)) => return Err(psql(url.expose(), &args)),
        (DbCommand::Start | DbCommand::Stop, Some(url)) => {
            return Err(Failure::Said(format!(
                "DATABASE_URL names {url}: riftwatch neither starts nor stops that server"
            )));
        }
        (DbCommand::Url, None) => line(&running(settings).await?),
        (DbCommand::Psql { args }, None) => {
            let url = match running(settings).await {
                Ok(url) => url,
                // A look into the database should not need a server started first.
                Err(_) => embedded::start_detached(private(settings)?).await?.url,
            };
            return Err(psql(&url, &args));
        }
        (DbCommand::Start, None) => {
            let server = embedded::start_detached(private(settings)?).await?;
            line(&server.url);
        }
        (DbCommand::Stop, None) => {
            let dir = data_dir(settings)?;
            if embedded::stop_running(&dir).await? {
                line("stopped");
            } else {
                line(&format!("no private database runs in {}", dir.display()));
            }
        }
    }
    Ok(Exit::Fine)
}

async fn running(settings: &Settings) -> Result<String, Failure> {
    let dir = data_dir(settings)?;
    embedded::running_url(&dir).await.ok_or_else(|| {
        Failure::Said(format!(
            "no private database runs in {}: start one with `riftwatch db start`, or riftwatch itself",
            dir.display()
        ))
    })
}

/// Becomes psql; comes back only if that fails.
fn psql(url: &str, args: &[String]) -> Failure {
    let program = embedded::psql_program();
    let error = std::process::Command::new(&program).arg(url).args(args).exec();
    Failure::Said(format!("running {}: {error}", program.display()))
}
