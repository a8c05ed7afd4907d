//! On a history that is long enough to matter, no query of jobs and API reads a whole table.
//!
//! PostgreSQL itself counts sequential scans, in the transaction that a query runs in: so it is the
//! very queries that are judged, not copies of them. `just bench-history` times them on ten million
//! participants.

use std::collections::HashMap;
use std::fmt;

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::{Puuid, RiotId};
use riftwatch_domain::rank::RANKED_SOLO;
use riftwatch_domain::routing::Platform;
use riftwatch_store::looks::Plan;
use riftwatch_store::{Conn, looks, match_stats, matches, players, ranks, transactions};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game};

/// 8,000 matches of ten among 20,000 players, of whom 10 are tracked; every player has a rank
/// and was looked at. The questions below are about few things at once: a share of a small table is
/// rightly read in one go.
const HISTORY: &str = "
    INSERT INTO players (puuid, platform, game_name, tag_line, is_tracked, tracked_at, profile_seen_at)
    SELECT 'p' || n, 'euw1', 'name' || n, 'EUW', n < 10, CASE WHEN n < 10 THEN now() END, now()
    FROM generate_series(0, 19999) n;
    INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins, losses,
        hot_streak, veteran, fresh_blood, inactive, seen_at)
    SELECT 'p' || n, 'RANKED_SOLO_5x5', 'GOLD', 'II', 50, 10, 10, false, false, false, false, now()
    FROM generate_series(0, 19999) n;
    INSERT INTO player_looks (puuid, looked_at, next_look_at)
    SELECT 'p' || n, now(), now() FROM generate_series(0, 19999) n;
    INSERT INTO matches (match_id, platform_id, queue_id, map_id, game_mode, game_version,
        game_creation, game_start, game_end, game_duration, teams)
    SELECT 'EUW1_' || n, 'euw1', 420, 11, 'CLASSIC', '16.1', t, t, t + interval '30 min', 1800, '[]'
    FROM generate_series(1, 8000) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '9 min' AS t) at;
    INSERT INTO match_participants (match_id, participant_id, puuid, game_start, queue_id, summoner_level,
        team_id, champion_id, champion_name, champ_level, team_position, individual_position, win, kills,
        deaths, assists, gold_earned, total_minions_killed, neutral_minions_killed, vision_score,
        total_damage_dealt_to_champions, damage_dealt_to_objectives, total_damage_taken, wards_placed,
        wards_killed, time_played, summoner1_id, summoner2_id, game_ended_in_early_surrender, details)
    SELECT m.match_id, p, 'p' || (hashtext(m.match_id || p) & 32767) % 20000, m.game_start, 420, 100,
        100, 103, 'Ahri', 16, 'MIDDLE', 'MIDDLE', true, 5, 3, 7, 12000, 180, 12, 20, 20000, 6000, 18000, 9, 3,
        1800, 4, 14, false, '{}'
    FROM matches m, generate_series(1, 10) p;
    INSERT INTO ranked_games (player, game_start, match_id, time_played, role, champion_id, win, kills,
        deaths, assists, cs, gold, damage, vision, team_kills, mates, opponents)
    SELECT p.number, m.game_start, m.match_id, 1800, 'MIDDLE', 103, true, 5, 3, 7, 192, 12000, 20000, 20, 25,
        '{}', '{}'
    FROM match_participants m JOIN players p USING (puuid) WHERE m.participant_id < 4 ON CONFLICT DO NOTHING;";

#[derive(diesel::QueryableByName)]
struct Scans {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = BigInt)]
    scans: i64,
}

/// Sequential scans by table, of this connection since it last reported its statistics.
async fn scans(conn: &mut Conn) -> HashMap<String, i64> {
    let scans: Vec<Scans> = diesel::sql_query(
        "SELECT relname::text AS table, seq_scan AS scans FROM pg_stat_xact_user_tables
         WHERE seq_scan > 0 AND relname IN
             ('matches', 'match_participants', 'players', 'player_ranks', 'player_looks', 'ranked_games')",
    )
    .load(conn)
    .await
    .expect("the statistics answer");
    scans.into_iter().map(|scans| (scans.table, scans.scans)).collect()
}

