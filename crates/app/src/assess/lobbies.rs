//! How high the games were: the ranks of those who were in them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
#[cfg(test)]
use riftwatch_detection::evidence::RankPoint;
use riftwatch_store::evidence::{self, EvidenceGame, PlayerEvidence};
use riftwatch_store::{Conn, StoreError};

use super::reading;
use crate::circuit_breaker::{self, Breaker};

/// Others in a game whose rank must be known for the game to have a known height.
const KNOWN_OTHERS: usize = 3;

/// How far from a game in time a rank may have been seen to stand for the rank in it, in days.
const NEAR_DAYS: i64 = 60;

/// Players whose ranks are kept at most: some 50 MB.
const MOST_PLAYERS: usize = 300_000;

/// What a run has learnt and need not ask again.
#[derive(Debug, Default)]
pub struct RunMemory {
    /// Ranks of people in games, by player number: when and how high, oldest first. Most people have
    /// none, and that is remembered too: a run meets the same people again and again.
    by_player: HashMap<i64, Vec<(DateTime<Utc>, f32)>>,
    /// How the circuit breaker stood when the run began.
    breaker: Option<Breaker>,
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
        if self.by_player.len() > MOST_PLAYERS {
            self.by_player.clear();
        }
        let others = players.iter().flat_map(|player| &player.games).flat_map(others);
        let unknown: HashSet<i64> =
            others.filter(|number| !self.by_player.contains_key(number)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut unknown: Vec<i64> = unknown.into_iter().collect();
        unknown.sort_unstable();
        let found = evidence::ranks_of(conn, &unknown).await?;
        self.by_player.extend(unknown.into_iter().map(|number| (number, Vec::new())));
        for (number, seen) in found {
            let Some(rank) = reading::rank(&seen) else { continue };
            self.by_player.entry(number).or_default().push((rank.at, rank.tier_value() as f32));
        }
        Ok(())
    }

    /// Mean height of those of the others whose rank is known, in tiers, if enough are.
    pub(super) fn lobby(&self, game: &EvidenceGame) -> Option<f32> {
        let mut sum = 0.0;
        let mut known = 0;
        for number in others(game) {
            let Some(height) = self.near(number, game.game_start) else { continue };
            sum += f64::from(height);
            known += 1;
        }
        (known >= KNOWN_OTHERS).then(|| (sum / known as f64) as f32)
    }

    /// The rank seen nearest to a time.
    fn near(&self, number: i64, at: DateTime<Utc>) -> Option<f32> {
        let seen = self.by_player.get(&number)?;
        let (seen_at, height) = seen.iter().min_by_key(|(seen_at, _)| (*seen_at - at).abs())?;
        ((*seen_at - at).abs() <= TimeDelta::days(NEAR_DAYS)).then_some(*height)
    }

    #[cfg(test)]
    pub(super) fn with(ranks: impl IntoIterator<Item = (i64, RankPoint)>) -> Self {
        let mut known = Self::default();
        for (number, rank) in ranks {
            let height = rank.tier_value() as f32;
            known.by_player.entry(number).or_default().push((rank.at, height));
        }
        known
    }
}

fn others(game: &EvidenceGame) -> impl Iterator<Item = i64> + '_ {
    game.mates.iter().chain(&game.opponents).copied()
}
