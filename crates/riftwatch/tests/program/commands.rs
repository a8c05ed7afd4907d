//! The other commands: what they print, and how they end.

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::Value;

use crate::harness::{output, riftwatch, riftwatch_on, stderr, stdout};

#[test]
fn an_address_that_others_can_reach_is_refused() {
    for command in ["serve", "demo"] {
        let ended = output(riftwatch(&[command, "--bind", "0.0.0.0:8000"]));
        assert_eq!(ended.status.code(), Some(2));
        let said = stderr(&ended);
        assert!(said.contains("0.0.0.0:8000") && said.contains("--bind 127.0.0.1:8000"), "{said}");
    }
}

#[test]
fn a_bad_setting_is_named_with_its_mend() {
    let mut command = riftwatch(&["serve", "--bind", "127.0.0.1:0"]);
    command.env("JOB_TIMEOUT_SECONDS", "0");
    let ended = output(command);
    assert_eq!(ended.status.code(), Some(2));
    let said = stderr(&ended);
    assert!(said.contains("JOB_TIMEOUT_SECONDS") && said.contains("1 or more"), "{said}");
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let mut command = riftwatch(&["migrate"]);
    command.env("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/nowhere");
    let ended = output(command);
    assert_eq!(ended.status.code(), Some(2));
    let said = stderr(&ended);
    assert!(said.contains("127.0.0.1:1") && !said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_tracked_and_a_job_is_run_without_a_server() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let run = |arguments: &[&str]| {
        let ended = output(riftwatch_on(&test, &sim, arguments));
        (ended.status.code(), stdout(&ended), stderr(&ended))
    };

    let name = riot_id.to_string();
    let track = ["player", "track", &name, "--platform", platform.as_str()];
    let (code, said, errors) = run(&track);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(said, format!("tracking {name} from now on\n"));
    let (_, said, _) = run(&track);
    assert_eq!(said, format!("{name} is tracked already\n"));
    let (_, said, _) = run(&["player", "list"]);
    assert!(said.contains(&name) && said.contains("never"), "{said}");

    // The job's row comes with the first process that runs jobs; `job run` is one.
    let (code, said, errors) = run(&["job", "run", "tracked_player_updater", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    let ended: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(ended["trigger"], "cli", "{ended}");
    assert_eq!(ended["metrics"]["players_updated"], 1, "{ended}");

    let (_, said, _) = run(&["job", "disable", "tracked_player_updater"]);
    assert_eq!(said, "tracked_player_updater is disabled\n");
    let (_, said, _) = run(&["job", "list"]);
    assert!(said.contains("disabled") && said.contains("success (completed)"), "{said}");
    let (_, said, _) = run(&["job", "enable", "tracked_player_updater"]);
    assert_eq!(said, "tracked_player_updater is enabled\n");

    let (code, _, errors) = run(&["job", "run", "no_such_job"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("no job named no_such_job"), "{errors}");
    let (code, _, errors) = run(&["player", "track", "Nobody#0000", "--platform", "euw1"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("riot knows no account Nobody#0000"), "{errors}");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_missing_and_what_to_do() {
    let test = TestDb::unmigrated().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let doctor = || output(riftwatch_on(&test, &sim, &["doctor", "--json"]));
    let bad = |checks: &Value| -> Vec<String> {
        let checks = checks.as_array().unwrap().iter();
        checks.filter(|c| c["fine"] == false).map(|c| c["name"].to_string()).collect()
    };

    let ended = doctor();
    assert_eq!(ended.status.code(), Some(1));
    let checks: Value = serde_json::from_str(&stdout(&ended)).unwrap();
    assert_eq!(bad(&checks), ["\"schema\""], "{checks}");

    let migrated = output(riftwatch_on(&test, &sim, &["migrate"]));
    assert!(stdout(&migrated).starts_with("ran "), "{}", stderr(&migrated));
    let again = output(riftwatch_on(&test, &sim, &["migrate"]));
    assert_eq!(stdout(&again), "the database is up to date\n");
    let ended = doctor();
    assert_eq!(ended.status.code(), Some(0), "{}", stdout(&ended));
    sim.stop().await;
}
