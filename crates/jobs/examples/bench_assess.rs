//! How fast stored players are assessed, from the rows of their games to stored documents, through the
//! job `player_analyzer`. `just bench-assess` runs it; the first argument is the number of players
//! (100,000), the second the games of each (50).
//!
//! The games are random and there are ten people in each, three of whom or more have a rank; the server
//! is a private one with `fsync` on, in a temporary directory. One, two and four slots work side by
//! side in one process; the players are made due again in between, and their assessments deleted.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use riftwatch_app::Deps;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::execution::{ExecutionStatus, Trigger};
use riftwatch_jobs::registry;
use riftwatch_riot::testing::FakeRiot;
use riftwatch_runner::manage::{self, Actor};
use riftwatch_runner::{Runner, RunnerConfig};
use riftwatch_store::embedded::{EmbeddedConfig, PrivateServer};
use riftwatch_store::{DatabaseUrl, Db, migrations};

type Failure = Box<dyn std::error::Error>;

/// People in a game.
const LOBBY: u64 = 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let players = numbers.next().transpose()?.unwrap_or(100_000) / LOBBY * LOBBY;
    let games = numbers.next().transpose()?.unwrap_or(50);

    let dir = tempfile::Builder::new().prefix("rw-bench").tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let server = PrivateServer::start(EmbeddedConfig::new(dir.path())).await?;
    let url: DatabaseUrl = server.url().parse()?;
    migrations::run(&url).await?;
    let began = Instant::now();
    sql(&url, &world(players, games)).await?;
    println!(
        "{players} players with {games} games each, made in {:.0} s; {} as stored",
        began.elapsed().as_secs_f64(),
        size(&url, "ranked_games").await?
    );

    let db = Db::new(&url, 16);
    let deps = Deps {
        store: db.clone(),
        riot: Arc::new(FakeRiot::new()),
        clock: Clock::system(),
        max_tracked_players: 10,
        suppression_key: None,
    };
    let config = RunnerConfig {
        scheduler_enabled: false,
        poll: Duration::from_millis(50),
        default_timeout: Duration::from_secs(3_600),
        ..RunnerConfig::default()
    };
    let runner = Runner::start(db.clone(), registry(), Arc::new(deps), config).await?;
    let job = manage::find_by_name(&db, "player_analyzer").await?.ok_or("no such job")?.job;
    for slots in [1, 2, 4] {
        sql(
            &url,
            &format!(
                "TRUNCATE player_analysis, assessment_claims CASCADE;
                 UPDATE players SET is_analyzed = false;
                 UPDATE job_configurations SET max_instances = {slots}
                 WHERE name = 'player_analyzer';"
            ),
        )
        .await?;
        for statement in ["VACUUM ANALYZE players", "CHECKPOINT"] {
            sql(&url, statement).await?;
        }
        let began = Instant::now();
        let mut runs = Vec::new();
        for _ in 0..slots {
            runs.push(manage::trigger(&db, job.id, Trigger::Cli, &Actor::new("bench")).await?);
        }
        let mut assessed = 0;
        for id in runs {
            let run = manage::wait_for_end(&db, id, Duration::from_secs(3_600)).await?;
            if run.status != ExecutionStatus::Success {
                return Err(format!("run {id} ended badly: {run:?}").into());
            }
            assessed += run.metrics["players_analyzed"].as_u64().unwrap_or(0);
        }
        let took = began.elapsed().as_secs_f64();
        println!(
            "{slots} slots: {assessed} assessed in {took:6.1} s, {:6.0} a second; documents {}",
            assessed as f64 / took,
            size(&url, "player_analysis").await?
        );
    }
    runner.shutdown(Duration::from_secs(5)).await;
    server.stop().await?;
    Ok(())
}

/// Players with three ranks each, and lobbies drawn anew for every game. A player's games lie as far
/// apart in the table as they do where they come in over time.
fn world(players: u64, games: u64) -> String {
    format!(
        "SELECT setseed(0.5);
         INSERT INTO players (puuid, platform, summoner_level, profile_seen_at)
         SELECT rpad('bench-' || n, 78, 'x'), 'euw1', 30 + n % 400, now()
         FROM generate_series(1, {players}) n;
         INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins, losses,
                                   hot_streak, veteran, fresh_blood, inactive, seen_at)
         SELECT puuid, 'RANKED_SOLO_5x5',
                (ARRAY['IRON', 'BRONZE', 'SILVER', 'GOLD', 'PLATINUM', 'EMERALD', 'DIAMOND'])
                    [1 + number % 7],
                'II', (number + 17 * seen) % 100, 100, 100, false, false, false, false,
                timestamptz '2026-01-01' + seen * interval '20 days'
         FROM players, generate_series(0, 2) seen WHERE number % 10 < 5;
         CREATE TEMPORARY TABLE seats AS
         SELECT g, (place - 1) / {LOBBY} AS lobby, (place - 1) % {LOBBY} AS seat, number
         FROM (SELECT g, number, row_number() OVER (PARTITION BY g ORDER BY random()) AS place
               FROM players, generate_series(1, {games}) g) drawn;
         ALTER TABLE ranked_games DROP CONSTRAINT ranked_games_pkey,
                                  DROP CONSTRAINT ranked_games_player_fkey;
         INSERT INTO ranked_games
         SELECT s.number, timestamptz '2026-01-01' + s.g * interval '1 day'
                    + s.lobby * interval '1 second',
                'EUW1_' || (s.g * 1000000 + s.lobby), 1200 + (random() * 1200)::int,
                (ARRAY['TOP', 'JUNGLE', 'MIDDLE', 'BOTTOM', 'UTILITY'])[1 + s.seat % 5],
                1 + (random() * 20 + s.number)::int % 160, (s.seat < 5) = (s.lobby % 2 = 0),
                (random() * 12)::int, (random() * 10)::int, (random() * 14)::int,
                120 + (random() * 120)::int, 9000 + (random() * 6000)::int,
                12000 + (random() * 20000)::int, 10 + (random() * 40)::int,
                20 + (random() * 20)::int, 1 + (random() < 0.05)::int, 40 + (random() * 50)::int,
                (random() * 4)::int,
                array_remove(CASE WHEN s.seat < 5 THEN l.ours[:5] ELSE l.ours[6:] END, s.number),
                CASE WHEN s.seat < 5 THEN l.ours[6:] ELSE l.ours[:5] END
         FROM seats s
         JOIN (SELECT g, lobby, array_agg(number ORDER BY seat) AS ours FROM seats GROUP BY g, lobby) l
              USING (g, lobby)
         ORDER BY s.g, s.lobby;
         ALTER TABLE ranked_games
             ADD CONSTRAINT ranked_games_pkey PRIMARY KEY (player, game_start, match_id),
             ADD CONSTRAINT ranked_games_player_fkey FOREIGN KEY (player)
                 REFERENCES players (number) ON DELETE CASCADE;
         ANALYZE;"
    )
}

async fn sql(url: &DatabaseUrl, statements: &str) -> Result<(), Failure> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    client.batch_execute(statements).await?;
    drop(client);
    Ok(driver.await??)
}

async fn size(url: &DatabaseUrl, table: &str) -> Result<String, Failure> {
    let (client, connection) = url.connect_raw().await?;
    let driver = tokio::spawn(connection);
    let query = "SELECT pg_size_pretty(pg_total_relation_size($1::text::regclass))";
    let size = client.query_one(query, &[&table]).await?.get(0);
    drop(client);
    driver.await??;
    Ok(size)
}
