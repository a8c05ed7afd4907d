//! The ten statistics of a game that performance is read from.

use crate::evidence::Game;

/// How many there are: kills, deaths and assists; creeps, gold, damage and vision per minute; kill
/// participation, creeps at ten minutes, solo kills. In this order in every table.
pub(crate) const STATS: usize = 10;

/// Deaths are the one statistic of which less is better.
pub(crate) const SIGNS: [f64; STATS] = [1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

/// Statistics that every game has; the others (vision, kill participation, cs at ten, solo kills)
/// may be missing.
pub(crate) const ALWAYS: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// Reads the statistics of a game; NaN where it has none.
pub(crate) fn of(game: &Game) -> [f32; STATS] {
    let minutes = (game.duration_s as f32 / 60.0).max(1.0);
    [
        game.kills,
        game.deaths,
        game.assists,
        game.cs / minutes,
        game.gold / minutes,
        game.damage_to_champions / minutes,
        game.vision_score.map_or(f32::NAN, |vision| vision / minutes),
        game.kill_participation.unwrap_or(f32::NAN),
        game.cs_at_10.unwrap_or(f32::NAN),
        game.solo_kills.unwrap_or(f32::NAN),
    ]
}
