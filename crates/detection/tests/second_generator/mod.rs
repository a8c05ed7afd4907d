//! A second generator of accounts, written apart from the first and from the same description.
//!
//! A model that does well only on the worlds of the generator that it was fitted on has learnt that
//! generator. This one shares no code with `worlds` and decides otherwise wherever the description
//! leaves a choice: levels and spreads of statistics, how they vary together, when people play, how
//! they choose champions, how often they queue with friends, how old their accounts are, when ranks
//! are seen. Nothing is fitted on it.

use std::f64::consts::TAU;

use chrono::{DateTime, Duration};
use riftwatch_detection::evidence::{Game, RankPoint, Role};
use riftwatch_detection::{Evidence, Story};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::{Division, Tier};

/// Kills, deaths, assists, cs, gold, damage, vision, kill participation, cs at ten, solo kills.
const STATS: usize = 10;

/// What all accounts of a world share.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    pub(crate) name: &'static str,
    pub(crate) signal: f64,
    pub(crate) beta: f64,
    pub(crate) games_median: f64,
    pub(crate) anomalies: f64,
    pub(crate) level_factor: f64,
    pub(crate) gap: f64,
    pub(crate) second_gap: f64,
    pub(crate) slot_differs: f64,
    pub(crate) style_alike: f64,
    /// Share of games with three times the spread, form, and what the patch moves.
    pub(crate) wild: [f64; 3],
    /// Share of accounts that lack each of the optional fields.
    pub(crate) missing: f64,
    /// Spread of the logarithm of old accounts' levels.
    pub(crate) old_levels: f64,
}

impl Elsewhere {
    pub(crate) fn base() -> Self {
        Self {
            name: "base",
            signal: 1.0,
            beta: 0.40,
            games_median: 45.0,
            anomalies: 0.106,
            level_factor: 1.0,
            gap: 2.6,
            second_gap: 2.2,
            slot_differs: 0.45,
            style_alike: 0.35,
            wild: [0.0, 0.0, 0.0],
            missing: 0.0,
            old_levels: 0.8,
        }
    }

    pub(crate) fn weak_signal() -> Self {
        Self { name: "weak signal", signal: 0.75, gap: 2.2, second_gap: 1.9, ..Self::base() }
    }

    pub(crate) fn few_games() -> Self {
        Self { name: "few games", games_median: 18.0, ..Self::base() }
    }

    pub(crate) fn levelled() -> Self {
        Self { name: "level x 2.5", level_factor: 2.5, ..Self::base() }
    }

    pub(crate) fn heavy_tails() -> Self {
        Self { name: "heavy tails", wild: [0.05, 0.3, 0.15], ..Self::base() }
    }

    pub(crate) fn sparse() -> Self {
        Self { name: "a third of the fields missing", missing: 0.33, ..Self::base() }
    }

    pub(crate) fn levels_of_all_sorts() -> Self {
        Self { name: "levels of all sorts", old_levels: 1.4, ..Self::base() }
    }

    pub(crate) fn hard() -> Self {
        Self {
            name: "hard",
            signal: 0.75,
            gap: 2.2,
            second_gap: 1.9,
            level_factor: 1.6,
            slot_differs: 0.25,
            style_alike: 0.6,
            anomalies: 0.032,
            games_median: 32.0,
            wild: [0.03, 0.2, 0.1],
            ..Self::base()
        }
    }

