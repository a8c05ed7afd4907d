//! What people say about assessments, and the stories that they tell about accounts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{Stream, stream};
use riftwatch_detection::Story;
use riftwatch_domain::player::Puuid;
use riftwatch_store::assessments::{self, ListFilter, Listed, Sort, StoredAssessment};
use riftwatch_store::reviews::{self, ReviewRow, ToldRow};
use riftwatch_store::{Conn, StoreError};
use serde::{Deserialize, Serialize};

use crate::assess::{AssessError, Priors, assess_player};
use crate::deps::Deps;

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 2_000;

/// Days for which a told story counts.
const TOLD_DAYS: i64 = 180;

/// What a reviewer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// The pattern is there.
    Confirmed,
    /// It is not, or has an innocent reason.
    FalsePositive,
    /// It cannot be told.
    Unsure,
}

impl ReviewVerdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Confirmed, Self::FalsePositive, Self::Unsure];

    /// The name in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::FalsePositive => "false_positive",
            Self::Unsure => "unsure",
        }
    }
}

impl fmt::Display for ReviewVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no verdict of a review.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not what a review can say: expected confirmed, false_positive or unsure")]
pub struct UnknownReviewVerdict(pub String);

impl FromStr for ReviewVerdict {
    type Err = UnknownReviewVerdict;

    fn from_str(text: &str) -> Result<Self, UnknownReviewVerdict> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| UnknownReviewVerdict(text.to_owned()))
    }
}

/// A review to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// What it comes to.
    pub verdict: ReviewVerdict,
    /// In words.
    pub note: Option<String>,
    /// Whose.
    pub reviewer: String,
}

/// A stored review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Of what.
    pub assessment_id: i64,
    /// What it comes to.
    pub verdict: ReviewVerdict,
    /// In words.
    pub note: Option<String>,
    /// Whose.
    pub reviewer: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl TryFrom<ReviewRow> for Review {
    type Error = StoreError;

    fn try_from(row: ReviewRow) -> Result<Self, StoreError> {
        let verdict = row.verdict.parse().map_err(|error: UnknownReviewVerdict| {
            StoreError::corrupt("assessment_reviews", "verdict", error)
        })?;
        Ok(Self {
            id: row.id,
            assessment_id: row.assessment_id,
            verdict,
            note: row.note,
            reviewer: row.reviewer,
            created_at: row.created_at,
        })
    }
}

/// Why a review was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// There is no such assessment, or not any more.
    #[error("there is no assessment {0}")]
    UnknownAssessment(i64),
    /// The note is too long.
    #[error("the note has more than {max} characters")]
    NoteTooLong {
        /// The limit.
        max: usize,
    },
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores a review. The assessment stays as it is; its newest review counts.
///
/// # Errors
///
/// See [`ReviewError`].
pub async fn review(
    deps: &Deps,
    assessment_id: i64,
    review: NewReview,
) -> Result<Review, ReviewError> {
    if is_too_long(review.note.as_deref()) {
        return Err(ReviewError::NoteTooLong { max: LONGEST_NOTE });
    }
    let mut conn = deps.store.get().await?;
    let stored = reviews::insert(
        &mut conn,
        assessment_id,
        review.verdict.as_str(),
        review.note.as_deref(),
        &review.reviewer,
        deps.clock.now(),
    );
    match stored.await {
        Ok(row) => Ok(row.try_into()?),
        Err(StoreError::Conflict { .. }) => Err(ReviewError::UnknownAssessment(assessment_id)),
        Err(error) => Err(error.into()),
    }
}

/// The reviews of an assessment, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn of_assessment(conn: &mut Conn, assessment_id: i64) -> Result<Vec<Review>, StoreError> {
    let rows = reviews::of_assessment(conn, assessment_id).await?;
    rows.into_iter().map(Review::try_from).collect()
}

/// A story that somebody tells about an account: an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldStory {
    /// One of the innocent ones.
    pub story: Story,
    /// In words.
    pub note: Option<String>,
    /// By whom.
    pub reported_by: String,
}

