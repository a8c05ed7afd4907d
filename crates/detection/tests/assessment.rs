//! The assessment as callers see it.

use riftwatch_detection::statistics::Statistics;
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Assessment, Evidence, Model, Priors, Story, Verdict, assess, scan};

fn model() -> &'static Model {
    Model::default_model()
}

fn of(story: Story, number: u64, games: usize) -> Evidence {
    Generator::new(World::base(), 77).account_of(number, story, Some(games))
}

fn assessed(evidence: &Evidence) -> Assessment {
    assess(model(), evidence, &Priors::default())
}

#[test]
fn probabilities_are_consistent_with_each_other() {
    for story in Story::ALL {
        for number in 0..40 {
            let found = assessed(&of(story, number, 8 + 3 * number as usize));
            let total: f64 = found.story_posterior.values().sum();
            assert!((total - 1.0).abs() < 1e-9, "{total}");
            let unusual: f64 = found
                .story_posterior
                .iter()
                .filter(|(story, _)| !story.is_honest())
                .map(|(_, p)| p)
                .sum();
            assert!((unusual - found.p_any).abs() < 1e-9);
            assert!(found.p_smurf <= found.p_any + 1e-12 && found.p_shared <= found.p_any + 1e-12);
            let [low, high] = found.interval_80;
            assert!(low <= found.p_any && found.p_any <= high, "{:?}", found.interval_80);
            assert_eq!(found.factors.len(), 17);
            assert!(found.innocent_story.story.is_honest());
        }
    }
}

#[test]
fn an_assessment_reads_back_from_its_json_and_has_the_names_of_the_format() {
    let found = assessed(&of(Story::Smurf, 3, 50));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(serde_json::from_value::<Assessment>(json.clone()).unwrap(), found);
    for name in [
        "account_id",
        "p_any",
        "p_smurf",
        "p_shared",
        "interval_80",
        "verdict",
        "story_posterior",
        "factors",
        "legacy_score",
        "legacy_factors",
        "games",
        "model_version",
        "prior",
    ] {
        assert!(json.get(name).is_some(), "{name}");
    }
    for name in ["key", "value", "baseline", "contribution_nats", "sentence"] {
        assert!(json["factors"][0].get(name).is_some(), "{name}");
    }
    assert!(json["story_posterior"]["normals_vet"].is_number());
}

#[test]
fn contributions_add_up_to_the_odds_against_the_best_innocent_mixture() {
    // Doubling the evidence of one factor alone would move the log-odds by what it contributes, to
    // first order; here the sign of the sum is what must agree with the verdict.
    let sum = |evidence: &Evidence| -> f64 {
        assessed(evidence).factors.iter().map(|factor| factor.contribution_nats).sum()
    };
    let smurf = (0..20).map(|number| sum(&of(Story::Smurf, number, 60))).sum::<f64>() / 20.0;
    let stable = (0..20).map(|number| sum(&of(Story::Stable, number, 60))).sum::<f64>() / 20.0;
    assert!(smurf > 2.0, "{smurf}");
    assert!(stable < 0.0, "{stable}");
}

#[test]
fn reasons_are_at_most_three_a_side_and_the_strongest_come_first() {
    let found = assessed(&of(Story::Smurf, 5, 60));
    for (reasons, sign) in [(found.reasons_for(), 1.0), (found.reasons_against(), -1.0)] {
        assert!(reasons.len() <= 3);
        assert!(reasons.iter().all(|reason| sign * reason.contribution_nats > 0.0));
        assert!(
            reasons
                .is_sorted_by(|a, b| { sign * a.contribution_nats >= sign * b.contribution_nats })
        );
    }
}

#[test]
fn seven_games_are_not_enough_and_say_so() {
    let found = assessed(&of(Story::Smurf, 1, 7));
    assert_eq!(found.verdict, Verdict::NotEnoughGames);
    assert_eq!(found.interval_80, [0.0, 1.0]);
    assert_eq!((found.legacy_score, found.legacy_factors), (None, None));
}

#[test]
fn an_account_of_which_nothing_is_known_stays_at_the_prior_s_side() {
    let nobody = Evidence {
        account_id: "nobody".to_owned(),
        account_level: None,
        label: None,
        ranks: vec![],
        games: vec![],
    };
    let found = assessed(&nobody);
    assert_eq!((found.games, found.games_between), (0, None));
    assert!(found.p_any < 0.05, "{}", found.p_any);
    assert!(found.factors.iter().all(|factor| factor.value.is_none()));
    assert!(found.factors.iter().all(|factor| factor.contribution_nats == 0.0));
}

#[test]
fn a_low_level_alone_never_makes_a_pattern() {
    for number in 0..60 {
        let mut evidence = of(Story::Stable, number, 50);
        evidence.account_level = Some(30);
        let found = assessed(&evidence);
        assert_ne!(found.verdict, Verdict::UnusualPattern, "{}", found.p_any);
    }
}

