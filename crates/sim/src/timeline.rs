//! What happened when in a match: events that add up to its final figures.

use crate::champions::CHAMPIONS;
use crate::dice::{Dice, Stream};
use crate::match_json;
use crate::performance::{self, FirstShare, Performance};
use crate::realm::{Game, Realm};

/// Something that happened, at a time in milliseconds of the game.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) at_ms: i64,
    pub(crate) what: What,
}

/// What happened. Players are places in the match, 0 to 9; sides are 0 (blue) and 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Begins,
    /// Nobody is the killer where a player died by themselves.
    Kill {
        killer: Option<usize>,
        victim: usize,
        assists: Vec<usize>,
        streak: i32,
        ended: i32,
    },
    FirstBlood(usize),
    /// A building of `side` falls; nobody is the killer where minions did it.
    Building {
        killer: Option<usize>,
        side: usize,
        lane: usize,
        /// Outer, inner, base, nexus; `None` is the inhibitor.
        tower: Option<usize>,
    },
    Plate {
        killer: usize,
        side: usize,
        lane: usize,
    },
    Monster {
        killer: usize,
        kind: Monster,
    },
    Soul {
        side: usize,
        element: usize,
    },
    Level {
        player: usize,
        level: i32,
    },
    Skill {
        player: usize,
        slot: i32,
    },
    Bought {
        player: usize,
        item: i32,
    },
    Ward {
        player: usize,
        is_control: bool,
    },
    WardKilled {
        player: usize,
    },
    Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Monster {
    /// With its element.
    Dragon(usize),
    Baron,
    Herald,
    Grub,
}

/// Everything that happened, in order.
pub(crate) fn events(realm: &Realm, game: &Game, performance: &Performance) -> Vec<Event> {
    let stream = u64::from(game.number);
    let mut story = Story {
        game,
        performance,
        end_ms: i64::from(game.duration_s) * 1_000,
        dice: Dice::new(realm.seed, Stream::Timeline, realm.platform as u64, stream),
        events: Vec::new(),
    };
    story.add(0, What::Begins);
    story.kills();
    for side in 0..2 {
        story.buildings(side);
        story.monsters(side);
    }
    for player in 0..10 {
        story.growth(player);
        story.wards(player);
        story.items(player);
    }
    let end_ms = story.end_ms;
    let mut events = story.events;
    for event in &mut events {
        event.at_ms = event.at_ms.clamp(0, end_ms);
    }
    events.sort_by_key(|event| event.at_ms);
    events.push(Event { at_ms: end_ms, what: What::Ends });
    events
}

struct Story<'a> {
    game: &'a Game,
    performance: &'a Performance,
    end_ms: i64,
    dice: Dice,
    events: Vec<Event>,
}

