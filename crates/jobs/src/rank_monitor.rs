//! Notes when a tracked player's rank jumps.

use std::time::Duration;

use async_trait::async_trait;
use riftwatch_app::Deps;
use riftwatch_app::rank_check::{RankCheckError, check_rank};
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::error::Verdict;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use riftwatch_store::players;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long one call may wait for its turn in the key's budget.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks the ranks of tracked players.
#[derive(Debug)]
pub struct RankMonitor;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankMonitorConfig {
    /// A change is noted from this many divisions on, up or down; four divisions are a tier.
    #[schemars(range(min = 1, max = 28))]
    pub rank_threshold: u32,
}

impl Default for RankMonitorConfig {
    fn default() -> Self {
        Self { rank_threshold: 2 }
    }
}

/// A change as the run's log shows it.
#[derive(Debug, Serialize)]
struct RankChange {
    puuid: String,
    from: String,
    to: String,
    divisions: i32,
}

#[async_trait]
impl Job for RankMonitor {
    type Deps = Deps;
    type Config = RankMonitorConfig;

    const KIND: &'static str = "rank_monitor";
    const DESCRIPTION: &'static str = "Notes when the rank of a tracked player jumps.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
    // Whoever wants to know of jumps turns it on; the ranks that it judges, the updater stores. The
    // name leaves `rank_monitor` to the row that an operator makes.
    const DEFAULT_ENABLED: bool = false;
    const DEFAULT_NAME: &'static str = "rank_monitor_default";

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: RankMonitorConfig,
    ) -> Result<Outcome, JobError> {
        cx.increment_metric("players_checked", 0);
        cx.increment_metric("rank_changes_detected", 0);
        let mut conn = cx.deps.store.get().await?;
        let players = players::tracked(&mut conn, &[]).await?;
        drop(conn);
        let tally = cx.tally().clone();
        let caller = Caller::new(CallClass::Refresh)
            .for_job(Self::KIND)
            .with_patience(PATIENCE)
            .on_request(move || tally.increment_metric("api_requests_made", 1));
        let mut changes = Vec::new();
        let mut failed = 0;
        for player in &players {
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            match check_rank(&cx.deps, &caller, player).await {
                Ok(moved) => {
                    cx.increment_metric("players_checked", 1);
                    let jumped = moved
                        .filter(|moved| moved.divisions.unsigned_abs() >= config.rank_threshold);
                    if let Some(moved) = jumped {
                        cx.increment_metric("rank_changes_detected", 1);
                        changes.push(RankChange {
                            puuid: player.puuid.to_string(),
                            from: moved.before.to_string(),
                            to: moved.now.to_string(),
                            divisions: moved.divisions,
                        });
                        cx.log_entry("rank_changes", &changes);
                    }
                }
                Err(error) => match verdict(&error) {
                    Verdict::ComeBack(retry_after) => {
                        return Ok(Outcome::RateLimited { retry_after });
                    }
                    Verdict::Stop => return Err(error.into()),
                    Verdict::SkipItem => {
                        failed += 1;
                        cx.increment_metric("errors_encountered", 1);
                        tracing::warn!(
                            player.puuid = %player.puuid,
                            error = &error as &dyn std::error::Error,
                            "a rank could not be checked"
                        );
                    }
                },
            }
        }
        cx.log_entry("rank_changes", &changes);
        Ok(if failed == 0 { Outcome::Done } else { Outcome::Partial })
    }
}

fn verdict(error: &RankCheckError) -> Verdict {
    match error {
        RankCheckError::Riot { source, .. } => source.verdict(),
        RankCheckError::Store { .. } => Verdict::Stop,
    }
}
