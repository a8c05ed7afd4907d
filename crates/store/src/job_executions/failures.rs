//! Failures, grouped by what they have in common.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::error::StoreError;
use crate::pool::Conn;

/// Failures whose error reads the same once numbers, ids and quoted text are left out.
#[derive(Debug, Clone, PartialEq, QueryableByName, Serialize)]
pub struct FailureGroup {
    /// The error with `<n>`, `<uuid>` and `<text>` in the place of what differs.
    #[diesel(sql_type = Text)]
    pub error: String,
    /// How the runs ended; `None` for those closed by hand-written SQL.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// When the first of them ended.
    #[diesel(sql_type = Timestamptz)]
    pub first_at: DateTime<Utc>,
    /// When the last of them ended.
    #[diesel(sql_type = Timestamptz)]
    pub last_at: DateTime<Utc>,
    /// The newest of them.
    #[diesel(sql_type = BigInt)]
    pub example_id: i64,
    /// Their jobs.
    #[diesel(sql_type = Array<BigInt>)]
    pub job_ids: Vec<i64>,
}

/// The failures since then, grouped, most frequent first, at most `limit` groups. Looks at the
/// newest 10,000 failures, and at the first thousand characters of each error.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn failure_groups(
    conn: &mut Conn,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<FailureGroup>, StoreError> {
    let groups = diesel::sql_query(
        r#"SELECT error, reason, count(*) AS count, min(ended_at) AS first_at, max(ended_at) AS last_at,
                  max(id) AS example_id, array_agg(DISTINCT job_id ORDER BY job_id) AS job_ids
           FROM (SELECT id, job_id, reason, ended_at,
                        regexp_replace(plain, '\d+', '<n>', 'g') AS error
                 FROM (SELECT * FROM job_executions
                       WHERE ended_badly AND status = 'failed' AND ended_at >= $1
                       ORDER BY id DESC LIMIT 10000) AS newest,
                 LATERAL (SELECT left(coalesce(error, log_data->>'error', ''), 1000) AS told) AS told,
                 -- An expression costs much more than to see that it cannot fit.
                 LATERAL (SELECT CASE WHEN told LIKE '%-%-%-%-%' THEN regexp_replace(told,
                              '\m[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\M', '<uuid>', 'gi')
                          ELSE told END AS unnamed) AS unnamed,
                 LATERAL (SELECT CASE WHEN translate(unnamed, '"`''', '') <> unnamed
                          THEN regexp_replace(unnamed,
                              '"[^"]*"|`[^`]*`|(?<!\w)''[^'']*''(?!\w)', '<text>', 'g')
                          ELSE unnamed END AS plain) AS plain) AS normal
           GROUP BY error, reason
           ORDER BY count(*) DESC, max(id) DESC LIMIT $2"#,
    )
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(groups)
}
