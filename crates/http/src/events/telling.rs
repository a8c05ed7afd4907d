//! What listeners are told about a run, in words of the event stream.

use riftwatch_domain::execution::LogLine;
use riftwatch_store::run_feed::FeedRow;
use serde_json::{Value, json};

use super::cursor::Told;
use crate::paging::checksum;
use crate::views::executions::LogLineView;

/// What was last said about a run, as JSON.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) status: String,
    pub(super) progress: String,
    pub(super) metrics: String,
}

impl Said {
    pub(super) fn of(row: &FeedRow) -> Self {
        let status = json!({
            "execution_id": row.id,
            "job_id": row.job_id,
            "job_name": row.job_name,
            "job_type": row.job_type,
            "status": row.status,
            "reason": row.reason,
            "trigger": row.trigger,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "error": row.error,
        });
        let of =
            |key: &str, value: &Value| json!({ "execution_id": row.id, key: value }).to_string();
        Self {
            status: status.to_string(),
            progress: of("progress", row.progress.as_ref().unwrap_or(&Value::Null)),
            metrics: of("metrics", &row.metrics),
        }
    }
}

pub(super) fn is_open(row: &FeedRow) -> bool {
    matches!(row.status.as_str(), "pending" | "running")
}

/// Never 0, which stands for nothing.
pub(super) fn hash(text: &str) -> u32 {
    checksum("", text.as_bytes()) | 1
}

/// What a listener is told about one run to come from `told` to `now`, without lines; with the
/// cursor after each.
pub(super) fn news(mut told: Told, said: &Said, ended: bool) -> Vec<(&'static str, String, Told)> {
    let mut news = Vec::new();
    for (name, text, hashed) in [
        ("progress", &said.progress, hash(&said.progress)),
        ("metrics", &said.metrics, hash(&said.metrics)),
        ("status", &said.status, hash(&said.status)),
    ] {
        let known = match name {
            "progress" => &mut told.progress,
            "metrics" => &mut told.metrics,
            _ => &mut told.status,
        };
        if *known != hashed {
            *known = hashed;
            news.push((name, text.clone(), told));
        }
    }
    if ended && !told.ended {
        told.ended = true;
        news.push(("end", said.status.clone(), told));
    }
    news
}

/// A line in place of those that only the run's process has: of a long log that goes on, the tables
/// have the beginning and the newest lines.
fn mark_before(first: &LogLine, after: i32) -> Option<LogLine> {
    let missing = first.seq - 1 - after;
    let is_mark = first.fields.get("lines_cut").is_some();
    (missing > 0 && !is_mark).then(|| passed_over(first.seq - 1, missing, first))
}

pub(super) fn passed_over(seq: i32, missing: i32, like: &LogLine) -> LogLine {
    LogLine {
        seq,
        at: like.at,
        level: "WARN".to_owned(),
        target: "riftwatch_http::events".to_owned(),
        message: format!(
            "{missing} lines are passed over here: they came faster than they are shown"
        ),
        fields: json!({ "lines_cut": missing }),
    }
}

/// Lines after line `after`, with marks where some are missing.
pub(super) fn with_marks(mut after: i32, lines: Vec<LogLine>) -> Vec<LogLine> {
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        all.extend(mark_before(&line, after));
        after = line.seq;
        all.push(line);
    }
    all
}

pub(super) fn line_json(run: i64, line: LogLine) -> String {
    let mut value = serde_json::to_value(LogLineView::from(line)).unwrap_or_default();
    if let Some(line) = value.as_object_mut() {
        line.insert("execution_id".to_owned(), run.into());
    }
    value.to_string()
}

pub(super) fn render(id: &str, name: &str, data: &str) -> String {
    // JSON has no line breaks outside of texts, and escapes those inside.
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}
