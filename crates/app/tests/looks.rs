//! Looks: due by rhythm, worth most first; nothing asked where nothing can have changed; players of
//! another key found again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_app::Deps;
use riftwatch_app::backfill::{self, Filled, Sample};
use riftwatch_app::looks::{Candidate, Scope, candidates, look_at};
use riftwatch_app::rhythm::LookRules;
use riftwatch_app::sync::{SyncError, SyncEvent, Synced};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::{Account, Player, Puuid, RiotId, Summoner};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::endpoints;
use riftwatch_riot::error::RiotError;
use riftwatch_riot::testing::FakeRiot;
use riftwatch_store::players::Tracked;
use riftwatch_store::{looks, matches, players};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};
use tokio_util::sync::CancellationToken;

const RULES: LookRules =
    LookRules { least: TimeDelta::minutes(2), longest: TimeDelta::days(1), worth_min: 1.0 };

struct Scene {
    deps: Deps,
    riot: FakeRiot,
    test: TestDb,
}

fn puuid(name: &str) -> Puuid {
    participant(name).build().puuid.expect("a builder's participant has one")
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
        Self { deps, riot, test }
    }

    async fn track(&self, name: &str) -> Player {
        let riot_id = RiotId { game_name: name.to_owned(), tag_line: "EUW".to_owned() };
        let account = Account { puuid: puuid(name), riot_id: Some(riot_id) };
        self.riot.add_account(account.clone());
        let mut conn = self.deps.store.get().await.expect("the database answers");
        let now = self.deps.clock.now();
        match players::track(&mut conn, &account, Platform::Euw1, 10, now).await {
            Ok(Tracked::Now(player)) => player,
            other => panic!("{other:?}"),
        }
    }

    /// Lets people play for half an hour from a time on.
    fn play(&self, number: u64, start: DateTime<Utc>, queue: QueueId, names: &[&str]) -> MatchId {
        let people = names.iter().map(|name| participant(name).with(|p| p.time_played = 1_800));
        let game = game().number(number).started(start).queue(queue).with_participants(people);
        let game = game.build();
        let id = game.match_id.clone();
        self.riot.add_match(game);
        id
    }

    async fn due(&self) -> Vec<Candidate> {
        candidates(&self.deps, &[], &RULES, Scope::Due).await.expect("the database answers")
    }

    async fn due_names(&self) -> Vec<String> {
        let due = self.due().await;
        due.iter().map(|c| c.player.puuid.as_str().replace("puuid-of-", "")).collect()
    }

    async fn look(&self, player: &Player) -> Result<Synced, SyncError> {
        let caller = Caller::new(CallClass::Refresh);
        let cancel = CancellationToken::new();
        look_at(&self.deps, &caller, player, 20, &RULES, &cancel, &|_| ()).await
    }

    fn calls(&self, method: &str) -> usize {
        self.riot.calls().iter().filter(|call| call.starts_with(method)).count()
    }

    async fn player(&self, puuid: &Puuid) -> Option<Player> {
        let mut conn = self.deps.store.get().await.expect("the database answers");
        players::find(&mut conn, puuid).await.expect("the database answers")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_player_is_due_at_once_and_then_by_the_rhythm_of_play() {
    let scene = Scene::new().await;
    let player = scene.track("fox").await;
    scene.play(1, noon() - TimeDelta::minutes(35), QueueId::RANKED_SOLO, &["fox", "owl"]);
    assert!(scene.due().await[0].worth_min.is_infinite());
    assert_eq!(scene.look(&player).await.unwrap(), Synced::Current);
    assert_eq!(scene.due().await, []);

    // The next game of the session should be over within the hour, and not before twenty minutes.
    scene.deps.clock.advance(TimeDelta::minutes(15));
    assert_eq!(scene.due().await, []);
    scene.deps.clock.advance(TimeDelta::minutes(45));
    assert_eq!(scene.due_names().await, ["fox"]);
    // Nobody comes any more.
    for _ in 0..60 {
        for candidate in scene.due().await {
            scene.look(&candidate.player).await.unwrap();
        }
        scene.deps.clock.advance(TimeDelta::days(1));
    }
    let before = scene.calls(endpoints::MATCH_IDS_BY_PUUID);
    for _ in 0..24 * 7 {
        for candidate in scene.due().await {
            scene.look(&candidate.player).await.unwrap();
        }
        scene.deps.clock.advance(TimeDelta::hours(1));
    }
    let a_week = scene.calls(endpoints::MATCH_IDS_BY_PUUID) - before;
    assert!((6..=10).contains(&a_week), "{a_week} requests in a week for somebody idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn meeting_a_player_in_anothers_match_tells_when_to_look_and_costs_no_request() {
    let scene = Scene::new().await;
    let (fox, owl) = (scene.track("fox").await, scene.track("owl").await);
    scene.look(&fox).await.unwrap();
    scene.look(&owl).await.unwrap();
    scene.deps.clock.advance(TimeDelta::hours(3));
    let shared = scene.play(
        1,
        scene.deps.clock.now() - TimeDelta::minutes(32),
        QueueId(400),
        &["fox", "owl"],
    );
    scene.look(&fox).await.unwrap();

    // Without the match, owl would be looked at in a day or so.
    scene.deps.clock.advance(TimeDelta::minutes(50));
    assert!(scene.due_names().await.contains(&"owl".to_owned()));
    scene.look(&owl).await.unwrap();
    let fetched = scene.riot.calls().iter().filter(|call| call.contains(shared.as_str())).count();
    assert_eq!(fetched, 1, "a match of two tracked players is fetched once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_worth_most_comes_first_and_everyone_comes_when_somebody_asks() {
    let scene = Scene::new().await;
    let (fox, owl) = (scene.track("fox").await, scene.track("owl").await);
    for number in 1..=20 {
        let start = noon() - TimeDelta::minutes(40 * i64::try_from(number).unwrap());
        scene.play(number, start, QueueId::RANKED_SOLO, &["owl"]);
    }
    scene.look(&fox).await.unwrap();
    scene.look(&owl).await.unwrap();
    assert_eq!(scene.due().await, []);
    let everyone = async || candidates(&scene.deps, &[], &RULES, Scope::Everyone).await.unwrap();
    assert_eq!(everyone().await.len(), 2);
    scene.deps.clock.advance(TimeDelta::days(2));
    assert_eq!(scene.due_names().await, ["owl", "fox"]);
    scene.track("elk").await;
    assert_eq!(scene.due_names().await, ["elk", "owl", "fox"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_are_asked_for_after_ranked_games_only() {
    let scene = Scene::new().await;
    let player = scene.track("fox").await;
    let ranks = || scene.calls(endpoints::LEAGUE_ENTRIES_BY_PUUID);
    scene.look(&player).await.unwrap();
    assert_eq!(ranks(), 1, "the first time");
    scene.look(&player).await.unwrap();
    scene.play(1, noon() + TimeDelta::hours(1), QueueId(450), &["fox"]);
    scene.deps.clock.advance(TimeDelta::hours(2));
    scene.look(&player).await.unwrap();
    assert_eq!(ranks(), 1);
    scene.play(2, noon() + TimeDelta::hours(3), QueueId::RANKED_FLEX, &["fox"]);
    scene.deps.clock.advance(TimeDelta::hours(2));
    scene.look(&player).await.unwrap();
    scene.look(&player).await.unwrap();
    assert_eq!(ranks(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_of_another_key_is_found_again_by_name_with_all_that_is_stored() {
    let scene = Scene::new().await;
    let player = scene.track("fox").await;
    scene.play(1, noon() - TimeDelta::hours(2), QueueId::RANKED_SOLO, &["fox"]);
    scene.look(&player).await.unwrap();

    // Another key: the same person has another puuid, also in the matches.
    let new = puuid("fox as another key sees");
    let account = Account { puuid: new.clone(), riot_id: player.riot_id.clone() };
    scene.riot.add_account(Account { puuid: player.puuid.clone(), riot_id: None });
    scene.riot.add_account(account);
    let summoner =
        Summoner { puuid: new.clone(), profile_icon_id: 7, level: 1_000, revised_at: noon() };
    scene.riot.add_summoner(Platform::Euw1, summoner);
    let foreign = || RiotError::ForeignPuuid { endpoint: endpoints::MATCH_IDS_BY_PUUID };
    scene.riot.fail_next(endpoints::MATCH_IDS_BY_PUUID, foreign());
    let again = scene.play(
        2,
        noon() - TimeDelta::hours(1),
        QueueId::RANKED_SOLO,
        &["fox as another key sees"],
    );
    assert_eq!(scene.look(&player).await.unwrap(), Synced::Current);

    assert_eq!(scene.player(&player.puuid).await, None);
    let found = scene.player(&new).await.unwrap();
    assert!(found.is_tracked);
    assert_eq!(found.riot_id, player.riot_id);
    let mut conn = scene.deps.store.get().await.unwrap();
    let played = matches::of_player(&mut conn, &new, None, None, 10).await.unwrap();
    assert_eq!(played.len(), 2);
    assert_eq!(played[0].game.match_id, again);
    let watched = looks::watched(&mut conn, &[]).await.unwrap();
    assert!(!watched[0].is_new() && !watched[0].needs_plan());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_else_has_now_leads_nowhere() {
    let scene = Scene::new().await;
    let player = scene.track("fox").await;
    scene.play(1, noon() - TimeDelta::hours(2), QueueId::RANKED_SOLO, &["fox"]);
    scene.look(&player).await.unwrap();
    let player = scene.player(&player.puuid).await.unwrap();
    let stranger = puuid("stranger");
    scene.riot.add_account(Account { puuid: player.puuid.clone(), riot_id: None });
    scene.riot.add_account(Account { puuid: stranger.clone(), riot_id: player.riot_id.clone() });
    // A level never falls.
    let level = i64::from(participant("fox").build().summoner_level) - 1;
    let summoner =
        Summoner { puuid: stranger.clone(), profile_icon_id: 7, level, revised_at: noon() };
    scene.riot.add_summoner(Platform::Euw1, summoner);
    let foreign = RiotError::ForeignPuuid { endpoint: endpoints::MATCH_IDS_BY_PUUID };
    scene.riot.fail_next(endpoints::MATCH_IDS_BY_PUUID, foreign);

    let error = scene.look(&player).await.unwrap_err();
    assert!(error.is_foreign());
    assert!(scene.player(&player.puuid).await.unwrap().is_tracked);
    assert_eq!(scene.player(&stranger).await, None);
    // It is not asked for at every tick.
    assert_eq!(scene.due().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovered_player_is_filled_once_with_what_is_missing_of_the_sample() {
    let scene = Scene::new().await;
    let fox = scene.track("fox").await;
    let at = |n: u64| noon() - TimeDelta::hours(100 - i64::try_from(n).unwrap());
    for number in 1..=40 {
        let names: &[&str] = if number > 38 { &["fox", "owl"] } else { &["owl"] };
        scene.play(number, at(number), QueueId::RANKED_SOLO, names);
    }
    scene.play(50, at(50), QueueId(450), &["owl"]);
    scene.look(&fox).await.unwrap();
    let found = backfill::fillable(&scene.deps, 100, 30, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].puuid.clone(), found[0].games), (puuid("owl"), 2));

    let before = scene.riot.calls().len();
    let caller = Caller::new(CallClass::Backfill);
    let cancel = CancellationToken::new();
    let stored = std::sync::Mutex::new(0);
    let count = |event| {
        if let SyncEvent::MatchStored(one) = event {
            *stored.lock().unwrap() += usize::from(one.new);
        }
    };
    let sample = Sample { games: 30, since: DateTime::UNIX_EPOCH };
    let filled = backfill::fill(&scene.deps, &caller, &found[0], sample, &cancel, &count).await;
    assert_eq!(filled.unwrap(), Filled::Full);
    assert_eq!(*stored.lock().unwrap(), 28);
    // The list, what was missing, the ranks.
    assert_eq!(scene.riot.calls().len() - before, 1 + 28 + 1);
    assert_eq!(backfill::fillable(&scene.deps, 100, 40, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_an_older_reader_could_not_read_is_asked_for_again_though_nobody_lists_it() {
    let scene = Scene::new().await;
    let id = scene.play(1, noon() - TimeDelta::days(300), QueueId::RANKED_SOLO, &["fox"]);
    let mut conn = scene.deps.store.get().await.unwrap();
    let why = matches::RejectReason::Malformed;
    matches::reject(&mut conn, &id, why, "a field was missing", noon()).await.unwrap();
    let retry = async || {
        let caller = Caller::new(CallClass::Backfill);
        let cancel = CancellationToken::new();
        backfill::retry_malformed(&scene.deps, &caller, 10, &cancel, &|_| ()).await.unwrap();
        let mut conn = scene.deps.store.get().await.unwrap();
        matches::find(&mut conn, &id).await.unwrap().is_some()
    };
    assert!(!retry().await, "this reader has given up on it");
    assert_eq!(scene.calls(endpoints::MATCH_BY_ID), 0);

    let (client, connection) = scene.test.url().connect_raw().await.unwrap();
    let driver = tokio::spawn(connection);
    client
        .batch_execute("UPDATE match_rejects SET parser_version = parser_version - 1")
        .await
        .unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    assert!(retry().await);
    assert!(retry().await);
    assert_eq!(scene.calls(endpoints::MATCH_BY_ID), 1);
}
