//! A match that nobody else asks for while somebody is at it.

use std::time::Duration;

use riftwatch_domain::matches::MatchId;
use riftwatch_store::match_claims::{self, Claim, Claimed};
use riftwatch_store::{Db, StoreError};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a claim holds without being renewed: what a process that dies has claimed is held up for
/// as long.
const LEASE: Duration = Duration::from_secs(15);

/// Between two renewals.
const RENEWAL: Duration = Duration::from_secs(5);

/// What became of the wish to hold a match.
pub(crate) enum Wish {
    /// It is held.
    Held(Held),
    /// As [`Claimed::Stored`] and [`Claimed::Elsewhere`].
    Not(Claimed),
}

/// A claim that is renewed while this lives. Dropped, in whatever way the work ends, the match is
/// anybody's again.
pub(crate) struct Held(oneshot::Sender<()>);

impl Held {
    /// Claims a match, unless it is stored or somebody else's.
    pub(crate) async fn wish(store: &Db, id: &MatchId) -> Result<Wish, StoreError> {
        let mut conn = store.get().await?;
        Ok(match match_claims::claim(&mut conn, id, LEASE).await? {
            Claimed::Mine(claim) => {
                let (stored, end) = oneshot::channel();
                tokio::spawn(hold(store.clone(), claim, end));
                Wish::Held(Self(stored))
            }
            other => Wish::Not(other),
        })
    }

    /// The match is stored. The claim runs out behind it, so that whoever asks at this very moment sees
    /// one or the other.
    pub(crate) fn stored(self) {
        // A holder that has lost the claim has ended before.
        let _ = self.0.send(());
    }
}

async fn hold(store: Db, claim: Claim, mut end: oneshot::Receiver<()>) {
    let mut claim = claim;
    loop {
        match timeout(RENEWAL, &mut end).await {
            Ok(Ok(())) => return,
            Ok(Err(_)) => break,
            Err(_) => match renew(&store, &claim).await {
                Ok(Some(renewed)) => claim = renewed,
                // It ran out, and is somebody else's by now.
                Ok(None) => return,
                Err(error) => tracing::debug!(%error, "a match's claim was not renewed"),
            },
        }
    }
    if let Err(error) = release(&store, &claim).await {
        tracing::debug!(%error, "a match's claim has to run out by itself");
    }
}

async fn renew(store: &Db, claim: &Claim) -> Result<Option<Claim>, StoreError> {
    let mut conn = store.get().await?;
    match_claims::renew(&mut conn, claim, LEASE).await
}

async fn release(store: &Db, claim: &Claim) -> Result<(), StoreError> {
    let mut conn = store.get().await?;
    match_claims::release(&mut conn, claim).await
}
