//! A private PostgreSQL of our own, for when nobody gave us a server: made out of the machine's
//! PostgreSQL programs, in our data directory, behind a Unix socket that only we can open.
//!
//! The server is a child of this program. It stops with it, also when the program is killed (on
//! Linux; elsewhere the next start stops what was left). A second program that wants the same
//! directory uses the first one's server. [`start_detached`] makes one that outlives its starter.
//! No other cluster on the machine is ever looked at.

mod account;
mod error;
mod layout;
mod probe;
mod programs;
mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::sync::watch;

pub use account::{default_data_dir, is_root};
pub use error::EmbeddedError;
use layout::{Layout, NAME};
use probe::Answer;
use server::Up;

/// How long a server gets for finishing what it does; then its clients are cut off and it recovers
/// at the next start.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What kind of server, and where.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The directory, made if missing. The cluster goes into a folder of its own within.
    pub data_dir: PathBuf,
    /// Whether a commit survives a power cut. `false` is for tests.
    pub durable: bool,
    /// Connections that the server takes.
    pub max_connections: u16,
}

impl EmbeddedConfig {
    /// A durable server of 100 connections.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durable: true, max_connections: 100 }
    }
}

/// How long the server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    OurOwn,
    Detached,
}

/// A server that answers, with the database `riftwatch` in it. Dropping it tells the server to stop
/// and does not wait; [`PrivateServer::stop`] does.
#[derive(Debug)]
pub struct PrivateServer {
    layout: Layout,
    /// `None` when the server is another program's.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    pid: Pid,
    ended: watch::Receiver<bool>,
}

impl PrivateServer {
    /// Starts the server, or finds the one that another program runs in the same directory. Takes
    /// about a second the first time, and 0.1 s later.
    ///
    /// # Errors
    ///
    /// See [`EmbeddedError`]; the messages are for the person at the terminal.
    pub async fn start(config: EmbeddedConfig) -> Result<Self, EmbeddedError> {
        Ok(match server::bring_up(config, Lifetime::OurOwn).await? {
            Up::Ours { layout, pid, ended } => Self { layout, own: Some(Own { pid, ended }) },
            Up::Found { layout } | Up::Detached { layout, .. } => Self { layout, own: None },
        })
    }

    /// An address that our own clients and psql take.
    pub fn url(&self) -> String {
        url_of(&self.layout)
    }

    /// The directory of the socket.
    pub fn socket_dir(&self) -> PathBuf {
        self.layout.socket_dir()
    }

    /// Whether the server is another program's, which stops it when it likes.
    pub fn is_attached(&self) -> bool {
        self.own.is_none()
    }

    /// Resolves when our server is gone, for whatever reason; never for another program's.
    pub async fn ended(&self) {
        match &self.own {
            Some(own) => wait_for_end(own.ended.clone()).await,
            None => std::future::pending().await,
        }
    }

    /// Stops our server and waits until it is gone. Another program's is left alone.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::StillRunning`] when it does not end.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        let Some(own) = &self.own else { return Ok(()) };
        for signal in [Signal::INT, Signal::QUIT] {
            own.signal(signal);
            let end = wait_for_end(own.ended.clone());
            if tokio::time::timeout(STOP_PATIENCE, end).await.is_ok() {
                return Ok(());
            }
        }
        Err(EmbeddedError::StillRunning { pid: own.pid.as_raw_nonzero().get() })
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            own.signal(Signal::INT);
        }
    }
}

impl Own {
    fn signal(&self, signal: Signal) {
        if !*self.ended.borrow() {
            // It may end this very moment, which is what the signal is for.
            let _ = rustix::process::kill_process(self.pid, signal);
        }
    }
}

async fn wait_for_end(mut ended: watch::Receiver<bool>) {
    // An error means that the thread is gone, and its child with it.
    let _ = ended.wait_for(|ended| *ended).await;
}

/// A server that goes on when this program ends, until [`stop_running`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// Its address.
    pub url: String,
    /// Its process, when it was started just now; `None` when one was running already.
    pub started_pid: Option<i32>,
}

/// Starts a server that outlives this program, or finds the one that runs already.
///
/// # Errors
///
/// As [`PrivateServer::start`].
pub async fn start_detached(config: EmbeddedConfig) -> Result<Detached, EmbeddedError> {
    let (layout, started_pid) = match server::bring_up(config, Lifetime::Detached).await? {
        Up::Detached { layout, pid } => (layout, Some(pid.as_raw_nonzero().get())),
        Up::Found { layout } | Up::Ours { layout, .. } => (layout, None),
    };
    Ok(Detached { url: url_of(&layout), started_pid })
}

/// The address of the server that runs in `data_dir`, if one answers there.
pub async fn running_url(data_dir: &Path) -> Option<String> {
    let layout = Layout::existing(data_dir).ok()?;
    match probe::ask(&layout.socket_dir()).await {
        Answer::Ready => Some(url_of(&layout)),
        Answer::NoDatabase | Answer::NotYet | Answer::Refused(_) => None,
    }
}

/// Stops a server that [`start_detached`] started, and waits until it is gone. False when none ran.
///
/// # Errors
///
/// [`EmbeddedError::InUse`] when the server belongs to a running program,
/// [`EmbeddedError::StillRunning`] when it does not end.
pub async fn stop_running(data_dir: &Path) -> Result<bool, EmbeddedError> {
    let Ok(layout) = Layout::existing(data_dir) else { return Ok(false) };
    let lock = layout.open_lock()?;
    if lock.try_lock().is_err() {
        return Err(EmbeddedError::InUse);
    }
    // With the lock in hand, whatever runs is nobody's: detached, or an orphan.
    let Some(server) = layout.postmaster() else { return Ok(false) };
    let began = Instant::now();
    server.signal(Signal::INT);
    while layout.postmaster().is_some() {
        if began.elapsed() > STOP_PATIENCE {
            return Err(EmbeddedError::StillRunning { pid: server.pid.as_raw_nonzero().get() });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(true)
}

/// The machine's `psql`.
pub fn psql_program() -> PathBuf {
    programs::psql()
}

/// `postgresql:///riftwatch?host=/var/lib/riftwatch/run&user=riftwatch`
fn url_of(layout: &Layout) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut host = String::new();
    for &byte in layout.socket_dir().as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            host.push(char::from(byte));
        } else {
            host.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("postgresql:///{NAME}?host={host}&user={NAME}")
}
