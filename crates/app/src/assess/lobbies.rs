//! How high the games were: the ranks of those who were in them.

use chrono::{DateTime, Utc};
use riftwatch_detection::evidence::RankPoint;
use riftwatch_store::evidence::{self, EvidenceGame, PlayerEvidence};
use riftwatch_store::{Conn, StoreError};

use super::reading;
use crate::circuit_breaker::{self, Breaker};

/// Others in a game whose rank must be known for the game to have a known height.
const KNOWN_OTHERS: usize = 3;

/// How far from a game in time a rank may have been seen to stand for the rank in it: 60 days, in
/// seconds.
const NEAR_S: i64 = 60 * 86_400;

/// Ranks that are kept at most: 16 bytes each.
const MOST_RANKS: usize = 4_000_000;

/// What a run has learnt and need not ask again.
#[derive(Debug, Default)]
pub struct RunMemory {
    /// Where in `ranks` those of a player are, by player number: some four hundred and fifty people are
    /// looked up for an account, and this is what the processor waits for. Numbers are given out one
    /// after the other, so there are few gaps.
    places: Vec<Place>,
    /// When, in seconds since 1970, and how high; each player's together.
    ranks: Vec<(i64, f32)>,
    /// How the circuit breaker stood when the run began.
    breaker: Option<Breaker>,
}

/// Most people have no rank that was seen, and that is remembered too: a run meets the same people
/// again and again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    NotAsked,
    Known {
        first: u32,
        count: u16,
    },
}

impl RunMemory {
    /// Whether verdicts are kept back.
    pub(super) async fn breaker(
        &mut self,
        conn: &mut Conn,
        now: DateTime<Utc>,
    ) -> Result<Breaker, StoreError> {
        if let Some(breaker) = &self.breaker {
            return Ok(breaker.clone());
        }
        Ok(self.breaker.insert(circuit_breaker::state(conn, now).await?).clone())
    }

    /// Asks for those in the players' games who are not known yet.
    pub(super) async fn learn(
        &mut self,
        conn: &mut Conn,
        players: &[PlayerEvidence],
    ) -> Result<(), StoreError> {
        if self.ranks.len() > MOST_RANKS {
            self.places.clear();
            self.ranks.clear();
        }
        let others = players.iter().flat_map(|player| &player.games).flat_map(others);
        let mut unknown: Vec<i64> =
            others.filter(|number| self.place(*number) == Place::NotAsked).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let Some(&last) = unknown.last() else { return Ok(()) };
        let found = evidence::ranks_of(conn, &unknown).await?;
        let places = usize::try_from(last).map_or(0, |last| last + 1);
        self.places.resize(places.max(self.places.len()), Place::NotAsked);
        for number in unknown {
            self.keep(number, []);
        }
        // Each player's are together.
        for of_player in found.chunk_by(|(a, _), (b, _)| a == b) {
            let ranks = of_player.iter().filter_map(|(_, seen)| reading::rank(seen));
            self.keep(of_player[0].0, ranks);
        }
        Ok(())
    }

    fn keep(&mut self, number: i64, ranks: impl IntoIterator<Item = RankPoint>) {
        let Ok(number) = usize::try_from(number) else { return };
        let first = self.ranks.len();
        let ranks = ranks.into_iter().map(|rank| (rank.at.timestamp(), rank.tier_value() as f32));
        self.ranks.extend(ranks.take(u16::MAX.into()));
        let count = self.ranks.len() - first;
        let place = u32::try_from(first).ok().zip(u16::try_from(count).ok());
        if let Some((first, count)) = place {
            self.places[number] = Place::Known { first, count };
        }
    }

    fn place(&self, number: i64) -> Place {
        let place = usize::try_from(number).ok().and_then(|number| self.places.get(number));
        place.copied().unwrap_or_default()
    }

    /// Mean height of those of the others whose rank is known, in tiers, if enough are.
    pub(super) fn lobby(&self, game: &EvidenceGame) -> Option<f32> {
        let at = game.game_start.timestamp();
        let mut sum = 0.0;
        let mut known = 0;
        for number in others(game) {
            let Some(height) = self.near(number, at) else { continue };
            sum += f64::from(height);
            known += 1;
        }
        (known >= KNOWN_OTHERS).then(|| (sum / known as f64) as f32)
    }

    /// The rank seen nearest to a time, in seconds since 1970.
    fn near(&self, number: i64, at: i64) -> Option<f32> {
        let Place::Known { first, count } = self.place(number) else { return None };
        let first = first as usize;
        let seen = &self.ranks[first..first + usize::from(count)];
        let (seen_at, height) = seen.iter().min_by_key(|(seen_at, _)| (seen_at - at).abs())?;
        ((seen_at - at).abs() <= NEAR_S).then_some(*height)
    }

    /// Ranks by player number, each player's together.
    #[cfg(test)]
    pub(super) fn with(ranks: impl IntoIterator<Item = (i64, RankPoint)>) -> Self {
        let ranks: Vec<(i64, RankPoint)> = ranks.into_iter().collect();
        let mut known = Self::default();
        for of_player in ranks.chunk_by(|(a, _), (b, _)| a == b) {
            let number = of_player[0].0;
            let places = usize::try_from(number).expect("numbers count from 1") + 1;
            known.places.resize(places.max(known.places.len()), Place::NotAsked);
            known.keep(number, of_player.iter().map(|(_, rank)| rank.clone()));
        }
        known
    }
}

fn others(game: &EvidenceGame) -> impl Iterator<Item = i64> + '_ {
    game.mates.iter().chain(&game.opponents).copied()
}
