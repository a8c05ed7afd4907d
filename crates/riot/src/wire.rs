//! Riot's JSON, for those who have it from elsewhere: recorded answers, imports, tests.

use riftwatch_domain::matches::Match;

use crate::dto;
use crate::endpoints::MATCH_BY_ID;
use crate::error::RiotError;

/// Reads the body of a match as the match endpoint sends it.
///
/// What Riot leaves out, adds or spells anew does not matter, except for what a match is nothing
/// without: its id, its times, and each participant's champion, kills, deaths, assists and win.
/// Numbers that are too large for their field become its largest. A match may have no
/// participants: a lobby that was aborted.
///
/// # Errors
///
/// [`RiotError::Decode`] with the place in the JSON.
pub fn parse_match(body: &[u8]) -> Result<Match, RiotError> {
    dto::parse_match(MATCH_BY_ID, body)
}
