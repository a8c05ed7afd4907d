//! Many runs at once: which they are, how they divide, and cancelling them.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus};
use riftwatch_domain::job::{JobId, UnknownWord};

use super::{Filter, matching};
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::job_executions as executions;

/// A run that a wish about many runs is about.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Target {
    /// The run.
    pub id: i64,
    /// Its job.
    pub job_id: i64,
    /// The job's name at the time.
    pub job_name: String,
    /// Its number among the attempts.
    pub attempt: i32,
}

/// Which runs a wish about many runs can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Failed and cancelled ones.
    EndedBadly,
    /// Pending and running ones.
    Unfinished,
}

/// The runs that match and that the wish can be about, newest first, at most `limit`.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn targets(
    conn: &mut Conn,
    filter: &Filter,
    reach: Reach,
    limit: i64,
) -> Result<Vec<Target>, StoreError> {
    let columns = (executions::id, executions::job_id, executions::job_name, executions::attempt);
    let query = matching(executions::table.select(columns).into_boxed(), filter);
    let query = match reach {
        Reach::EndedBadly => query.filter(executions::ended_badly),
        Reach::Unfinished => query.filter(executions::unfinished),
    };
    Ok(query.order(executions::id.desc()).limit(limit).load(conn).await?)
}

/// Cancels pending runs and asks the workers of running ones to stop them. Returns those that had
/// not ended, and whether they had begun.
///
/// # Errors
///
/// When the database refuses.
pub async fn cancel_all(conn: &mut Conn, ids: &[i64]) -> Result<Vec<(i64, bool)>, StoreError> {
    #[derive(QueryableByName)]
    struct Asked {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Text)]
        status: String,
    }
    let asked: Vec<Asked> = diesel::sql_query(
        "UPDATE job_executions
         SET cancel_requested_at = coalesce(cancel_requested_at, now()),
             status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
             reason = CASE status WHEN 'pending' THEN 'cancelled' ELSE reason END,
             ended_at = CASE status WHEN 'pending' THEN now() ELSE ended_at END
         WHERE id = ANY($1) AND unfinished
         RETURNING id, status",
    )
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)
    .await?;
    Ok(asked.into_iter().map(|row| (row.id, row.status == "running")).collect())
}

/// How the runs that match divide. Each list counts the runs that match all of the filter but what
/// the list itself is about, so that it also shows what another choice would give; most first.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Facets {
    /// By where they stand.
    pub statuses: Vec<(ExecutionStatus, i64)>,
    /// By how they ended.
    pub reasons: Vec<(ExecutionReason, i64)>,
    /// By job type.
    pub job_types: Vec<(String, i64)>,
    /// By job.
    pub jobs: Vec<(JobId, i64)>,
    /// Whether there are so many runs that older ones are left out.
    pub capped: bool,
}

/// The most runs that facets count: the newest. More would take longer than people wait for a page.
const COUNTED: i64 = 10_000;

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    job_type: String,
    #[diesel(sql_type = BigInt)]
    job_id: i64,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How the runs that match divide. Costs one look at the newest 10,000 of them.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn facets(conn: &mut Conn, filter: &Filter) -> Result<Facets, StoreError> {
    let groups: Vec<Group> = diesel::sql_query(
        "SELECT status, reason, job_type, job_id, count(*) AS count
         FROM (SELECT status, reason, job_type, job_id FROM job_executions
               WHERE ($1 IS NULL OR trigger = $1)
                 AND ($2 IS NULL OR created_at >= $2) AND ($3 IS NULL OR created_at < $3)
               ORDER BY id DESC LIMIT $4) AS newest
         GROUP BY status, reason, job_type, job_id",
    )
    .bind::<Nullable<Text>, _>(filter.trigger.map(|trigger| trigger.as_str()))
    .bind::<Nullable<Timestamptz>, _>(filter.since)
    .bind::<Nullable<Timestamptz>, _>(filter.until)
    .bind::<BigInt, _>(COUNTED)
    .load(conn)
    .await?;
    let mut facets = Facets {
        capped: groups.iter().map(|g| g.count).sum::<i64>() == COUNTED,
        ..Facets::default()
    };
    let corrupt = |error: UnknownWord| StoreError::corrupt("job_executions", "status", error);
    for Group { status, reason, job_type, job_id, count } in groups {
        let status = status.parse::<ExecutionStatus>().map_err(corrupt)?;
        let reason = reason.map(|reason| reason.parse::<ExecutionReason>());
        let reason = reason.transpose().map_err(corrupt)?;
        let job = JobId(job_id);
        let is = |wanted: bool| usize::from(wanted);
        let by_status = is(filter.status.is_none_or(|wanted| wanted == status));
        let by_reason = is(filter.reason.is_none_or(|wanted| Some(wanted) == reason));
        let by_type = is(filter.job_type.as_ref().is_none_or(|wanted| *wanted == job_type));
        let by_job = is(filter.job_id.is_none_or(|wanted| wanted == job));
        let all = by_status + by_reason + by_type + by_job;
        // It matches all of the filter but the part that the list is about.
        if all - by_status == 3 {
            add(&mut facets.statuses, status, count);
        }
        if all - by_reason == 3
            && let Some(reason) = reason
        {
            add(&mut facets.reasons, reason, count);
        }
        if all - by_type == 3 {
            add(&mut facets.job_types, job_type, count);
        }
        if all - by_job == 3 {
            add(&mut facets.jobs, job, count);
        }
    }
    fn most_first<K>(list: &mut [(K, i64)]) {
        list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    most_first(&mut facets.statuses);
    most_first(&mut facets.reasons);
    most_first(&mut facets.job_types);
    most_first(&mut facets.jobs);
    Ok(facets)
}

/// Adds to the count of `key`, which is among few.
fn add<K: PartialEq>(counts: &mut Vec<(K, i64)>, key: K, more: i64) {
    match counts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, count)) => *count += more,
        None => counts.push((key, more)),
    }
}