/// Runs a query in a transaction and collects the tables that it read from one end to the other.
async fn check<T, E: fmt::Debug>(
    conn: &mut Conn,
    found: &mut Vec<String>,
    what: &str,
    query: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
) {
    transactions::begin(conn).await.expect("a transaction begins");
    let before = scans(conn).await;
    query(conn).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    for (table, scans) in scans(conn).await {
        let of_query = scans - before.get(&table).copied().unwrap_or_default();
        if of_query > 0 {
            found.push(format!("{what} reads {table} {of_query} times"));
        }
    }
    // What it wrote is taken back.
    let _ = transactions::end::<(), _>(
        conn,
        Err(riftwatch_store::StoreError::Conflict { constraint: String::new() }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_over_the_history_reads_a_whole_table() {
    let test = TestDb::new().await;
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(HISTORY).await.unwrap();
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();

    let mut conn = test.db.get().await.unwrap();
    let conn = &mut *conn;
    let found = &mut Vec::new();
    let puuid = Puuid::new("p7");
    let others: Vec<Puuid> = (0..10).map(|n| Puuid::new(format!("p{n}"))).collect();
    let others: Vec<&Puuid> = others.iter().collect();
    let riot_id = RiotId { game_name: "Name7".to_owned(), tag_line: "euw".to_owned() };
    let ids: Vec<MatchId> = (1..=10).map(|n| format!("EUW1_{n}").parse().unwrap()).collect();
    let since = Some((noon(), "p1".to_owned()));
    let cursor = Some((noon(), ids[5].clone()));
    let solo = Some(QueueId::RANKED_SOLO);
    let new: Vec<_> = (90_001..90_011).map(|n| game().number(n).build()).collect();
    let later = noon() + TimeDelta::days(3_000);

    check(conn, found, "players::find", async |c| players::find(c, &puuid).await).await;
    check(conn, found, "players::find_by_riot_id", async |c| {
        players::find_by_riot_id(c, &riot_id, Platform::Euw1).await
    })
    .await;
    check(conn, found, "players::tracked", async |c| players::tracked(c, &[]).await).await;
    check(conn, found, "players::tracked_since", async |c| {
        players::tracked_since(c, Some(Platform::Euw1), since.as_ref(), 50).await
    })
    .await;
    check(conn, found, "players::search", async |c| players::search(c, "me123", None, 20).await)
        .await;
    check(conn, found, "players::names", async |c| players::names(c, &others).await).await;
    check(conn, found, "looks::watched", async |c| looks::watched(c, &[]).await).await;
    check(conn, found, "looks::played", async |c| looks::played(c, &others, 60).await).await;
    check(conn, found, "looks::ranks_are_due", async |c| looks::ranks_are_due(c, &puuid).await)
        .await;
    check(conn, found, "looks::plan", async |c| {
        let plan = Plan { puuid: &puuid, looked_at: None, next_look_at: noon(), planned_on: None };
        looks::plan(c, &[plan]).await
    })
    .await;
    check(conn, found, "looks::fillable", async |c| looks::fillable(c, 5, 30, 20, later).await)
        .await;
    check(conn, found, "matches::missing", async |c| matches::missing(c, &ids, noon()).await).await;
    check(conn, found, "matches::starts", async |c| matches::starts(c, &ids).await).await;
    check(conn, found, "matches::find", async |c| matches::find(c, &ids[0]).await).await;
    check(conn, found, "matches::latest_end", async |c| matches::latest_end(c).await).await;
    for queue in [None, solo] {
        for cursor in [None, cursor.as_ref()] {
            check(conn, found, "matches::of_player", async |c| {
                matches::of_player(c, &puuid, queue, cursor, 50).await
            })
            .await;
            check(conn, found, "matches::brief_of_player", async |c| {
                matches::brief_of_player(c, &puuid, queue, cursor, 50).await
            })
            .await;
        }
        check(conn, found, "match_stats::of_player", async |c| {
            match_stats::of_player(c, &puuid, queue).await
        })
        .await;
    }
    check(conn, found, "matches::store", async |c| matches::store(c, &new[0], noon()).await).await;
    check(conn, found, "matches::store_many", async |c| matches::store_many(c, &new, noon()).await)
        .await;
    check(conn, found, "players::rekey", async |c| {
        players::rekey(c, &puuid, &Puuid::new("new"), noon()).await
    })
    .await;
    check(conn, found, "ranks::latest", async |c| ranks::latest(c, &puuid).await).await;
    check(conn, found, "ranks::history", async |c| {
        ranks::history(c, &puuid, RANKED_SOLO, Some(noon()), 50).await
    })
    .await;
    assert_eq!(*found, Vec::<String>::new());

    // The counter counts: a question that no index answers is found out.
    check(conn, found, "a scan", async |c| {
        diesel::sql_query("SELECT FROM match_participants WHERE kills = 99").execute(c).await
    })
    .await;
    assert_eq!(*found, ["a scan reads match_participants 1 times"]);
}
