//! The main job: keeps tracked players current.
//!
//! A tick looks at the players whose next look is due, those whose look is worth most first
//! (`riftwatch_app::rhythm` says what that means), until the key's budget is used up; the next run
//! weighs anew. So a budget that does not suffice for all goes to where it finds most. A run that
//! somebody asked for looks at every tracked player.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use riftwatch_app::Deps;
use riftwatch_app::looks::{self, Scope};
use riftwatch_app::rhythm::LookRules;
use riftwatch_app::sync::{SyncError, SyncEvent, Synced};
use riftwatch_domain::player::Player;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::error::Verdict;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long one call may wait for its turn in the key's budget. A development key makes its 100
/// requests in seconds and then has none for two minutes: the run ends there, and comes back.
const PATIENCE: Duration = Duration::from_secs(15);

/// Fetches new matches and ranks of tracked players.
#[derive(Debug)]
pub struct TrackedPlayerUpdater;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrackedPlayerUpdaterConfig {
    /// New matches fetched for one player in one run; the rest follows in the next. The first run for
    /// a player takes this many of the newest.
    #[schemars(range(min = 1, max = 100))]
    pub max_matches_per_player: u32,
    /// Only players of these platforms, for example `["eun1", "euw1"]`. Empty: of all.
    #[schemars(with = "Vec<String>")]
    pub platforms: Vec<Platform>,
    /// Seconds between two looks at a player at the least.
    #[schemars(range(min = 1, max = 86_400))]
    pub min_look_interval_s: u32,
    /// Seconds between two looks at a player at the most, however long nothing was played.
    #[schemars(range(min = 1, max = 604_800))]
    pub max_look_interval_s: u32,
    /// What a look has to be worth: the minutes that matches which nobody has seen are expected to
    /// have waited. Four times as much is half as many requests and twice the delay; 0 looks at
    /// everyone as often as `min_look_interval_s` allows.
    #[schemars(range(min = 0.0, max = 10_000.0))]
    pub look_worth_min: f64,
}

impl Default for TrackedPlayerUpdaterConfig {
    fn default() -> Self {
        Self {
            max_matches_per_player: 20,
            platforms: Vec::new(),
            min_look_interval_s: 110,
            max_look_interval_s: 86_400,
            look_worth_min: 0.5,
        }
    }
}

impl TrackedPlayerUpdaterConfig {
    fn rules(&self) -> LookRules {
        LookRules {
            least: TimeDelta::seconds(self.min_look_interval_s.into()),
            longest: TimeDelta::seconds(self.max_look_interval_s.into()),
            worth_min: self.look_worth_min,
        }
    }
}

/// No player could be brought current.
#[derive(Debug, thiserror::Error)]
#[error("none of {players} tracked players could be updated; the first failed so")]
struct NobodyUpdated {
    players: usize,
    #[source]
    first: SyncError,
}

#[async_trait]
impl Job for TrackedPlayerUpdater {
    type Deps = Deps;
    type Config = TrackedPlayerUpdaterConfig;

    const KIND: &'static str = "tracked_player_updater";
    const DESCRIPTION: &'static str = "Fetches new matches and ranks of tracked players.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(120);

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: TrackedPlayerUpdaterConfig,
    ) -> Result<Outcome, JobError> {
        for metric in METRICS {
            cx.increment_metric(metric, 0);
        }
        let scope = if cx.scheduled_for.is_some() { Scope::Due } else { Scope::Everyone };
        let candidates =
            looks::candidates(&cx.deps, &config.platforms, &config.rules(), scope).await?;
        let total = candidates.len();
        tracing::info!(players.due = total, "looking at {total} tracked players");

        let mut first_failure = None;
        let mut updated = 0;
        for (done, candidate) in candidates.iter().enumerate() {
            let player = &candidate.player;
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            cx.progress(done as u64, total as u64, name(player));
            match update(cx, &config, player).await {
                Ok(Synced::Unknown) => {
                    tracing::warn!(player.puuid = %player.puuid, "riot does not know {} any more", name(player));
                    cx.increment_metric("errors_encountered", 1);
                }
                Ok(Synced::Current | Synced::WaitsForRiot | Synced::MoreToDo) => {
                    updated += 1;
                    cx.increment_metric("players_updated", 1);
                }
                Err(error) => match error.verdict() {
                    Verdict::ComeBack(retry_after) => {
                        tracing::info!(
                            "the rate limit is used up; the rest comes in {retry_after:?}"
                        );
                        return Ok(Outcome::RateLimited { retry_after });
                    }
                    Verdict::Stop => {
                        cx.increment_metric("errors_encountered", 1);
                        return Err(error.into());
                    }
                    Verdict::SkipItem => {
                        tracing::warn!(
                            player.puuid = %player.puuid,
                            error = &error as &dyn std::error::Error,
                            "{} was not updated", name(player)
                        );
                        cx.increment_metric("errors_encountered", 1);
                        first_failure.get_or_insert(error);
                    }
                },
            }
        }
        cx.progress(total as u64, total as u64, "done");
        match first_failure {
            None => Ok(Outcome::Done),
            Some(first) if updated == 0 => Err(NobodyUpdated { players: total, first }.into()),
            Some(_) => Ok(Outcome::Partial),
        }
    }
}

/// The metrics of every run, also when there was nothing to count.
const METRICS: [&str; 7] = [
    "players_updated",
    "new_matches_found",
    "api_requests_made",
    "new_players_discovered",
    "records_created",
    "records_updated",
    "errors_encountered",
];

async fn update(
    cx: &JobContext<Deps>,
    config: &TrackedPlayerUpdaterConfig,
    player: &Player,
) -> Result<Synced, SyncError> {
    let tally = cx.tally().clone();
    let caller = Caller::new(CallClass::Refresh)
        .for_job(TrackedPlayerUpdater::KIND)
        .with_patience(PATIENCE)
        .on_request(move || tally.increment_metric("api_requests_made", 1));
    let on_event = |event| match event {
        SyncEvent::MatchStored(stored) if stored.new => {
            cx.increment_metric("new_matches_found", 1);
            cx.increment_metric("new_players_discovered", stored.players_discovered as u64);
            let created = 1 + stored.participants + stored.players_discovered;
            cx.increment_metric("records_created", created as u64);
        }
        // Another run was quicker.
        SyncEvent::MatchStored(_) => {}
        SyncEvent::MatchSkipped { for_good: true } => {}
        SyncEvent::MatchSkipped { for_good: false } => {
            cx.increment_metric("errors_encountered", 1);
        }
        SyncEvent::RanksChanged(changed) => cx.increment_metric("records_created", changed as u64),
    };
    let max = config.max_matches_per_player;
    let rules = config.rules();
    let synced =
        looks::look_at(&cx.deps, &caller, player, max, &rules, &cx.cancel, &on_event).await?;
    cx.increment_metric("records_updated", 1);
    Ok(synced)
}

fn name(player: &Player) -> String {
    player.riot_id.as_ref().map_or_else(|| player.puuid.to_string(), ToString::to_string)
}
