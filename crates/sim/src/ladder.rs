//! The ladder: heights in tiers (Iron IV without points = 0.0, each tier 1.0, Master from 7.0) and
//! what Riot shows of them.

use riftwatch_domain::rank::{Division, Tier};

/// Where the apex tiers begin, in points above Master: players per tier follow from the tail.
const GRANDMASTER_POINTS: i32 = 250;
const CHALLENGER_POINTS: i32 = 500;

/// What is shown of a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) tier: Tier,
    pub(crate) division: Division,
    pub(crate) points: i32,
}

/// A tier is four divisions of 100 points.
pub(crate) fn place(height: f64) -> Place {
    let points = (height.max(0.0) * 400.0).floor() as i32;
    if points >= 2_800 {
        let points = points - 2_800;
        let tier = match points {
            CHALLENGER_POINTS.. => Tier::Challenger,
            GRANDMASTER_POINTS.. => Tier::Grandmaster,
            _ => Tier::Master,
        };
        return Place { tier, division: Division::I, points };
    }
    let tier = Tier::LADDER[(points / 400) as usize].clone();
    let division = Division::ALL[(points % 400 / 100) as usize];
    Place { tier, division, points: points % 100 }
}

/// Share of accounts below each tier, Iron to Challenger (League of Graphs, 2025, rounded; the few
/// percent that the published figures lack are spread over all).
const SHARE: [f64; 8] = [0.235, 0.210, 0.200, 0.160, 0.102, 0.066, 0.0225, 0.0045];

/// The height below which a share `u` (`0..1`) of all accounts stands.
pub(crate) fn height_at_share(u: f64) -> f64 {
    let mut below = 0.0;
    for (tier, share) in SHARE.into_iter().enumerate() {
        if u < below + share {
            let within = (u - below) / share;
            // Iron is thin at its foot, Master at its top.
            return match tier {
                0 => within.sqrt(),
                7 => 7.0 + 1.4 * within * within,
                _ => tier as f64 + within,
            };
        }
        below += share;
    }
    8.4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_shown_as_tiers() {
        let shown = |height| {
            let place = place(height);
            format!("{} {} {}", place.tier, place.division, place.points)
        };
        assert_eq!(shown(-0.2), "IRON IV 0");
        assert_eq!(shown(3.605), "GOLD II 42");
        assert_eq!(shown(6.999), "DIAMOND I 99");
        assert_eq!(shown(7.0), "MASTER I 0");
        assert_eq!(shown(8.0), "GRANDMASTER I 400");
        assert_eq!(shown(8.5), "CHALLENGER I 600");
    }

    #[test]
    fn the_ladder_is_climbed_in_order() {
        let heights: Vec<f64> = (0..1_000).map(|i| height_at_share(f64::from(i) / 1e3)).collect();
        assert!(heights.is_sorted());
        assert!(heights[235] < 1.01 && heights[500] > 2.0 && heights[500] < 3.0);
    }
}
