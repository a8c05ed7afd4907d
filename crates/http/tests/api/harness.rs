//! A server of a test's own, and what a test does with it.

mod login;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use riftwatch_app::Deps;
use riftwatch_domain::access::Role;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::{Account, Player, Summoner};
use riftwatch_http::{AccessConfig, ApiState, AuthMode, HttpConfig};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::{
    Job, JobContext, JobError, Outcome, Registry, Runner, RunnerConfig, RunnerHandle, log_capture,
};
use riftwatch_store::secret_key::SecretKey;
use riftwatch_store::suppressions::SuppressionKey;
use riftwatch_store::{PooledConn, api_tokens, players};
use riftwatch_testkit::{TestDb, builders};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A server with everything behind it. It stops when the test's runtime ends.
pub(crate) struct Harness {
    pub(crate) db: TestDb,
    pub(crate) riot: FakeRiot,
    /// Where the server is: `127.0.0.1:4711`.
    pub(crate) authority: String,
    pub(crate) runner: Option<RunnerHandle>,
    client: reqwest::Client,
}

/// How many players may be tracked in tests.
pub(crate) const MAX_TRACKED: u32 = 3;

impl Harness {
    /// A server without a job runtime: runs that are asked for stay pending.
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let (deps, riot) = deps(&db);
        let state = state(deps);
        Self::serve(db, riot, state, open())
    }

    /// A server whose state was changed.
    pub(crate) async fn with_state(change: impl FnOnce(ApiState) -> ApiState) -> Self {
        let db = TestDb::new().await;
        let (deps, riot) = deps(&db);
        Self::serve(db, riot, change(state(deps)), open())
    }

    /// One more process on the same database, with a state that was changed.
    pub(crate) fn beside_with(&self, change: impl FnOnce(ApiState) -> ApiState) -> String {
        listen(change(self.state()), open())
    }

    /// A server that lets nobody in without a token.
    pub(crate) async fn closed(access: AccessConfig) -> Self {
        let db = TestDb::new().await;
        let (deps, riot) = deps(&db);
        let state = state(deps);
        Self::serve(db, riot, state, access)
    }

    /// A token that is taken.
    pub(crate) async fn token(&self, name: &str, role: Role) -> String {
        let mut conn = self.conn().await;
        let (_, secret) = api_tokens::create(&mut conn, name, role, None).await.unwrap();
        secret.expose_secret().to_owned()
    }

    /// A server with a job runtime: the jobs of [`registry`] have their rows, and run.
    pub(crate) async fn with_runner() -> Self {
        // Runs have logs only where somebody collects them; the first test to come installs it.
        let _ = tracing_subscriber::registry().with(log_capture::layer()).try_init();
        let db = TestDb::new().await;
        let (deps, riot) = deps(&db);
        let config = RunnerConfig { poll: Duration::from_millis(50), ..RunnerConfig::default() };
        let runner =
            Runner::start(db.db.clone(), registry(), Arc::new(deps.clone()), config).await.unwrap();
        Self::serve(db, riot, ApiState::with_runner(deps, runner), open())
    }

    /// One more process on the same database, which only answers the API.
    pub(crate) fn beside(&self) -> String {
        self.beside_with(|state| state)
    }

    fn serve(db: TestDb, riot: FakeRiot, state: ApiState, access: AccessConfig) -> Self {
        let runner = state.runner.clone();
        let authority = listen(state, access);
        // The client wants a provider even where nothing is encrypted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        Self { db, riot, authority, runner, client }
    }

    pub(crate) async fn conn(&self) -> PooledConn {
        self.db.db.get().await.unwrap()
    }

    /// A request to a path of the server.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_to(&self.authority, method, path)
    }

    /// A request to a path of a server.
    pub(crate) fn request_to(&self, authority: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{authority}{path}"))
    }

    /// A table, as text.
    pub(crate) async fn dump(&self, table: &str) -> String {
        let (client, connection) = self.db.url().connect_raw().await.unwrap();
        tokio::spawn(connection);
        let rows = client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    }

    /// What a server of the test could serve.
    pub(crate) fn state(&self) -> ApiState {
        let (deps, _) = deps(&self.db);
        state(deps)
    }

    /// For a server in which nobody has to log in.
    pub(crate) fn open_config() -> HttpConfig {
        HttpConfig { workers: 1, access: open(), ..HttpConfig::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::POST, path)).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        Answer::of(self.request(method, path).json(&body)).await
    }

    /// An account that Riot knows on EUW: `Name#EUW`, with the puuid of `builders::player(name)`.
    pub(crate) fn add_account(&self, name: &str) -> Player {
        let player = builders::player(name).build();
        self.riot
            .add_account(Account { puuid: player.puuid.clone(), riot_id: player.riot_id.clone() });
        self.riot.add_summoner(
            player.platform,
            Summoner {
                puuid: player.puuid.clone(),
                profile_icon_id: 7,
                level: 30,
                revised_at: builders::noon(),
            },
        );
        player
    }

    /// A tracked player in the database, tracked since `at`.
    pub(crate) async fn add_tracked(&self, name: &str, at: DateTime<Utc>) -> Player {
        let player = builders::player(name).build();
        let account = Account { puuid: player.puuid.clone(), riot_id: player.riot_id.clone() };
        let mut conn = self.conn().await;
        players::track(&mut conn, &account, player.platform, 1_000, at).await.unwrap();
        player
    }
}

