//! Who goes next among those that share turns by weight: the classes of calls, and the jobs within a
//! class.

use crate::api::CallClass;

/// The classes, most urgent first.
pub(super) const CLASSES: [CallClass; 3] =
    [CallClass::Interactive, CallClass::Refresh, CallClass::Backfill];

/// Of twelve turns that all three want, eight, three and one.
const WEIGHTS: [u64; 3] = [8, 3, 1];
/// A turn costs its taker this, divided by the weight. Divisible by the weights of the classes, and
/// large against the greatest weight of a job.
const COST: u64 = 24 * 100_000;

/// Stride scheduling: everyone has run up a cost, and the cheapest who wants a turn has it.
#[derive(Debug, Default)]
pub(super) struct Stride {
    spent: Vec<u64>,
    /// What the last turn's taker had spent before it. Who comes back from having nothing to do
    /// starts here: goes next, but has not saved up turns.
    floor: u64,
}

impl Stride {
    /// Whose turn it is among those that want one, each with a weight of at least 1.
    pub(super) fn pick(&mut self, wants: impl Iterator<Item = (usize, u64)>) -> Option<usize> {
        let mut chosen: Option<(usize, u64)> = None;
        for (index, weight) in wants {
            if self.spent.len() <= index {
                self.spent.resize(index + 1, 0);
            }
            self.spent[index] = self.spent[index].max(self.floor);
            if chosen.is_none_or(|(best, _)| self.spent[index] < self.spent[best]) {
                chosen = Some((index, weight));
            }
        }
        let (chosen, weight) = chosen?;
        self.floor = self.spent[chosen];
        self.spent[chosen] += COST / weight.max(1);
        Some(chosen)
    }

    /// The class whose turn it is among those that want one.
    pub(super) fn pick_class(&mut self, wants: [bool; 3]) -> Option<CallClass> {
        let wants = (0..3).filter(|index| wants[*index]).map(|index| (index, WEIGHTS[index]));
        self.pick(wants).map(|index| CLASSES[index])
    }
}

/// How many of those that wait, each group so many with such a weight, go before one of a group
/// of weight `own` that has `ahead` of its own group before it.
pub(super) fn others_ahead(ahead: u64, own: u64, others: impl Iterator<Item = (u64, u64)>) -> u64 {
    others.map(|(waiting, weight)| waiting.min((ahead + 1) * weight / own.max(1))).sum()
}

/// How many calls go before one that has `ahead` of its own class before it, when so many wait.
pub(super) fn expected_ahead(class: CallClass, ahead: u64, waiting: [u64; 3]) -> u64 {
    let own = class as usize;
    let others = (0..3).filter(|other| *other != own).map(|other| (waiting[other], WEIGHTS[other]));
    ahead + others_ahead(ahead, WEIGHTS[own], others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_all_want_turns_they_get_eight_three_and_one_of_twelve() {
        let mut shares = Stride::default();
        let mut turns = [0; 3];
        for _ in 0..1200 {
            turns[shares.pick_class([true; 3]).expect("all want") as usize] += 1;
        }
        assert_eq!(turns, [800, 300, 100]);
    }

    #[test]
    fn a_class_alone_has_every_turn_and_saves_none_up() {
        let mut shares = Stride::default();
        for _ in 0..1000 {
            assert_eq!(shares.pick_class([false, false, true]), Some(CallClass::Backfill));
        }
        // The others wanted nothing all the time, so they are not owed a thousand turns.
        let mut turns = [0; 3];
        for _ in 0..24 {
            turns[shares.pick_class([true; 3]).expect("all want") as usize] += 1;
        }
        assert!(turns[2] >= 1, "{turns:?}");
    }

    #[test]
    fn who_comes_back_to_a_busy_route_goes_next() {
        let mut shares = Stride::default();
        for _ in 0..100 {
            shares.pick_class([false, true, true]);
        }
        assert_eq!(shares.pick_class([true; 3]), Some(CallClass::Interactive));
    }

    #[test]
    fn nobody_wants_a_turn() {
        assert_eq!(Stride::default().pick_class([false; 3]), None);
    }

    #[test]
    fn turns_follow_the_weights_whatever_they_are() {
        let mut shares = Stride::default();
        let mut turns = [0_u32; 3];
        for _ in 0..1100 {
            turns[shares.pick([(0, 1), (1, 3), (2, 7)].into_iter()).expect("all want")] += 1;
        }
        for (got, wanted) in turns.into_iter().zip([100_u32, 300, 700]) {
            assert!(got.abs_diff(wanted) <= 1, "{turns:?}");
        }
    }

    #[test]
    fn the_expected_place_follows_the_shares() {
        assert_eq!(expected_ahead(CallClass::Interactive, 0, [0, 50, 50]), 0);
        assert_eq!(expected_ahead(CallClass::Interactive, 7, [7, 50, 50]), 7 + 3 + 1);
        assert_eq!(expected_ahead(CallClass::Backfill, 2, [100, 4, 2]), 2 + 24 + 4);
    }
}
