//! Jobs on a terminal.

use serde_json::Value;

use super::runs;
use crate::output::{self, moment, text};

pub(super) fn list(jobs: &[Value], json: bool) {
    if json {
        return output::json(&jobs);
    }
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    output::table(&["ID", "NAME", "SCHEDULE", "STATE", "LAST RUN", "NEXT (UTC)"], &rows);
}

fn row(job: &Value) -> Vec<String> {
    let last = &job["last_execution"];
    let last = if last.is_null() { "none".to_owned() } else { runs::result(last) };
    let next = if job["enabled"] == true && job["paused_at"].is_null() {
        moment(&job["next_run_at"])
    } else {
        "-".to_owned()
    };
    vec![text(&job["id"]), text(&job["name"]), schedule(job), state(job), last, next]
}

fn state(job: &Value) -> String {
    if !job["running_execution_id"].is_null() {
        format!("running ({})", job["running_execution_id"])
    } else if job["enabled"] == false {
        "disabled".to_owned()
    } else if !job["paused_at"].is_null() {
        "paused".to_owned()
    } else {
        "enabled".to_owned()
    }
}

fn schedule(job: &Value) -> String {
    if job["manual_only"] == true {
        "by hand".to_owned()
    } else if let Some(cron) = job["cron"].as_str() {
        format!("{cron} {}", text(&job["time_zone"]))
    } else if job["interval_seconds"].is_null() {
        "every JOB_INTERVAL_SECONDS".to_owned()
    } else {
        format!("every {} s", job["interval_seconds"])
    }
}

pub(super) fn one(mut job: Value, newest: Vec<Value>, json: bool) {
    if json {
        job["executions"] = newest.into();
        return output::json(&job);
    }
    let mut lines = vec![
        ("name", text(&job["name"])),
        ("id", text(&job["id"])),
        ("type", text(&job["job_type"])),
        ("schedule", schedule(&job)),
        ("state", state(&job)),
    ];
    if !job["paused_at"].is_null() {
        lines.push(("paused", pause(&job)));
    }
    lines.extend([
        ("next run (UTC)", moment(&job["next_run_at"])),
        ("settings", job["config_json"].to_string()),
        ("timeout", seconds(&job["timeout_seconds"])),
        ("side by side", text(&job["max_instances"])),
        ("missed ticks", text(&job["misfire_policy"])),
        (
            "success rate",
            job["success_rate"].as_f64().map_or("-".to_owned(), |r| format!("{r:.1} %")),
        ),
        ("version", text(&job["version"])),
    ]);
    output::pairs(&lines);
    output::line("");
    runs::list(newest, false);
}

fn pause(job: &Value) -> String {
    let since = moment(&job["paused_at"]);
    let until = &job["paused_until"];
    let until = if until.is_null() { String::new() } else { format!(" until {}", moment(until)) };
    let reason = job["paused_reason"].as_str().map_or(String::new(), |why| format!(": {why}"));
    format!("since {since}{until}{reason}")
}

fn seconds(value: &Value) -> String {
    if value.is_null() { "JOB_TIMEOUT_SECONDS".to_owned() } else { format!("{value} s") }
}

/// Says what became of a job.
pub(super) fn changed(job: &Value, what: &str, json: bool) {
    if json {
        output::json(job);
    } else {
        output::line(&format!("{} is {what}", text(&job["name"])));
    }
}

pub(super) fn types(types: Value, json: bool) {
    let items = match &types {
        Value::Array(items) => items,
        _ => types["items"].as_array().expect("a list of types"),
    };
    if json {
        return output::json(items);
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|job_type| {
            vec![
                text(&job_type["job_type"]),
                format!("every {} s", job_type["default_interval_seconds"]),
                job_type["default_config"].to_string(),
                text(&job_type["description"]),
            ]
        })
        .collect();
    output::table(&["TYPE", "BY DEFAULT", "SETTINGS", "WHAT IT DOES"], &rows);
}

pub(super) fn versions(versions: Vec<Value>, json: bool) {
    if json {
        return output::json(&versions);
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|version| {
            vec![
                text(&version["version"]),
                moment(&version["changed_at"]),
                text(&version["changed_by"]),
                text(&version["reason"]),
            ]
        })
        .collect();
    output::table(&["VERSION", "SINCE (UTC)", "BY", "REASON"], &rows);
}

pub(super) fn fires(fires: Value, json: bool) {
    let items = match &fires {
        Value::Array(items) => items,
        _ => fires["items"].as_array().expect("a list of fires"),
    };
    if json {
        return output::json(items);
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|fire| {
            let note = if fire["offset_changed"] == true { "daylight saving changed" } else { "" };
            vec![moment(&fire["at"]), text(&fire["local"]), note.to_owned()]
        })
        .collect();
    output::table(&["UTC", "THERE", ""], &rows);
}
