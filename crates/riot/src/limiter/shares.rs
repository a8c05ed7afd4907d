//! Who goes next among the classes of calls: a weighted fair share.

use crate::api::CallClass;

/// The classes, most urgent first.
pub(super) const CLASSES: [CallClass; 3] =
    [CallClass::Interactive, CallClass::Refresh, CallClass::Backfill];

/// Of twelve turns that all three want, eight, three and one.
const WEIGHTS: [u64; 3] = [8, 3, 1];
/// The least common multiple of the weights: a turn costs a class this, divided by its weight.
const COST: u64 = 24;

/// Stride scheduling: each class has run up a cost, and the cheapest one that wants a turn has it.
#[derive(Debug, Default)]
pub(super) struct Shares {
    spent: [u64; 3],
    /// What the last turn's class had spent before it. A class that comes back from having nothing
    /// to do starts here: it goes next, but has not saved up turns.
    floor: u64,
}

impl Shares {
    /// The class whose turn it is among those that want one.
    pub(super) fn pick(&mut self, wants: [bool; 3]) -> Option<CallClass> {
        let mut chosen: Option<usize> = None;
        for index in (0..3).filter(|index| wants[*index]) {
            self.spent[index] = self.spent[index].max(self.floor);
            if chosen.is_none_or(|best| self.spent[index] < self.spent[best]) {
                chosen = Some(index);
            }
        }
        let chosen = chosen?;
        self.floor = self.spent[chosen];
        self.spent[chosen] += COST / WEIGHTS[chosen];
        Some(CLASSES[chosen])
    }
}

/// How many calls go before one that has `ahead` of its own class before it, when so many wait.
pub(super) fn expected_ahead(class: CallClass, ahead: u64, waiting: [u64; 3]) -> u64 {
    let own = class as usize;
    let others: u64 = (0..3)
        .filter(|other| *other != own)
        .map(|other| waiting[other].min((ahead + 1) * WEIGHTS[other] / WEIGHTS[own]))
        .sum();
    ahead + others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_all_want_turns_they_get_eight_three_and_one_of_twelve() {
        let mut shares = Shares::default();
        let mut turns = [0; 3];
        for _ in 0..1200 {
            turns[shares.pick([true; 3]).expect("all want") as usize] += 1;
        }
        assert_eq!(turns, [800, 300, 100]);
    }

    #[test]
    fn a_class_alone_has_every_turn_and_saves_none_up() {
        let mut shares = Shares::default();
        for _ in 0..1000 {
            assert_eq!(shares.pick([false, false, true]), Some(CallClass::Backfill));
        }
        // The others wanted nothing all the time, so they are not owed a thousand turns.
        let mut turns = [0; 3];
        for _ in 0..24 {
            turns[shares.pick([true; 3]).expect("all want") as usize] += 1;
        }
        assert!(turns[2] >= 1, "{turns:?}");
    }

    #[test]
    fn who_comes_back_to_a_busy_route_goes_next() {
        let mut shares = Shares::default();
        for _ in 0..100 {
            shares.pick([false, true, true]);
        }
        assert_eq!(shares.pick([true; 3]), Some(CallClass::Interactive));
    }

    #[test]
    fn nobody_wants_a_turn() {
        assert_eq!(Shares::default().pick([false; 3]), None);
    }

    #[test]
    fn the_expected_place_follows_the_shares() {
        assert_eq!(expected_ahead(CallClass::Interactive, 0, [0, 50, 50]), 0);
        assert_eq!(expected_ahead(CallClass::Interactive, 7, [7, 50, 50]), 7 + 3 + 1);
        assert_eq!(expected_ahead(CallClass::Backfill, 2, [100, 4, 2]), 2 + 24 + 4);
    }
}
