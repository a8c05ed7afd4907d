//! Why the private server is not there, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The private PostgreSQL could not be started, found or stopped. The messages are for the person
/// at the terminal: each names what to do where there is something to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The machine has no PostgreSQL server programs, or only ones that are too old.
    #[error(
        "no PostgreSQL server programs of version {} or newer were found{}; install them with \
         `{}`, or set DATABASE_URL to a server that runs already",
        super::programs::OLDEST_MAJOR,
        too_old(*.newest),
        install_command()
    )]
    NoPrograms {
        /// The newest version that was found, if any was.
        newest: Option<u32>,
    },
    /// The directory holds data of a version whose programs are gone. Starting an empty cluster of
    /// another version beside it would look as if everything was lost.
    #[error(
        "{dir} holds data of PostgreSQL {stored}, but this machine has only {available:?}: \
         install PostgreSQL {stored} (and move the data with pg_dump if you want a newer one), or \
         choose another directory with RIFTWATCH_DATA_DIR"
    )]
    OtherMajor {
        /// The data directory.
        dir: PathBuf,
        /// The newest version that has data there.
        stored: u32,
        /// The versions whose programs are there, newest first.
        available: Vec<u32>,
    },
    /// Unix sockets cannot have such a long path.
    #[error(
        "the path {socket} is {length} bytes long, and a Unix socket's path may have at most \
         {limit}: choose a shorter directory with RIFTWATCH_DATA_DIR"
    )]
    PathTooLong {
        /// Where the socket would be.
        socket: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The operating system's limit in bytes.
        limit: usize,
    },
    /// PostgreSQL refuses to run as root, and the user that runs it instead cannot get there.
    #[error(
        "the user {user} (uid {uid}), who runs PostgreSQL because root may not, cannot enter {dir}: \
         `chmod o+x` it, or choose another directory with RIFTWATCH_DATA_DIR"
    )]
    Unreachable {
        /// The first directory on the way that is closed.
        dir: PathBuf,
        /// Who runs the server.
        user: String,
        /// The same as a number.
        uid: u32,
    },
    /// The cluster belongs to somebody else, often because it was made as root.
    #[error(
        "{dir} belongs to uid {owner}, not to you: run as that user or as root, or choose another \
         directory with RIFTWATCH_DATA_DIR"
    )]
    Foreign {
        /// The cluster's directory.
        dir: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// We are root and the machine knows neither of the users that could run the server.
    #[error("PostgreSQL refuses to run as root, and /etc/passwd has neither postgres nor nobody")]
    NoAccount,
    /// A file or a process did not do what it should.
    #[error("{doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or program.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it printed.
        output: String,
    },
    /// The server ended while it started.
    #[error("PostgreSQL ended while starting ({status}); its log {log} ends with: {tail}")]
    Died {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server runs but does not answer.
    #[error("PostgreSQL did not answer within {waited_s} s; see {log}")]
    Silent {
        /// How long we waited.
        waited_s: u64,
        /// Its log.
        log: PathBuf,
    },
    /// Another program holds the directory, and its server does not answer.
    #[error(
        "another riftwatch holds {lock}, but no PostgreSQL answered there within {waited_s} s: \
         stop that program"
    )]
    Held {
        /// The lock file.
        lock: PathBuf,
        /// How long we waited.
        waited_s: u64,
    },
    /// An earlier server does not end.
    #[error("PostgreSQL (process {pid}) does not end: look at it, then `kill -QUIT {pid}`")]
    StillRunning {
        /// Its process.
        pid: i32,
    },
    /// The server is part of a running program.
    #[error("the server belongs to a running riftwatch and stops with it: stop that program")]
    InUse,
    /// The server answers, but not to us.
    #[error("the private PostgreSQL refused the connection")]
    Refused(#[source] tokio_postgres::Error),
    /// The thread that looks after the server is gone, which only a panic in it can cause.
    #[error("the thread that looks after PostgreSQL ended unexpectedly")]
    ThreadLost,
}

impl EmbeddedError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

fn too_old(newest: Option<u32>) -> String {
    newest.map(|major| format!(" (only version {major})")).unwrap_or_default()
}

/// The one command that installs the server programs on this machine.
fn install_command() -> &'static str {
    const MANAGERS: [(&str, &str); 6] = [
        ("/usr/bin/apt-get", "sudo apt-get install postgresql"),
        ("/usr/bin/dnf", "sudo dnf install postgresql-server"),
        ("/usr/bin/pacman", "sudo pacman -S postgresql"),
        ("/sbin/apk", "sudo apk add postgresql"),
        ("/opt/homebrew/bin/brew", "brew install postgresql"),
        ("/usr/local/bin/brew", "brew install postgresql"),
    ];
    MANAGERS
        .iter()
        .find(|(manager, _)| Path::new(manager).exists())
        .map_or("the package manager of your system", |(_, command)| command)
}
