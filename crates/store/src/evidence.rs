//! What detection reads about players: narrow rows beside the matches, for many players at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Float4, Integer, Nullable, SmallInt, Text, Timestamptz,
};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{Match, Participant, Position, QueueId};
use riftwatch_domain::rank::RANKED_SOLO;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{player_ranks, players, ranked_games};

/// The id of the summoner spell Flash.
const FLASH: i32 = 4;

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

#[derive(Insertable)]
#[diesel(table_name = ranked_games, treat_none_as_default_value = false)]
struct NewGame<'a> {
    player: i64,
    game_start: DateTime<Utc>,
    match_id: &'a str,
    time_played: i32,
    role: &'a str,
    champion_id: i32,
    win: bool,
    kills: i32,
    deaths: i32,
    assists: i32,
    cs: i32,
    gold: i32,
    damage: i32,
    vision: i32,
    team_kills: i32,
    flash_slot: Option<i16>,
    cs_at_10: Option<f32>,
    solo_kills: Option<f32>,
    // Arrays in PostgreSQL may hold nulls, as far as Diesel knows.
    mates: Vec<Option<i64>>,
    opponents: Vec<Option<i64>>,
}

/// Keeps of a match what detection reads. Its players must be stored before. Matches of other
/// queues, remakes, and whoever has no role or is hidden leave no row.
///
/// # Errors
///
/// When the database fails.
pub(crate) async fn record(conn: &mut Conn, game: &Match) -> Result<(), StoreError> {
    if game.queue_id != QueueId::RANKED_SOLO || game.is_remake() {
        return Ok(());
    }
    let puuids = game.participants.iter().filter_map(|p| p.puuid.as_ref());
    let numbers: HashMap<String, i64> = players::table
        .filter(players::puuid.eq_any(puuids.map(|puuid| puuid.as_str())))
        .select((players::puuid, players::number))
        .load::<(String, i64)>(conn)
        .await?
        .into_iter()
        .collect();
    let number = |p: &Participant| numbers.get(p.puuid.as_ref()?.as_str()).copied();
    let rows: Vec<NewGame<'_>> = game
        .participants
        .iter()
        .filter(|participant| Position::ALL.contains(&participant.team_position))
        .filter_map(|participant| Some(row(game, participant, number(participant)?, &number)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let insert = diesel::insert_into(ranked_games::table);
    // As for participants: a statement over ten rows is prepared once.
    match <[NewGame<'_>; 10]>::try_from(rows) {
        Ok(ten) => insert.values(ten).on_conflict_do_nothing().execute(conn).await?,
        Err(rows) => insert.values(rows).on_conflict_do_nothing().execute(conn).await?,
    };
    Ok(())
}

fn row<'a>(
    game: &'a Match,
    participant: &'a Participant,
    player: i64,
    number: &impl Fn(&Participant) -> Option<i64>,
) -> NewGame<'a> {
    let is_mate = |other: &&Participant| other.team_id == participant.team_id;
    let others = || game.participants.iter().filter(|other| number(other) != Some(player));
    let challenges = &participant.details.challenges;
    let challenge = |name: &str| challenges.get(name).map(|value| *value as f32);
    NewGame {
        player,
        game_start: game.game_start,
        match_id: game.match_id.as_str(),
        time_played: participant.time_played,
        role: participant.team_position.as_str(),
        champion_id: participant.champion_id,
        win: participant.win,
        kills: participant.kills,
        deaths: participant.deaths,
        assists: participant.assists,
        cs: participant.cs(),
        gold: participant.gold_earned,
        damage: participant.total_damage_dealt_to_champions,
        vision: participant.vision_score,
        team_kills: game.participants.iter().filter(is_mate).map(|mate| mate.kills).sum(),
        flash_slot: match (participant.summoner1_id, participant.summoner2_id) {
            (FLASH, _) => Some(1),
            (_, FLASH) => Some(2),
            _ => None,
        },
        cs_at_10: challenge("laneMinionsFirst10Minutes")
            .zip(challenge("jungleCsBefore10Minutes"))
            .map(|(lane, jungle)| lane + jungle),
        solo_kills: challenge("soloKills"),
        mates: others().filter(is_mate).map(number).filter(Option::is_some).collect(),
        opponents: others()
            .filter(|other| !is_mate(other))
            .map(number)
            .filter(Option::is_some)
            .collect(),
    }
}
