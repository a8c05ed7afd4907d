//! Ten come together: by rating, position, and who wants to play anyway.

use crate::accounts::Account;
use crate::champions::{self, CHAMPIONS};
use crate::dice::Dice;
use crate::persons;
use crate::realm::{Game, HOUR_MS, Live, Realm, Seat};

/// Log-odds of winning of whoever loses on purpose, and how far below the lobby they seem to be.
const THROWN_ODDS: f64 = -2.2;
const THROWN_SKILL: f64 = -4.0;
/// How many of the nearest are looked at.
const CANDIDATES: usize = 200;
/// How many of them are asked.
const SHORT_LIST: usize = 60;
/// Queues and how often each is played.
const QUEUES: [(u16, f64); 4] = [(420, 0.76), (440, 0.11), (400, 0.07), (450, 0.06)];

/// Accounts by rating, in steps of a tenth of a tier.
#[derive(Debug)]
pub(crate) struct SkillIndex {
    steps: Vec<Vec<u32>>,
    place: Vec<u32>,
}

const STEPS: usize = 110;

impl SkillIndex {
    pub(crate) fn new(ratings: impl Iterator<Item = f64>) -> Self {
        let mut index = Self { steps: vec![Vec::new(); STEPS], place: Vec::new() };
        for (account, rating) in ratings.enumerate() {
            index.place.push(0);
            index.insert(account as u32, step(rating));
        }
        index
    }

    pub(crate) fn moved(&mut self, account: u32, from: f64, to: f64) {
        let (from, to) = (step(from), step(to));
        if from == to {
            return;
        }
        let place = self.place[account as usize] as usize;
        self.steps[from].swap_remove(place);
        if let Some(&other) = self.steps[from].get(place) {
            self.place[other as usize] = place as u32;
        }
        self.insert(account, to);
    }

    fn insert(&mut self, account: u32, step: usize) {
        self.place[account as usize] = self.steps[step].len() as u32;
        self.steps[step].push(account);
    }

    /// Accounts around a rating, nearest steps first.
    fn around(&self, rating: f64) -> impl Iterator<Item = u32> {
        let centre = step(rating);
        (0..STEPS).flat_map(move |distance| {
            let above = centre.checked_add(distance).filter(|&s| s < STEPS);
            let below = centre.checked_sub(distance).filter(|_| distance > 0);
            above.into_iter().chain(below).flat_map(|s| self.steps[s].iter().copied())
        })
    }
}

fn step(rating: f64) -> usize {
    (((rating + 1.0) * 10.0) as usize).min(STEPS - 1)
}

/// Who plays where, while a lobby fills.
struct Lobby {
    /// Members per position.
    roles: [Vec<u32>; 5],
    /// Two who want to be on the same side.
    duos: Vec<(u32, u32)>,
}

impl Lobby {
    fn len(&self) -> usize {
        self.roles.iter().map(Vec::len).sum()
    }

    fn holds(&self, account: u32) -> bool {
        self.roles.iter().any(|members| members.contains(&account))
    }

    fn has_room(&self, role: u8) -> bool {
        self.roles[usize::from(role)].len() < 2
    }
}

/// A game for somebody who wants to play now; `None` if fewer than ten are free.
pub(crate) fn gather(realm: &Realm, live: &Live, dice: &mut Dice, first: u32) -> Option<Game> {
    let now_ms = live.now_ms;
    let queue = QUEUES[dice.weighted(&QUEUES.map(|(_, weight)| weight))].0;
    let rating = live.slots[first as usize].rating;
    let mut candidates: Vec<(f64, u32)> = live
        .by_skill
        .around(rating)
        .map(|i| (i, &live.slots[i as usize]))
        .filter(|&(i, slot)| i != first && slot.is_free(now_ms))
        .take(CANDIDATES)
        .map(|(i, slot)| {
            let wait_h = (slot.wants_ms - now_ms).max(0) as f64 / HOUR_MS as f64;
            (2.0 * (slot.rating - rating).powi(2) + 0.3 * wait_h, i)
        })
        .collect();
    if candidates.len() < 9 {
        return None;
    }
    let by_cost = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if candidates.len() > SHORT_LIST {
        candidates.select_nth_unstable_by(SHORT_LIST, by_cost);
        candidates.truncate(SHORT_LIST);
    }
    candidates.sort_unstable_by(by_cost);

    let mut lobby = Lobby { roles: Default::default(), duos: Vec::new() };
    seat(realm, live, dice, &mut lobby, first, true);
    // The first look is at positions that people want; then at any that is left.
    for is_picky in [true, false] {
        for &(_, candidate) in &candidates {
            if lobby.len() == 10 {
                break;
            }
            if !lobby.holds(candidate) {
                seat(realm, live, dice, &mut lobby, candidate, !is_picky);
            }
        }
    }
    (lobby.len() == 10).then(|| start(realm, live, dice, &lobby, queue))
}

