//! `riftwatch serve`: the server, until it is told to stop.

use std::net::SocketAddr;

use crate::database::Database;
use crate::server::{self, Server};
use crate::settings::Settings;
use crate::signals;
use crate::{Exit, Failure};

pub(crate) async fn run(settings: &Settings, bind: Option<SocketAddr>) -> Result<Exit, Failure> {
    let riot = settings.riot()?;
    if riot.api_key.is_none() {
        tracing::warn!(
            "RIOT_API_KEY is not set: jobs that ask Riot will fail. For a look around without a key, run `riftwatch demo`"
        );
    }
    let listener = server::listen(settings, bind.unwrap_or(settings.bind))?;
    let database = Database::open(settings).await?;
    let outside = server::outside(settings, &database, riot).await?;
    let server = Server::start(settings, listener, database, outside).await?;
    tracing::info!("the API answers on http://{}", server.addr);
    signals::stop_asked().await;
    tracing::info!("stopping: running jobs may end first");
    tokio::select! {
        ended = server.stop() => ended?,
        () = signals::exit_when_asked_again() => {}
    }
    Ok(Exit::Fine)
}
