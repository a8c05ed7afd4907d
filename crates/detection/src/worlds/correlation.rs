//! How the statistics of one game hang together.
//!
//! From public ranked matches of 2025, the result and the role taken out.

use crate::stats::STATS;

/// Correlation of the statistics within a game, the result taken out.
const CORRELATION: [[f64; STATS]; STATS] = [
    [1.00, 0.15, 0.10, 0.17, 0.72, 0.72, 0.00, 0.36, 0.12, 0.58],
    [0.15, 1.00, 0.28, -0.28, -0.06, 0.18, -0.05, -0.05, -0.18, 0.08],
    [0.10, 0.28, 1.00, -0.18, 0.08, 0.22, 0.12, 0.36, -0.08, -0.05],
    [0.17, -0.28, -0.18, 1.00, 0.56, 0.28, 0.12, 0.05, 0.62, 0.15],
    [0.72, -0.06, 0.08, 0.56, 1.00, 0.66, 0.06, 0.32, 0.36, 0.46],
    [0.72, 0.18, 0.22, 0.28, 0.66, 1.00, 0.02, 0.28, 0.17, 0.48],
    [0.00, -0.05, 0.12, 0.12, 0.06, 0.02, 1.00, 0.10, 0.12, -0.06],
    [0.36, -0.05, 0.36, 0.05, 0.32, 0.28, 0.10, 1.00, 0.08, 0.15],
    [0.12, -0.18, -0.08, 0.62, 0.36, 0.17, 0.12, 0.08, 1.00, 0.10],
    [0.58, 0.08, -0.05, 0.15, 0.46, 0.48, -0.06, 0.15, 0.10, 1.00],
];

/// The lower triangle L with L·Lᵀ = `share` of the correlation (1 on the diagonal all the same), by
/// which independent numbers become related.
pub fn cholesky(share: f64) -> [[f64; STATS]; STATS] {
    let mut lower = [[0.0; STATS]; STATS];
    for row in 0..STATS {
        for column in 0..=row {
            let done: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let kept = if row == column { 1.0 } else { share };
            let rest = kept * CORRELATION[row][column] - done;
            lower[row][column] =
                if row == column { rest.sqrt() } else { rest / lower[column][column] };
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_is_one_and_its_root_gives_it_back() {
        let lower = cholesky(1.0);
        for row in 0..STATS {
            for column in 0..STATS {
                let product: f64 = (0..STATS).map(|k| lower[row][k] * lower[column][k]).sum();
                assert!((product - CORRELATION[row][column]).abs() < 1e-12, "{row} {column}");
                assert_eq!(CORRELATION[row][column], CORRELATION[column][row]);
            }
        }
    }
}
