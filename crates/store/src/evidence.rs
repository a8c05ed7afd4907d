//! What detection reads about players, for many of them in three queries.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::RANKED_SOLO;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_ranks, players};

/// One ranked solo game of a player, as detection wants it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct EvidenceGame {
    #[diesel(sql_type = Text)]
    puuid: String,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub game_start: DateTime<Utc>,
    /// Seconds that the player was in it.
    #[diesel(sql_type = Integer)]
    pub time_played: i32,
    /// Riot's word for the place on the map.
    #[diesel(sql_type = Text)]
    pub team_position: String,
    /// Key of the champion.
    #[diesel(sql_type = Integer)]
    pub champion_id: i32,
    /// Whether the player's side won.
    #[diesel(sql_type = Bool)]
    pub win: bool,
    /// Kills.
    #[diesel(sql_type = Integer)]
    pub kills: i32,
    /// Deaths.
    #[diesel(sql_type = Integer)]
    pub deaths: i32,
    /// Assists.
    #[diesel(sql_type = Integer)]
    pub assists: i32,
    /// Lane minions and jungle monsters.
    #[diesel(sql_type = Integer)]
    pub cs: i32,
    /// Gold over the whole game.
    #[diesel(sql_type = Integer)]
    pub gold_earned: i32,
    /// Damage to champions.
    #[diesel(sql_type = Integer)]
    pub total_damage_dealt_to_champions: i32,
    /// Vision score.
    #[diesel(sql_type = Integer)]
    pub vision_score: i32,
    /// Summoner spell on D; 4 is Flash.
    #[diesel(sql_type = Integer)]
    pub summoner1_id: i32,
    /// Summoner spell on F.
    #[diesel(sql_type = Integer)]
    pub summoner2_id: i32,
    /// Lane minions in the first ten minutes.
    #[diesel(sql_type = Nullable<Double>)]
    pub lane_minions_at_10: Option<f64>,
    /// Jungle monsters in the first ten minutes.
    #[diesel(sql_type = Nullable<Double>)]
    pub jungle_cs_at_10: Option<f64>,
    /// Kills without help.
    #[diesel(sql_type = Nullable<Double>)]
    pub solo_kills: Option<f64>,
    /// Kills of the player's side.
    #[diesel(sql_type = BigInt)]
    pub team_kills: i64,
    /// Who else was on the player's side, computer and hidden players left out.
    #[diesel(sql_type = Array<Text>)]
    pub team_mates: Vec<String>,
    /// Tiers of those of the others whose rank is known, as last seen.
    #[diesel(sql_type = Array<Text>)]
    pub lobby_tiers: Vec<String>,
    /// Their divisions, in the same order.
    #[diesel(sql_type = Array<Nullable<Text>>)]
    pub lobby_divisions: Vec<Option<String>>,
    /// Their points, in the same order.
    #[diesel(sql_type = Array<Integer>)]
    pub lobby_points: Vec<i32>,
}

/// A rank in the ranked solo queue that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct EvidenceRank {
    /// When.
    pub seen_at: DateTime<Utc>,
    /// Riot's word.
    pub tier: Option<String>,
    /// Riot's numeral.
    pub division: Option<String>,
    /// Points.
    pub league_points: i32,
}

/// What is stored about one player.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlayerEvidence {
    /// Account level, from the newest match or look-up.
    pub summoner_level: Option<i64>,
    /// Ranks in ranked solo, oldest first.
    pub ranks: Vec<EvidenceRank>,
    /// Ranked solo games that were played out, oldest first.
    pub games: Vec<EvidenceGame>,
}

