//! A player's matches as lists show them: few columns, read often.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::Puuid;

use super::PlayedCursor;
use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{match_participants as parts, matches};

/// A match and a player's part in it, in brief.
#[derive(Debug, Clone, PartialEq, Queryable)]
#[expect(missing_docs, reason = "the columns of the same names")]
pub struct Brief {
    #[diesel(deserialize_as = String)]
    pub match_id: MatchId,
    pub platform_id: String,
    pub queue_id: i32,
    pub map_id: i32,
    pub game_mode: String,
    pub game_version: String,
    pub game_creation: DateTime<Utc>,
    pub game_start: DateTime<Utc>,
    pub game_end: DateTime<Utc>,
    /// Seconds.
    pub game_duration: i32,
    pub champion_id: i32,
    pub champion_name: String,
    pub champ_level: i32,
    pub team_position: String,
    pub team_id: i32,
    pub win: bool,
    pub kills: i32,
    pub deaths: i32,
    pub assists: i32,
    pub cs: i32,
    pub gold_earned: i32,
    pub vision_score: i32,
    pub game_ended_in_early_surrender: bool,
    pub placement: Option<i32>,
}

/// As [`of_player`](super::of_player), without what lists do not show.
///
/// # Errors
///
/// When the database fails.
pub async fn brief_of_player(
    conn: &mut Conn,
    puuid: &Puuid,
    queue: Option<QueueId>,
    cursor: Option<&PlayedCursor>,
    limit: i64,
) -> Result<Vec<Brief>, StoreError> {
    let mut query = parts::table
        .inner_join(matches::table)
        .filter(parts::puuid.eq(puuid.as_str()))
        .order((parts::game_start.desc(), parts::match_id.desc()))
        .limit(limit)
        .select((
            matches::match_id,
            matches::platform_id,
            matches::queue_id,
            matches::map_id,
            matches::game_mode,
            matches::game_version,
            matches::game_creation,
            matches::game_start,
            matches::game_end,
            matches::game_duration,
            parts::champion_id,
            parts::champion_name,
            parts::champ_level,
            parts::team_position,
            parts::team_id,
            parts::win,
            parts::kills,
            parts::deaths,
            parts::assists,
            parts::cs,
            parts::gold_earned,
            parts::vision_score,
            parts::game_ended_in_early_surrender,
            parts::placement,
        ))
        .into_boxed();
    if let Some(queue) = queue {
        query = query.filter(parts::queue_id.eq(queue.0));
    }
    if let Some((start, id)) = cursor {
        query = query.filter(
            parts::game_start
                .lt(*start)
                .or(parts::game_start.eq(*start).and(parts::match_id.lt(id.as_str()))),
        );
    }
    Ok(query.load(conn).await?)
}
