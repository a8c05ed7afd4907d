//! What detection reads about players: narrow rows beside the matches, for many players at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Float4, Integer, Nullable, SmallInt, Text, Timestamptz,
};
use diesel_async::RunQueryDsl;
use riftwatch_domain::rank::RANKED_SOLO;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_ranks, players};

/// One ranked solo game of a player, as detection wants it.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct EvidenceGame {
    /// Whose game: the player's number.
    pub player: i64,
    /// When it began.
    pub game_start: DateTime<Utc>,
    /// Seconds that the player was in it.
    pub time_played: i32,
    /// TOP, JUNGLE, MIDDLE, BOTTOM or UTILITY.
    pub role: String,
    /// Key of the champion.
    pub champion_id: i32,
    /// Whether the player's side won.
    pub win: bool,
    /// Kills.
    pub kills: i32,
    /// Deaths.
    pub deaths: i32,
    /// Assists.
    pub assists: i32,
    /// Lane minions and jungle monsters.
    pub cs: i32,
    /// Gold over the whole game.
    pub gold: i32,
    /// Damage to champions.
    pub damage: i32,
    /// Vision score.
    pub vision: i32,
    /// Kills of the player's side.
    pub team_kills: i32,
    /// 1: Flash on D, 2: on F.
    pub flash_slot: Option<i16>,
    /// Lane minions and monsters in the first ten minutes.
    pub cs_at_10: Option<f32>,
    /// Kills without help.
    pub solo_kills: Option<f32>,
    /// Numbers of the others on the player's side, computer and hidden players left out.
    pub mates: Vec<i64>,
    /// Numbers of the other side, likewise.
    pub opponents: Vec<i64>,
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
    /// Games of the season by then.
    pub season_games: i32,
}

/// What is stored about one player.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayerEvidence {
    /// Riot's id.
    pub puuid: String,
    /// The player's number.
    pub number: i64,
    /// Account level, from the newest match or look-up.
    pub summoner_level: Option<i64>,
    /// Ranks in ranked solo, oldest first.
    pub ranks: Vec<EvidenceRank>,
    /// Ranked solo games that were played out, oldest first.
    pub games: Vec<EvidenceGame>,
}

/// Loads the newest `games` ranked solo games of each of the players, with everything else that is
/// known of them, in the order of their puuids. Unknown players are absent. Three queries.
///
/// # Errors
///
/// When the database fails.
pub async fn of_players(
    conn: &mut Conn,
    puuids: &[&str],
    games: i64,
) -> Result<Vec<PlayerEvidence>, StoreError> {
    let known: Vec<(String, i64, Option<i64>)> = players::table
        .filter(players::puuid.eq_any(puuids))
        .order(players::puuid)
        .select((players::puuid, players::number, players::summoner_level))
        .load(conn)
        .await?;
    let mut found: Vec<PlayerEvidence> = known
        .into_iter()
        .map(|(puuid, number, summoner_level)| PlayerEvidence {
            puuid,
            number,
            summoner_level,
            ranks: Vec::new(),
            games: Vec::new(),
        })
        .collect();
    let numbers: Vec<i64> = found.iter().map(|player| player.number).collect();
    let places: HashMap<i64, usize> =
        numbers.iter().enumerate().map(|(place, number)| (*number, place)).collect();
    for (number, rank) in ranks_of(conn, &numbers).await? {
        found[places[&number]].ranks.push(rank);
    }
    for game in newest_games(conn, &numbers, games).await? {
        found[places[&game.player]].games.push(game);
    }
    for player in &mut found {
        // Newest first, as the index gives them.
        player.games.reverse();
    }
    Ok(found)
}

/// The ranked solo ranks of players by their numbers; each player's oldest first.
///
/// # Errors
///
/// When the database fails.
pub async fn ranks_of(
    conn: &mut Conn,
    numbers: &[i64],
) -> Result<Vec<(i64, EvidenceRank)>, StoreError> {
    Ok(player_ranks::table
        .inner_join(players::table)
        .filter(players::number.eq_any(numbers))
        .filter(player_ranks::queue_type.eq(RANKED_SOLO))
        .order((players::number, player_ranks::seen_at))
        .select((
            players::number,
            (
                player_ranks::seen_at,
                player_ranks::tier,
                player_ranks::division,
                player_ranks::league_points,
                player_ranks::wins + player_ranks::losses,
            ),
        ))
        .load(conn)
        .await?)
}

type GameColumns = (
    BigInt,
    Timestamptz,
    Integer,
    Text,
    Integer,
    Bool,
    Integer,
    Integer,
    Integer,
    Integer,
    Integer,
    Integer,
    Integer,
    Integer,
    Nullable<SmallInt>,
    Nullable<Float4>,
    Nullable<Float4>,
    Array<BigInt>,
    Array<BigInt>,
);

/// The newest games of each player, each player's together and newest first.
async fn newest_games(
    conn: &mut Conn,
    numbers: &[i64],
    games: i64,
) -> Result<Vec<EvidenceGame>, StoreError> {
    // By place and not by name: a batch has some hundred thousand values.
    Ok(diesel::dsl::sql::<GameColumns>("SELECT g.* FROM unnest(")
        .bind::<Array<BigInt>, _>(numbers)
        .sql(
            ") AS who (number)
         CROSS JOIN LATERAL (
             SELECT player, game_start, time_played, role, champion_id, win, kills, deaths,
                    assists, cs, gold, damage, vision, team_kills, flash_slot, cs_at_10,
                    solo_kills, mates, opponents
             FROM ranked_games WHERE player = who.number
             ORDER BY game_start DESC, match_id DESC
             LIMIT ",
        )
        .bind::<BigInt, _>(games)
        .sql(") g")
        .load(conn)
        .await?)
}
