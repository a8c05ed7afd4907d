//! Asking a server whether it is ready. A socket file proves nothing: it is there while the server
//! still recovers, and after it crashed.

use std::path::Path;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, Socket, tls::NoTlsStream};

use super::error::EmbeddedError;
use super::layout::NAME;

/// A stopped or overloaded process accepts connections and says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came back for a start-up packet.
#[derive(Debug)]
pub(super) enum Answer {
    /// Come in.
    Ready,
    /// The server runs, and our database is yet to be created.
    NoDatabase,
    /// Nothing, or that it is starting or stopping.
    NotYet,
    /// Something that waiting does not mend.
    Refused(tokio_postgres::Error),
}

type Connection = tokio_postgres::Connection<Socket, NoTlsStream>;

async fn connect(
    socket_dir: &Path,
    database: &str,
) -> Result<(Client, Connection), tokio_postgres::Error> {
    Config::new()
        .host_path(socket_dir)
        .user(NAME)
        .dbname(database)
        .application_name("riftwatch start-up")
        .connect_timeout(PATIENCE)
        .connect(NoTls)
        .await
}

/// Asks the server behind the socket in `socket_dir`.
pub(super) async fn ask(socket_dir: &Path) -> Answer {
    let Ok(result) = tokio::time::timeout(PATIENCE, connect(socket_dir, NAME)).await else {
        return Answer::NotYet;
    };
    let Err(error) = result else { return Answer::Ready };
    match error.code() {
        // No code: not the server's words, so nobody is there.
        None => Answer::NotYet,
        Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Answer::NotYet,
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Answer::NoDatabase,
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => Answer::Ready,
        Some(_) => Answer::Refused(error),
    }
}

/// Creates the program's database.
pub(super) async fn create_database(socket_dir: &Path) -> Result<(), EmbeddedError> {
    let (client, connection) =
        connect(socket_dir, "postgres").await.map_err(EmbeddedError::Refused)?;
    let create = format!("CREATE DATABASE {NAME}");
    let create = client.batch_execute(&create);
    tokio::select! {
        result = create => result.map_err(EmbeddedError::Refused),
        end = connection => end.map_err(EmbeddedError::Refused),
    }
}
