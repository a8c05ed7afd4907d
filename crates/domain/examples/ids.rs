//! Text from outside becomes a type once, and what is wrong with it is said:
//! `cargo run -p riftwatch-domain --example ids -- "Name#TAG" euw1`.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "Ñandú#EUW".to_owned());
    let platform = arguments.next().unwrap_or_else(|| "euw1".to_owned());

    let riot_id: RiotId = name.parse().map_err(|error| format!("{name:?}: {error}"))?;
    let platform: Platform = platform.parse().map_err(|error| format!("{platform:?}: {error}"))?;
    println!("{} of the tag {} plays on {platform}", riot_id.game_name, riot_id.tag_line);
    println!("their matches are asked for in {}", platform.region());
    Ok(())
}
