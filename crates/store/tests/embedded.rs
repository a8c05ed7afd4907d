//! The private PostgreSQL, with real servers and real deaths.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use riftwatch_store::DatabaseUrl;
use riftwatch_store::embedded::{
    self, EmbeddedConfig, EmbeddedError, PrivateServer, is_root, running_url, start_detached,
    stop_running,
};
use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;
use tokio_postgres::Client;

/// Where the child of a test finds its directory.
const CHILD_DIR: &str = "RIFTWATCH_TEST_CHILD_DIR";

/// A directory that PostgreSQL's user can enter when the tests run as root.
fn open_dir() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("permissions");
    dir
}

fn config(dir: &Path) -> EmbeddedConfig {
    EmbeddedConfig { durable: false, max_connections: 20, ..EmbeddedConfig::new(dir) }
}

async fn connect(url: &str) -> Client {
    let url: DatabaseUrl = url.parse().expect("our own URL");
    let (client, connection) = url.connect_raw().await.expect("a connection");
    tokio::spawn(connection);
    client
}

async fn ask(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.expect("a row").get(0)
}

/// The cluster in `dir`, of whatever version.
fn cluster(dir: &Path) -> PathBuf {
    fs::read_dir(dir)
        .expect("the directory")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("PG_VERSION").exists())
        .expect("a cluster")
}

fn postmaster(dir: &Path) -> Pid {
    let mark = fs::read_to_string(cluster(dir).join("postmaster.pid")).expect("a running server");
    let pid = mark.lines().next().expect("a first line").trim().parse().expect("a number");
    Pid::from_raw(pid).expect("not zero")
}

