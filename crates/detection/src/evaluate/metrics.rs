//! How well scores tell two sorts of accounts apart, and whether probabilities keep their word.

use serde::{Deserialize, Serialize};

/// A score and the truth.
pub(crate) type Scored = (f64, bool);

/// What a threshold does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtThreshold {
    /// Share of flagged accounts that are rightly so; 1 where none is flagged.
    pub precision: f64,
    /// Share of unusual accounts that are flagged.
    pub recall: f64,
    /// Share of innocent accounts that are flagged.
    pub false_positives: f64,
}

/// How well a score does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Probability that an unusual account scores above an innocent one; a tie counts half.
    pub auc: f64,
    /// Average precision: the mean precision over the unusual accounts, from the top.
    pub average_precision: f64,
    /// Mean squared error of the score as a probability.
    pub brier: f64,
    /// Mean distance between score and frequency, over fifteen equally full bins.
    pub calibration_error: f64,
    /// Share of innocent accounts above the score that half of the unusual ones reach.
    pub false_positives_at_recall_50: f64,
    /// The same for four fifths.
    pub false_positives_at_recall_80: f64,
    /// From 0.5 on.
    pub at_50: AtThreshold,
    /// From 0.8 on.
    pub at_80: AtThreshold,
}

impl Metrics {
    /// `None` unless there are accounts of both sorts.
    pub(crate) fn of(scored: &[Scored]) -> Option<Self> {
        let unusual = scored.iter().filter(|(_, unusual)| *unusual).count();
        if unusual == 0 || unusual == scored.len() {
            return None;
        }
        let mut falling = scored.to_vec();
        falling.sort_by(|a, b| b.0.total_cmp(&a.0));
        let curve = Curve::of(&falling);
        let brier = scored
            .iter()
            .map(|(p, unusual)| (p - f64::from(u8::from(*unusual))).powi(2))
            .sum::<f64>();
        Some(Self {
            auc: curve.auc(),
            average_precision: curve.average_precision(),
            brier: brier / scored.len() as f64,
            calibration_error: calibration_error(&falling, 15),
            false_positives_at_recall_50: curve.false_positives_at(0.5),
            false_positives_at_recall_80: curve.false_positives_at(0.8),
            at_50: at_threshold(scored, 0.5),
            at_80: at_threshold(scored, 0.8),
        })
    }
}

fn at_threshold(scored: &[Scored], threshold: f64) -> AtThreshold {
    let count = |wanted: bool, flagged: bool| {
        scored
            .iter()
            .filter(|(p, unusual)| *unusual == wanted && (!flagged || *p >= threshold))
            .count() as f64
    };
    let (hits, false_alarms) = (count(true, true), count(false, true));
    AtThreshold {
        precision: if hits + false_alarms > 0.0 { hits / (hits + false_alarms) } else { 1.0 },
        recall: hits / count(true, false).max(1.0),
        false_positives: false_alarms / count(false, false).max(1.0),
    }
}

/// Unusual and innocent accounts at or above each distinct score, from the top.
struct Curve {
    points: Vec<(f64, f64)>,
    unusual: f64,
    innocent: f64,
}

impl Curve {
    fn of(falling: &[Scored]) -> Self {
        let mut points = Vec::new();
        let (mut unusual, mut innocent) = (0.0, 0.0);
        for (place, (score, is_unusual)) in falling.iter().enumerate() {
            if *is_unusual {
                unusual += 1.0
            } else {
                innocent += 1.0
            }
            if falling.get(place + 1).is_none_or(|(next, _)| next != score) {
                points.push((unusual, innocent));
            }
        }
        Self { points, unusual, innocent }
    }

    fn auc(&self) -> f64 {
        let mut area = 0.0;
        let mut before = (0.0, 0.0);
        for point in &self.points {
            area += (point.1 - before.1) * 0.5 * (point.0 + before.0);
            before = *point;
        }
        area / (self.unusual * self.innocent)
    }

    fn average_precision(&self) -> f64 {
        let mut sum = 0.0;
        let mut found = 0.0;
        for (unusual, innocent) in &self.points {
            sum += (unusual - found) * unusual / (unusual + innocent);
            found = *unusual;
        }
        sum / self.unusual
    }

    fn false_positives_at(&self, recall: f64) -> f64 {
        let reached = self.points.iter().find(|(unusual, _)| *unusual >= recall * self.unusual);
        reached.map_or(1.0, |(_, innocent)| innocent / self.innocent)
    }
}

/// Mean distance between mean score and frequency, over equally full bins of the sorted scores.
fn calibration_error(sorted: &[Scored], bins: usize) -> f64 {
    let count = sorted.len();
    (0..bins)
        .map(|bin| {
            let accounts = &sorted[bin * count / bins..(bin + 1) * count / bins];
            let scores: f64 = accounts.iter().map(|(p, _)| p).sum();
            let unusual = accounts.iter().filter(|(_, unusual)| *unusual).count() as f64;
            (scores - unusual).abs()
        })
        .sum::<f64>()
        / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(scored: &[Scored]) -> Metrics {
        Metrics::of(scored).expect("both sorts")
    }

    #[test]
    fn a_perfect_order_has_no_false_positives() {
        let found = metrics(&[(0.9, true), (0.8, true), (0.2, false), (0.1, false)]);
        assert_eq!((found.auc, found.average_precision), (1.0, 1.0));
        assert_eq!(found.false_positives_at_recall_80, 0.0);
        assert!((found.brier - 0.025).abs() < 1e-12);
        assert_eq!(found.at_80, AtThreshold { precision: 1.0, recall: 1.0, false_positives: 0.0 });
    }

    #[test]
    fn ties_count_half_and_no_order_is_a_coin() {
        let found = metrics(&[(0.5, true), (0.5, false), (0.5, false), (0.5, true)]);
        assert_eq!((found.auc, found.average_precision), (0.5, 0.5));
        assert_eq!(found.false_positives_at_recall_50, 1.0);
        assert_eq!(found.calibration_error, 0.5 * (2.0 + 2.0) / 4.0 / 1.0);
    }

    #[test]
    fn a_worked_example_by_hand() {
        // From the top: unusual, innocent, unusual, innocent, innocent.
        let scored = [(0.9, true), (0.7, false), (0.6, true), (0.4, false), (0.1, false)];
        let found = metrics(&scored);
        assert!((found.auc - 5.0 / 6.0).abs() < 1e-12);
        assert!((found.average_precision - 0.5 * (1.0 + 2.0 / 3.0)).abs() < 1e-12);
        assert_eq!(found.false_positives_at_recall_50, 0.0);
        assert!((found.false_positives_at_recall_80 - 1.0 / 3.0).abs() < 1e-12);
        assert!((found.at_50.precision - 2.0 / 3.0).abs() < 1e-12);
        assert!(Metrics::of(&scored[..1]).is_none());
    }
}
