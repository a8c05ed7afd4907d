//! Forgetting a person.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, RunQueryDsl};
use riftwatch_domain::player::{Puuid, RiotId};

use crate::error::StoreError;
use crate::pool::Conn;
use crate::schema::{match_participants, player_analysis, player_ranks, players, ranked_games};
use crate::suppressions::{self, SuppressionKey};

/// What was there of a person, and is not any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Erased {
    /// 1 if the player was known.
    pub players: usize,
    /// Participations that are anonymous now.
    pub participants: usize,
    /// Rows of evidence.
    pub ranked_games: usize,
    /// Ranks over time.
    pub ranks: usize,
    /// Assessments, with their reviews.
    pub assessments: usize,
    /// Runs, log lines, acts and job settings in which the person's id or name was struck out.
    pub mentions: usize,
}

/// What stands where an id or a name stood.
const STRUCK: &str = "erased";

/// Riot's puuids have 78 characters. What is this short is none, and is mentioned nowhere.
const TOO_SHORT: usize = 7;

/// Columns of the runtime's tables in which jobs may have written an id or a name.
const MENTIONS: [(&str, &[(&str, &str)]); 6] = [
    ("job_execution_logs", &[("message", "text"), ("fields", "jsonb")]),
    ("job_execution_tails", &[("lines", "jsonb")]),
    (
        "job_executions",
        &[
            ("log_data", "jsonb"),
            ("progress", "jsonb"),
            ("error", "text"),
            ("config_snapshot", "jsonb"),
            ("job_name", "text"),
        ],
    ),
    ("job_configurations", &[("config_json", "jsonb")]),
    ("job_configuration_versions", &[("configuration", "jsonb")]),
    ("audit_log", &[("difference", "jsonb"), ("reason", "text"), ("job_name", "text")]),
];

/// Forgets a person: the player's row with everything that hangs on it goes, the participations stay
/// without an id, and a digest keeps the person from being stored again. Erasing somebody who is not
/// known, or not any more, leaves the digest alone. One transaction; matches are not stored
/// meanwhile. Reads the runtime's logs from end to end.
///
/// # Errors
///
/// When the database fails; then nothing is changed.
pub async fn erase(
    conn: &mut Conn,
    key: &SuppressionKey,
    puuid: &Puuid,
    now: DateTime<Utc>,
) -> Result<Erased, StoreError> {
    let id = puuid.as_str();
    conn.transaction(async |conn| {
        // Before anything is read, so that nothing of the person is stored from here on.
        suppressions::add(conn, key, puuid, None, now).await?;
        let known: Option<(i64, Option<String>, Option<String>)> = players::table
            .find(id)
            .select((players::number, players::game_name, players::tag_line))
            .first(conn)
            .await
            .optional()?;
        let name = known.clone().and_then(|(_, name, tag)| name.zip(tag));
        if let Some((game_name, tag_line)) = name {
            let name = RiotId { game_name, tag_line };
            suppressions::add(conn, key, puuid, Some(&name), now).await?;
        }
        let participants =
            diesel::update(match_participants::table.filter(match_participants::puuid.eq(id)))
                .set(match_participants::puuid.eq(None::<String>))
                .execute(conn)
                .await?;
        let mut erased = Erased { participants, ..Erased::default() };
        // Any other text would be struck out of what has nothing to do with it, numbers included.
        let telling = id.len() > TOO_SHORT && id.bytes().any(|byte| byte.is_ascii_alphabetic());
        let mut words = Vec::from_iter(telling.then(|| id.to_owned()));
        if let Some((number, game_name, tag_line)) = known {
            erased.ranked_games =
                diesel::delete(ranked_games::table.filter(ranked_games::player.eq(number)))
                    .execute(conn)
                    .await?;
            erased.ranks = diesel::delete(player_ranks::table.filter(player_ranks::puuid.eq(id)))
                .execute(conn)
                .await?;
            erased.assessments =
                diesel::delete(player_analysis::table.filter(player_analysis::puuid.eq(id)))
                    .execute(conn)
                    .await?;
            // Cursors, looks, appeals, observations and analyses hang on it.
            erased.players = diesel::delete(players::table.find(id)).execute(conn).await?;
            words.extend(game_name.zip(tag_line).map(|(name, tag)| format!("{name}#{tag}")));
        }
        for word in &words {
            erased.mentions += strike(conn, word).await?;
        }
        Ok(erased)
    })
    .await
}

/// Strikes a word out of everything that jobs have written. Returns the rows that had it.
async fn strike(conn: &mut Conn, word: &str) -> Result<usize, StoreError> {
    // As it stands inside a JSON string.
    let quoted = serde_json::to_string(word).expect("text is JSON");
    let in_json = &quoted[1..quoted.len() - 1];
    let mut rows = 0;
    for (table, columns) in MENTIONS {
        let set: Vec<String> = columns
            .iter()
            .map(|(column, sort)| match *sort {
                "jsonb" => format!("{column} = replace({column}::text, $2, '{STRUCK}')::jsonb"),
                _ => format!("{column} = replace({column}, $1, '{STRUCK}')"),
            })
            .collect();
        let has: Vec<String> = columns
            .iter()
            .map(|(column, sort)| match *sort {
                "jsonb" => format!("strpos({column}::text, $2) > 0"),
                _ => format!("strpos({column}, $1) > 0"),
            })
            .collect();
        let sql = format!("UPDATE {table} SET {} WHERE {}", set.join(", "), has.join(" OR "));
        rows += diesel::sql_query(sql)
            .bind::<Text, _>(word)
            .bind::<Text, _>(in_json)
            .execute(conn)
            .await?;
    }
    Ok(rows)
}
