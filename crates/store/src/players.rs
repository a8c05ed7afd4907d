//! Players: whom we know, and whom we track.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, RunQueryDsl};
use riftwatch_domain::player::{Account, Player, Puuid, RiotId, Summoner};
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{match_participants, players};

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(text: Text) -> Text;
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = players, check_for_backend(diesel::pg::Pg))]
pub(crate) struct PlayerRow {
    puuid: String,
    platform: String,
    game_name: Option<String>,
    tag_line: Option<String>,
    profile_icon_id: Option<i32>,
    summoner_level: Option<i64>,
    is_tracked: bool,
    is_analyzed: bool,
    tracked_at: Option<DateTime<Utc>>,
    last_synced_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<PlayerRow> for Player {
    type Error = StoreError;

    fn try_from(row: PlayerRow) -> Result<Self, StoreError> {
        let platform = row
            .platform
            .parse()
            .map_err(|error| StoreError::corrupt("players", "platform", error))?;
        let riot_id = row
            .game_name
            .zip(row.tag_line)
            .map(|(game_name, tag_line)| RiotId { game_name, tag_line });
        Ok(Self {
            puuid: Puuid::new(row.puuid),
            platform,
            riot_id,
            profile_icon_id: row.profile_icon_id,
            summoner_level: row.summoner_level,
            is_tracked: row.is_tracked,
            is_analyzed: row.is_analyzed,
            tracked_at: row.tracked_at,
            last_synced_at: row.last_synced_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The player of a puuid.
///
/// # Errors
///
/// When the database fails.
pub async fn find(conn: &mut Conn, puuid: &Puuid) -> Result<Option<Player>, StoreError> {
    players::table
        .find(puuid.as_str())
        .select(PlayerRow::as_select())
        .first(conn)
        .await
        .optional()?
        .map(Player::try_from)
        .transpose()
}

/// The player of a Riot ID on a platform, whatever the case. Names change hands: if two rows carry
/// the name, the one seen last has it.
///
/// # Errors
///
/// When the database fails.
pub async fn find_by_riot_id(
    conn: &mut Conn,
    riot_id: &RiotId,
    platform: Platform,
) -> Result<Option<Player>, StoreError> {
    players::table
        .filter(players::game_name.is_not_null())
        .filter(lower(players::game_name.assume_not_null()).eq(lower(&riot_id.game_name)))
        .filter(lower(players::tag_line.assume_not_null()).eq(lower(&riot_id.tag_line)))
        .filter(players::platform.eq(platform.as_str()))
        .order((players::profile_seen_at.desc().nulls_last(), players::puuid))
        .select(PlayerRow::as_select())
        .first(conn)
        .await
        .optional()?
        .map(Player::try_from)
        .transpose()
}

/// Tracked players of the platforms (empty: of all), the longest unsynced first. There are at most
/// `MAX_TRACKED_PLAYERS` of them.
///
/// # Errors
///
/// When the database fails.
pub async fn tracked(conn: &mut Conn, platforms: &[Platform]) -> Result<Vec<Player>, StoreError> {
    let mut query = players::table
        .filter(players::is_tracked)
        .order((players::last_synced_at.asc().nulls_first(), players::puuid))
        .select(PlayerRow::as_select())
        .into_boxed();
    if !platforms.is_empty() {
        query = query.filter(players::platform.eq_any(platforms.iter().map(|p| p.as_str())));
    }
    let rows: Vec<PlayerRow> = query.load(conn).await?;
    rows.into_iter().map(Player::try_from).collect()
}

/// Tracked players in the order in which tracking began, on one platform or on all, after the one
/// with this beginning and puuid. There are few of them: they are sorted, not read in order.
///
/// # Errors
///
/// When the database fails.
pub async fn tracked_since(
    conn: &mut Conn,
    platform: Option<Platform>,
    after: Option<&(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<Player>, StoreError> {
    let mut query = players::table
        .filter(players::is_tracked)
        .order((players::tracked_at, players::puuid))
        .limit(limit)
        .select(PlayerRow::as_select())
        .into_boxed();
    if let Some(platform) = platform {
        query = query.filter(players::platform.eq(platform.as_str()));
    }
    if let Some((began, puuid)) = after {
        let same_time = players::tracked_at.assume_not_null().eq(began);
        query = query.filter(
            players::tracked_at
                .assume_not_null()
                .gt(began)
                .or(same_time.and(players::puuid.gt(puuid))),
        );
    }
    let rows: Vec<PlayerRow> = query.load(conn).await?;
    rows.into_iter().map(Player::try_from).collect()
}

/// Players whose Riot ID has `text` in it or comes near it, whatever the case; the nearest first,
/// at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn search(
    conn: &mut Conn,
    text: &str,
    platform: Option<Platform>,
    limit: i64,
) -> Result<Vec<Player>, StoreError> {
    let pattern =
        format!("%{}%", text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"));
    // The expression is the index's, word for word: players_riot_id_trgm_idx.
    let rows: Vec<PlayerRow> = diesel::sql_query(
        "SELECT p.* FROM players p, lower($1) AS q
         WHERE p.game_name IS NOT NULL
           AND (lower(p.game_name || '#' || p.tag_line) LIKE lower($2)
                OR q <% lower(p.game_name || '#' || p.tag_line))
           AND ($3 IS NULL OR p.platform = $3)
         ORDER BY lower(p.game_name || '#' || p.tag_line) = q DESC,
                  lower(p.game_name) = q DESC,
                  starts_with(lower(p.game_name || '#' || p.tag_line), q) DESC,
                  similarity(q, lower(p.game_name || '#' || p.tag_line)) DESC,
                  p.is_tracked DESC, p.puuid
         LIMIT $4",
    )
    .bind::<Text, _>(text)
    .bind::<Text, _>(pattern)
    .bind::<diesel::sql_types::Nullable<Text>, _>(platform.map(Platform::as_str))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter().map(Player::try_from).collect()
}

/// The current Riot IDs of those among the players whose names are known.
///
/// # Errors
///
/// When the database fails.
pub async fn names(
    conn: &mut Conn,
    puuids: &[&Puuid],
) -> Result<BTreeMap<Puuid, RiotId>, StoreError> {
    let rows: Vec<(String, Option<String>, Option<String>)> = players::table
        .filter(players::puuid.eq_any(puuids.iter().map(|puuid| puuid.as_str())))
        .select((players::puuid, players::game_name, players::tag_line))
        .load(conn)
        .await?;
    let named = rows.into_iter().filter_map(|(puuid, game_name, tag_line)| {
        let riot_id = RiotId { game_name: game_name?, tag_line: tag_line? };
        Some((Puuid::new(puuid), riot_id))
    });
    Ok(named.collect())
}

/// How many players there are: known, and tracked.
///
/// # Errors
///
/// When the database fails.
pub async fn count(conn: &mut Conn) -> Result<(i64, i64), StoreError> {
    let known = players::table.count().get_result(conn).await?;
    let tracked = players::table.filter(players::is_tracked).count().get_result(conn).await?;
    Ok((known, tracked))
}

/// What became of a wish to track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tracked {
    /// Tracking begins.
    Now(Player),
    /// It had begun before.
    Already(Player),
    /// As many players as allowed are tracked already.
    Full,
}

/// Serialises decisions about who is tracked, so that the limit holds when two callers come at once.
const TRACKING_LOCK: i64 = 0x7472_6163;

/// Begins to track an account, known before or not, unless `max_tracked` are.
///
/// # Errors
///
/// When the database fails.
pub async fn track(
    conn: &mut Conn,
    account: &Account,
    platform: Platform,
    max_tracked: i64,
    now: DateTime<Utc>,
) -> Result<Tracked, StoreError> {
    conn.transaction(async |conn| {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(TRACKING_LOCK)
            .execute(conn)
            .await?;
        let known = find(conn, &account.puuid).await?;
        if let Some(player) = known.filter(|player| player.is_tracked) {
            return Ok(Tracked::Already(player));
        }
        let tracked: i64 =
            players::table.filter(players::is_tracked).count().get_result(conn).await?;
        if tracked >= max_tracked {
            return Ok(Tracked::Full);
        }
        let name = account.riot_id.as_ref();
        let row: PlayerRow = diesel::insert_into(players::table)
            .values((
                players::puuid.eq(account.puuid.as_str()),
                players::platform.eq(platform.as_str()),
                players::game_name.eq(name.map(|id| id.game_name.as_str())),
                players::tag_line.eq(name.map(|id| id.tag_line.as_str())),
                players::is_tracked.eq(true),
                players::tracked_at.eq(now),
                players::created_at.eq(now),
                players::updated_at.eq(now),
            ))
            .on_conflict(players::puuid)
            .do_update()
            .set((
                players::platform.eq(excluded(players::platform)),
                players::is_tracked.eq(true),
                players::tracked_at.eq(now),
                players::updated_at.eq(now),
            ))
            .returning(PlayerRow::as_returning())
            .get_result(conn)
            .await?;
        Ok(Tracked::Now(row.try_into()?))
    })
    .await
}

/// Stops tracking. What is stored stays, cursors included, so that tracking again leaves no gap.
/// `None`: unknown player.
///
/// # Errors
///
/// When the database fails.
pub async fn untrack(
    conn: &mut Conn,
    puuid: &Puuid,
    now: DateTime<Utc>,
) -> Result<Option<Player>, StoreError> {
    diesel::update(players::table.find(puuid.as_str()))
        .set((
            players::is_tracked.eq(false),
            players::tracked_at.eq(None::<DateTime<Utc>>),
            players::updated_at.eq(now),
        ))
        .returning(PlayerRow::as_returning())
        .get_result(conn)
        .await
        .optional()?
        .map(Player::try_from)
        .transpose()
}

/// Records what a look-up of a known player said.
///
/// # Errors
///
/// When the database fails.
pub async fn record_profile(
    conn: &mut Conn,
    account: &Account,
    summoner: Option<&Summoner>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    #[derive(AsChangeset)]
    #[diesel(table_name = players)]
    struct Profile<'a> {
        // `None` leaves the column: a name under review is not a name lost.
        game_name: Option<&'a str>,
        tag_line: Option<&'a str>,
        profile_icon_id: Option<i32>,
        summoner_level: Option<i64>,
        profile_seen_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    }
    let name = account.riot_id.as_ref();
    diesel::update(players::table.find(account.puuid.as_str()))
        .set(Profile {
            game_name: name.map(|id| id.game_name.as_str()),
            tag_line: name.map(|id| id.tag_line.as_str()),
            profile_icon_id: summoner.map(|s| s.profile_icon_id),
            summoner_level: summoner.map(|s| s.level),
            profile_seen_at: now,
            updated_at: now,
        })
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a player a new puuid, everywhere: an API key sees puuids of its own, and another key has
/// taken the place of the one that saw `old`. If the new puuid has been met already, in matches
/// fetched with the new key, both rows become one, which keeps the old one's history; assessments
/// of the younger row go. `false`: there is no player `old`.
///
/// # Errors
///
/// When the database fails.
pub async fn rekey(
    conn: &mut Conn,
    old: &Puuid,
    new: &Puuid,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if old == new {
        return Ok(find(conn, old).await?.is_some());
    }
    conn.transaction(async |conn| {
        let known: Option<bool> = players::table
            .find(old.as_str())
            .select(players::is_tracked)
            .for_update()
            .first(conn)
            .await
            .optional()?;
        let Some(was_tracked) = known else { return Ok(false) };
        // What hangs on the younger row and has no twin on the older one comes along.
        diesel::sql_query(
            "UPDATE player_ranks r SET puuid = $1 WHERE r.puuid = $2
             AND NOT EXISTS (SELECT FROM player_ranks t WHERE t.puuid = $1
                             AND t.queue_type = r.queue_type AND t.seen_at = r.seen_at)",
        )
        .bind::<Text, _>(old.as_str())
        .bind::<Text, _>(new.as_str())
        .execute(conn)
        .await?;
        diesel::sql_query(
            "UPDATE ranked_games g SET player = o.number FROM players o, players n
             WHERE o.puuid = $1 AND n.puuid = $2 AND g.player = n.number",
        )
        .bind::<Text, _>(old.as_str())
        .bind::<Text, _>(new.as_str())
        .execute(conn)
        .await?;
        let younger: Option<(bool, Option<DateTime<Utc>>)> =
            diesel::delete(players::table.find(new.as_str()))
                .returning((players::is_tracked, players::tracked_at))
                .get_result(conn)
                .await
                .optional()?;
        // Foreign keys follow by ON UPDATE CASCADE.
        diesel::update(players::table.find(old.as_str()))
            .set((
                players::puuid.eq(new.as_str()),
                players::is_analyzed.eq(false),
                players::updated_at.eq(now),
            ))
            .execute(conn)
            .await?;
        if let Some((true, tracked_at)) = younger.filter(|_| !was_tracked) {
            diesel::update(players::table.find(new.as_str()))
                .set((players::is_tracked.eq(true), players::tracked_at.eq(tracked_at)))
                .execute(conn)
                .await?;
        }
        // Participants of stored matches are no foreign key: they outlive the player's row.
        diesel::update(match_participants::table)
            .filter(match_participants::puuid.eq(old.as_str()))
            .set(match_participants::puuid.eq(new.as_str()))
            .execute(conn)
            .await?;
        Ok(true)
    })
    .await
}

/// Records that a player was brought current at `now`.
///
/// # Errors
///
/// When the database fails.
pub async fn mark_synced(
    conn: &mut Conn,
    puuid: &Puuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::update(players::table.find(puuid.as_str()))
        .set((players::last_synced_at.eq(now), players::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}
