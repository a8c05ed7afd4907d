//! The user that runs the server: ourselves, or a powerless one when we are root.
//!
//! PostgreSQL refuses to run as root. `Command::uid` gives the child another user (and drops
//! root's supplementary groups); the kernel forgets a process's death signal when its user changes,
//! so the signal is set after that, by `setpriv`, which then becomes the server.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::error::EmbeddedError;

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Who runs the server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    uid: u32,
    gid: u32,
    /// Set when it is not the user that we are.
    switch: bool,
}

/// What becomes of a child when the thread that made it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnOurDeath {
    /// It gets this signal, where the operating system can do that (Linux).
    Signal(&'static str),
    /// It goes on.
    LiveOn,
}

impl Account {
    /// The user for a cluster in `cluster`, which may not exist yet: its owner if it does.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let owner = fs::metadata(cluster).ok().map(|meta| (meta.uid(), meta.gid()));
        if !is_root() {
            let uid = rustix::process::geteuid().as_raw();
            return match owner {
                Some((owner, _)) if owner != uid => {
                    Err(EmbeddedError::Foreign { dir: cluster.to_path_buf(), owner })
                }
                _ => Ok(Self {
                    name: String::from("you"),
                    uid,
                    gid: rustix::process::getegid().as_raw(),
                    switch: false,
                }),
            };
        }
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { name: format!("#{uid}"), uid, gid, switch: true });
        }
        let passwd = fs::read_to_string("/etc/passwd")
            .map_err(EmbeddedError::io("reading", Path::new("/etc/passwd")))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| lookup(&passwd, name))
            .ok_or(EmbeddedError::NoAccount)
    }

    /// Gives the account a file or directory.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid))
            .map_err(EmbeddedError::io("changing the owner of", path))
    }

    /// Fails if the account cannot enter `dir`, naming the directory that is closed.
    pub(super) fn check_reach(&self, dir: &Path) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        let mut way: Vec<&Path> = dir.ancestors().collect();
        way.reverse();
        for step in way {
            let meta = fs::metadata(step).map_err(EmbeddedError::io("looking at", step))?;
            let execute = if meta.uid() == self.uid {
                0o100
            } else if meta.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if meta.mode() & execute == 0 {
                return Err(EmbeddedError::Unreachable {
                    dir: step.to_path_buf(),
                    user: self.name.clone(),
                    uid: self.uid,
                });
            }
        }
        Ok(())
    }

    /// `program` as this account, in a process group of its own, so that Ctrl-C at our terminal
    /// reaches only us, and we stop the server when we are done with it.
    pub(super) fn command(&self, program: &Path, on_our_death: OnOurDeath) -> Command {
        let mut command = match on_our_death {
            OnOurDeath::Signal(signal) if can_set_death_signal() => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", signal, "--"]).arg(program);
                command
            }
            _ => Command::new(program),
        };
        for (name, _) in std::env::vars_os() {
            // PGDATA, PGPORT and their like are about other servers.
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        // Messages in English, and on macOS the locale must be set for the server to start.
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// Whether util-linux's `setpriv` is there. (Busybox has one that cannot do this.)
fn can_set_death_signal() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        cfg!(target_os = "linux")
            && Command::new("setpriv")
                .args(["--pdeathsig", "INT", "--", "true"])
                .stdin(Stdio::null())
                .output()
                .is_ok_and(|output| output.status.success())
    })
}

/// `postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash`
fn lookup(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name: name.to_owned(), uid, gid, switch: true })
}

/// Where the program keeps its data unless told otherwise: `/var/lib/riftwatch` for root, whose
/// home other users cannot enter; else the user's data directory. `None` when the user has no home.
///
/// The arguments are `XDG_DATA_HOME` and `HOME` as the environment has them.
pub fn default_data_dir(
    is_root: bool,
    xdg_data_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if is_root {
        return Some(PathBuf::from("/var/lib/riftwatch"));
    }
    xdg_data_home
        .filter(|dir| dir.is_absolute())
        .or_else(|| home.filter(|dir| dir.is_absolute()).map(|home| home.join(".local/share")))
        .map(|dir| dir.join("riftwatch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_directory_follows_the_user() {
        let dir = |root, xdg: Option<&str>, home: Option<&str>| {
            default_data_dir(root, xdg.map(PathBuf::from), home.map(PathBuf::from))
                .map(|dir| dir.display().to_string())
        };
        assert_eq!(dir(true, Some("/x"), Some("/root")).as_deref(), Some("/var/lib/riftwatch"));
        assert_eq!(dir(false, Some("/x"), Some("/home/a")).as_deref(), Some("/x/riftwatch"));
        assert_eq!(
            dir(false, Some("relative"), Some("/home/a")).as_deref(),
            Some("/home/a/.local/share/riftwatch")
        );
        assert_eq!(dir(false, None, None), None);
    }

    #[test]
    fn an_account_is_read_from_its_whole_name() {
        let passwd = "postgresql:x:1:2::/:\npostgres:x:101:104:admin,,,:/var/lib:/bin/bash\n";
        let account = lookup(passwd, "postgres").expect("it is there");
        assert_eq!((account.uid, account.gid), (101, 104));
        assert_eq!(lookup(passwd, "nobody"), None);
    }
}
