//! Fits the model that ships with the crate: `fit VERSION DATE > data/model.json`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use riftwatch_detection::fit::{Plan, fit};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(version), Some(date)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: fit VERSION DATE > data/model.json");
        std::process::exit(2);
    };
    let model = fit(&Plan::shipped(version, date), |step| eprintln!("{step} …"));
    println!("{}", model.to_json());
}
