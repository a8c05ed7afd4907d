//! What a factor says, in words.
//!
//! The words describe play and displays, compare with what is usual, and stop there: no person is
//! named by a noun, nothing is called proven, and no number stands for a hidden rating.

use super::{Measure, TABLE};

/// Evidence of less than this many nats is said to point nowhere.
const SLIGHT: f64 = 0.15;

/// A sentence for what the factor contributes: for an unusual pattern where `nats` is positive,
/// against it where negative.
pub(crate) fn sentence(factor: usize, measure: Option<&Measure>, nats: f64) -> String {
    let key = TABLE[factor].key;
    let Some(measure) = measure else { return missing(key).to_owned() };
    if nats.abs() < SLIGHT {
        return format!("{} points neither way.", subject(key, measure));
    }
    let ending = if nats > 0.0 { points_to(key) } else { points_away(key) };
    format!("{} {ending}", subject(key, measure))
}

/// What was looked at, with the figures that everybody may see.
fn subject(key: &str, measure: &Measure) -> String {
    match (key, measure) {
        ("win_rate", Measure::Count { count, of }) => format!("Winning {count} of {of} games"),
        ("early_win_rate", Measure::Count { count, of }) => {
            format!("Winning {count} of the first {of} games")
        }
        ("thrown_games", Measure::Count { count, of }) => {
            format!("Losing {count} of {of} games far below the account's own standard")
        }
        ("flash_slot", Measure::Count { count: 0, .. }) => {
            "Flash on the same key in every game".to_owned()
        }
        ("flash_slot", Measure::Count { count, of }) => {
            format!("Flash on the other key in {count} of {of} games")
        }
        ("account_level", Measure::Mean { value, .. }) => {
            format!("An account level of {:.0}", value.exp())
        }
        ("climb", Measure::Mean { value, .. }) if *value >= 0.0 => {
            format!("Gaining {:.1} divisions per ten games", 40.0 * value)
        }
        ("climb", Measure::Mean { value, .. }) => {
            format!("Dropping {:.1} divisions per ten games", -40.0 * value)
        }
        ("performance", _) => "Play compared with others in the same games".to_owned(),
        ("new_champion_performance", _) => "Play on champions new to the account".to_owned(),
        ("lobby_above_rank", _) => {
            "The company that the account is placed in, compared with its displayed rank,"
                .to_owned()
        }
        ("learning", _) => "How play changes from the first games to the last".to_owned(),
        ("behaviour_break", _) => "The most different stretch of games".to_owned(),
        ("champion_break", _) => "The choice of champions in that stretch".to_owned(),
        ("role_break", _) => "The choice of roles in that stretch".to_owned(),
        ("hours_break", _) => "The hours of play in that stretch".to_owned(),
        ("slot_performance", _) => "The difference in play between the two Flash keys".to_owned(),
        ("duo_effect", _) => "Results with the most frequent companion".to_owned(),
        ("rank", _) => "The displayed rank".to_owned(),
        _ => "This factor".to_owned(),
    }
}

fn points_to(key: &str) -> &'static str {
    match key {
        "performance" => "is further from the usual than ordinary accounts mostly are.",
        "new_champion_performance" => {
            "is more like that of somebody who knows them than is usual on such an account."
        }
        "win_rate" | "early_win_rate" => {
            "is less usual where games are matched to the account's rank."
        }
        "account_level" => {
            "is more frequent among unusual accounts; many new accounts are ordinary ones."
        }
        "climb" => "is not the pace of most accounts at a rank that fits.",
        "lobby_above_rank" => "is unusual.",
        "learning" => "is not what is usual for somebody at that stage.",
        "thrown_games" => "is more than bad days usually explain.",
        "behaviour_break" => "stands out from the rest more than form usually makes it.",
        "flash_slot" => "is rare for one pair of hands, though people do rebind keys.",
        "champion_break" | "role_break" => "differs from the rest, as if habits had changed.",
        "hours_break" => "differ from the rest, as if habits had changed.",
        "slot_performance" => "is larger than chance usually makes it.",
        "duo_effect" => "are not those of somebody whom the companion carries.",
        "rank" => "is one at which unusual patterns are somewhat more frequent.",
        _ => "is unusual.",
    }
}

