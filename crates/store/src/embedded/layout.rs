//! What lies where in the data directory, and which server runs there.
//!
//! ```text
//! lock           held by the program whose server this is, or that is starting one
//! postgres.log   what the server says; postgres.log.1 is the part before
//! pg15/          the cluster, one per major version
//! pg15.new/      a cluster in the making
//! run/           the socket, closed to everybody else
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

use super::account::{Account, is_root};
use super::error::EmbeddedError;
use super::programs::Programs;

/// The longest path of a Unix socket: `sun_path` less its closing zero.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// A longer log is put aside at the next start.
const LONGEST_LOG: u64 = 4 << 20;

/// The role and the database that every private server has.
pub(super) const NAME: &str = "riftwatch";

/// On a server's command line: it is nobody's child and goes on until it is told to stop.
pub(super) const DETACHED: &str = "cluster_name=riftwatch-detached";

/// A data directory that exists.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

/// A server that runs in a data directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Postmaster {
    pub(super) pid: Pid,
    /// Started to outlive its starter.
    pub(super) detached: bool,
}

impl Layout {
    /// Creates the directory if it is missing, and refuses one whose socket no program could open.
    pub(super) fn create(dir: &Path) -> Result<Self, EmbeddedError> {
        let missing: Vec<&Path> =
            dir.ancestors().filter(|step| !step.as_os_str().is_empty() && !step.exists()).collect();
        fs::create_dir_all(dir).map_err(EmbeddedError::io("creating", dir))?;
        if is_root() {
            // Whatever root's umask is, the server's user must get through.
            for made in missing {
                fs::set_permissions(made, Permissions::from_mode(0o755))
                    .map_err(EmbeddedError::io("opening", made))?;
            }
        }
        let layout = Self::existing(dir)?;
        let socket = layout.socket_dir().join(".s.PGSQL.5432");
        let length = socket.as_os_str().as_bytes().len();
        if length > LONGEST_SOCKET_PATH {
            return Err(EmbeddedError::PathTooLong { socket, length, limit: LONGEST_SOCKET_PATH });
        }
        Ok(layout)
    }

    /// A directory that must be there already.
    pub(super) fn existing(dir: &Path) -> Result<Self, EmbeddedError> {
        let root = fs::canonicalize(dir).map_err(EmbeddedError::io("opening", dir))?;
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn socket_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    pub(super) fn cluster(&self, major: u32) -> PathBuf {
        self.root.join(format!("pg{major}"))
    }

    pub(super) fn new_cluster(&self, major: u32) -> PathBuf {
        self.root.join(format!("pg{major}.new"))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The lock file, opened but not locked.
    pub(super) fn open_lock(&self) -> Result<File, EmbeddedError> {
        let path = self.lock_path();
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(EmbeddedError::io("opening", &path))
    }

    /// The programs to use: the newest whose data is there; without data, the newest.
    pub(super) fn choose(&self, mut programs: Vec<Programs>) -> Result<Programs, EmbeddedError> {
        let stored = self.stored_majors();
        let Some(newest) = stored.first() else { return Ok(programs.swap_remove(0)) };
        let available = programs.iter().map(|programs| programs.major).collect();
        programs.into_iter().find(|programs| stored.contains(&programs.major)).ok_or_else(|| {
            EmbeddedError::OtherMajor { dir: self.root.clone(), stored: *newest, available }
        })
    }

    /// The versions that have a cluster here, newest first.
    fn stored_majors(&self) -> Vec<u32> {
        let mut majors: Vec<u32> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("pg")?.parse().ok())
            .collect();
        majors.sort_unstable_by(|a, b| b.cmp(a));
        majors
    }

    /// The socket's directory, empty, and closed to all but the account (and root). Only while no
    /// server runs.
    pub(super) fn make_socket_dir(&self, account: &Account) -> Result<(), EmbeddedError> {
        let dir = self.socket_dir();
        // What a crash left there carries a process number too (see `remove_stale_mark`).
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(EmbeddedError::io("clearing", &dir))?;
        }
        make_private_dir(&dir, account)
    }

