//! Bringing a player current: nothing twice, nothing left out, however it is interrupted.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_app::Deps;
use riftwatch_app::sync::{SyncError, SyncEvent, Synced, sync_player};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::{Account, Player};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::endpoints;
use riftwatch_riot::error::{LimitScope, RiotError, Verdict};
use riftwatch_riot::testing::FakeRiot;
use riftwatch_store::players::Tracked;
use riftwatch_store::sync_cursors::{self, ALL_QUEUES};
use riftwatch_store::{matches, players};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};
use tokio_util::sync::CancellationToken;

struct Scene {
    // Dropped last: the database goes with it.
    deps: Deps,
    riot: FakeRiot,
    player: Player,
    events: Arc<Mutex<Vec<SyncEvent>>>,
    _test: TestDb,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let riot = FakeRiot::new();
        let deps = Deps {
            store: test.db.clone(),
            riot: Arc::new(riot.clone()),
            clock: Clock::manual(noon() + TimeDelta::days(30)),
            max_tracked_players: 10,
            suppression_key: None,
        };
        let fox = riftwatch_testkit::player("fox").build();
        let account = Account { puuid: fox.puuid, riot_id: fox.riot_id };
        riot.add_account(account.clone());
        let mut conn = deps.store.get().await.expect("the database answers");
        let tracked = players::track(&mut conn, &account, Platform::Euw1, 10, noon())
            .await
            .expect("the database answers");
        let Tracked::Now(player) = tracked else { panic!("the database was empty") };
        Self { deps, riot, player, events: Arc::default(), _test: test }
    }

    /// Lets the player have played match `number`, one an hour.
    fn play(&self, number: u64) -> MatchId {
        let game = self.game(number);
        let id = game.match_id.clone();
        self.riot.add_match(game);
        id
    }

    fn game(&self, number: u64) -> Match {
        let start = noon() + TimeDelta::hours(i64::try_from(number).expect("a small number"));
        let fox = participant("fox").puuid(Some(self.player.puuid.as_str()));
        let others = (1..10).map(|n| participant(&format!("other{n}")));
        game()
            .number(number)
            .started(start)
            .with_participants([fox].into_iter().chain(others))
            .build()
    }

    async fn sync(&self, max: u32) -> Result<Synced, SyncError> {
        self.sync_until(max, &CancellationToken::new()).await
    }

    async fn sync_until(&self, max: u32, cancel: &CancellationToken) -> Result<Synced, SyncError> {
        let caller = Caller::new(CallClass::Refresh);
        let events = Arc::clone(&self.events);
        let on_event = move |event| events.lock().expect("no poison").push(event);
        sync_player(&self.deps, &caller, &self.player, max, cancel, &on_event).await
    }

    async fn stored(&self) -> Vec<String> {
        let mut conn = self.deps.store.get().await.expect("the database answers");
        let all = matches::of_player(&mut conn, &self.player.puuid, None, None, 500)
            .await
            .expect("the database answers");
        let mut ids: Vec<String> = all.iter().map(|p| p.game.match_id.to_string()).collect();
        ids.reverse();
        ids
    }

    async fn cursor(&self) -> Option<DateTime<Utc>> {
        let mut conn = self.deps.store.get().await.expect("the database answers");
        let synced = sync_cursors::find(&mut conn, &self.player.puuid, ALL_QUEUES)
            .await
            .expect("the database answers");
        synced.map(|synced| synced.until)
    }

    fn fetched(&self, id: &MatchId) -> usize {
        self.riot.calls().iter().filter(|call| call.contains(id.as_str())).count()
    }

    fn count(&self, wanted: impl Fn(&SyncEvent) -> bool) -> usize {
        self.events.lock().expect("no poison").iter().filter(|event| wanted(event)).count()
    }
}

