//! The newest lines of runs that log more than their first lines, while they go on.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{ExecutionId, LogLine};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_execution_tails as tails;

/// Shows the newest lines of runs in place of those shown before. Runs that are no longer this
/// worker's are passed over.
///
/// # Errors
///
/// When the database refuses.
pub async fn show_tails(
    conn: &mut Conn,
    worker: Uuid,
    newest: &[(i64, Vec<LogLine>)],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = newest.iter().map(|(id, _)| *id).collect();
    let lines = newest
        .iter()
        .map(|(_, lines)| serde_json::to_value(lines))
        .collect::<Result<Vec<Value>, _>>()
        .map_err(|error| StoreError::corrupt("job_execution_tails", "lines", error))?;
    diesel::sql_query(
        "INSERT INTO job_execution_tails (execution_id, lines)
         SELECT t.id, t.lines FROM unnest($2, $3) AS t(id, lines)
         JOIN job_executions e ON e.id = t.id
           AND CASE WHEN e.worker_id = $1 AND e.status = 'running' THEN true ELSE false END
         ON CONFLICT (execution_id) DO UPDATE SET lines = excluded.lines, updated_at = now()",
    )
    .bind::<SqlUuid, _>(worker)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Jsonb>, _>(lines)
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest lines of a run, oldest first; none when all of its lines are stored.
///
/// # Errors
///
/// When the database cannot be asked, or holds lines that cannot be read.
pub async fn tail(conn: &mut Conn, id: ExecutionId) -> Result<Vec<LogLine>, StoreError> {
    let lines: Option<Value> =
        tails::table.find(id.0).select(tails::lines).first(conn).await.optional()?;
    lines.map_or_else(
        || Ok(Vec::new()),
        |lines| {
            serde_json::from_value(lines)
                .map_err(|error| StoreError::corrupt("job_execution_tails", "lines", error))
        },
    )
}

/// Takes the newest lines of runs away, because all that is kept of their logs is stored.
///
/// # Errors
///
/// When the database refuses.
pub async fn remove_tails(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    diesel::delete(tails::table.filter(tails::execution_id.eq_any(ids))).execute(conn).await?;
    Ok(())
}

/// Stores the newest lines of runs that have ended without storing them: those of dead processes.
/// What was logged before them is lost, and marked so. Returns how many runs.
///
/// # Errors
///
/// When the database refuses.
pub async fn settle_tails(conn: &mut Conn) -> Result<usize, StoreError> {
    let count = diesel::sql_query(
        "WITH orphans AS MATERIALIZED (
             SELECT t.execution_id, t.lines, e.id AS run_id FROM job_execution_tails t
             LEFT JOIN job_executions e ON e.id = t.execution_id
             WHERE e.unfinished IS DISTINCT FROM true
               -- A worker that lives stores them itself.
               AND NOT EXISTS (SELECT FROM workers w
                               WHERE w.id = e.worker_id AND w.lease_until >= now())
             ORDER BY t.execution_id LIMIT 100
             FOR UPDATE OF t SKIP LOCKED),
         lines AS (
             SELECT o.run_id, l.* FROM orphans o
             CROSS JOIN LATERAL jsonb_to_recordset(o.lines)
                  AS l(seq integer, at timestamptz, level text, target text, message text, fields jsonb)
             WHERE o.run_id IS NOT NULL),
         known AS (
             SELECT run_id, min(seq) AS first, min(at) AS at,
                    (SELECT coalesce(max(k.seq), 0) FROM job_execution_logs k
                     WHERE k.execution_id = run_id) AS last
             FROM lines GROUP BY run_id),
         stored AS (
             INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message, fields)
             SELECT lines.run_id, seq, lines.at, level, target, message, fields
             FROM lines JOIN known USING (run_id) WHERE seq > last
             UNION ALL
             SELECT run_id, first - 1, at, 'WARN', 'riftwatch_runner::log',
                    (first - 1 - last) || ' lines were lost here with the process',
                    jsonb_build_object('lines_cut', first - 1 - last)
             FROM known WHERE first - 1 > last
             ON CONFLICT DO NOTHING)
         DELETE FROM job_execution_tails t USING orphans o WHERE t.execution_id = o.execution_id",
    )
    .execute(conn)
    .await?;
    Ok(count)
}
