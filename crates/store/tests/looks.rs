//! Looks: who is watched, what a rhythm is read from, when ranks are due, who is worth filling.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::{Account, Puuid};
use riftwatch_domain::routing::Platform;
use riftwatch_store::looks::{self, Plan};
use riftwatch_store::{Conn, assessments, matches, players, sync_cursors};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};

fn at(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

fn puuid(name: &str) -> Puuid {
    participant(name).build().puuid.expect("a builder's participant has one")
}

async fn play(conn: &mut Conn, number: u64, minute: i64, queue: QueueId, names: &[&str]) {
    let people = names.iter().map(|name| participant(name).with(|p| p.time_played = 1_800));
    let game =
        game().number(number).started(at(minute)).queue(queue).with_participants(people).build();
    matches::store(conn, &game, noon()).await.expect("it is stored");
}

async fn track(conn: &mut Conn, name: &str) {
    let account = Account { puuid: puuid(name), riot_id: None };
    players::track(conn, &account, Platform::Euw1, 100, noon()).await.expect("it is tracked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_out_of_date_when_its_player_was_met_since() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    track(&mut conn, "fox").await;
    let watched = looks::watched(&mut conn, &[]).await.unwrap();
    assert!(watched[0].is_new() && watched[0].needs_plan());
    assert_eq!(looks::watched(&mut conn, &[Platform::Kr]).await.unwrap(), []);

    play(&mut conn, 1, 0, QueueId::RANKED_SOLO, &["fox", "owl"]).await;
    let fox = puuid("fox");
    let plan = Plan {
        puuid: &fox,
        looked_at: Some(at(40)),
        next_look_at: at(70),
        planned_on: Some(at(0)),
    };
    looks::plan(&mut conn, std::slice::from_ref(&plan)).await.unwrap();
    let watched = looks::watched(&mut conn, &[]).await.unwrap();
    assert!(!watched[0].is_new() && !watched[0].needs_plan());
    assert_eq!(watched[0].next_look_at, Some(at(70)));

    play(&mut conn, 2, 45, QueueId::RANKED_SOLO, &["fox", "elk"]).await;
    assert!(looks::watched(&mut conn, &[]).await.unwrap()[0].needs_plan());
    // A new plan that was no look leaves the time of the last one.
    let newer = Plan { looked_at: None, planned_on: Some(at(45)), ..plan };
    looks::plan(&mut conn, &[newer]).await.unwrap();
    let watched = looks::watched(&mut conn, &[]).await.unwrap();
    assert_eq!((watched[0].looked_at, watched[0].needs_plan()), (Some(at(40)), false));

    // Who is tracked again is looked at at once, whatever was planned.
    players::untrack(&mut conn, &fox, at(50)).await.unwrap();
    let account = Account { puuid: fox, riot_id: None };
    players::track(&mut conn, &account, Platform::Euw1, 100, at(60)).await.unwrap();
    assert!(looks::watched(&mut conn, &[]).await.unwrap()[0].is_new());
}

#[tokio::test(flavor = "multi_thread")]
async fn played_games_come_newest_first_with_their_ends() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    for number in 1..=4 {
        let minute = i64::try_from(number).unwrap() * 40;
        play(&mut conn, number, minute, QueueId(450), &["fox"]).await;
    }
    let (fox, owl) = (puuid("fox"), puuid("owl"));
    let played = looks::played(&mut conn, &[&fox, &owl], 3).await.unwrap();
    let spans: Vec<_> = played[&fox].iter().map(|span| (span.start, span.end)).collect();
    assert_eq!(spans, [(at(160), at(190)), (at(120), at(150)), (at(80), at(110))]);
    assert!(!played.contains_key(&owl));
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_are_due_at_first_and_after_a_ranked_game() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let fox = puuid("fox");
    play(&mut conn, 1, 0, QueueId::RANKED_SOLO, &["fox"]).await;
    assert!(looks::ranks_are_due(&mut conn, &fox).await.unwrap());
    looks::ranks_looked_at(&mut conn, &fox, at(31)).await.unwrap();
    assert!(!looks::ranks_are_due(&mut conn, &fox).await.unwrap());

    play(&mut conn, 2, 40, QueueId(450), &["fox"]).await;
    assert!(!looks::ranks_are_due(&mut conn, &fox).await.unwrap());
    play(&mut conn, 3, 80, QueueId::RANKED_FLEX, &["fox"]).await;
    assert!(looks::ranks_are_due(&mut conn, &fox).await.unwrap());
    // It was asked for while the game was on: the answer knew nothing of it.
    looks::ranks_looked_at(&mut conn, &fox, at(100)).await.unwrap();
    assert!(looks::ranks_are_due(&mut conn, &fox).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_and_its_end_are_dated_and_presence_alone_is_not() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    track(&mut conn, "fox").await;
    let fox = puuid("fox");
    for (minute, reachable) in [(0, true), (10, false), (20, false), (30, true), (40, true)] {
        looks::observe_reachable(&mut conn, &fox, reachable, at(minute)).await.unwrap();
    }
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    let rows = client
        .query("SELECT seen_at, reachable FROM reachability_observations ORDER BY seen_at", &[])
        .await
        .unwrap();
    let seen: Vec<(DateTime<Utc>, bool)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    assert_eq!(seen, [(at(10), false), (at(30), true)]);
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_the_fewest_games_is_filled_first() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let solo = QueueId::RANKED_SOLO;
    for number in 1..=3 {
        let minute = i64::try_from(number).unwrap() * 40;
        play(&mut conn, number, minute, solo, &["tracked", "owl", "elk"]).await;
    }
    play(&mut conn, 4, 200, solo, &["elk", "hen"]).await;
    play(&mut conn, 5, 240, QueueId(450), &["ram"]).await;
    play(&mut conn, 6, 280, solo, &["full", "asleep"]).await;
    for number in 7..=9 {
        let minute = 280 + i64::try_from(number).unwrap() * 40;
        play(&mut conn, number, minute, solo, &["full"]).await;
    }
    track(&mut conn, "tracked").await;
    let asleep = puuid("asleep");
    let plan = Plan {
        puuid: &asleep,
        looked_at: Some(at(300)),
        next_look_at: at(9_000),
        planned_on: None,
    };
    looks::plan(&mut conn, &[plan]).await.unwrap();
    // `elk` has four of the five wanted.
    let found = looks::fillable(&mut conn, 100, 5, 10, at(600)).await.unwrap();
    let found: Vec<_> = found.iter().map(|f| (f.puuid.as_str().to_owned(), f.games)).collect();
    let name = |name: &str| puuid(name).as_str().to_owned();
    let mut expected =
        vec![(name("elk"), 4), (name("full"), 4), (name("owl"), 3), (name("hen"), 1)];
    expected[..2].sort();
    assert_eq!(found, expected);
    // Enough of a smaller sample is nobody's need; and time passes.
    let found = looks::fillable(&mut conn, 100, 4, 10, at(9_000)).await.unwrap();
    let found: Vec<_> = found.iter().map(|f| f.puuid.clone()).collect();
    let mut ones = [puuid("asleep"), puuid("hen")];
    ones.sort();
    assert_eq!(found[0], puuid("owl"));
    assert_eq!(found[1..], ones);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_puuid_takes_the_place_of_the_old_one_everywhere() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    track(&mut conn, "fox").await;
    let (old, new) = (puuid("fox"), puuid("fox of another key"));
    let solo = QueueId::RANKED_SOLO;
    play(&mut conn, 1, 0, solo, &["fox", "owl"]).await;
    let span = sync_cursors::Synced { from: at(0), until: at(0) };
    sync_cursors::advance(&mut conn, &old, QueueId(0), span, at(0)).await.unwrap();
    looks::ranks_looked_at(&mut conn, &old, at(50)).await.unwrap();
    assessments::observe(&mut conn, &old, true, at(50)).await.unwrap();
    // Met under the new puuid before anybody knew.
    play(&mut conn, 2, 60, solo, &["fox of another key", "elk"]).await;
    looks::ranks_looked_at(&mut conn, &new, at(95)).await.unwrap();

    assert!(players::rekey(&mut conn, &old, &new, at(100)).await.unwrap());

    assert_eq!(players::find(&mut conn, &old).await.unwrap(), None);
    let player = players::find(&mut conn, &new).await.unwrap().unwrap();
    assert!(player.is_tracked && !player.is_analyzed);
    let played = matches::of_player(&mut conn, &new, None, None, 10).await.unwrap();
    assert_eq!(played.len(), 2);
    assert_eq!(matches::of_player(&mut conn, &old, None, None, 10).await.unwrap(), []);
    assert_eq!(sync_cursors::find(&mut conn, &new, QueueId(0)).await.unwrap(), Some(span));
    assert!(looks::ranks_are_due(&mut conn, &new).await.unwrap());
    // Again, or for somebody unknown, it does nothing.
    assert!(!players::rekey(&mut conn, &old, &new, at(110)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_about_a_player_follows_a_new_puuid() {
    let test = TestDb::new().await;
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT conname::text FROM pg_constraint
             WHERE contype = 'f' AND confrelid = 'players'::regclass AND confupdtype <> 'c'
               AND confkey = (SELECT array_agg(attnum) FROM pg_attribute
                              WHERE attrelid = 'players'::regclass AND attname = 'puuid')",
            &[],
        )
        .await
        .unwrap();
    let stubborn: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(stubborn.is_empty(), "these want ON UPDATE CASCADE: {stubborn:?}");
    drop(client);
    driver.await.unwrap().unwrap();
}
