//! Assessing players: from what is stored to a document that is never changed.

mod document;
mod lobbies;
mod performance;
mod reading;
mod sample;
mod worth;

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use riftwatch_detection::{Assessment, Evidence, FEWEST_GAMES, Model, Story, Verdict, assess};
use riftwatch_domain::player::Puuid;
use riftwatch_store::assessments::{self, Claim, LastAssessment, NewAssessment, StoredAssessment};
use riftwatch_store::{Conn, StoreError, evidence, reviews, transactions};

use crate::circuit_breaker::Breaker;
use crate::deps::Deps;

pub use lobbies::RunMemory;
pub use performance::{GamePerformance, performance};
pub(crate) use reading::rank as rank_point;
pub use riftwatch_detection::Priors;
pub use sample::stored_accounts;

/// The newest games that an assessment looks at.
const GAMES: i64 = 100;

/// Seconds after which a batch that has not been finished is taken up by somebody else.
const LEASE_S: i64 = 120;

/// What a batch of assessments came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Players who were due. 0: nobody is.
    pub due: usize,
    /// Those about whom enough had changed, and who have enough games, and were assessed. Each is a
    /// document.
    pub assessed: usize,
    /// Assessed players whose pattern is unusual, more likely than not because somebody stronger
    /// than the displayed rank plays.
    pub smurfs: usize,
}

/// Why there is no assessment.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The puuid is not one that we know. Hidden players and the computer have none.
    #[error("no player with this puuid is known")]
    UnknownPuuid,
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Assesses one player now, due or not, and stores the document, unless the last one says the same:
/// then that one is the answer. With too few games the document says so.
///
/// # Errors
///
/// See [`AssessError`].
pub async fn assess_player(
    deps: &Deps,
    priors: &Priors,
    puuid: &Puuid,
) -> Result<StoredAssessment, AssessError> {
    let mut conn = deps.store.get().await?;
    let now = now(deps);
    // Before reading: what comes in meanwhile is news again.
    if !assessments::mark_analyzed(&mut conn, puuid).await? {
        return Err(AssessError::UnknownPuuid);
    }
    let mut memory = RunMemory::default();
    let breaker = memory.breaker(&mut conn, now).await?;
    let cases = read(&mut conn, priors, &[puuid.as_str()], &mut memory, now).await?;
    let case = cases.into_iter().next().ok_or(AssessError::UnknownPuuid)?;
    let assessment = case.assess();
    transactions::begin(&mut conn).await?;
    let result = store_news(&mut conn, &case, &assessment, &breaker, puuid, now).await;
    transactions::end(&mut conn, result).await
}

/// Stores what is said, unless the last assessment says it already.
async fn store_news(
    conn: &mut Conn,
    case: &Case,
    said: &Assessment,
    breaker: &Breaker,
    puuid: &Puuid,
    now: DateTime<Utc>,
) -> Result<StoredAssessment, AssessError> {
    // Two callers at once take turns, so that the second finds what the first stored.
    if !assessments::take(conn, puuid).await? {
        return Err(AssessError::UnknownPuuid);
    }
    // What would have been said at the time of the last one is the same text to the byte.
    if let Some(latest) = assessments::latest(conn, puuid).await?
        && latest.document == document::text(&case.evidence, said, breaker, latest.created_at)
    {
        return Ok(latest);
    }
    let ids = assessments::insert_all(conn, &[case.say(said, breaker, now)]).await?;
    let id = ids.first().copied().ok_or(AssessError::UnknownPuuid)?;
    assessments::find(conn, id).await?.ok_or(AssessError::UnknownPuuid)
}

/// Assesses up to `limit` of the players who are due. They are claimed first, so that several callers
/// share the work on as many machines; no transaction is open and no connection is held while they
/// are assessed. `memory` keeps what one batch has learnt for the next.
///
/// # Errors
///
/// When the database fails; then the players are due again, at once or when their claim runs out.
pub async fn assess_due(
    deps: &Deps,
    priors: &Priors,
    memory: &mut RunMemory,
    limit: u32,
) -> Result<Batch, StoreError> {
    let mut conn = deps.store.get().await?;
    let Some(claim) = assessments::claim(&mut conn, limit.into(), LEASE_S).await? else {
        return Ok(Batch::default());
    };
    drop(conn);
    let result = assess_claimed(deps, priors, memory, &claim).await;
    if result.is_err()
        && let Ok(mut conn) = deps.store.get().await
    {
        // If this fails as well, the claim runs out.
        let _ = assessments::give_back(&mut conn, &claim).await;
    }
    result
}

