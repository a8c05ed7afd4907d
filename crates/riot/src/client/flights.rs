//! Matches under way, so that callers who want the same one at the same time share its request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use riftwatch_domain::matches::{Match, MatchId};

use crate::api::CallClass;
use crate::error::RiotError;

/// So many entries are looked through for those that nobody waits for any more.
const TIDY_FROM: usize = 64;

/// What came of a question.
#[derive(Debug, Clone)]
enum Landed {
    Found(Option<Arc<Match>>),
    Private,
    /// The error is for the first who sees it. It may be about the one who asked, a patience that ran
    /// out above all, so that the others ask for themselves.
    Failed(Arc<Mutex<Option<RiotError>>>),
}

/// Polled by everyone who waits for it: who goes away leaves it to the others, and with the last one
/// it ends.
type Flight = Shared<BoxFuture<'static, Landed>>;

/// How urgently a match is asked for, and by what.
type UnderWay = HashMap<MatchId, (CallClass, WeakShared<BoxFuture<'static, Landed>>)>;

/// The questions under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<UnderWay>);

impl Flights {
    /// The answer to a question that is under way at least as urgently, or to `ask`.
    pub(super) async fn share<F>(
        &self,
        match_id: &MatchId,
        class: CallClass,
        ask: impl Fn() -> F,
    ) -> Result<Option<Match>, RiotError>
    where
        F: Future<Output = Result<Option<Match>, RiotError>> + Send + 'static,
    {
        loop {
            let flight = self.board(match_id, class, &ask);
            let landed = flight.await;
            self.clear(match_id);
            match landed {
                Landed::Found(game) => return Ok(game.map(Arc::unwrap_or_clone)),
                Landed::Private => return Err(RiotError::PrivateMatch),
                Landed::Failed(error) => {
                    let error = error.lock().expect("no one panics while holding this lock").take();
                    if let Some(error) = error {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn board<F>(&self, match_id: &MatchId, class: CallClass, ask: impl Fn() -> F) -> Flight
    where
        F: Future<Output = Result<Option<Match>, RiotError>> + Send + 'static,
    {
        let mut flights = self.lock();
        // A person does not board what stands in the queue as background work.
        if let Some((_, flight)) = flights.get(match_id).filter(|(known, _)| *known <= class)
            && let Some(flight) = flight.upgrade()
        {
            return flight;
        }
        let asked = ask();
        let flight = async move {
            match asked.await {
                Ok(game) => Landed::Found(game.map(Arc::new)),
                Err(RiotError::PrivateMatch) => Landed::Private,
                Err(error) => Landed::Failed(Arc::new(Mutex::new(Some(error)))),
            }
        };
        let flight = flight.boxed().shared();
        if flights.len() >= TIDY_FROM {
            flights.retain(|_, (_, flight)| flight.upgrade().is_some());
        }
        if let Some(weak) = flight.downgrade() {
            flights.insert(match_id.clone(), (class, weak));
        }
        flight
    }

    /// Forgets a question that has its answer.
    fn clear(&self, match_id: &MatchId) {
        let mut flights = self.lock();
        let is_over = flights.get(match_id).is_some_and(|(_, flight)| {
            flight.upgrade().is_none_or(|flight| flight.peek().is_some())
        });
        if is_over {
            flights.remove(match_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().expect("no one panics while holding this lock")
    }
}
