//! Connections.

use std::fmt;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};

use crate::error::StoreError;
use crate::url::DatabaseUrl;

/// A connection. Every function of this crate takes one first, so that functions compose inside one
/// transaction.
pub type Conn = AsyncPgConnection;

/// A connection on loan; it goes back when dropped.
pub type PooledConn = Object<AsyncPgConnection>;

/// How long a caller waits for a free connection. Longer means that the pool is too small or a
/// caller keeps its connection across something slow: an error is more use than a queue.
const WAIT: Duration = Duration::from_secs(30);

/// A database and a pool of connections to it. Clones share the pool.
#[derive(Clone)]
pub struct Db {
    url: DatabaseUrl,
    pool: Pool<AsyncPgConnection>,
}

impl Db {
    /// Prepares a pool of at most `max_connections`. Connects when first needed.
    ///
    /// # Panics
    ///
    /// If `max_connections` is 0.
    pub fn new(url: &DatabaseUrl, max_connections: usize) -> Self {
        assert!(max_connections > 0, "a pool needs at least one connection");
        let mut config = ManagerConfig::default();
        // A broken connection is noticed without a query; a ping before each loan would double the
        // round trips of a small query.
        config.recycling_method = RecyclingMethod::Fast;
        let target = url.clone();
        config.custom_setup = Box::new(move |_| {
            let target = target.clone();
            Box::pin(async move { target.establish().await })
        });
        let manager = AsyncDieselConnectionManager::new_with_config(url.expose(), config);
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .build()
            .expect("a pool without time-outs needs no runtime, its one cause of failure");
        Self { url: url.clone(), pool }
    }

    /// A connection from the pool.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the server cannot be reached, or no connection became free
    /// within 30 seconds.
    pub async fn get(&self) -> Result<PooledConn, StoreError> {
        match tokio::time::timeout(WAIT, self.pool.get()).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(StoreError::Unavailable(error.into())),
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    /// A connection of the caller's own, which no amount of load on the pool can take away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the server cannot be reached.
    pub async fn dedicated(&self) -> Result<Conn, StoreError> {
        self.url.establish().await.map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Connections of the pool: in use, idle, allowed.
    pub fn usage(&self) -> PoolUsage {
        let status = self.pool.status();
        PoolUsage {
            in_use: status.size.saturating_sub(status.available),
            idle: status.available,
            waiting: status.waiting,
            max: status.max_size,
        }
    }
}

/// How busy the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections on loan.
    pub in_use: usize,
    /// Connections open and free.
    pub idle: usize,
    /// Callers in the queue.
    pub waiting: usize,
    /// The most connections that the pool opens.
    pub max: usize,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("url", &self.url).field("usage", &self.usage()).finish()
    }
}
