//! Assessing players: from what is stored to a document that is never changed.

mod document;
mod reading;

use chrono::{DateTime, SubsecRound, Utc};
use riftwatch_detection::{Evidence, FEWEST_GAMES, Model, Verdict, assess};
use riftwatch_domain::player::Puuid;
use riftwatch_store::assessments::{self, NewAssessment, StoredAssessment};
use riftwatch_store::{Conn, StoreError, evidence, transactions};

use crate::deps::Deps;

pub use riftwatch_detection::Priors;

/// The newest games that an assessment looks at.
const GAMES: i64 = 100;

/// What a batch of assessments came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Players who were due, whether or not they had enough games. 0: nobody is.
    pub due: usize,
    /// Those who had, and were assessed.
    pub assessed: usize,
    /// Documents stored: an assessment that says what the last one said is not stored again.
    pub stored: usize,
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
    transactions::begin(&mut conn).await?;
    let result = assess_taken(deps, &mut conn, priors, puuid).await;
    transactions::end(&mut conn, result).await
}

async fn assess_taken(
    deps: &Deps,
    conn: &mut Conn,
    priors: &Priors,
    puuid: &Puuid,
) -> Result<StoredAssessment, AssessError> {
    if !assessments::take(conn, puuid).await? {
        return Err(AssessError::UnknownPuuid);
    }
    let mut made = make(deps, conn, priors, &[puuid.as_str()]).await?;
    assessments::mark_analyzed(conn, &[puuid.as_str()]).await?;
    let Some(Made { said, stored }) = made.pop() else { return Err(AssessError::UnknownPuuid) };
    match stored {
        Some(stored) => Ok(stored),
        None => Ok(assessments::insert(conn, &said).await?),
    }
}

/// Assesses up to `limit` of the players who are due, in one transaction: they are marked with what
/// is said about them, and several callers share the work.
///
/// # Errors
///
/// When the database fails; then nobody is marked.
pub async fn assess_due(deps: &Deps, priors: &Priors, limit: u32) -> Result<Batch, StoreError> {
    let mut conn = deps.store.get().await?;
    transactions::begin(&mut conn).await?;
    let result = assess_batch(deps, &mut conn, priors, limit).await;
    transactions::end(&mut conn, result).await
}

async fn assess_batch(
    deps: &Deps,
    conn: &mut Conn,
    priors: &Priors,
    limit: u32,
) -> Result<Batch, StoreError> {
    let due = assessments::due(conn, FEWEST_GAMES.into(), limit.into()).await?;
    let enough: Vec<&str> =
        due.iter().filter(|due| due.enough_games).map(|due| due.puuid.as_str()).collect();
    let made = make(deps, conn, priors, &enough).await?;
    let assessed = made.len();
    let smurfs = made.iter().filter(|made| made.is_smurf()).count();
    let new: Vec<NewAssessment> =
        made.into_iter().filter(|made| made.stored.is_none()).map(|made| made.said).collect();
    let stored = assessments::insert_all(conn, &new).await?;
    let all: Vec<&str> = due.iter().map(|due| due.puuid.as_str()).collect();
    assessments::mark_analyzed(conn, &all).await?;
    Ok(Batch { due: due.len(), assessed, stored, smurfs })
}

/// An assessment, and where it is stored if it is not news.
struct Made {
    said: NewAssessment,
    stored: Option<StoredAssessment>,
}

impl Made {
    fn is_smurf(&self) -> bool {
        self.said.verdict == Verdict::UnusualPattern.key()
            && self.said.smurf_probability > self.said.probability.map(|p| p / 2.0)
    }
}

/// Assesses players who are taken, in the order of their puuids.
async fn make(
    deps: &Deps,
    conn: &mut Conn,
    priors: &Priors,
    puuids: &[&str],
) -> Result<Vec<Made>, StoreError> {
    if puuids.is_empty() {
        return Ok(Vec::new());
    }
    let known = evidence::of_players(conn, puuids, GAMES).await?;
    let latest = assessments::latest_of(conn, puuids).await?;
    // To the microsecond, as it is stored.
    let now = deps.clock.now().trunc_subsecs(6);
    let priors = *priors;
    // A batch may take long: not on a thread that others' answers wait on.
    let work = tokio::task::spawn_blocking(move || {
        let mut latest: std::collections::HashMap<String, StoredAssessment> =
            latest.into_iter().collect();
        let mut accounts: Vec<Evidence> =
            known.iter().map(|(puuid, player)| reading::evidence(puuid, player)).collect();
        accounts.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        accounts
            .iter()
            .map(|account| say(account, &priors, latest.remove(&account.account_id), now))
            .collect()
    });
    Ok(work.await.expect("assessing does not panic, and is not cancelled"))
}

fn say(
    account: &Evidence,
    priors: &Priors,
    latest: Option<StoredAssessment>,
    now: DateTime<Utc>,
) -> Made {
    let assessment = assess(Model::default_model(), account, priors);
    // What would have been said at the time of the last one is the same text to the byte.
    let stored = latest.filter(|latest| {
        latest.document == document::text(account, &assessment, latest.created_at)
    });
    let enough = assessment.verdict != Verdict::NotEnoughGames;
    let said = NewAssessment {
        puuid: account.account_id.clone(),
        model_version: assessment.model_version.clone(),
        games: i32::try_from(assessment.games).unwrap_or(i32::MAX),
        probability: enough.then_some(assessment.p_any),
        interval_low: enough.then_some(assessment.interval_80[0]),
        interval_high: enough.then_some(assessment.interval_80[1]),
        verdict: assessment.verdict.key().to_owned(),
        smurf_probability: enough.then_some(assessment.p_smurf),
        legacy_score: assessment.legacy_score,
        evidence_until: assessment.games_between.map(|[_, newest]| newest),
        document: document::text(account, &assessment, now),
        created_at: now,
    };
    Made { said, stored }
}
