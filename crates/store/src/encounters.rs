//! Who played with whom.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::player::Puuid;

use crate::error::StoreError;
use crate::pool::Conn;

/// The newest games of a player that are looked at.
pub const GAMES: i32 = 500;

/// Somebody whom a player met.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Encounter {
    /// Riot's id of the other player.
    #[diesel(sql_type = Text)]
    pub puuid: String,
    /// The current Riot ID before #.
    #[diesel(sql_type = Nullable<Text>)]
    pub game_name: Option<String>,
    /// The current Riot ID after #.
    #[diesel(sql_type = Nullable<Text>)]
    pub tag_line: Option<String>,
    /// Games in which both played.
    #[diesel(sql_type = BigInt)]
    pub games: i64,
    /// Of these, on the same side.
    #[diesel(sql_type = BigInt)]
    pub together: i64,
    /// Of these, won.
    #[diesel(sql_type = BigInt)]
    pub won_together: i64,
    /// Games of both on different sides that the player won.
    #[diesel(sql_type = BigInt)]
    pub won_against: i64,
    /// Start of the last game of both.
    #[diesel(sql_type = Timestamptz)]
    pub last_met_at: DateTime<Utc>,
}

/// Whom a player met in the newest [`GAMES`] games, at least `min_games` times: the most frequent
/// first, behind `after` (games, puuid) if given, at most `limit`. Reads the player's games by
/// match_participants_puuid_start_idx and each match by its key.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn list(
    conn: &mut Conn,
    puuid: &Puuid,
    min_games: i32,
    after: Option<&(i64, String)>,
    limit: i64,
) -> Result<Vec<Encounter>, StoreError> {
    let met = diesel::sql_query(
        "WITH mine AS (
             SELECT match_id, team_id, win, game_start FROM match_participants
             WHERE puuid = $1 ORDER BY game_start DESC, match_id DESC LIMIT $2),
         met AS (
             SELECT o.puuid, count(*) AS games,
                    count(*) FILTER (WHERE o.team_id = mine.team_id) AS together,
                    count(*) FILTER (WHERE o.team_id = mine.team_id AND mine.win) AS won_together,
                    count(*) FILTER (WHERE o.team_id <> mine.team_id AND mine.win) AS won_against,
                    max(mine.game_start) AS last_met_at
             FROM mine JOIN match_participants o USING (match_id)
             WHERE o.puuid IS NOT NULL AND o.puuid NOT IN ($1, 'BOT')
             GROUP BY o.puuid
             HAVING count(*) >= $3
                AND ($4 IS NULL OR count(*) < $4 OR (count(*) = $4 AND o.puuid > $5))
             ORDER BY count(*) DESC, o.puuid LIMIT $6)
         SELECT met.*, p.game_name, p.tag_line FROM met LEFT JOIN players p USING (puuid)
         ORDER BY met.games DESC, met.puuid",
    )
    .bind::<Text, _>(puuid.as_str())
    .bind::<Integer, _>(GAMES)
    .bind::<Integer, _>(min_games)
    .bind::<Nullable<BigInt>, _>(after.map(|(games, _)| *games))
    .bind::<Nullable<Text>, _>(after.map(|(_, puuid)| puuid.as_str()))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(met)
}
