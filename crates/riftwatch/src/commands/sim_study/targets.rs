//! What was aimed at, and whether a policy gets there.

use serde::Serialize;

use super::figures::Figures;

/// Requests a stored match: at most so many times the least that is possible.
pub(super) const TIMES_LEAST: f64 = 1.3;
/// The 95th percentile of staleness: so many times better than the plain policy's.
pub(super) const STALENESS_GAIN: f64 = 5.0;

/// A policy against the two targets. The plain policy has two forms: as it starts over at its
/// time-out, which is what the seed's system does, and as it would be without one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Targets {
    pub(super) requests_met: bool,
    /// How many times better than the plain policy with its time-out; `None`: nobody was behind.
    pub(super) staleness_gain: Option<f64>,
    pub(super) staleness_met: bool,
    /// The same against the plain policy that goes round and round.
    pub(super) staleness_gain_over_rounds: Option<f64>,
    pub(super) staleness_met_over_rounds: bool,
}

pub(super) fn targets(week: &Figures, starting_over: &Figures, rounds: &Figures) -> Targets {
    let gain = |plain: &Figures| {
        let own = week.staleness_p95_min;
        (own > 0.0).then(|| plain.staleness_p95_min / own)
    };
    let met = |gain: Option<f64>| gain.is_none_or(|gain| gain >= STALENESS_GAIN);
    let (staleness_gain, staleness_gain_over_rounds) = (gain(starting_over), gain(rounds));
    Targets {
        requests_met: week.times_least <= TIMES_LEAST,
        staleness_gain,
        staleness_met: met(staleness_gain),
        staleness_gain_over_rounds,
        staleness_met_over_rounds: met(staleness_gain_over_rounds),
    }
}