/// For tests of what the API does, not of who may.
fn open() -> AccessConfig {
    AccessConfig { mode: AuthMode::Off, ..AccessConfig::default() }
}

/// A process that runs no jobs: runs that are asked for stay pending.
fn state(deps: Deps) -> ApiState {
    ApiState {
        deps,
        catalog: registry().catalog().clone(),
        runner_config: RunnerConfig::default(),
        runner: None,
        riot_client: None,
        riot_key: None,
        jobs_store: None,
        secret_key: Some(secret_key()),
    }
}

fn secret_key() -> SecretKey {
    SecretKey::parse("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap()
}

/// Starts a server; where it is.
fn listen(state: ApiState, access: AccessConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let config = HttpConfig { workers: 1, access, ..HttpConfig::default() };
    tokio::spawn(riftwatch_http::server(listener, state, config, login::page).unwrap());
    authority
}

fn deps(db: &TestDb) -> (Deps, FakeRiot) {
    let riot = FakeRiot::new();
    let deps = Deps {
        store: db.db.clone(),
        riot: Arc::new(riot.clone()),
        clock: Clock::manual(builders::noon()),
        max_tracked_players: MAX_TRACKED,
        suppression_key: Some(SuppressionKey::from_secret(b"test")),
    };
    (deps, riot)
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream of events has no end to wait for.
        let is_stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if is_stream { String::new() } else { response.text().await.unwrap() };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    /// Status and body, for a snapshot: what differs from run to run is `"…"`.
    pub(crate) fn shown(&self) -> String {
        let mut body = self.body.clone();
        hide(&mut body);
        format!("{}\n{body:#}", self.status.as_u16())
    }

    /// The code of a failure.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Status, code and field of a failure, in one line.
    pub(crate) fn brief(&self) -> String {
        let field = self.body["error"]["field"].as_str().unwrap_or("-");
        format!("{} {} {field}", self.status.as_u16(), self.code())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Hides ids of requests and processes, cursors, and times by the database's clock. The times of
/// built values lie before all of these.
fn hide(body: &mut Value) {
    match body {
        Value::Object(map) => {
            for (key, value) in map {
                let changes = ["request_id", "worker_id", "duration_seconds"]
                    .contains(&key.as_str())
                    || (key == "next_cursor" && value.is_string());
                if changes && !value.is_null() {
                    *value = "…".into();
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) => {
            let built = builders::noon() + chrono::Duration::days(30);
            if DateTime::parse_from_rfc3339(text).is_ok_and(|time| time > built) {
                "…".clone_into(text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The job types of the tests.
pub(crate) fn registry() -> Registry<Deps> {
    Registry::new().with(Toy)
}

/// Does what its settings say.
#[derive(Debug)]
struct Toy;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ToyConfig {
    /// How many games to play.
    games: u32,
    /// Where to pretend to play.
    platforms: Vec<String>,
    /// Go on until somebody cancels.
    endless: bool,
    /// How many lines to log.
    lines: u32,
    /// Between two lines.
    line_every_ms: u64,
    /// How long each line is.
    line_bytes: usize,
}

impl Default for ToyConfig {
    fn default() -> Self {
        Self {
            games: 3,
            platforms: Vec::new(),
            endless: false,
            lines: 0,
            line_every_ms: 0,
            line_bytes: 0,
        }
    }
}

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
        for n in 1..=config.lines {
            tracing::info!(number = n, padding = "x".repeat(config.line_bytes), "line {n}");
            tokio::time::sleep(Duration::from_millis(config.line_every_ms)).await;
        }
        if config.endless {
            cx.cancel.cancelled().await;
            return Ok(Outcome::Interrupted);
        }
        Ok(Outcome::Done)
    }
}
