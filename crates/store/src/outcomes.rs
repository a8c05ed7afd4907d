//! What happened after assessments, and what the circuit breaker counts.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Conn;

/// Games after an assessment within which the rank may rise.
pub const GAMES: i64 = 50;

/// By how many tiers it has to rise.
pub const TIERS: f64 = 2.0;

/// Height of a rank in tiers: Iron IV with 0 points is 0, Master and above 7 and their points. The
/// same as detection's; null in a tier that is not known.
const HEIGHT: &str = "CASE
    WHEN r.tier IN ('MASTER', 'GRANDMASTER', 'CHALLENGER') THEN 7 + r.league_points / 400.0
    ELSE array_position(ARRAY['IRON', 'BRONZE', 'SILVER', 'GOLD', 'PLATINUM', 'EMERALD', 'DIAMOND'],
                        r.tier) - 1
         + coalesce(array_position(ARRAY['IV', 'III', 'II', 'I'], r.division) - 1, 0) / 4.0
         + r.league_points / 400.0
    END";

#[derive(QueryableByName)]
struct Looked {
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = BigInt)]
    decided: i64,
}

/// How far a walk over undecided assessments has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// The last id that was looked at.
    pub last: i64,
    /// Assessments looked at; fewer than asked for: that was the end.
    pub looked: i64,
    /// Outcomes stored.
    pub decided: i64,
}

/// Decides, for the next `limit` assessments behind the id `after` that have no outcome, whether the
/// displayed rank has since risen by two tiers within 50 ranked games, where that can be told: the
/// rank was known at the time, and either it has risen so far, or 50 games were played and a rank
/// was seen after the last of them. Ranks and games are those after the assessment was made.
///
/// # Errors
///
/// When the database fails.
pub async fn decide(
    conn: &mut Conn,
    after: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Walked, StoreError> {
    let looked: Looked = diesel::sql_query(format!(
        "WITH open AS (
             SELECT a.id, a.puuid, p.number, a.created_at, a.model_version, a.verdict,
                    a.probability, a.smurf_probability
             FROM player_analysis a
             JOIN players p USING (puuid)
             WHERE a.id > $1 AND a.smurf_probability IS NOT NULL
               AND NOT EXISTS (SELECT FROM assessment_outcomes o WHERE o.assessment_id = a.id)
             ORDER BY a.id
             LIMIT $2),
         judged AS (
             SELECT o.*, least(played.games, $3) AS games, played.last_start,
                    high.height - before.height >= $4 AS gained, played.games >= $3
                        AND seen.after AS over
             FROM open o
             JOIN LATERAL (
                 SELECT {HEIGHT} AS height FROM player_ranks r
                 WHERE r.puuid = o.puuid AND r.queue_type = 'RANKED_SOLO_5x5'
                   AND r.seen_at <= o.created_at
                 ORDER BY r.seen_at DESC LIMIT 1) before ON before.height IS NOT NULL
             CROSS JOIN LATERAL (
                 SELECT count(*) AS games, max(g.game_start) AS last_start FROM (
                     SELECT game_start FROM ranked_games
                     WHERE player = o.number AND game_start > o.created_at
                     ORDER BY game_start LIMIT $3) g) played
             CROSS JOIN LATERAL (
                 SELECT EXISTS (
                     SELECT FROM player_ranks r
                     WHERE r.puuid = o.puuid AND r.queue_type = 'RANKED_SOLO_5x5'
                       AND r.seen_at > played.last_start) AS after) seen
             CROSS JOIN LATERAL (
                 -- The first rank seen behind the last of the games is still theirs.
                 SELECT max(h.height) AS height FROM (
                     SELECT {HEIGHT} AS height FROM player_ranks r
                     WHERE r.puuid = o.puuid AND r.queue_type = 'RANKED_SOLO_5x5'
                       AND r.seen_at > o.created_at
                       AND (played.games < $3 OR r.seen_at <= coalesce((
                           SELECT min(n.seen_at) FROM player_ranks n
                           WHERE n.puuid = o.puuid AND n.queue_type = 'RANKED_SOLO_5x5'
                             AND n.seen_at > played.last_start), r.seen_at))) h) high),
         stored AS (
             INSERT INTO assessment_outcomes (assessment_id, assessed_at, model_version, verdict,
                    probability, smurf_probability, gained, games, decided_at)
             SELECT id, created_at, model_version, verdict, probability, smurf_probability,
                    coalesce(gained, false), games, $5
             FROM judged WHERE coalesce(gained, false) OR over
             ON CONFLICT DO NOTHING
             RETURNING assessment_id)
         SELECT coalesce((SELECT max(id) FROM open), $1) AS last,
                (SELECT count(*) FROM open) AS looked, (SELECT count(*) FROM stored) AS decided"
    ))
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(limit)
    .bind::<BigInt, _>(GAMES)
    .bind::<Double, _>(TIERS)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await?;
    Ok(Walked { last: looked.last, looked: looked.looked, decided: looked.decided })
}

/// One bin of one month: assessments whose predictions are near each other, and what happened.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct OutcomeBin {
    /// First moment of the month in which the assessments were made.
    #[diesel(sql_type = Timestamptz)]
    pub month: DateTime<Utc>,
    /// Which tenth of 0 to 1 the prediction is in, from 0.
    #[diesel(sql_type = Integer)]
    pub bin: i32,
    /// Assessments.
    #[diesel(sql_type = BigInt)]
    pub assessments: i64,
    /// Sum of the predictions.
    #[diesel(sql_type = Double)]
    pub predicted: f64,
    /// How many rose.
    #[diesel(sql_type = BigInt)]
    pub gained: i64,
}

