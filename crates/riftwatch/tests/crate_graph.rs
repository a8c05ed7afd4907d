//! The layers of docs/ARCHITECTURE.md, as a test: no crate depends on one that is beside or above
//! it, and what marks a layer stays in its crate.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate may use of ours. An edge that is not here needs a reason, and a line here.
const ALLOWED: &[(&str, &[&str])] = &[
    ("riftwatch-domain", &[]),
    ("riftwatch-store", &["domain"]),
    ("riftwatch-riot", &["domain"]),
    ("riftwatch-detection", &["domain"]),
    ("riftwatch-app", &["domain", "store", "riot", "detection"]),
    ("riftwatch-runner", &["domain", "store"]),
    ("riftwatch-jobs", &["domain", "store", "riot", "app", "runner"]),
    ("riftwatch-http", &["domain", "store", "riot", "app", "runner"]),
    ("riftwatch-dashboard", &["domain", "store", "riot", "app", "runner", "http"]),
    // Beside the layers: its world follows the tables and parameters of detection's worlds.
    ("riftwatch-sim", &["domain", "detection"]),
    ("riftwatch-testkit", &["domain", "store"]),
    (
        "riftwatch",
        &[
            "domain",
            "store",
            "riot",
            "detection",
            "app",
            "runner",
            "jobs",
            "http",
            "dashboard",
            "sim",
        ],
    ),
];

/// Dependencies that mark a layer, and who may name them.
const MARKERS: &[(&str, &[&str])] = &[
    ("actix-web", &["riftwatch-http", "riftwatch-dashboard", "riftwatch-sim", "riftwatch"]),
    ("apalis", &["riftwatch-runner"]),
    ("apalis-core", &["riftwatch-runner"]),
    ("diesel", &["riftwatch-store", "riftwatch-testkit"]),
    ("diesel-async", &["riftwatch-store", "riftwatch-testkit"]),
    // The program's commands ask the API.
    ("reqwest", &["riftwatch-riot", "riftwatch"]),
    ("config", &["riftwatch"]),
];

/// Our crates, each with its normal dependencies.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("a name").to_owned();
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().expect("a name").to_owned())
                .collect();
            (name, normal)
        })
        .collect()
}

#[test]
fn arrows_between_crates_go_down() {
    let graph = dependencies();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = graph.keys().map(String::as_str).collect();
    assert_eq!(found, known, "a crate came or went: give it a line in ALLOWED");
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<String> =
            allowed.iter().map(|short| format!("riftwatch-{short}")).collect();
        for dependency in graph[*name].iter().filter(|name| name.starts_with("riftwatch")) {
            assert!(allowed.contains(dependency), "{name} may not use {dependency}");
        }
    }
}

#[test]
fn what_marks_a_layer_stays_in_it() {
    for (name, dependencies) in dependencies() {
        for (marker, owners) in MARKERS {
            assert!(
                !dependencies.contains(*marker) || owners.contains(&name.as_str()),
                "{name} may not use {marker}"
            );
        }
    }
}
