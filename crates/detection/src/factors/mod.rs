//! The seventeen factors: what each measures, and how its evidence is weighed.

mod sentences;

use crate::scan::Break;
use crate::statistics::Statistics;

pub(crate) use sentences::sentence;

/// How many factors there are.
pub(crate) const FACTORS: usize = TABLE.len();

/// One factor's reading of one account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// A mean with the variance of its error.
    Mean {
        /// The mean.
        value: f64,
        /// Variance that is owed to the number of games alone.
        noise: f64,
    },
    /// So many out of so many.
    Count {
        /// How often it happened.
        count: u32,
        /// How often it could have.
        of: u32,
    },
    /// A number whose usual distribution has been counted out.
    Shape(f64),
}

/// How the densities of a factor are described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Normal, wider by the measure's own noise.
    Normal,
    /// Beta-binomial.
    Count,
    /// Ten bins.
    Shape,
}

/// How a value is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it is; counts as shares.
    Plain,
    /// It is a logarithm: show what it is the logarithm of.
    Exponential,
    /// In standard deviations of innocent accounts. For what must not be shown in tiers: nothing
    /// that could be read as a hidden rating leaves this crate.
    Relative,
}

/// One signal.
#[derive(Debug)]
pub(crate) struct Factor {
    pub(crate) key: &'static str,
    /// Factors that stand or fall together in an ablation.
    pub(crate) group: &'static str,
    pub(crate) kind: Kind,
    pub(crate) shown: Shown,
    /// The most that its evidence may be weighed by.
    pub(crate) cap: f64,
    /// Accounts of one story differ by at least this, whatever generated worlds say. Squared units
    /// of the measure; only for normal densities.
    pub(crate) least_variance: f64,
    pub(crate) measure: fn(&Statistics, Option<&Break>) -> Option<Measure>,
}

