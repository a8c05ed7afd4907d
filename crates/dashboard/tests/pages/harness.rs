//! A server with the dashboard, and a browser without a script.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, StatusCode};
use riftwatch_app::Deps;
use riftwatch_domain::access::Role;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::Player;
use riftwatch_http::{AccessConfig, ApiState, AuthMode, HttpConfig};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, RunnerHandle,
};
use riftwatch_store::suppressions::SuppressionKey;
use riftwatch_store::{PooledConn, api_tokens};
use riftwatch_testkit::{TestDb, builders};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

/// A server with everything behind it. It stops when the test's runtime ends.
pub(crate) struct Harness {
    pub(crate) db: TestDb,
    pub(crate) riot: FakeRiot,
    /// Runs jobs until it is dropped.
    _runner: RunnerHandle,
    pub(crate) authority: String,
    client: reqwest::Client,
    /// What the browser shows with every request.
    session: Option<String>,
}

impl Harness {
    /// Everybody may do everything.
    pub(crate) async fn open() -> Self {
        Self::start(AuthMode::Off).await
    }

    /// Nobody gets in without a token.
    pub(crate) async fn closed() -> Self {
        Self::start(AuthMode::On).await
    }

    async fn start(mode: AuthMode) -> Self {
        let db = TestDb::new().await;
        let riot = FakeRiot::new();
        let deps = Deps {
            store: db.db.clone(),
            riot: Arc::new(riot.clone()),
            clock: Clock::system(),
            max_tracked_players: 5,
            suppression_key: Some(SuppressionKey::from_secret(b"test")),
        };
        let config = RunnerConfig { poll: Duration::from_millis(50), ..RunnerConfig::default() };
        let runner = Runner::start(db.db.clone(), registry(), Arc::new(deps.clone()), config)
            .await
            .expect("the runtime starts");
        let state = ApiState::with_runner(deps, runner.clone());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let authority = listener.local_addr().expect("an address").to_string();
        let access =
            AccessConfig { mode, per_address: None, per_token: None, ..AccessConfig::default() };
        let config = HttpConfig { workers: 1, access, ..HttpConfig::default() };
        let dashboard = riftwatch_dashboard::dashboard(state.clone());
        let server = riftwatch_http::server(listener, state, config, move |config| {
            riftwatch_dashboard::configure(config, &dashboard);
        });
        tokio::spawn(server.expect("the socket can be used"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { db, riot, _runner: runner, authority, client, session: None }
    }

    pub(crate) async fn conn(&self) -> PooledConn {
        self.db.db.get().await.expect("a connection")
    }

    /// The same server, seen by somebody who logged in with a token of this role.
    pub(crate) async fn log_in(&mut self, role: Role) {
        let secret = {
            let mut conn = self.conn().await;
            let made = api_tokens::create(&mut conn, role.as_str(), role, None).await;
            made.expect("a token").1
        };
        let answer = self.post("/login", &[("token", secret.expose_secret())]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        self.session = Some(answer.cookie("riftwatch_session"));
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}{path}", self.authority));
        match &self.session {
            Some(session) => request.header("cookie", format!("riftwatch_session={session}")),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        Answer::of(request).await
    }

    /// A job of the toy type that runs only when somebody asks. Gives its id.
    pub(crate) async fn add_job(&self, name: &str, fields: &[(&str, &str)]) -> i64 {
        let mut all = vec![("job_type", "toy"), ("name", name), ("schedule", "manual")];
        all.extend_from_slice(fields);
        let answer = self.post("/jobs/new", &all).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// Runs a job to its end by its button. Gives the run's id.
    pub(crate) async fn run(&self, job: i64) -> i64 {
        let answer = self.post(&format!("/jobs/{job}/run"), &[]).await;
        let id =
            answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        let ended = riftwatch_runner::manage::wait_for_end(
            &self.db.db,
            riftwatch_domain::execution::ExecutionId(id),
            Duration::from_secs(60),
        );
        ended.await.expect("the run is there");
        id
    }

    /// Runs a statement as whoever owns the database.
    pub(crate) async fn sql(&self, statement: &str) {
        let (client, connection) = self.db.url().connect_raw().await.expect("a connection");
        let driver = tokio::spawn(connection);
        client.batch_execute(statement).await.expect("the statement is taken");
        drop(client);
        driver.await.expect("no panic").expect("the connection closes");
    }

    /// A tracked player with a name.
    pub(crate) async fn add_tracked(&self, name: &str) -> Player {
        let player = builders::player(name).build();
        let account = riftwatch_domain::player::Account {
            puuid: player.puuid.clone(),
            riot_id: player.riot_id.clone(),
        };
        let mut conn = self.conn().await;
        riftwatch_store::players::track(
            &mut conn,
            &account,
            player.platform,
            100,
            builders::noon(),
        )
        .await
        .expect("the player is stored");
        player
    }
}

pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("text") }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The value of a cookie that is set.
    pub(crate) fn cookie(&self, name: &str) -> String {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
        let found = set.filter_map(|set| set.strip_prefix(name)?.strip_prefix('=')).next();
        found.and_then(|rest| rest.split(';').next()).expect("the cookie is set").to_owned()
    }

    /// What an action says it came to, as the next page tells it.
    pub(crate) fn told(&self) -> String {
        percent_encoding::percent_decode_str(&self.cookie("riftwatch_flash"))
            .decode_utf8_lossy()
            .into_owned()
    }
}

/// The job types of the tests.
fn registry() -> Registry<Deps> {
    Registry::new().with(Toy).with(Keep)
}

/// Does what its settings say.
#[derive(Debug)]
struct Toy;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ToyConfig {
    /// How many games to play.
    #[schemars(range(min = 1, max = 100))]
    games: u32,
    /// Where to pretend to play.
    platforms: Vec<String>,
    /// Go on until somebody cancels.
    endless: bool,
    /// What to break with.
    broken: Option<String>,
}

impl Default for ToyConfig {
    fn default() -> Self {
        Self { games: 3, platforms: Vec::new(), endless: false, broken: None }
    }
}

/// What the toy breaks with; the colon is no cause.
#[derive(Debug, thiserror::Error)]
#[error("games: 0 were played")]
struct Broken(#[source] std::io::Error);

#[async_trait]
impl Job for Toy {
    type Deps = Deps;
    type Config = ToyConfig;
    const KIND: &'static str = "toy";
    const DESCRIPTION: &'static str = "Plays.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, cx: &JobContext<Deps>, config: ToyConfig) -> Result<Outcome, JobError> {
        cx.increment_metric("games_played", i64::from(config.games));
        cx.log_entry("mood", "good");
        if let Some(text) = config.broken {
            return Err(Broken(std::io::Error::other(text)).into());
        }
        if config.endless {
            cx.cancel.cancelled().await;
            return Ok(Outcome::Interrupted);
        }
        Ok(Outcome::Done)
    }
}

/// Has the type and the form of the job that lets go of what is old.
#[derive(Debug)]
struct Keep;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct KeepConfig {
    /// Days that games are kept.
    #[schemars(range(min = 1, max = 100))]
    game_days: u32,
    /// Games deleted by one statement.
    #[schemars(range(min = 1, max = 1000))]
    batch_size: u32,
}

impl Default for KeepConfig {
    fn default() -> Self {
        Self { game_days: 30, batch_size: 500 }
    }
}

#[async_trait]
impl Job for Keep {
    type Deps = Deps;
    type Config = KeepConfig;
    const KIND: &'static str = "retention";
    const DESCRIPTION: &'static str = "Keeps.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const DEFAULT_ENABLED: bool = false;

    async fn run(&self, _: &JobContext<Deps>, _: KeepConfig) -> Result<Outcome, JobError> {
        Ok(Outcome::Done)
    }
}
