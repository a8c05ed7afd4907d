//! When players were looked at, when it is worth looking again, and what to reckon that from.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::{Player, Puuid};
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::players::PlayerRow;
use crate::pool::Conn;
use crate::schema::player_looks;

/// A tracked player, and what is known of when to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Who.
    pub player: Player,
    /// When the list of matches was last read to its end; `None`: never.
    pub looked_at: Option<DateTime<Utc>>,
    /// When the next look is planned; `None`: none was planned yet.
    pub next_look_at: Option<DateTime<Utc>>,
    /// Start of the newest stored match when that was planned.
    pub planned_on: Option<DateTime<Utc>>,
    /// Start of the newest stored match now.
    pub newest_start: Option<DateTime<Utc>>,
}

impl Watched {
    /// Whether the plan is out of date: the player has been met in a match since, or tracking has
    /// begun since.
    pub fn needs_plan(&self) -> bool {
        self.next_look_at.is_none() || self.planned_on != self.newest_start || self.is_new()
    }

    /// Whether nobody has looked since tracking began.
    pub fn is_new(&self) -> bool {
        match (self.looked_at, self.player.tracked_at) {
            (Some(looked_at), Some(tracked_at)) => looked_at < tracked_at,
            (looked_at, _) => looked_at.is_none(),
        }
    }
}

#[derive(QueryableByName)]
struct WatchedRow {
    #[diesel(embed)]
    player: PlayerRow,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    looked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_look_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    planned_on: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    newest_start: Option<DateTime<Utc>>,
}

/// Tracked players of the platforms (empty: of all) with their looks, in the order of their puuids.
/// There are at most `MAX_TRACKED_PLAYERS`; each costs two looks into an index.
///
/// # Errors
///
/// When the database fails.
pub async fn watched(conn: &mut Conn, platforms: &[Platform]) -> Result<Vec<Watched>, StoreError> {
    let platforms: Vec<&str> = platforms.iter().map(|platform| platform.as_str()).collect();
    let rows: Vec<WatchedRow> = diesel::sql_query(
        "SELECT p.*, l.looked_at, l.next_look_at, l.planned_on, newest.game_start AS newest_start
         FROM players p
         LEFT JOIN player_looks l ON l.puuid = p.puuid
         LEFT JOIN LATERAL (
             SELECT m.game_start FROM match_participants m WHERE m.puuid = p.puuid
             ORDER BY m.game_start DESC, m.match_id DESC LIMIT 1) newest ON true
         WHERE p.is_tracked AND (cardinality($1) = 0 OR p.platform = ANY ($1))
         ORDER BY p.puuid",
    )
    .bind::<Array<Text>, _>(platforms)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Watched {
                player: row.player.try_into()?,
                looked_at: row.looked_at,
                next_look_at: row.next_look_at,
                planned_on: row.planned_on,
                newest_start: row.newest_start,
            })
        })
        .collect()
}

/// A stored game of a player, as far as a rhythm of play needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayedSpan {
    /// When it began.
    pub start: DateTime<Utc>,
    /// When it was over for the player.
    pub end: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct SpanRow {
    #[diesel(sql_type = Text)]
    puuid: String,
    #[diesel(sql_type = Timestamptz)]
    game_start: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    time_played: i32,
}

/// The newest `games` games of each player, newest first. Players without any are absent.
///
/// # Errors
///
/// When the database fails.
pub async fn played(
    conn: &mut Conn,
    puuids: &[&Puuid],
    games: i64,
) -> Result<HashMap<Puuid, Vec<PlayedSpan>>, StoreError> {
    let puuids: Vec<&str> = puuids.iter().map(|puuid| puuid.as_str()).collect();
    let rows: Vec<SpanRow> = diesel::sql_query(
        "SELECT g.puuid, g.game_start, g.time_played
         FROM unnest($1) AS who (name)
         CROSS JOIN LATERAL (
             SELECT m.puuid, m.game_start, m.time_played FROM match_participants m
             WHERE m.puuid = who.name
             ORDER BY m.game_start DESC, m.match_id DESC LIMIT $2) g",
    )
    .bind::<Array<Text>, _>(puuids)
    .bind::<BigInt, _>(games)
    .load(conn)
    .await?;
    let mut found: HashMap<Puuid, Vec<PlayedSpan>> = HashMap::new();
    for row in rows {
        let end = row.game_start + chrono::Duration::seconds(row.time_played.into());
        let span = PlayedSpan { start: row.game_start, end };
        found.entry(Puuid::new(row.puuid)).or_default().push(span);
    }
    Ok(found)
}

