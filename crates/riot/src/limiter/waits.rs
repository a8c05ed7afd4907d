//! How long calls waited for their turn, counted by length.

use std::time::Duration;

use serde::Serialize;

/// The upper ends of the buckets, in seconds; what is longer goes into one more.
const UPPER_S: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 150.0, 600.0];

/// Waits of one class since the start, as a histogram of Prometheus' form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct WaitHistogram {
    /// Waits no longer than each of [`WaitHistogram::upper_seconds`], and longer than the one before;
    /// the last are longer than all.
    pub counts: [u64; 11],
    /// All waits together, in seconds.
    pub sum_seconds: f64,
}

impl WaitHistogram {
    /// The upper ends of all buckets but the last, which has none.
    pub const fn upper_seconds() -> [f64; 10] {
        UPPER_S
    }

    /// How many waits there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn add(&mut self, wait: Duration) {
        let seconds = wait.as_secs_f64();
        self.counts[UPPER_S.partition_point(|upper| *upper < seconds)] += 1;
        self.sum_seconds += seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_in_the_first_bucket_that_holds_it() {
        let mut waits = WaitHistogram::default();
        for seconds in [0.0, 0.01, 0.011, 1.0, 600.0, 601.0] {
            waits.add(Duration::from_secs_f64(seconds));
        }
        assert_eq!(waits.counts, [2, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
        assert_eq!(waits.count(), 6);
        assert!((waits.sum_seconds - 1202.021).abs() < 1e-9);
    }
}
