//! The part of `riftwatch detection` that is about stored players, and its options.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use riftwatch_domain::routing::Platform;

/// What is done over the API, with players that are stored.
#[derive(Debug, Subcommand)]
pub(crate) enum StoredCommand {
    /// List each player's newest assessment, for people to look at.
    List(ListArgs),
    /// Show a player's newest assessment.
    Show {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
        /// Print JSON: the document as it was stored.
        #[arg(long)]
        json: bool,
    },
    /// Assess a player from what is stored, and show the assessment. Asks nothing of Riot.
    Analyze {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what you make of an assessment. The newest review counts.
    Review {
        /// The assessment's number, as `riftwatch detection list` shows it.
        assessment: i64,
        /// What you make of it.
        verdict: Verdict,
        /// In words, 2,000 characters at most.
        #[arg(long)]
        note: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List a player's assessments, newest first.
    History {
        /// A Riot ID of somebody we know, or a puuid.
        player: String,
        /// The most assessments.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Bands of probability, separated by commas: minimal below 0.2, low, medium from 0.5, high from
    /// 0.8.
    #[arg(long)]
    pub(crate) band: Option<String>,
    /// Only with this verdict, by its key.
    #[arg(long)]
    pub(crate) verdict: Option<String>,
    /// Only players of this platform, like euw1.
    #[arg(long)]
    pub(crate) platform: Option<Platform>,
    /// Only accounts that displayed this tier, like GOLD.
    #[arg(long)]
    pub(crate) tier: Option<String>,
    /// Only assessments made at this time or later, like 2026-12-24T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only those that somebody has reviewed, or that nobody has.
    #[arg(long)]
    pub(crate) reviewed: Option<bool>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = SortBy::Probability)]
    pub(crate) sort: SortBy,
    /// The most rows.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// The highest probability first.
    Probability,
    /// The newest first.
    Time,
}

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The pattern is there.
    Confirmed,
    /// It is not, or has an innocent reason.
    FalsePositive,
    /// It cannot be told.
    Unsure,
}
