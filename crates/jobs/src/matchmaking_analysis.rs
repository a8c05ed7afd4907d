//! Compares players' team-mates with their opponents, for whom somebody has asked.

use std::time::Duration;

use async_trait::async_trait;
use riftwatch_app::Deps;
use riftwatch_app::matchmaking::{self, MOST_GAMES, MatchmakingError, Wanted, Worked};
use riftwatch_domain::player::Puuid;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes matchmaking analyses.
#[derive(Debug)]
pub struct MatchmakingAnalysis;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchmakingAnalysisConfig {
    /// A player who is analysed in every run, by puuid, besides those for whom somebody has asked.
    /// Empty: nobody.
    pub puuid: String,
    /// How many of that player's games, from the newest on.
    #[schemars(range(min = 1, max = 500))]
    pub games: u32,
}

impl Default for MatchmakingAnalysisConfig {
    fn default() -> Self {
        Self { puuid: String::new(), games: 100.min(MOST_GAMES) }
    }
}

#[async_trait]
impl Job for MatchmakingAnalysis {
    type Deps = Deps;
    type Config = MatchmakingAnalysisConfig;

    const KIND: &'static str = "matchmaking_analysis";
    const DESCRIPTION: &'static str =
        "Compares the displayed ranks of players' team-mates with those of their opponents.";
    // Whoever asks for an analysis triggers a run; this is for those that a stop has left behind.
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: MatchmakingAnalysisConfig,
    ) -> Result<Outcome, JobError> {
        cx.increment_metric("analyses_completed", 0);
        cx.increment_metric("games_compared", 0);
        if !config.puuid.is_empty() {
            let puuid: Puuid = config.puuid.parse()?;
            let requested_by = format!("job {}", cx.job_name);
            let wanted = Wanted { puuid, games: config.games, requested_by };
            match matchmaking::start(&cx.deps, &wanted).await {
                // It goes on below.
                Ok(_) | Err(MatchmakingError::AlreadyUnderWay(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            let before = std::sync::atomic::AtomicUsize::new(usize::MAX);
            let progress = |puuid: &str, done: usize, total: usize| {
                // What an earlier run did is not this one's.
                let step = done - before.swap(done, std::sync::atomic::Ordering::Relaxed).min(done);
                cx.increment_metric("games_compared", step);
                cx.progress(done as u64, total as u64, puuid);
            };
            match matchmaking::work(&cx.deps, &cx.cancel, &progress).await? {
                Worked::Nothing => return Ok(Outcome::Done),
                Worked::Ended => cx.increment_metric("analyses_completed", 1),
                Worked::Interrupted => return Ok(Outcome::Interrupted),
            }
        }
    }
}
