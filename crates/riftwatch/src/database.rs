//! The database: the one that was named, or our own.

use std::path::PathBuf;

use riftwatch_store::embedded::{self, EmbeddedConfig, EmbeddedError, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, StoreError, migrations};

use crate::settings::{Settings, SettingsError};

/// A database at the program's schema, and the server behind it if that is ours.
#[derive(Debug)]
pub(crate) struct Database {
    /// Where it is.
    pub(crate) url: DatabaseUrl,
    server: Option<PrivateServer>,
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("there is no home directory: set RIFTWATCH_DATA_DIR")]
    NoDataDir,
    #[error("starting the private database")]
    Embedded(#[from] EmbeddedError),
    #[error("the database named by DATABASE_URL, {url}")]
    Store {
        url: String,
        #[source]
        source: StoreError,
    },
}

impl Database {
    /// Reaches the database, starting our own server where none is named, and brings it to the
    /// program's schema.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, DatabaseError> {
        let database = Self::reach(settings).await?;
        let done = migrations::run(&database.url)
            .await
            .map_err(|source| DatabaseError::Store { url: database.url.to_string(), source })?;
        if !done.is_empty() {
            tracing::info!(migrations = done.len(), "brought the database up to date");
        }
        Ok(database)
    }

    /// Reaches the database and leaves its schema as it is.
    pub(crate) async fn reach(settings: &Settings) -> Result<Self, DatabaseError> {
        if let Some(url) = settings.database_url()? {
            return Ok(Self { url, server: None });
        }
        let server = PrivateServer::start(private(settings)?).await?;
        let url = server.url().parse().expect("we wrote this URL");
        Ok(Self { url, server: Some(server) })
    }

    /// Whether it runs on our own server.
    pub(crate) fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// A pool of connections.
    pub(crate) fn pool(&self, settings: &Settings) -> Db {
        Db::new(&self.url, settings.max_connections())
    }

    /// Lets our own server end, if there is one.
    pub(crate) async fn close(self) -> Result<(), DatabaseError> {
        match self.server {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }
}

/// How our own server is run.
pub(crate) fn private(settings: &Settings) -> Result<EmbeddedConfig, DatabaseError> {
    let mut config = EmbeddedConfig::new(data_dir(settings)?);
    // The pool's, as many for dedicated connections, and some for psql; and for a second process.
    config.max_connections = 100;
    Ok(config)
}

/// Where riftwatch keeps what it owns.
pub(crate) fn data_dir(settings: &Settings) -> Result<PathBuf, DatabaseError> {
    let directory = |name| std::env::var_os(name).map(PathBuf::from);
    settings
        .data_dir()
        .map(PathBuf::from)
        .or_else(|| {
            embedded::default_data_dir(
                embedded::is_root(),
                directory("XDG_DATA_HOME"),
                directory("HOME"),
            )
        })
        .ok_or(DatabaseError::NoDataDir)
}
