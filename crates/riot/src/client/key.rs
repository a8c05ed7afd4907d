//! The API key: can be replaced while calls are made, and stops them all when Riot refuses it.

use std::collections::BTreeSet;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tracing::{error, info};

use crate::error::RiotError;

/// So many different matches in a row that may not be read make one doubt the key.
const DOUBTFUL_RUN: usize = 5;

/// The key in use. Calls that wait for their turn can listen for its end.
#[derive(Debug)]
pub(super) struct KeyRing(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    /// Marked sensitive, so that it is not shown by `Debug`.
    key: Option<HeaderValue>,
    /// Counts the keys, so that a late refusal of an old key is not taken for one of the new.
    generation: u64,
    refusal: Option<Refusal>,
    /// Matches forbidden since the last answer that showed the key to be good.
    forbidden_run: BTreeSet<String>,
}

/// Why a key is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Unauthorized,
    Forbidden { endpoint: &'static str },
}

impl From<Refusal> for RiotError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized => Self::Unauthorized,
            Refusal::Forbidden { endpoint } => Self::Forbidden { endpoint },
        }
    }
}

/// A key to send one request with.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) header: HeaderValue,
    generation: u64,
}

impl KeyRing {
    pub(super) fn new(key: Option<&SecretString>) -> Result<Self, RiotError> {
        let key = match key {
            Some(key) => header(key)?,
            None => None,
        };
        Ok(Self(watch::Sender::new(State { key, ..State::default() })))
    }

    /// The key as it is sent; empty without one.
    pub(super) fn bytes(&self) -> Box<[u8]> {
        self.0.borrow().key.as_ref().map(HeaderValue::as_bytes).unwrap_or_default().into()
    }

    /// Replaces the key, with `then` in the same moment. One that cannot be sent counts as refused.
    pub(super) fn set(&self, key: &SecretString, then: impl FnOnce(&[u8])) {
        let key = header(key);
        self.0.send_modify(|state| {
            *state = State { generation: state.generation + 1, ..State::default() };
            then(match &key {
                Ok(Some(key)) => key.as_bytes(),
                Ok(None) | Err(_) => &[],
            });
            match key {
                Ok(key) => state.key = key,
                Err(_) => state.refusal = Some(Refusal::Unauthorized),
            }
        });
        info!("the riot api key was replaced");
    }

    /// The key to use now.
    pub(super) fn current(&self) -> Result<Key, RiotError> {
        let state = self.0.borrow();
        if let Some(refusal) = state.refusal {
            return Err(refusal.into());
        }
        match &state.key {
            Some(header) => Ok(Key { header: header.clone(), generation: state.generation }),
            None => Err(RiotError::Invalid(
                "there is no riot api key: set RIOT_API_KEY to a valid key".to_owned(),
            )),
        }
    }

    /// Waits until this key is refused or replaced.
    pub(super) async fn ended(&self, key: &Key) {
        let mut states = self.0.subscribe();
        let ended = |state: &State| state.refusal.is_some() || state.generation != key.generation;
        states.wait_for(ended).await.expect("the sender is borrowed here");
    }

    /// Whether this is the key to use still.
    pub(super) fn is_current(&self, key: &Key) -> bool {
        let state = self.0.borrow();
        state.refusal.is_none() && state.generation == key.generation
    }

    pub(super) fn is_refused(&self) -> bool {
        self.0.borrow().refusal.is_some()
    }

    /// Riot refused the key.
    pub(super) fn refuse(&self, key: &Key, refusal: Refusal) {
        let is_news = self.0.send_if_modified(|state| {
            let is_news = state.generation == key.generation && state.refusal.is_none();
            if is_news {
                state.refusal = Some(refusal);
            }
            is_news
        });
        if is_news {
            let why = RiotError::from(refusal);
            error!("{why}; no more calls are made until there is a new key");
        }
    }

    /// Riot answered something that it answers to good keys only.
    pub(super) fn vouch(&self, key: &Key) {
        self.0.send_if_modified(|state| {
            if state.generation == key.generation {
                state.forbidden_run.clear();
            }
            false
        });
    }

    /// Riot forbade a match.
    pub(super) fn forbidden(&self, key: &Key, match_id: &str) {
        self.0.send_if_modified(|state| {
            if state.generation == key.generation {
                state.forbidden_run.insert(match_id.to_owned());
            }
            false
        });
    }

    /// Whether so many matches in a row were forbidden that the key should be tried on something
    /// else. Whole queues are private by design, so a run alone does not prove that the key is dead.
    pub(super) fn is_doubtful(&self) -> bool {
        self.0.borrow().forbidden_run.len() >= DOUBTFUL_RUN
    }
}

/// Blank space around a key comes from files and environments; an empty key is none.
fn header(key: &SecretString) -> Result<Option<HeaderValue>, RiotError> {
    let text = key.expose_secret().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut header = HeaderValue::from_str(text).map_err(|_| {
        RiotError::Invalid("the riot api key has characters that no key has".to_owned())
    })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(key: &str) -> KeyRing {
        KeyRing::new(Some(&key.into())).expect("a key")
    }

    #[test]
    fn a_key_is_shown_nowhere() {
        let ring = ring("RGAPI-secret");
        let key = ring.current().expect("a key");
        assert!(!format!("{ring:?} {key:?}").contains("secret"));
        let bad = KeyRing::new(Some(&"secret\u{1}".into())).expect_err("a control character");
        assert!(!format!("{bad} {bad:?}").contains("secret"));
    }

    #[test]
    fn a_late_refusal_of_an_old_key_does_not_stop_the_new_one() {
        let ring = ring("old");
        let old = ring.current().expect("a key");
        ring.set(&"new".into(), |_| ());
        ring.refuse(&old, Refusal::Unauthorized);
        assert!(!ring.is_refused());
        assert_eq!(ring.current().expect("a key").header, "new");
    }

    #[test]
    fn a_run_of_forbidden_matches_counts_different_ones_and_ends_with_a_good_answer() {
        let ring = ring("key");
        let key = ring.current().expect("a key");
        for match_id in ["EUW1_1", "EUW1_2", "EUW1_3", "EUW1_4", "EUW1_4", "EUW1_4"] {
            ring.forbidden(&key, match_id);
        }
        assert!(!ring.is_doubtful());
        ring.vouch(&key);
        for match_id in ["EUW1_5", "EUW1_6", "EUW1_7", "EUW1_8"] {
            ring.forbidden(&key, match_id);
        }
        assert!(!ring.is_doubtful());
        ring.forbidden(&key, "EUW1_9");
        assert!(ring.is_doubtful());
    }

    #[test]
    fn an_empty_key_is_none() {
        let ring = ring("  \n");
        assert!(matches!(ring.current(), Err(RiotError::Invalid(_))));
        assert!(!ring.is_refused());
    }
}