/// Loads the newest `games` ranked solo games of each of the players, with everything else that is
/// known of them. Players without any of it are absent.
///
/// # Errors
///
/// When the database fails.
pub async fn of_players(
    conn: &mut Conn,
    puuids: &[&str],
    games: i64,
) -> Result<HashMap<String, PlayerEvidence>, StoreError> {
    let mut found: HashMap<String, PlayerEvidence> = HashMap::with_capacity(puuids.len());
    let levels: Vec<(String, Option<i64>)> = players::table
        .filter(players::puuid.eq_any(puuids))
        .select((players::puuid, players::summoner_level))
        .load(conn)
        .await?;
    for (puuid, summoner_level) in levels {
        found.entry(puuid).or_default().summoner_level = summoner_level;
    }
    let ranks: Vec<(String, EvidenceRank)> = player_ranks::table
        .filter(player_ranks::puuid.eq_any(puuids))
        .filter(player_ranks::queue_type.eq(RANKED_SOLO))
        .order((player_ranks::puuid, player_ranks::seen_at))
        .select((
            player_ranks::puuid,
            (
                player_ranks::seen_at,
                player_ranks::tier,
                player_ranks::division,
                player_ranks::league_points,
            ),
        ))
        .load(conn)
        .await?;
    for (puuid, rank) in ranks {
        found.entry(puuid).or_default().ranks.push(rank);
    }
    for game in load_games(conn, puuids, games).await? {
        found.entry(game.puuid.clone()).or_default().games.push(game);
    }
    Ok(found)
}

/// The games of all players, each player's oldest first.
async fn load_games(
    conn: &mut Conn,
    puuids: &[&str],
    games: i64,
) -> Result<Vec<EvidenceGame>, StoreError> {
    let known = "r.tier IS NOT NULL AND o.puuid IS DISTINCT FROM g.puuid";
    Ok(diesel::sql_query(format!(
        "SELECT g.*, lobby.*
         FROM unnest($1) AS who (name)
         CROSS JOIN LATERAL (
             SELECT m.puuid, m.match_id, m.team_id, m.game_start, m.time_played, m.team_position,
                    m.champion_id, m.win, m.kills, m.deaths, m.assists, m.cs, m.gold_earned,
                    m.total_damage_dealt_to_champions, m.vision_score,
                    m.summoner1_id, m.summoner2_id,
                    (m.details #>> '{{challenges,laneMinionsFirst10Minutes}}')::float8
                        AS lane_minions_at_10,
                    (m.details #>> '{{challenges,jungleCsBefore10Minutes}}')::float8
                        AS jungle_cs_at_10,
                    (m.details #>> '{{challenges,soloKills}}')::float8 AS solo_kills
             FROM match_participants m
             WHERE m.puuid = who.name AND m.queue_id = $2 AND NOT m.game_ended_in_early_surrender
             ORDER BY m.game_start DESC, m.match_id DESC
             LIMIT $3) g
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(o.kills) FILTER (WHERE o.team_id = g.team_id), 0) AS team_kills,
                    coalesce(array_agg(o.puuid) FILTER (
                        WHERE o.team_id = g.team_id AND o.puuid NOT IN (g.puuid, 'BOT')), '{{}}')
                        AS team_mates,
                    coalesce(array_agg(r.tier) FILTER (WHERE {known}), '{{}}') AS lobby_tiers,
                    coalesce(array_agg(r.division) FILTER (WHERE {known}), '{{}}')
                        AS lobby_divisions,
                    coalesce(array_agg(r.league_points) FILTER (WHERE {known}), '{{}}')
                        AS lobby_points
             FROM match_participants o
             LEFT JOIN LATERAL (
                 SELECT s.tier, s.division, s.league_points FROM player_ranks s
                 WHERE s.puuid = o.puuid AND s.queue_type = $4
                 ORDER BY s.seen_at DESC LIMIT 1) r ON true
             WHERE o.match_id = g.match_id) lobby
         ORDER BY g.puuid, g.game_start, g.match_id"
    ))
    .bind::<Array<Text>, _>(puuids)
    .bind::<Integer, _>(QueueId::RANKED_SOLO.0)
    .bind::<BigInt, _>(games)
    .bind::<Text, _>(RANKED_SOLO)
    .load(conn)
    .await?)
}
