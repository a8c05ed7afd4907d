//! Ranks over time: a row when something changed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use riftwatch_domain::player::Puuid;
use riftwatch_domain::rank::{RANKED_SOLO, RankEntry, RankSnapshot};

use crate::assessments;
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_ranks, players};

#[derive(Queryable, Selectable)]
#[diesel(table_name = player_ranks, check_for_backend(diesel::pg::Pg))]
struct RankRow {
    queue_type: String,
    tier: Option<String>,
    division: Option<String>,
    league_points: i32,
    wins: i32,
    losses: i32,
    hot_streak: bool,
    veteran: bool,
    fresh_blood: bool,
    inactive: bool,
    seen_at: DateTime<Utc>,
}

impl TryFrom<RankRow> for RankSnapshot {
    type Error = StoreError;

    fn try_from(row: RankRow) -> Result<Self, StoreError> {
        let division = row
            .division
            .map(|text| text.parse())
            .transpose()
            .map_err(|error| StoreError::corrupt("player_ranks", "division", error))?;
        Ok(Self {
            entry: RankEntry {
                queue_type: row.queue_type,
                tier: row.tier.map(Into::into),
                division,
                league_points: row.league_points,
                wins: row.wins,
                losses: row.losses,
                hot_streak: row.hot_streak,
                veteran: row.veteran,
                fresh_blood: row.fresh_blood,
                inactive: row.inactive,
            },
            seen_at: row.seen_at,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = player_ranks, treat_none_as_default_value = false)]
struct NewRank<'a> {
    puuid: &'a str,
    queue_type: &'a str,
    tier: Option<&'a str>,
    division: Option<&'static str>,
    league_points: i32,
    wins: i32,
    losses: i32,
    hot_streak: bool,
    veteran: bool,
    fresh_blood: bool,
    inactive: bool,
    seen_at: DateTime<Utc>,
}

/// The newest rank in each queue, by the queue's name.
///
/// # Errors
///
/// When the database fails.
pub async fn latest(conn: &mut Conn, puuid: &Puuid) -> Result<Vec<RankSnapshot>, StoreError> {
    let rows: Vec<RankRow> = player_ranks::table
        .filter(player_ranks::puuid.eq(puuid.as_str()))
        .distinct_on(player_ranks::queue_type)
        .order((player_ranks::queue_type, player_ranks::seen_at.desc()))
        .select(RankRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(RankSnapshot::try_from).collect()
}

/// Ranks in one queue, newest first, those seen before `before` if given.
///
/// # Errors
///
/// When the database fails.
pub async fn history(
    conn: &mut Conn,
    puuid: &Puuid,
    queue_type: &str,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<RankSnapshot>, StoreError> {
    let mut query = player_ranks::table
        .filter(player_ranks::puuid.eq(puuid.as_str()))
        .filter(player_ranks::queue_type.eq(queue_type))
        .order(player_ranks::seen_at.desc())
        .limit(limit)
        .select(RankRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(player_ranks::seen_at.lt(before));
    }
    let rows: Vec<RankRow> = query.load(conn).await?;
    rows.into_iter().map(RankSnapshot::try_from).collect()
}

/// Stores the entries that differ from the newest stored ones. Returns how many did.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn record(
    conn: &mut Conn,
    puuid: &Puuid,
    entries: &[RankEntry],
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    conn.transaction(async |conn| {
        // Two recorders of one player take turns, so that neither stores what the other just did.
        let known: Option<String> = players::table
            .find(puuid.as_str())
            .select(players::puuid)
            .for_no_key_update()
            .first(conn)
            .await
            .optional()?;
        if known.is_none() {
            return Err(StoreError::Conflict { constraint: "player_ranks_puuid_fkey".to_owned() });
        }
        let latest = latest(conn, puuid).await?;
        let changed: Vec<NewRank<'_>> = entries
            .iter()
            .filter(|entry| {
                latest
                    .iter()
                    .find(|snapshot| snapshot.entry.queue_type == entry.queue_type)
                    .is_none_or(|snapshot| snapshot.entry.differs(entry))
            })
            .map(|entry| NewRank {
                puuid: puuid.as_str(),
                queue_type: &entry.queue_type,
                tier: entry.tier.as_ref().map(|tier| tier.as_str()),
                division: entry.division.map(|division| division.as_str()),
                league_points: entry.league_points,
                wins: entry.wins,
                losses: entry.losses,
                hot_streak: entry.hot_streak,
                veteran: entry.veteran,
                fresh_blood: entry.fresh_blood,
                inactive: entry.inactive,
                seen_at: now,
            })
            .collect();
        if changed.is_empty() {
            return Ok(0);
        }
        if changed.iter().any(|rank| rank.queue_type == RANKED_SOLO) {
            let is_first = !latest.iter().any(|snapshot| snapshot.entry.queue_type == RANKED_SOLO);
            assessments::note_rank(conn, puuid, is_first).await?;
        }
        Ok(diesel::insert_into(player_ranks::table)
            .values(&changed)
            .on_conflict((player_ranks::puuid, player_ranks::queue_type, player_ranks::seen_at))
            .do_nothing()
            .execute(conn)
            .await?)
    })
    .await
}
