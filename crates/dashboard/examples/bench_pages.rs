//! Measures the dashboard over a million runs: how long the server takes for each page, the first time
//! and after, and what a page that is left open costs the database.
//!
//! `cargo run --release -p riftwatch-dashboard --example bench_pages -- [RUNS]`

#![expect(clippy::print_stdout, reason = "what is measured is printed")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riftwatch_app::Deps;
use riftwatch_domain::clock::Clock;
use riftwatch_http::{AccessConfig, ApiState, AuthMode, HttpConfig};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::{Catalog, RunnerConfig};
use riftwatch_store::suppressions::SuppressionKey;
use riftwatch_testkit::TestDb;

/// Looks at each page after the first.
const LOOKS: usize = 20;

/// How often a page that something happens on looks at the server, as the script does it at most.
const REFRESH: Duration = Duration::from_secs(2);

/// Pages that keep themselves current; the others ask for nothing once they are there.
const LIVE: [&str; 9] = [
    "overview",
    "jobs",
    "job",
    "runs",
    "runs, failed",
    "failures of 30 days",
    "run with 2000 lines",
    "riot budget",
    "system",
];

/// Looks of a page that is left open.
const OPEN_LOOKS: u32 = 5;

/// Runs over 30 days, of ten jobs, two of a hundred failed; log lines of the newest.
const SEED: &str = "
INSERT INTO job_configurations (name, job_type, interval_seconds, enabled)
SELECT 'job ' || n, 'tracked_player_updater', 120, n <= 8 FROM generate_series(1, 10) n;
INSERT INTO job_executions (job_id, job_name, job_type, status, reason, trigger, scheduled_for,
    started_at, ended_at, created_at, metrics, error, config_version)
SELECT j.id, j.name, j.job_type,
       CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'success' END,
       CASE WHEN n % 50 = 0 THEN 'error' ELSE 'completed' END,
       'schedule', at, at + interval '5 ms', at + interval '5 ms' + (n % 400) * interval '10 ms', at,
       jsonb_build_object('players_updated', n % 10, 'matches_stored', n % 100),
       CASE WHEN n % 50 = 0 THEN 'asking riot: the upstream said 50' || n % 4 || ' for match ' || n END, 1
FROM (SELECT n, now() - interval '30 days' + n * (interval '30 days' / RUNS) AS at,
             (n % 10) AS pick FROM generate_series(1, RUNS) n) AS g
JOIN (SELECT id, name, job_type, row_number() OVER (ORDER BY id) - 1 AS pick FROM job_configurations) j USING (pick)
ORDER BY n;
INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message)
SELECT (SELECT max(id) FROM job_executions), n, now(), 'INFO', 'bench', 'line ' || n FROM generate_series(1, 2000) n;
INSERT INTO audit_log (actor, action, outcome, job_id)
SELECT 'bench', 'trigger', 'done', 1 FROM generate_series(1, 100000) n;
VACUUM ANALYZE;
";

struct Bench {
    client: reqwest::Client,
    base: String,
    sql: tokio_postgres::Client,
}

impl Bench {
    /// How long the server takes until the page is there, in milliseconds, over loopback.
    async fn look(&self, path: &str) -> f64 {
        let began = Instant::now();
        let answer =
            self.client.get(format!("{}{path}", self.base)).send().await.expect("an answer");
        let status = answer.status();
        let body = answer.bytes().await.expect("a page");
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        began.elapsed().as_secs_f64() * 1000.0
    }

    /// Time that the database has spent on statements, in milliseconds, as it counts itself.
    async fn active_ms(&self) -> f64 {
        // A process of PostgreSQL that idles tells what it did after ten seconds.
        tokio::time::sleep(Duration::from_millis(10_500)).await;
        let row = self
            .sql
            .query_one(
                "SELECT active_time FROM pg_stat_database WHERE datname = current_database()",
                &[],
            )
            .await
            .expect("statistics");
        row.get(0)
    }

    async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.sql.query_one(sql, &[]).await.expect("a row").get(0)
    }
}

