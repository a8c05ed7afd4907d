//! From stored matches to documents that are never changed.

use std::sync::Arc;

use chrono::TimeDelta;
use riftwatch_app::Deps;
use riftwatch_app::assess::{AssessError, Batch, Priors, RunMemory, assess_due, assess_player};
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

mod support;

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
            suppression_key: None,
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
        assess_due(&self.deps, &Priors::default(), &mut RunMemory::default(), 1_000)
            .await
            .expect("it works in this test")
    }
}

fn gold(points: i32) -> RankEntry {
    RankEntry {
        queue_type: RANKED_SOLO.to_owned(),
        tier: Some(Tier::Gold),
        division: Some(Division::II),
        league_points: points,
        wins: 10,
        losses: 9,
        hot_streak: false,
        veteran: false,
        fresh_blood: false,
        inactive: false,
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
    assert_eq!((batch.due, batch.assessed), (62, 2));
    assert_eq!(scene.due().await, Batch::default());

    // A new game is news, and so is one that was played earlier and came in late.
    for (number, documents) in [(-1, 2), (20, 3)] {
        scene.play([number]).await;
        let batch = scene.due().await;
        assert_eq!((batch.due, batch.assessed), (8, 2));
        assert_eq!(scene.documents().await.len(), documents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_games_one_is_no_news_and_five_are() {
    let scene = Scene::new().await;
    scene.play(0..100).await;
    assert_eq!(scene.due().await.assessed, 2);
    for number in 1..=4 {
        scene.play([-number]).await;
        let batch = scene.due().await;
        assert_eq!((batch.due, batch.assessed), (8, 0), "{number} games more");
    }
    scene.play([-5]).await;
    assert_eq!(scene.due().await.assessed, 2);
    // What is not worth it at once is, a week later, with the next thing that happens.
    scene.play([-6]).await;
    assert_eq!(scene.due().await.assessed, 0);
    scene.deps.clock.advance(TimeDelta::days(7));
    scene.play([-7]).await;
    assert_eq!(scene.due().await.assessed, 2);
    assert_eq!(scene.documents().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_makes_a_player_due_and_its_first_those_who_played_with_them() {
    let scene = Scene::new().await;
    scene.play(0..20).await;
    assert_eq!(scene.due().await.assessed, 2);
    let mut conn = scene.deps.store.get().await.unwrap();
    let friend = Puuid::new("puuid-of-friend");
    ranks::record(&mut conn, &friend, &[gold(40)], noon()).await.unwrap();
    // Fox was assessed and played with the friend; the others were never assessed.
    let batch = scene.due().await;
    assert_eq!((batch.due, batch.assessed), (2, 1));
    scene.deps.clock.advance(TimeDelta::hours(1));
    ranks::record(&mut conn, &friend, &[gold(59)], scene.deps.clock.now()).await.unwrap();
    // Less than a division: looked at, and nothing said.
    let batch = scene.due().await;
    assert_eq!((batch.due, batch.assessed), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_side_by_side_share_the_players_and_none_is_assessed_twice() {
    let scene = Scene::new().await;
    scene.play(0..10).await;
    let slot = async || {
        let mut memory = RunMemory::default();
        let mut total = Batch::default();
        loop {
            let batch = assess_due(&scene.deps, &Priors::default(), &mut memory, 7).await.unwrap();
            if batch.due == 0 {
                return total;
            }
            total.due += batch.due;
            total.assessed += batch.assessed;
        }
    };
    let (a, b) = tokio::join!(slot(), slot());
    assert_eq!((a.due + b.due, a.assessed + b.assessed), (62, 2));
    assert_eq!(scene.documents().await.len(), 1);
    assert_eq!(scene.due().await, Batch::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_somebody_has_claimed_is_left_alone_until_the_claim_runs_out() {
    let scene = Scene::new().await;
    scene.play(0..10).await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let claim = assessments::claim(&mut conn, 1_000, 3_600).await.unwrap().unwrap();
    assert_eq!(claim.puuids.len(), 62);
    // News about somebody who is claimed waits for the claim to end.
    scene.play([-1]).await;
    assert_eq!(scene.due().await.due, 6);
    assert!(assessments::finish(&mut conn, &claim).await.unwrap());
    assert_eq!(scene.due().await.due, 2);

    // A run that died: its claim ends by itself, and what it still says is dropped.
    scene.play([-2]).await;
    let dead = assessments::claim(&mut conn, 1_000, -1).await.unwrap().unwrap();
    let batch = scene.due().await;
    assert_eq!((dead.puuids.len(), batch.due, batch.assessed), (8, 8, 2));
    assert!(!assessments::finish(&mut conn, &dead).await.unwrap());

    // One that gives up has them due at once.
    scene.play([-3]).await;
    let claim = assessments::claim(&mut conn, 1_000, 3_600).await.unwrap().unwrap();
    assessments::give_back(&mut conn, &claim).await.unwrap();
    assert_eq!(scene.due().await.due, 8);
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
    assert_eq!(
        document["inputs"],
        json!({
            "first_rank": null, "last_rank": null,
            "first_game": "2026-01-01T01:00:00Z", "last_game": "2026-01-01T12:00:00Z",
            "wins": 12, "kills": 48.0, "deaths": 36.0, "assists": 84.0,
            "games_by_role": { "TOP": 12 }, "champions": 1,
            "known": { "rank": 0, "lobby": 0, "champion_history": 2, "cs_at_10": 12,
                       "solo_kills": 0, "flash_slot": 12, "companion": 12 },
        })
    );
    assert_eq!(document["prior"]["anomalies"], json!(0.03));
    assert_eq!(document["factors"].as_array().unwrap().len(), 17);
    for key in [
        "p_any",
        "p_smurf",
        "interval_80",
        "verdict",
        "innocent_story",
        "legacy_version",
        "model_version",
        "reasons_for",
        "reasons_against",
        "summary",
        "notice",
    ] {
        assert!(!document[key].is_null(), "{key}");
    }
    let posterior = document["story_posterior"].as_object().unwrap();
    let total: f64 = posterior.values().map(|share| share.as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-6, "{posterior:?}");

    // Nothing new: the same document, whenever it is asked for.
    scene.deps.clock.advance(TimeDelta::days(1));
    let again = assess_player(&scene.deps, &priors, &fox()).await.unwrap();
    assert_eq!(again, made);
    // A rank is news, and what was said before stays.
    let mut conn = scene.deps.store.get().await.unwrap();
    ranks::record(&mut conn, &fox(), &[gold(40)], scene.deps.clock.now()).await.unwrap();
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
            verdict: verdict.to_owned(),
            ..support::said(noon())
        };
        assessments::insert_all(&mut conn, &[said]).await.unwrap();
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
