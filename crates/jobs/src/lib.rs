//! Riftwatch's jobs, one file each.
//!
//! A new job is one file and two lines here: its `mod`, and its `.with(…)`.

mod player_analyzer;
mod rank_monitor;
mod tracked_player_updater;

use riftwatch_app::Deps;
use riftwatch_runner::Registry;

pub use player_analyzer::{PlayerAnalyzer, PlayerAnalyzerConfig};
pub use rank_monitor::{RankMonitor, RankMonitorConfig};
pub use tracked_player_updater::{TrackedPlayerUpdater, TrackedPlayerUpdaterConfig};

/// Every job that riftwatch knows.
pub fn registry() -> Registry<Deps> {
    Registry::new().with(TrackedPlayerUpdater).with(RankMonitor).with(PlayerAnalyzer)
}
