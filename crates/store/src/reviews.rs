//! What people said about assessments, and the stories that were told about accounts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{assessment_reviews, told_stories};

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = assessment_reviews, check_for_backend(diesel::pg::Pg))]
pub struct ReviewRow {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Of what.
    pub assessment_id: i64,
    /// `confirmed`, `false_positive` or `unsure`.
    pub verdict: String,
    /// In words.
    pub note: Option<String>,
    /// Whose.
    pub reviewer: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Stores a review.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown assessment; when the database fails.
pub async fn insert(
    conn: &mut Conn,
    assessment_id: i64,
    verdict: &str,
    note: Option<&str>,
    reviewer: &str,
    now: DateTime<Utc>,
) -> Result<ReviewRow, StoreError> {
    use assessment_reviews as reviews;
    Ok(diesel::insert_into(reviews::table)
        .values((
            reviews::assessment_id.eq(assessment_id),
            reviews::verdict.eq(verdict),
            reviews::note.eq(note),
            reviews::reviewer.eq(reviewer),
            reviews::created_at.eq(now),
        ))
        .returning(ReviewRow::as_returning())
        .get_result(conn)
        .await?)
}

/// The reviews of an assessment, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn of_assessment(
    conn: &mut Conn,
    assessment_id: i64,
) -> Result<Vec<ReviewRow>, StoreError> {
    use assessment_reviews as reviews;
    Ok(reviews::table
        .filter(reviews::assessment_id.eq(assessment_id))
        .order(reviews::id.desc())
        .limit(200)
        .select(ReviewRow::as_select())
        .load(conn)
        .await?)
}

/// A story that was told about an account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = told_stories, check_for_backend(diesel::pg::Pg))]
pub struct ToldRow {
    /// Newer ones have larger ids.
    pub id: i64,
    /// About whose.
    pub puuid: String,
    /// Key of the story.
    pub story: String,
    /// In words.
    pub note: Option<String>,
    /// By whom.
    pub reported_by: String,
    /// When.
    pub told_at: DateTime<Utc>,
    /// Until when it counts.
    pub until: DateTime<Utc>,
}

/// Stores what was told.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn tell(
    conn: &mut Conn,
    puuid: &Puuid,
    story: &str,
    note: Option<&str>,
    reported_by: &str,
    span: [DateTime<Utc>; 2],
) -> Result<ToldRow, StoreError> {
    use told_stories as told;
    Ok(diesel::insert_into(told::table)
        .values((
            told::puuid.eq(puuid.as_str()),
            told::story.eq(story),
            told::note.eq(note),
            told::reported_by.eq(reported_by),
            told::told_at.eq(span[0]),
            told::until.eq(span[1]),
        ))
        .returning(ToldRow::as_returning())
        .get_result(conn)
        .await?)
}

/// The log of what was told about a player, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn told(conn: &mut Conn, puuid: &Puuid) -> Result<Vec<ToldRow>, StoreError> {
    Ok(told_stories::table
        .filter(told_stories::puuid.eq(puuid.as_str()))
        .order(told_stories::id.desc())
        .limit(200)
        .select(ToldRow::as_select())
        .load(conn)
        .await?)
}

/// The story that counts at `now` for each of the players that have one: the newest.
///
/// # Errors
///
/// When the database fails.
pub async fn told_of(
    conn: &mut Conn,
    puuids: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(told_stories::table
        .filter(told_stories::puuid.eq_any(puuids))
        .filter(told_stories::until.gt(now))
        .distinct_on(told_stories::puuid)
        .order((told_stories::puuid, told_stories::id.desc()))
        .select((told_stories::puuid, told_stories::story))
        .load(conn)
        .await?)
}