/// A plan to look at a player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Whom.
    pub puuid: &'a Puuid,
    /// When the list of matches was last read to its end; `None` leaves what is noted.
    pub looked_at: Option<DateTime<Utc>>,
    /// When to look.
    pub next_look_at: DateTime<Utc>,
    /// Start of the newest match that the plan knows of.
    pub planned_on: Option<DateTime<Utc>>,
}

/// Stores plans, all in one statement.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn plan(conn: &mut Conn, plans: &[Plan<'_>]) -> Result<(), StoreError> {
    if plans.is_empty() {
        return Ok(());
    }
    let puuids: Vec<&str> = plans.iter().map(|plan| plan.puuid.as_str()).collect();
    let looked_at: Vec<Option<DateTime<Utc>>> = plans.iter().map(|plan| plan.looked_at).collect();
    let next: Vec<DateTime<Utc>> = plans.iter().map(|plan| plan.next_look_at).collect();
    let planned: Vec<Option<DateTime<Utc>>> = plans.iter().map(|plan| plan.planned_on).collect();
    // In the order of the key, so that two writers lock rows in the same order.
    diesel::sql_query(
        "INSERT INTO player_looks AS l (puuid, looked_at, next_look_at, planned_on)
         SELECT * FROM unnest($1, $2, $3, $4) AS n (puuid, looked_at, next_look_at, planned_on)
         ORDER BY puuid
         ON CONFLICT (puuid) DO UPDATE SET
             looked_at = coalesce(excluded.looked_at, l.looked_at),
             next_look_at = excluded.next_look_at,
             planned_on = excluded.planned_on",
    )
    .bind::<Array<Text>, _>(puuids)
    .bind::<Array<Nullable<Timestamptz>>, _>(looked_at)
    .bind::<Array<Timestamptz>, _>(next)
    .bind::<Array<Nullable<Timestamptz>>, _>(planned)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

/// Whether the player's ranks can differ from what was last seen: they were never asked for, or a
/// ranked game ended since.
///
/// # Errors
///
/// When the database fails.
pub async fn ranks_are_due(conn: &mut Conn, puuid: &Puuid) -> Result<bool, StoreError> {
    // The newest ranked game is looked for among the newest of all, which one range of an index
    // holds: who has played so much else since has been looked at in between.
    let row: Flag = diesel::sql_query(
        "SELECT NOT EXISTS (
             SELECT FROM player_looks l
             WHERE l.puuid = $1 AND l.ranks_looked_at > coalesce((
                 SELECT max(g.game_start + g.time_played * interval '1 second')
                 FROM (SELECT m.queue_id, m.game_start, m.time_played FROM match_participants m
                       WHERE m.puuid = $1 ORDER BY m.game_start DESC, m.match_id DESC LIMIT 100) g
                 WHERE g.queue_id = ANY ($2)), '-infinity')) AS flag",
    )
    .bind::<Text, _>(puuid.as_str())
    .bind::<Array<Integer>, _>([QueueId::RANKED_SOLO.0, QueueId::RANKED_FLEX.0].as_slice())
    .get_result(conn)
    .await?;
    Ok(row.flag)
}

