//! Whether Riot still knows accounts whose pattern was unusual.

use chrono::TimeDelta;
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::RiotError;
use riftwatch_store::{StoreError, assessments};

use crate::deps::Deps;
use crate::rekey::{self, RekeyError};

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

impl From<RekeyError> for ReachabilityError {
    fn from(error: RekeyError) -> Self {
        match error {
            RekeyError::Riot(error) => Self::Riot(error),
            RekeyError::Store(error) => Self::Store(error),
        }
    }
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
        let found = match deps.riot.account_by_puuid(caller, region, &puuid).await {
            Ok(account) => account.is_some().then_some(puuid.clone()),
            // Another key's puuid says nothing about the account: it is looked for by its name.
            Err(error) if rekey::is_foreign(&error) => {
                match rekey::find_puuid_again(deps, caller, &puuid).await? {
                    Some(player) => Some(player.puuid),
                    None => continue,
                }
            }
            Err(error) => return Err(error.into()),
        };
        let mut conn = deps.store.get().await?;
        let known = found.as_ref();
        let seen = (known.unwrap_or(&puuid), known.is_some());
        assessments::observe(&mut conn, seen.0, seen.1, deps.clock.now()).await?;
        checked();
    }
    Ok(())
}
