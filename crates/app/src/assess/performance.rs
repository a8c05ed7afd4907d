//! How each game of a player went, against what is usual in its role at the height of its lobby.

use chrono::{DateTime, Utc};
use riftwatch_detection::Model;
use riftwatch_domain::player::Puuid;
use riftwatch_store::{Conn, StoreError, evidence};

use super::lobbies::RunMemory;
use super::{GAMES, reading};

/// One ranked solo game that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GamePerformance {
    /// When it began.
    pub at: DateTime<Utc>,
    /// 0 is usual in the role and at the height of the lobby; 1 is a game's standard deviation
    /// above. Winning and losing are taken out.
    pub index: f64,
    /// Whether it was won.
    pub win: bool,
    /// Key of the champion.
    pub champion_id: u32,
}

/// The newest 100 ranked solo games of a player that count, oldest first: those that an assessment
/// looks at, as it reads them. Costs four queries.
///
/// # Errors
///
/// When the database fails.
pub async fn performance(
    conn: &mut Conn,
    puuid: &Puuid,
) -> Result<Vec<GamePerformance>, StoreError> {
    let players = evidence::of_players(conn, &[puuid.as_str()], GAMES).await?;
    let Some(player) = players.first() else { return Ok(Vec::new()) };
    let mut known = RunMemory::default();
    known.learn(conn, &players).await?;
    let (evidence, _) = reading::evidence(player, &known);
    let counted = evidence.games.iter().filter(|game| game.counts());
    let read = Model::default_model().read(&evidence);
    Ok(counted
        .zip(read)
        .map(|(game, played)| GamePerformance {
            at: game.at,
            index: f64::from(played.index),
            win: played.win,
            champion_id: played.champion_id,
        })
        .collect())
}