#[test]
fn every_optional_field_may_be_missing() {
    for number in 0..10 {
        let mut evidence = of(Story::Smurf, number, 60);
        evidence.ranks.clear();
        evidence.account_level = None;
        for game in &mut evidence.games {
            game.vision_score = None;
            game.kill_participation = None;
            game.cs_at_10 = None;
            game.solo_kills = None;
            game.flash_slot = None;
            game.rank_tier_value = None;
            game.lobby_tier_value = None;
            game.champion_games_before = None;
            game.duo = None;
        }
        let found = assessed(&evidence);
        assert!(found.p_any.is_finite());
        let missing = |key: &str| {
            found.factors.iter().find(|factor| factor.key == key).unwrap().value.is_none()
        };
        for key in
            ["account_level", "climb", "lobby_above_rank", "flash_slot", "duo_effect", "rank"]
        {
            assert!(missing(key), "{key}");
        }
        assert!(!missing("performance") && !missing("win_rate"));
    }
}

#[test]
fn games_that_do_not_count_change_nothing_but_the_legacy_score() {
    let evidence = of(Story::Shared, 4, 40);
    let mut more = evidence.clone();
    let mut short = evidence.games[10].clone();
    short.duration_s = 600;
    more.games.insert(10, short);
    let mut flex = evidence.games[20].clone();
    flex.queue.0 = 440;
    more.games.insert(20, flex);
    let (one, other) = (assessed(&evidence), assessed(&more));
    assert_eq!((one.p_any, one.factors, one.games), (other.p_any, other.factors, other.games));
}

#[test]
fn more_games_than_are_read_leave_the_newest() {
    let mut evidence = of(Story::Stable, 9, 200);
    let day = chrono::Duration::days(400);
    for round in 0..6 {
        let older: Vec<_> = evidence.games[..200]
            .iter()
            .cloned()
            .map(|mut game| {
                game.at -= day * (round + 1);
                game
            })
            .collect();
        evidence.games.splice(0..0, older);
    }
    let found = assessed(&evidence);
    assert_eq!((found.games, evidence.games.len()), (1024, 1400));
}

#[test]
fn a_higher_prior_and_a_told_story_move_the_probability_as_they_say() {
    let evidence = of(Story::Smurf, 8, 40);
    let p = |anomalies, told| assess(model(), &evidence, &Priors { anomalies, told }).p_any;
    let odds = |p: f64| p / (1.0 - p);
    let shifted = odds(p(0.10, None)) / odds(p(0.03, None));
    let expected = odds(0.10) / odds(0.03);
    assert!((shifted / expected - 1.0).abs() < 1e-6, "{shifted} {expected}");
    assert!(p(0.03, Some(Story::Returning)) < p(0.03, None));
}

#[test]
fn a_hidden_rating_is_never_shown_in_tiers() {
    // Both accounts are as unusual for their kind; the one number shown has no unit of rank.
    let found = assessed(&of(Story::Stable, 2, 60));
    let lobby = found.factors.iter().find(|factor| factor.key == "lobby_above_rank").unwrap();
    assert_eq!(lobby.baseline, Some(0.0));
    assert!(!lobby.sentence.chars().any(|c| c.is_ascii_digit()), "{}", lobby.sentence);
}

#[test]
fn the_incremental_statistics_are_those_of_the_whole() {
    let evidence = of(Story::Shared, 2, 80);
    let games = model().read(&evidence);
    let mut grown = Statistics::new(evidence.account_level);
    let ranks = evidence.games.iter().map(|game| game.rank_tier_value);
    for (place, (game, rank)) in evidence.games.iter().zip(ranks).enumerate() {
        grown.push(&model().read_game(place, game, rank));
    }
    let whole = Statistics::of(evidence.account_level, &games);
    assert_eq!(grown, whole);
    let found = scan::scan(&games, &whole);
    let quick = model().probability(&grown, found.as_ref(), &Priors::default());
    assert_eq!(quick, assessed(&evidence).p_any);
}

#[test]
fn the_scan_finds_the_stretch_that_another_pair_of_hands_played() {
    let mut games = model().read(&of(Story::Stable, 11, 60));
    for game in &mut games[20..32] {
        game.index += 2.0;
    }
    let sums = Statistics::of(None, &games);
    let found = scan::scan(&games, &sums).unwrap();
    assert!(found.distance > 4.0, "{}", found.distance);
    assert!(found.games.start.abs_diff(20) <= 2 && found.games.end.abs_diff(32) <= 2);
    assert_eq!(scan::scan(&games[..11], &sums), None);
}

#[test]
fn worlds_are_decided_by_their_seed_and_labels_match() {
    let world = Generator::new(World::hard(), 3);
    let (evidence, story) = world.account(41);
    assert_eq!(Generator::new(World::hard(), 3).account(41), (evidence.clone(), story));
    assert_ne!(Generator::new(World::hard(), 4).account(41).0.games, evidence.games);
    assert_eq!(evidence.label.as_deref(), Some(story.key()));
    assert!((6..=200).contains(&evidence.games.len()));
    let line = serde_json::to_string(&evidence).unwrap();
    assert_eq!(Evidence::parse(1, &line).unwrap(), evidence);
}
