//! An assessment with its reasons: `cargo run -p riftwatch-detection --example explain`, for a
//! generated account; any number after `--` is another account.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Model, Priors, assess};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = std::env::args().nth(1).map_or(Ok(7), |text| text.parse())?;
    let (evidence, story) = Generator::new(World::base(), 1).account(number);
    let assessment = assess(Model::default_model(), &evidence, &Priors::default());

    let [low, high] = assessment.interval_80;
    println!(
        "{} games: {:.3} ({low:.3} to {high:.3}), {:?}",
        assessment.games, assessment.p_any, assessment.verdict
    );
    for reason in assessment.reasons_for() {
        println!("  for     {:+.2}  {}", reason.contribution_nats, reason.sentence);
    }
    for reason in assessment.reasons_against() {
        println!("  against {:+.2}  {}", reason.contribution_nats, reason.sentence);
    }
    println!("the best innocent explanation: {:?}", assessment.innocent_story);
    println!("the generator's story, which no assessment sees: {story:?}");
    Ok(())
}
