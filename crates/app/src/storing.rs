//! Storing matches that Riot sent, without the people who were erased.

use riftwatch_domain::matches::Match;
use riftwatch_store::matches::{self, Stored};
use riftwatch_store::{Conn, StoreError};

use crate::deps::Deps;

/// As [`matches::store_many`].
pub(crate) async fn store(
    deps: &Deps,
    conn: &mut Conn,
    games: &[Match],
) -> Result<Vec<Stored>, StoreError> {
    matches::store_except(conn, games, deps.suppression_key.as_ref(), deps.clock.now()).await
}
