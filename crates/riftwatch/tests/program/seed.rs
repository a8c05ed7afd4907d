//! The commands and statements of the guide that riftwatch fulfils, as they stand there.
//!
//! `seed.sh` holds them verbatim; it is told the server's port and the database by its environment.

use std::path::Path;
use std::process::Command;

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;

use crate::harness::{Server, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_commands_and_statements_work_unchanged() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let server = Server::start(&test, &sim).await;

    // The commands say localhost:8000; curl is told that this is our port today.
    let home = tempfile::tempdir().unwrap();
    let addr = server.addr;
    let curlrc = format!("connect-to = \"localhost:8000:{}:{}\"\n", addr.ip(), addr.port());
    std::fs::write(home.path().join(".curlrc"), curlrc).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/seed.sh");
    let ended = Command::new("bash")
        .arg(script)
        .env("CURL_HOME", home.path())
        .env("DATABASE_URL", test.url().expose())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}\n{}", stdout(&ended), stderr(&ended));
    println!("{}", stdout(&ended));
    sim.stop().await;
}
