//! `riftwatch demo`, from nothing.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{output, riftwatch, stdout, terminate};

#[test]
fn it_stops_by_itself_and_says_what_was_done_in_one_line_of_json() {
    let dir = data_dir();
    let mut command =
        riftwatch(&["demo", "--bind", "127.0.0.1:0", "--for", "8s", "--json", "--track", "3"]);
    command.env("RIFTWATCH_DATA_DIR", dir.path());
    let ended = output(command);
    let said = stdout(&ended);
    assert_eq!(ended.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(said.lines().count(), 1, "{said}");
    let done: Value = serde_json::from_str(&said).unwrap();
    assert!(done["executions"]["success"].as_i64().unwrap() >= 1, "{done}");
    assert_eq!(done["executions"]["failed"], 0, "{done}");
    assert_eq!(done["tracked"], 3, "{done}");
    let matches = done["matches"].as_i64().unwrap();
    assert!(matches > 20, "{done}");
    assert_eq!(done["participants"], matches * 10, "{done}");
    assert!(done["players"].as_i64().unwrap() > matches, "{done}");
    assert!(done["riot_requests"].as_i64().unwrap() > matches, "{done}");
    assert_eq!(done["riot_429"], 0, "{done}");
}

#[test]
fn it_opens_with_its_address_and_the_database_can_be_looked_into() {
    let dir = data_dir();
    let mut command = riftwatch(&["demo", "--bind", "127.0.0.1:0", "--for", "60s"]);
    command.env("RIFTWATCH_DATA_DIR", dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("the API answers on http://127.0.0.1:"), "{first}");

    let mut command = riftwatch(&["db", "url"]);
    command.env("RIFTWATCH_DATA_DIR", dir.path());
    let url = stdout(&output(command));
    let psql = Command::new("psql")
        .args([url.trim(), "-Atc", "SELECT count(*) FROM players WHERE is_tracked"])
        .output()
        .unwrap();
    assert_eq!(stdout(&psql).trim(), "5", "{}", String::from_utf8_lossy(&psql.stderr));

    terminate(&demo);
    lines.for_each(drop);
    assert!(demo.wait().unwrap().code().is_some(), "it ends in order");
}

/// Where PostgreSQL's own user can go, which is not everywhere that we can when we are root.
fn data_dir() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("rw").tempdir_in("/tmp").expect("a directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).expect("it is ours");
    dir
}
