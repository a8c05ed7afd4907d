//! Large tables, made by the database itself.

use std::time::Instant;

use riftwatch_store::DatabaseUrl;

use crate::{Outcome, Size};

/// Matches of each player, on average.
const GAMES: i64 = 50;

/// How many players there are.
pub(crate) fn people(size: &Size) -> i64 {
    (size.participants / GAMES).max(100)
}

/// Runs over 30 days, of ten jobs, two of a hundred failed; the newest has logged a lot. Their ids
/// begin with 0. A match every minute back from now, with ten of the people at random. Everybody
/// was assessed twice. Keys and indexes of participants are made last: that is quicker by far.
const SEED: &str = r#"
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
INSERT INTO job_configurations (name, job_type, interval_seconds, enabled, config_json, next_run_at)
SELECT 'job ' || n, 'tracked_player_updater', 120, true, '{"platforms": ["euw1"], "batch": 20}', now()
FROM generate_series(1, 10) n;
INSERT INTO job_executions (id, job_id, job_name, job_type, status, reason, trigger, scheduled_for,
    started_at, ended_at, created_at, metrics, log_data, error, config_version)
SELECT n, 1 + n % 10, 'job ' || 1 + n % 10, 'tracked_player_updater',
       CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'success' END,
       CASE WHEN n % 50 = 0 THEN 'error' ELSE 'completed' END,
       'schedule', at, at + interval '5 ms', at + interval '5 ms' + (n % 400) * interval '10 ms', at,
       jsonb_build_object('players_updated', n % 10, 'matches_stored', n % 100),
       '{"region": "europe"}',
       CASE WHEN n % 50 = 0 THEN 'asking riot: the upstream said 50' || n % 4 || ' for match ' || n END, 1
FROM (SELECT n, now() - interval '30 days' + n * (interval '30 days' / :executions) AS at
      FROM generate_series(0, :executions) n) AS g
ORDER BY n;
SELECT setval(pg_get_serial_sequence('job_executions', 'id'), :executions + 1);
INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message, fields)
SELECT :executions, n, now(), 'INFO', 'bench', 'stored match ' || n, jsonb_build_object('match.id', n)
FROM generate_series(1, :lines) n;
INSERT INTO players (puuid, platform, game_name, tag_line, is_tracked, tracked_at, summoner_level,
    profile_seen_at)
SELECT 'p' || n, 'euw1', 'name' || n, 'EUW', n < 1000, CASE WHEN n < 1000 THEN now() END, 100, now()
FROM generate_series(0, :people - 1) n;
INSERT INTO player_analysis (puuid, model_version, games, probability, interval_low, interval_high,
    verdict, smurf_probability, legacy_score, document, tier, created_at)
SELECT 'p' || n, 'bench', 30 + n % 70, p, p * 0.9, least(1, p * 1.1),
       CASE WHEN p > 0.8 THEN 'unusual_pattern' ELSE 'nothing_unusual' END, p * 0.5, p,
       '{"summary": "' || repeat('words ', 300) || '"}', 'GOLD', now() - again * interval '1 day'
FROM generate_series(1, 0, -1) again, generate_series(0, :people - 1) n,
     LATERAL (SELECT ((n * 7919 + again) % 100003) / 100003.0 AS p) chance;
INSERT INTO matches (match_id, platform_id, queue_id, map_id, game_mode, game_version, game_creation,
    game_start, game_end, game_duration, teams)
SELECT 'EUW1_' || n, 'euw1', 420, 11, 'CLASSIC', '16.1', t, t, t + interval '30 min', 1800,
       '[{"team_id": 100, "win": true, "bans": [1, 2, 3, 4, 5]}, {"team_id": 200, "win": false, "bans": [6, 7, 8, 9, 10]}]'
FROM generate_series(1, :matches) n,
     LATERAL (SELECT now() - (:matches - n) * interval '1 min' AS t) at;
ALTER TABLE match_participants DROP CONSTRAINT match_participants_match_id_fkey,
    DROP CONSTRAINT match_participants_pkey;
DROP INDEX match_participants_puuid_start_idx;
INSERT INTO match_participants (match_id, participant_id, puuid, game_start, queue_id, summoner_level,
    team_id, champion_id, champion_name, champ_level, team_position, individual_position, win, kills,
    deaths, assists, gold_earned, total_minions_killed, neutral_minions_killed, vision_score,
    total_damage_dealt_to_champions, damage_dealt_to_objectives, total_damage_taken, wards_placed,
    wards_killed, time_played, summoner1_id, summoner2_id, game_ended_in_early_surrender, details)
SELECT m.match_id, p, 'p' || (hashtext(m.match_id || '/' || p) & 2147483647) % :people, m.game_start,
       420, 100, CASE WHEN p < 6 THEN 100 ELSE 200 END, 103, 'Ahri', 16, 'MIDDLE', 'MIDDLE', true, 5,
       3, 7, 12000, 180, 12, 20, 20000, 6000, 18000, 9, 3, 1800, 4, 14, false,
       '{"items": [1, 2, 3, 4, 5, 6, 7], "challenges": {"soloKills": 1, "laneMinionsFirst10Minutes": 60}}'
FROM matches m, generate_series(1, 10) p;
ALTER TABLE match_participants
    ADD CONSTRAINT match_participants_pkey PRIMARY KEY (match_id, participant_id),
    ADD CONSTRAINT match_participants_match_id_fkey
        FOREIGN KEY (match_id) REFERENCES matches (match_id) ON DELETE CASCADE;
CREATE INDEX match_participants_puuid_start_idx ON match_participants
    (puuid, game_start DESC, match_id DESC) WHERE puuid IS NOT NULL;
VACUUM ANALYZE;
CHECKPOINT;
"#;

/// Fills a migrated database. Says what is in it.
pub(crate) async fn fill(url: &DatabaseUrl, size: &Size) -> Outcome<String> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    let began = Instant::now();
    let sql = SEED
        .replace(":executions", &size.executions.to_string())
        .replace(":lines", &size.lines.to_string())
        .replace(":people", &people(size).to_string())
        .replace(":matches", &(size.participants / 10).to_string());
    // One by one: what VACUUM shares a batch with would be one transaction with it.
    for statement in sql.split_inclusive(";\n").filter(|statement| !statement.trim().is_empty()) {
        client.batch_execute(statement).await?;
    }
    let row = client
        .query_one("SELECT pg_size_pretty(pg_database_size(current_database()))", &[])
        .await?;
    let bytes: String = row.get(0);
    drop(client);
    driver.await??;
    Ok(format!(
        "{} executions, {} participants of {} players, {bytes}, filled in {:.0?}",
        size.executions,
        size.participants,
        people(size),
        began.elapsed()
    ))
}
