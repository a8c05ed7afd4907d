//! Stored accounts as evidence, for a model to be fitted on.

use riftwatch_detection::{Evidence, FEWEST_GAMES};
use riftwatch_store::{Db, StoreError, evidence, samples};

use super::lobbies::RunMemory;
use super::{GAMES, reading};

/// Players read at once.
const PAGE: i64 = 500;

/// Up to `most` stored accounts with as many ranked games as an assessment asks for, each as an
/// assessment would read it now, but without a name. In the order of their puuids, so that the same
/// database gives the same list. Some 10 kB of memory an account.
///
/// # Errors
///
/// When the database fails.
pub async fn stored_accounts(store: &Db, most: usize) -> Result<Vec<Evidence>, StoreError> {
    let mut conn = store.get().await?;
    let mut memory = RunMemory::default();
    let mut accounts = Vec::new();
    let mut after = String::new();
    while accounts.len() < most {
        let page = PAGE.min(i64::try_from(most - accounts.len()).unwrap_or(PAGE));
        let puuids = samples::page(&mut conn, &after, FEWEST_GAMES.into(), page).await?;
        let Some(last) = puuids.last() else { break };
        after.clone_from(last);
        let names: Vec<&str> = puuids.iter().map(String::as_str).collect();
        let players = evidence::of_players(&mut conn, &names, GAMES).await?;
        memory.learn(&mut conn, &players).await?;
        accounts.extend(players.iter().map(|player| {
            let (account, _) = reading::evidence(player, &memory);
            Evidence { account_id: String::new(), ..account }
        }));
    }
    Ok(accounts)
}
