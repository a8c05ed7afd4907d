//! Jumps in rank: each is told once, whoever stored the rank.

use std::sync::Arc;

use chrono::TimeDelta;
use riftwatch_app::Deps;
use riftwatch_app::rank_check::check_rank;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::{Account, Player};
use riftwatch_domain::rank::{RANKED_SOLO, RankEntry};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_store::{looks, players, ranks};
use riftwatch_testkit::TestDb;
use riftwatch_testkit::builders::noon;

struct Scene {
    deps: Deps,
    riot: FakeRiot,
    player: Player,
    _test: TestDb,
}

fn rank(tier: &str, division: &str, wins: i32) -> RankEntry {
    RankEntry {
        queue_type: RANKED_SOLO.to_owned(),
        tier: Some(tier.to_owned().into()),
        division: Some(division.parse().expect("a division")),
        league_points: 40,
        wins,
        losses: 0,
        hot_streak: false,
        veteran: false,
        fresh_blood: false,
        inactive: false,
    }
}

impl Scene {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let riot = FakeRiot::new();
        let deps = Deps {
            store: test.db.clone(),
            riot: Arc::new(riot.clone()),
            clock: Clock::manual(noon()),
            max_tracked_players: 10,
            suppression_key: None,
        };
        let fox = riftwatch_testkit::player("fox").build();
        let account = Account { puuid: fox.puuid, riot_id: fox.riot_id };
        riot.add_account(account.clone());
        let mut conn = deps.store.get().await.expect("the database answers");
        let tracked = players::track(&mut conn, &account, Platform::Euw1, 10, noon()).await;
        tracked.expect("the database answers");
        let player = players::find(&mut conn, &account.puuid).await.expect("the database answers");
        drop(conn);
        Self { deps, riot, player: player.expect("it is tracked"), _test: test }
    }

    /// Somebody else looks at the rank and stores it, so many hours after noon.
    async fn somebody_stores(&self, hour: i64, rank: RankEntry) {
        let at = noon() + TimeDelta::hours(hour);
        let puuid = &self.player.puuid;
        let mut conn = self.deps.store.get().await.expect("the database answers");
        ranks::record(&mut conn, puuid, &[rank], at).await.expect("it is stored");
        looks::ranks_looked_at(&mut conn, puuid, at).await.expect("it is noted");
    }

    async fn check(&self) -> Option<i32> {
        let caller = Caller::new(CallClass::Refresh);
        let moved = check_rank(&self.deps, &caller, &self.player).await.expect("it can be checked");
        moved.map(|moved| moved.divisions)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_that_somebody_else_stored_is_judged_once() {
    let scene = Scene::new().await;
    scene.somebody_stores(0, rank("GOLD", "IV", 1)).await;
    // The first is what the next are compared with.
    assert_eq!(scene.check().await, None);
    assert_eq!(scene.check().await, None);
    scene.somebody_stores(1, rank("GOLD", "III", 2)).await;
    scene.somebody_stores(2, rank("GOLD", "I", 3)).await;
    assert_eq!(scene.check().await, Some(3));
    assert_eq!(scene.check().await, None);
    scene.somebody_stores(3, rank("SILVER", "I", 3)).await;
    assert_eq!(scene.check().await, Some(-4));
    // Nobody had to ask Riot for it.
    assert_eq!(scene.riot.calls(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_that_is_asked_for_is_compared_with_the_last_stored_one() {
    let scene = Scene::new().await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let (puuid, before) = (&scene.player.puuid, rank("GOLD", "IV", 1));
    ranks::record(&mut conn, puuid, &[before], noon() - TimeDelta::days(1)).await.unwrap();
    drop(conn);
    scene.riot.set_ranks(Platform::Euw1, puuid, vec![rank("GOLD", "II", 9)]);
    assert_eq!(scene.check().await, Some(2));
    assert_eq!(scene.check().await, None);
    assert_eq!(scene.riot.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_check_at_once_one_tells_of_the_jump() {
    let scene = Scene::new().await;
    scene.somebody_stores(0, rank("GOLD", "IV", 1)).await;
    scene.check().await;
    scene.somebody_stores(1, rank("PLATINUM", "IV", 30)).await;
    let (a, b, c) = tokio::join!(scene.check(), scene.check(), scene.check());
    let told: Vec<i32> = [a, b, c].into_iter().flatten().collect();
    assert_eq!(told, [4]);
}
