//! Riftwatch's jobs, one file each.
//!
//! A new job is one file and two lines here: its `mod`, and its `.with(…)`.

mod match_fetcher;
mod matchmaking_analysis;
mod player_analyzer;
mod rank_monitor;
mod retention;
mod tracked_player_updater;

use riftwatch_app::Deps;
use riftwatch_runner::Registry;

pub use match_fetcher::{MatchFetcher, MatchFetcherConfig};
pub use matchmaking_analysis::{MatchmakingAnalysis, MatchmakingAnalysisConfig};
pub use player_analyzer::{PlayerAnalyzer, PlayerAnalyzerConfig};
pub use rank_monitor::{RankMonitor, RankMonitorConfig};
pub use retention::{Retention, RetentionConfig};
pub use tracked_player_updater::{TrackedPlayerUpdater, TrackedPlayerUpdaterConfig};

/// Every job that riftwatch knows.
pub fn registry() -> Registry<Deps> {
    Registry::new()
        .with(TrackedPlayerUpdater)
        .with(MatchFetcher)
        .with(RankMonitor)
        .with(PlayerAnalyzer)
        .with(MatchmakingAnalysis)
        .with(Retention)
}

/// The recipe in `docs/guides`, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-job.md")]
struct WriteAJob;
