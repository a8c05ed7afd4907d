//! What a model must reach before it ships, on worlds, parameters and seeds it was not fitted on.
//!
//! The thresholds are those of the design. The worlds are generated, so that these gates compare
//! models with each other; they say nothing about live accounts.

use riftwatch_detection::evaluate::{self, Metrics, SetReport};
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Evidence, Model, Priors, Story, assess};

/// Frozen: changing a seed changes what is compared.
const SEED: u64 = evaluate::SEED;
const ACCOUNTS: u64 = 12_000;

struct Gate {
    world: World,
    auc: f64,
    average_precision: f64,
    false_positives_at_recall_80: f64,
}

fn gates() -> Vec<Gate> {
    let gate = |world, auc, average_precision, false_positives_at_recall_80| Gate {
        world,
        auc,
        average_precision,
        false_positives_at_recall_80,
    };
    vec![
        gate(World::base(), 0.97, 0.88, 0.01),
        gate(World::weak_signal(), 0.96, 0.0, 1.0),
        gate(World::few_games(), 0.96, 0.0, 1.0),
        gate(World::smurf_level(), 0.97, 0.0, 1.0),
        gate(World::hard(), 0.93, 0.65, 0.07),
        gate(World::rare(), 0.97, 0.85, 0.01),
        gate(World::same_booster(), 0.97, 0.88, 0.01),
        gate(World::heavy_tails(), 0.97, 0.88, 0.02),
    ]
}

fn metrics(report: &SetReport) -> &Metrics {
    report.overall.as_ref().expect("every world has accounts of both sorts")
}

#[test]
fn every_world_within_range_passes_its_gates() {
    let mut failures = Vec::new();
    for (place, gate) in gates().into_iter().enumerate() {
        let name = gate.world.name.clone();
        let seed = SEED + place as u64;
        // Rare stories need more accounts for a steady figure.
        let accounts = if gate.world.anomalies < 0.05 { 2 * ACCOUNTS } else { ACCOUNTS };
        let report = evaluate::world(Model::default_model(), gate.world, seed, accounts);
        let story = metrics(&report);
        let legacy = report.legacy.as_ref().expect("both sorts");
        let coverage = report.interval_coverage.expect("most accounts have an interval");
        println!(
            "{name}: AUC {:.3}, AP {:.3}, FPR@R80 {:.2} %, ECE {:.4}, FPR at .8 {:.3} %, coverage {:.1} %; legacy AUC {:.3}, AP {:.3}",
            story.auc,
            story.average_precision,
            100.0 * story.false_positives_at_recall_80,
            story.calibration_error,
            100.0 * story.at_80.false_positives,
            100.0 * coverage,
            legacy.auc,
            legacy.average_precision,
        );
        let mut check = |holds: bool, what: &str| {
            if !holds {
                failures.push(format!("{name}: {what}"));
            }
        };
        check(story.auc >= gate.auc, "AUC");
        check(story.average_precision >= gate.average_precision, "average precision");
        check(
            story.false_positives_at_recall_80 <= gate.false_positives_at_recall_80,
            "false positives at 80 % recall",
        );
        check(story.calibration_error <= 0.025, "calibration error");
        check(story.at_80.false_positives <= 0.003, "false positives at p >= .8");
        check((0.78..=0.90).contains(&coverage), "interval coverage");
        check(story.auc > legacy.auc + 0.3, "no better than the old score");
    }
    assert_eq!(failures, Vec::<String>::new());
}

/// Share of accounts of a story with p ≥ 0.8 at the given prior.
fn flagged(story: Story, accounts: u64, priors: &Priors) -> f64 {
    let world = Generator::new(World::base(), SEED + 100);
    let count = (0..accounts)
        .filter(|number| {
            let evidence = world.account_of(*number, story, None);
            assess(Model::default_model(), &evidence, priors).p_any >= 0.8
        })
        .count();
    count as f64 / accounts as f64
}

#[test]
fn innocent_stories_are_hardly_ever_flagged_at_the_default_prior() {
    let mut failures = Vec::new();
    for story in Story::ALL.into_iter().filter(|story| story.is_honest()) {
        let most = if story == Story::NormalsVet { 0.03 } else { 0.005 };
        let share = flagged(story, 4_000, &Priors::default());
        println!("{story}: {:.3} %", 100.0 * share);
        if share > most {
            failures.push(format!("{story}: {share}"));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn fair_coins_are_flagged_at_most_at_the_stated_rate_whatever_their_number() {
    let world = Generator::new(World::base(), SEED + 200);
    let priors = Priors { anomalies: World::base().anomalies, told: None };
    for games in [8, 12, 20, 40, 80, 150, 200] {
        let accounts = 1_500;
        let flagged = (0..accounts)
            .filter(|number| {
                // Somebody at the rank that fits, whose games are won by the toss of a coin.
                let mut evidence = world.account_of(*number, Story::Stable, Some(games));
                toss(&mut evidence, *number);
                assess(Model::default_model(), &evidence, &priors).p_any >= 0.8
            })
            .count();
        let share = flagged as f64 / accounts as f64;
        assert!(share <= 0.003, "{games} games: {share}");
    }
}

fn toss(evidence: &mut Evidence, number: u64) {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5555;
    for game in &mut evidence.games {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        game.win = state >> 63 == 1;
    }
}
