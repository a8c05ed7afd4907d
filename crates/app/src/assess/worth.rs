//! Whether so much has changed about a player that it is worth saying something anew.
//!
//! Every game makes a player due, and a document for each would say the same a hundred times. What
//! is not worth it today adds up: changes are counted since the last assessment, not since the last
//! look.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_detection::Model;
use riftwatch_store::assessments::LastAssessment;

use super::Case;

/// One in so many of the games has to be new: each of the first twenty, one in five of a hundred.
const ONE_IN: usize = 20;

/// A rank that differs by a division is news, in tiers.
const DIVISION: f64 = 0.25;

/// Anything new at all is worth it after so many days.
const STALE_DAYS: i64 = 7;

/// Whether to assess a player again whose last assessment, if any, rested on `last`.
pub(super) fn saying(case: &Case, last: Option<&LastAssessment>, now: DateTime<Utc>) -> bool {
    let Some(last) = last else { return true };
    if last.model_version != Model::default_model().version()
        || last.told_story.as_deref() != case.priors.told.map(riftwatch_detection::Story::key)
    {
        return true;
    }
    let games = &case.evidence.games;
    let fresh =
        games.iter().filter(|game| last.evidence_until.is_none_or(|end| game.at > end)).count();
    // Games from before the newest one that was seen, which came in late.
    let late =
        (games.len() - fresh).saturating_sub(usize::try_from(last.sample_games).unwrap_or(0));
    let new_games = fresh + late;
    let height =
        case.evidence.ranks.last().map(riftwatch_detection::evidence::RankPoint::tier_value);
    // People whose rank came to be known, or was forgotten.
    let new_lobbies = case.known_lobbies.abs_diff(usize::try_from(last.known_lobbies).unwrap_or(0));
    let moved = match (last.rank_height, height) {
        (Some(before), Some(now)) => (now - before).abs(),
        (None, None) => 0.0,
        _ => f64::INFINITY,
    };
    let is_stale = now - last.created_at >= TimeDelta::days(STALE_DAYS);
    new_games.max(new_lobbies) * ONE_IN >= games.len().max(1)
        || moved >= DIVISION
        || (is_stale && (new_games + new_lobbies > 0 || moved > 0.0))
}
