//! What was logged inside runs.

mod tails;

pub use tails::*;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{ExecutionId, LogLine};
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_execution_logs as logs;

#[derive(Queryable, Selectable)]
#[diesel(table_name = logs, check_for_backend(diesel::pg::Pg))]
struct Row {
    seq: i32,
    at: DateTime<Utc>,
    level: String,
    target: String,
    message: String,
    fields: Value,
}

impl From<Row> for LogLine {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            level: row.level,
            target: row.target,
            message: row.message,
            fields: row.fields,
        }
    }
}

/// Stores lines of runs in one statement. Lines that are stored already are passed over.
///
/// # Errors
///
/// When the database refuses.
pub async fn append(conn: &mut Conn, lines: &[(i64, LogLine)]) -> Result<(), StoreError> {
    let ids: Vec<i64> = lines.iter().map(|(id, _)| *id).collect();
    let seqs: Vec<i32> = lines.iter().map(|(_, line)| line.seq).collect();
    let ats: Vec<DateTime<Utc>> = lines.iter().map(|(_, line)| line.at).collect();
    let levels: Vec<&str> = lines.iter().map(|(_, line)| line.level.as_str()).collect();
    let targets: Vec<&str> = lines.iter().map(|(_, line)| line.target.as_str()).collect();
    let messages: Vec<&str> = lines.iter().map(|(_, line)| line.message.as_str()).collect();
    let fields: Vec<&Value> = lines.iter().map(|(_, line)| &line.fields).collect();
    diesel::sql_query(
        "INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message, fields)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(seqs)
    .bind::<Array<Timestamptz>, _>(ats)
    .bind::<Array<Text>, _>(levels)
    .bind::<Array<Text>, _>(targets)
    .bind::<Array<Text>, _>(messages)
    .bind::<Array<Jsonb>, _>(fields)
    .execute(conn)
    .await?;
    Ok(())
}

/// Which lines of a run to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Only lines of these levels; all if empty.
    pub levels: Vec<String>,
    /// Only lines whose message has this text, in any case.
    pub text: Option<String>,
}

impl LineFilter {
    /// Whether a line is one of them.
    pub fn lets_through(&self, line: &LogLine) -> bool {
        (self.levels.is_empty() || self.levels.contains(&line.level))
            && self
                .text
                .as_ref()
                .is_none_or(|text| line.message.to_lowercase().contains(&text.to_lowercase()))
    }
}

/// The lines of a run after line `after` (0: from the first), in order, at most `limit`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(
    conn: &mut Conn,
    id: ExecutionId,
    after: i32,
    filter: &LineFilter,
    limit: i64,
) -> Result<Vec<LogLine>, StoreError> {
    let mut query = logs::table
        .filter(logs::execution_id.eq(id.0))
        .filter(logs::seq.gt(after))
        .select(Row::as_select())
        .into_boxed();
    if !filter.levels.is_empty() {
        query = query.filter(logs::level.eq_any(&filter.levels));
    }
    if let Some(text) = &filter.text {
        query = query.filter(
            diesel::dsl::sql::<diesel::sql_types::Bool>("position(lower(")
                .bind::<Text, _>(text)
                .sql(") IN lower(message)) > 0"),
        );
    }
    let rows = query.order(logs::seq).limit(limit).load(conn).await?;
    Ok(rows.into_iter().map(LogLine::from).collect())
}

/// Removes the lines of runs.
///
/// # Errors
///
/// When the database refuses.
pub async fn remove(conn: &mut Conn, ids: &[ExecutionId]) -> Result<(), StoreError> {
    diesel::delete(logs::table.filter(logs::execution_id.eq_any(ids.iter().map(|id| id.0))))
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes the weekly partitions that cover `now` and the `weeks` weeks after it. Returns how many
/// were missing.
///
/// # Errors
///
/// When the database refuses: also if the default partition has lines of such a week already.
pub async fn make_partitions(
    conn: &mut Conn,
    now: DateTime<Utc>,
    weeks: u64,
) -> Result<usize, StoreError> {
    let today = now.date_naive();
    let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
    let mut made = 0;
    for week in 0..=weeks {
        let from = monday + Days::new(7 * week);
        made += usize::from(make_partition(conn, from, from + Days::new(7)).await?);
    }
    Ok(made)
}

async fn make_partition(
    conn: &mut Conn,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Exists {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        exists: bool,
    }
    let name = format!("job_execution_logs_{}", from.format("%Y%m%d"));
    let found: Exists = diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS exists")
        .bind::<Text, _>(&name)
        .get_result(conn)
        .await?;
    if found.exists {
        return Ok(false);
    }
    // Names and dates are our own; DDL takes no parameters.
    diesel::sql_query(format!(
        "CREATE TABLE IF NOT EXISTS {name} PARTITION OF job_execution_logs
         FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')"
    ))
    .execute(conn)
    .await?;
    Ok(true)
}

/// Drops the partitions whose last line is older than `before`. Returns how many.
///
/// # Errors
///
/// When the database refuses.
pub async fn drop_partitions(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize, StoreError> {
    #[derive(QueryableByName)]
    struct Partition {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let partitions: Vec<Partition> = diesel::sql_query(
        "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'job_execution_logs'::regclass AND c.relname ~ '_[0-9]{8}$'",
    )
    .load(conn)
    .await?;
    let mut dropped = 0;
    for Partition { name } in partitions {
        let Some(from) =
            name.rsplit('_').next().and_then(|date| NaiveDate::parse_from_str(date, "%Y%m%d").ok())
        else {
            continue;
        };
        if from + Days::new(7) <= before.date_naive() {
            diesel::sql_query(format!("DROP TABLE IF EXISTS {name}")).execute(conn).await?;
            dropped += 1;
        }
    }
    Ok(dropped)
}
