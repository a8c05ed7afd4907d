//! A database of a test's own.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use riftwatch_store::{DatabaseUrl, Db};

use crate::cluster::{Cluster, connect, on_a_thread_blocking};

/// Connections in the pool of a [`TestDb`].
const POOL: usize = 8;

/// A new database with the whole schema and no rows, for one test; dropped with the value.
#[derive(Debug)]
pub struct TestDb {
    /// A pool of 8 connections to it.
    pub db: Db,
    name: String,
    cluster: &'static Cluster,
}

impl TestDb {
    /// Makes the database: some tens of milliseconds.
    ///
    /// # Panics
    ///
    /// When it cannot be made; above all when the machine has no PostgreSQL programs.
    pub async fn new() -> Self {
        let cluster = Cluster::shared().await;
        Self::create(cluster, &cluster.template).await
    }

    /// As [`TestDb::new`], without any table: for tests of the migrations themselves.
    ///
    /// # Panics
    ///
    /// As [`TestDb::new`].
    pub async fn unmigrated() -> Self {
        Self::create(Cluster::shared().await, "template0").await
    }

    async fn create(cluster: &'static Cluster, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        cluster.touch();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t_{}_{number}", process::id());
        connect(&cluster.admin)
            .await
            .batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE {template} STRATEGY {STRATEGY}"
            ))
            .await
            .expect("a database of the test's own");
        let url = cluster.admin.with_database(&name).expect("a database URL");
        Self { db: Db::new(&url, POOL), name, cluster }
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        self.db.url()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server's socket, for a [`crate::Proxy`].
    pub fn socket(&self) -> PathBuf {
        self.cluster.socket_dir.join(".s.PGSQL.5432")
    }
}

/// Copying files beats writing a copy to the log when nothing waits for a disk.
const STRATEGY: &str = "file_copy";

impl Drop for TestDb {
    fn drop(&mut self) {
        let admin = self.cluster.admin.clone();
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // What fails here is swept by a later process.
        on_a_thread_blocking(move || async move {
            let _ = connect(&admin).await.batch_execute(&sql).await;
        });
    }
}