/// Notes that the player's ranks were asked for at `now`.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn ranks_looked_at(
    conn: &mut Conn,
    puuid: &Puuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::insert_into(player_looks::table)
        .values((
            player_looks::puuid.eq(puuid.as_str()),
            player_looks::next_look_at.eq(now),
            player_looks::ranks_looked_at.eq(now),
        ))
        .on_conflict(player_looks::puuid)
        .do_update()
        .set(player_looks::ranks_looked_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// When the rank in the ranked solo queue was seen that was judged last; `None`: none was.
///
/// # Errors
///
/// When the database fails.
pub async fn rank_judged_at(
    conn: &mut Conn,
    puuid: &Puuid,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let found: Option<Option<DateTime<Utc>>> = player_looks::table
        .find(puuid.as_str())
        .select(player_looks::ranks_judged_at)
        .first(conn)
        .await
        .optional()?;
    Ok(found.flatten())
}

/// Notes that the rank seen at `seen_at` is judged, after the one seen at `before`. False: somebody
/// else judges it.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn judge_rank(
    conn: &mut Conn,
    puuid: &Puuid,
    before: Option<DateTime<Utc>>,
    seen_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let rows = diesel::sql_query(
        "INSERT INTO player_looks AS l (puuid, next_look_at, ranks_judged_at) VALUES ($1, $2, $2)
         ON CONFLICT (puuid) DO UPDATE SET ranks_judged_at = excluded.ranks_judged_at
             WHERE l.ranks_judged_at IS NOT DISTINCT FROM $3",
    )
    .bind::<Text, _>(puuid.as_str())
    .bind::<Timestamptz, _>(seen_at)
    .bind::<Nullable<Timestamptz>, _>(before)
    .execute(conn)
    .await?;
    Ok(rows == 1)
}

/// Notes with the time that Riot knows the account or not, unless the last observation says so
/// already. An account that was never missing needs no row: only an absence does, and its end.
///
/// # Errors
///
/// [`StoreError::Conflict`] for an unknown player; when the database fails.
pub async fn observe_reachable(
    conn: &mut Conn,
    puuid: &Puuid,
    reachable: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO reachability_observations (puuid, seen_at, reachable)
         SELECT $1, $2, $3
         WHERE $3 IS DISTINCT FROM coalesce((
             SELECT o.reachable FROM reachability_observations o WHERE o.puuid = $1
             ORDER BY o.seen_at DESC LIMIT 1), true)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(puuid.as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Bool, _>(reachable)
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody met in stored matches whose sample of ranked games is not full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fillable {
    /// Who.
    pub puuid: Puuid,
    /// Where the account plays.
    pub platform: Platform,
    /// Ranked solo games of the player that are stored.
    pub games: i64,
}

#[derive(QueryableByName)]
struct FillableRow {
    #[diesel(sql_type = Text)]
    puuid: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = BigInt)]
    games: i64,
}

/// Players who are not tracked, were met in one of the newest `matches` ranked solo matches, have
/// fewer than `sample` such games stored, and whom nobody is to leave alone until later; who needs
/// the fewest games first. Costs two looks into indexes for each participant of those matches.
///
/// # Errors
///
/// When the database fails.
pub async fn fillable(
    conn: &mut Conn,
    matches: i64,
    sample: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Fillable>, StoreError> {
    let rows: Vec<FillableRow> = diesel::sql_query(
        "SELECT p.puuid, p.platform, known.games
         FROM (SELECT DISTINCT o.puuid
               FROM (SELECT g.match_id FROM matches g
                     ORDER BY g.game_start DESC, g.match_id DESC LIMIT $2) newest
               JOIN match_participants o ON o.match_id = newest.match_id
               WHERE o.queue_id = $1 AND o.puuid IS NOT NULL) met
         JOIN players p ON p.puuid = met.puuid AND NOT p.is_tracked
         LEFT JOIN player_looks l ON l.puuid = p.puuid
         CROSS JOIN LATERAL (
             SELECT count(*) AS games FROM (
                 SELECT FROM ranked_games g WHERE g.player = p.number LIMIT $3) AS few) known
         WHERE known.games < $3 AND (l.next_look_at IS NULL OR l.next_look_at <= $5)
         ORDER BY known.games DESC, p.puuid
         LIMIT $4",
    )
    .bind::<Integer, _>(QueueId::RANKED_SOLO.0)
    .bind::<BigInt, _>(matches)
    .bind::<BigInt, _>(sample)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let platform = row
                .platform
                .parse()
                .map_err(|error| StoreError::corrupt("players", "platform", error))?;
            Ok(Fillable { puuid: Puuid::new(row.puuid), platform, games: row.games })
        })
        .collect()
}
