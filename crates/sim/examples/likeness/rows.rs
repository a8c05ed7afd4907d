//! Rows of recorded and of generated matches, and how far apart they are.

use std::collections::BTreeSet;
use std::path::Path;

use riftwatch_domain::routing::Platform;
use riftwatch_sim::{Offline, SimConfig};
use serde_json::Value;

/// Positions in Riot's order.
pub const ROLES: [&str; 5] = ["TOP", "JUNGLE", "MIDDLE", "BOTTOM", "UTILITY"];

/// What is compared.
pub const FIELDS: [&str; 12] = [
    "kills",
    "deaths",
    "assists",
    "cs/min",
    "gold/min",
    "damage/min",
    "vision/min",
    "kill part.",
    "cs at 10",
    "solo kills",
    "minutes",
    "champ level",
];

/// A player in a match.
#[derive(Debug, Clone)]
pub struct Row {
    pub role: usize,
    /// Which match, so that the ten stay together.
    pub game: usize,
    pub values: [f64; FIELDS.len()],
}

/// The rows of a ranked match of fifteen minutes or more that has challenges; else none.
fn rows(body: &Value, game: usize) -> Vec<Row> {
    let info = &body["info"];
    let is_ranked = [420, 440].map(Value::from).contains(&info["queueId"]);
    let minutes = info["gameDuration"].as_f64().unwrap_or(0.0) / 60.0;
    if !is_ranked || info["gameEndTimestamp"].is_null() || !(15.0..120.0).contains(&minutes) {
        return Vec::new();
    }
    let players = info["participants"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |player: &Value| {
        let number = |key: &str| player[key].as_f64();
        let challenge = |key: &str| player["challenges"][key].as_f64();
        let cs = number("totalMinionsKilled")? + number("neutralMinionsKilled")?;
        let at_10 = challenge("laneMinionsFirst10Minutes")? + challenge("jungleCsBefore10Minutes")?;
        let values = [
            number("kills")?,
            number("deaths")?,
            number("assists")?,
            cs / minutes,
            number("goldEarned")? / minutes,
            number("totalDamageDealtToChampions")? / minutes,
            number("visionScore")? / minutes,
            challenge("killParticipation").unwrap_or(0.0),
            at_10,
            challenge("soloKills")?,
            minutes,
            number("champLevel")?,
        ];
        let role = ROLES.iter().position(|role| player["teamPosition"] == *role)?;
        Some(Row { role, game, values })
    };
    players.iter().filter_map(row).collect()
}

/// Rows of the recorded matches in a folder.
pub fn recorded(folder: &Path) -> Vec<Row> {
    let entries = std::fs::read_dir(folder).expect("recorded matches");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let bodies = paths
        .iter()
        .filter_map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).ok()?).ok());
    bodies.enumerate().flat_map(|(game, body)| rows(&body, game)).collect()
}

/// Rows of at most so many generated matches.
pub fn generated(seed: u64, matches: usize) -> Vec<Row> {
    let config = SimConfig {
        seed,
        players: 600,
        days: 20,
        platforms: vec![Platform::Euw1],
        ..SimConfig::default()
    };
    let world = Offline::new(&config).expect("a world");
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for account in world.truth("k") {
        let path = format!(
            "/europe/lol/match/v5/matches/by-puuid/{}/ids?type=ranked&count=20",
            account.puuid
        );
        let (_, body) = world.ask(&path, "k");
        ids.extend(serde_json::from_slice::<Vec<String>>(&body).expect("ids"));
    }
    // Spread over the whole history, and so over all tiers.
    let step = (ids.len() / matches).max(1);
    let bodies = ids.iter().step_by(step).take(matches).map(|id| {
        let (_, body) = world.ask(&format!("/europe/lol/match/v5/matches/{id}"), "k");
        serde_json::from_slice::<Value>(&body).expect("a match")
    });
    bodies.enumerate().flat_map(|(game, body)| rows(&body, game)).collect()
}

