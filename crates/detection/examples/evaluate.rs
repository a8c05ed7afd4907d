//! Evaluates a model on every named world: `evaluate [MODEL.json] [ACCOUNTS] [SEED]`.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use riftwatch_detection::{Model, evaluate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = match arguments.next() {
        Some(path) => Model::from_json(&std::fs::read_to_string(path)?)?,
        None => Model::default_model().clone(),
    };
    let accounts = arguments.next().map_or(Ok(evaluate::ACCOUNTS), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(evaluate::SEED), |text| text.parse())?;
    println!("{}", evaluate::named_worlds(&model, seed, accounts));
    Ok(())
}
