//! Requests a second, and how long they take, with `wrk`.

use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use crate::serve::Process;
use crate::{Outcome, Size};

/// At a time.
const CONNECTIONS: i64 = 16;

/// What wrk's script prints at the end.
const REPORT: &str = r#"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "us": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

#[derive(Debug, Clone, Deserialize)]
struct Report {
    requests: i64,
    us: i64,
    p50: i64,
    p99: i64,
    failed: i64,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// One kind of request. `%d` in the path is another number in each, from 0 to `of`.
struct Kind {
    name: &'static str,
    path: String,
    of: i64,
    is_hello: bool,
}

/// Drives `url` for some seconds over some connections.
async fn drive(
    process: &Process,
    token: &str,
    kind: &Kind,
    seconds: i64,
    connections: i64,
) -> Outcome<Figures> {
    let dir = tempfile::tempdir()?;
    let script = dir.path().join("load.lua");
    let request = if kind.path.contains("%d") {
        format!(
            "math.randomseed(os.time())\nrequest = function() return wrk.format(\"GET\", string.format(\"{}\", math.random(0, {}))) end\n",
            kind.path,
            kind.of - 1
        )
    } else {
        String::new()
    };
    std::fs::write(&script, request + REPORT)?;
    let path = if kind.path.contains("%d") { "/" } else { &kind.path };
    let ran = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(&script)
        .args(["--header", &format!("Authorization: Bearer {token}"), &process.url(path)])
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(|error| format!("wrk cannot be run ({error}): `./run bench-http` installs it"))?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let line = text.lines().find(|line| line.starts_with('{'));
    let report: Report = serde_json::from_str(line.ok_or("wrk reported nothing")?)?;
    if report.failed > 0 || report.requests == 0 {
        return Err(format!("{}: {report:?}", kind.name).into());
    }
    Ok(Figures {
        per_second: number(report.requests) * 1e6 / number(report.us),
        p50_ms: number(report.p50) / 1000.0,
        p99_ms: number(report.p99) / 1000.0,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a minute stay far below 2^52")]
pub(crate) fn number(count: i64) -> f64 {
    count as f64
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// All kinds in turn, some rounds of them: what else the machine does hits them alike.
pub(crate) async fn compare(
    api: &Process,
    hello: &Process,
    token: &str,
    size: &Size,
) -> Outcome<()> {
    let kind = |name, path: &str, of| Kind { name, path: path.to_owned(), of, is_hello: false };
    let people = crate::seed::people(size);
    let kinds = [
        Kind { is_hello: true, ..kind("hello", "/", 0) },
        kind("live", "/health/live", 0),
        kind("job list", "/api/v1/jobs/", 0),
        kind("one execution, any", "/api/v1/jobs/executions/%d", size.executions),
        kind("matches of one player", "/api/v1/matches/player/p7", 0),
        kind("matches of any player", "/api/v1/matches/player/p%d", people),
        kind("matches of any player, 10", "/api/v1/matches/player/p%d?limit=10", people),
        kind("review list", "/api/v1/player-analysis", 0),
    ];
    let mut figures: Vec<Vec<Figures>> = kinds.iter().map(|_| Vec::new()).collect();
    // The first round warms everything up and is not counted.
    for round in 0..=size.rounds {
        for (kind, figures) in kinds.iter().zip(&mut figures) {
            let process = if kind.is_hello { hello } else { api };
            let seconds = if round == 0 { 2 } else { size.seconds };
            let took = drive(process, token, kind, seconds, CONNECTIONS).await?;
            if round > 0 {
                figures.push(took);
            }
        }
    }
    println!(
        "{CONNECTIONS} connections, medians of {} rounds of {} s in turn; load average at the end {}",
        size.rounds,
        size.seconds,
        std::fs::read_to_string("/proc/loadavg")?.trim()
    );
    println!(
        "{:<28} {:>12} {:>9} {:>9} {:>10}",
        "request", "per second", "p50, ms", "p99, ms", "of hello"
    );
    let mut of_hello = None;
    for (kind, figures) in kinds.iter().zip(figures) {
        let of = |part: fn(&Figures) -> f64| median(figures.iter().map(part).collect());
        let per_second = of(|f| f.per_second);
        let whole = *of_hello.get_or_insert(per_second);
        println!(
            "{:<28} {per_second:>12.0} {:>9.2} {:>9.2} {:>9.1}%",
            kind.name,
            of(|f| f.p50_ms),
            of(|f| f.p99_ms),
            per_second / whole * 100.0
        );
    }
    Ok(())
}

/// One connection that asks for the job list again and again: how others fare.
pub(crate) async fn others(api: &Process, token: &str, seconds: i64) -> Outcome<String> {
    let kind = Kind { name: "others", path: "/api/v1/jobs/".to_owned(), of: 0, is_hello: false };
    let took = drive(api, token, &kind, seconds, 1).await?;
    Ok(format!("{:.0}/s, p50 {:.2} ms, p99 {:.2} ms", took.per_second, took.p50_ms, took.p99_ms))
}
