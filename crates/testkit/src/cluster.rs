//! The PostgreSQL that all test processes of a user share.
//!
//! It lives in one fixed directory, in memory where there is room. The first test starts it, without
//! fsync; it outlives that process, because nextest runs each test in a process of its own. Every
//! process that uses it holds a shared lock on the file `in_use`; a watchdog
//! stops the server and removes its data when nobody has used it for a while. Nothing piles up: the
//! databases of processes that are gone are dropped by the next process, and there is at most one
//! such server.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use riftwatch_store::embedded::{self, EmbeddedConfig};
use riftwatch_store::{DatabaseUrl, migrations};
use rustix::process::{Pid, geteuid, test_kill_process};
use tokio::sync::OnceCell;
use tokio_postgres::Client;

use crate::watchdog;

/// Where the migrations are, to know when they change.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

/// Free memory below which the databases go to the disk.
const ROOM: u64 = 1 << 30;

/// The advisory lock under which the template is made: any number that nothing else uses.
const TEMPLATE_LOCK: i64 = 0x7465_6d70;

/// The shared server, as this process sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The server's own database, for creating and dropping others.
    pub(crate) admin: DatabaseUrl,
    /// A migrated database that nobody connects to.
    pub(crate) template: String,
    pub(crate) socket_dir: PathBuf,
    in_use: File,
}

impl Cluster {
    /// The server, started if need be. The first call of a process takes some milliseconds, and
    /// about a second when the server is not running.
    pub(crate) async fn shared() -> &'static Self {
        static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
        CLUSTER.get_or_init(|| on_a_thread(join)).await
    }

    /// Tells the watchdog that the server is still wanted.
    pub(crate) fn touch(&self) {
        // Too early a stop is the worst that can come of a failure.
        let _ = self.in_use.set_modified(SystemTime::now());
    }
}

async fn join() -> Cluster {
    let dir = directory();
    // Waits while the watchdog is stopping the server.
    let in_use = open_shared(&dir.join("in_use"));
    let config =
        EmbeddedConfig { durable: false, max_connections: 400, ..EmbeddedConfig::new(dir.clone()) };
    let server = embedded::start_detached(config).await.expect("a PostgreSQL for the tests");
    watchdog::ensure(&dir);
    let admin: DatabaseUrl = server.url.parse().expect("our own URL");
    let client = connect(&admin).await;
    sweep(&client).await;
    let template = template(&client, &admin).await;
    let socket_dir = dir.join("run");
    let cluster = Cluster { admin, template, socket_dir, in_use };
    cluster.touch();
    cluster
}

/// The fixed directory of this user's test databases, made if missing.
pub(crate) fn directory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(shm).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    let base = if room >= ROOM { shm.to_path_buf() } else { std::env::temp_dir() };
    let uid = geteuid().as_raw();
    let dir = base.join(format!("riftwatch-test-{uid}"));
    // 0755: when we are root, the server runs as somebody else, who must get in.
    if DirBuilder::new().mode(0o755).create(&dir).is_ok() {
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("our own directory");
    }
    let owner = fs::metadata(&dir).expect("the directory of the test databases").uid();
    assert_eq!(owner, uid, "{} is somebody else's", dir.display());
    dir
}

fn open_shared(path: &Path) -> File {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .expect("a lock file");
    file.lock_shared().expect("a shared lock");
    file
}

pub(crate) async fn connect(url: &DatabaseUrl) -> Client {
    let (client, connection) = url.connect_raw().await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Runs `work` on a runtime of its own, since the caller's may have one thread only, which
/// migrations cannot use, and ends with the test while others wait for the result.
pub(crate) async fn on_a_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (sender, receiver) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let _ = sender.send(runtime.block_on(work()));
    });
    receiver.await.expect("the panic above says what failed")
}

/// As [`on_a_thread`], for `Drop`.
pub(crate) fn on_a_thread_blocking<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let work = move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(work())
    };
    thread::spawn(work).join().ok()
}

/// `t_<pid>_<number>`: the database of a test, with the process that made it.
pub(crate) fn owner(database: &str) -> Option<Pid> {
    let pid = database.strip_prefix("t_")?.split('_').next()?;
    Pid::from_raw(pid.parse().ok()?)
}

/// Drops what processes left that are no more.
async fn sweep(client: &Client) {
    let rows = client
        .query("SELECT datname::text FROM pg_database WHERE datname LIKE 't\\_%'", &[])
        .await
        .expect("the list of databases");
    for row in rows {
        let name: String = row.get(0);
        if owner(&name).is_some_and(|pid| test_kill_process(pid).is_err()) {
            // Another process may be sweeping too.
            let _ = client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// The name of the migrated template, which is made if these migrations have none yet.
async fn template(client: &Client, admin: &DatabaseUrl) -> String {
    let name = format!("template_{:016x}", fingerprint(Path::new(MIGRATIONS)));
    client.query_one("SELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).await.expect("the lock");
    let found = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .expect("the list of databases");
    if found.is_none() {
        let unfinished = format!("{name}_new");
        for sql in [
            format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
            format!("CREATE DATABASE {unfinished}"),
        ] {
            client.batch_execute(&sql).await.expect("a new database");
        }
        let url = admin.with_database(&unfinished).expect("a database URL");
        migrations::run(&url).await.expect("the migrations run");
        client
            .batch_execute(&format!("ALTER DATABASE {unfinished} RENAME TO {name}"))
            .await
            .expect("the template");
    }
    client.query_one("SELECT pg_advisory_unlock($1)", &[&TEMPLATE_LOCK]).await.expect("unlocked");
    name
}

/// A number that changes with any file below `dir`.
fn fingerprint(dir: &Path) -> u64 {
    let mut files = Vec::new();
    collect(dir, &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(dir).expect("below the directory").hash(&mut hasher);
        fs::read(&file).expect("a migration").hash(&mut hasher);
    }
    hasher.finish()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the migrations").flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
