//! Assessments, which go out as they were stored, and what people make of them.

use chrono::{DateTime, Utc};
use riftwatch_app::reliability::{Bin, Month, Report, Reviews, StoryReviews};
use riftwatch_app::reviews::Review;
use riftwatch_store::StoreError;
use riftwatch_store::assessments::{Band, Listed, StoredAssessment};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An assessment: `puuid`, `assessed_at`, `summary` (the verdict in words), `reasons_for` and
/// `reasons_against`, `sample`, `p_any` with `interval_80`, `p_smurf`, `p_shared`, `verdict`,
/// `story_posterior`, `factors`, `innocent_story`, `legacy_score` (no probability), `games`,
/// `games_between`, `model_version`, `prior`, `notice`. Later versions may say more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(crate) struct AssessmentView(Box<RawValue>);

impl AssessmentView {
    pub(crate) fn new(stored: StoredAssessment) -> Result<Self, StoreError> {
        RawValue::from_string(stored.document)
            .map(Self)
            .map_err(|error| StoreError::corrupt("player_analysis", "document", error))
    }
}

/// An item of the review list: a player's newest assessment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedView {
    /// The assessment.
    assessment_id: i64,
    puuid: String,
    #[schema(example = "euw1")]
    platform: String,
    /// The current Riot ID.
    riot_id: Option<String>,
    /// Its key; the document has it in words.
    verdict: String,
    /// 0 to 1, that the play fits another rank than the displayed one; null with too few games.
    probability: Option<f64>,
    interval_low: Option<f64>,
    interval_high: Option<f64>,
    /// `minimal`, `low`, `medium` or `high`; null without a probability.
    band: Option<&'static str>,
    /// The nine-factor score; no probability.
    legacy_score: Option<f64>,
    /// Games that it rests on.
    games: i32,
    /// The tier that the account displayed.
    tier: Option<String>,
    model_version: String,
    assessed_at: DateTime<Utc>,
    /// What the newest review said.
    review: Option<String>,
}

impl From<Listed> for ListedView {
    fn from(listed: Listed) -> Self {
        let riot_id = listed.game_name.zip(listed.tag_line);
        Self {
            assessment_id: listed.id,
            puuid: listed.puuid,
            platform: listed.platform,
            riot_id: riot_id.map(|(name, tag)| format!("{name}#{tag}")),
            verdict: listed.verdict,
            probability: listed.probability,
            interval_low: listed.interval_low,
            interval_high: listed.interval_high,
            band: listed.probability.map(|probability| Band::of(probability).as_str()),
            legacy_score: listed.legacy_score,
            games: listed.games,
            tier: listed.tier,
            model_version: listed.model_version,
            assessed_at: listed.created_at,
            review: listed.review,
        }
    }
}

/// What somebody made of an assessment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewView {
    id: i64,
    assessment_id: i64,
    verdict: &'static str,
    note: Option<String>,
    /// The name of the token.
    reviewer: String,
    created_at: DateTime<Utc>,
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self {
            id: review.id,
            assessment_id: review.assessment_id,
            verdict: review.verdict.as_str(),
            note: review.note,
            reviewer: review.reviewer,
            created_at: review.created_at,
        }
    }
}

/// How often what was predicted came true.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReliabilityView {
    /// What is predicted, in words.
    event: &'static str,
    /// Newest first.
    months: Vec<MonthView>,
    circuit_breaker: BreakerView,
}

/// The assessments of one month.
#[derive(Debug, Serialize, ToSchema)]
struct MonthView {
    #[schema(example = "2026-11")]
    month: String,
    /// With a probability.
    assessments: i64,
    /// Of these, those after which it cannot be told yet.
    undecided: i64,
    /// After which it can.
    decided: i64,
    /// Mean of their predictions, 0 to 1.
    predicted: Option<f64>,
    /// Share of them after which it happened, 0 to 1.
    happened: Option<f64>,
    expected_calibration_error: Option<f64>,
    /// By prediction, lowest first.
    bins: Vec<BinView>,
    reviews: ReviewsView,
}

/// Assessments with predictions that are near each other.
#[derive(Debug, Serialize, ToSchema)]
struct BinView {
    from: f64,
    to: f64,
    assessments: i64,
    /// Mean of their predictions.
    predicted: f64,
    /// After how many it happened.
    gained: i64,
    /// The same as a share.
    happened: f64,
}

/// What people said of the assessments of one month.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewsView {
    /// Unusual results, those kept back included.
    unusual: i64,
    confirmed: i64,
    false_positive: i64,
    unsure: i64,
    by_story: Vec<StoryReviewsView>,
}

/// Reviews of unusual results that one innocent story explains.
#[derive(Debug, Serialize, ToSchema)]
struct StoryReviewsView {
    story: Option<String>,
    reviewed: i64,
    false_positive: i64,
    false_positive_rate: f64,
}

/// Whether the verdict that a pattern is unusual is kept back, and why.
#[derive(Debug, Serialize, ToSchema)]
struct BreakerView {
    /// It is kept back.
    open: bool,
    /// In words.
    reasons: Vec<String>,
    unusual_30_days: i64,
    false_positives_30_days: i64,
    expected_calibration_error: Option<f64>,
}

impl From<Report> for ReliabilityView {
    fn from(report: Report) -> Self {
        let breaker = report.circuit_breaker;
        Self {
            event: report.event,
            months: report.months.into_iter().map(MonthView::from).collect(),
            circuit_breaker: BreakerView {
                open: breaker.open,
                reasons: breaker.reasons,
                unusual_30_days: breaker.unusual_30_days,
                false_positives_30_days: breaker.false_positives_30_days,
                expected_calibration_error: breaker.expected_calibration_error,
            },
        }
    }
}

impl From<Month> for MonthView {
    fn from(month: Month) -> Self {
        Self {
            month: month.month,
            assessments: month.assessments,
            undecided: month.undecided,
            decided: month.decided,
            predicted: month.predicted,
            happened: month.happened,
            expected_calibration_error: month.expected_calibration_error,
            bins: month.bins.into_iter().map(BinView::from).collect(),
            reviews: month.reviews.into(),
        }
    }
}

impl From<Bin> for BinView {
    fn from(bin: Bin) -> Self {
        let Bin { from, to, assessments, predicted, gained, happened } = bin;
        Self { from, to, assessments, predicted, gained, happened }
    }
}

impl From<Reviews> for ReviewsView {
    fn from(reviews: Reviews) -> Self {
        let story = |story: StoryReviews| StoryReviewsView {
            story: story.story,
            reviewed: story.reviewed,
            false_positive: story.false_positive,
            false_positive_rate: story.false_positive_rate,
        };
        Self {
            unusual: reviews.unusual,
            confirmed: reviews.confirmed,
            false_positive: reviews.false_positive,
            unsure: reviews.unsure,
            by_story: reviews.by_story.into_iter().map(story).collect(),
        }
    }
}
