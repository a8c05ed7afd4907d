//! What the levels of detection's worlds leave open: how figures of a match divide further.

use std::sync::LazyLock;

use riftwatch_detection::worlds::{correlation, levels};

/// Statistics of a game that have levels.
pub(crate) const STATS: usize = levels::SIGNAL.len();

/// The triangle by which independent numbers become related as statistics of a game are.
pub(crate) fn relation() -> &'static [[f64; STATS]; STATS] {
    static RELATION: LazyLock<[[f64; STATS]; STATS]> = LazyLock::new(|| correlation::cholesky(1.0));
    &RELATION
}

/// Lane minions that a jungler, and monsters that another position, takes in the first ten minutes.
pub(crate) const fn early(role: usize) -> (f64, f64) {
    match role {
        1 => (2.0, 0.0),
        4 => (9.0, 0.0),
        3 => (59.0, 0.5),
        _ => (62.0, 1.0),
    }
}

/// How much of the damage on a side a position takes, in proportion.
pub(crate) const fn tanking(role: usize) -> f64 {
    [1.35, 1.45, 0.85, 0.70, 0.75][role]
}
