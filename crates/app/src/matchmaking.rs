//! Whether a player's team-mates were as strong as their opponents, as far as could be known before
//! each game.
//!
//! Strength is the rank that people displayed, as last seen before the game began; what was seen
//! later, and how the game went, does not count. Nothing else stands in for it: hidden players and
//! people without a known rank are left out, and the result says how many were known.

mod comparison;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use riftwatch_domain::player::Puuid;
use riftwatch_store::evidence::ranks_of;
use riftwatch_store::matchmaking_analyses::{self as analyses, AnalysisRow, End, GoOn, Lobby};
use riftwatch_store::{Conn, StoreError, players};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::deps::Deps;
use comparison::{Compared, compare, summary};

/// The most games that an analysis looks at.
pub const MOST_GAMES: u32 = 500;

/// Games that are done between two writes of the progress.
const STEP: usize = 20;

/// Seconds after which an analysis whose run has not written is taken up by another.
const LEASE_S: i64 = 60;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whose.
    pub puuid: Puuid,
    /// How many games, from the newest on: 1 to [`MOST_GAMES`].
    pub games: u32,
    /// By whom.
    pub requested_by: String,
}

/// An analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Whose.
    pub puuid: String,
    /// `pending`, `running`, `completed`, `cancelled` or `failed`.
    pub status: String,
    /// Games that were asked for.
    pub games_wanted: i32,
    /// Games that are done.
    pub games_done: usize,
    /// Games that there are, of those asked for; 0 before it begins.
    pub games_total: i32,
    /// What came of it, once completed.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// By whom it was asked for.
    pub requested_by: String,
    /// When. Games that began later are not looked at.
    pub created_at: DateTime<Utc>,
    /// When it began first.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<AnalysisRow> for Analysis {
    fn from(row: AnalysisRow) -> Self {
        Self {
            games_done: row.compared.as_array().map_or(0, Vec::len),
            id: row.id,
            puuid: row.puuid,
            status: row.status,
            games_wanted: row.games_wanted,
            games_total: row.games_total,
            result: row.result,
            error: row.error,
            requested_by: row.requested_by,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
        }
    }
}