/// All factors, in the order of every table.
pub(crate) const TABLE: [Factor; 17] = [
    Factor {
        key: "performance",
        group: "performance",
        kind: Kind::Normal,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.04,
        measure: |account, _| {
            let sums = &account.all;
            mean(sums.games >= 3, sums.mean(), 1.0 / sums.worth)
        },
    },
    Factor {
        key: "new_champion_performance",
        group: "performance",
        kind: Kind::Normal,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.04,
        measure: |account, _| {
            let sums = &account.new_champions;
            mean(sums.games >= 3, sums.mean(), 1.0 / sums.worth)
        },
    },
    Factor {
        key: "win_rate",
        group: "results",
        kind: Kind::Count,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |account, _| count(account.wins.won, account.wins.games, 1),
    },
    Factor {
        key: "early_win_rate",
        group: "results",
        kind: Kind::Count,
        shown: Shown::Plain,
        cap: 1.0,
        // With few games more it would be the win rate over again.
        least_variance: 0.0,
        measure: |account, _| match account.games() {
            25.. => count(account.early.won, account.early.games, 1),
            _ => None,
        },
    },
    Factor {
        key: "account_level",
        group: "account",
        kind: Kind::Normal,
        shown: Shown::Exponential,
        // A low level is cheap to come by innocently and cheap to avoid.
        cap: 0.7,
        least_variance: 0.01,
        measure: |account, _| {
            let level = account.account_level?;
            mean(true, f64::from(level.max(1)).ln(), 0.0)
        },
    },
    Factor {
        key: "climb",
        group: "ladder",
        kind: Kind::Normal,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.000_01,
        measure: |account, _| {
            let [first, last] = account.ranks?;
            let games = f64::from(last.0 - first.0);
            mean(games >= 5.0, f64::from(last.1 - first.1) / games, 0.003 / games)
        },
    },
    Factor {
        key: "lobby_above_rank",
        group: "ladder",
        kind: Kind::Normal,
        shown: Shown::Relative,
        cap: 1.0,
        least_variance: 0.01,
        measure: |account, _| {
            let (games, sum) = account.lobby;
            mean(games >= 3, sum / f64::from(games), 0.15 / f64::from(games))
        },
    },
    Factor {
        key: "learning",
        group: "performance",
        kind: Kind::Normal,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.001,
        measure: |account, _| {
            let (slope, variance) = account.learning()?;
            mean(true, slope, variance)
        },
    },
    Factor {
        key: "thrown_games",
        group: "results",
        kind: Kind::Count,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |account, _| count(account.thrown, account.games(), 1),
    },
    Factor {
        key: "behaviour_break",
        group: "two_people",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |_, found| shape(Some(found?.distance)),
    },
    Factor {
        key: "flash_slot",
        group: "two_people",
        kind: Kind::Count,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |account, _| {
            let games = account.slots.map(|slot| slot.games);
            count(games[0].min(games[1]), games[0] + games[1], 6)
        },
    },
    Factor {
        key: "champion_break",
        group: "two_people",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |_, found| shape(Some(found?.champions)),
    },
    Factor {
        key: "role_break",
        group: "two_people",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |_, found| shape(Some(found?.roles)),
    },
    Factor {
        key: "hours_break",
        group: "two_people",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |_, found| shape(Some(found?.hours)),
    },
    Factor {
        key: "slot_performance",
        group: "two_people",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |account, _| {
            let [first, other] = &account.slots;
            if first.games.min(other.games) < 3 {
                return None;
            }
            let error = (first.variance() / first.worth + other.variance() / other.worth).sqrt();
            Some(Measure::Shape((first.mean() - other.mean()).abs() / error))
        },
    },
    Factor {
        key: "duo_effect",
        group: "results",
        kind: Kind::Shape,
        shown: Shown::Plain,
        cap: 1.0,
        least_variance: 0.0,
        measure: |account, _| {
            let (duo, solo) = (&account.duo, &account.solo);
            if duo.games.min(solo.games) < 4 {
                return None;
            }
            let error = (0.25 / f64::from(duo.games) + 0.25 / f64::from(solo.games)).sqrt();
            Some(Measure::Shape((duo.ratio() - solo.ratio()) / error))
        },
    },
    Factor {
        key: "rank",
        group: "account",
        kind: Kind::Normal,
        shown: Shown::Plain,
        // Where stories live is a prior in disguise, and the displayed rank is nobody's fault.
        cap: 0.5,
        least_variance: 0.1,
        measure: |account, _| {
            let [_, (_, rank)] = account.ranks?;
            mean(true, f64::from(rank), 0.0)
        },
    },
];

/// The groups of [`TABLE`], for ablations.
pub(crate) const GROUPS: [&str; 5] = ["performance", "results", "account", "ladder", "two_people"];

fn mean(enough: bool, value: f64, noise: f64) -> Option<Measure> {
    enough.then_some(Measure::Mean { value, noise })
}

fn count(count: u32, of: u32, fewest: u32) -> Option<Measure> {
    (of >= fewest).then_some(Measure::Count { count, of })
}

fn shape(value: Option<f32>) -> Option<Measure> {
    Some(Measure::Shape(f64::from(value?)))
}

/// All factors' readings of an account.
pub(crate) type Measures = [Option<Measure>; FACTORS];

/// Reads all factors. A few nanoseconds each.
pub(crate) fn measure(account: &Statistics, found: Option<&Break>) -> Measures {
    std::array::from_fn(|place| (TABLE[place].measure)(account, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinct_and_every_factor_is_in_a_known_group() {
        for (place, factor) in TABLE.iter().enumerate() {
            assert!(GROUPS.contains(&factor.group), "{}", factor.key);
            assert!(TABLE[..place].iter().all(|other| other.key != factor.key), "{}", factor.key);
        }
    }

    #[test]
    fn an_account_without_games_has_no_measures() {
        let measures = measure(&Statistics::default(), None);
        assert!(measures.iter().all(Option::is_none), "{measures:?}");
    }
}
