//! The API under load: requests a second and their latency on large tables beside an actix "hello",
//! ten thousand open event streams, and downloads of a million lines.
//!
//! `just bench-http [--participants 10000000] [--executions 1000000] [--seconds 10] [--rounds 3]
//! [--streams 10000] [--lines 1000000]`. Takes `wrk`, which `./run bench-http` installs, some 10 GB
//! in `/tmp` for ten million participants, and most of an hour then; the machine should do nothing
//! else. Everything runs on loopback and is removed at the end.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod load;
mod memory;
mod seed;
mod serve;
mod streams;

use std::collections::HashMap;

use riftwatch_domain::access::Role;
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, api_tokens, migrations};
use secrecy::ExposeSecret as _;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How much of everything.
#[derive(Debug)]
struct Size {
    participants: i64,
    executions: i64,
    seconds: i64,
    rounds: i64,
    streams: i64,
    lines: i64,
}

impl Size {
    /// Of `--name number` pairs.
    fn read(words: &[String]) -> Outcome<Self> {
        let mut given = HashMap::new();
        for pair in words.chunks(2) {
            let [name, number] = pair else {
                return Err(format!("{pair:?}: a number is missing").into());
            };
            given.insert(name.trim_start_matches("--").to_owned(), number.parse::<i64>()?);
        }
        let mut take = |name: &str, default| given.remove(name).unwrap_or(default);
        let size = Self {
            participants: take("participants", 10_000_000),
            executions: take("executions", 1_000_000),
            seconds: take("seconds", 10),
            rounds: take("rounds", 3),
            streams: take("streams", 10_000),
            lines: take("lines", 1_000_000),
        };
        match given.keys().next() {
            Some(name) => Err(format!("there is no --{name}").into()),
            None => Ok(size),
        }
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        // The programs that are measured are this one again, in processes of their own.
        Some("api") => serve::api(words[1].parse()?).await,
        Some("hello") => serve::hello().await,
        _ => {
            rustls::crypto::ring::default_provider()
                .install_default()
                .map_err(|_| "two providers")?;
            bench(Size::read(&words)?).await
        }
    }
}

async fn bench(size: Size) -> Outcome<()> {
    let dir = tempfile::Builder::new().prefix("rw-http").tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await?;
    let measured = measure(server.url().parse()?, &size).await;
    server.stop().await?;
    measured
}

async fn measure(url: DatabaseUrl, size: &Size) -> Outcome<()> {
    migrations::run(&url).await?;
    let seeded = seed::fill(&url, size).await?;
    println!("{seeded}\n");
    let db = Db::new(&url, 2);
    let (_, token) =
        api_tokens::create(&mut *db.get().await?, "bench", Role::Operator, None).await?;
    let token = token.expose_secret();
    let api = serve::Process::start(&["api", url.expose()])?;
    let hello = serve::Process::start(&["hello"])?;
    load::compare(&api, &hello, token, size).await?;
    if size.streams > 0 {
        streams::measure(&api, token, size).await?;
    }
    if size.lines > 0 {
        memory::measure(&api, token, size).await?;
    }
    Ok(())
}
