//! From stored matches to documents that are never changed.

use std::sync::Arc;

use chrono::TimeDelta;
use riftwatch_app::Deps;
use riftwatch_app::assess::{AssessError, Batch, Priors, assess_due, assess_player};
use riftwatch_app::reachability::check_reachability;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::rank::{Division, RANKED_SOLO, RankEntry, Tier};
use riftwatch_riot::api::Caller;
use riftwatch_riot::testing::FakeRiot;
use riftwatch_store::assessments::{self, NewAssessment};
use riftwatch_store::{matches, ranks};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};
use serde_json::{Value, json};

struct Scene {
    deps: Deps,
    riot: FakeRiot,
    test: TestDb,
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
        };
        Self { deps, riot, test }
    }

    /// Ranked games of fox and four friends against five others; one an hour, the newest at noon.
    async fn play(&self, games: impl IntoIterator<Item = i64>) {
        let mut conn = self.deps.store.get().await.expect("it works in this test");
        for number in games {
            let fox = participant("fox").with(|p| {
                p.kills = 4;
                p.summoner1_id = 6;
                p.summoner2_id = 4;
                let challenges = &mut p.details.challenges;
                challenges.insert("laneMinionsFirst10Minutes".to_owned(), 60.0);
                challenges.insert("jungleCsBefore10Minutes".to_owned(), 4.0);
            });
            let friend = participant("friend");
            let hidden = participant("hidden").puuid(None);
            let bot = participant("bot").puuid(Some(Puuid::BOT));
            let others = (1..7).map(|n| participant(&format!("g{number}n{n}")));
            let game = game()
                .number(u64::try_from(1_000 - number).expect("it works in this test"))
                .started(noon() - TimeDelta::hours(number))
                .with_participants([fox, friend, hidden, bot].into_iter().chain(others))
                .build();
            matches::store(&mut conn, &game, noon()).await.expect("it works in this test");
        }
    }

    async fn documents(&self) -> Vec<String> {
        let mut conn = self.deps.store.get().await.expect("it works in this test");
        let all = assessments::history(&mut conn, &fox(), None, 100)
            .await
            .expect("it works in this test");
        all.into_iter().map(|stored| stored.document).collect()
    }

    async fn observations(&self) -> Vec<(String, bool)> {
        let (client, connection) =
            self.test.url().connect_raw().await.expect("it works in this test");
        let driver = tokio::spawn(connection);
        let rows = client
            .query("SELECT puuid, reachable FROM reachability_observations", &[])
            .await
            .expect("it works in this test");
        drop(client);
        driver.await.expect("it works in this test").expect("it works in this test");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    async fn due(&self) -> Batch {
        assess_due(&self.deps, &Priors::default(), 1_000).await.expect("it works in this test")
    }
}

