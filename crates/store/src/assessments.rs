//! Assessments, each a document that is never changed.

mod claims;
mod list;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_analysis, players, reachability_observations};

pub(crate) use claims::note_rank;
pub use claims::{Claim, claim, finish, give_back};
pub use list::{Band, ListFilter, ListKey, Listed, Sort, UnknownBand, list};

/// An assessment to be stored. The document is the whole of it; the other fields are for searching.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAssessment {
    /// Whose.
    pub puuid: String,
    /// Name and version of the model.
    pub model_version: String,
    /// Games that it rests on.
    pub games: i32,
    /// Games that were looked at, whether they counted or not.
    pub sample_games: i32,
    /// Of these, games in which the ranks of enough others were known.
    pub known_lobbies: i32,
    /// 0 to 1; absent where nothing is said.
    pub probability: Option<f64>,
    /// Lower end of the interval around `probability`.
    pub interval_low: Option<f64>,
    /// Upper end of it.
    pub interval_high: Option<f64>,
    /// Key of the verdict.
    pub verdict: String,
    /// The part of `probability` that is somebody stronger playing, 0 to 1.
    pub smurf_probability: Option<f64>,
    /// The old score; no probability.
    pub legacy_score: Option<f64>,
    /// The tier that the account displayed.
    pub tier: Option<String>,
    /// Its rank in tiers.
    pub rank_height: Option<f64>,
    /// Key of the best innocent story.
    pub innocent_story: String,
    /// Key of the story that had been told.
    pub told_story: Option<String>,
    /// The pattern was unusual, and the circuit breaker kept the verdict back.
    pub withheld: bool,
    /// Start of the newest game that was looked at.
    pub evidence_until: Option<DateTime<Utc>>,
    /// JSON, kept to the byte.
    pub document: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A stored assessment.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = player_analysis, check_for_backend(diesel::pg::Pg))]
pub struct StoredAssessment {
    /// Newer ones have larger ids.
    pub id: i64,
    /// Whose.
    pub puuid: String,
    /// Key of the verdict.
    pub verdict: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// JSON, as it was stored.
    pub document: String,
}

/// What the newest assessment of a player rested on.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct LastAssessment {
    /// Whose.
    pub puuid: String,
    /// Name and version of the model.
    pub model_version: String,
    /// Games that were looked at.
    pub sample_games: i32,
    /// Of these, games in which the ranks of enough others were known.
    pub known_lobbies: i32,
    /// Start of the newest of them.
    pub evidence_until: Option<DateTime<Utc>>,
    /// The displayed rank in tiers.
    pub rank_height: Option<f64>,
    /// Key of the story that had been told.
    pub told_story: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Stores assessments in one statement, in order. Those of players who are not known any more are
