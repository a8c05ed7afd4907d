//! Runs and their log lines on a terminal.

use std::time::Duration;

use serde_json::Value;

use super::{find, id};
use crate::api::Api;
use crate::output::{self, moment, text};
use crate::{Exit, Failure};

/// Between two looks for new lines.
const LOOK: Duration = Duration::from_millis(250);

pub(super) fn list(runs: Vec<Value>, json: bool) {
    if json {
        return output::json(&runs);
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let took = run["duration_seconds"].as_f64();
            let note = match (run["error"].as_str(), &run["progress"]) {
                (Some(error), _) => error.lines().next().unwrap_or_default().to_owned(),
                (None, progress) if !progress.is_null() && run["status"] == "running" => {
                    format!("{} %", progress["percent"])
                }
                _ => run["metrics"].to_string(),
            };
            vec![
                text(&run["id"]),
                text(&run["job_name"]),
                result(run),
                moment(&run["started_at"]),
                took.map_or_else(|| "-".to_owned(), |s| format!("{s:.1} s")),
                output::shortened(&note, 60),
            ]
        })
        .collect();
    output::table(&["RUN", "JOB", "RESULT", "STARTED (UTC)", "TOOK", ""], &rows);
}

/// `success (completed)`.
pub(super) fn result(run: &Value) -> String {
    let reason = run["reason"].as_str().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{}{reason}", text(&run["status"]))
}

/// One run in a sentence.
pub(super) fn sentence(run: &Value) -> String {
    let time =
        run["duration_seconds"].as_f64().map_or_else(String::new, |s| format!(" after {s:.1} s"));
    let error = run["error"].as_str().map_or_else(String::new, |error| format!("\n  {error}"));
    format!("execution {}: {}{time} {}{error}", run["id"], result(run), run["metrics"])
}

pub(super) async fn logs(api: &Api, run: &str, follow: bool, json: bool) -> Result<Exit, Failure> {
    let run = match run.parse::<i64>() {
        Ok(number) => number,
        Err(_) => newest(api, run).await?,
    };
    let path = format!("/jobs/executions/{run}/logs");
    let mut after = 0;
    loop {
        let query = [("after", after.to_string()), ("limit", "200".to_owned())];
        let page = api.get(&path, &query).await?;
        let lines = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        for line in lines {
            print(line, json);
        }
        after = page["next_after"].as_i64().unwrap_or(after);
        if lines.is_empty() {
            if page["ended"] == true || !follow {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    if !follow {
        return Ok(Exit::Fine);
    }
    let run = api.get(&format!("/jobs/executions/{run}"), &[]).await?;
    tracing::info!("{}", sentence(&run));
    Ok(if run["status"] == "success" { Exit::Fine } else { Exit::No })
}

async fn newest(api: &Api, job: &str) -> Result<i64, Failure> {
    let job = find(api, job).await?;
    let runs = api.list(&format!("/jobs/{}/executions", id(&job)), &[], 1).await?;
    runs.first()
        .and_then(|run| run["id"].as_i64())
        .ok_or_else(|| Failure::Said(format!("{} has not run yet", text(&job["name"]))))
}

fn print(line: &Value, json: bool) {
    if json {
        return output::json(line);
    }
    let fields = line["fields"].as_object().filter(|fields| !fields.is_empty());
    let fields = fields.map_or_else(String::new, |fields| {
        fields.iter().map(|(key, value)| format!(" {key}={}", text(value))).collect()
    });
    output::line(&format!(
        "{} {:>5} {}{fields}",
        text(&line["at"]),
        text(&line["level"]).to_uppercase(),
        text(&line["message"])
    ));
}
