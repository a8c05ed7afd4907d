//! Assessments, which go out as they were stored.

use riftwatch_store::StoreError;
use riftwatch_store::assessments::StoredAssessment;
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
