//! The same no-op work done by other job systems on the same server, turn by turn with ours, so that
//! whatever else the machine does falls on all of them alike. What counts is the ratio.
//!
//! What they need is prepared here: a build of `peers/apalis-postgres` and a Python environment with
//! Procrastinate, kept in `--peers-dir` for the next time. What cannot be had is left out.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use riftwatch_domain::job::JobId;
use riftwatch_store::DatabaseUrl;
use tokio::process::Command;

use crate::Fallible;
use crate::measures::throughput;
use crate::sql::Sql;

/// Another job system.
struct Peer {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    /// Runs a second of each round.
    rates: Vec<f64>,
}

/// Takes turns: ours, each of the others, and again.
pub(crate) async fn compare(
    url: &DatabaseUrl,
    sql: &Sql,
    job: JobId,
    runs: i64,
    rounds: u32,
    dir: &Path,
) -> Fallible<()> {
    let mut peers = prepare(dir).await;
    let mut ours = Vec::new();
    for round in 1..=rounds {
        let rate = throughput(url, sql, job, runs, 1).await?;
        println!("round {round}: {:<40} {rate:.0}/s", "riftwatch, 1 process");
        ours.push(rate);
        for peer in &mut peers {
            let rate = turn(url, sql, peer).await?;
            println!("round {round}: {:<40} {rate:.0}/s", peer.name);
            peer.rates.push(rate);
        }
    }
    println!("{:<44} min / median / max", "no-op runs a second, each recorded");
    println!("{:<44} {}", "riftwatch, 1 process", spread(&mut ours.clone(), 0));
    for peer in &mut peers {
        let mut ratios: Vec<f64> =
            ours.iter().zip(&peer.rates).map(|(ours, theirs)| ours / theirs).collect();
        println!(
            "{:<44} {}; riftwatch is {} times as fast",
            peer.name,
            spread(&mut peer.rates, 0),
            spread(&mut ratios, 1)
        );
    }
    Ok(())
}

fn spread(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    let (least, middle, most) = (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)));
    format!("{least:.digits$} / {middle:.digits$} / {most:.digits$}")
}

/// One peer's run, in a database of its own.
async fn turn(url: &DatabaseUrl, sql: &Sql, peer: &Peer) -> Fallible<f64> {
    sql.run("DROP DATABASE IF EXISTS peer; CREATE DATABASE peer; CHECKPOINT").await?;
    let output = Command::new(&peer.program)
        .args(&peer.args)
        .env("DATABASE_URL", in_database(url.expose(), "peer"))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    let told = String::from_utf8_lossy(&output.stdout);
    // "…, 123 runs/s…"
    let rate = told
        .split_once(" runs/s")
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .ok_or_else(|| format!("{} told no rate: {told}", peer.name))?;
    sql.run("DROP DATABASE peer").await?;
    Ok(rate)
}

/// The URL with another database's name.
fn in_database(url: &str, name: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, ""), |(before, query)| (before, query));
    let server = before.rsplit_once('/').map_or(before, |(server, _)| server);
    if query.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{query}") }
}

async fn prepare(dir: &Path) -> Vec<Peer> {
    let mut peers = Vec::new();
    match apalis(dir).await {
        Ok(program) => {
            for (name, flag, runs) in [
                ("apalis-postgres 1.0, safe (batch 1)", "--safe", "3000"),
                ("apalis-postgres 1.0, its default (batch 10)", "--default", "10000"),
            ] {
                let args = [runs, "64", flag].map(str::to_owned).to_vec();
                peers.push(Peer { name, program: program.clone(), args, rates: Vec::new() });
            }
        }
        Err(error) => println!("apalis-postgres is left out: {error}"),
    }
    match procrastinate(dir).await {
        Ok(program) => {
            let args = vec![here("procrastinate_noop.py"), "3000".to_owned(), "64".to_owned()];
            peers.push(Peer { name: "Procrastinate 3.10", program, args, rates: Vec::new() });
        }
        Err(error) => println!("Procrastinate is left out: {error}"),
    }
    peers
}

/// A file among the peers.
fn here(name: &str) -> String {
    format!("{}/examples/peers/{name}", env!("CARGO_MANIFEST_DIR"))
}

async fn apalis(dir: &Path) -> Fallible<PathBuf> {
    let target = dir.join("target");
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(here("apalis-postgres/Cargo.toml")).arg("--target-dir").arg(&target);
    done(&mut build).await?;
    Ok(target.join("release/peer-apalis-postgres"))
}

async fn procrastinate(dir: &Path) -> Fallible<PathBuf> {
    let python = dir.join("venv/bin/python");
    if !python.exists() {
        done(Command::new("python3").args(["-m", "venv"]).arg(dir.join("venv"))).await?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "procrastinate==3.10.0"]);
    done(install.arg("psycopg[binary,pool]")).await?;
    Ok(python)
}

async fn done(command: &mut Command) -> Fallible<()> {
    let status = command.stdin(Stdio::null()).status().await?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
