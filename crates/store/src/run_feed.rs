//! Runs as live views follow them: narrow rows, and the lines that are new, for many runs at once.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::LogLine;
use serde_json::Value;

use crate::error::StoreError;
use crate::pool::Conn;

/// What may change about a run while somebody watches, and its names.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
#[expect(missing_docs, reason = "the columns of the same names")]
pub struct FeedRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    #[diesel(sql_type = Text)]
    pub job_name: String,
    #[diesel(sql_type = Text)]
    pub job_type: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = Text)]
    pub trigger: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub progress: Option<Value>,
    #[diesel(sql_type = Jsonb)]
    pub metrics: Value,
}

const COLUMNS: &str = "id, job_id, job_name, job_type, status, reason, trigger, started_at, ended_at, error, progress, metrics";

/// The newest id that was given to a run; 0 if there is none.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn newest_id(conn: &mut Conn) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) AS id FROM job_executions";
    let row: Id = diesel::sql_query(sql).get_result(conn).await?;
    Ok(row.id)
}

/// Runs that have not ended, and those with these ids, by id. For unfinished runs, the index of
/// those; for the others, the primary key.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn unfinished_and(conn: &mut Conn, ids: &[i64]) -> Result<Vec<FeedRow>, StoreError> {
    let rows = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM job_executions WHERE unfinished
         UNION
         SELECT {COLUMNS} FROM job_executions WHERE id = ANY($1)
         ORDER BY id"
    ))
    .bind::<Array<BigInt>, _>(ids);
    Ok(rows.load(conn).await?)
}

/// Runs after a run, by id, at most `limit`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn after(conn: &mut Conn, id: i64, limit: i64) -> Result<Vec<FeedRow>, StoreError> {
    let rows = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM job_executions WHERE id > $1 ORDER BY id LIMIT $2"
    ));
    Ok(rows.bind::<BigInt, _>(id).bind::<BigInt, _>(limit).load(conn).await?)
}

/// Runs with these ids that are there, by id.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn with_ids(conn: &mut Conn, ids: &[i64]) -> Result<Vec<FeedRow>, StoreError> {
    let rows = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM job_executions WHERE id = ANY($1) ORDER BY id"
    ));
    Ok(rows.bind::<Array<BigInt>, _>(ids).load(conn).await?)
}

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Ids of runs after `from` up to `to`, the smallest `limit` of them.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn ids_between(
    conn: &mut Conn,
    from: i64,
    to: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<Id> = diesel::sql_query(
        "SELECT id FROM job_executions WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
    )
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(to)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The number of the newest line of each of these runs that has any.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn last_lines(conn: &mut Conn, ids: &[i64]) -> Result<Vec<(i64, i32)>, StoreError> {
    #[derive(diesel::QueryableByName)]
    struct Last {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Integer)]
        seq: i32,
    }
    let rows: Vec<Last> = diesel::sql_query(
        "SELECT r.id, greatest(
             (SELECT max(seq) FROM job_execution_logs WHERE execution_id = r.id),
             (SELECT (lines -> -1 ->> 'seq')::integer FROM job_execution_tails
              WHERE execution_id = r.id), 0) AS seq
         FROM unnest($1) AS r(id)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.seq)).collect())
}

#[derive(diesel::QueryableByName)]
struct LineRow {
    #[diesel(sql_type = BigInt)]
    execution_id: i64,
    #[diesel(sql_type = Integer)]
    seq: i32,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    level: String,
    #[diesel(sql_type = Text)]
    target: String,
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Jsonb)]
    fields: Value,
}

/// Lines of runs after a line of each (0: from the first), by run and number, at most `limit` of
/// each run: those that are stored, then the newest ones of runs that go on.
///
/// Look at the runs first: lines are stored together with the end, so that none comes after an end
/// that was seen before.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn lines(
    conn: &mut Conn,
    runs: &[(i64, i32)],
    limit: i64,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    let ids: Vec<i64> = runs.iter().map(|(id, _)| *id).collect();
    let afters: Vec<i32> = runs.iter().map(|(_, after)| *after).collect();
    // One statement sees one moment: a line is in one of the two tables, or in both while its run
    // ends.
    let rows: Vec<LineRow> = diesel::sql_query(
        "SELECT l.* FROM unnest($1, $2) AS r(id, after)
         CROSS JOIN LATERAL (
             SELECT * FROM (
                 (SELECT execution_id, seq, at, level, target, message, fields
                  FROM job_execution_logs
                  WHERE execution_id = r.id AND seq > r.after ORDER BY seq LIMIT $3)
                 UNION
                 SELECT t.execution_id, n.seq, n.at, n.level, n.target, n.message, n.fields
                 FROM job_execution_tails t
                 CROSS JOIN LATERAL jsonb_to_recordset(t.lines) AS n(seq integer, at timestamptz,
                      level text, target text, message text, fields jsonb)
                 WHERE t.execution_id = r.id AND n.seq > r.after
             ) AS both_kinds ORDER BY seq LIMIT $3
         ) AS l ORDER BY l.execution_id, l.seq",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(afters)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let line = |row: LineRow| {
        let line = LogLine {
            seq: row.seq,
            at: row.at,
            level: row.level,
            target: row.target,
            message: row.message,
            fields: row.fields,
        };
        (row.execution_id, line)
    };
    let mut lines: Vec<(i64, LogLine)> = rows.into_iter().map(line).collect();
    lines.dedup_by_key(|(id, line)| (*id, line.seq));
    Ok(lines)
}
