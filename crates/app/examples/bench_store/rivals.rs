//! Ways to write participants, one against the other.

use std::pin::pin;
use std::process::Stdio;
use std::time::Instant;

use riftwatch_domain::matches::Match;
use riftwatch_store::DatabaseUrl;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::Outcome;

type Value = Box<dyn ToSql + Sync + Send>;

/// The columns that a program writes; `cs` is generated.
const COLUMNS: [(&str, Type); 31] = [
    ("match_id", Type::TEXT),
    ("participant_id", Type::INT4),
    ("puuid", Type::TEXT),
    ("game_start", Type::TIMESTAMPTZ),
    ("queue_id", Type::INT4),
    ("summoner_level", Type::INT4),
    ("team_id", Type::INT4),
    ("champion_id", Type::INT4),
    ("champion_name", Type::TEXT),
    ("champ_level", Type::INT4),
    ("team_position", Type::TEXT),
    ("individual_position", Type::TEXT),
    ("win", Type::BOOL),
    ("kills", Type::INT4),
    ("deaths", Type::INT4),
    ("assists", Type::INT4),
    ("gold_earned", Type::INT4),
    ("total_minions_killed", Type::INT4),
    ("neutral_minions_killed", Type::INT4),
    ("vision_score", Type::INT4),
    ("total_damage_dealt_to_champions", Type::INT4),
    ("damage_dealt_to_objectives", Type::INT4),
    ("total_damage_taken", Type::INT4),
    ("wards_placed", Type::INT4),
    ("wards_killed", Type::INT4),
    ("time_played", Type::INT4),
    ("summoner1_id", Type::INT4),
    ("summoner2_id", Type::INT4),
    ("game_ended_in_early_surrender", Type::BOOL),
    ("placement", Type::INT4),
    ("details", Type::JSONB),
];

fn values(game: &Match) -> Vec<Vec<Value>> {
    let each = game.participants.iter().map(|p| {
        let row: Vec<Value> = vec![
            Box::new(game.match_id.as_str().to_owned()),
            Box::new(p.participant_id),
            Box::new(p.puuid.as_ref().map(|puuid| puuid.as_str().to_owned())),
            Box::new(game.game_start),
            Box::new(game.queue_id.0),
            Box::new(p.summoner_level),
            Box::new(p.team_id),
            Box::new(p.champion_id),
            Box::new(p.champion_name.clone()),
            Box::new(p.champ_level),
            Box::new(p.team_position.as_str().to_owned()),
            Box::new(p.individual_position.as_str().to_owned()),
            Box::new(p.win),
            Box::new(p.kills),
            Box::new(p.deaths),
            Box::new(p.assists),
            Box::new(p.gold_earned),
            Box::new(p.total_minions_killed),
            Box::new(p.neutral_minions_killed),
            Box::new(p.vision_score),
            Box::new(p.total_damage_dealt_to_champions),
            Box::new(p.damage_dealt_to_objectives),
            Box::new(p.total_damage_taken),
            Box::new(p.wards_placed),
            Box::new(p.wards_killed),
            Box::new(p.time_played),
            Box::new(p.summoner1_id),
            Box::new(p.summoner2_id),
            Box::new(p.game_ended_in_early_surrender),
            Box::new(p.placement),
            Box::new(serde_json::to_value(&p.details).unwrap_or_default()),
        ];
        row
    });
    each.collect()
}

/// Writes the participants of all matches by each way, so many matches in a transaction, into a
/// table like the real one with its keys; and last by `COPY` from psql, all in one.
pub(crate) async fn race(url: &DatabaseUrl, games: &[Match]) -> Outcome<()> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE rivals (LIKE match_participants INCLUDING ALL);
             ALTER TABLE rivals ADD FOREIGN KEY (match_id) REFERENCES matches (match_id) ON DELETE CASCADE",
        )
        .await?;
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    for batch in [1, 10, 100] {
        let began = Instant::now();
        multi_row(&client, &names, games, batch).await?;
        done(&client, "multi-row VALUES, prepared", batch, games, began).await?;
        let began = Instant::now();
        unnest(&client, &names, games, batch).await?;
        done(&client, "unnest of arrays, prepared", batch, games, began).await?;
        let began = Instant::now();
        copy(&client, &names, games, batch).await?;
        done(&client, "binary COPY", batch, games, began).await?;
    }
    let file = tempfile::NamedTempFile::new()?;
    let out =
        format!("\\copy (SELECT {names} FROM match_participants) TO '{}'", file.path().display());
    psql(url, &out).await?;
    let began = Instant::now();
    psql(url, &format!("\\copy rivals ({names}) FROM '{}'", file.path().display())).await?;
    done(&client, "COPY from psql", games.len(), games, began).await?;
    drop(client);
    driver.await??;
    Ok(())
}