/// left out: somebody may be erased while they are assessed.
///
/// # Errors
///
/// When the database fails.
pub async fn insert_all(
    conn: &mut Conn,
    assessments: &[NewAssessment],
) -> Result<Vec<i64>, StoreError> {
    if assessments.is_empty() {
        return Ok(Vec::new());
    }
    fn column<T>(all: &[NewAssessment], of: impl Fn(&NewAssessment) -> T) -> Vec<T> {
        all.iter().map(of).collect()
    }
    let rows: Vec<Id> = diesel::sql_query(
        "INSERT INTO player_analysis (puuid, model_version, games, sample_games, known_lobbies, probability,
                interval_low, interval_high, verdict, smurf_probability, legacy_score, tier,
                rank_height, innocent_story, told_story, withheld, evidence_until, document,
                created_at)
         SELECT p.puuid, a.model_version, a.games, a.sample_games, a.known_lobbies, a.probability, a.interval_low,
                a.interval_high, a.verdict, a.smurf_probability, a.legacy_score, a.tier,
                a.rank_height, a.innocent_story, a.told_story, a.withheld, a.evidence_until,
                a.document, a.created_at
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
              WITH ORDINALITY AS a (puuid, model_version, games, sample_games, known_lobbies, probability,
                  interval_low, interval_high, verdict, smurf_probability, legacy_score, tier,
                  rank_height, innocent_story, told_story, withheld, evidence_until, document,
                  created_at, place)
         JOIN players p USING (puuid)
         ORDER BY a.place
         RETURNING id",
    )
    .bind::<Array<Text>, _>(column(assessments, |a| a.puuid.as_str().to_owned()))
    .bind::<Array<Text>, _>(column(assessments, |a| a.model_version.clone()))
    .bind::<Array<Integer>, _>(column(assessments, |a| a.games))
    .bind::<Array<Integer>, _>(column(assessments, |a| a.sample_games))
    .bind::<Array<Integer>, _>(column(assessments, |a| a.known_lobbies))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.probability))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.interval_low))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.interval_high))
    .bind::<Array<Text>, _>(column(assessments, |a| a.verdict.clone()))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.smurf_probability))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.legacy_score))
    .bind::<Array<Nullable<Text>>, _>(column(assessments, |a| a.tier.clone()))
    .bind::<Array<Nullable<Double>>, _>(column(assessments, |a| a.rank_height))
    .bind::<Array<Text>, _>(column(assessments, |a| a.innocent_story.clone()))
    .bind::<Array<Nullable<Text>>, _>(column(assessments, |a| a.told_story.clone()))
    .bind::<Array<Bool>, _>(column(assessments, |a| a.withheld))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(assessments, |a| a.evidence_until))
    .bind::<Array<Text>, _>(assessments.iter().map(|a| a.document.as_str()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(column(assessments, |a| a.created_at))
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// One assessment.
///
/// # Errors
///
/// When the database fails.
pub async fn find(conn: &mut Conn, id: i64) -> Result<Option<StoredAssessment>, StoreError> {
    Ok(player_analysis::table
        .find(id)
        .select(StoredAssessment::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A player's newest assessment.
///
/// # Errors
///
/// When the database fails.
pub async fn latest(
    conn: &mut Conn,
    puuid: &Puuid,
) -> Result<Option<StoredAssessment>, StoreError> {
    Ok(history(conn, puuid, None, 1).await?.pop())
}

type LastColumns = (
    Text,
    Text,
    Integer,
    Integer,
    Nullable<Timestamptz>,
    Nullable<Double>,
    Nullable<Text>,
    Timestamptz,
);

/// What the newest assessment of each of the players that have one rested on.
///
/// # Errors
///
/// When the database fails.
pub async fn last_of(conn: &mut Conn, puuids: &[&str]) -> Result<Vec<LastAssessment>, StoreError> {
    // One by one through player_analysis_puuid_idx: a table that was empty when it was last analysed
    // would else be read whole for each batch.
    Ok(diesel::dsl::sql::<LastColumns>(
        "SELECT a.puuid, a.model_version, a.sample_games, a.known_lobbies, a.evidence_until,
                a.rank_height, a.told_story, a.created_at
         FROM unnest(",
    )
    .bind::<Array<Text>, _>(puuids)
    .sql(
        ") AS who (name)
         CROSS JOIN LATERAL (
             SELECT * FROM player_analysis WHERE puuid = who.name ORDER BY id DESC LIMIT 1) a",
    )
    .load(conn)
    .await?)
}

/// A player's assessments, newest first, those before the id `before` if given.
///
/// # Errors
///
/// When the database fails.
pub async fn history(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredAssessment>, StoreError> {
    let mut query = player_analysis::table
        .filter(player_analysis::puuid.eq(puuid.as_str()))
        .order(player_analysis::id.desc())
        .limit(limit)
        .select(StoredAssessment::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(player_analysis::id.lt(before));
    }
    Ok(query.load(conn).await?)
}

/// Takes one player until the transaction ends, waiting for whoever has taken them. False: nobody
/// we know.
///
/// # Errors
///
/// When the database fails.
pub async fn take(conn: &mut Conn, puuid: &Puuid) -> Result<bool, StoreError> {
    let known: Option<String> = players::table
        .find(puuid.as_str())
        .select(players::puuid)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    Ok(known.is_some())
}

/// Notes that all evidence about a player is being looked at. False: nobody we know.
///
/// # Errors
///
/// When the database fails.
pub async fn mark_analyzed(conn: &mut Conn, puuid: &Puuid) -> Result<bool, StoreError> {
    // `updated_at` stays: it says when there was last something new about the player.
    let known = diesel::update(players::table.find(puuid.as_str()))
        .set(players::is_analyzed.eq(true))
        .execute(conn)
        .await?;
    Ok(known > 0)
}

#[derive(QueryableByName)]
struct UnobservedRow {
    #[diesel(sql_type = Text)]
    puuid: String,
    #[diesel(sql_type = Text)]
    platform: String,
}

/// Players with an unusual assessment, now or earlier, whom nobody has looked for since `since`;
/// the longest unobserved first.
///
/// # Errors
///
/// When the database fails.
pub async fn unobserved(
    conn: &mut Conn,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Puuid, Platform)>, StoreError> {
    let rows: Vec<UnobservedRow> = diesel::sql_query(
        "SELECT p.puuid, p.platform
         FROM (SELECT DISTINCT puuid FROM player_analysis WHERE verdict = 'unusual_pattern') u
         JOIN players p USING (puuid)
         LEFT JOIN LATERAL (
             SELECT o.seen_at FROM reachability_observations o WHERE o.puuid = p.puuid
             ORDER BY o.seen_at DESC LIMIT 1) last ON true
         WHERE last.seen_at IS NULL OR last.seen_at <= $1
         ORDER BY last.seen_at NULLS FIRST, p.puuid
         LIMIT $2",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let platform = row
                .platform
                .parse()
                .map_err(|error| StoreError::corrupt("players", "platform", error))?;
            Ok((Puuid::new(row.puuid), platform))
        })
        .collect()
}

/// Notes whether Riot knew the account at `now`.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn observe(
    conn: &mut Conn,
    puuid: &Puuid,
    reachable: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use reachability_observations as observations;
    diesel::insert_into(observations::table)
        .values((
            observations::puuid.eq(puuid.as_str()),
            observations::seen_at.eq(now),
            observations::reachable.eq(reachable),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}
