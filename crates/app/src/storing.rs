//! Storing matches that Riot sent, without the people who were erased.

use riftwatch_domain::matches::Match;
use riftwatch_store::matches::{self, Stored};
use riftwatch_store::{Conn, StoreError, suppressions, transactions};

use crate::deps::Deps;

/// As [`matches::store`].
pub(crate) async fn store(
    deps: &Deps,
    conn: &mut Conn,
    game: &Match,
) -> Result<Stored, StoreError> {
    let Some(key) = &deps.suppression_key else {
        return matches::store(conn, game, deps.clock.now()).await;
    };
    transactions::begin(conn).await?;
    // In the transaction that stores: whoever is erased meanwhile is erased after it.
    let result = async {
        let game = suppressions::filter(conn, key, game).await?;
        matches::store(conn, &game, deps.clock.now()).await
    };
    let result = result.await;
    transactions::end(conn, result).await
}

/// As [`matches::store_many`].
pub(crate) async fn store_many(
    deps: &Deps,
    conn: &mut Conn,
    games: &[Match],
) -> Result<Vec<Stored>, StoreError> {
    let Some(key) = &deps.suppression_key else {
        return matches::store_many(conn, games, deps.clock.now()).await;
    };
    transactions::begin(conn).await?;
    let result = async {
        let mut filtered = Vec::with_capacity(games.len());
        for game in games {
            filtered.push(suppressions::filter(conn, key, game).await?.into_owned());
        }
        matches::store_many(conn, &filtered, deps.clock.now()).await
    };
    let result = result.await;
    transactions::end(conn, result).await
}
