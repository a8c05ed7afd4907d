//! How matches are written: by one statement, whatever is in them.
//!
//! A statement is a transaction of its own, so that a match costs one way to the server and back and
//! one commit. It is the same for any number of matches: it is prepared once for a connection.
//! `just bench-store` has the figures, and the rivals.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Float4, Integer, Nullable, Text, Timestamptz, Untyped,
};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{Match, Participant, Position, QueueId};
use riftwatch_domain::routing::Platform;

use crate::error::StoreError;
use crate::pool::Conn;
use crate::suppressions::SuppressionKey;

/// A match that was not there before.
#[derive(Debug, QueryableByName)]
pub(super) struct Written {
    #[diesel(sql_type = Text)]
    pub(super) match_id: String,
    /// Players met for the first time, in all of the matches.
    #[diesel(sql_type = BigInt)]
    pub(super) discovered: i64,
}

/// Writes those of the matches that are not there yet; see [`super::store`]. Each match at most once
/// among `games`. Whoever was erased, by the digests of `key`, becomes a player hidden by the game.
pub(super) async fn write(
    conn: &mut Conn,
    games: &[&Match],
    key: Option<&SuppressionKey>,
    now: DateTime<Utc>,
) -> Result<Vec<Written>, StoreError> {
    let mut statement = Statement { games: Games::default(), parts: Parts::default(), now };
    for game in games {
        statement.games.push(Whole { game, teams: json(&game.teams)? });
        for participant in &game.participants {
            statement.parts.push(Part::of(game, participant, key)?);
        }
    }
    Ok(RunQueryDsl::load(statement, conn).await?)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt("matches", "json", error))
}

/// Rows, turned: each column is one array, and all of them one `unnest`. A macro, because each column
/// has to be named in four places otherwise.
macro_rules! columns {
    ($name:ident, of $from:ident: $of:ty, as $alias:literal: $($column:ident: $rust:ty => $sql:ty = $value:expr,)*) => {
        #[derive(Debug, Default)]
        struct $name<'a> {
            $($column: Vec<$rust>,)*
        }

        impl<'a> $name<'a> {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];

            fn push(&mut self, $from: $of) {
                $(self.$column.push($value);)*
            }

            /// `unnest(…) AS alias (columns)`
            fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let mut separator = "unnest(";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<Array<$sql>, _>(&self.$column)?;
                    separator = ", ";
                )*
                out.push_sql(")");
                out.push_sql(concat!(" AS ", $alias));
                separator = " (";
                for column in Self::COLUMNS {
                    out.push_sql(separator);
                    out.push_sql(column);
                    separator = ", ";
                }
                out.push_sql(")");
                Ok(())
            }
        }
    };
}

/// A match and what is reckoned of it.
struct Whole<'a> {
    game: &'a Match,
    teams: String,
}

columns! { Games, of whole: Whole<'a>, as "g":
    match_id: &'a str => Text = whole.game.match_id.as_str(),
    platform_id: String => Text = whole.game.match_id.prefix().to_ascii_lowercase(),
    queue_id: i32 => Integer = whole.game.queue_id.0,
    map_id: i32 => Integer = whole.game.map_id,
    game_mode: &'a str => Text = &whole.game.game_mode,
    game_type: Option<&'a str> => Nullable<Text> = whole.game.game_type.as_deref(),
    game_version: &'a str => Text = &whole.game.game_version,
    game_creation: DateTime<Utc> => Timestamptz = whole.game.game_creation,
    game_start: DateTime<Utc> => Timestamptz = whole.game.game_start,
    game_end: DateTime<Utc> => Timestamptz = whole.game.game_end,
    game_duration: i32 => Integer = whole.game.game_duration,
    end_of_game_result: Option<&'a str> => Nullable<Text> = whole.game.end_of_game_result.as_deref(),
    teams: String => Text = whole.teams,
}

