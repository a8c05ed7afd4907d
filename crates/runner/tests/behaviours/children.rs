//! Processes of a test's own: this binary again, told to be a runner.

use std::process::Stdio;
use std::time::Duration;

use riftwatch_runner::RunnerConfig;
use riftwatch_store::{DatabaseUrl, Db};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::toys::{PATIENCE, Toys, quick, start};

/// Where a child finds what it is told.
const TOLD: &str = "RIFTWATCH_TEST_CHILD";

/// How a child behaves.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Told {
    pub(crate) url: String,
    pub(crate) scheduler: bool,
    pub(crate) worker: bool,
    pub(crate) lease_ms: u64,
    pub(crate) grace_ms: u64,
    pub(crate) concurrency: usize,
}

impl Told {
    /// Runs jobs and makes no ticks.
    pub(crate) fn to_work(url: &DatabaseUrl) -> Self {
        Self {
            url: url.expose().to_owned(),
            scheduler: false,
            worker: true,
            lease_ms: 1500,
            grace_ms: 2000,
            concurrency: 16,
        }
    }

    /// Makes ticks and runs no jobs.
    pub(crate) fn to_tick(url: &DatabaseUrl) -> Self {
        Self { scheduler: true, worker: false, ..Self::to_work(url) }
    }
}

/// A process with a runner in it. Killed when dropped.
pub(crate) struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) worker_id: String,
}

impl Child {
    /// Starts the process and waits until its runner runs.
    pub(crate) async fn start(told: &Told) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--ignored", "--exact", "--nocapture", "children::be_a_child"])
            .env(TOLD, serde_json::to_string(told).expect("it is JSON"))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("a child process");
        let stdout = process.stdout.take().expect("its output");
        let mut child =
            Self { process, lines: BufReader::new(stdout).lines(), worker_id: String::new() };
        child.worker_id = child.says("ready").await;
        child
    }

    /// Waits for a line that begins with `word`; returns the rest of it.
    pub(crate) async fn says(&mut self, word: &str) -> String {
        let hear = async {
            while let Some(line) = self.lines.next_line().await.expect("its output is text") {
                // The test harness may have begun the line.
                if let Some((_, rest)) = line.split_once(&format!("child {word} ")) {
                    return rest.to_owned();
                }
            }
            panic!("the child ended without saying {word}");
        };
        tokio::time::timeout(PATIENCE, hear).await.expect("the child says it in time")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.process.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.expect("the child lives"), signal).expect("the signal is sent");
    }

    /// As `kill -9`. Returns when it is gone.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.expect("it can be killed");
    }

    /// Waits for its end. Returns its exit code; `None` when a signal ended it.
    pub(crate) async fn exit(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .expect("it ends in time")
            .expect("it can be waited for")
            .code()
    }
}

/// What a child does.
#[test]
#[ignore = "not a test: other tests run it as a process of its own"]
fn be_a_child() {
    let told = std::env::var_os(TOLD).expect("only for other tests");
    let told: Told = serde_json::from_slice(told.as_encoded_bytes()).expect("it is JSON");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let orderly = runtime.block_on(async move {
        let url: DatabaseUrl = told.url.parse().expect("a database URL");
        let db = Db::new(&url, 4);
        let config = RunnerConfig {
            scheduler_enabled: told.scheduler,
            worker_enabled: told.worker,
            lease: Duration::from_millis(told.lease_ms),
            shutdown_grace: Duration::from_millis(told.grace_ms),
            concurrency: told.concurrency,
            ..quick()
        };
        let toys = Toys::with_db(&db);
        let runner = start(&db, &toys, config).await;
        println!("child ready {}", runner.worker_id());
        let orderly = runner.run_until_signal().await.expect("signals can be listened to");
        println!("child begun {}", toys.begun());
        orderly
    });
    // Code that never comes to an await must not hold the exit up.
    runtime.shutdown_background();
    std::process::exit(if orderly { 0 } else { 3 });
}
