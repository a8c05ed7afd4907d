//! What assessments predicted, and what happened.
//!
//! The event is one that nobody has to judge: that the displayed rank rose by two tiers or more
//! within the next fifty ranked games. `store::outcomes` decides it from ranks and games after the
//! assessment; here it is held against the probability that somebody stronger than the rank plays.

use chrono::{DateTime, Datelike, Months, NaiveTime, Utc};
use riftwatch_store::outcomes::{self, OutcomeBin, ReviewedMonth, StoryMonth};
use riftwatch_store::{Conn, StoreError};
use serde::Serialize;

use crate::circuit_breaker::{self, Breaker};

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What is predicted, in words.
    pub event: &'static str,
    /// Months in which assessments were made, newest first.
    pub months: Vec<Month>,
    /// Whether verdicts are kept back.
    pub circuit_breaker: Breaker,
}

/// The assessments of one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    /// Stored assessments with a probability. Old ones are let go of; what happened after them is
    /// kept, and counts below.
    pub assessments: i64,
    /// Of these, those after which it cannot be told yet: too few games, or no rank was known.
    pub undecided: i64,
    /// Assessments after which it can.
    pub decided: i64,
    /// Mean of their predictions, 0 to 1.
    pub predicted: Option<f64>,
    /// Share of them after which it happened, 0 to 1.
    pub happened: Option<f64>,
    /// Mean distance between prediction and frequency over the bins, weighed by their counts.
    pub expected_calibration_error: Option<f64>,
    /// By prediction, lowest first; bins without assessments are absent.
    pub bins: Vec<Bin>,
    /// What people said.
    pub reviews: Reviews,
}

/// Assessments with predictions that are near each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// Predictions from here on …
    pub from: f64,
    /// … to here; only in the last bin inclusive.
    pub to: f64,
    /// Assessments.
    pub assessments: i64,
    /// Mean of their predictions.
    pub predicted: f64,
    /// After how many it happened.
    pub gained: i64,
    /// The same as a share.
    pub happened: f64,
}

/// What people said of the assessments of one month; the newest review of each counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reviews {
    /// Unusual results, those kept back included.
    pub unusual: i64,
    /// Assessments found right.
    pub confirmed: i64,
    /// Found wrong.
    pub false_positive: i64,
    /// Nobody could tell.
    pub unsure: i64,
    /// Unusual results by the innocent story that was told, else the one that explains them best.
    pub by_story: Vec<StoryReviews>,
}

/// Reviews of unusual results that one innocent story explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoryReviews {
    /// Key of the story; absent for assessments older than the column.
    pub story: Option<String>,
    /// Results reviewed with a clear answer.
    pub reviewed: i64,
    /// Of these, found wrong.
    pub false_positive: i64,
    /// The same as a share.
    pub false_positive_rate: f64,
}

/// The report over the last `months` months, this one included.
///
/// # Errors
///
/// When the database fails.
pub async fn report(
    conn: &mut Conn,
    months: u32,
    now: DateTime<Utc>,
) -> Result<Report, StoreError> {
    let since = months_back(now, months.max(1) - 1);
    let decided = by_month(&outcomes::bins(conn, since).await?);
    let reviewed = outcomes::months(conn, since).await?;
    let stories = outcomes::stories(conn, since).await?;
    let mut starts: Vec<DateTime<Utc>> = decided
        .iter()
        .map(|month| month.month)
        .chain(reviewed.iter().map(|month| month.month))
        .collect();
    starts.sort_unstable_by(|a, b| b.cmp(a));
    starts.dedup();
    let months = starts
        .into_iter()
        .map(|start| {
            month(
                start,
                decided.iter().find(|month| month.month == start),
                reviewed.iter().find(|month| month.month == start),
                stories.iter().filter(|story| story.month == start),
            )
        })
        .collect();
    Ok(Report {
        event: "the displayed rank rises by two tiers or more within the next 50 ranked solo games",
        months,
        circuit_breaker: circuit_breaker::state(conn, now).await?,
    })
}

/// The first moment of the month that was so many months ago.
pub(crate) fn months_back(now: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    let first = now.date_naive().with_day(1).expect("every month has a first day");
    let earlier = first.checked_sub_months(Months::new(months)).unwrap_or(first);
    earlier.and_time(NaiveTime::MIN).and_utc()
}

/// What happened after the assessments of one month.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    pub(crate) month: DateTime<Utc>,
    pub(crate) decided: i64,
    pub(crate) error: f64,
    predicted: f64,
    gained: i64,
    bins: Vec<Bin>,
}

/// Puts the bins of each month together. They come in the order of months.
pub(crate) fn by_month(bins: &[OutcomeBin]) -> Vec<Decided> {
    bins.chunk_by(|a, b| a.month == b.month)
        .map(|bins| {
            let decided: i64 = bins.iter().map(|bin| bin.assessments).sum();
            let apart: f64 = bins.iter().map(|bin| (bin.predicted - bin.gained as f64).abs()).sum();
            Decided {
                month: bins[0].month,
                decided,
                error: apart / decided as f64,
                predicted: bins.iter().map(|bin| bin.predicted).sum(),
                gained: bins.iter().map(|bin| bin.gained).sum(),
                bins: bins.iter().map(bin).collect(),
            }
        })
        .collect()
}

fn bin(bin: &OutcomeBin) -> Bin {
    let assessments = bin.assessments as f64;
    Bin {
        from: f64::from(bin.bin) / 10.0,
        to: f64::from(bin.bin + 1) / 10.0,
        assessments: bin.assessments,
        predicted: bin.predicted / assessments,
        gained: bin.gained,
        happened: bin.gained as f64 / assessments,
    }
}

fn month<'a>(
    start: DateTime<Utc>,
    decided: Option<&Decided>,
    reviewed: Option<&ReviewedMonth>,
    stories: impl Iterator<Item = &'a StoryMonth>,
) -> Month {
    let share = |of: fn(&Decided) -> f64| decided.map(|month| of(month) / month.decided as f64);
    let by_story = stories
        .map(|story| StoryReviews {
            story: story.story.clone(),
            reviewed: story.reviewed,
            false_positive: story.false_positive,
            false_positive_rate: story.false_positive as f64 / story.reviewed as f64,
        })
        .collect();
    Month {
        month: start.format("%Y-%m").to_string(),
        assessments: reviewed.map_or(0, |month| month.assessments),
        undecided: reviewed.map_or(0, |month| month.undecided),
        decided: decided.map_or(0, |month| month.decided),
        predicted: share(|month| month.predicted),
        happened: share(|month| month.gained as f64),
        expected_calibration_error: decided.map(|month| month.error),
        bins: decided.map(|month| month.bins.clone()).unwrap_or_default(),
        reviews: Reviews {
            unusual: reviewed.map_or(0, |month| month.unusual),
            confirmed: reviewed.map_or(0, |month| month.confirmed),
            false_positive: reviewed.map_or(0, |month| month.false_positive),
            unsure: reviewed.map_or(0, |month| month.unsure),
            by_story,
        },
    }
}
