//! The commands of the runbook, as they stand there.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_testkit::TestDb;

use crate::harness::{Server, riftwatch_on, stderr, stdout};

/// A block of code: what runs it, and the line on which it begins.
struct Block<'a> {
    language: &'a str,
    line: usize,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) {
            let text = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = text.collect::<Vec<_>>().join("\n");
            blocks.push(Block { language, line: number + 2, text });
        }
    }
    blocks
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_runbook_works() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let name = riot_id.to_string();
    let tracked =
        riftwatch_on(&test, &sim, &["player", "track", &name, "--platform", platform.as_str()])
            .output()
            .unwrap();
    assert!(tracked.status.success(), "{}", stderr(&tracked));
    let server = Server::start(&test, &sim).await;
    let job = server.job("tracked_player_updater").await;
    let run = server.get(&format!("/api/v1/jobs/{job}")).await["last_execution"]["id"].to_string();
    let players = server.get("/api/v1/players/tracked").await;
    let puuid = players["items"][0]["puuid"].as_str().unwrap().to_owned();

    // What the page's commands find: our program, our port, our database.
    let home = tempfile::tempdir().unwrap();
    let addr = server.addr;
    let curlrc = format!("connect-to = \"localhost:8000:{}:{}\"\n", addr.ip(), addr.port());
    std::fs::write(home.path().join(".curlrc"), curlrc).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_riftwatch"));
    let path = std::env::var_os("PATH").unwrap();
    let path = format!("{}:{}", program.parent().unwrap().display(), path.to_str().unwrap());

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RUNBOOK.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut ran = 0;
    for block in blocks(&page) {
        let ended = match block.language {
            "sh" => {
                // Its environment, and not this process's.
                let mut shell = riftwatch_on(&test, &sim, &[]);
                let mut bash = Command::new("bash");
                bash.args(["-e", "-o", "pipefail"]).env_clear();
                for (name, value) in shell.env("CURL_HOME", home.path()).get_envs() {
                    if let Some(value) = value {
                        bash.env(name, value);
                    }
                }
                bash.env("PATH", &path)
                    .env("JOB", job.to_string())
                    .env("RUN", &run)
                    .env("PUUID", &puuid);
                fed(&mut bash, &block.text)
            }
            "sql" => {
                let mut psql = Command::new("psql");
                psql.args(["-X", "-v", "ON_ERROR_STOP=1"]);
                psql.args(["-v", &format!("RUN={run}"), "-v", &format!("PUUID={puuid}")]);
                fed(psql.arg(test.url().expose()), &block.text)
            }
            "console" => continue,
            other => panic!("line {}: nothing runs {other}", block.line),
        };
        assert!(
            ended.status.success(),
            "docs/RUNBOOK.md:{}: {}\n{}\n{}",
            block.line,
            block.text,
            stdout(&ended),
            stderr(&ended)
        );
        ran += 1;
    }
    assert!(ran > 10, "only {ran} blocks were found");
    sim.stop().await;
}

/// Runs a program on a text.
fn fed(command: &mut Command, text: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}
