//! `riftwatch player` and its options.

use clap::Subcommand;
use riftwatch_domain::routing::Platform;

#[derive(Debug, Subcommand)]
pub(crate) enum PlayerCommand {
    /// Track the player of a Riot ID.
    Track {
        /// For example "Name#TAG".
        riot_id: String,
        /// Where the account plays, for example euw1.
        #[arg(long)]
        platform: Platform,
    },
    /// Stop tracking a player. What is stored stays.
    Untrack {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
    },
    /// List the tracked players.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Find players whom we know by any part of their Riot ID.
    Search {
        /// What to look for.
        query: String,
        /// Only accounts that play there.
        #[arg(long)]
        platform: Option<Platform>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a player: ranks and newest matches.
    Show {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Erase what is stored about a person, and never store it again.
    Erase {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
        /// There is no way back, so it has to be said.
        #[arg(long, required = true)]
        yes: bool,
    },
}
