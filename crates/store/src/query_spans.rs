//! A span for each statement, for traces: what it does to which table, without its text and values.

use std::collections::VecDeque;
use std::fmt::Write as _;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tracing::Span;
use tracing::field::Empty;

/// Statements of a connection that go on at a time are few; more have lost their ends.
const MOST_OPEN: usize = 64;

/// How much of a statement is looked at for its table.
const LOOKED_AT: usize = 2_000;

/// Makes spans from now on, on connections that are made later. Without, a statement costs nothing
/// more. Spans have the target `riftwatch_trace`.
pub fn turn_on() {
    // It fails where another thread panicked while it did the same: then there are no spans.
    if diesel::connection::set_default_instrumentation(|| Some(Box::new(Spans::default()))).is_err()
    {
        tracing::debug!("statements have no spans");
    }
}

/// The spans of one connection's statements, the oldest first: the server answers in that order.
#[derive(Default)]
struct Spans(VecDeque<(String, Span)>);

impl Instrumentation for Spans {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let name = operation(&text(&query));
                // What the program does for itself, every second, is no part of anything.
                let span = if Span::current().is_none() {
                    Span::none()
                } else {
                    tracing::trace_span!(
                        target: "riftwatch_trace",
                        "sql",
                        otel.kind = "client",
                        db.system = "postgresql",
                        db.operation = name.as_str(),
                        error = Empty,
                    )
                };
                if self.0.len() == MOST_OPEN {
                    self.0.pop_front();
                }
                self.0.push_back((name, span));
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let name = operation(&text(&query));
                // Whoever stopped waiting for an answer has left a span without an end.
                while let Some((open, span)) = self.0.pop_front() {
                    if open == name {
                        if error.is_some() {
                            span.record("error", true);
                        }
                        break;
                    }
                }
            }
            _ => {}
        }
    }
}

/// The beginning of a statement.
fn text(query: &impl std::fmt::Display) -> String {
    let mut text = Beginning(String::new());
    // The end of the room is no failure.
    let _ = write!(text, "{query}");
    text.0
}

struct Beginning(String);

impl std::fmt::Write for Beginning {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        self.0.push_str(more);
        if self.0.len() < LOOKED_AT { Ok(()) } else { Err(std::fmt::Error) }
    }
}

/// `select players`: the verb, and the first table that is named behind FROM, INTO or UPDATE.
fn operation(sql: &str) -> String {
    let sql = sql.split("-- binds").next().unwrap_or_default();
    // Without literals, which may read like anything.
    let sql = sql.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
    let mut words = sql.split(|c: char| c.is_whitespace() || c == '(').filter(|w| !w.is_empty());
    let verb: String = words
        .next()
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_lowercase();
    let mut name = verb.clone();
    let mut before = verb;
    for word in words {
        let plain: String =
            word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let is_table = matches!(before.as_str(), "from" | "into" | "update" | "table")
            && plain.bytes().any(|byte| byte.is_ascii_lowercase())
            && !matches!(plain.to_ascii_lowercase().as_str(), "select" | "only" | "skip" | "of");
        if is_table {
            name.push(' ');
            name.push_str(&plain);
            break;
        }
        before = plain.to_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_its_verb_and_table_without_its_values() {
        let names = [
            (
                r#"SELECT "players"."puuid" FROM "players" WHERE x = $1 -- binds: ["s3"]"#,
                "select players",
            ),
            (r#"INSERT INTO "matches" ("match_id") VALUES ($1)"#, "insert matches"),
            (r#"UPDATE "settings" SET x = $1"#, "update settings"),
            (r#"DELETE  FROM "players" WHERE $1"#, "delete players"),
            (
                "WITH due AS (\n SELECT id FROM job_configurations)\nUPDATE x",
                "with job_configurations",
            ),
            ("LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE", "lock suppressions"),
            ("BEGIN", "begin"),
            ("SELECT 'from secret'", "select"),
            ("", ""),
        ];
        for (sql, name) in names {
            assert_eq!(operation(sql), name, "{sql}");
        }
    }
}
