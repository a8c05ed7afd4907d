//! Players, their ranks, and how far each is stored.

use chrono::TimeDelta;
use riftwatch_domain::player::{Account, RiotId};
use riftwatch_domain::rank::{Division, RANKED_SOLO, RankEntry, Tier};
use riftwatch_domain::routing::Platform;
use riftwatch_store::players::{self, Tracked};
use riftwatch_store::sync_cursors::{self, ALL_QUEUES, Synced};
use riftwatch_store::{StoreError, ranks};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, player};

fn account(name: &str) -> Account {
    let player = player(name).build();
    Account { puuid: player.puuid, riot_id: player.riot_id }
}

fn gold(league_points: i32) -> RankEntry {
    RankEntry {
        queue_type: RANKED_SOLO.to_owned(),
        tier: Some(Tier::Gold),
        division: Some(Division::II),
        league_points,
        wins: 10,
        losses: 9,
        hot_streak: false,
        veteran: false,
        fresh_blood: false,
        inactive: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_players_are_tracked_than_allowed_however_many_ask_at_once() {
    let test = TestDb::new().await;
    let track = async |name: &'static str| {
        let mut conn = test.db.get().await.unwrap();
        players::track(&mut conn, &account(name), Platform::Euw1, 2, noon()).await.unwrap()
    };
    let all = tokio::join!(track("a"), track("b"), track("c"), track("d"));
    let full = [all.0, all.1, all.2, all.3].iter().filter(|t| **t == Tracked::Full).count();
    assert_eq!(full, 2);
    let mut conn = test.db.get().await.unwrap();
    assert_eq!(players::count(&mut conn).await.unwrap(), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_twice_changes_nothing_and_untracking_keeps_the_player() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let fox = account("fox");
    let begun = players::track(&mut conn, &fox, Platform::Euw1, 10, noon()).await.unwrap();
    assert!(matches!(begun, Tracked::Now(player) if player.tracked_at == Some(noon())));
    let later = noon() + TimeDelta::hours(1);
    let again = players::track(&mut conn, &fox, Platform::Euw1, 10, later).await.unwrap();
    assert!(matches!(again, Tracked::Already(player) if player.tracked_at == Some(noon())));

    let ended = players::untrack(&mut conn, &fox.puuid, later).await.unwrap().unwrap();
    assert!(!ended.is_tracked);
    assert_eq!(players::count(&mut conn).await.unwrap(), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_riot_id_is_found_in_any_case_and_script() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let riot_id = RiotId { game_name: "Ñandú 夜".to_owned(), tag_line: "Águ".to_owned() };
    let account = Account { riot_id: Some(riot_id.clone()), ..account("x") };
    players::track(&mut conn, &account, Platform::La1, 10, noon()).await.unwrap();

    let asked = RiotId { game_name: "ñANDÚ 夜".to_owned(), tag_line: "ágU".to_owned() };
    let found = players::find_by_riot_id(&mut conn, &asked, Platform::La1).await.unwrap();
    assert_eq!(found.unwrap().riot_id, Some(riot_id));
    let elsewhere = players::find_by_riot_id(&mut conn, &asked, Platform::Euw1).await.unwrap();
    assert_eq!(elsewhere, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_unsynced_is_due_first() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    for name in ["a", "b", "c"] {
        players::track(&mut conn, &account(name), Platform::Euw1, 10, noon()).await.unwrap();
    }
    players::mark_synced(&mut conn, &account("a").puuid, noon()).await.unwrap();
    let later = noon() + TimeDelta::minutes(5);
    players::mark_synced(&mut conn, &account("b").puuid, later).await.unwrap();

    let due = players::tracked(&mut conn, &[Platform::Euw1]).await.unwrap();
    let names: Vec<_> =
        due.iter().map(|p| p.riot_id.as_ref().unwrap().game_name.as_str()).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert_eq!(players::tracked(&mut conn, &[Platform::Kr]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_never_moves_back() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let fox = account("fox");
    players::track(&mut conn, &fox, Platform::Euw1, 10, noon()).await.unwrap();
    let at = async |conn: &mut _| sync_cursors::find(conn, &fox.puuid, ALL_QUEUES).await.unwrap();
    assert_eq!(at(&mut conn).await, None);
    let later = noon() + TimeDelta::hours(2);
    for until in [noon(), later, noon()] {
        let synced = Synced { from: until, until };
        sync_cursors::advance(&mut conn, &fox.puuid, ALL_QUEUES, synced, noon()).await.unwrap();
    }
    assert_eq!(at(&mut conn).await, Some(Synced { from: noon(), until: later }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_is_stored_when_it_changes_and_only_then() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let fox = account("fox");
    players::track(&mut conn, &fox, Platform::Euw1, 10, noon()).await.unwrap();
    let mut changes = Vec::new();
    for (minutes, points) in [(0, 40), (1, 40), (2, 61), (3, 61), (4, 40)] {
        let now = noon() + TimeDelta::minutes(minutes);
        changes.push(ranks::record(&mut conn, &fox.puuid, &[gold(points)], now).await.unwrap());
    }
    assert_eq!(changes, [1, 0, 1, 0, 1]);

    let history = ranks::history(&mut conn, &fox.puuid, RANKED_SOLO, None, 10).await.unwrap();
    let points: Vec<_> = history.iter().map(|rank| rank.entry.league_points).collect();
    assert_eq!(points, [40, 61, 40]);
    let latest = ranks::latest(&mut conn, &fox.puuid).await.unwrap();
    assert_eq!(latest, history[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_of_nobody_is_a_conflict() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let nobody = account("nobody").puuid;
    let error = ranks::record(&mut conn, &nobody, &[gold(1)], noon()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict { constraint } if constraint == "player_ranks_puuid_fkey"),
        "{error:?}"
    );
}