fn points_away(key: &str) -> &'static str {
    match key {
        "performance" => "is as usual for an account at a rank that fits.",
        "new_champion_performance" => "is what is usual for somebody still learning them.",
        "win_rate" | "early_win_rate" => "is usual where games are matched to the account's rank.",
        "account_level" => "is one that ordinary accounts have.",
        "climb" => "is an ordinary pace.",
        "lobby_above_rank" => "is as usual.",
        "learning" => "is what practice, or returning to the game, explains well.",
        "thrown_games" => "is no more than bad days explain.",
        "behaviour_break" => "differs from the rest no more than form makes it.",
        "flash_slot" => "is what one pair of hands does.",
        "champion_break" | "role_break" => "is much as in the rest.",
        "hours_break" => "are much as in the rest.",
        "slot_performance" => "is no larger than chance makes it.",
        "duo_effect" => "explain part of the record by playing together.",
        "rank" => "is one at which unusual patterns are somewhat rarer.",
        _ => "is as usual.",
    }
}

fn missing(key: &str) -> &'static str {
    match key {
        "account_level" => "The account level is not known.",
        "climb" | "rank" => "Too few displayed ranks are known.",
        "lobby_above_rank" => "Too few ranks of others in the games are known.",
        "new_champion_performance" => "There are too few games on new champions.",
        "early_win_rate" => "There are too few games to look at the first ones apart.",
        "flash_slot" | "slot_performance" => "There are too few games with Flash on either key.",
        "champion_break" | "role_break" | "hours_break" => {
            "No stretch of games stands out enough to compare habits."
        }
        "duo_effect" => "There are too few games with, or without, a frequent companion.",
        _ => "There are too few games.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factors::Kind;
    use crate::story::Story;

    /// Words that judge a person. None of them may ever reach a reader.
    const NEVER: [&str; 10] =
        ["cheat", "smurf", "fake", "boost", "guilt", "banned", "mmr", "elo", "fraud", "suspect"];

    #[test]
    fn no_sentence_accuses_or_shows_a_hidden_rating() {
        let measures = [
            Some(Measure::Mean { value: 0.4, noise: 0.1 }),
            Some(Measure::Mean { value: -0.4, noise: 0.1 }),
            Some(Measure::Count { count: 3, of: 40 }),
            Some(Measure::Count { count: 0, of: 40 }),
            Some(Measure::Shape(3.0)),
            None,
        ];
        let mut said: Vec<String> = Story::ALL.iter().map(|story| story.words().into()).collect();
        for factor in 0..TABLE.len() {
            for measure in &measures {
                for nats in [-1.0, 0.0, 1.0] {
                    said.push(sentence(factor, measure.as_ref(), nats));
                }
            }
        }
        for sentence in said {
            let lower = sentence.to_lowercase();
            let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
            for never in NEVER {
                assert!(!words.iter().any(|word| word.starts_with(never)), "{sentence}");
            }
        }
    }

    #[test]
    fn every_factor_speaks_for_and_against_in_its_own_words() {
        for (place, factor) in TABLE.iter().enumerate() {
            let measure = match factor.kind {
                Kind::Normal => Measure::Mean { value: 1.0, noise: 0.0 },
                Kind::Count => Measure::Count { count: 3, of: 9 },
                Kind::Shape => Measure::Shape(1.0),
            };
            let [to, away, neither] =
                [1.0, -1.0, 0.0].map(|nats| sentence(place, Some(&measure), nats));
            assert_ne!(to, away, "{}", factor.key);
            assert!(neither.ends_with("points neither way."), "{neither}");
            assert!(!to.starts_with("This factor"), "{}", factor.key);
        }
    }

    #[test]
    fn figures_are_those_that_everybody_may_see() {
        let wins = Measure::Count { count: 31, of: 45 };
        assert_eq!(
            sentence(2, Some(&wins), 0.8),
            "Winning 31 of 45 games is less usual where games are matched to the account's rank."
        );
        assert_eq!(sentence(4, None, 0.0), "The account level is not known.");
    }
}