    /// Account number `number` with its label, as a line of an evidence file would say it.
    pub(crate) fn account(&self, seed: u64, number: u64) -> Evidence {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number << 20) ^ 77);
        let chance = &mut chance;
        let story = self.story(chance);
        let games = (self.games_median * (0.7 * chance.normal()).exp()).clamp(8.0, 250.0) as usize;
        let mut evidence = self.life(seed, story, games, chance);
        evidence.account_id = format!("{}/{number}", self.name);
        self.forget(&mut evidence, chance);
        evidence
    }

    fn story(&self, chance: &mut Chance) -> Story {
        const SHARES: [f64; 14] =
            [32., 12., 8., 9., 6., 5., 6., 6., 5., 3., 0.045, 0.016, 0.012, 0.033];
        let honest: f64 = SHARES[..10].iter().sum();
        let others: f64 = SHARES[10..].iter().sum();
        let (mut left, stories) = if chance.below(self.anomalies) {
            (chance.unit() * others, 10..14)
        } else {
            (chance.unit() * honest, 0..10)
        };
        let last = stories.end - 1;
        for place in stories {
            left -= SHARES[place];
            if left <= 0.0 {
                return Story::ALL[place];
            }
        }
        Story::ALL[last]
    }

    fn life(&self, seed: u64, story: Story, games: usize, chance: &mut Chance) -> Evidence {
        let mut owner = Hands::new(3.4 + 1.3 * chance.normal(), chance);
        owner.strength = owner.strength.clamp(0.2, 7.5);
        let mut other: Option<Hands> = None;
        let mut turns = vec![false; games];
        let mut thrown = vec![false; games];
        let mut m = owner.strength + 0.25 * chance.normal();
        let mut r = m + 0.3 * chance.normal();
        let mut age = 120.0;
        let mut level = (140.0 * (self.old_levels * chance.normal()).exp()).max(30.0);
        let (mut drift, mut learning, mut rust, mut bots) = (0.0, 0.0, 0.0, 0);
        let (mut partner, mut known, mut favourite) = ((0.0, 0.0), true, 0.0);
        if matches!(story, Story::Stable) && chance.below(0.3) {
            partner = (0.3, 0.3 * chance.normal());
        }
        let new = |median: f64, chance: &mut Chance| {
            30.0 + (median - 30.0) * (0.7 * chance.normal()).exp()
        };
        match story {
            Story::Stable => drift = chance.between(-0.0015, 0.0015),
            Story::Improving => drift = chance.between(0.006, 0.02),
            Story::Returning => {
                m = owner.strength - chance.between(0.6, 2.0);
                r = m - chance.between(0.0, 0.6);
                rust = chance.between(0.5, 1.5);
                age = 25.0;
                level = level.max(60.0);
            }
            Story::OneTrick => {
                favourite = 0.85;
                m += 0.5;
                r += 0.5;
            }
            Story::Newbie => {
                owner.strength = (0.7 + 0.7 * chance.normal()).max(-0.5);
                m = 2.0 + 0.4 * chance.normal();
                r = m - chance.between(0.0, 0.6);
                learning = chance.between(0.1, 0.25);
                level = new(44.0, chance);
                (age, known) = (0.0, false);
            }
            Story::NormalsVet => {
                r = m - chance.between(0.3, 1.0);
                level = 150.0 * (0.4 * chance.normal()).exp();
                age = 4.0;
            }
            Story::DuoCarried => partner = (chance.between(0.5, 0.9), chance.between(1.0, 2.5)),
            Story::OffRole => owner.wanders = 0.6,
            Story::RoleSwap => {
                let mut after = owner.clone();
                after.role = (owner.role + 1 + chance.to(4)) % 5;
                after.favourites = chance.champions(after.role);
                if chance.below(0.15) {
                    after.slot = 1 - after.slot;
                }
                other = Some(after);
                turns[chance.to(games / 2) + games / 4..].fill(true);
            }
            Story::AltOk => {
                level = new(43.0, chance);
                r = m - chance.between(0.0, 0.5);
                owner.experienced = true;
                (age, known) = (0.0, false);
            }
            Story::Smurf => {
                let start = (2.0 + 0.7 * chance.normal()).clamp(0.2, 4.5);
                let gap = (self.gap + 0.8 * chance.normal()).max(1.5);
                owner.strength = start + gap;
                owner.experienced = true;
                m = start + 0.3 * gap;
                r = m - chance.between(0.0, 0.8);
                level = self.level_factor * new(37.0, chance);
                (age, known) = (0.0, false);
            }
            Story::Deranker => {
                let gap = chance.between(1.8, 3.5) * self.gap / 2.6;
                owner.strength = owner.strength.max(gap + 0.4);
                m = owner.strength - gap + 0.2 * chance.normal();
                r = owner.strength - gap;
                let mut at = chance.to(8);
                while at < games {
                    let end = (at + 2 + chance.to(5)).min(games);
                    thrown[at..end].fill(true);
                    at = end + 3 + chance.to(12);
                }
            }
            Story::Bought => {
                let mut buyer = Hands::new(4.6 + 0.5 * chance.normal(), chance);
                buyer.experienced = true;
                owner.strength = 0.3;
                bots = chance.to(13).min(games / 2);
                turns[bots..].fill(true);
                other = Some(buyer);
                r = chance.between(0.2, 1.8);
                m = r + 0.3;
                level = chance.between(30.0, 38.0);
                (age, known) = (0.0, false);
            }
            Story::Shared => {
                let gap = (self.second_gap + 0.5 * chance.normal()).max(0.5);
                let mut second = Hands::new(owner.strength + gap, chance);
                second.experienced = true;
                second.slot =
                    if chance.below(self.slot_differs) { 1 - owner.slot } else { owner.slot };
                if chance.below(self.style_alike) {
                    for stat in 0..STATS {
                        second.style[stat] = 0.5 * (second.style[stat] + owner.style[stat]);
                    }
                }
                other = Some(second);
                for _ in 0..=chance.to(3) {
                    let length = ((games as f64 * chance.between(0.12, 0.30)) as usize).max(2);
                    let from = chance.to(games - length + 1);
                    turns[from..from + length].fill(true);
                }
            }
        }

        let mut played: Vec<(u32, u32)> = Vec::new();
        let mut form = 0.0;
        let mut day = chance.to(40) as i64;
        let mut today: Vec<f64> = Vec::new();
        let mut evidence = Evidence {
            account_id: String::new(),
            account_level: Some(level.round() as u32),
            label: Some(story.key().to_owned()),
            ranks: Vec::new(),
            games: Vec::new(),
        };
        for place in 0..games {
            let hands = if turns[place] { other.as_ref().unwrap_or(&owner) } else { &owner };
            if today.is_empty() {
                day += 1 + chance.to(2) as i64;
                today = (0..1 + chance.to(5)).map(|_| hands.hour + 2.0 * chance.normal()).collect();
                today.sort_by(|a, b| b.total_cmp(a));
                if day % 3 == 0 {
                    evidence.ranks.push(shown(at(day, 5.0), r));
                }
            }
            let hour = today.pop().expect("a day has games").clamp(6.0, 29.5);
            let t = place as f64;
            form = 0.6 * form + 0.8 * self.wild[1] * chance.normal();
            let wandered = chance.below(hands.wanders);
            let role = if wandered { chance.to(5) } else { hands.role };
            let champion = if wandered {
                (role * 30 + chance.to(30)) as u32
            } else if chance.below(favourite) {
                hands.favourites[0]
            } else {
                let wide = hands.favourites.len() as f64;
                hands.favourites[(chance.unit() * chance.unit() * wide) as usize]
            };
            let before = match played.iter_mut().find(|(seen, _)| *seen == champion) {
                Some((_, count)) => {
                    *count += 1;
                    *count - 1
                }
                None => {
                    let first = if known && owner.favourites.contains(&champion) {
                        (30.0 * chance.exponential()) as u32
                    } else {
                        chance.to(3) as u32
                    };
                    played.push((champion, first + 1));
                    first
                }
            };
            let practice = f64::from(before) + if hands.experienced { 50.0 } else { 0.0 };
            let mut skill = hands.strength + form - 0.4 * (-practice / 10.0).exp();
            if role != hands.role {
                skill -= 0.5;
            }
            if !turns[place] {
                skill += drift * t + learning * (1.0 + t).ln() - rust * (-t / 15.0).exp();
            }
            if champion == hands.favourites[0] && favourite > 0.0 {
                skill += 0.55;
            }
            let duo = chance.below(partner.0);
            let mut edge = skill - m;
            if thrown[place] {
                edge = -5.0;
            }
            let pull = edge + if duo { 0.8 * partner.1 } else { 0.0 };
            let win = chance.below(1.0 / (1.0 + (-self.beta * pull).exp()));
            let z = self.numbers(seed, hands, champion, edge, win, place < bots, day, chance);
            evidence.games.push(game(role, champion, win, m, &z, at(day, hour), chance));
            let game = evidence.games.last_mut().expect("just pushed");
            game.flash_slot = Some(hands.slot);
            game.rank_tier_value = Some((r * 400.0).round() as f32 / 400.0);
            game.lobby_tier_value = (!chance.below(0.04)).then(|| {
                ((m + 0.35 * chance.normal()).clamp(0.0, 10.0) * 100.0).round() as f32 / 100.0
            });
            game.champion_games_before = Some(before);
            game.duo = Some(duo);
            let step = 0.055 + 0.245 * (-(age + t) / 12.0_f64).exp();
            m += if win { step } else { -step };
            let lean = (0.35 * (m - r)).clamp(-0.9, 0.9);
            r += if win { 0.055 * (1.0 + lean) } else { -0.05 * (1.0 - lean) };
            r = r.clamp(0.0, 9.8);
        }
        evidence.games.sort_by_key(|game| game.at);
        evidence
    }

    #[expect(clippy::too_many_arguments, reason = "everything that one game's numbers rest on")]
    fn numbers(
        &self,
        seed: u64,
        hands: &Hands,
        champion: u32,
        edge: f64,
        win: bool,
        script: bool,
        day: i64,
        chance: &mut Chance,
    ) -> [f64; STATS] {
        const SIGNAL: [f64; STATS] = [0.25, -0.18, 0.05, 0.32, 0.30, 0.22, 0.12, 0.06, 0.38, 0.28];
        const WIN: [f64; STATS] = [0.59, -0.79, 0.74, 0.2, 1.01, 0.4, 0.15, 0.1, 0.1, 0.3];
        // One thing in common, which games that go well have much of, and a second for lane play.
        const SNOWBALL: [f64; STATS] = [0.85, -0.1, 0.1, 0.25, 0.8, 0.75, 0.0, 0.4, 0.1, 0.6];
        const LANE: [f64; STATS] = [0.0, -0.2, -0.2, 0.8, 0.4, 0.1, 0.1, -0.1, 0.8, 0.1];
        let common = [chance.normal(), chance.normal()];
        let wild = if chance.below(self.wild[0]) { 3.0 } else { 1.0 };
        let even = if script { 0.5 } else { 1.0 };
        let mut fixed = Chance(seed ^ (u64::from(champion) << 32) ^ 0xABCD);
        let mut patch = Chance(seed ^ 0x1234);
        std::array::from_fn(|stat| {
            let own = (1.0 - SNOWBALL[stat].powi(2) - LANE[stat].powi(2)).max(0.05).sqrt();
            let noise = SNOWBALL[stat] * common[0] + LANE[stat] * common[1] + own * chance.normal();
            let moved = self.wild[2] * patch.normal();
            self.signal * SIGNAL[stat] * edge.max(-3.0)
                + hands.style[stat]
                + 0.2 * fixed.normal()
                + if day > 30 { moved } else { 0.0 }
                + WIN[stat] * if win { 0.5 } else { -0.5 }
                + wild * even * noise
        })
    }

    fn forget(&self, evidence: &mut Evidence, chance: &mut Chance) {
        let lacks: [bool; 11] = std::array::from_fn(|_| chance.below(self.missing));
        for game in &mut evidence.games {
            game.vision_score.take_if(|_| lacks[0]);
            game.kill_participation.take_if(|_| lacks[1]);
            game.cs_at_10.take_if(|_| lacks[2]);
            game.solo_kills.take_if(|_| lacks[3]);
            game.flash_slot.take_if(|_| lacks[4]);
            game.rank_tier_value.take_if(|_| lacks[5]);
            game.lobby_tier_value.take_if(|_| lacks[6]);
            game.champion_games_before.take_if(|_| lacks[7]);
            game.duo.take_if(|_| lacks[8]);
        }
        if lacks[9] {
            evidence.ranks.clear();
        }
        evidence.account_level.take_if(|_| lacks[10]);
    }
}

