//! Matchmaking analyses.

use chrono::{DateTime, Utc};
use riftwatch_app::matchmaking::Analysis;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How even a player's games were.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisView {
    id: i64,
    puuid: String,
    /// `pending`, `running`, `completed`, `cancelled` or `failed`.
    status: String,
    /// Games asked for.
    games_wanted: i32,
    /// Games behind it.
    games_done: u64,
    /// Games that there are.
    games_total: i32,
    /// Null until it is completed.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed.
    error: Option<String>,
    requested_by: String,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl AnalysisView {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

impl From<Analysis> for AnalysisView {
    fn from(analysis: Analysis) -> Self {
        Self {
            id: analysis.id,
            puuid: analysis.puuid,
            status: analysis.status,
            games_wanted: analysis.games_wanted,
            games_done: u64::try_from(analysis.games_done).unwrap_or(u64::MAX),
            games_total: analysis.games_total,
            result: analysis.result,
            error: analysis.error,
            requested_by: analysis.requested_by,
            created_at: analysis.created_at,
            started_at: analysis.started_at,
            ended_at: analysis.ended_at,
        }
    }
}