/// A participant and what is reckoned of it.
struct Part<'a> {
    game: &'a Match,
    p: &'a Participant,
    /// By which an erased person is recognised.
    digest: Option<Vec<u8>>,
    /// And by which one whose puuid is another since the API key changed.
    name_digest: Option<Vec<u8>>,
    /// Where the player lives. Computer players, hidden ones and those of a tournament realm are
    /// nobody whom we meet.
    home: Option<&'static str>,
    /// The game says something about how this player plays.
    is_evidence: bool,
    details: String,
}

impl<'a> Part<'a> {
    fn of(
        game: &'a Match,
        p: &'a Participant,
        key: Option<&SuppressionKey>,
    ) -> Result<Self, StoreError> {
        let person = p.puuid.as_ref().filter(|puuid| !puuid.is_bot());
        Ok(Self {
            game,
            p,
            digest: key.zip(person).map(|(key, puuid)| key.digest_of(puuid)),
            name_digest: key
                .zip(p.riot_id.as_ref().filter(|_| person.is_some()))
                .map(|(key, name)| key.digest_of_name(name)),
            home: game.match_id.platform().filter(|_| person.is_some()).map(home),
            is_evidence: game.queue_id == QueueId::RANKED_SOLO
                && !game.is_remake()
                && Position::ALL.contains(&p.team_position),
            details: json(&p.details)?,
        })
    }
}

fn challenge(p: &Participant, name: &str) -> Option<f32> {
    p.details.challenges.get(name).map(|value| *value as f32)
}

/// Where players of a platform's matches live today.
fn home(platform: Platform) -> &'static str {
    match platform {
        Platform::Ph2 | Platform::Th2 => Platform::Sg2.as_str(),
        other => other.as_str(),
    }
}

columns! { Parts, of part: Part<'a>, as "w":
    // What is not a column of match_participants stands first.
    digest: Option<Vec<u8>> => Nullable<Binary> = part.digest,
    name_digest: Option<Vec<u8>> => Nullable<Binary> = part.name_digest,
    home: Option<&'static str> => Nullable<Text> = part.home,
    game_name: Option<&'a str> => Nullable<Text> =
        part.p.riot_id.as_ref().map(|id| id.game_name.as_str()),
    tag_line: Option<&'a str> => Nullable<Text> =
        part.p.riot_id.as_ref().map(|id| id.tag_line.as_str()),
    profile_icon: i32 => Integer = part.p.profile_icon,
    is_evidence: bool => Bool = part.is_evidence,
    cs_at_10: Option<f32> => Nullable<Float4> =
        challenge(part.p, "laneMinionsFirst10Minutes")
            .zip(challenge(part.p, "jungleCsBefore10Minutes"))
            .map(|(lane, jungle)| lane + jungle),
    solo_kills: Option<f32> => Nullable<Float4> = challenge(part.p, "soloKills"),
    puuid: Option<&'a str> => Nullable<Text> = part.p.puuid.as_ref().map(|puuid| puuid.as_str()),
    match_id: &'a str => Text = part.game.match_id.as_str(),
    participant_id: i32 => Integer = part.p.participant_id,
    game_start: DateTime<Utc> => Timestamptz = part.game.game_start,
    queue_id: i32 => Integer = part.game.queue_id.0,
    summoner_level: i32 => Integer = part.p.summoner_level,
    team_id: i32 => Integer = part.p.team_id,
    champion_id: i32 => Integer = part.p.champion_id,
    champion_name: &'a str => Text = &part.p.champion_name,
    champ_level: i32 => Integer = part.p.champ_level,
    team_position: &'a str => Text = part.p.team_position.as_str(),
    individual_position: &'a str => Text = part.p.individual_position.as_str(),
    win: bool => Bool = part.p.win,
    kills: i32 => Integer = part.p.kills,
    deaths: i32 => Integer = part.p.deaths,
    assists: i32 => Integer = part.p.assists,
    gold_earned: i32 => Integer = part.p.gold_earned,
    total_minions_killed: i32 => Integer = part.p.total_minions_killed,
    neutral_minions_killed: i32 => Integer = part.p.neutral_minions_killed,
    vision_score: i32 => Integer = part.p.vision_score,
    total_damage_dealt_to_champions: i32 => Integer = part.p.total_damage_dealt_to_champions,
    damage_dealt_to_objectives: i32 => Integer = part.p.damage_dealt_to_objectives,
    total_damage_taken: i32 => Integer = part.p.total_damage_taken,
    wards_placed: i32 => Integer = part.p.wards_placed,
    wards_killed: i32 => Integer = part.p.wards_killed,
    time_played: i32 => Integer = part.p.time_played,
    summoner1_id: i32 => Integer = part.p.summoner1_id,
    summoner2_id: i32 => Integer = part.p.summoner2_id,
    game_ended_in_early_surrender: bool => Bool = part.p.game_ended_in_early_surrender,
    placement: Option<i32> => Nullable<Integer> = part.p.placement,
    details: String => Text = part.details,
}

