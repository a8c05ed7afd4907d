//! Assesses players about whom there is something new.

use std::time::Duration;

use async_trait::async_trait;
use riftwatch_app::Deps;
use riftwatch_app::assess::{Priors, RunMemory, assess_due};
use riftwatch_app::reachability::{ReachabilityError, check_reachability};
use riftwatch_domain::causes::chain;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::error::Verdict;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long one look for an account may wait for its turn in the key's budget. Nobody is in a hurry.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says which players' patterns are unusual.
#[derive(Debug)]
pub struct PlayerAnalyzer;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlayerAnalyzerConfig {
    /// Players claimed at once. A run that is stopped leaves at most so many undone.
    #[schemars(range(min = 1, max = 2000))]
    pub batch_size: u32,
    /// Players looked at in one run; the rest follows in the next.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_players_per_run: u32,
    /// Accounts found unusual for which Riot is asked in one run whether it still knows them, each
    /// at most once a day.
    #[schemars(range(max = 100))]
    pub ban_checks_per_run: u32,
    /// Share of accounts whose pattern is taken to be unusual before anything is known.
    #[schemars(range(min = 0.001, max = 0.5))]
    pub prior: f64,
}

impl Default for PlayerAnalyzerConfig {
    fn default() -> Self {
        Self {
            batch_size: 250,
            max_players_per_run: 200_000,
            ban_checks_per_run: 5,
            prior: Priors::default().anomalies,
        }
    }
}

/// The metrics of every run, also when there was nothing to count.
const METRICS: [&str; 7] = [
    "players_checked",
    "players_analyzed",
    "smurfs_detected",
    "ban_checks_performed",
    "records_created",
    "api_requests_made",
    "errors_encountered",
];

#[async_trait]
impl Job for PlayerAnalyzer {
    type Deps = Deps;
    type Config = PlayerAnalyzerConfig;

    const KIND: &'static str = "player_analyzer";
    const DESCRIPTION: &'static str =
        "Says which players' patterns are unusual for their displayed rank.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: PlayerAnalyzerConfig,
    ) -> Result<Outcome, JobError> {
        for metric in METRICS {
            cx.increment_metric(metric, 0);
        }
        let priors = Priors { anomalies: config.prior, ..Priors::default() };
        let most = config.max_players_per_run;
        let mut memory = RunMemory::default();
        let mut looked_at = 0;
        while looked_at < most {
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            let limit = config.batch_size.min(most - looked_at);
            let batch = assess_due(&cx.deps, &priors, &mut memory, limit).await?;
            if batch.due == 0 {
                break;
            }
            looked_at += batch.due as u32;
            cx.increment_metric("players_checked", batch.due as u64);
            cx.increment_metric("players_analyzed", batch.assessed as u64);
            cx.increment_metric("smurfs_detected", batch.smurfs as u64);
            cx.increment_metric("records_created", batch.assessed as u64);
            cx.progress(looked_at.into(), most.into(), "assessing");
        }
        tracing::info!(players.looked_at = looked_at, "looked at {looked_at} players");
        if cx.cancel.is_cancelled() {
            return Ok(Outcome::Interrupted);
        }
        check(cx, config.ban_checks_per_run).await
    }
}

/// Looks for accounts. The run was worth it even where Riot gives no answer.
async fn check(cx: &JobContext<Deps>, limit: u32) -> Result<Outcome, JobError> {
    let tally = cx.tally().clone();
    let caller = Caller::new(CallClass::Backfill)
        .for_job(PlayerAnalyzer::KIND)
        .with_patience(PATIENCE)
        .on_request(move || tally.increment_metric("api_requests_made", 1));
    let checked = || cx.increment_metric("ban_checks_performed", 1);
    match check_reachability(&cx.deps, &caller, limit, &checked).await {
        Ok(()) => Ok(Outcome::Done),
        Err(ReachabilityError::Riot(error)) => {
            if matches!(error.verdict(), Verdict::ComeBack(_)) {
                // The next run is soon enough.
                tracing::info!("no budget is left for looking whether accounts are still there");
                return Ok(Outcome::Done);
            }
            cx.increment_metric("errors_encountered", 1);
            tracing::warn!(error = chain(&error), "riot could not be asked for an account");
            Ok(Outcome::Partial)
        }
        Err(error) => Err(error.into()),
    }
}