impl Story<'_> {
    fn add(&mut self, at_ms: i64, what: What) {
        self.events.push(Event { at_ms, what });
    }

    /// Sorted times between two moments; the later one is not reached.
    fn times(&mut self, n: usize, from_ms: i64, to_ms: i64) -> Vec<i64> {
        let to_ms = to_ms.max(from_ms + 1);
        let mut times: Vec<i64> =
            (0..n).map(|_| self.dice.between(from_ms as f64, to_ms as f64) as i64).collect();
        times.sort_unstable();
        times
    }

    fn kills(&mut self) {
        let lines = &self.performance.lines;
        let mut duels: Vec<(usize, usize, Vec<usize>)> = Vec::new();
        for side in 0..2 {
            let each = |of: &dyn Fn(usize) -> i32, side: usize| -> Vec<usize> {
                let ours = side * 5..side * 5 + 5;
                ours.flat_map(|i| vec![i; usize::try_from(of(i)).unwrap_or(0)]).collect()
            };
            let mut killers = each(&|i| lines[i].kills, side);
            let mut victims = each(&|i| lines[i].deaths - lines[i].executions, 1 - side);
            shuffle(&mut self.dice, &mut killers);
            shuffle(&mut self.dice, &mut victims);
            // Whoever drew first blood has the side's first kill, with the helper of record.
            let first = killers.iter().position(|&i| lines[i].first_blood == FirstShare::Kill);
            if let Some(first) = first {
                killers.swap(0, first);
            }
            let mut helpers: Vec<Vec<usize>> = vec![Vec::new(); killers.len()];
            for (helper, line) in lines.iter().enumerate().skip(side * 5).take(5) {
                let mut open: Vec<usize> =
                    (0..killers.len()).filter(|&kill| killers[kill] != helper).collect();
                shuffle(&mut self.dice, &mut open);
                if line.first_blood == FirstShare::Assist
                    && let Some(at) = open.iter().position(|&kill| kill == 0)
                {
                    open.swap(0, at);
                }
                for &kill in open.iter().take(usize::try_from(line.assists).unwrap_or(0)) {
                    helpers[kill].push(helper);
                }
            }
            let side_duels = killers.into_iter().zip(victims).zip(helpers);
            duels.extend(side_duels.map(|((killer, victim), helpers)| (killer, victim, helpers)));
        }
        let first =
            duels.iter().position(|(killer, ..)| lines[*killer].first_blood == FirstShare::Kill);
        if let Some(first) = first {
            // The rest in any order.
            let first = duels.remove(first);
            shuffle(&mut self.dice, &mut duels);
            duels.insert(0, first);
        }
        let end_ms = self.end_ms - 4_000;
        let times = self.times(duels.len(), 95_000, end_ms);
        let mut streaks = [0; 10];
        for (place, ((killer, victim, assists), at_ms)) in duels.into_iter().zip(times).enumerate()
        {
            let ended = std::mem::take(&mut streaks[victim]);
            streaks[killer] += 1;
            let streak = streaks[killer];
            self.add(at_ms, What::Kill { killer: Some(killer), victim, assists, streak, ended });
            if place == 0 {
                self.add(at_ms, What::FirstBlood(killer));
            }
        }
        for (victim, line) in lines.iter().enumerate() {
            for _ in 0..line.executions {
                let at_ms = self.dice.between(200_000.0, end_ms as f64) as i64;
                let assists = Vec::new();
                self.add(at_ms, What::Kill { killer: None, victim, assists, streak: 0, ended: 0 });
            }
        }
    }

    /// The buildings that a side took, from the outside in.
    fn buildings(&mut self, side: usize) {
        let lines = &self.performance.lines;
        let taken = &self.performance.sides[side];
        let ours = side * 5..side * 5 + 5;
        let each = |of: &dyn Fn(usize) -> i32, all: i32| -> Vec<Option<usize>> {
            let mut who: Vec<Option<usize>> = ours
                .clone()
                .flat_map(|i| vec![Some(i); usize::try_from(of(i)).unwrap_or(0)])
                .collect();
            who.resize(usize::try_from(all).unwrap_or(0), None);
            who
        };
        let mut takers = each(&|i| lines[i].towers, taken.towers);
        shuffle(&mut self.dice, &mut takers);
        let is_first =
            |who: &Option<usize>| who.is_some_and(|i| lines[i].first_tower == FirstShare::Kill);
        if let Some(first) = takers.iter().position(is_first) {
            takers.swap(0, first);
        }
        let was_first = self.performance.first[1] == Some(side);
        let from_ms = if was_first { 500_000 } else { 760_000 };
        let from_ms = from_ms.min(self.end_ms / 2);
        let mut times = self.times(takers.len(), from_ms, self.end_ms - 2_000);
        if was_first && let Some(first) = times.first_mut() {
            *first = from_ms;
        }
        for (place, (killer, at_ms)) in takers.into_iter().zip(times).enumerate() {
            let (lane, tower) = if place < 9 { (place % 3, place / 3) } else { (1, 3) };
            if let (0, Some(killer)) = (tower, killer)
                && at_ms < 14 * 60_000
            {
                for plate in 1..=2 {
                    let what = What::Plate { killer, side: 1 - side, lane };
                    self.add(at_ms - plate * 45_000, what);
                }
            }
            self.add(at_ms, What::Building { killer, side: 1 - side, lane, tower: Some(tower) });
        }
        for (lane, killer) in
            each(&|i| lines[i].inhibitors, taken.inhibitors).into_iter().enumerate()
        {
            let at_ms = self.end_ms - self.dice.between(5_000.0, 150_000.0) as i64;
            let what = What::Building { killer, side: 1 - side, lane: lane % 3, tower: None };
            self.add(at_ms, what);
        }
    }

    fn monsters(&mut self, side: usize) {
        let lines = &self.performance.lines;
        let taken = &self.performance.sides[side];
        let element = self.dice.below(6);
        let ours = side * 5..side * 5 + 5;
        let each = |of: &dyn Fn(usize) -> i32| -> Vec<usize> {
            ours.clone().flat_map(|i| vec![i; usize::try_from(of(i)).unwrap_or(0)]).collect()
        };
        let [dragons, barons, heralds] =
            [each(&|i| lines[i].dragons), each(&|i| lines[i].barons), each(&|i| lines[i].heralds)];
        let end_ms = self.end_ms - 3_000;
        let times = self.times(dragons.len(), 5 * 60_000, end_ms);
        for (n, (killer, at_ms)) in dragons.into_iter().zip(times).enumerate() {
            let element = (element + n.min(2)) % 6;
            self.add(at_ms, What::Monster { killer, kind: Monster::Dragon(element) });
            if n == 3 {
                self.add(at_ms, What::Soul { side, element });
            }
        }
        let times = self.times(barons.len(), 20 * 60_000, end_ms);
        for (killer, at_ms) in barons.into_iter().zip(times) {
            self.add(at_ms, What::Monster { killer, kind: Monster::Baron });
        }
        for killer in heralds {
            let at_ms = self.dice.between(15.0, 16.0) * 60_000.0;
            self.add(at_ms as i64, What::Monster { killer, kind: Monster::Herald });
        }
        for n in 0..taken.grubs {
            let at_ms = 8 * 60_000 + i64::from(n) * 6_000 + side as i64 * 20_000;
            self.add(at_ms, What::Monster { killer: side * 5 + 1, kind: Monster::Grub });
        }
    }

    fn growth(&mut self, player: usize) {
        let line = &self.performance.lines[player];
        for level in 1..=line.level {
            let at_ms = match level {
                1 => 1_000 + self.dice.below(4_000) as i64,
                _ => reached_ms(performance::experience_for(level), line.experience, self.end_ms),
            };
            if level > 1 {
                self.add(at_ms, What::Level { player, level });
            }
            let slot = match level {
                6 | 11 | 16 => 4,
                level => 1 + (level + player as i32) % 3,
            };
            self.add(at_ms, What::Skill { player, slot });
        }
    }

    fn wards(&mut self, player: usize) {
        let line = &self.performance.lines[player];
        let end_ms = self.end_ms;
        for (n, is_control) in [(line.wards, false), (line.control_wards, true)] {
            for at_ms in self.times(usize::try_from(n).unwrap_or(0), 60_000, end_ms) {
                self.add(at_ms, What::Ward { player, is_control });
            }
        }
        for at_ms in self.times(usize::try_from(line.wards_killed).unwrap_or(0), 180_000, end_ms) {
            self.add(at_ms, What::WardKilled { player });
        }
    }

    fn items(&mut self, player: usize) {
        let line = &self.performance.lines[player];
        let champion = &CHAMPIONS[usize::from(self.game.seats[player].champion)];
        let luck = match_json::luck(self.game, player);
        let items = match_json::items(line, player % 5, champion.is_magic, luck);
        let bought: Vec<i32> = items[..6].iter().copied().filter(|&item| item != 0).collect();
        let first_ms = 2_000 + self.dice.below(20_000) as i64;
        self.add(first_ms, What::Bought { player, item: items[6] });
        let n = bought.len() as i64;
        for (place, item) in bought.into_iter().enumerate() {
            let at_ms = first_ms.max(self.end_ms * (place as i64 + 1) / (n + 1));
            self.add(at_ms, What::Bought { player, item });
        }
    }
}

/// When so much of a final amount of experience was there.
fn reached_ms(amount: f64, all: i32, end_ms: i64) -> i64 {
    let share = (amount / f64::from(all.max(1))).clamp(0.0, 1.0);
    (share.powf(1.0 / GROWTH) * end_ms as f64).ceil() as i64
}

/// Experience, gold and damage come faster as the game goes on.
const GROWTH: f64 = 1.12;

/// How much of a final amount is there at a share of the game.
pub(crate) fn grown(share: f64) -> f64 {
    share.clamp(0.0, 1.0).powf(GROWTH)
}

fn shuffle<T>(dice: &mut Dice, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, dice.below(i + 1));
    }
}