/// Somebody who plays.
#[derive(Debug, Clone)]
struct Hands {
    strength: f64,
    style: [f64; STATS],
    role: usize,
    /// Share of games in any role.
    wanders: f64,
    favourites: Vec<u32>,
    experienced: bool,
    hour: f64,
    slot: u8,
}

impl Hands {
    fn new(strength: f64, chance: &mut Chance) -> Self {
        let role = chance.to(5);
        Self {
            strength,
            style: std::array::from_fn(|_| 0.33 * chance.normal()),
            role,
            wanders: chance.between(0.03, 0.3),
            favourites: chance.champions(role),
            experienced: false,
            hour: 18.5 + 3.0 * chance.normal(),
            slot: u8::from(chance.below(0.5)),
        }
    }
}

/// Tiers Iron to Master by role Top to Utility: (kills + assists) / deaths, cs, gold, damage and
/// vision a minute, at Iron and at Master with Gold between; the rest lies on the lines between.
const IRON: [[f64; 5]; 5] = [
    [1.56, 2.29, 1.93, 1.98, 2.46],
    [5.10, 5.88, 5.08, 5.27, 1.39],
    [382.0, 391.0, 384.0, 402.0, 270.0],
    [664.0, 578.0, 693.0, 702.0, 338.0],
    [0.43, 0.61, 0.47, 0.42, 1.75],
];
const GOLD: [[f64; 5]; 5] = [
    [1.70, 2.50, 2.11, 2.17, 2.69],
    [6.60, 6.34, 6.57, 6.83, 1.12],
    [401.0, 411.0, 403.0, 423.0, 284.0],
    [758.0, 660.0, 792.0, 802.0, 386.0],
    [0.51, 0.71, 0.55, 0.50, 2.06],
];
const MASTER: [[f64; 5]; 5] = [
    [1.99, 2.93, 2.46, 2.54, 3.15],
    [7.24, 6.60, 7.21, 7.49, 1.05],
    [414.0, 424.0, 417.0, 437.0, 293.0],
    [806.0, 701.0, 842.0, 852.0, 410.0],
    [0.58, 0.82, 0.63, 0.57, 2.36],
];
const SPREAD: [[f64; 5]; STATS] = [
    [3.7, 4.5, 4.3, 4.8, 2.4],
    [3.1, 3.1, 3.1, 3.0, 3.2],
    [4.0, 5.0, 4.4, 4.1, 7.2],
    [1.21, 1.20, 1.16, 1.07, 0.44],
    [70.0, 68.0, 65.0, 73.0, 43.0],
    [282.0, 283.0, 287.0, 333.0, 199.0],
    [0.19, 0.30, 0.22, 0.21, 0.56],
    [0.14, 0.15, 0.15, 0.15, 0.14],
    [14.0, 12.0, 14.0, 13.0, 5.0],
    [1.5, 1.0, 1.5, 1.2, 0.5],
];
const KILLS: [f64; 5] = [6.2, 7.0, 7.2, 7.4, 2.0];
const DEATHS: [f64; 5] = [6.4, 5.6, 6.0, 6.0, 5.9];
const PARTICIPATION: [f64; 5] = [0.36, 0.52, 0.44, 0.46, 0.56];
const CS_AT_10: [f64; 5] = [74.0, 61.0, 75.0, 71.0, 13.0];
const SOLO: [f64; 5] = [1.4, 0.8, 1.3, 0.6, 0.2];

