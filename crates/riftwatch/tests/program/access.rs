//! Tokens, as the command line makes them and the server takes them.

use reqwest::{Method, StatusCode};
use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;
use serde_json::Value;

use crate::harness::{Server, client, output, riftwatch_on, stderr, stdout, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_role_may_until_it_is_revoked() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let run = |arguments: &[&str]| {
        let ended = output(riftwatch_on(&test, &sim, arguments));
        (ended.status.code(), stdout(&ended), stderr(&ended))
    };
    let server = Server::start_with(&test, &sim, &[("AUTH_MODE", "on")]);
    let create = |name: &str, role: &str| {
        let (code, said, errors) = run(&["token", "create", "--name", name, "--role", role]);
        assert_eq!(code, Some(0), "{errors}");
        assert!(!errors.contains(said.trim()), "a token is printed once, and never logged");
        said.trim().to_owned()
    };
    let (viewer, operator) = (create("grafana", "viewer"), create("ada", "operator"));
    let http = client();
    let ask = async |method: Method, path: &str, token: Option<&str>| {
        let mut request = http.request(method, server.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer").status()
    };

    let jobs = "/api/v1/jobs/";
    assert_eq!(ask(Method::GET, jobs, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Method::GET, jobs, Some("rw_guessed")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Method::GET, jobs, Some(&viewer)).await, StatusCode::OK);
    let cancel = "/api/v1/jobs/executions/999999/cancel";
    assert_eq!(ask(Method::POST, cancel, Some(&viewer)).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::POST, cancel, Some(&operator)).await, StatusCode::NOT_FOUND);
    let erase = "/api/v1/players/nobody";
    assert_eq!(ask(Method::DELETE, erase, Some(&operator)).await, StatusCode::FORBIDDEN);

    // The command line shows its token, too.
    let url = server.url("");
    let listed = |token: Option<&str>| {
        let mut command = riftwatch_on(&test, &sim, &["job", "list", "--server", &url]);
        command.envs(token.map(|token| ("RIFTWATCH_TOKEN", token)));
        output(command)
    };
    assert_eq!(listed(None).status.code(), Some(2));
    let ended = listed(Some(&viewer));
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    assert!(stdout(&ended).contains("rank_monitor"), "{}", stdout(&ended));

    let (code, _, errors) = run(&["token", "create", "--name", "ada", "--role", "admin"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("there is a token named ada already"), "{errors}");
    let (_, said, _) = run(&["token", "list", "--json"]);
    assert!(!said.contains(&viewer) && !said.contains(&operator), "{said}");
    let tokens: Value = serde_json::from_str(&said).unwrap();
    let names: Vec<&Value> = tokens.as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert!(names.contains(&&"ada".into()) && names.contains(&&"grafana".into()), "{said}");

    assert_eq!(run(&["token", "revoke", "grafana"]).1, "grafana is revoked\n");
    until("the revoked token is not taken any more", async || {
        (ask(Method::GET, jobs, Some(&viewer)).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(ask(Method::GET, jobs, Some(&operator)).await, StatusCode::OK);
    let (_, said, _) = run(&["token", "list"]);
    let row = said.lines().find(|line| line.starts_with("grafana")).unwrap();
    assert!(row.contains("viewer") && row.contains("revoked"), "{said}");
    let (code, _, errors) = run(&["token", "revoke", "nobody"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("no token named nobody"), "{errors}");
    sim.stop().await;
}
