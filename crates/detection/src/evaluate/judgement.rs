//! What is kept of one account's assessments, under all conditions that evaluation asks for.

use crate::assess::{FEWEST_GAMES, standard_error};
use crate::density;
use crate::evidence::Evidence;
use crate::factors::{self, GROUPS, Measures, TABLE};
use crate::fit::distance_of_halves;
use crate::legacy;
use crate::model::{Model, Priors};
use crate::scan;
use crate::special::{logistic, logit};
use crate::statistics::{Played, Statistics};
use crate::story::Story;

/// How many of the newest games are kept in turn.
pub(super) const NEWEST: [usize; 4] = [8, 12, 20, 40];

/// How many groups of factors are left out in turn.
pub(super) const ABLATIONS: usize = GROUPS.len();

/// One account. Log-odds are those at the model's own prior; the prior that is asked for shifts
/// them all alike.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) story: Story,
    pub(super) games: u32,
    pub(super) log_odds: f64,
    pub(super) error: f64,
    pub(super) newest: [f64; NEWEST.len()],
    pub(super) without: [f64; ABLATIONS],
    pub(super) legacy: Option<f64>,
    /// Distance between odd and even games in standard errors.
    pub(super) halves_apart: Option<f64>,
}

impl Judgement {
    pub(super) fn of(model: &Model, evidence: &Evidence, story: Story) -> Self {
        let level = evidence.account_level;
        let games = model.read(evidence);
        let priors = own_priors(model);
        let account = Statistics::of(level, &games);
        let found = scan::scan(&games, &account);
        let measures = factors::measure(&account, found.as_ref());
        let count = account.games();
        let log_odds = |measures: &Measures, games: u32| {
            let weights = model.log_weights(measures, density::bucket(games), &priors);
            model.calibrated(&weights, games, &priors)
        };
        let whole = log_odds(&measures, count);
        Self {
            story,
            games: count,
            log_odds: whole,
            error: standard_error(model, level, &games, found.as_ref(), &priors),
            newest: NEWEST.map(|newest| {
                if games.len() <= newest {
                    return whole;
                }
                let mut kept = games[games.len() - newest..].to_vec();
                for (place, game) in kept.iter_mut().enumerate() {
                    game.place = place as u32;
                }
                let (measures, count) = measures_of(level, &kept);
                log_odds(&measures, count)
            }),
            without: std::array::from_fn(|group| {
                let mut kept = measures;
                for (place, factor) in TABLE.iter().enumerate() {
                    if factor.group == GROUPS[group] {
                        kept[place] = None;
                    }
                }
                log_odds(&kept, count)
            }),
            legacy: legacy::factors(evidence).map(|factors| factors.score()),
            halves_apart: distance_of_halves(model, level, &games),
        }
    }

    /// What the log-odds are shifted by at the given prior.
    pub(super) fn shift(model: &Model, prior: f64) -> f64 {
        logit(prior) - logit(own_priors(model).anomalies)
    }

    /// Whether the verdict would be that the pattern is unusual.
    pub(super) fn is_unusual(&self, shift: f64) -> bool {
        let log_odds = self.log_odds + shift;
        self.games >= FEWEST_GAMES
            && logistic(log_odds) >= 0.8
            && logistic(log_odds - 1.281_552 * self.error) > 0.5
    }
}

fn own_priors(model: &Model) -> Priors {
    Priors { anomalies: model.anomalies(), told: None }
}

fn measures_of(account_level: Option<u32>, games: &[Played]) -> (Measures, u32) {
    let account = Statistics::of(account_level, games);
    let found = scan::scan(games, &account);
    (factors::measure(&account, found.as_ref()), account.games())
}
