//! `riftwatch migrate`: the schema alone.

use riftwatch_store::migrations;

use crate::database::{Database, DatabaseError};
use crate::output::line;
use crate::settings::Settings;
use crate::{Exit, Failure};

pub(crate) async fn run(settings: &Settings) -> Result<Exit, Failure> {
    let database = Database::reach(settings).await?;
    let done = migrations::run(&database.url)
        .await
        .map_err(|source| DatabaseError::Store { url: database.url.to_string(), source })?;
    if done.is_empty() {
        line("the database is up to date");
    }
    for migration in done {
        line(&format!("ran {migration}"));
    }
    database.close().await?;
    Ok(Exit::Fine)
}
