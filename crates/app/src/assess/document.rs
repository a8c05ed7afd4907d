//! The document of an assessment: everything that a person needs to judge it.

use chrono::{DateTime, Utc};
use riftwatch_detection::{Assessment, Evidence, FactorReport};
use serde::Serialize;

/// What stands under every assessment.
const NOTICE: &str = "A pattern in games, found by statistics. It says nothing about who plays or \
    why, and it is wrong at times. Second accounts played in good faith are allowed by Riot. \
    Riftwatch is not endorsed by Riot Games.";

/// What goes before the assessment itself.
#[derive(Serialize)]
struct Document<'a> {
    /// As `account_id`, under the name that the other calls have for it.
    puuid: &'a str,
    assessed_at: DateTime<Utc>,
    /// The verdict in words.
    summary: &'static str,
    /// The strongest reasons for an unusual pattern, strongest first.
    reasons_for: Vec<&'a str>,
    /// The strongest against one.
    reasons_against: Vec<&'a str>,
    sample: Sample,
    #[serde(flatten)]
    assessment: &'a Assessment,
    notice: &'static str,
}

/// How much was known.
#[derive(Serialize)]
struct Sample {
    account_level: Option<u32>,
    /// Ranks of the account that were seen.
    ranks: usize,
    /// Games that were looked at, whether they count or not.
    games: usize,
}

/// The document. The same arguments give the same bytes.
pub(super) fn text(
    account: &Evidence,
    assessment: &Assessment,
    assessed_at: DateTime<Utc>,
) -> String {
    let document = Document {
        puuid: &account.account_id,
        assessed_at,
        summary: assessment.verdict.words(),
        reasons_for: said(&assessment.reasons_for()),
        reasons_against: said(&assessment.reasons_against()),
        sample: Sample {
            account_level: account.account_level,
            ranks: account.ranks.len(),
            games: account.games.len(),
        },
        assessment,
        notice: NOTICE,
    };
    serde_json::to_string(&document).expect("an assessment has only text and finite numbers")
}

fn said<'a>(reasons: &[&'a FactorReport]) -> Vec<&'a str> {
    reasons.iter().map(|reason| reason.sentence.as_str()).collect()
}
