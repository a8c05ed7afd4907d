//! What a player's stored matches add up to.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::pool::Conn;

/// The sums over a player's matches with one champion in one position. Remakes do not count.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct PlayedAs {
    /// Key of the champion.
    #[diesel(sql_type = Integer)]
    pub champion_id: i32,
    /// Riot's spelling; the last of them in the alphabet, where it has changed.
    #[diesel(sql_type = Text)]
    pub champion_name: String,
    /// Riot's word for the position; empty where there is none.
    #[diesel(sql_type = Text)]
    pub position: String,
    /// Matches.
    #[diesel(sql_type = BigInt)]
    pub games: i64,
    /// Matches won.
    #[diesel(sql_type = BigInt)]
    pub wins: i64,
    /// Kills in all.
    #[diesel(sql_type = BigInt)]
    pub kills: i64,
    /// Deaths in all.
    #[diesel(sql_type = BigInt)]
    pub deaths: i64,
    /// Assists in all.
    #[diesel(sql_type = BigInt)]
    pub assists: i64,
    /// Creep score in all.
    #[diesel(sql_type = BigInt)]
    pub cs: i64,
    /// Gold in all.
    #[diesel(sql_type = BigInt)]
    pub gold_earned: i64,
    /// Vision score in all.
    #[diesel(sql_type = BigInt)]
    pub vision_score: i64,
    /// Seconds in all.
    #[diesel(sql_type = BigInt)]
    pub time_played: i64,
    /// Start of the oldest of the matches.
    #[diesel(sql_type = Timestamptz)]
    pub first_start: DateTime<Utc>,
    /// Start of the newest of the matches.
    #[diesel(sql_type = Timestamptz)]
    pub last_start: DateTime<Utc>,
}

/// A player's matches of one queue or of all, by champion and position. Reads every match of the
/// player, through match_participants_puuid_start_idx.
///
/// # Errors
///
/// When the database fails.
pub async fn of_player(
    conn: &mut Conn,
    puuid: &Puuid,
    queue: Option<QueueId>,
) -> Result<Vec<PlayedAs>, StoreError> {
    let sums = diesel::sql_query(
        "SELECT champion_id, max(champion_name) AS champion_name, team_position AS position,
                count(*) AS games, count(*) FILTER (WHERE win) AS wins,
                sum(kills) AS kills, sum(deaths) AS deaths, sum(assists) AS assists,
                sum(cs) AS cs, sum(gold_earned) AS gold_earned, sum(vision_score) AS vision_score,
                sum(time_played) AS time_played,
                min(game_start) AS first_start, max(game_start) AS last_start
         FROM match_participants
         WHERE puuid = $1 AND ($2 IS NULL OR queue_id = $2) AND NOT game_ended_in_early_surrender
         GROUP BY champion_id, team_position
         ORDER BY games DESC, champion_id, position",
    )
    .bind::<Text, _>(puuid.as_str())
    .bind::<Nullable<Integer>, _>(queue.map(|queue| queue.0))
    .load(conn)
    .await?;
    Ok(sums)
}
