//! Lets go of what is too old to keep.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_app::Deps;
use riftwatch_runner::{Job, JobContext, JobError, Outcome};
use riftwatch_store::{Conn, StoreError, outcomes, retention};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deletes old rows, a batch at a time.
#[derive(Debug)]
pub struct Retention;

/// What an operator can set. Tracked players, their ranks, their newest assessments and what detection
/// reads about them are kept whatever their age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Days that matches are kept with all their participants.
    #[schemars(range(min = 1, max = 3650))]
    pub match_days: u32,
    /// Days after their last match that players are kept whom nobody tracks, with their ranks and
    /// what detection reads about them.
    #[schemars(range(min = 1, max = 3650))]
    pub player_days: u32,
    /// Days that assessments are kept. Whoever loses the newest is assessed anew.
    #[schemars(range(min = 1, max = 3650))]
    pub assessment_days: u32,
    /// Days that reviews with their assessments, and told stories, are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub appeal_days: u32,
    /// Days that matchmaking analyses are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub analysis_days: u32,
    /// Rows deleted by one statement.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: u32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            match_days: 180,
            player_days: 365,
            assessment_days: 90,
            appeal_days: 365,
            analysis_days: 90,
            batch_size: 500,
        }
    }
}

/// What is let go of, in this order: how a row of each sort is counted, and until when it is kept.
#[derive(Debug, Clone, Copy)]
enum Step {
    Matches,
    MatchRejects,
    Assessments,
    ToldStories,
    Observations,
    MatchmakingAnalyses,
    Ranks,
    Players,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Matches,
        Self::MatchRejects,
        Self::Assessments,
        Self::ToldStories,
        Self::Observations,
        Self::MatchmakingAnalyses,
        Self::Ranks,
        Self::Players,
    ];

    const fn metric(self) -> &'static str {
        match self {
            Self::Matches => "matches_deleted",
            Self::MatchRejects => "match_rejects_deleted",
            Self::Assessments => "assessments_deleted",
            Self::ToldStories => "told_stories_deleted",
            Self::Observations => "reachability_observations_deleted",
            Self::MatchmakingAnalyses => "matchmaking_analyses_deleted",
            Self::Ranks => "player_ranks_deleted",
            Self::Players => "players_deleted",
        }
    }

    async fn batch(
        self,
        conn: &mut Conn,
        config: &RetentionConfig,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let ago = |days: u32| now - TimeDelta::days(days.into());
        let limit = config.batch_size.into();
        match self {
            Self::Matches => retention::matches(conn, ago(config.match_days), limit).await,
            Self::MatchRejects => {
                retention::match_rejects(conn, ago(config.match_days), limit).await
            }
            Self::Assessments => {
                let reviews = ago(config.appeal_days);
                retention::assessments(conn, ago(config.assessment_days), reviews, limit).await
            }
            Self::ToldStories => {
                retention::told_stories(conn, ago(config.appeal_days), limit).await
            }
            Self::Observations => {
                retention::observations(conn, ago(config.player_days), limit).await
            }
            Self::MatchmakingAnalyses => {
                retention::matchmaking_analyses(conn, ago(config.analysis_days), limit).await
            }
            Self::Ranks => retention::ranks(conn, ago(config.player_days), limit).await,
            Self::Players => retention::players(conn, ago(config.player_days), limit).await,
        }
    }
}

#[async_trait]
impl Job for Retention {
    type Deps = Deps;
    type Config = RetentionConfig;

    const KIND: &'static str = "retention";
    const DESCRIPTION: &'static str =
        "Notes what happened after assessments, and deletes what is too old to keep.";
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(6 * 3600);

    async fn run(
        &self,
        cx: &JobContext<Deps>,
        config: RetentionConfig,
    ) -> Result<Outcome, JobError> {
        cx.increment_metric("outcomes_recorded", 0);
        for step in Step::ALL {
            cx.increment_metric(step.metric(), 0);
        }
        let now = cx.deps.clock.now();
        let batch = i64::from(config.batch_size);
        // Before anything goes that tells what happened.
        let mut after = 0;
        loop {
            if cx.cancel.is_cancelled() {
                return Ok(Outcome::Interrupted);
            }
            let mut conn = cx.deps.store.get().await?;
            let walked = outcomes::decide(&mut conn, after, batch, now).await?;
            cx.increment_metric("outcomes_recorded", walked.decided);
            after = walked.last;
            if walked.looked < batch {
                break;
            }
        }
        for (done, step) in Step::ALL.into_iter().enumerate() {
            cx.progress(done as u64, Step::ALL.len() as u64, step.metric());
            loop {
                if cx.cancel.is_cancelled() {
                    return Ok(Outcome::Interrupted);
                }
                // One connection a batch, so that others have their turn.
                let mut conn = cx.deps.store.get().await?;
                let deleted = step.batch(&mut conn, &config, now).await?;
                cx.increment_metric(step.metric(), deleted);
                if (deleted as i64) < batch {
                    break;
                }
            }
        }
        cx.progress(Step::ALL.len() as u64, Step::ALL.len() as u64, "done");
        Ok(Outcome::Done)
    }
}