#[tokio::main]
async fn main() {
    let runs: u64 = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(1_000_000);
    let db = TestDb::new().await;
    let (sql, connection) = db.url().connect_raw().await.expect("a connection");
    tokio::spawn(connection);
    println!("{runs} runs are made…");
    for statement in SEED.replace("RUNS", &runs.to_string()).split_inclusive(";\n") {
        if !statement.trim().is_empty() {
            sql.batch_execute(statement).await.expect("the seed is taken");
        }
    }
    let deps = Deps {
        store: db.db.clone(),
        riot: Arc::new(FakeRiot::new()),
        clock: Clock::system(),
        max_tracked_players: 10,
        suppression_key: Some(SuppressionKey::from_secret(b"bench")),
    };
    let state = ApiState {
        jobs_store: None,
        deps,
        catalog: Catalog::default(),
        runner_config: RunnerConfig::default(),
        runner: None,
        riot_client: None,
        riot_key: None,
        secret_key: None,
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let access = AccessConfig {
        mode: AuthMode::Off,
        per_address: None,
        per_token: None,
        ..AccessConfig::default()
    };
    let dashboard = riftwatch_dashboard::dashboard(state.clone());
    let warmed = Instant::now();
    dashboard.warm().await.expect("the database answers");
    println!(
        "what is asked for at the start took {:.0} ms",
        warmed.elapsed().as_secs_f64() * 1000.0
    );
    let config = HttpConfig { access, ..HttpConfig::default() };
    let server = riftwatch_http::server(listener, state, config, move |config| {
        riftwatch_dashboard::configure(config, &dashboard);
    });
    tokio::spawn(server.expect("the socket can be used"));
    rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    let client = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
    let bench = Bench { client, base, sql };
    bench.look("/login").await;

    let job: i64 = bench.one("SELECT min(id) FROM job_configurations").await;
    let last: i64 = bench.one("SELECT max(id) FROM job_executions").await;
    let middle: i64 = last - i64::try_from(runs / 2).expect("far below 2^63");
    let pages = [
        ("overview", "/".to_owned()),
        ("jobs", "/jobs".to_owned()),
        ("job", format!("/jobs/{job}")),
        ("job, edit", format!("/jobs/{job}/edit")),
        ("versions", format!("/jobs/{job}/versions")),
        ("runs", "/runs".to_owned()),
        ("runs, failed", "/runs?status=failed".to_owned()),
        ("runs of a job, from the middle", format!("/runs?job={job}&before={middle}")),
        ("failures of 30 days", "/runs/failures?span=30d".to_owned()),
        ("run with 2000 lines", format!("/runs/{last}")),
        ("players", "/players".to_owned()),
        ("assessments", "/assessments".to_owned()),
        ("riot budget", "/riot".to_owned()),
        ("audit", "/audit".to_owned()),
        ("system", "/system".to_owned()),
        ("settings", "/settings".to_owned()),
    ];
    println!(
        "\n{:<32} {:>10} {:>8} {:>8} {:>16}",
        "page", "first, ms", "p50", "p95", "database, ms/s"
    );
    let mut worst: f64 = 0.0;
    // What nobody's page costs: the streams of events look for news, the statistics are read.
    let before = bench.active_ms().await;
    let began = Instant::now();
    tokio::time::sleep(REFRESH * OPEN_LOOKS).await;
    let open = began.elapsed().as_secs_f64();
    let idle = (bench.active_ms().await - before) / open;
    println!("{:<32} {:>10} {:>8} {:>8} {idle:>16.2}", "(no page open)", "", "", "");
    let mut dearest: f64 = 0.0;
    for (name, path) in &pages {
        let first = bench.look(path).await;
        let mut looks = Vec::new();
        for _ in 0..LOOKS {
            looks.push(bench.look(path).await);
        }
        looks.sort_by(f64::total_cmp);
        worst = worst.max(first);
        let (p50, p95) = (looks[LOOKS / 2], looks[LOOKS * 95 / 100]);
        if !LIVE.contains(name) {
            println!("{name:<32} {first:>10.1} {p50:>8.1} {p95:>8.1} {:>16}", "not live");
            continue;
        }
        let before = bench.active_ms().await;
        let began = Instant::now();
        for _ in 0..OPEN_LOOKS {
            bench.look(path).await;
            tokio::time::sleep(REFRESH).await;
        }
        let open = began.elapsed().as_secs_f64();
        let cost = (bench.active_ms().await - before) / open;
        println!("{name:<32} {first:>10.1} {p50:>8.1} {p95:>8.1} {cost:>16.2}");
        dearest = dearest.max(cost);
    }
    println!(
        "\nslowest first look: {worst:.1} ms (aim 100); dearest open page: {dearest:.2} ms of the database a second (aim 5)"
    );
}