    /// The log, opened for the server to write into, and where its new part begins.
    pub(super) fn open_log(&self) -> Result<(File, u64), EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
            let aside = self.root.join("postgres.log.1");
            fs::rename(&path, &aside).map_err(EmbeddedError::io("renaming", &path))?;
        }
        let open = || -> io::Result<(File, u64)> {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        open().map_err(EmbeddedError::io("opening", &path))
    }

    /// The last lines of the log after `from`, for an error message.
    pub(super) fn log_tail(&self, from: u64) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(self.log())?;
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(64 << 10).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = read().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }

    /// The server that runs on one of the clusters here, whoever started it.
    pub(super) fn postmaster(&self) -> Option<Postmaster> {
        self.stored_majors().into_iter().find_map(|major| postmaster_of(&self.cluster(major)))
    }

    /// Removes the mark of a server that is gone. PostgreSQL judges the mark by the process number
    /// alone, and in containers numbers come again soon.
    pub(super) fn remove_stale_mark(&self, major: u32) -> Result<(), EmbeddedError> {
        let cluster = self.cluster(major);
        let mark = cluster.join("postmaster.pid");
        if mark.exists() && postmaster_of(&cluster).is_none() {
            fs::remove_file(&mark).map_err(EmbeddedError::io("removing", &mark))?;
        }
        Ok(())
    }
}

/// A new directory that only the account can enter.
pub(super) fn make_private_dir(dir: &Path, account: &Account) -> Result<(), EmbeddedError> {
    DirBuilder::new().mode(0o700).create(dir).map_err(EmbeddedError::io("creating", dir))?;
    account.give(dir)
}

impl Postmaster {
    pub(super) fn signal(self, signal: Signal) {
        // It may be gone already, which is what the signal is for.
        let _ = rustix::process::kill_process(self.pid, signal);
    }
}

/// The first line of `postmaster.pid` is the process. It outlives a crash, and the number may by
/// then be another process's: only one whose command line names this cluster is ours.
fn postmaster_of(cluster: &Path) -> Option<Postmaster> {
    let mark = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let raw = mark.lines().next()?.trim().parse().ok()?;
    let arguments = command_line(raw)?;
    let contains = |part: &[u8]| arguments.windows(part.len()).any(|window| window == part);
    contains(cluster.as_os_str().as_bytes())
        .then(|| Pid::from_raw(raw))
        .flatten()
        .map(|pid| Postmaster { pid, detached: contains(DETACHED.as_bytes()) })
}

#[cfg(target_os = "linux")]
fn command_line(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/cmdline")).ok()
}

#[cfg(not(target_os = "linux"))]
fn command_line(pid: i32) -> Option<Vec<u8>> {
    let output = std::process::Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    Some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(major: u32) -> Programs {
        Programs { major, bin: format!("/usr/lib/postgresql/{major}/bin").into() }
    }

    #[test]
    fn stored_data_decides_the_version() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = Layout::create(dir.path()).expect("a layout");
        assert_eq!(layout.choose(vec![programs(17), programs(15)]).expect("one"), programs(17));

        fs::create_dir(layout.cluster(15)).expect("a directory");
        fs::create_dir(layout.new_cluster(16)).expect("a directory");
        assert_eq!(layout.choose(vec![programs(17), programs(15)]).expect("one"), programs(15));

        let error = layout.choose(vec![programs(17)]).expect_err("15 is gone");
        assert!(
            matches!(&error, EmbeddedError::OtherMajor { stored: 15, available, .. } if available == &[17]),
            "{error}"
        );
    }

    #[test]
    fn a_mark_with_another_process_s_number_is_no_server() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = Layout::create(dir.path()).expect("a layout");
        fs::create_dir(layout.cluster(15)).expect("a directory");
        let mark = layout.cluster(15).join("postmaster.pid");
        fs::write(&mark, format!("{}\n", std::process::id())).expect("written");
        assert!(layout.postmaster().is_none());
        layout.remove_stale_mark(15).expect("removed");
        assert!(!mark.exists());
    }
}
