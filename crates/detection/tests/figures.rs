//! The figures of docs/DETECTION.md are those of `data/figures.json`, which
//! `riftwatch detection evaluate --accounts 30000 --json` printed for the model that ships.
//!
//! `UPDATE=1 cargo test -p riftwatch-detection --test figures` writes them into the document.

use std::fmt::Write as _;
use std::path::PathBuf;

use riftwatch_detection::Model;
use riftwatch_detection::evaluate::{Metrics, PartReport, Report, SetReport};

fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/DETECTION.md")
}

fn figures() -> Report {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/figures.json");
    let text = std::fs::read_to_string(path).expect("the figures");
    serde_json::from_str(&text).expect("a report")
}

fn three(value: f64) -> String {
    format!("{value:.3}").trim_start_matches('0').to_owned()
}

fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$} %", 100.0 * share)
}

fn metrics(set: &SetReport) -> &Metrics {
    set.overall.as_ref().expect("every world has accounts of both sorts")
}

fn worlds(report: &Report) -> String {
    let mut text = "| world | AUC | AP | Brier | ECE | FPR@R50 | FPR@R80 | ordinary at p ≥ .8 | \
        unusual at p ≥ .8 | precision there | interval covers | legacy-9 AUC / AP |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for set in &report.sets {
        let m = metrics(set);
        let legacy = set.legacy.as_ref().expect("both sorts");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {} |",
            set.name.replace('_', " "),
            three(m.auc),
            three(m.average_precision),
            three(m.brier),
            three(m.calibration_error),
            percent(m.false_positives_at_recall_50, 2),
            percent(m.false_positives_at_recall_80, 1),
            percent(m.at_80.false_positives, 2),
            percent(m.at_80.recall, 0),
            percent(m.at_80.precision, 1),
            percent(set.interval_coverage.expect("most have one"), 0),
            three(legacy.auc),
            three(legacy.average_precision),
        );
    }
    text
}

fn parts(set: &SetReport) -> String {
    let mut text = "| base | accounts | AUC | AP | ECE | FPR@R80 | ordinary at p ≥ .8 | \
        unusual at p ≥ .8 |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let all =
        PartReport { name: "everything".to_owned(), accounts: set.accounts, metrics: set.overall };
    let games = set
        .by_games
        .iter()
        .map(|part| PartReport { name: format!("{} games", part.name), ..part.clone() });
    let parts = std::iter::once(all).chain(games).chain(set.newest.clone());
    for part in parts.chain(set.without.clone()) {
        let m = part.metrics.as_ref().expect("both sorts");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            part.name.replace('_', " "),
            part.accounts,
            three(m.auc),
            three(m.average_precision),
            three(m.calibration_error),
            percent(m.false_positives_at_recall_80, 1),
            percent(m.at_80.false_positives, 2),
            percent(m.at_80.recall, 0),
        );
    }
    text
}

fn stories(report: &Report) -> String {
    let set = |name: &str| report.sets.iter().find(|set| set.name == name).expect("a named world");
    let (base, tails) = (set("base"), set("heavy_tails"));
    let mut text =
        "| true story | accounts | mean p | p ≥ .8 | called unusual | called unusual in \
        *heavy tails* |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for (story, in_tails) in base.by_story.iter().zip(&tails.by_story) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            story.story.words(),
            story.accounts,
            three(story.mean_p),
            percent(story.at_80, 2),
            percent(story.unusual, 2),
            percent(in_tails.unusual, 2),
        );
    }
    text
}

#[test]
fn the_document_has_the_figures_of_the_model_that_ships() {
    let report = figures();
    assert_eq!(report.model_version, Model::default_model().version());
    let path = document();
    let mut text = std::fs::read_to_string(&path).expect("the document");
    let before = text.clone();
    for (name, table) in [
        ("worlds", worlds(&report)),
        ("parts", parts(&report.sets[0])),
        ("stories", stories(&report)),
    ] {
        let begins = format!("<!-- figures: {name} -->\n");
        let from = text.find(&begins).expect("a place for the table") + begins.len();
        let to = from + text[from..].find("<!-- end -->").expect("its end");
        text.replace_range(from..to, &table);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the document can be written");
    } else {
        assert_eq!(before, text, "UPDATE=1 writes the figures into the document");
    }
}

/// Stored figures are of the model that ships, not of an earlier one under the same name.
#[test]
fn the_figures_are_those_that_evaluation_gives() {
    let stored = figures();
    let base = &stored.sets[0];
    let fresh = riftwatch_detection::evaluate::world(
        Model::default_model(),
        riftwatch_detection::worlds::World::base(),
        base.seed.expect("a world has one"),
        6_000,
    );
    // A fifth of the accounts, and the first of them: near, and not the same.
    let (stored, fresh) = (metrics(base), metrics(&fresh));
    assert!((stored.auc - fresh.auc).abs() < 0.006, "{} {}", stored.auc, fresh.auc);
    let precision = stored.average_precision - fresh.average_precision;
    assert!(precision.abs() < 0.02, "{precision}");
}
