//! Matches: stored whole and once, found again as they were.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::Puuid;
use riftwatch_store::matches::{self, RejectReason};
use riftwatch_store::players;
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};

#[tokio::test(flavor = "multi_thread")]
async fn a_match_reads_back_as_it_was_stored() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let game = game().build();

    let stored = matches::store(&mut conn, &game, noon()).await.unwrap();
    assert!(stored.new);
    assert_eq!((stored.participants, stored.players_discovered), (10, 10));

    let mut expected = game.clone();
    for participant in &mut expected.participants {
        // Names and icons of the past are not kept.
        participant.riot_id = None;
        participant.profile_icon = 0;
    }
    assert_eq!(matches::find(&mut conn, &game.match_id).await.unwrap(), Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_stored_twice_is_there_once() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let game = game().build();
    matches::store(&mut conn, &game, noon()).await.unwrap();

    let again = matches::store(&mut conn, &game, noon()).await.unwrap();

    assert!(!again.new);
    assert_eq!(matches::count(&mut conn).await.unwrap(), (1, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_or_ten_cost_one_statement_and_are_one_transaction() {
    let test = TestDb::new().await;
    let mut conn = test.db.dedicated().await.unwrap();
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let games: Vec<_> = (1..=11).map(|number| game().number(number).build()).collect();
    matches::store(&mut conn, &games[0], noon()).await.unwrap();
    let stored = matches::store_many(&mut conn, &games, noon()).await.unwrap();
    assert_eq!(stored.iter().filter(|stored| stored.new).count(), 10);
    assert_eq!(statements.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_who_meet_the_same_new_players_keep_the_evidence_of_all() {
    let test = TestDb::new().await;
    // The same ten in every match, and nobody knows them.
    let write = async |number: u64| {
        let started = noon() - TimeDelta::hours(i64::try_from(number).unwrap());
        let game = game().number(number).started(started).build();
        let mut conn = test.db.get().await.unwrap();
        matches::store(&mut conn, &game, noon()).await.unwrap().players_discovered
    };
    let all = tokio::join!(write(1), write(2), write(3), write(4));
    assert_eq!(all.0 + all.1 + all.2 + all.3, 10);
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    let counts =
        "SELECT count(*), min(cardinality(mates)), min(cardinality(opponents)) FROM ranked_games";
    let row = client.query_one(counts, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), (40_i64, 4, 5));
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_the_same_match_store_it_once() {
    let test = TestDb::new().await;
    let game = game().build();
    let write = async || {
        let mut conn = test.db.get().await.unwrap();
        matches::store(&mut conn, &game, noon()).await.unwrap()
    };
    let all = tokio::join!(write(), write(), write(), write());
    let new = [all.0, all.1, all.2, all.3].into_iter().filter(|stored| stored.new).count();
    assert_eq!(new, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_and_hidden_players_are_stored_and_met_by_nobody() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let game = game()
        .with_participants([
            participant("human"),
            participant("bot one").puuid(Some(Puuid::BOT)),
            participant("bot two").puuid(Some(Puuid::BOT)),
            participant("hidden").puuid(None),
        ])
        .build();

    let stored = matches::store(&mut conn, &game, noon()).await.unwrap();

    assert_eq!((stored.participants, stored.players_discovered), (4, 1));
    let found = matches::find(&mut conn, &game.match_id).await.unwrap().unwrap();
    let bots = found.participants.iter().filter(|p| p.puuid.as_ref().is_some_and(Puuid::is_bot));
    assert_eq!(bots.count(), 2);
    assert_eq!(found.participants[3].puuid, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_has_the_name_and_level_of_the_newest_match() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let at_level = |number, hours, level| {
        game()
            .number(number)
            .started(noon() + TimeDelta::hours(hours))
            .with_participants([participant("fox").with(|p| p.summoner_level = level)])
            .build()
    };
    let newer = at_level(2, 5, 31);
    let older = at_level(1, 0, 30);
    matches::store(&mut conn, &newer, noon()).await.unwrap();
    matches::store(&mut conn, &older, noon()).await.unwrap();

    let puuid = newer.participants[0].puuid.clone().unwrap();
    let player = players::find(&mut conn, &puuid).await.unwrap().unwrap();
    assert_eq!(player.summoner_level, Some(31));
    assert!(!player.is_analyzed && !player.is_tracked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_of_a_merged_platform_has_players_of_the_one_it_was_merged_into() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let game = game().on("TH2").with_participants([participant("fox")]).build();
    matches::store(&mut conn, &game, noon()).await.unwrap();
    let puuid = game.participants[0].puuid.clone().unwrap();
    let player = players::find(&mut conn, &puuid).await.unwrap().unwrap();
    assert_eq!(player.platform.as_str(), "sg2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_or_rejected_is_not_missing() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let ids: Vec<_> = (1..=5).map(|n| game().number(n).build().match_id).collect();
    matches::store(&mut conn, &game().number(1).build(), noon()).await.unwrap();
    let reject = async |id, reason| {
        let mut conn = test.db.get().await.unwrap();
        matches::reject(&mut conn, id, reason, "", noon()).await.unwrap();
    };
    reject(&ids[1], RejectReason::Private).await;
    reject(&ids[2], RejectReason::Malformed).await;
    reject(&ids[3], RejectReason::Gone).await;

    let missing = matches::missing(&mut conn, &ids, noon()).await.unwrap();
    assert_eq!(missing, [ids[4].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_riot_does_not_have_yet_is_asked_for_again_for_an_hour() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let ids = [game().number(1).build().match_id];
    let at = |minutes| noon() + TimeDelta::minutes(minutes);
    // Who asks at every minute is let through each ten minutes of an hour; who asks each hour has
    // three tries.
    for (every, expected) in [(1, vec![0, 10, 20, 30, 40, 50]), (61, vec![200, 261, 322])] {
        let mut asked_at = Vec::new();
        let mut for_good = false;
        let from = expected[0];
        for minute in (from..from + 183).step_by(every) {
            if matches::missing(&mut conn, &ids, at(minute)).await.unwrap().is_empty() {
                continue;
            }
            asked_at.push(minute);
            assert!(!for_good);
            let why = RejectReason::Gone;
            for_good = matches::reject(&mut conn, &ids[0], why, "", at(minute)).await.unwrap();
        }
        assert_eq!(asked_at, expected);
        assert_eq!(for_good, every == 61);
        let (client, connection) = test.url().connect_raw().await.unwrap();
        let driver = tokio::spawn(connection);
        client.batch_execute("DELETE FROM match_rejects").await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_reader_asks_for_malformed_matches_again() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let ids: Vec<_> = (1..=2).map(|n| game().number(n).build().match_id).collect();
    for (id, reason) in ids.iter().zip([RejectReason::Malformed, RejectReason::Private]) {
        assert!(matches::reject(&mut conn, id, reason, "", noon()).await.unwrap());
    }
    assert_eq!(matches::missing(&mut conn, &ids, noon()).await.unwrap(), []);

    // As an older version of the program left them.
    let (client, connection) = test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    client
        .batch_execute("UPDATE match_rejects SET parser_version = parser_version - 1")
        .await
        .unwrap();
    assert_eq!(matches::missing(&mut conn, &ids, noon()).await.unwrap(), ids[..1]);

    // It cannot read it either: it is written down for this version.
    matches::reject(&mut conn, &ids[0], RejectReason::Malformed, "", noon()).await.unwrap();
    assert_eq!(matches::missing(&mut conn, &ids, noon()).await.unwrap(), []);
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_stored_whole_as_single_matches_would_be() {
    let (one, many) = (TestDb::new().await, TestDb::new().await);
    let games: Vec<_> = (1..=12)
        .map(|n| {
            let start = noon() + TimeDelta::hours(i64::try_from(n % 5).unwrap());
            let names = ["fox", "owl", if n % 2 == 0 { "elk" } else { "hen" }];
            let level = i32::try_from(30 + n).unwrap();
            let people = names.map(|name| participant(name).with(|p| p.summoner_level = level));
            game().number(n).started(start).with_participants(people).build()
        })
        .collect();
    let mut conn = one.db.get().await.unwrap();
    matches::store(&mut conn, &games[3], noon()).await.unwrap();
    let mut batch = many.db.get().await.unwrap();
    matches::store(&mut batch, &games[3], noon()).await.unwrap();

    let mut discovered = 0;
    for game in &games {
        discovered += matches::store(&mut conn, game, noon()).await.unwrap().players_discovered;
    }
    // One of them twice, and one that is there already.
    let mut given = games.clone();
    given.push(games[0].clone());
    let stored = matches::store_many(&mut batch, &given, noon()).await.unwrap();

    let new: Vec<bool> = stored.iter().map(|stored| stored.new).collect();
    let expected: Vec<bool> = (0..13).map(|n| n != 3 && n != 12).collect();
    assert_eq!(new, expected);
    assert_eq!(stored.iter().map(|stored| stored.players_discovered).sum::<usize>(), discovered);
    for game in &games {
        let found = matches::find(&mut batch, &game.match_id).await.unwrap();
        assert_eq!(found, matches::find(&mut conn, &game.match_id).await.unwrap());
        for participant in &game.participants {
            let puuid = participant.puuid.as_ref().unwrap();
            let of = async |conn: &mut _| players::find(conn, puuid).await.unwrap().unwrap();
            let (a, b) = (of(&mut *conn).await, of(&mut *batch).await);
            assert_eq!((a.summoner_level, a.is_analyzed), (b.summoner_level, b.is_analyzed));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_a_match_that_the_tables_refuse_leaves_nothing() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let good = game().number(1).build();
    let mut bad = game().number(2).build();
    bad.game_duration = -1;
    assert!(matches::store_many(&mut conn, &[good, bad], noon()).await.is_err());
    assert_eq!(matches::count(&mut conn).await.unwrap(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_players_matches_page_newest_first_without_gap_or_double() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    // Two of them start in the same second.
    for (number, hours) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 3)] {
        let start = noon() + TimeDelta::hours(hours);
        let queue = if number == 5 { QueueId(450) } else { QueueId::RANKED_SOLO };
        let game = game().number(number).started(start).queue(queue).build();
        matches::store(&mut conn, &game, noon()).await.unwrap();
    }
    let puuid = game().build().participants[0].puuid.clone().unwrap();

    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = matches::of_player(&mut conn, &puuid, None, cursor.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some((last.game.game_start, last.game.match_id.clone()));
        seen.extend(page.iter().map(|played| played.game.match_id.to_string()));
    }
    assert_eq!(seen, ["EUW1_5", "EUW1_4", "EUW1_3", "EUW1_2", "EUW1_1"]);

    let ranked = Some(QueueId::RANKED_SOLO);
    let ranked = matches::of_player(&mut conn, &puuid, ranked, None, 10).await.unwrap();
    assert_eq!(ranked.len(), 4);
    assert_eq!(ranked[0].participant.puuid, Some(puuid));
}
