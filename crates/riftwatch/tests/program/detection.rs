//! `riftwatch detection` on stored players.

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::Value;

use crate::harness::{Server, output, riftwatch_on, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn assessments_are_made_listed_and_reviewed_with_and_without_a_server() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let name = riot_id.to_string();
    let server = Server::start(&test, &sim).await;
    let url = server.url("");
    for through in [&["--server", &url][..], &[]] {
        let run = |arguments: &[&str]| {
            let arguments: Vec<&str> = arguments.iter().chain(through).copied().collect();
            let ended = output(riftwatch_on(&test, &sim, &arguments));
            (ended.status.code(), stdout(&ended), stderr(&ended))
        };
        let json = |arguments: &[&str]| -> Value {
            let (code, said, errors) = run(&[arguments, &["--json"]].concat());
            assert_eq!(code, Some(0), "{errors}");
            serde_json::from_str(&said).unwrap()
        };
        run(&["player", "track", &name, "--platform", platform.as_str()]);
        run(&["job", "run", "tracked_player_updater"]);

        let made = json(&["detection", "analyze", &name]);
        assert!(made["notice"].is_string(), "{made}");
        let (code, shown, errors) = run(&["detection", "show", &name]);
        assert_eq!(code, Some(0), "{errors}");
        assert!(shown.contains(&name) && shown.contains("probability"), "{shown}");
        assert_eq!(json(&["detection", "show", &name]), made);
        let history = json(&["detection", "history", &name]);
        assert_eq!(history[0], made, "{history}");

        let listed = json(&["detection", "list", "--platform", platform.as_str()]);
        assert_eq!(listed[0]["riot_id"], name.as_str(), "{listed}");
        let number = listed[0]["assessment_id"].to_string();
        let (code, said, errors) =
            run(&["detection", "review", &number, "false_positive", "--note", "a friend"]);
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(said, format!("assessment {number} is reviewed: false_positive\n"));
        let (_, table, _) = run(&["detection", "list", "--reviewed", "true", "--sort", "time"]);
        assert!(table.contains("ASSESSMENT") && table.contains("false_positive"), "{table}");
        assert_eq!(
            json(&["detection", "list", "--reviewed", "false"]).as_array().unwrap().len(),
            0
        );

        let (code, _, errors) = run(&["detection", "list", "--band", "enormous"]);
        assert_eq!(code, Some(2));
        assert!(errors.contains("band"), "{errors}");
        let (code, _, errors) = run(&["detection", "review", "999999", "unsure"]);
        assert_eq!(code, Some(2));
        assert!(errors.contains("assessment"), "{errors}");
        assert_eq!(run(&["detection", "show", "Nobody#0000"]).0, Some(2));
    }
    sim.stop().await;
}
