//! How long the queries of jobs and API take on a long history: ten million participants, or as many
//! as the first argument says. `just bench-history` runs it; it needs some 8 GB in `/tmp` for ten
//! million and removes them.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::time::Instant;

use chrono::TimeDelta;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::Puuid;
use riftwatch_domain::rank::RANKED_SOLO;
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{
    Conn, DatabaseUrl, Db, StoreError, looks, match_stats, matches, migrations, players, ranks,
};
use riftwatch_testkit::game;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often each query is timed, each time about somebody or something else.
const ROUNDS: i64 = 50;

#[tokio::main]
async fn main() -> Outcome<()> {
    let participants: i64 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 10_000_000,
    };
    let dir = tempfile::Builder::new().prefix("rw-history").tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await?;
    let measured = measure(&server, participants).await;
    server.stop().await?;
    measured
}

async fn measure(server: &PrivateServer, participants: i64) -> Outcome<()> {
    let url: DatabaseUrl = server.url().parse()?;
    migrations::run(&url).await?;
    let people = participants / 50;
    let began = Instant::now();
    fill(&url, participants / 10, people).await?;
    let size = size(&url).await?;
    println!(
        "{participants} participants of {people} players, {size}, filled in {:?}",
        began.elapsed()
    );

    let db = Db::new(&url, 1);
    let mut conn = db.get().await?;
    let conn = &mut *conn;
    let now = Clock::system().now();
    let who = |n: i64| Puuid::new(format!("p{}", (n * 7_919) % people));
    let ids = |n: i64| -> Vec<MatchId> {
        let first = (n * 104_729) % (participants / 10 - 100) + 1;
        (first..first + 100).filter_map(|n| format!("EUW1_{n}").parse().ok()).collect()
    };
    let solo = Some(QueueId::RANKED_SOLO);
    time(conn, "players::find", async |c, n| players::find(c, &who(n)).await).await?;
    time(conn, "players::search", async |c, n| {
        players::search(c, &format!("me{}", 1_000 + n * 37), None, 20).await
    })
    .await?;
    time(conn, "looks::watched, 1,000 tracked", async |c, _| looks::watched(c, &[]).await).await?;
    time(conn, "looks::played, one player", async |c, n| looks::played(c, &[&who(n)], 60).await)
        .await?;
    time(conn, "looks::ranks_are_due", async |c, n| looks::ranks_are_due(c, &who(n)).await).await?;
    time(conn, "looks::fillable, 500 matches", async |c, _| {
        looks::fillable(c, 500, 30, 20, now).await
    })
    .await?;
    time(conn, "matches::missing, 100 ids", async |c, n| matches::missing(c, &ids(n), now).await)
        .await?;
    time(conn, "matches::find", async |c, n| matches::find(c, &ids(n)[0]).await).await?;
    time(conn, "matches::of_player, 20 newest", async |c, n| {
        matches::of_player(c, &who(n), solo, None, 20).await
    })
    .await?;
    time(conn, "matches::of_player, a later page", async |c, n| {
        let cursor = (now - TimeDelta::days(200), ids(n)[0].clone());
        matches::of_player(c, &who(n), solo, Some(&cursor), 20).await
    })
    .await?;
    time(conn, "match_stats::of_player", async |c, n| {
        match_stats::of_player(c, &who(n), solo).await
    })
    .await?;
    time(conn, "ranks::history", async |c, n| {
        ranks::history(c, &who(n), RANKED_SOLO, None, 50).await
    })
    .await?;
    let first = u64::try_from(participants)? + 1;
    time(conn, "matches::store", async |c, n| {
        let number = first + u64::try_from(n).unwrap_or_default();
        matches::store(c, &game().number(number).build(), now).await
    })
    .await?;
    Ok(())
}

