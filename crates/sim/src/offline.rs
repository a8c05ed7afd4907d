//! The generated world without a server: for measurements, and for tests that need no network.

use bytes::Bytes;

use crate::answers;
use crate::calls;
use crate::config::{SimConfig, SimError};
use crate::truth::{self, Truth};
use crate::world::World;

/// A world that answers calls in the same process: no limits, no faults, no waiting.
#[derive(Debug)]
pub struct Offline {
    world: World,
}

impl Offline {
    /// Generates the world. Takes some 60 µs a match.
    ///
    /// # Errors
    ///
    /// [`SimError::Config`] says which setting is at fault. Recorded answers need a server.
    pub fn new(config: &SimConfig) -> Result<Self, SimError> {
        config.check()?;
        if config.replay.is_some() {
            return Err(SimError::Config("recorded answers are served over HTTP only".to_owned()));
        }
        Ok(Self { world: World::new(config) })
    }

    /// Status and body for a path as a client would ask for it, the routing value first:
    /// `/europe/lol/match/v5/matches/EUW1_1`.
    pub fn ask(&self, path_and_query: &str, key: &str) -> (u16, Bytes) {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let segments = calls::segments(path);
        let call = segments.split_first().and_then(|(first, rest)| {
            let route = calls::route(first)?;
            Some((route, calls::call(route, rest)?))
        });
        let answer = match call {
            Some((route, call)) => answers::answer(&self.world, route, &call, query, key),
            None => answers::Answer::not_found(),
        };
        (answer.status, answer.body)
    }

    /// The labels, with puuids as the key sees them.
    pub fn truth(&self, key: &str) -> Vec<Truth> {
        truth::all(&self.world, key)
    }

    /// Finished matches of all platforms, up to the world's present.
    pub fn matches(&self) -> usize {
        let now_ms = self.world.now_ms();
        let finished = |realm: &crate::realm::Realm| {
            realm.advance(now_ms);
            realm.read(|live| live.games.iter().filter(|game| game.end_ms() <= now_ms).count())
        };
        self.world.realms.iter().map(finished).sum()
    }
}
