//! What several tests of assessments begin with.

use chrono::{DateTime, Utc};
use riftwatch_store::assessments::NewAssessment;

/// An unusual assessment of fox.
pub(crate) fn said(at: DateTime<Utc>) -> NewAssessment {
    NewAssessment {
        puuid: "puuid-of-fox".to_owned(),
        model_version: "m".to_owned(),
        games: 20,
        sample_games: 20,
        known_lobbies: 0,
        probability: Some(0.9),
        interval_low: Some(0.8),
        interval_high: Some(0.95),
        verdict: "unusual_pattern".to_owned(),
        smurf_probability: Some(0.8),
        legacy_score: None,
        tier: Some("GOLD".to_owned()),
        rank_height: Some(3.6),
        innocent_story: "returning".to_owned(),
        told_story: None,
        withheld: false,
        evidence_until: None,
        document: "{}".to_owned(),
        created_at: at,
    }
}