/// Why there is no analysis.
#[derive(Debug, thiserror::Error)]
pub enum MatchmakingError {
    /// The puuid is not one that we know.
    #[error("no player with this puuid is known")]
    UnknownPuuid,
    /// As many games cannot be asked for.
    #[error("expected 1 to {MOST_GAMES} games")]
    Games,
    /// There is one already.
    #[error("analysis {0} of this player is under way")]
    AlreadyUnderWay(i64),
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks for an analysis. The job `matchmaking_analysis` makes it.
///
/// # Errors
///
/// See [`MatchmakingError`].
pub async fn start(deps: &Deps, wanted: &Wanted) -> Result<Analysis, MatchmakingError> {
    if !(1..=MOST_GAMES).contains(&wanted.games) {
        return Err(MatchmakingError::Games);
    }
    let games = i32::try_from(wanted.games).map_err(|_| MatchmakingError::Games)?;
    let mut conn = deps.store.get().await?;
    if players::find(&mut conn, &wanted.puuid).await?.is_none() {
        return Err(MatchmakingError::UnknownPuuid);
    }
    let now = deps.clock.now();
    let row = analyses::insert(&mut conn, &wanted.puuid, games, &wanted.requested_by, now).await;
    match row {
        Ok(Some(row)) => Ok(row.into()),
        Ok(None) => {
            let newest = analyses::of_player(&mut conn, &wanted.puuid, None, 1).await?;
            Err(MatchmakingError::AlreadyUnderWay(newest.first().map_or(0, |row| row.id)))
        }
        // Erased in this moment.
        Err(StoreError::Conflict { .. }) => Err(MatchmakingError::UnknownPuuid),
        Err(error) => Err(error.into()),
    }
}

/// One analysis.
///
/// # Errors
///
/// When the database fails.
pub async fn find(conn: &mut Conn, id: i64) -> Result<Option<Analysis>, StoreError> {
    Ok(analyses::find(conn, id).await?.map(Analysis::from))
}

/// A player's analyses, newest first, those before the id `before` if given.
///
/// # Errors
///
/// When the database fails.
pub async fn for_player(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Analysis>, StoreError> {
    let rows = analyses::of_player(conn, puuid, before, limit).await?;
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    /// Nobody worked on it: it has ended.
    Now(Analysis),
    /// Whoever works on it ends it at the next step.
    Asked(Analysis),
    /// It had ended.
    EndedBefore(Analysis),
    /// There is none.
    Unknown,
}

/// Cancels an analysis.
///
/// # Errors
///
/// When the database fails.
pub async fn cancel(deps: &Deps, id: i64) -> Result<Cancelled, StoreError> {
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    let Some(row) = analyses::find(&mut conn, id).await? else { return Ok(Cancelled::Unknown) };
    if row.ended_at.is_some() {
        return Ok(Cancelled::EndedBefore(row.into()));
    }
    Ok(match analyses::cancel(&mut conn, id, now).await? {
        None => Cancelled::Unknown,
        Some(row) if row.status == "cancelled" => Cancelled::Now(row.into()),
        Some(row) if row.status == "running" => Cancelled::Asked(row.into()),
        Some(row) => Cancelled::EndedBefore(row.into()),
    })
}

/// What a call of [`work`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// There is nothing to do.
    Nothing,
    /// An analysis ended, well or not.
    Ended,
    /// It was given back, because the caller is to stop.
    Interrupted,
}

/// Takes up the oldest analysis that is waiting, or whose run has died, and makes it, from where it
/// was left. `progress` is told of games done and games in all.
///
/// # Errors
///
/// When the database fails; then somebody takes it up when its lease has run out.
pub async fn work(
    deps: &Deps,
    cancel: &CancellationToken,
    progress: &(dyn Fn(&str, usize, usize) + Send + Sync),
) -> Result<Worked, StoreError> {
    let mut conn = deps.store.get().await?;
    let Some(row) = analyses::claim(&mut conn, LEASE_S, deps.clock.now()).await? else {
        return Ok(Worked::Nothing);
    };
    let id = row.id;
    let mut done: Vec<Compared> = match serde_json::from_value(row.compared) {
        Ok(done) => done,
        Err(error) => {
            let end = End::Failed(format!("what was done before cannot be read: {error}"));
            analyses::end(&mut conn, id, end, deps.clock.now()).await?;
            return Ok(Worked::Ended);
        }
    };
    let games =
        analyses::lobbies(&mut conn, &row.puuid, row.created_at, row.games_wanted.into()).await?;
    let total = games.len();
    // Behind the last one that is done, by time and id; a match may have gone since.
    let last = done.last().map(|last| (last.at, last.match_id.clone()));
    let rest: Vec<&Lobby> = games
        .iter()
        .filter(|game| {
            last.as_ref().is_none_or(|(at, id)| {
                (game.game_start, game.match_id.as_str()) < (*at, id.as_str())
            })
        })
        .collect();
    for step in rest.chunks(STEP) {
        if cancel.is_cancelled() {
            analyses::give_back(&mut conn, id).await?;
            return Ok(Worked::Interrupted);
        }
        let compared = compare_step(&mut conn, step).await?;
        let more = serde_json::to_value(&compared).expect("numbers and texts are JSON");
        let total_games = i32::try_from(total).unwrap_or(i32::MAX);
        match analyses::advance(&mut conn, id, done.len(), total_games, &more, LEASE_S).await? {
            GoOn::Yes => {}
            GoOn::Cancelled => {
                analyses::end(&mut conn, id, End::Cancelled, deps.clock.now()).await?;
                return Ok(Worked::Ended);
            }
            GoOn::Lost => return Ok(Worked::Ended),
        }
        done.extend(compared);
        progress(&row.puuid, done.len(), total.max(done.len()));
    }
    let result = serde_json::to_value(summary(&done)).expect("numbers and texts are JSON");
    analyses::end(&mut conn, id, End::Completed(result), deps.clock.now()).await?;
    Ok(Worked::Ended)
}

async fn compare_step(conn: &mut Conn, games: &[&Lobby]) -> Result<Vec<Compared>, StoreError> {
    let mut others: Vec<i64> =
        games.iter().flat_map(|game| game.mates.iter().chain(&game.opponents)).copied().collect();
    others.sort_unstable();
    others.dedup();
    let mut ranks: HashMap<i64, Vec<(DateTime<Utc>, f64)>> = HashMap::new();
    for (number, seen) in ranks_of(conn, &others).await? {
        let Some(rank) = crate::assess::rank_point(&seen) else { continue };
        ranks.entry(number).or_default().push((rank.at, rank.tier_value()));
    }
    Ok(games.iter().map(|game| compare(game, &ranks)).collect())
}
