//! How jobs stand: what their lists show of runs.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Untyped};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::Execution;
use riftwatch_domain::job::JobId;

use super::Row;
use crate::error::StoreError;
use crate::pool::Conn;

/// A job's newest run, and its runs that have not ended, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The newest run.
    pub newest: Execution,
    /// Runs that have not ended, oldest first.
    pub unfinished: Vec<i64>,
}

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(embed)]
    newest: Row,
    #[diesel(sql_type = Array<BigInt>)]
    unfinished_ids: Vec<i64>,
}

/// How each of these jobs stands that ever ran. Costs two looks at indexes for each job.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn standings(conn: &mut Conn, jobs: &[JobId]) -> Result<Vec<Standing>, StoreError> {
    let jobs: Vec<i64> = jobs.iter().map(|id| id.0).collect();
    let rows: Vec<StandingRow> = Standings(&jobs).load(conn).await?;
    rows.into_iter()
        .map(|row| Ok(Standing { newest: row.newest.try_into()?, unfinished: row.unfinished_ids }))
        .collect()
}

/// The statement. It is asked for all the time, and what `diesel::sql_query` makes is prepared anew
/// for each call.
#[derive(Debug)]
struct Standings<'a>(&'a [i64]);

impl QueryFragment<Pg> for Standings<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT newest.*, coalesce(open.ids, '{}') AS unfinished_ids
             FROM unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.0)?;
        out.push_sql(
            ") AS j(id)
             CROSS JOIN LATERAL (SELECT * FROM job_executions e
                                 WHERE e.job_id = j.id ORDER BY e.id DESC LIMIT 1) AS newest
             CROSS JOIN LATERAL (SELECT array_agg(e.id ORDER BY e.id) AS ids FROM job_executions e
                                 WHERE e.job_id = j.id AND e.unfinished) AS open",
        );
        Ok(())
    }
}

impl QueryId for Standings<'_> {
    type QueryId = Standings<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Standings<'_> {
    type SqlType = Untyped;
}

impl<C> diesel::RunQueryDsl<C> for Standings<'_> {}
