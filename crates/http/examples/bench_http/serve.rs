//! What is measured: the API as `riftwatch serve --role api` has it, and an actix "hello".

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use riftwatch_app::Deps;
use riftwatch_domain::clock::Clock;
use riftwatch_http::{AccessConfig, ApiState, HttpConfig, Limit};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::{Catalog, RunnerConfig, log_capture};
use riftwatch_store::{DatabaseUrl, Db};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::Outcome;

/// Connections of the API's pool: the program's default.
const CONNECTIONS: usize = 8;

/// A limit that is reckoned for each request and never reached.
const NEVER: Option<Limit> = Some(Limit { per_second: 1_000_000, burst: 1_000_000 });

/// A process of ours. It ends with this value, or with us.
pub(crate) struct Process {
    child: Child,
    _alive: Option<ChildStdin>,
    /// `127.0.0.1:4711`.
    pub(crate) authority: String,
}

impl Process {
    /// Starts this program with other arguments; it says where it listens.
    pub(crate) fn start(args: &[&str]) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let stdout = child.stdout.take().ok_or("the process has no output")?;
        BufReader::new(stdout).read_line(&mut said)?;
        let authority = said.trim().to_owned();
        if authority.is_empty() {
            return Err("the process did not start".into());
        }
        Ok(Self { _alive: child.stdin.take(), child, authority })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> Outcome<i64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen() -> Outcome<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    // Whoever started us is gone when our input ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    Ok(listener)
}

pub(crate) async fn api(database: DatabaseUrl) -> Outcome<()> {
    // As the program logs, but for where it goes.
    tracing_subscriber::registry()
        .with(log_capture::layer())
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::sink)
                .with_filter(LevelFilter::INFO),
        )
        .try_init()?;
    let state = ApiState {
        deps: Deps {
            store: Db::new(&database, CONNECTIONS),
            riot: Arc::new(FakeRiot::new()),
            clock: Clock::system(),
            max_tracked_players: 10,
            suppression_key: None,
        },
        catalog: Catalog::default(),
        runner_config: RunnerConfig::default(),
        runner: None,
        riot_client: None,
        riot_key: None,
        jobs_store: None,
        secret_key: None,
    };
    let access = AccessConfig { per_address: NEVER, per_token: NEVER, ..AccessConfig::default() };
    let config = HttpConfig { access, ..HttpConfig::default() };
    riftwatch_http::server(listen()?, state, config, |_| {})?.await?;
    Ok(())
}

pub(crate) async fn hello() -> Outcome<()> {
    let app = || App::new().route("/", web::get().to(async || "hello"));
    HttpServer::new(app).workers(HttpConfig::default().workers).listen(listen()?)?.run().await?;
    Ok(())
}
