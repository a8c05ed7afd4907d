//! One look for everybody who asks the same at the same time.
//!
//! While the database is asked something, others who ask the same wait, and the next look answers
//! all of them. Nobody is told what was read before they asked: an answer is as fresh as one of
//! one's own, in every process, so that whoever wrote something reads it afterwards. It costs those
//! who come in between up to one look of waiting, and saves the database all looks but one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::error::ApiError;

type Answer = Result<Bytes, ApiError>;
type Cell = Arc<OnceCell<Answer>>;

/// Questions that are being asked, by their text.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Flight>>);

/// One question.
#[derive(Debug, Default)]
struct Flight {
    /// Held while a look goes on.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The answer that those wait for who came since the last look began.
    next: Option<Cell>,
    /// How many have a seat.
    seats: usize,
}

/// A place among those who wait for an answer.
struct Seat<'a> {
    flights: &'a Flights,
    question: &'a str,
    turn: Arc<tokio::sync::Mutex<()>>,
    cell: Cell,
}

impl Flights {
    /// The answer to a question, as JSON, from a look that begins after this call. The text has to
    /// say everything that the answer depends on.
    pub(crate) async fn ask<T: Serialize>(
        &self,
        question: &str,
        look: impl AsyncFnOnce() -> Result<T, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        let seat = self.take_seat(question);
        // If whoever looks goes away in the middle, the next of those who wait looks again.
        let answer = seat.cell.get_or_init(async || {
            let _turn = seat.turn.lock().await;
            seat.close_doors();
            let found = look().await?;
            Ok(serde_json::to_vec(&found).expect("views have no keys but texts").into())
        });
        let body = answer.await.clone()?;
        Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
    }

    fn take_seat<'a>(&'a self, question: &'a str) -> Seat<'a> {
        let mut flights = self.flights();
        if !flights.contains_key(question) {
            flights.insert(question.to_owned(), Flight::default());
        }
        let flight = flights.get_mut(question).expect("it is there now");
        flight.seats += 1;
        Seat {
            flights: self,
            question,
            turn: Arc::clone(&flight.turn),
            cell: Arc::clone(flight.next.get_or_insert_default()),
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

impl Seat<'_> {
    /// The look begins: whoever comes from now on waits for the next.
    fn close_doors(&self) {
        if let Some(flight) = self.flights.flights().get_mut(self.question)
            && flight.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, &self.cell))
        {
            flight.next = None;
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.flights();
        if let Some(flight) = flights.get_mut(self.question) {
            flight.seats -= 1;
            if flight.seats == 0 {
                flights.remove(self.question);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::body::to_bytes;
    use futures::future::join_all;
    use futures::poll;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::error::Code;

    /// Looks wait until they are let go; each gives its number.
    struct Looks {
        begun: AtomicUsize,
        gate: Semaphore,
        flights: Flights,
    }

    impl Looks {
        fn new() -> Self {
            Self {
                begun: AtomicUsize::new(0),
                gate: Semaphore::new(0),
                flights: Flights::default(),
            }
        }

        async fn ask(&self, question: &str) -> String {
            let look = async || {
                let number = self.begun.fetch_add(1, Ordering::AcqRel);
                self.gate.acquire().await.expect("it is open").forget();
                Ok(number)
            };
            let answer = self.flights.ask(question, look).await.unwrap_or_else(|error| {
                panic!("the look cannot fail: {error}");
            });
            let body = to_bytes(answer.into_body()).await.expect("it is in memory");
            String::from_utf8_lossy(&body).into_owned()
        }
    }

    #[tokio::test]
    async fn those_who_come_during_a_look_share_the_next() {
        let looks = Looks::new();
        let mut first = pin!(looks.ask("a"));
        assert!(poll!(&mut first).is_pending());
        let mut later = pin!(join_all((0..5).map(|_| looks.ask("a"))));
        assert!(poll!(&mut later).is_pending());
        assert_eq!(looks.begun.load(Ordering::Acquire), 1, "the others wait");
        looks.gate.add_permits(2);
        assert_eq!(first.await, "0");
        assert_eq!(later.await, ["1"; 5], "what was read before they asked is not theirs");
        assert!(looks.flights.flights().is_empty());
    }

    #[tokio::test]
    async fn another_question_does_not_wait() {
        let looks = Looks::new();
        let mut first = pin!(looks.ask("a"));
        assert!(poll!(&mut first).is_pending());
        let mut other = pin!(looks.ask("b"));
        assert!(poll!(&mut other).is_pending());
        assert_eq!(looks.begun.load(Ordering::Acquire), 2);
    }

    #[tokio::test]
    async fn whoever_goes_away_takes_nobody_with_them() {
        let looks = Looks::new();
        let mut first = Box::pin(looks.ask("a"));
        assert!(poll!(&mut first).is_pending());
        let mut leader = Box::pin(looks.ask("a"));
        assert!(poll!(&mut leader).is_pending());
        let mut follower = Box::pin(looks.ask("a"));
        assert!(poll!(&mut follower).is_pending());
        drop(leader);
        drop(first);
        looks.gate.add_permits(1);
        assert_eq!(follower.await, "1");
        assert!(looks.flights.flights().is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_and_is_not_kept() {
        let flights = Flights::default();
        let gate = Semaphore::new(0);
        let fail = async || {
            gate.acquire().await.expect("it is open").forget();
            Err::<(), _>(ApiError::new(Code::DatabaseUnavailable, "away"))
        };
        let mut first = pin!(flights.ask("a", fail));
        assert!(poll!(&mut first).is_pending());
        let mut both = pin!(join_all([flights.ask("a", fail), flights.ask("a", fail)]));
        assert!(poll!(&mut both).is_pending());
        gate.add_permits(2);
        assert!(first.await.is_err());
        for answer in both.await {
            assert_eq!(answer.expect_err("the look failed").to_string(), "away");
        }
        assert!(flights.ask("a", async || Ok(1)).await.is_ok());
    }
}
