//! Riven, an independent client of the Riot API, beside ours against the same simulator.
//!
//! ```text
//! cargo run -- load      how much of the limits each uses, how often each is refused, CPU a request
//! cargo run -- agree     whether both read the same answers alike; exit code 1 if not
//! ```
//!
//! `just bench-riven` and `just riven-agrees` at the top of the repository run them.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own whose output is its purpose"
)]

mod agree;
mod load;
mod uplink;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["load", rest @ ..] => load::run(rest).await,
        ["client", which, base_url, seconds] => {
            load::client(which, base_url, seconds.parse()?).await
        }
        ["agree"] => agree::run().await,
        _ => Err("expected `load` or `agree`".into()),
    }
}