/// Gives an account a place, and its partner one too where they play together.
fn seat(
    realm: &Realm,
    live: &Live,
    dice: &mut Dice,
    lobby: &mut Lobby,
    candidate: u32,
    anywhere: bool,
) {
    let now_ms = live.now_ms;
    let account = &realm.accounts[candidate as usize];
    let partner = account.partner.filter(|&(friend, share)| {
        live.slots[friend as usize].is_free(now_ms)
            && lobby.len() < 9
            && lobby.duos.len() < 2
            && !lobby.holds(friend)
            && dice.chance(share)
    });
    let Some(role) = choose_role(realm, live, dice, lobby, candidate, anywhere) else { return };
    lobby.roles[usize::from(role)].push(candidate);
    if let Some((friend, _)) = partner
        && let Some(role) = choose_role(realm, live, dice, lobby, friend, true)
    {
        // On the same side there is one place per position.
        if !lobby.roles[usize::from(role)].contains(&candidate) {
            lobby.roles[usize::from(role)].push(friend);
            lobby.duos.push((candidate, friend));
        }
    }
}

fn choose_role(
    realm: &Realm,
    live: &Live,
    dice: &mut Dice,
    lobby: &Lobby,
    index: u32,
    anywhere: bool,
) -> Option<u8> {
    let account = &realm.accounts[index as usize];
    let standing = &live.standings[index as usize];
    let person = account.person(account.is_second(realm.window, live.now_ms, standing.games));
    let wishes = if dice.chance(person.roaming) {
        let any = dice.below(5) as u8;
        [any, (any + 1) % 5]
    } else {
        [person.role, person.second_role]
    };
    let wish = wishes.into_iter().find(|&role| lobby.has_room(role));
    wish.or_else(|| (0..5).filter(|_| anywhere).find(|&role| lobby.has_room(role)))
}

/// Makes the sides, the picks and the outcome.
fn start(realm: &Realm, live: &Live, dice: &mut Dice, lobby: &Lobby, queue: u16) -> Game {
    let members = sides(live, dice, lobby);
    let mean = members.iter().map(|&i| live.slots[i as usize].rating).sum::<f64>() / 10.0;
    let start_ms = live.now_ms + 90_000 + dice.below(180_000) as i64;
    let mut seats = [Seat::default(); 10];
    let mut skills = [0.0; 10];
    let slope = persons::world().win_slope;
    for (i, &index) in members.iter().enumerate() {
        let account = &realm.accounts[index as usize];
        let standing = &live.standings[index as usize];
        let role = (i % 5) as u8;
        let is_second = account.is_second(realm.window, live.now_ms, standing.games);
        let throws = account.throws(realm.window, live.now_ms);
        let person = account.person(is_second);
        let champion = pick(dice, account, is_second, role, queue, &seats[..i]);
        let practice = realm.practice(standing, index, role, champion);
        let mut skill = person.skill_at(standing.games, role, champion, practice);
        if throws {
            skill = mean + THROWN_SKILL;
        }
        // Four others try to win all the same: it counts less than it looks.
        skills[i] = if throws { mean + THROWN_ODDS / slope } else { skill };
        seats[i] = Seat {
            account: index,
            champion,
            is_second,
            flash_on_d: person.flash_on_d ^ standing.has_moved_flash,
            throws,
            level: standing.level as u16,
            edge: ((skill - mean) * 100.0).clamp(-900.0, 900.0) as i16,
        };
    }
    let logit = slope * (skills[..5].iter().sum::<f64>() - skills[5..].iter().sum::<f64>());
    let blue_won = dice.chance(1.0 / (1.0 + (-logit.clamp(-2.5, 2.5)).exp()));
    let is_remake = dice.chance(0.012);
    let (duration_s, surrendered) = duration(dice, queue, mean, is_remake);
    Game {
        number: live.games.len() as u32,
        start_ms,
        duration_s,
        queue,
        blue_won,
        is_remake,
        surrendered,
        tier: (mean * 100.0) as i16,
        seats,
    }
}