/// So many of the columns of [`Parts`] stand before those of match_participants; `puuid`, which a
/// suppression takes away, is written apart.
const BESIDE: usize = 10;

#[derive(Debug)]
struct Statement<'a> {
    games: Games<'a>,
    parts: Parts<'a>,
    now: DateTime<Utc>,
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let kept = || Parts::COLUMNS[BESIDE..].iter();
        // Matches by their key and players by theirs, byte by byte: writers that have some in common
        // wait for each other, and never in a circle.
        out.push_sql("WITH game AS (INSERT INTO matches (");
        for column in Games::COLUMNS {
            out.push_sql(column);
            out.push_sql(", ");
        }
        out.push_sql("created_at) SELECT ");
        for column in Games::COLUMNS {
            out.push_sql(column);
            out.push_sql(if *column == "teams" { "::jsonb, " } else { ", " });
        }
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" FROM ");
        self.games.walk(&mut out)?;
        // Nobody is erased while this statement runs: `suppressions::add` waits for its end.
        out.push_sql(
            " ORDER BY match_id COLLATE \"C\" ON CONFLICT (match_id) DO NOTHING RETURNING match_id),
             part AS MATERIALIZED (SELECT home, is_evidence, cs_at_10, solo_kills, profile_icon,
                 CASE WHEN s.digest IS NULL THEN game_name END AS game_name,
                 CASE WHEN s.digest IS NULL THEN tag_line END AS tag_line,
                 CASE WHEN s.digest IS NULL THEN puuid END AS puuid",
        );
        for column in kept() {
            out.push_sql(", ");
            out.push_sql(column);
        }
        out.push_sql(" FROM ");
        self.parts.walk(&mut out)?;
        out.push_sql(
            " LEFT JOIN LATERAL (SELECT digest FROM suppressions
                 WHERE suppressions.digest IN (w.digest, w.name_digest) LIMIT 1) s ON true JOIN game USING (match_id)),
             known AS MATERIALIZED (SELECT k.puuid, k.number FROM (SELECT DISTINCT unnest(",
        );
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.parts.puuid)?;
        // Each by the key: a plan that was made when there were few players would go on reading all of
        // them.
        //
        // Old matches carry no Riot ID: the name that we have stays. An older match than the newest
        // known is evidence as well, though it says nothing of names. A player whom another writer has
        // met since this statement began is not in `known`: only what is written comes back.
        out.push_sql(
            ") AS puuid) w CROSS JOIN LATERAL (
                 SELECT p.puuid, p.number FROM players p WHERE p.puuid = w.puuid LIMIT 1) k),
             met AS (INSERT INTO players AS p (puuid, platform, game_name, tag_line, profile_icon_id,
                     summoner_level, profile_seen_at, created_at, updated_at)
                 SELECT n.puuid, n.home, n.game_name, n.tag_line, n.profile_icon, n.summoner_level,
                     n.game_start, t.now, t.now
                 FROM (SELECT DISTINCT ON (w.puuid COLLATE \"C\") w.* FROM part w
                       WHERE w.home IS NOT NULL AND w.puuid IS NOT NULL
                       ORDER BY w.puuid COLLATE \"C\", w.game_start DESC) n, (SELECT ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(
            " AS now) t
                 ON CONFLICT (puuid) DO UPDATE SET
                     game_name = CASE WHEN p.profile_seen_at >= excluded.profile_seen_at
                         THEN p.game_name ELSE coalesce(excluded.game_name, p.game_name) END,
                     tag_line = CASE WHEN p.profile_seen_at >= excluded.profile_seen_at
                         THEN p.tag_line ELSE coalesce(excluded.tag_line, p.tag_line) END,
                     profile_icon_id = CASE WHEN p.profile_seen_at >= excluded.profile_seen_at
                         THEN p.profile_icon_id ELSE excluded.profile_icon_id END,
                     summoner_level = CASE WHEN p.profile_seen_at >= excluded.profile_seen_at
                         THEN p.summoner_level ELSE excluded.summoner_level END,
                     profile_seen_at = greatest(p.profile_seen_at, excluded.profile_seen_at),
                     is_analyzed = false,
                     updated_at = excluded.updated_at
                 WHERE p.profile_seen_at IS NULL OR p.profile_seen_at < excluded.profile_seen_at
                     OR p.is_analyzed OR p.puuid NOT IN (SELECT k.puuid FROM known k)
                 RETURNING p.puuid, p.number, p.xmax = 0 AS is_new),
             who AS MATERIALIZED (SELECT puuid, number FROM met
                 UNION ALL
                 SELECT puuid, number FROM known WHERE puuid NOT IN (SELECT puuid FROM met)),
             parts AS (INSERT INTO match_participants (puuid",
        );
        for column in kept() {
            out.push_sql(", ");
            out.push_sql(column);
        }
        out.push_sql(") SELECT puuid");
        for column in kept() {
            out.push_sql(", ");
            out.push_sql(column);
            if *column == "details" {
                out.push_sql("::jsonb");
            }
        }
        out.push_sql(
            " FROM part),
             side AS (SELECT w.match_id, w.team_id, sum(w.kills)::integer AS kills,
                     coalesce(array_agg(who.number ORDER BY w.participant_id)
                         FILTER (WHERE who.number IS NOT NULL), '{}') AS numbers
                 FROM part w LEFT JOIN who USING (puuid)
                 WHERE w.queue_id = ",
        );
        out.push_bind_param::<Integer, _>(&QueueId::RANKED_SOLO.0)?;
        out.push_sql(
            " GROUP BY w.match_id, w.team_id),
             evidence AS (INSERT INTO ranked_games (player, game_start, match_id, time_played, role,
                     champion_id, win, kills, deaths, assists, cs, gold, damage, vision, team_kills,
                     flash_slot, cs_at_10, solo_kills, mates, opponents)
                 SELECT who.number, w.game_start, w.match_id, w.time_played, w.team_position,
                     w.champion_id, w.win, w.kills, w.deaths, w.assists,
                     w.total_minions_killed + w.neutral_minions_killed, w.gold_earned,
                     w.total_damage_dealt_to_champions, w.vision_score, mine.kills,
                     CASE 4 WHEN w.summoner1_id THEN 1 WHEN w.summoner2_id THEN 2 END,
                     w.cs_at_10, w.solo_kills, array_remove(mine.numbers, who.number),
                     coalesce(theirs.numbers, '{}')
                 FROM part w
                 JOIN who USING (puuid)
                 JOIN side mine ON mine.match_id = w.match_id AND mine.team_id = w.team_id
                 LEFT JOIN side theirs ON theirs.match_id = w.match_id AND theirs.team_id <> w.team_id
                 WHERE w.is_evidence
                 ON CONFLICT DO NOTHING)
             SELECT match_id, (SELECT count(*) FROM met WHERE is_new) AS discovered FROM game",
        );
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = Statement<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl<C> diesel::RunQueryDsl<C> for Statement<'_> {}
