//! Whether Riot still knows accounts whose pattern was unusual.

use chrono::TimeDelta;
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{StoreError, assessments};

use crate::deps::Deps;

/// An account is asked for at most once in this time.
const PAUSE_H: i64 = 24;

/// Why the looking ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReachabilityError {
    /// Riot gave no answer.
    #[error("asking riot whether it knows an account")]
    Riot(#[from] RiotError),
    /// The database gave no answer.
    #[error("the reachability of accounts")]
    Store(#[from] StoreError),
}

/// Asks for up to `limit` accounts whose pattern was found unusual, now or earlier, and notes with
/// the time whether Riot knew them. An account that Riot does not know may have been moved, erased
/// or closed: nobody tells us which. `checked` is told after each. Costs one call each.
///
/// # Errors
///
/// At the first call without an answer; what was noted stays.
pub async fn check_reachability(
    deps: &Deps,
    caller: &Caller,
    limit: u32,
    checked: &(dyn Fn() + Send + Sync),
) -> Result<(), ReachabilityError> {
    let since = deps.clock.now() - TimeDelta::hours(PAUSE_H);
    let mut conn = deps.store.get().await?;
    let unobserved = assessments::unobserved(&mut conn, since, limit.into()).await?;
    drop(conn);
    for (puuid, platform) in unobserved {
        let region = platform.region().for_accounts();
        let account = deps.riot.account_by_puuid(caller, region, &puuid).await?;
        let mut conn = deps.store.get().await?;
        assessments::observe(&mut conn, &puuid, account.is_some(), deps.clock.now()).await?;
        checked();
    }
    Ok(())
}