async fn wait_until_gone(pid: Pid) {
    let began = Instant::now();
    while test_kill_process(pid).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "{pid:?} is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Another program with a server in `dir`: this test binary, running [`child_program`].
fn spawn_program(dir: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["child_program", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary runs");
    let stdout = child.stdout.take().expect("piped");
    let ready = BufReader::new(stdout).lines().map_while(Result::ok).any(|line| line == "ready");
    assert!(ready, "the child ended early");
    child
}

#[tokio::test]
#[ignore = "the other program of the tests that kill one"]
async fn child_program() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let _server = PrivateServer::start(config(Path::new(&dir))).await.expect("a server");
    println!("\nready");
    // Until killed, or until the parent closes our input.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("an input");
}

#[tokio::test]
async fn from_nothing_to_ready_and_again() {
    let dir = open_dir();
    let data = dir.path().join("made/on the way");
    let began = Instant::now();
    let server = PrivateServer::start(EmbeddedConfig::new(&data)).await.expect("a server");
    println!("from nothing to ready, durable: {:?}", began.elapsed());
    assert!(!server.is_attached());

    let client = connect(&server.url()).await;
    assert_eq!(ask(&client, "SELECT current_database()::text").await, "riftwatch");
    assert_eq!(ask(&client, "SHOW listen_addresses").await, "");
    assert_eq!(ask(&client, "SHOW fsync").await, "on");
    assert_eq!(ask(&client, "SHOW timezone").await, "UTC");
    assert_eq!(ask(&client, "SELECT lower('ÉÑЖΣ')").await, "éñжσ");
    client.batch_execute("CREATE TABLE kept AS SELECT 'value'::text AS v").await.expect("a table");

    let pid = postmaster(&data);
    let began = Instant::now();
    server.stop().await.expect("stopped");
    println!("stopped: {:?}", began.elapsed());
    assert!(test_kill_process(pid).is_err(), "the process is gone when stop returns");
    assert_eq!(running_url(&data).await, None);

    let began = Instant::now();
    let server = PrivateServer::start(EmbeddedConfig::new(&data)).await.expect("a server");
    println!("the second time: {:?}", began.elapsed());
    assert_eq!(running_url(&data).await, Some(server.url()));
    let client = connect(&server.url()).await;
    assert_eq!(ask(&client, "SELECT v FROM kept").await, "value");
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn psql_takes_the_url() {
    let dir = open_dir();
    let server = PrivateServer::start(config(&dir.path().join("a b&c"))).await.expect("a server");
    let output = Command::new(embedded::psql_program())
        .args([&server.url(), "-Atc", "SELECT current_user"])
        .output()
        .expect("psql runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "riftwatch\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_second_start_uses_the_first_one_s_server() {
    let dir = open_dir();
    let (one, two) = tokio::join!(
        PrivateServer::start(config(dir.path())),
        PrivateServer::start(config(dir.path()))
    );
    let (one, two) = (one.expect("a server"), two.expect("a server"));
    assert_eq!(one.url(), two.url());
    let (owner, guest) = if one.is_attached() { (two, one) } else { (one, two) };
    assert!(guest.is_attached() && !owner.is_attached());

    guest.stop().await.expect("nothing to do");
    let client = connect(&owner.url()).await;
    assert_eq!(ask(&client, "SELECT 'still there'").await, "still there");
    assert!(matches!(stop_running(dir.path()).await, Err(EmbeddedError::InUse)));
    owner.stop().await.expect("stopped");
}

#[tokio::test]
async fn dropping_the_server_stops_it_without_waiting() {
    let dir = open_dir();
    let server = PrivateServer::start(config(dir.path())).await.expect("a server");
    let pid = postmaster(dir.path());
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    wait_until_gone(pid).await;
}

#[tokio::test]
async fn a_killed_program_takes_its_server_along() {
    if !cfg!(target_os = "linux") {
        println!("skipped: only Linux tells a child of its parent's death");
        return;
    }
    let dir = open_dir();
    let mut program = spawn_program(dir.path());
    let pid = postmaster(dir.path());
    program.kill().expect("kill -9");
    program.wait().expect("its end");
    wait_until_gone(pid).await;
    let log = fs::read_to_string(dir.path().join("postgres.log")).expect("a log");
    assert!(log.contains("database system is shut down"), "not a clean stop: {log}");
}

#[tokio::test]
async fn the_next_start_takes_over_after_the_program_was_killed() {
    let dir = open_dir();
    let mut program = spawn_program(dir.path());
    let first = postmaster(dir.path());
    let client = connect(&running_url(dir.path()).await.expect("it runs")).await;
    client.batch_execute("CREATE TABLE kept AS SELECT 'value'::text AS v").await.expect("a table");

    program.kill().expect("kill -9");
    let began = Instant::now();
    let server = PrivateServer::start(config(dir.path())).await.expect("a server");
    println!("taken over after kill -9 of the program: {:?}", began.elapsed());
    program.wait().expect("its end");
    assert!(!server.is_attached());
    assert_ne!(postmaster(dir.path()), first);
    let client = connect(&server.url()).await;
    assert_eq!(ask(&client, "SELECT v FROM kept").await, "value");
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn the_next_start_recovers_after_the_server_was_killed() {
    let dir = open_dir();
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await.expect("a server");
    let client = connect(&server.url()).await;
    client.batch_execute("CREATE TABLE kept AS SELECT 'value'::text AS v").await.expect("a table");
    rustix::process::kill_process(postmaster(dir.path()), rustix::process::Signal::KILL)
        .expect("kill -9");
    server.ended().await;

    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await.expect("a server");
    let client = connect(&server.url()).await;
    assert_eq!(ask(&client, "SELECT v FROM kept").await, "value");
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_detached_server_runs_until_it_is_told_to_stop() {
    let dir = open_dir();
    let detached = start_detached(config(dir.path())).await.expect("a server");
    let pid = postmaster(dir.path());
    assert_eq!(detached.started_pid, Some(pid.as_raw_nonzero().get()));
    assert_eq!(running_url(dir.path()).await.as_ref(), Some(&detached.url));

    let again = start_detached(config(dir.path())).await.expect("the same");
    assert_eq!((&again.url, again.started_pid), (&detached.url, None));
    let guest = PrivateServer::start(config(dir.path())).await.expect("the same");
    assert!(guest.is_attached());
    guest.stop().await.expect("nothing to do");
    assert_eq!(postmaster(dir.path()), pid);

    assert!(stop_running(dir.path()).await.expect("stopped"));
    assert_eq!(running_url(dir.path()).await, None);
    assert!(!stop_running(dir.path()).await.expect("nothing to do"));
}

#[tokio::test]
async fn a_directory_with_too_long_a_path_is_refused() {
    let dir = open_dir();
    let data = dir.path().join("x".repeat(100));
    let error = PrivateServer::start(config(&data)).await.expect_err("too long");
    assert!(matches!(error, EmbeddedError::PathTooLong { .. }), "{error}");
    assert!(error.to_string().contains("RIFTWATCH_DATA_DIR"), "{error}");
}

#[tokio::test]
async fn a_directory_that_the_server_s_user_cannot_enter_is_named() {
    if !is_root() {
        println!("skipped: only root runs the server as somebody else");
        return;
    }
    let closed = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("permissions");
    let error =
        PrivateServer::start(config(&closed.path().join("data"))).await.expect_err("closed");
    let EmbeddedError::Unreachable { dir, .. } = &error else { panic!("{error}") };
    assert_eq!(*dir, closed.path().canonicalize().expect("its real path"));
}

#[tokio::test]
async fn an_unfinished_cluster_is_made_anew() {
    let dir = open_dir();
    let server = PrivateServer::start(config(dir.path())).await.expect("a server");
    server.stop().await.expect("stopped");
    let whole = cluster(dir.path());
    let unfinished = whole.with_extension("new");
    fs::rename(&whole, &unfinished).expect("renamed");
    fs::remove_file(unfinished.join("PG_VERSION")).expect("removed");

    let server = PrivateServer::start(config(dir.path())).await.expect("a server");
    assert!(!unfinished.exists());
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn the_log_s_end_is_in_the_error_when_the_server_does_not_start() {
    let dir = open_dir();
    let server = PrivateServer::start(config(dir.path())).await.expect("a server");
    server.stop().await.expect("stopped");
    fs::write(cluster(dir.path()).join("postgresql.conf"), "no_such_setting = 1\n")
        .expect("written");
    let error = PrivateServer::start(config(dir.path())).await.expect_err("a bad setting");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}