/// Why what was told was not taken down.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The puuid is not one that we know.
    #[error("no player with this puuid is known")]
    UnknownPuuid,
    /// The story is not an innocent one.
    #[error("{0} is not an innocent story")]
    NotInnocent(Story),
    /// The note is too long.
    #[error("the note has more than {max} characters")]
    NoteTooLong {
        /// The limit.
        max: usize,
    },
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes down a story about an account, and assesses it anew at once. For 180 days the story counts
/// five times as much beforehand: no pardon, evidence against it still counts.
///
/// # Errors
///
/// See [`TellError`].
pub async fn tell(
    deps: &Deps,
    priors: &Priors,
    puuid: &Puuid,
    told: ToldStory,
) -> Result<StoredAssessment, TellError> {
    if !told.story.is_honest() {
        return Err(TellError::NotInnocent(told.story));
    }
    if is_too_long(told.note.as_deref()) {
        return Err(TellError::NoteTooLong { max: LONGEST_NOTE });
    }
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    let stored = reviews::tell(
        &mut conn,
        puuid,
        told.story.key(),
        told.note.as_deref(),
        &told.reported_by,
        [now, now + TimeDelta::days(TOLD_DAYS)],
    );
    match stored.await {
        Ok(_) => {}
        Err(StoreError::Conflict { .. }) => return Err(TellError::UnknownPuuid),
        Err(error) => return Err(error.into()),
    }
    drop(conn);
    assess_player(deps, priors, puuid).await.map_err(|error| match error {
        AssessError::UnknownPuuid => TellError::UnknownPuuid,
        AssessError::Store(error) => error.into(),
    })
}

/// What was told about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Key of the story.
    pub story: String,
    /// In words.
    pub note: Option<String>,
    /// By whom.
    pub reported_by: String,
    /// When.
    pub told_at: DateTime<Utc>,
    /// Until when it counts; the newest does.
    pub until: DateTime<Utc>,
}

impl From<ToldRow> for Told {
    fn from(row: ToldRow) -> Self {
        Self {
            id: row.id,
            story: row.story,
            note: row.note,
            reported_by: row.reported_by,
            told_at: row.told_at,
            until: row.until,
        }
    }
}

/// The log of what was told about a player, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn told(conn: &mut Conn, puuid: &Puuid) -> Result<Vec<Told>, StoreError> {
    Ok(reviews::told(conn, puuid).await?.into_iter().map(Told::from).collect())
}

fn is_too_long(note: Option<&str>) -> bool {
    note.is_some_and(|note| note.chars().count() > LONGEST_NOTE)
}

/// Rows read at once for an export.
const PAGE: i64 = 500;

/// The review list as CSV (RFC 4180): a line of names, then the rows, some hundred lines a piece. Reads
/// a page at a time and holds no connection between pages, so memory is constant however slow the
/// reader is.
pub fn csv(
    deps: Deps,
    filter: ListFilter,
    sort: Sort,
) -> impl Stream<Item = Result<String, StoreError>> + Send + 'static {
    let header = "assessment_id,puuid,platform,assessed_at,verdict,probability,interval_low,\
                  interval_high,smurf_probability,legacy_score,games,tier,model_version,review\r\n";
    enum At {
        Start,
        Behind(Option<assessments::ListKey>),
        End,
    }
    stream::try_unfold((deps, filter, At::Start), move |(deps, filter, at)| async move {
        let after = match at {
            At::Start => return Ok(Some((header.to_owned(), (deps, filter, At::Behind(None))))),
            At::Behind(after) => after,
            At::End => return Ok(None),
        };
        let mut conn = deps.store.get().await?;
        let rows = assessments::list(&mut conn, &filter, sort, after.as_ref(), PAGE).await?;
        drop(conn);
        let is_last = (rows.len() as i64) < PAGE;
        let Some(last) = rows.last() else { return Ok(None) };
        let next = if is_last { At::End } else { At::Behind(Some(last.key())) };
        let lines: String = rows.iter().map(line).collect();
        Ok(Some((lines, (deps, filter, next))))
    })
}

/// One row. Names stay out: they change hands, and the puuid finds them.
fn line(row: &Listed) -> String {
    fn or_empty(value: Option<impl fmt::Display>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let fields = [
        row.id.to_string(),
        row.puuid.clone(),
        row.platform.clone(),
        row.created_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        row.verdict.clone(),
        or_empty(row.probability),
        or_empty(row.interval_low),
        or_empty(row.interval_high),
        or_empty(row.smurf_probability),
        or_empty(row.legacy_score),
        row.games.to_string(),
        or_empty(row.tier.as_deref()),
        row.model_version.clone(),
        or_empty(row.review.as_deref()),
    ];
    let mut line = fields.map(|field| quoted(&field)).join(",");
    line.push_str("\r\n");
    line
}

/// A field that a spreadsheet reads as text and as nothing else.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
