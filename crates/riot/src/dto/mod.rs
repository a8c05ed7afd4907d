//! Riot's JSON: read leniently, and made into domain types here.

mod lenient;
mod matches;
mod participant;
mod small;

use std::error::Error;

use serde::Deserialize;

use crate::error::RiotError;

pub(crate) use self::matches::parse_match;
pub(crate) use self::small::{account, league_entries, match_ids, summoner};

/// Reads a body.
fn read<'a, T: Deserialize<'a>>(endpoint: &'static str, body: &'a [u8]) -> Result<T, RiotError> {
    // Keeping track of the place in the JSON costs a third of the time. It is wanted only when
    // something is wrong, so then the body is read once more.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(decode(endpoint, "the end", error)),
        },
        Err(error) => {
            let path = error.path().to_string();
            Err(decode(endpoint, &path, error.into_inner()))
        }
    }
}

fn decode(
    endpoint: &'static str,
    path: &str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> RiotError {
    RiotError::Decode { endpoint, path: path.to_owned(), source: source.into() }
}
