//! What goes to standard output: results, never log lines.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

/// Prints one line. A reader that has gone away is no failure of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) {
    line(&serde_json::to_string(value).expect("our own values serialise"));
}

/// Prints rows under a header, columns as wide as their widest cell.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(padded.join("  ").trim_end());
    };
    print(header.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}

/// Prints names and values, values below each other.
pub(crate) fn pairs(pairs: &[(&str, String)]) {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in pairs {
        line(format!("{name:<width$}  {value}").trim_end());
    }
}

/// A value of an answer as a cell: text without quotes, nothing for null.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An RFC 3339 time as a cell, to the second.
pub(crate) fn moment(value: &Value) -> String {
    let Some(at) = value.as_str() else { return "-".to_owned() };
    chrono::DateTime::parse_from_rfc3339(at)
        .map_or_else(|_| at.to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string())
}

/// Text of at most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
