//! Who is to be looked at, in which order; and a look: a sync, and the plan for the next one.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::player::{Player, Puuid};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::Caller;
use riftwatch_store::looks::{self, Plan, Watched};
use riftwatch_store::{StoreError, matches};
use tokio_util::sync::CancellationToken;

use crate::deps::Deps;
use crate::rhythm::{LookRules, Rhythm};
use crate::sync::{SyncError, SyncEvent, Synced, sync_player};
use crate::{asking, rekey};

/// Games that a rhythm is read from.
const GAMES: i64 = 60;

/// A player whom Riot does not know, or whom we do not find again, is asked for so often.
const ABSENT_PAUSE: TimeDelta = TimeDelta::days(1);

/// Who is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Whose next look is due.
    Due,
    /// Every tracked player: somebody asked.
    Everyone,
}

/// Somebody to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who.
    pub player: Player,
    /// Minutes that unseen matches are expected to have waited; infinite for who was never seen.
    pub worth_min: f64,
}

/// Tracked players of the platforms (empty: of all) to look at now; first those never looked at, then
/// those whose look is worth most. Who was met in a match since the last plan gets a new one: it
/// tells when that player plays, and costs no request.
///
/// # Errors
///
/// When the database fails.
pub async fn candidates(
    deps: &Deps,
    platforms: &[Platform],
    rules: &LookRules,
    scope: Scope,
) -> Result<Vec<Candidate>, StoreError> {
    let now = deps.clock.now();
    let mut conn = deps.store.get().await?;
    asking::sweep(&mut conn).await?;
    let watched = looks::watched(&mut conn, platforms).await?;
    let of_interest: Vec<&Watched> = watched
        .iter()
        .filter(|w| {
            scope == Scope::Everyone || w.needs_plan() || w.next_look_at.is_some_and(|at| at <= now)
        })
        .collect();
    let puuids: Vec<&Puuid> = of_interest.iter().map(|w| &w.player.puuid).collect();
    let played = looks::played(&mut conn, &puuids, GAMES).await?;
    let mut plans = Vec::new();
    let mut found = Vec::new();
    for w in of_interest {
        let Some(looked_at) = w.looked_at.filter(|_| !w.is_new()) else {
            found.push(Candidate { player: w.player.clone(), worth_min: f64::INFINITY });
            continue;
        };
        let games = played.get(&w.player.puuid).map_or(&[][..], Vec::as_slice);
        let rhythm = Rhythm::of(games, now);
        // Who is behind stays due; for the others a match met elsewhere makes a new plan.
        let is_due = w.next_look_at.is_some_and(|at| at <= now);
        let next_look_at = if w.needs_plan() && !is_due {
            let next_look_at = rhythm.next_look(looked_at, rules);
            plans.push(Plan {
                puuid: &w.player.puuid,
                looked_at: None,
                next_look_at,
                planned_on: w.newest_start,
            });
            next_look_at
        } else {
            w.next_look_at.unwrap_or(now)
        };
        if scope == Scope::Everyone || next_look_at <= now {
            let worth_min = rhythm.worth_min(looked_at, now);
            found.push(Candidate { player: w.player.clone(), worth_min });
        }
    }
    looks::plan(&mut conn, &plans).await?;
    found.sort_by(|a, b| b.worth_min.partial_cmp(&a.worth_min).unwrap_or(Ordering::Equal));
    Ok(found)
}

/// Looks at a player: [`sync_player`], after finding the account again if the API key has changed;
/// then plans the next look.
///
/// # Errors
///
/// See [`SyncError`]. After one that ends the run, the player stays due.
pub async fn look_at(
    deps: &Deps,
    caller: &Caller,
    player: &Player,
    max_matches: u32,
    rules: &LookRules,
    cancel: &CancellationToken,
    on_event: &(dyn Fn(SyncEvent) + Send + Sync),
) -> Result<Synced, SyncError> {
    let synced = sync_player(deps, caller, player, max_matches, cancel, on_event).await;
    let foreign = synced.as_ref().err().is_some_and(SyncError::is_foreign);
    let found_again = match foreign {
        true => rekey::find_again(deps, caller, player).await.map_err(|e| e.of(player))?,
        false => None,
    };
    let (player, synced) = match found_again {
        Some(again) => {
            let synced = sync_player(deps, caller, &again, max_matches, cancel, on_event).await;
            (again, synced)
        }
        None => (player.clone(), synced),
    };
    let store_error = |source| SyncError::Store { puuid: player.puuid.to_string(), source };
    let now = deps.clock.now();
    let next = match &synced {
        Ok(Synced::Current) => Next::ByRhythm,
        Ok(Synced::WaitsForRiot) => Next::In(TimeDelta::minutes(matches::GONE_PAUSE_MIN)),
        Ok(Synced::Unknown) => Next::In(ABSENT_PAUSE),
        Err(error) if error.is_foreign() => Next::In(ABSENT_PAUSE),
        // It stays due: the next run goes on.
        Ok(Synced::MoreToDo) | Err(_) => return synced,
    };
    if let Ok(synced) = &synced {
        let mut conn = deps.store.get().await.map_err(store_error)?;
        let known = *synced != Synced::Unknown;
        looks::observe_reachable(&mut conn, &player.puuid, known, now)
            .await
            .map_err(store_error)?;
    }
    plan_next(deps, &player.puuid, next, rules, now).await.map_err(store_error)?;
    synced
}

enum Next {
    ByRhythm,
    In(TimeDelta),
}

async fn plan_next(
    deps: &Deps,
    puuid: &Puuid,
    next: Next,
    rules: &LookRules,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut conn = deps.store.get().await?;
    let played = looks::played(&mut conn, &[puuid], GAMES).await?;
    let games = played.get(puuid).map_or(&[][..], Vec::as_slice);
    let by_rhythm = Rhythm::of(games, now).next_look(now, rules);
    let next_look_at = match next {
        Next::ByRhythm => by_rhythm,
        // A match that may yet appear does not keep the player's others waiting.
        Next::In(pause) if pause < ABSENT_PAUSE => by_rhythm.min(now + pause),
        Next::In(pause) => now + pause,
    };
    let planned_on = games.first().map(|game| game.start);
    let plan = Plan { puuid, looked_at: Some(now), next_look_at, planned_on };
    looks::plan(&mut conn, &[plan]).await
}