/// The values of a field in a position, in order.
pub fn sorted(rows: &[Row], role: usize, field: usize) -> Vec<f64> {
    let of_role = rows.iter().filter(|row| row.role == role);
    let mut values: Vec<f64> = of_role.map(|row| row.values[field]).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Kolmogorov and Smirnov's distance of two ordered samples: 0 the same, 1 apart.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share = |sample: &[f64], value: f64| {
        sample.partition_point(|x| *x <= value) as f64 / sample.len().max(1) as f64
    };
    let gaps = a.iter().chain(b).map(|&value| (share(a, value) - share(b, value)).abs());
    gaps.fold(0.0, f64::max)
}

/// How well a logistic regression on the values, their squares and their products tells generated
/// rows from recorded ones that it was not fitted on: 0.5 not at all, 1 always. Both sorts count the
/// same, and a match is in one half with all its rows.
pub fn told_apart(real: &[Row], made: &[Row]) -> f64 {
    let labelled: Vec<(&Row, f64)> =
        real.iter().map(|row| (row, 0.0)).chain(made.iter().map(|row| (row, 1.0))).collect();
    let (fit, test): (Vec<_>, Vec<_>) =
        labelled.into_iter().partition(|(row, _)| row.game % 2 == 0);
    let scale = Scale::of(&fit);
    let weights = regression(&fit, &scale);
    let score = |row: &Row| dot(&weights, &scale.features(row));
    let of = |label: f64| -> Vec<f64> {
        test.iter().filter(|(_, is)| *is == label).map(|(row, _)| score(row)).collect()
    };
    let (reals, mut mades) = (of(0.0), of(1.0));
    mades.sort_by(f64::total_cmp);
    let above: usize =
        reals.iter().map(|score| mades.len() - mades.partition_point(|made| made < score)).sum();
    above as f64 / (reals.len() * mades.len()).max(1) as f64
}

/// Mean and deviation of each field by position.
struct Scale([[(f64, f64); FIELDS.len()]; 5]);

impl Scale {
    fn of(rows: &[(&Row, f64)]) -> Self {
        Self(std::array::from_fn(|role| {
            std::array::from_fn(|field| {
                let values = rows.iter().filter(|(row, _)| row.role == role);
                let values: Vec<f64> = values.map(|(row, _)| row.values[field]).collect();
                moments(&values)
            })
        }))
    }

    fn features(&self, row: &Row) -> Vec<f64> {
        let z: Vec<f64> = row
            .values
            .iter()
            .zip(&self.0[row.role])
            .map(|(value, (mean, sd))| ((value - mean) / sd.max(1e-9)).clamp(-4.0, 4.0))
            .collect();
        let mut features = vec![1.0];
        for i in 0..z.len() {
            features.push(z[i]);
            features.extend((i..z.len()).map(|j| z[i] * z[j]));
        }
        features
    }
}

/// Mean and standard deviation.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weights by plain gradient descent, slightly held back.
fn regression(rows: &[(&Row, f64)], scale: &Scale) -> Vec<f64> {
    let features: Vec<(Vec<f64>, f64)> =
        rows.iter().map(|(row, label)| (scale.features(row), *label)).collect();
    let made = features.iter().filter(|(_, label)| *label == 1.0).count().max(1) as f64;
    let real = (features.len() as f64 - made).max(1.0);
    let mut weights = vec![0.0; features[0].0.len()];
    for round in 0..300 {
        let mut slope = vec![0.0; weights.len()];
        for (x, label) in &features {
            let p = 1.0 / (1.0 + (-dot(&weights, x)).exp());
            let share = if *label == 1.0 { 0.5 / made } else { 0.5 / real };
            for (slope, x) in slope.iter_mut().zip(x) {
                *slope += share * (p - label) * x;
            }
        }
        let pace = 0.3 / (1.0 + f64::from(round) / 100.0);
        for (weight, slope) in weights.iter_mut().zip(slope) {
            *weight -= pace * (slope + 0.001 * *weight);
        }
    }
    weights
}