/// The decided assessments made since `since`, by month, newest first, and tenth of the prediction.
///
/// # Errors
///
/// When the database fails.
pub async fn bins(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<OutcomeBin>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT date_trunc('month', assessed_at, 'UTC') AS month,
                least(floor(smurf_probability * 10), 9)::integer AS bin, count(*) AS assessments,
                sum(smurf_probability) AS predicted, count(*) FILTER (WHERE gained) AS gained
         FROM assessment_outcomes WHERE assessed_at >= $1
         GROUP BY 1, 2 ORDER BY 1 DESC, 2",
    )
    .bind::<Timestamptz, _>(since)
    .load(conn)
    .await?)
}

/// One month of assessments and of what people said about them.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ReviewedMonth {
    /// First moment of the month in which the assessments were made.
    #[diesel(sql_type = Timestamptz)]
    pub month: DateTime<Utc>,
    /// Stored assessments with a probability.
    #[diesel(sql_type = BigInt)]
    pub assessments: i64,
    /// Of these, not decided yet.
    #[diesel(sql_type = BigInt)]
    pub undecided: i64,
    /// Whose pattern was unusual, those that the circuit breaker kept back included.
    #[diesel(sql_type = BigInt)]
    pub unusual: i64,
    /// Reviewed: confirmed.
    #[diesel(sql_type = BigInt)]
    pub confirmed: i64,
    /// Reviewed: not so.
    #[diesel(sql_type = BigInt)]
    pub false_positive: i64,
    /// Reviewed: cannot be told.
    #[diesel(sql_type = BigInt)]
    pub unsure: i64,
}

/// Assessments made since `since` by month, newest first, with the newest review of each.
///
/// # Errors
///
/// When the database fails.
pub async fn months(
    conn: &mut Conn,
    since: DateTime<Utc>,
) -> Result<Vec<ReviewedMonth>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT date_trunc('month', a.created_at, 'UTC') AS month, count(*) AS assessments,
                count(*) FILTER (WHERE o.assessment_id IS NULL) AS undecided,
                count(*) FILTER (WHERE a.verdict = 'unusual_pattern' OR a.withheld) AS unusual,
                count(*) FILTER (WHERE r.verdict = 'confirmed') AS confirmed,
                count(*) FILTER (WHERE r.verdict = 'false_positive') AS false_positive,
                count(*) FILTER (WHERE r.verdict = 'unsure') AS unsure
         FROM player_analysis a
         LEFT JOIN assessment_outcomes o ON o.assessment_id = a.id
         LEFT JOIN (
             SELECT DISTINCT ON (assessment_id) assessment_id, verdict FROM assessment_reviews
             ORDER BY assessment_id, id DESC) r ON r.assessment_id = a.id
         WHERE a.created_at >= $1 AND a.probability IS NOT NULL
         GROUP BY 1 ORDER BY 1 DESC",
    )
    .bind::<Timestamptz, _>(since)
    .load(conn)
    .await?)
}

/// False positives of one story in one month.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct StoryMonth {
    /// First moment of the month in which the assessments were made.
    #[diesel(sql_type = Timestamptz)]
    pub month: DateTime<Utc>,
    /// Key of the story that was told, else of the best innocent one.
    #[diesel(sql_type = Nullable<Text>)]
    pub story: Option<String>,
    /// Unusual results that were reviewed with a clear answer.
    #[diesel(sql_type = BigInt)]
    pub reviewed: i64,
    /// Of these, false.
    #[diesel(sql_type = BigInt)]
    pub false_positive: i64,
}

/// Reviewed unusual results since `since`, by month, newest first, and story.
///
/// # Errors
///
/// When the database fails.
pub async fn stories(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<StoryMonth>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT date_trunc('month', a.created_at, 'UTC') AS month,
                coalesce(a.told_story, a.innocent_story) AS story, count(*) AS reviewed,
                count(*) FILTER (WHERE r.verdict = 'false_positive') AS false_positive
         FROM player_analysis a
         JOIN LATERAL (
             SELECT verdict FROM assessment_reviews WHERE assessment_id = a.id
             ORDER BY id DESC LIMIT 1) r ON r.verdict <> 'unsure'
         WHERE a.created_at >= $1 AND (a.verdict = 'unusual_pattern' OR a.withheld)
         GROUP BY 1, 2 ORDER BY 1 DESC, 2",
    )
    .bind::<Timestamptz, _>(since)
    .load(conn)
    .await?)
}

/// Unusual results, and how many of them were found false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct FalsePositives {
    /// Results, those that the circuit breaker kept back included.
    #[diesel(sql_type = BigInt)]
    pub unusual: i64,
    /// Whose newest review is `false_positive`.
    #[diesel(sql_type = BigInt)]
    pub false_positive: i64,
}

/// Unusual results made since `since`.
///
/// # Errors
///
/// When the database fails.
pub async fn false_positives(
    conn: &mut Conn,
    since: DateTime<Utc>,
) -> Result<FalsePositives, StoreError> {
    Ok(diesel::sql_query(
        "SELECT count(*) AS unusual, count(*) FILTER (WHERE (
                SELECT r.verdict FROM assessment_reviews r WHERE r.assessment_id = a.id
                ORDER BY r.id DESC LIMIT 1) = 'false_positive') AS false_positive
         FROM player_analysis a
         WHERE a.created_at >= $1 AND (a.verdict = 'unusual_pattern' OR a.withheld)",
    )
    .bind::<Timestamptz, _>(since)
    .get_result(conn)
    .await?)
}