async fn assess_claimed(
    deps: &Deps,
    priors: &Priors,
    memory: &mut RunMemory,
    claim: &Claim,
) -> Result<Batch, StoreError> {
    let now = now(deps);
    let puuids: Vec<&str> = claim.puuids.iter().map(String::as_str).collect();
    let mut conn = deps.store.get().await?;
    let breaker = memory.breaker(&mut conn, now).await?;
    let cases = read(&mut conn, priors, &puuids, memory, now).await?;
    let last: HashMap<String, LastAssessment> = assessments::last_of(&mut conn, &puuids)
        .await?
        .into_iter()
        .map(|last| (last.puuid.clone(), last))
        .collect();
    drop(conn);
    // A batch may take long: not on a thread that others' answers wait on.
    let work = tokio::task::spawn_blocking(move || {
        let mut smurfs = 0;
        let said: Vec<NewAssessment> = cases
            .iter()
            .filter(|case| case.has_enough_games())
            .filter(|case| worth::saying(case, last.get(&case.evidence.account_id), now))
            .map(|case| {
                let assessment = case.assess();
                smurfs += usize::from(is_smurf(&assessment));
                case.say(&assessment, &breaker, now)
            })
            .collect();
        (said, smurfs)
    });
    let (said, smurfs) = work.await.expect("assessing does not panic, and is not cancelled");
    let mut conn = deps.store.get().await?;
    transactions::begin(&mut conn).await?;
    let result = async {
        if !assessments::finish(&mut conn, claim).await? {
            return Ok(0);
        }
        Ok(assessments::insert_all(&mut conn, &said).await?.len())
    }
    .await;
    let assessed = transactions::end::<_, StoreError>(&mut conn, result).await?;
    if assessed == 0 && !said.is_empty() {
        tracing::warn!("a batch took too long, and somebody else has its players");
        return Ok(Batch { due: puuids.len(), ..Batch::default() });
    }
    Ok(Batch { due: puuids.len(), assessed, smurfs })
}

/// To the microsecond, as it is stored.
fn now(deps: &Deps) -> DateTime<Utc> {
    deps.clock.now().trunc_subsecs(6)
}

fn is_smurf(assessment: &Assessment) -> bool {
    assessment.verdict == Verdict::UnusualPattern && assessment.p_smurf > assessment.p_any / 2.0
}

/// A player with everything that an assessment needs.
struct Case {
    evidence: Evidence,
    /// Games in which the ranks of enough others were known.
    known_lobbies: usize,
    priors: Priors,
}

impl Case {
    fn has_enough_games(&self) -> bool {
        self.evidence.games.len() >= FEWEST_GAMES as usize
    }

    fn assess(&self) -> Assessment {
        assess(Model::default_model(), &self.evidence, &self.priors)
    }

    fn say(&self, said: &Assessment, breaker: &Breaker, now: DateTime<Utc>) -> NewAssessment {
        let enough = said.verdict != Verdict::NotEnoughGames;
        let rank = self.evidence.ranks.last();
        NewAssessment {
            puuid: self.evidence.account_id.clone(),
            model_version: said.model_version.clone(),
            games: count(said.games as usize),
            sample_games: count(self.evidence.games.len()),
            known_lobbies: count(self.known_lobbies),
            probability: enough.then_some(said.p_any),
            interval_low: enough.then_some(said.interval_80[0]),
            interval_high: enough.then_some(said.interval_80[1]),
            verdict: breaker.allows(said.verdict).key().to_owned(),
            smurf_probability: enough.then_some(said.p_smurf),
            legacy_score: said.legacy_score,
            tier: rank.map(|rank| rank.tier.as_str().to_owned()),
            rank_height: rank.map(riftwatch_detection::evidence::RankPoint::tier_value),
            innocent_story: said.innocent_story.story.key().to_owned(),
            told_story: self.priors.told.map(|story| story.key().to_owned()),
            withheld: breaker.allows(said.verdict) != said.verdict,
            evidence_until: self.evidence.games.last().map(|game| game.at),
            document: document::text(&self.evidence, said, breaker, now),
            created_at: now,
        }
    }
}

fn count(games: usize) -> i32 {
    i32::try_from(games).unwrap_or(i32::MAX)
}

/// Reads players, in the order of their puuids; those whom we do not know are absent.
async fn read(
    conn: &mut Conn,
    priors: &Priors,
    puuids: &[&str],
    memory: &mut RunMemory,
    now: DateTime<Utc>,
) -> Result<Vec<Case>, StoreError> {
    let known = evidence::of_players(conn, puuids, GAMES).await?;
    let mut told: HashMap<String, Story> = reviews::told_of(conn, puuids, now)
        .await?
        .into_iter()
        // A story that a later version has dropped counts as none.
        .filter_map(|(puuid, story)| Some((puuid, story.parse().ok()?)))
        .collect();
    memory.learn(conn, &known).await?;
    Ok(known
        .iter()
        .map(|player| {
            let (evidence, known_lobbies) = reading::evidence(player, memory);
            let told = told.remove(&player.puuid).or(priors.told);
            Case { evidence, known_lobbies, priors: Priors { told, ..*priors } }
        })
        .collect())
}