/// Ten of the people at random in each match, a match every minute back from now. Keys and indexes
/// are made afterwards: that is quicker by far.
async fn fill(url: &DatabaseUrl, matches: i64, people: i64) -> Outcome<()> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    client
        .batch_execute(&format!(
            "SET synchronous_commit = off; SET maintenance_work_mem = '512MB';
             INSERT INTO players (puuid, platform, game_name, tag_line, is_tracked, tracked_at,
                 summoner_level, profile_seen_at)
             SELECT 'p' || n, 'euw1', 'name' || n, 'EUW', n < 1000,
                    CASE WHEN n < 1000 THEN now() END, 100, now()
             FROM generate_series(0, {people} - 1) n;
             INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins, losses,
                 hot_streak, veteran, fresh_blood, inactive, seen_at)
             SELECT 'p' || n, 'RANKED_SOLO_5x5', 'GOLD', 'II', 50, 10, 10, false, false, false, false,
                    now() - r * interval '1 day'
             FROM generate_series(0, {people} - 1) n, generate_series(1, 5) r;
             INSERT INTO matches (match_id, platform_id, queue_id, map_id, game_mode, game_version,
                 game_creation, game_start, game_end, game_duration, teams)
             SELECT 'EUW1_' || n, 'euw1', 420, 11, 'CLASSIC', '16.1', t, t, t + interval '30 min', 1800,
                    '[]'
             FROM generate_series(1, {matches}) n,
                  LATERAL (SELECT now() - ({matches} - n) * interval '1 min' AS t) at;
             ALTER TABLE match_participants DROP CONSTRAINT match_participants_match_id_fkey,
                 DROP CONSTRAINT match_participants_pkey;
             DROP INDEX match_participants_puuid_start_idx;
             INSERT INTO match_participants (match_id, participant_id, puuid, game_start, queue_id,
                 summoner_level, team_id, champion_id, champion_name, champ_level, team_position,
                 individual_position, win, kills, deaths, assists, gold_earned, total_minions_killed,
                 neutral_minions_killed, vision_score, total_damage_dealt_to_champions,
                 damage_dealt_to_objectives, total_damage_taken, wards_placed, wards_killed, time_played,
                 summoner1_id, summoner2_id, game_ended_in_early_surrender, details)
             SELECT m.match_id, p, 'p' || (hashtext(m.match_id || p) & 2147483647) % {people},
                    m.game_start, 420, 100, CASE WHEN p < 6 THEN 100 ELSE 200 END, 103, 'Ahri', 16,
                    'MIDDLE', 'MIDDLE', true, 5, 3, 7, 12000, 180, 12, 20, 20000, 6000, 18000, 9, 3, 1800,
                    4, 14, false, '{{\"challenges\": {{\"soloKills\": 1, \"laneMinionsFirst10Minutes\": 60}}}}'
             FROM matches m, generate_series(1, 10) p;
             ALTER TABLE match_participants
                 ADD CONSTRAINT match_participants_pkey PRIMARY KEY (match_id, participant_id),
                 ADD CONSTRAINT match_participants_match_id_fkey
                     FOREIGN KEY (match_id) REFERENCES matches (match_id) ON DELETE CASCADE;
             CREATE INDEX match_participants_puuid_start_idx ON match_participants
                 (puuid, game_start DESC, match_id DESC) WHERE puuid IS NOT NULL;
             ALTER TABLE ranked_games DROP CONSTRAINT ranked_games_player_fkey,
                 DROP CONSTRAINT ranked_games_pkey;
             INSERT INTO ranked_games (player, game_start, match_id, time_played, role, champion_id, win,
                 kills, deaths, assists, cs, gold, damage, vision, team_kills, cs_at_10, solo_kills, mates,
                 opponents)
             SELECT DISTINCT ON (m.match_id, p.number) p.number, m.game_start, m.match_id, 1800, 'MIDDLE',
                 103, true, 5, 3, 7, 192, 12000, 20000, 20, 25, 72, 1, '{{1,2,3,4}}', '{{5,6,7,8,9}}'
             FROM match_participants m JOIN players p USING (puuid);
             ALTER TABLE ranked_games
                 ADD CONSTRAINT ranked_games_pkey PRIMARY KEY (player, game_start, match_id),
                 ADD CONSTRAINT ranked_games_player_fkey
                     FOREIGN KEY (player) REFERENCES players (number) ON DELETE CASCADE;"
        ))
        .await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    drop(client);
    driver.await??;
    Ok(())
}

async fn size(url: &DatabaseUrl) -> Outcome<String> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    let row = client
        .query_one("SELECT pg_size_pretty(pg_database_size(current_database()))", &[])
        .await?;
    drop(client);
    driver.await??;
    Ok(row.get(0))
}

async fn time<T>(
    conn: &mut Conn,
    what: &str,
    query: impl AsyncFn(&mut Conn, i64) -> Result<T, StoreError>,
) -> Outcome<()> {
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        query(conn, round).await?;
        took.push(began.elapsed());
    }
    let first = took[0];
    took.sort();
    println!(
        "{what:36} first {first:>9.2?}   median {:>9.2?}   slowest {:>9.2?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
    Ok(())
}
