//! Asking Riot for a match that nobody else is asking for.
//!
//! A match is claimed in the database before it is asked for: of all players, jobs, slots and processes
//! that want it, one asks, and the others find it stored.

use std::future::ready;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use riftwatch_domain::causes::chain;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_riot::api::Caller;
use riftwatch_riot::error::{RiotError, Verdict};
use riftwatch_store::match_claims::{self, Claimed};
use riftwatch_store::matches::{self, RejectReason};
use riftwatch_store::{Conn, StoreError};
use tokio::time::sleep;

use crate::deps::Deps;
use crate::held::{Held, Wish};
use crate::sync::{LANES, SyncError, SyncEvent, Work};

/// Between two looks at a match that somebody else fetches.
const LOOK: Duration = Duration::from_millis(200);

/// What to do about a match that somebody else fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Else {
    /// Wait until it is stored, or theirs no more. Not for who has matches at hand that are not stored:
    /// the other may wait for one of them.
    Wait,
    /// Say so.
    Leave,
}

/// What Riot answers to the question for a match.
pub(crate) enum Asked {
    /// Here it is.
    Match(Box<Match>),
    /// It cannot be had, for this reason.
    Refused(RejectReason, String),
}

/// What became of the wish for one match.
pub(crate) enum Answer {
    /// Here it is, held until it is stored.
    Match(Box<Match>, Held),
    /// It was not asked: the match is stored, and started at this time.
    Stored(DateTime<Utc>),
    /// It was not asked: somebody else is at it.
    Elsewhere,
    /// It cannot be had, now or ever; that is written down.
    Rejected {
        /// Whether it will not be asked for again.
        for_good: bool,
    },
    /// It failed for now.
    NotNow,
}

/// Removes what dead processes and old claims have left. Once a run is enough.
pub(crate) async fn sweep(conn: &mut Conn) -> Result<(), StoreError> {
    match_claims::sweep(conn).await.map(|_| ())
}

/// Asks for a match. Errors are those that say nothing about the match.
pub(crate) async fn ask_riot(
    deps: &Deps,
    caller: &Caller,
    id: &MatchId,
) -> Result<Asked, RiotError> {
    match deps.riot.match_by_id(caller, id).await {
        Ok(Some(game)) => Ok(Asked::Match(Box::new(game))),
        Ok(None) => Ok(Asked::Refused(RejectReason::Gone, "riot answers 404".to_owned())),
        Err(RiotError::PrivateMatch) => Ok(Asked::Refused(RejectReason::Private, String::new())),
        Err(error @ RiotError::Decode { .. }) => {
            tracing::warn!(match.id = %id, error = chain(&error), "match {id} cannot be read");
            Ok(Asked::Refused(RejectReason::Malformed, chain(&error)))
        }
        Err(error) => Err(error),
    }
}

impl Work<'_> {
    /// Claims matches in the order given, as many at a time as are fetched side by side, for as long as
    /// `go_on` says so. Of those claimed together the held ones come first: whoever waits for somebody
    /// else's match has begun with all that the other may be waiting for.
    pub(crate) fn claims<'a>(
        &'a self,
        ids: impl IntoIterator<Item = MatchId> + 'a,
        go_on: &'a (dyn Fn() -> bool + Sync),
    ) -> impl Stream<Item = Result<(MatchId, Wish), SyncError>> + 'a {
        stream::iter(ids)
            .chunks(LANES)
            .take_while(|_| ready(go_on()))
            .then(async |ids| self.wish(ids).await)
            .map_ok(|wishes| stream::iter(wishes).map(Ok))
            .try_flatten()
            .take_while(|_| ready(go_on()))
    }

    async fn wish(&self, ids: Vec<MatchId>) -> Result<Vec<(MatchId, Wish)>, SyncError> {
        let wishes =
            Held::wish(&self.deps.store, &ids).await.map_err(|source| self.store_error(source))?;
        let (held, others): (Vec<_>, Vec<_>) =
            ids.into_iter().zip(wishes).partition(|(_, wish)| matches!(wish, Wish::Held(_)));
        Ok(held.into_iter().chain(others).collect())
    }

    /// Claims a match.
    pub(crate) async fn wish_for(&self, id: &MatchId) -> Result<Wish, SyncError> {
        let wishes = self.wish(vec![id.clone()]).await?;
        Ok(wishes.into_iter().next().map_or(Wish::Not(Claimed::Elsewhere), |(_, wish)| wish))
    }

    /// Asks Riot for a match, unless it is stored by now. Writes down what cannot be had. The only
    /// error is one that ends all of the work.
    pub(crate) async fn ask(
        &self,
        id: &MatchId,
        mut wish: Wish,
        elsewhere: Else,
    ) -> Result<Answer, SyncError> {
        let held = loop {
            match wish {
                Wish::Held(held) => break held,
                Wish::Not(Claimed::Stored(start)) => return Ok(Answer::Stored(start)),
                Wish::Not(_) if elsewhere == Else::Leave => return Ok(Answer::Elsewhere),
                Wish::Not(_) => {
                    sleep(LOOK).await;
                    wish = self.wish_for(id).await?;
                }
            }
        };
        let (reason, detail) = match ask_riot(self.deps, self.caller, id).await {
            Ok(Asked::Match(game)) => return Ok(Answer::Match(game, held)),
            Ok(Asked::Refused(reason, detail)) => (reason, detail),
            Err(error) if error.verdict() == Verdict::SkipItem => {
                tracing::warn!(match.id = %id, error = chain(&error), "match {id} has to wait");
                (self.on_event)(SyncEvent::MatchSkipped { for_good: false });
                return Ok(Answer::NotNow);
            }
            Err(error) => return Err(self.riot_error("a match", error)),
        };
        let mut conn = self.conn().await?;
        let for_good = self.reject(&mut conn, id, reason, &detail).await?;
        Ok(Answer::Rejected { for_good })
    }

    pub(crate) async fn reject(
        &self,
        conn: &mut Conn,
        id: &MatchId,
        reason: RejectReason,
        detail: &str,
    ) -> Result<bool, SyncError> {
        let for_good = matches::reject(conn, id, reason, detail, self.deps.clock.now())
            .await
            .map_err(|source| self.store_error(source))?;
        (self.on_event)(SyncEvent::MatchSkipped { for_good });
        Ok(for_good)
    }
}
