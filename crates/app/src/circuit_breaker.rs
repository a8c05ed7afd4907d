//! When the program stops saying *unusual*: too many results were found wrong, or the predictions
//! are too far from what happened. Until that has passed, the verdict is *inconclusive* for all.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_detection::Verdict;
use riftwatch_store::{Conn, StoreError, outcomes};
use serde::Serialize;

use crate::reliability;

// The two limits and the 30 days are promised to the people who are assessed (docs/guides/care.md),
// and are no settings for that reason: whoever finds them in the way would be the one to move them.

/// Days that reviews of unusual results are counted for.
const DAYS: i64 = 30;

/// Confirmed false positives among the unusual results of these days, above which it opens.
const FALSE_POSITIVES: f64 = 0.02;

/// Mean distance between probability and frequency in a month, above which it opens.
const ERROR: f64 = 0.05;

/// Decided assessments of a month without which its error says nothing: with fewer, chance alone is
/// above the limit.
const FEWEST: i64 = 200;

/// Months that are looked at. Fifty games take most people weeks, so the newest month is seldom
/// decided.
const MONTHS: u32 = 3;

/// Whether the verdict *unusual* may be given, and why not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Breaker {
    /// True: the verdict is kept back.
    pub open: bool,
    /// Why it is open, in words; empty while it is not.
    pub reasons: Vec<String>,
    /// Unusual results of the last 30 days, those kept back included.
    pub unusual_30_days: i64,
    /// Of these, found false by review.
    pub false_positives_30_days: i64,
    /// Mean distance between probability and frequency, 0 to 1, in the worst of the last months that
    /// have enough decided assessments.
    pub expected_calibration_error: Option<f64>,
}

impl Breaker {
    /// The verdict that may be given in place of this one.
    pub fn allows(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::UnusualPattern if self.open => Verdict::Inconclusive,
            verdict => verdict,
        }
    }
}

/// How it stands at `now`. Two queries: over the unusual results of 30 days, and over the outcomes of
/// some months.
///
/// # Errors
///
/// When the database fails.
pub async fn state(conn: &mut Conn, now: DateTime<Utc>) -> Result<Breaker, StoreError> {
    let counted = outcomes::false_positives(conn, now - TimeDelta::days(DAYS)).await?;
    let bins = outcomes::bins(conn, reliability::months_back(now, MONTHS)).await?;
    let worst = reliability::by_month(&bins)
        .into_iter()
        .filter(|month| month.decided >= FEWEST)
        .max_by(|a, b| a.error.total_cmp(&b.error));
    let mut reasons = Vec::new();
    let share = counted.false_positive as f64 / counted.unusual.max(1) as f64;
    if share > FALSE_POSITIVES {
        reasons.push(format!(
            "{} of {} unusual results of the last {DAYS} days were found false by review: more than \
             {} %",
            counted.false_positive,
            counted.unusual,
            FALSE_POSITIVES * 100.0
        ));
    }
    if let Some(month) = worst.as_ref().filter(|month| month.error > ERROR) {
        reasons.push(format!(
            "in {}, probabilities were off by {:.3} on average: more than {ERROR}",
            month.month.format("%Y-%m"),
            month.error
        ));
    }
    Ok(Breaker {
        open: !reasons.is_empty(),
        reasons,
        unusual_30_days: counted.unusual,
        false_positives_30_days: counted.false_positive,
        expected_calibration_error: worst.map(|month| month.error),
    })
}