fn game(
    role: usize,
    champion: u32,
    win: bool,
    m: f64,
    z: &[f64; STATS],
    at: DateTime<chrono::Utc>,
    chance: &mut Chance,
) -> Game {
    let tier = m.clamp(0.0, 7.0);
    let mean = |row: usize| {
        let (low, high, part) = if tier < 3.0 {
            (IRON[row][role], GOLD[row][role], tier / 3.0)
        } else {
            (GOLD[row][role], MASTER[row][role], (tier - 3.0) / 4.0)
        };
        low + part * (high - low)
    };
    // Deaths stay, so that assists make the ratio.
    let assists = (mean(0) * DEATHS[role] - KILLS[role]).max(1.0);
    let usual = [
        KILLS[role],
        DEATHS[role],
        assists,
        mean(1),
        mean(2),
        mean(3),
        mean(4),
        PARTICIPATION[role],
        CS_AT_10[role] * mean(1) / MASTER[1][role],
        SOLO[role],
    ];
    let x: [f64; STATS] =
        std::array::from_fn(|stat| (usual[stat] + SPREAD[stat][role] * z[stat]).max(0.0));
    let minutes =
        ((if tier < 3.0 { 30.7 } else { 28.6 }) + 6.2 * chance.normal()).clamp(15.1, 60.0);
    Game {
        at,
        duration_s: (60.0 * minutes) as u32,
        queue: QueueId::RANKED_SOLO,
        role: Role::ALL[role],
        champion_id: champion + 100,
        win,
        kills: x[0].round() as f32,
        deaths: x[1].round() as f32,
        assists: x[2].round() as f32,
        cs: (x[3] * minutes).round() as f32,
        gold: (x[4] * minutes).round() as f32,
        damage_to_champions: (x[5] * minutes).round() as f32,
        vision_score: Some((x[6] * minutes).round() as f32),
        kill_participation: Some(x[7].min(1.0) as f32),
        cs_at_10: Some(x[8].round() as f32),
        solo_kills: Some(x[9].round() as f32),
        flash_slot: None,
        rank_tier_value: None,
        lobby_tier_value: None,
        champion_games_before: None,
        duo: None,
    }
}

fn at(day: i64, hour: f64) -> DateTime<chrono::Utc> {
    let first = DateTime::from_timestamp(1_780_000_000, 0).expect("a valid time");
    first + Duration::days(day) + Duration::seconds((hour * 3600.0) as i64)
}

fn shown(at: DateTime<chrono::Utc>, r: f64) -> RankPoint {
    if r >= 7.0 {
        let league_points = ((r - 7.0) * 400.0) as i32;
        return RankPoint { at, tier: Tier::Master, division: Some(Division::I), league_points };
    }
    let points = (r * 400.0) as usize;
    RankPoint {
        at,
        tier: Tier::LADDER[points / 400].clone(),
        division: Some(Division::ALL[points % 400 / 100]),
        league_points: (points % 100) as i32,
    }
}

/// SplitMix64: another source of chance than the first generator's.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    fn below(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn to(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    fn champions(&mut self, role: usize) -> Vec<u32> {
        let count = 2 + self.to(8);
        (0..count).map(|_| (role * 30 + self.to(30)) as u32).collect()
    }
}
