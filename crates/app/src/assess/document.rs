//! The document of an assessment: everything that a person needs to judge it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use riftwatch_detection::evidence::{Game, RankPoint, Role};
use riftwatch_detection::{Assessment, Evidence, FactorReport};
use serde::Serialize;

use crate::circuit_breaker::Breaker;

/// What stands under every assessment.
const NOTICE: &str = "A pattern in games, found by statistics. It says nothing about who plays or \
    why, and it is wrong at times. Second accounts played in good faith are allowed by Riot. \
    Riftwatch is not endorsed by Riot Games.";

/// What goes before and behind the assessment itself.
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
    inputs: Inputs<'a>,
    #[serde(flatten)]
    assessment: &'a Assessment,
    /// Why the verdict is inconclusive whatever the probability says.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict_withheld: Option<&'a [String]>,
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

/// What the assessment rests on, as far as it can be said in a few lines: enough to see what was
/// missing, and to notice that the same games are no longer there.
#[derive(Serialize)]
struct Inputs<'a> {
    first_rank: Option<&'a RankPoint>,
    last_rank: Option<&'a RankPoint>,
    first_game: Option<DateTime<Utc>>,
    last_game: Option<DateTime<Utc>>,
    wins: usize,
    kills: f32,
    deaths: f32,
    assists: f32,
    games_by_role: BTreeMap<Role, usize>,
    champions: usize,
    /// Games in which each of these was known.
    known: Known,
}

#[derive(Serialize)]
struct Known {
    rank: usize,
    lobby: usize,
    champion_history: usize,
    cs_at_10: usize,
    solo_kills: usize,
    flash_slot: usize,
    companion: usize,
}

/// The document. The same arguments give the same bytes.
pub(super) fn text(
    account: &Evidence,
    assessment: &Assessment,
    breaker: &Breaker,
    assessed_at: DateTime<Utc>,
) -> String {
    let shown = breaker.allows(assessment.verdict);
    let is_withheld = shown != assessment.verdict;
    let mut assessment = Cow::Borrowed(assessment);
    if is_withheld {
        assessment.to_mut().verdict = shown;
    }
    let document = Document {
        puuid: &account.account_id,
        assessed_at,
        summary: shown.words(),
        reasons_for: said(&assessment.reasons_for()),
        reasons_against: said(&assessment.reasons_against()),
        sample: Sample {
            account_level: account.account_level,
            ranks: account.ranks.len(),
            games: account.games.len(),
        },
        inputs: inputs(account),
        assessment: &assessment,
        verdict_withheld: is_withheld.then_some(breaker.reasons.as_slice()),
        notice: NOTICE,
    };
    serde_json::to_string(&document).expect("an assessment has only text and finite numbers")
}

fn said<'a>(reasons: &[&'a FactorReport]) -> Vec<&'a str> {
    reasons.iter().map(|reason| reason.sentence.as_str()).collect()
}

fn inputs(account: &Evidence) -> Inputs<'_> {
    let games = &account.games;
    let known = |is_known: fn(&Game) -> bool| games.iter().filter(|game| is_known(game)).count();
    let mut games_by_role = BTreeMap::new();
    for game in games {
        *games_by_role.entry(game.role).or_default() += 1;
    }
    Inputs {
        first_rank: account.ranks.first(),
        last_rank: account.ranks.last(),
        first_game: games.first().map(|game| game.at),
        last_game: games.last().map(|game| game.at),
        wins: known(|game| game.win),
        kills: games.iter().map(|game| game.kills).sum(),
        deaths: games.iter().map(|game| game.deaths).sum(),
        assists: games.iter().map(|game| game.assists).sum(),
        games_by_role,
        champions: games.iter().map(|game| game.champion_id).collect::<BTreeSet<_>>().len(),
        known: Known {
            rank: known(|game| game.rank_tier_value.is_some()),
            lobby: known(|game| game.lobby_tier_value.is_some()),
            champion_history: known(|game| game.champion_games_before.is_some()),
            cs_at_10: known(|game| game.cs_at_10.is_some()),
            solo_kills: known(|game| game.solo_kills.is_some()),
            flash_slot: known(|game| game.flash_slot.is_some()),
            companion: known(|game| game.duo.is_some()),
        },
    }
}