fn names(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("EUW1_{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sync_takes_the_newest_and_later_ones_what_is_new() {
    let scene = Scene::new().await;
    for number in 1..=30 {
        scene.play(number);
    }
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(11..=30));
    assert_eq!(scene.cursor().await, Some(noon() + TimeDelta::hours(30)));

    scene.play(31);
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(11..=31));
    assert_eq!(scene.count(|e| matches!(e, SyncEvent::MatchStored(s) if s.new)), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_played_before_tracking_began_stays_out() {
    let scene = Scene::new().await;
    for number in 1..=30 {
        scene.play(number);
    }
    // The cursor is two hours after the beginning, and the next list begins six hours before it.
    assert_eq!(scene.sync(3).await.unwrap(), Synced::Current);
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(28..=30));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_limit_is_caught_up_oldest_first() {
    let scene = Scene::new().await;
    scene.play(1);
    scene.sync(20).await.unwrap();
    for number in 2..=120 {
        scene.play(number);
    }
    assert_eq!(scene.sync(50).await.unwrap(), Synced::MoreToDo);
    assert_eq!(scene.stored().await, names(1..=51));
    assert_eq!(scene.cursor().await, Some(noon() + TimeDelta::hours(51)));
    assert_eq!(scene.sync(50).await.unwrap(), Synced::MoreToDo);
    assert_eq!(scene.sync(50).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(1..=120));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_first_sync_leaves_no_gap_whatever_was_played_since() {
    let scene = Scene::new().await;
    let private = scene.play(1);
    scene.riot.make_private(&private);
    for number in 2..=20 {
        scene.play(number);
    }
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let caller = Caller::new(CallClass::Refresh);
    let stop_at_the_first = move |event| {
        if matches!(event, SyncEvent::MatchStored(_)) {
            stop.cancel();
        }
    };
    let ended =
        sync_player(&scene.deps, &caller, &scene.player, 20, &cancel, &stop_at_the_first).await;
    assert_eq!(ended.unwrap(), Synced::MoreToDo);
    assert_eq!(scene.stored().await, names([2]));

    // More than one run's worth is played before the next run.
    for number in 21..=60 {
        scene.play(number);
    }
    while scene.sync(20).await.unwrap() == Synced::MoreToDo {}
    assert_eq!(scene.stored().await, names(2..=60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_limit_ends_the_sync_and_the_next_goes_on() {
    let scene = Scene::new().await;
    scene.play(1);
    scene.sync(20).await.unwrap();
    let second = scene.play(2);
    for number in 3..=20 {
        scene.play(number);
    }
    let retry_after = std::time::Duration::from_secs(60);
    let limited = RiotError::RateLimited { scope: LimitScope::Local, retry_after };
    scene.riot.fail_next(format!("{} {second}", endpoints::MATCH_BY_ID), limited);
    let error = scene.sync(20).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::ComeBack(retry_after));
    assert_eq!(scene.cursor().await, Some(noon() + TimeDelta::hours(1)));

    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(1..=20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_fails_for_now_holds_the_cursor_and_not_the_others() {
    let scene = Scene::new().await;
    scene.play(1);
    scene.sync(20).await.unwrap();
    let second = scene.play(2);
    scene.play(3);
    scene.riot.fail_next(
        format!("{} {second}", endpoints::MATCH_BY_ID),
        RiotError::Upstream { endpoint: endpoints::MATCH_BY_ID, status: 503 },
    );

    assert_eq!(scene.sync(20).await.unwrap(), Synced::MoreToDo);
    assert_eq!(scene.stored().await.len(), 2);
    assert_eq!(scene.cursor().await, Some(noon() + TimeDelta::hours(1)));
    assert_eq!(scene.count(|e| *e == SyncEvent::MatchSkipped { for_good: false }), 1);

    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(1..=3));
    assert!(scene.fetched(&second) <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_match_is_asked_for_once() {
    let scene = Scene::new().await;
    let private = scene.play(1);
    scene.play(2);
    scene.riot.make_private(&private);
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names([2]));
    assert_eq!(scene.fetched(&private), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_sync_stops_between_matches_and_the_next_goes_on() {
    let scene = Scene::new().await;
    for number in 1..=20 {
        scene.play(number);
    }
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert_eq!(scene.sync_until(20, &cancel).await.unwrap(), Synced::MoreToDo);
    assert!(scene.stored().await.len() < 20);
    assert_eq!(scene.sync(20).await.unwrap(), Synced::Current);
    assert_eq!(scene.stored().await, names(1..=20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_ends_the_sync_with_what_it_was_about() {
    let scene = Scene::new().await;
    scene.riot.fail_next(endpoints::MATCH_IDS_BY_PUUID, RiotError::Unauthorized);
    let error = scene.sync(20).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Stop);
    assert_eq!(
        riftwatch_domain::causes::chain(&error),
        "asking riot for the matches of player puuid-of-fox: riot refuses the api key (401): set RIOT_API_KEY to a valid key"
    );
}
