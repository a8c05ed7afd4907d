//! A database connection that one part of the runtime has to itself, and that heals.

use std::future::Future;
use std::time::Duration;

use riftwatch_store::{Conn, Db, StoreError, job_executions};
use tracing::{info, warn};

/// A statement that takes longer is given up, and its connection with it: the server, or the way
/// there, has a problem that waiting does not solve.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of one part's own, so that jobs which use up the pool hold up nothing. It is opened
/// when needed and dropped after any error.
pub(crate) struct Link {
    db: Db,
    name: &'static str,
    conn: Option<Conn>,
    patience: Duration,
    failures: u32,
    queue: bool,
}

impl Link {
    pub(crate) fn new(db: &Db, name: &'static str) -> Self {
        Self { db: db.clone(), name, conn: None, patience: PATIENCE, failures: 0, queue: false }
    }

    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// For work on the queue alone.
    pub(crate) fn to_queue(db: &Db, name: &'static str) -> Self {
        Self { queue: true, ..Self::new(db, name) }
    }

    /// The connection, for one piece of work. [`Link::settle`] has to see what came of it. If this
    /// future or the work's is dropped half-way, the connection is not used again.
    pub(crate) async fn take(&mut self) -> Result<Conn, StoreError> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => self.bounded(self.open()).await,
        }
    }

    async fn open(&self) -> Result<Conn, StoreError> {
        let mut conn = self.db.dedicated().await?;
        if self.queue {
            job_executions::prefer_keys(&mut conn).await?;
        }
        Ok(conn)
    }

    /// Gives up on work that takes too long.
    pub(crate) async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.patience, work).await {
            Ok(result) => result,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    /// Keeps the connection after success. Tells of trouble once, and of its end once.
    pub(crate) fn settle<T>(&mut self, conn: Option<Conn>, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => {
                self.conn = conn;
                if self.failures > 0 {
                    info!(link = self.name, failures = self.failures, "the database answers again");
                    self.failures = 0;
                }
            }
            Err(error) => {
                if self.failures == 0 {
                    warn!(
                        link = self.name,
                        error = crate::job::chain_of(error),
                        "the database gives trouble"
                    );
                }
                self.failures = self.failures.saturating_add(1);
            }
        }
    }

    /// How long to wait after trouble: 50 ms, twice as long each time, at most one second.
    pub(crate) fn backoff(&self) -> Duration {
        let factor = 1 << self.failures.saturating_sub(1).min(5);
        Duration::from_millis(50 * factor).min(Duration::from_secs(1))
    }
}

/// Runs one piece of work on a link's connection: `on!(link, conn => work(conn))`.
macro_rules! on {
    ($link:expr, $conn:ident => $work:expr) => {{
        match $link.take().await {
            Ok(mut connection) => {
                let $conn = &mut connection;
                let result = $link.bounded($work).await;
                $link.settle(Some(connection), &result);
                result
            }
            Err(error) => {
                let result = Err(error);
                $link.settle(None, &result);
                result
            }
        }
    }};
}
pub(crate) use on;