/// Of the sixteen ways to split the pairs of each position, one that is fair and keeps friends
/// together.
fn sides(live: &Live, dice: &mut Dice, lobby: &Lobby) -> [u32; 10] {
    let rating = |i: u32| live.slots[i as usize].rating;
    let is_mirrored = dice.chance(0.5);
    let mut best: Option<(f64, [u32; 10])> = None;
    for way in 0..16u32 {
        let mut members = [0; 10];
        for (role, pair) in lobby.roles.iter().enumerate() {
            let is_swapped = (role > 0 && way >> (role - 1) & 1 == 1) != is_mirrored;
            let (blue, red) = if is_swapped { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
            (members[role], members[role + 5]) = (blue, red);
        }
        let side = |i: u32| members.iter().position(|&m| m == i).map(|at| at < 5);
        let parted = lobby.duos.iter().filter(|&&(a, b)| side(a) != side(b)).count();
        let gap = members[..5].iter().map(|&i| rating(i)).sum::<f64>()
            - members[5..].iter().map(|&i| rating(i)).sum::<f64>();
        let cost = gap.abs() + 100.0 * parted as f64;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, members));
        }
    }
    best.expect("there are sixteen ways").1
}

/// A champion that nobody has yet.
fn pick(
    dice: &mut Dice,
    account: &Account,
    is_second: bool,
    role: u8,
    queue: u16,
    before: &[Seat],
) -> u8 {
    let is_taken = |champion: u8| before.iter().any(|seat| seat.champion == champion);
    let person = account.person(is_second);
    if queue != 450 {
        let pool = &person.pools[usize::from(role)];
        let weights: [f64; 6] = std::array::from_fn(|rank| {
            if is_taken(pool[rank]) {
                0.0
            } else if person.one_trick && role == person.role {
                if rank == 0 { 0.85 } else { 0.03 }
            } else {
                ((rank + 1) as f64).powf(-person.focus)
            }
        });
        if weights.iter().sum::<f64>() > 0.0 && !dice.chance(0.04) {
            let rank = dice.weighted(&weights);
            return pool[rank];
        }
    }
    let choice =
        if queue == 450 { (0..CHAMPIONS.len() as u8).collect() } else { champions::of_role(role) };
    loop {
        let champion = choice[dice.below(choice.len())];
        if !is_taken(champion) {
            return champion;
        }
    }
}

/// Seconds, and whether a side gave up.
fn duration(dice: &mut Dice, queue: u16, mean: f64, is_remake: bool) -> (u16, bool) {
    if is_remake {
        return (dice.between(185.0, 240.0) as u16, false);
    }
    if queue == 450 {
        return ((dice.gauss(19.0, 3.5).clamp(10.0, 35.0) * 60.0) as u16, dice.chance(0.08));
    }
    if dice.chance(0.07) {
        return ((dice.between(15.0, 17.0) * 60.0) as u16, true);
    }
    let centre = 30.7 - 0.35 * mean.clamp(0.0, 7.0);
    let minutes = dice.gauss(centre, 5.8).clamp(17.0, 55.0);
    let surrenders = if minutes < 30.0 { 0.28 } else { 0.12 };
    ((minutes * 60.0) as u16, dice.chance(surrenders))
}
