//! Matches that nobody else asks for while somebody is at them.

use std::time::Duration;

use riftwatch_domain::matches::MatchId;
use riftwatch_store::match_claims::{self, Claim, Claimed};
use riftwatch_store::{Db, StoreError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

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

/// A match whose claim is renewed while this lives. Dropped, in whatever way the work ends, the match
/// is anybody's again.
pub(crate) struct Held {
    id: MatchId,
    stored: bool,
    ends: UnboundedSender<End>,
}

/// A match is held no longer.
struct End {
    id: MatchId,
    stored: bool,
}

impl Held {
    /// Claims matches, unless they are stored or somebody else's. All of them are renewed together.
    pub(crate) async fn wish(store: &Db, ids: &[MatchId]) -> Result<Vec<Wish>, StoreError> {
        let mut conn = store.get().await?;
        let claimed = match_claims::claim(&mut conn, ids, LEASE).await?;
        drop(conn);
        let (ends, ended) = unbounded_channel();
        let mut claims = Vec::new();
        let wishes = claimed.into_iter().map(|claimed| match claimed {
            Claimed::Mine(claim) => {
                let id = claim.match_id().clone();
                claims.push(claim);
                Wish::Held(Self { id, stored: false, ends: ends.clone() })
            }
            other => Wish::Not(other),
        });
        let wishes = wishes.collect();
        if !claims.is_empty() {
            tokio::spawn(hold(store.clone(), claims, ended));
        }
        Ok(wishes)
    }

    /// The match is stored. The claim runs out behind it, so that whoever asks at this very moment sees
    /// one or the other.
    pub(crate) fn stored(mut self) {
        self.stored = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let end = End { id: self.id.clone(), stored: self.stored };
        // A holder that has lost all its claims has ended before.
        let _ = self.ends.send(end);
    }
}

/// Renews claims until the last of them has ended, or is lost.
async fn hold(store: Db, mut claims: Vec<Claim>, mut ended: UnboundedReceiver<End>) {
    let mut renewal = interval_at(Instant::now() + RENEWAL, RENEWAL);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !claims.is_empty() {
        tokio::select! {
            end = ended.recv() => {
                let Some(End { id, stored }) = end else { return };
                let Some(at) = claims.iter().position(|claim| *claim.match_id() == id) else { continue };
                let claim = claims.swap_remove(at);
                if stored {
                    continue;
                }
                if let Err(error) = release(&store, &claim).await {
                    tracing::debug!(%error, "a match's claim has to run out by itself");
                }
            }
            _ = renewal.tick() => match renew(&store, &claims).await {
                // Those that ran out are somebody else's by now.
                Ok(renewed) => claims = renewed,
                Err(error) => tracing::debug!(%error, "claims of matches were not renewed"),
            },
        }
    }
}

async fn renew(store: &Db, claims: &[Claim]) -> Result<Vec<Claim>, StoreError> {
    let mut conn = store.get().await?;
    match_claims::renew(&mut conn, claims, LEASE).await
}

async fn release(store: &Db, claim: &Claim) -> Result<(), StoreError> {
    let mut conn = store.get().await?;
    match_claims::release(&mut conn, claim).await
}
