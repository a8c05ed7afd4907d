//! Matches: stored whole and once, found again as they were.

use chrono::TimeDelta;
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

    // A match that Riot did not have is asked for again later, twice.
    let later = noon() + TimeDelta::minutes(11);
    let missing = matches::missing(&mut conn, &ids, later).await.unwrap();
    assert_eq!(missing, [ids[3].clone(), ids[4].clone()]);
    reject(&ids[3], RejectReason::Gone).await;
    reject(&ids[3], RejectReason::Gone).await;
    let missing = matches::missing(&mut conn, &ids, later).await.unwrap();
    assert_eq!(missing, [ids[4].clone()]);
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