async fn done(
    client: &Client,
    what: &str,
    batch: usize,
    games: &[Match],
    began: Instant,
) -> Outcome<()> {
    let took = began.elapsed();
    let written: i64 = client.query_one("SELECT count(*) FROM rivals", &[]).await?.get(0);
    let expected: usize = games.iter().map(|game| game.participants.len()).sum();
    assert_eq!(written, i64::try_from(expected)?, "{what}");
    client.batch_execute("TRUNCATE rivals").await?;
    crate::report(&format!("{what}, {batch} a commit"), games.len(), took);
    Ok(())
}

async fn multi_row(client: &Client, names: &str, games: &[Match], batch: usize) -> Outcome<()> {
    let row = |n: usize| {
        let places: Vec<String> = (1..=31).map(|column| format!("${}", n * 31 + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..10).map(row).collect();
    let sql = format!("INSERT INTO rivals ({names}) VALUES {}", rows.join(", "));
    let statement = client.prepare(&sql).await?;
    for some in games.chunks(batch) {
        client.batch_execute("BEGIN").await?;
        for game in some {
            let values: Vec<Value> = values(game).into_iter().flatten().collect();
            let places: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            client.execute(&statement, &places).await?;
        }
        client.batch_execute("COMMIT").await?;
    }
    Ok(())
}

/// A column's values as one array: what the rows hold is known by their place.
macro_rules! array {
    ($games:expr, $game:ident, $p:ident, $value:expr) => {
        Box::new(
            $games
                .iter()
                .flat_map(|$game| $game.participants.iter().map(move |$p| $value))
                .collect::<Vec<_>>(),
        )
    };
}

async fn unnest(client: &Client, names: &str, games: &[Match], batch: usize) -> Outcome<()> {
    let places: Vec<String> = COLUMNS
        .iter()
        .enumerate()
        .map(|(n, (_, kind))| format!("${}::{}[]", n + 1, kind.name()))
        .collect();
    let sql = format!("INSERT INTO rivals ({names}) SELECT * FROM unnest({})", places.join(", "));
    let statement = client.prepare(&sql).await?;
    for some in games.chunks(batch) {
        let arrays: Vec<Value> = vec![
            array!(some, game, _p, game.match_id.as_str().to_owned()),
            array!(some, game, p, p.participant_id),
            array!(some, game, p, p.puuid.as_ref().map(|puuid| puuid.as_str().to_owned())),
            array!(some, game, _p, game.game_start),
            array!(some, game, _p, game.queue_id.0),
            array!(some, game, p, p.summoner_level),
            array!(some, game, p, p.team_id),
            array!(some, game, p, p.champion_id),
            array!(some, game, p, p.champion_name.clone()),
            array!(some, game, p, p.champ_level),
            array!(some, game, p, p.team_position.as_str().to_owned()),
            array!(some, game, p, p.individual_position.as_str().to_owned()),
            array!(some, game, p, p.win),
            array!(some, game, p, p.kills),
            array!(some, game, p, p.deaths),
            array!(some, game, p, p.assists),
            array!(some, game, p, p.gold_earned),
            array!(some, game, p, p.total_minions_killed),
            array!(some, game, p, p.neutral_minions_killed),
            array!(some, game, p, p.vision_score),
            array!(some, game, p, p.total_damage_dealt_to_champions),
            array!(some, game, p, p.damage_dealt_to_objectives),
            array!(some, game, p, p.total_damage_taken),
            array!(some, game, p, p.wards_placed),
            array!(some, game, p, p.wards_killed),
            array!(some, game, p, p.time_played),
            array!(some, game, p, p.summoner1_id),
            array!(some, game, p, p.summoner2_id),
            array!(some, game, p, p.game_ended_in_early_surrender),
            array!(some, game, p, p.placement),
            array!(some, game, p, serde_json::to_value(&p.details).unwrap_or_default()),
        ];
        let places: Vec<&(dyn ToSql + Sync)> =
            arrays.iter().map(|array| &**array as &(dyn ToSql + Sync)).collect();
        client.execute(&statement, &places).await?;
    }
    Ok(())
}

async fn copy(client: &Client, names: &str, games: &[Match], batch: usize) -> Outcome<()> {
    let types: Vec<Type> = COLUMNS.iter().map(|(_, kind)| kind.clone()).collect();
    for some in games.chunks(batch) {
        let sql = format!("COPY rivals ({names}) FROM STDIN BINARY");
        let sink = client.copy_in(&sql).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in some.iter().flat_map(values) {
            let row: Vec<&(dyn ToSql + Sync)> =
                row.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            writer.as_mut().write(&row).await?;
        }
        writer.as_mut().finish().await?;
    }
    Ok(())
}

async fn psql(url: &DatabaseUrl, command: &str) -> Outcome<()> {
    let ended = tokio::process::Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url.expose(), "-c", command])
        .stdin(Stdio::null())
        .status()
        .await?;
    if ended.success() { Ok(()) } else { Err(format!("psql: {ended}").into()) }
}
