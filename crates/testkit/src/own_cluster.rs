//! A whole PostgreSQL of a test's own, for tests that stop it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, migrations};
use rustix::process::{Pid, test_kill_process};

use crate::cluster::{connect, directory, on_a_thread, on_a_thread_blocking};

/// A private server with one migrated database, stopped and removed with the value. Takes about a
/// second: use [`crate::TestDb`] unless the test is about the server.
#[derive(Debug)]
pub struct TestCluster {
    dir: PathBuf,
    server: Option<PrivateServer>,
    url: DatabaseUrl,
}

impl TestCluster {
    /// Makes and starts the server, and runs the migrations.
    ///
    /// # Panics
    ///
    /// When that fails; above all when the machine has no PostgreSQL programs.
    pub async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = directory().join(format!("own-{}-{number}", process::id()));
        fs::create_dir(&dir).expect("a directory of the test's own");
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("our own directory");
        let server = bring_up(&dir).await;
        let url: DatabaseUrl = server.url().parse().expect("our own URL");
        let target = url.clone();
        on_a_thread(move || async move { migrations::run(&target).await })
            .await
            .expect("the migrations run");
        Self { dir, server: Some(server), url }
    }

    /// Where the migrated database is, also while the server is stopped.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// A new pool of 8 connections.
    pub fn db(&self) -> Db {
        Db::new(&self.url, 8)
    }

    /// The server's socket, for a [`crate::Proxy`].
    pub fn socket(&self) -> PathBuf {
        self.dir.join("run/.s.PGSQL.5432")
    }

    /// Stops the server as an operator does: clients are cut off at once.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await.expect("the server stops");
        }
    }

    /// Starts the server after [`TestCluster::stop`].
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_again(&mut self) {
        if self.server.is_none() {
            self.server = Some(bring_up(&self.dir).await);
        }
    }

    /// Stops and starts the server: about 0.2 s without it.
    ///
    /// # Panics
    ///
    /// When one of the two fails.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Ends every client's connection, as an administrator may. Returns how many there were.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn kill_backends(&self) -> i64 {
        connect(&self.url)
            .await
            .query_one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
                &[],
            )
            .await
            .expect("the server answers")
            .get(0)
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            on_a_thread_blocking(move || server.stop());
        }
        // What is left is swept by a later process.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

async fn bring_up(dir: &PathBuf) -> PrivateServer {
    let config = EmbeddedConfig { durable: false, ..EmbeddedConfig::new(dir) };
    PrivateServer::start(config).await.expect("a PostgreSQL of the test's own")
}

/// Removes the directories of processes that are gone; their servers went with them.
fn sweep() {
    for entry in fs::read_dir(directory()).expect("the test directory").flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix("own-")?.split('-').next()?.parse().ok())
            .and_then(Pid::from_raw);
        if pid.is_some_and(|pid| test_kill_process(pid).is_err()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
