//! Forgetting a person who asked for it, or for whom Riot did.

use riftwatch_domain::player::Puuid;
use riftwatch_store::{StoreError, erasure};

use crate::deps::Deps;

pub use riftwatch_store::erasure::Erased;

/// Why nobody was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Without a key, whoever is erased would be stored again with the next match.
    #[error("people can be erased once RIFTWATCH_SECRET_KEY or its file is set")]
    NoKey,
    /// The database gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Erases everything that is stored about a person, whether we know them or not, and keeps them from
/// being stored again. See [`erasure::erase`].
///
/// # Errors
///
/// See [`EraseError`]; then nothing is changed.
pub async fn erase(deps: &Deps, puuid: &Puuid) -> Result<Erased, EraseError> {
    let key = deps.suppression_key.as_ref().ok_or(EraseError::NoKey)?;
    let mut conn = deps.store.get().await?;
    let erased = erasure::erase(&mut conn, key, puuid, deps.clock.now()).await?;
    // Without the id: a log line would be the next trace.
    tracing::info!("erased a person: {erased:?}");
    Ok(erased)
}
