//! A server as a child process on a test's database, and questions to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use riftwatch_sim::SimHandle;
use riftwatch_testkit::TestDb;
use serde_json::Value;

/// The longest that anything here may take before the test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The program, with nothing of the environment's settings.
pub(crate) fn riftwatch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riftwatch"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // Away from any `.env` of the developer's.
    command.current_dir(std::env::temp_dir());
    command
}

/// The program on a test's database and a simulated Riot API.
pub(crate) fn riftwatch_on(test: &TestDb, sim: &SimHandle, arguments: &[&str]) -> Command {
    let mut command = riftwatch(arguments);
    command
        .env("DATABASE_URL", test.url().expose())
        .env("RIOT_API_KEY", "RGAPI-test")
        .env("RIOT_API_BASE_URL", sim.base_url())
        .env("AUTH_MODE", "off");
    command
}

/// Runs a command to its end.
pub(crate) fn output(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    client: reqwest::Client,
}

impl Server {
    /// Starts `riftwatch serve` and waits until the tick that it begins with has come and gone, so
    /// that the test is alone with the main job.
    pub(crate) async fn start(test: &TestDb, sim: &SimHandle) -> Self {
        let server = Self::start_busy(test, sim);
        until("the main job has run once", async || {
            let job = server.job("tracked_player_updater").await;
            let job = server.get(&format!("/api/v1/jobs/{job}")).await;
            let ended = !job["last_execution"].is_null() && job["running_execution_id"].is_null();
            ended.then_some(())
        })
        .await;
        server
    }

    /// Starts `riftwatch serve` and waits until it says where it answers.
    pub(crate) fn start_busy(test: &TestDb, sim: &SimHandle) -> Self {
        Self::start_with(test, sim, &[])
    }

    /// The same, with settings of the environment.
    pub(crate) fn start_with(test: &TestDb, sim: &SimHandle, settings: &[(&str, &str)]) -> Self {
        let mut command = riftwatch_on(test, sim, &["serve", "--bind", "127.0.0.1:0"]);
        command.envs(settings.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let addr = lines
            .by_ref()
            .map(|line| line.expect("text"))
            .find_map(|line| {
                let (_, rest) = line.split_once("the API answers on http://")?;
                rest.split_whitespace()
                    .next()?
                    .trim_end_matches(|c: char| !c.is_ascii_digit())
                    .parse()
                    .ok()
            })
            .expect("it says where it answers before it ends");
        // Somebody must read on, or the pipe fills up and the program stands still.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, addr, client: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(self.url(path)).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.client.post(self.url(path));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        let answer = self.client.put(self.url(path)).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// The id of a job, by its name.
    pub(crate) async fn job(&self, name: &str) -> i64 {
        let jobs = self.get("/api/v1/jobs/").await;
        let items = jobs["items"].as_array().expect("items");
        let job = items.iter().find(|job| job["name"] == name).expect("the job");
        job["id"].as_i64().expect("an id")
    }

    /// Runs a job now, waiting for a run that goes on, and gives the ended execution.
    pub(crate) async fn run(&self, name: &str) -> Value {
        let job = self.job(name).await;
        let started = until("the job can be triggered", async || {
            let (status, body) = self.post(&format!("/api/v1/jobs/{job}/trigger"), None).await;
            (status == 202).then(|| body["execution_id"].as_i64().expect("an id"))
        })
        .await;
        until("the run ends", async || {
            let run = self.get(&format!("/api/v1/jobs/executions/{started}")).await;
            (run["status"] != "pending" && run["status"] != "running").then_some(run)
        })
        .await
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// As `kill`: SIGTERM. Gives the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        terminate(&self.child);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For plain HTTP.
pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().timeout(DEADLINE).build().expect("a client")
}

/// Asks again until there is an answer, for at most [`DEADLINE`].
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One number out of the database.
pub(crate) async fn number(test: &TestDb, sql: &str) -> i64 {
    rows(test, sql).await.first().expect("a row").get(0)
}

/// A column of texts out of the database.
pub(crate) async fn texts(test: &TestDb, sql: &str) -> Vec<String> {
    rows(test, sql).await.iter().map(|row| row.get(0)).collect()
}

async fn rows(test: &TestDb, sql: &str) -> Vec<tokio_postgres::Row> {
    let (client, connection) = test.url().connect_raw().await.expect("a connection");
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.expect("an answer");
    drop(client);
    driver.await.expect("no panic").expect("the connection closes");
    rows
}

/// SIGTERM by the shell, which has `kill` where there is no program of that name.
pub(crate) fn terminate(child: &Child) {
    let kill = format!("kill {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
}
