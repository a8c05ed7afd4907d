//! What stops the shared server when nobody needs it any more.
//!
//! No test process can do that: none knows that it is the last. So a shell script waits beside the
//! server. It takes the file `in_use` exclusively, which works only while no test process holds it,
//! and then stops the server and removes its data if the last use is some minutes past; a test
//! process that comes just then waits for the lock and starts a new server. Without util-linux's
//! `flock` (macOS) there is no watchdog, and the server stays until it is stopped by hand.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// `$1`: the directory. The mark's process is checked to be ours before it is told anything.
const SCRIPT: &str = r#"
cd "$1" || exit
while sleep 10; do
    set -- pg[0-9]*/postmaster.pid
    [ -e "$1" ] || exit
    pid=$(head -n 1 "$1")
    grep -qs riftwatch-detached "/proc/$pid/cmdline" || exit
    exec 9>>in_use
    if flock -n -x 9 && [ -z "$(find in_use -mmin -5)" ]; then
        kill -INT "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        rm -rf pg[0-9]* run own-*
        exit
    fi
    exec 9>&-
done
"#;

/// Starts a watchdog over `dir` unless there is one, which the lock on `watchdog` tells.
pub(crate) fn ensure(dir: &Path) {
    let lock = dir.join("watchdog");
    let free = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .is_ok_and(|file| file.try_lock().is_ok());
    if !free {
        return;
    }
    // Without our output: a runner waits until everybody has closed it.
    let _ = Command::new("flock")
        .args(["--nonblock", "--close"])
        .arg(&lock)
        .args(["sh", "-c", SCRIPT, "riftwatch-test-watchdog"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn();
}
