//! Is there a stretch of games that another person seems to have played?
//!
//! The scan looks at every stretch of at least four games with at least four games outside, and
//! takes the one that differs most from the rest in four things at once: how well the games were
//! played, at what hours, in which role, and with Flash on which key. That the best of thousands of
//! stretches differs much is usual; how much is usual is learnt, not assumed.

use std::ops::Range;
use std::sync::LazyLock;

use crate::density::MOST_GAMES;
use crate::special::ln_gamma;
use crate::statistics::{Played, Statistics};

/// Games without which there is no stretch to speak of.
pub const FEWEST_GAMES: usize = 12;

const SHORTEST: usize = 4;

/// What is compared: the index, the hour as two numbers, the main role, the key of Flash.
const CHANNELS: usize = 5;

/// Variance of each coordinate of the hour, several times that of one game: sessions have their
/// own.
const HOUR_VARIANCE: f32 = 0.4;

/// The stretch of games that differs most from the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Break {
    /// Which games.
    pub games: Range<usize>,
    /// How far its mean index is above that of the rest, in standard errors.
    pub distance: f32,
    /// How differently champions are chosen inside, as log Bayes factor.
    pub champions: f32,
    /// The same for roles.
    pub roles: f32,
    /// How far apart the hours of play are, in standard errors of independent games.
    pub hours: f32,
}

/// Looks for the stretch; `None` with fewer than [`FEWEST_GAMES`]. O(n log n), some 4 µs for 60
/// games.
pub fn scan(games: &[Played], account: &Statistics) -> Option<Break> {
    let games = &games[games.len().saturating_sub(MOST_GAMES)..];
    let n = games.len();
    if n < FEWEST_GAMES {
        return None;
    }
    let sums = running_sums(games, account);
    // Most people never move Flash: then its channel is zero, and the last.
    let rebound = account.slots[1].games > 0;
    let mut squares = vec![0.0_f32; n + 1];
    let (mut best, mut stretch) = (0.0_f32, 0..SHORTEST);
    let mut length = SHORTEST;
    while length <= n - SHORTEST {
        // With the means taken out, difference² · L(n−L)/n is sum² · n/(L(n−L)).
        let weight = n as f32 / (length * (n - length)) as f32;
        let squares = &mut squares[..=n - length];
        if rebound {
            differences(&sums, length, squares);
        } else {
            differences::<4>(sums.first_chunk().expect("four of five"), length, squares);
        }
        let largest = largest(squares);
        if largest * weight > best {
            best = largest * weight;
            let start = squares.iter().position(|square| *square == largest).unwrap_or(0);
            stretch = start..start + length;
        }
        // A long stretch is found as well by one that is a twelfth longer or shorter.
        length += 1 + length / 12;
    }
    Some(compare(games, &Champions::of(games), account, stretch, &(0..0)))
}

/// The break at the stretch that was found among all `games`, with those in `left_out` gone;
/// `account` is without them too. `None` where too little of the stretch, or of the rest, is left.
///
/// For seeing how much depends on single games without looking everywhere again: a tenth of the
/// time.
pub(crate) fn without(
    games: &[Played],
    champions: &Champions,
    account: &Statistics,
    found: &Break,
    left_out: &Range<usize>,
) -> Option<Break> {
    let stretch = &found.games;
    let gone = left_out.end.min(stretch.end).saturating_sub(left_out.start.max(stretch.start));
    let inside = stretch.len() - gone;
    let outside = games.len() - left_out.len() - inside;
    (inside >= SHORTEST && outside >= SHORTEST)
        .then(|| compare(games, champions, account, stretch.clone(), left_out))
}

/// The champion of each game as a small number.
#[derive(Debug)]
pub(crate) struct Champions {
    of_game: Vec<u16>,
    count: usize,
}

impl Champions {
    pub(crate) fn of(games: &[Played]) -> Self {
        let mut known: Vec<u32> = Vec::with_capacity(32);
        let number = |game: &Played| {
            let place = known.iter().position(|champion| *champion == game.champion_id);
            place.unwrap_or_else(|| {
                known.push(game.champion_id);
                known.len() - 1
            }) as u16
        };
        let of_game = games.iter().map(number).collect();
        Self { of_game, count: known.len() }
    }
}

