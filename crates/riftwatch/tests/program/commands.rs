//! The other commands: what they print, and how they end.

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::Value;

use crate::harness::{Server, output, riftwatch, riftwatch_on, stderr, stdout};

#[test]
fn an_address_that_others_can_reach_is_refused() {
    for command in ["serve", "demo"] {
        let mut command = riftwatch(&[command, "--bind", "0.0.0.0:8000"]);
        command.env("AUTH_MODE", "off");
        let ended = output(command);
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

#[test]
fn a_study_of_policies_is_the_same_for_the_same_seed() {
    let study = || {
        let ended = output(riftwatch(&["sim-study", "--players", "20", "--json"]));
        assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
        stdout(&ended)
    };
    let said = study();
    assert_eq!(said, study());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["keys"][0]["key"], "development");
    assert!(said["keys"][1]["policies"].as_array().unwrap().len() >= 3, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_steered_with_and_without_a_server() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let server = Server::start(&test, &sim).await;
    let url = format!("http://{}", server.addr);
    let create = ["job", "create", "nightly", "--type", "rank_monitor", "--cron", "30 4 * * *"];
    let edit = ["job", "edit", "nightly", "--config-json", r#"{"rank_threshold": 3}"#, "--json"];
    let pause = ["job", "pause", "nightly", "--reason", "patch day"];
    for through in [&["--server", &url][..], &[]] {
        let run = |arguments: &[&str]| {
            let arguments: Vec<&str> = arguments.iter().chain(through).copied().collect();
            let ended = output(riftwatch_on(&test, &sim, &arguments));
            (ended.status.code(), stdout(&ended), stderr(&ended))
        };
        assert_eq!(run(&create).1, "nightly is created\n");
        let (code, _, errors) = run(&create);
        assert_eq!(code, Some(2));
        assert!(errors.contains("nightly"), "{errors}");
        let job: Value = serde_json::from_str(&run(&edit).1).unwrap();
        assert_eq!(job["config_json"]["rank_threshold"], 3, "{job}");
        let (code, _, errors) =
            run(&["job", "edit", "nightly", "--if-version", "1", "--interval", "5"]);
        assert_eq!(code, Some(2), "{errors}");
        assert_eq!(run(&pause).1, "nightly is paused\n");
        let shown = run(&["job", "show", "nightly"]).1;
        assert!(shown.contains("patch day") && shown.contains("30 4 * * * UTC"), "{shown}");
        let versions = run(&["job", "versions", "nightly"]).1;
        assert_eq!(versions.lines().count(), 4, "{versions}");
        assert_eq!(
            run(&["job", "restore", "nightly", "1"]).1,
            "nightly is as in version 1 again\n"
        );
        assert_eq!(run(&["job", "resume", "nightly"]).1, "nightly is resumed\n");
        assert_eq!(run(&["job", "run", "nightly"]).0, Some(0));
        let logged = run(&["job", "logs", "nightly", "--follow"]);
        assert_eq!(logged.0, Some(0), "{}", logged.2);
        assert_eq!(run(&["job", "delete", "nightly"]).1, "nightly is deleted\n");
        assert!(run(&["status"]).1.contains("all is well"));
    }
    let completions = output(riftwatch_on(&test, &sim, &["completions", "bash"]));
    assert!(stdout(&completions).contains("riftwatch"), "{}", stderr(&completions));
    sim.stop().await;
}
