//! Reports as tables for people.

use std::fmt;

use super::{PartReport, Report, SetReport};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "model {}", self.model_version)?;
        for set in &self.sets {
            write!(f, "\n{set}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} accounts, {:.1} % unusual, prior {:.1} %",
            self.name,
            self.accounts,
            100.0 * self.anomalies,
            100.0 * self.prior
        )?;
        if self.refused > 0 {
            writeln!(f, "  {} lines could not be read and are left out", self.refused)?;
        }
        writeln!(
            f,
            "  {:<22} {:>8} {:>6} {:>6} {:>6} {:>6} {:>8} {:>8}  {:^22}  {:^22}",
            "", "", "", "", "", "", "", "", "at p >= .5", "at p >= .8"
        )?;
        writeln!(
            f,
            "  {:<22} {:>8} {:>6} {:>6} {:>6} {:>6} {:>8} {:>8}  {:>6} {:>6} {:>8}  {:>6} {:>6} {:>8}",
            "",
            "accounts",
            "AUC",
            "AP",
            "Brier",
            "ECE",
            "FPR@R50",
            "FPR@R80",
            "prec.",
            "recall",
            "FPR",
            "prec.",
            "recall",
            "FPR"
        )?;
        let all = |name: &str, metrics| PartReport {
            name: name.to_owned(),
            accounts: self.accounts,
            metrics,
        };
        line(f, &all("story-1", self.overall))?;
        line(f, &all("legacy-9", self.legacy))?;
        let games = self
            .by_games
            .iter()
            .map(|part| PartReport { name: format!("{} games", part.name), ..part.clone() });
        for part in games.chain(self.newest.clone()).chain(self.without.clone()) {
            line(f, &part)?;
        }
        if let Some(coverage) = self.interval_coverage {
            writeln!(f, "  80 % intervals cover {:.1} %", 100.0 * coverage)?;
        }
        writeln!(
            f,
            "  {:<22} {:>8} {:>8} {:>8} {:>8}",
            "story", "accounts", "mean p", "p>=.8", "unusual"
        )?;
        for story in &self.by_story {
            writeln!(
                f,
                "  {:<22} {:>8} {:>8.4} {:>7.2}% {:>7.2}%",
                story.story.key(),
                story.accounts,
                story.mean_p,
                100.0 * story.at_80,
                100.0 * story.unusual
            )?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, part: &PartReport) -> fmt::Result {
    let Some(metrics) = &part.metrics else {
        return writeln!(f, "  {:<22} {:>8}", part.name, part.accounts);
    };
    write!(
        f,
        "  {:<22} {:>8} {:>6.3} {:>6.3} {:>6.4} {:>6.4} {:>7.2}% {:>7.2}%",
        part.name,
        part.accounts,
        metrics.auc,
        metrics.average_precision,
        metrics.brier,
        metrics.calibration_error,
        100.0 * metrics.false_positives_at_recall_50,
        100.0 * metrics.false_positives_at_recall_80,
    )?;
    for at in [metrics.at_50, metrics.at_80] {
        write!(
            f,
            "  {:>5.1}% {:>5.1}% {:>7.3}%",
            100.0 * at.precision,
            100.0 * at.recall,
            100.0 * at.false_positives
        )?;
    }
    writeln!(f)
}
