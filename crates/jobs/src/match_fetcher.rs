//! Fills players met in others' matches up to the sample of ranked games that detection wants.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use riftwatch_app::Deps;
use riftwatch_app::backfill::{self, Filled, RetryError, Sample};
use riftwatch_app::sync::SyncEvent;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::error::Verdict;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long one call may wait for its turn in the key's budget, behind those who keep tracked
/// players current.
const PATIENCE: Duration = Duration::from_secs(15);

/// Matches asked for again in one run, after a version of the program that reads more has come.
const RETRIES: u32 = 50;

/// Fetches the past of discovered players.
#[derive(Debug)]
pub struct MatchFetcher;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchFetcherConfig {
    /// Ranked solo games to have of each player; the newest are fetched.
    #[schemars(range(min = 1, max = 100))]
    pub sample_size: u32,
    /// Days that a game may be old. At most as many as the job `retention` keeps matches, its
    /// `match_days`: what is older would be fetched, let go of, and fetched again.
    #[schemars(range(min = 1, max = 3650))]
    pub match_days: u32,
    /// The share of the key's budget up to which the job goes on: it begins no further player while
    /// this much of it is in use, by whomever.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub budget_share: f64,
    /// Players are chosen among those who were met in so many of the newest stored matches.
    #[schemars(range(min = 1, max = 100_000))]
    pub recent_matches: u32,
    /// Players filled in one run.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_players_per_run: u32,
}

impl Default for MatchFetcherConfig {
    fn default() -> Self {
        Self {
            sample_size: 30,
            match_days: 180,
            budget_share: 0.3,
            recent_matches: 200,
            max_players_per_run: 20,
        }
    }
}

/// The metrics of every run, also when there was nothing to count.
const METRICS: [&str; 5] = [
    "players_filled",
    "matches_fetched",
    "api_requests_made",
    "records_created",
    "errors_encountered",
];

#[async_trait]
impl Job for MatchFetcher {
    type Deps = Deps;
    type Config = MatchFetcherConfig;

    const KIND: &'static str = "match_fetcher";
    const DESCRIPTION: &'static str =
        "Fetches ranked games of players met in matches, as many as an assessment wants.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: MatchFetcherConfig,
    ) -> Result<Outcome, JobError> {
        for metric in METRICS {
            cx.increment_metric(metric, 0);
        }
        let tally = cx.tally().clone();
        let caller = Caller::new(CallClass::Backfill)
            .for_job(Self::KIND)
            .with_patience(PATIENCE)
            .on_request(move || tally.increment_metric("api_requests_made", 1));
        let on_event = |event| match event {
            SyncEvent::MatchStored(stored) if stored.new => {
                cx.increment_metric("matches_fetched", 1);
                let created = 1 + stored.participants + stored.players_discovered;
                cx.increment_metric("records_created", created as u64);
            }
            SyncEvent::MatchStored(_) | SyncEvent::MatchSkipped { for_good: true } => {}
            SyncEvent::MatchSkipped { for_good: false } => {
                cx.increment_metric("errors_encountered", 1);
            }
            SyncEvent::RanksChanged(changed) => {
                cx.increment_metric("records_created", changed as u64);
            }
        };
        // Listed long ago, these are on no list that anybody asks for again.
        let retried =
            backfill::retry_malformed(&cx.deps, &caller, RETRIES, &cx.cancel, &on_event).await;
        match retried {
            Ok(()) => {}
            Err(RetryError::Riot(error)) => match error.verdict() {
                Verdict::ComeBack(retry_after) => {
                    return Ok(Outcome::RateLimited { retry_after });
                }
                _ => return Err(RetryError::Riot(error).into()),
            },
            Err(error) => return Err(error.into()),
        }
        let sample = Sample {
            games: config.sample_size,
            since: cx.deps.clock.now() - TimeDelta::days(config.match_days.into()),
        };
        let players = backfill::fillable(
            &cx.deps,
            config.recent_matches,
            sample.games,
            config.max_players_per_run,
        )
        .await?;
        let mut failed = 0;
        for (done, player) in players.iter().enumerate() {
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            cx.progress(done as u64, players.len() as u64, "filling");
            // A player is begun when there is room, and then finished: half a sample is no use.
            if !backfill::has_room(&cx.deps, player, config.budget_share) {
                tracing::info!("the share of the budget is used up; the next run goes on");
                break;
            }
            match backfill::fill(&cx.deps, &caller, player, sample, &cx.cancel, &on_event).await {
                Ok(Filled::Full) => cx.increment_metric("players_filled", 1),
                Ok(Filled::MoreToDo | Filled::Unknown) => {}
                Err(error) => match error.verdict() {
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
                            "a player was not filled"
                        );
                    }
                },
            }
        }
        Ok(if failed == 0 { Outcome::Done } else { Outcome::Partial })
    }
}