/// What sets a stretch apart from the other games, those in `left_out` aside.
fn compare(
    games: &[Played],
    champions: &Champions,
    account: &Statistics,
    stretch: Range<usize>,
    left_out: &Range<usize>,
) -> Break {
    // Outside, and inside.
    let mut count = [0_u32; 2];
    let mut index = [0.0_f32; 2];
    let mut hours = [[0.0_f32; 2]; 2];
    let mut roles = [[0_u32; 2]; 5];
    let mut chosen = vec![[0_u32; 2]; champions.count];
    for place in (0..left_out.start).chain(left_out.end..games.len()) {
        let game = &games[place];
        let side = usize::from(stretch.contains(&place));
        count[side] += 1;
        index[side] += game.index;
        hours[side][0] += game.hour[0];
        hours[side][1] += game.hour[1];
        roles[game.role.index()][side] += 1;
        chosen[usize::from(champions.of_game[place])][side] += 1;
    }
    let [outside, inside] = count.map(|games| games as f32);
    let worth = (inside * outside / (inside + outside)).sqrt();
    let apart = |sums: [f32; 2]| (sums[1] / inside - sums[0] / outside) * worth;
    let x = apart([hours[0][0], hours[1][0]]);
    let y = apart([hours[0][1], hours[1][1]]);
    Break {
        distance: apart(index) / (account.all.variance() as f32).sqrt(),
        champions: choice_difference(&chosen, count, &CHAMPIONS),
        roles: choice_difference(&roles, count, &ROLES),
        hours: x.hypot(y),
        games: stretch,
    }
}

/// Sums of every channel up to each game, each with mean 0 and in its standard deviations.
fn running_sums(games: &[Played], account: &Statistics) -> [Vec<f32>; CHANNELS] {
    let n = games.len() as f32;
    let mut roles = [0.0_f32; 5];
    for game in games {
        roles[game.role.index()] += 1.0;
    }
    let mut main = 0;
    for role in 1..5 {
        if roles[role] > roles[main] {
            main = role;
        }
    }
    let value = |channel: usize, game: &Played| match channel {
        0 => game.index,
        1 => game.hour[0],
        2 => game.hour[1],
        3 => f32::from(u8::from(game.role.index() == main)),
        _ => {
            f32::from(u8::from(game.flash_slot.is_some() && game.flash_slot != account.first_slot))
        }
    };
    std::array::from_fn(|channel| {
        let mean = games.iter().map(|game| value(channel, game)).sum::<f32>() / n;
        let variance = match channel {
            0 => account.all.variance() as f32,
            1 | 2 => HOUR_VARIANCE,
            // A share's own variance, and something for what one or two games would do.
            _ => mean * (1.0 - mean) + 0.1,
        };
        let scale = 1.0 / variance.sqrt();
        let mut sums = Vec::with_capacity(games.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for game in games {
            sum += scale * (value(channel, game) - mean);
            sums.push(sum);
        }
        sums
    })
}

/// Squared differences of the sums over `length` games, added over the channels, for every start.
fn differences<const COUNT: usize>(sums: &[Vec<f32>; COUNT], length: usize, squares: &mut [f32]) {
    let starts = squares.len();
    let ends: [(&[f32], &[f32]); COUNT] = std::array::from_fn(|channel| {
        (&sums[channel][..starts], &sums[channel][length..length + starts])
    });
    for (start, square) in squares.iter_mut().enumerate() {
        let mut total = 0.0;
        for (from, to) in &ends {
            let difference = to[start] - from[start];
            total += difference * difference;
        }
        *square = total;
    }
}

/// The largest of the values, eight at a time so that it is a vector.
fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut largest = [0.0_f32; 8];
    for chunk in chunks {
        for lane in 0..8 {
            largest[lane] = if chunk[lane] > largest[lane] { chunk[lane] } else { largest[lane] };
        }
    }
    rest.iter().chain(&largest).copied().fold(0.0, f32::max)
}

/// How much one thing is expected to be chosen before anything was, and ln Γ(that + count) −
/// ln Γ(that) for every count of games.
struct Concentration {
    each: f64,
    rising: LazyLock<Vec<f64>>,
}

static CHAMPIONS: Concentration =
    Concentration { each: 0.6, rising: LazyLock::new(|| rising(0.6)) };
static ROLES: Concentration = Concentration { each: 0.8, rising: LazyLock::new(|| rising(0.8)) };

fn rising(start: f64) -> Vec<f64> {
    let mut sum = 0.0;
    (0..=MOST_GAMES)
        .map(|count| {
            let before = sum;
            sum += (start + count as f64).ln();
            before
        })
        .collect()
}

/// log P(choices | two habits) − log P(choices | one habit), by Dirichlet-multinomials with the
/// given concentration on each thing that was chosen: how often outside, and inside.
fn choice_difference(chosen: &[[u32; 2]], games: [u32; 2], concentration: &Concentration) -> f32 {
    let rising = concentration.rising.as_slice();
    let (mut things, mut choices) = (0, 0.0);
    for [outside, inside] in chosen.iter().map(|both| both.map(|count| count as usize)) {
        things += usize::from(outside + inside > 0);
        choices += rising[outside] + rising[inside] - rising[outside + inside];
    }
    let whole = concentration.each * things as f64;
    let [outside, inside] = games.map(f64::from);
    let difference = choices + ln_gamma(whole) + ln_gamma(whole + outside + inside)
        - ln_gamma(whole + outside)
        - ln_gamma(whole + inside);
    difference as f32
}
