//! The review list: each player's newest assessment, sorted and filtered.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::routing::Platform;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::pool::Conn;

/// A range of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Below 0.2.
    Minimal,
    /// From 0.2.
    Low,
    /// From 0.5.
    Medium,
    /// From 0.8.
    High,
}

impl Band {
    /// All, lowest first.
    pub const ALL: [Self; 4] = [Self::Minimal, Self::Low, Self::Medium, Self::High];

    /// The band that a probability, 0 to 1, is in.
    pub fn of(probability: f64) -> Self {
        match probability {
            p if p >= 0.8 => Self::High,
            p if p >= 0.5 => Self::Medium,
            p if p >= 0.2 => Self::Low,
            _ => Self::Minimal,
        }
    }

    /// The name in queries: `high`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// From where, inclusive, to where, exclusive.
    const fn range(self) -> (f64, f64) {
        match self {
            Self::Minimal => (0.0, 0.2),
            Self::Low => (0.2, 0.5),
            Self::Medium => (0.5, 0.8),
            Self::High => (0.8, 2.0),
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no band.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a band: expected minimal, low, medium or high")]
pub struct UnknownBand(pub String);

impl FromStr for Band {
    type Err = UnknownBand;

    fn from_str(text: &str) -> Result<Self, UnknownBand> {
        Self::ALL
            .into_iter()
            .find(|band| band.as_str() == text)
            .ok_or_else(|| UnknownBand(text.to_owned()))
    }
}

/// Which assessments to list. The default: all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListFilter {
    /// In one of these bands; empty: in any, or without a probability.
    pub bands: Vec<Band>,
    /// With one of these verdicts, by key; empty: with any.
    pub verdicts: Vec<String>,
    /// Of players of this platform.
    pub platform: Option<Platform>,
    /// Of accounts that displayed this tier, as Riot spells it.
    pub tier: Option<String>,
    /// Made at or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Whether somebody has reviewed it.
    pub reviewed: Option<bool>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// The likeliest first; those without a probability last.
    #[default]
    Probability,
    /// The newest first.
    Time,
}

/// Where a list goes on: behind this item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListKey {
    /// Its probability.
    pub probability: Option<f64>,
    /// Its id.
    pub id: i64,
}

/// An item of the list.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Listed {
    /// The assessment.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Whose.
    #[diesel(sql_type = Text)]
    pub puuid: String,
    /// Where the account plays.
    #[diesel(sql_type = Text)]
    pub platform: String,
    /// The current Riot ID before #.
    #[diesel(sql_type = Nullable<Text>)]
    pub game_name: Option<String>,
    /// The current Riot ID after #.
    #[diesel(sql_type = Nullable<Text>)]
    pub tag_line: Option<String>,
    /// Key of the verdict.
    #[diesel(sql_type = Text)]
    pub verdict: String,
    /// 0 to 1.
    #[diesel(sql_type = Nullable<Double>)]
    pub probability: Option<f64>,
    /// Lower end of the interval around it.
    #[diesel(sql_type = Nullable<Double>)]
    pub interval_low: Option<f64>,
    /// Upper end of it.
    #[diesel(sql_type = Nullable<Double>)]
    pub interval_high: Option<f64>,
    /// The part of it that is somebody stronger playing.
    #[diesel(sql_type = Nullable<Double>)]
    pub smurf_probability: Option<f64>,
    /// The old score; no probability.
    #[diesel(sql_type = Nullable<Double>)]
    pub legacy_score: Option<f64>,
    /// Games that it rests on.
    #[diesel(sql_type = Integer)]
    pub games: i32,
    /// The tier that the account displayed.
    #[diesel(sql_type = Nullable<Text>)]
    pub tier: Option<String>,
    /// Name and version of the model.
    #[diesel(sql_type = Text)]
    pub model_version: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// What the newest review said.
    #[diesel(sql_type = Nullable<Text>)]
    pub review: Option<String>,
}

impl Listed {
    /// Where a list that ends here goes on.
    pub fn key(&self) -> ListKey {
        ListKey { probability: self.probability, id: self.id }
    }
}

/// The newest assessment of each player, as filtered and sorted, behind `after` if given. Walks
/// player_analysis_probability_idx or the primary key until `limit` rows are found.
///
/// # Errors
///
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    filter: &ListFilter,
    sort: Sort,
    after: Option<&ListKey>,
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    // Rows without a probability come last: minus one stands for none.
    let (behind, order) = match sort {
        Sort::Probability => (
            "($8 IS NULL OR (a.probability IS NOT NULL AND $7 IS NOT NULL
                             AND (a.probability, a.id) < ($7, $8))
                         OR (a.probability IS NULL AND ($7 IS NOT NULL OR a.id < $8)))",
            "a.probability DESC NULLS LAST, a.id DESC",
        ),
        Sort::Time => ("($8 IS NULL OR a.id < $8)", "a.id DESC"),
    };
    let (from, to): (Vec<f64>, Vec<f64>) = filter.bands.iter().map(|band| band.range()).unzip();
    Ok(diesel::sql_query(format!(
        "SELECT a.id, a.puuid, p.platform, p.game_name, p.tag_line, a.verdict, a.probability,
                a.interval_low, a.interval_high, a.smurf_probability, a.legacy_score, a.games,
                a.tier, a.model_version, a.created_at, r.verdict AS review
         FROM player_analysis a
         JOIN players p USING (puuid)
         LEFT JOIN LATERAL (
             SELECT verdict FROM assessment_reviews WHERE assessment_id = a.id
             ORDER BY id DESC LIMIT 1) r ON true
         WHERE NOT EXISTS (SELECT FROM player_analysis n WHERE n.puuid = a.puuid AND n.id > a.id)
           AND (cardinality($1) = 0 OR EXISTS (
                SELECT FROM unnest($1, $2) AS band (low, high)
                WHERE a.probability >= band.low AND a.probability < band.high))
           AND (cardinality($3) = 0 OR a.verdict = ANY ($3))
           AND ($4 IS NULL OR p.platform = $4)
           AND ($5 IS NULL OR a.tier = $5)
           AND ($6 IS NULL OR a.created_at >= $6)
           AND {behind}
           AND ($9 IS NULL OR (r.verdict IS NOT NULL) = $9)
         ORDER BY {order}
         LIMIT $10"
    ))
    .bind::<Array<Double>, _>(from)
    .bind::<Array<Double>, _>(to)
    .bind::<Array<Text>, _>(&filter.verdicts)
    .bind::<Nullable<Text>, _>(filter.platform.map(Platform::as_str))
    .bind::<Nullable<Text>, _>(filter.tier.as_deref())
    .bind::<Nullable<Timestamptz>, _>(filter.since)
    .bind::<Nullable<Double>, _>(after.and_then(|key| key.probability))
    .bind::<Nullable<BigInt>, _>(after.map(|key| key.id))
    .bind::<Nullable<Bool>, _>(filter.reviewed)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?)
}