fn fox() -> Puuid {
    Puuid::new("puuid-of-fox")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_due_is_assessed_once_per_change_of_evidence() {
    let scene = Scene::new().await;
    scene.play(0..10).await;
    let batch = scene.due().await;
    // Fox, the friend and six others a game; only the first two have eight games.
    assert_eq!((batch.due, batch.assessed, batch.stored), (62, 2, 2));
    assert_eq!(scene.due().await, Batch::default());

    // A new game is news, and so is one that was played earlier and came in late.
    for (number, documents) in [(-1, 2), (20, 3)] {
        scene.play([number]).await;
        let batch = scene.due().await;
        assert_eq!((batch.due, batch.assessed, batch.stored), (8, 2, 2));
        assert_eq!(scene.documents().await.len(), documents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_side_by_side_share_the_players() {
    let scene = Scene::new().await;
    scene.play(0..10).await;
    let take = async || assess_due(&scene.deps, &Priors::default(), 31).await.unwrap();
    let (a, b) = tokio::join!(take(), take());
    let rest = take().await;
    assert_eq!(a.due + b.due + rest.due, 62);
    assert_eq!(a.stored + b.stored + rest.stored, 2);
    assert_eq!(scene.due().await, Batch::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_has_what_is_known_and_stays_as_it_was_made() {
    let scene = Scene::new().await;
    scene.play(0..12).await;
    let priors = Priors::default();
    let made = assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    let document: Value = serde_json::from_str(&made.document).unwrap();
    assert_eq!(document["puuid"], json!("puuid-of-fox"));
    assert_eq!(document["assessed_at"], json!("2026-01-01T12:00:00Z"));
    assert_eq!(document["games"], json!(12));
    assert_eq!(document["sample"], json!({ "account_level": 100, "ranks": 0, "games": 12 }));
    let posterior = document["story_posterior"].as_object().unwrap();
    let total: f64 = posterior.values().map(|share| share.as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-6, "{posterior:?}");

    // Nothing new: the same document, whenever it is asked for.
    scene.deps.clock.advance(TimeDelta::days(1));
    let again = assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    assert_eq!(again, made);
    // A rank is news, and what was said before stays.
    let gold = RankEntry {
        queue_type: RANKED_SOLO.to_owned(),
        tier: Some(Tier::Gold),
        division: Some(Division::II),
        league_points: 40,
        wins: 10,
        losses: 9,
        hot_streak: false,
        veteran: false,
        fresh_blood: false,
        inactive: false,
    };
    let mut conn = scene.deps.store.get().await.unwrap();
    ranks::record(&mut conn, &fox(), &[gold], scene.deps.clock.now()).await.unwrap();
    let news = assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    assert!(news.id > made.id && news.document.contains(r#""ranks":1"#), "{}", news.document);
    assert_eq!(scene.documents().await, [news.document, made.document]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_games_are_said_once_and_nobody_unknown_is_assessed() {
    let scene = Scene::new().await;
    scene.play(0..7).await;
    let priors = Priors::default();
    let few = assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    assert_eq!(few.verdict, "not_enough_games");
    assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    assert_eq!(scene.documents().await, [few.document]);
    for nobody in [Puuid::BOT, "", "nobody"] {
        let refused = assess_player(&scene.deps, &priors, &Puuid::new(nobody)).await;
        assert!(matches!(refused, Err(AssessError::UnknownPuuid)), "{nobody:?}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remakes_and_other_queues_are_no_evidence() {
    let scene = Scene::new().await;
    scene.play(0..9).await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let ten = || (0..10).map(|n| participant(if n == 0 { "fox" } else { "friend" }));
    let remake = ten().map(|p| p.with(|p| p.game_ended_in_early_surrender = true));
    for game in [
        game().number(5_000).with_participants(remake).build(),
        game().number(5_001).queue(riftwatch_domain::matches::QueueId(450)).build(),
    ] {
        matches::store(&mut conn, &game, noon()).await.unwrap();
    }
    let made = assess_player(&scene.deps, &Priors::default(), &fox()).await.unwrap();
    assert!(made.document.contains(r#""games":9"#), "{}", made.document);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_found_unusual_are_looked_for_once_a_day() {
    let scene = Scene::new().await;
    scene.play(0..2).await;
    let mut conn = scene.deps.store.get().await.unwrap();
    for (name, verdict) in
        [("fox", "unusual_pattern"), ("friend", "unusual_pattern"), ("g0n1", "inconclusive")]
    {
        let said = NewAssessment {
            puuid: format!("puuid-of-{name}"),
            model_version: "m".to_owned(),
            games: 20,
            probability: Some(0.9),
            interval_low: Some(0.8),
            interval_high: Some(0.95),
            verdict: verdict.to_owned(),
            smurf_probability: Some(0.8),
            legacy_score: None,
            evidence_until: None,
            document: "{}".to_owned(),
            created_at: noon(),
        };
        assessments::insert(&mut conn, &said).await.unwrap();
    }
    let known = riftwatch_testkit::player("fox").build();
    scene.riot.add_account(riftwatch_domain::player::Account {
        puuid: known.puuid,
        riot_id: known.riot_id,
    });
    let caller = Caller::default();
    let look = async |limit| check_reachability(&scene.deps, &caller, limit, &|| ()).await.unwrap();
    look(1).await;
    look(5).await;
    look(5).await;
    assert_eq!(scene.riot.calls().len(), 2, "{:?}", scene.riot.calls());
    scene.deps.clock.advance(TimeDelta::days(1));
    look(5).await;
    assert_eq!(scene.riot.calls().len(), 4);
    let mut seen = scene.observations().await;
    seen.sort();
    let day = |name: &str, known| (format!("puuid-of-{name}"), known);
    assert_eq!(
        seen,
        [day("fox", true), day("fox", true), day("friend", false), day("friend", false)]
    );
}
