//! What is owed to the people whom assessments are about: reviews, appeals, a check of what was
//! predicted, and forgetting.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use riftwatch_app::Deps;
use riftwatch_app::assess::{Priors, RunMemory, assess_due, assess_player};
use riftwatch_app::circuit_breaker;
use riftwatch_app::erasure::{EraseError, erase};
use riftwatch_app::matchmaking::{self, Cancelled, MatchmakingError, Wanted, Worked};
use riftwatch_app::reliability::report;
use riftwatch_app::reviews::{
    self, NewReview, ReviewError, ReviewVerdict, TellError, ToldStory, csv, review, tell,
};
use riftwatch_app::sync::{Synced, sync_player};
use riftwatch_app::tracking::{TrackError, track_known};
use riftwatch_detection::Story;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::Puuid;
use riftwatch_riot::api::Caller;
use riftwatch_riot::testing::FakeRiot;
use riftwatch_store::assessments::{self, Band, ListFilter, NewAssessment, Sort};
use riftwatch_store::suppressions::SuppressionKey;
use riftwatch_store::{matches, outcomes, players};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game, participant};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

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
            suppression_key: Some(SuppressionKey::from_secret(b"test")),
        };
        Self { deps, riot, test }
    }

    async fn sql(&self, statements: &str) {
        let (client, connection) = self.test.url().connect_raw().await.expect("a connection");
        let driver = tokio::spawn(connection);
        client.batch_execute(statements).await.expect("the statements are right");
        drop(client);
        driver.await.expect("no panic").expect("it closes");
    }

    async fn number(&self, query: &str) -> i64 {
        let (client, connection) = self.test.url().connect_raw().await.expect("a connection");
        let driver = tokio::spawn(connection);
        let number = client.query_one(query, &[]).await.expect("the query is right").get(0);
        drop(client);
        driver.await.expect("no panic").expect("it closes");
        number
    }

    /// Ranked games of fox, a friend and eight others who are always the same.
    async fn play(&self, hours: impl IntoIterator<Item = i64>) {
        let mut conn = self.deps.store.get().await.expect("a connection");
        for hour in hours {
            matches::store(&mut conn, &played(hour), noon()).await.expect("it is stored");
        }
    }

    async fn players(&self, names: &[&str]) {
        let mut conn = self.deps.store.get().await.expect("a connection");
        let all = names.iter().map(|name| participant(name));
        let game = game().number(1).queue(riftwatch_domain::matches::QueueId(450));
        matches::store(&mut conn, &game.with_participants(all).build(), noon())
            .await
            .expect("it is stored");
    }

    async fn store(&self, said: &[NewAssessment]) -> Vec<i64> {
        let mut conn = self.deps.store.get().await.expect("a connection");
        assessments::insert_all(&mut conn, said).await.expect("they are stored")
    }

    async fn review(&self, id: i64, verdict: ReviewVerdict) {
        let new = NewReview { verdict, note: None, reviewer: "ann".to_owned() };
        review(&self.deps, id, new).await.expect("it is stored");
    }
}

fn played(hour: i64) -> riftwatch_domain::matches::Match {
    let names = ["fox", "friend", "a", "b", "c", "d", "e", "f", "g", "h"];
    let won = hour % 2 == 0;
    game()
        .number(u64::try_from(5_000 + hour).expect("a number"))
        .started(noon() + TimeDelta::hours(hour))
        .with_participants(
            names.iter().enumerate().map(|(seat, name)| participant(name).won((seat < 5) == won)),
        )
        .build()
}

fn puuid(name: &str) -> Puuid {
    Puuid::new(format!("puuid-of-{name}"))
}

fn said(name: &str, p: f64, at: DateTime<Utc>) -> NewAssessment {
    NewAssessment {
        puuid: format!("puuid-of-{name}"),
        probability: Some(p),
        smurf_probability: Some(p),
        interval_low: Some(p / 2.0),
        interval_high: Some(p),
        verdict: if p >= 0.8 { "unusual_pattern" } else { "inconclusive" }.to_owned(),
        ..support::said(at)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_review_list_has_each_players_newest_sorted_filtered_and_in_pages() {
    let scene = Scene::new().await;
    scene.players(&["fox", "cat", "dog", "owl", "elk"]).await;
    let none = NewAssessment {
        probability: None,
        smurf_probability: None,
        interval_low: None,
        interval_high: None,
        verdict: "not_enough_games".to_owned(),
        ..said("elk", 0.0, noon())
    };
    let silver = NewAssessment { tier: Some("SILVER".to_owned()), ..said("dog", 0.3, noon()) };
    let later = noon() + TimeDelta::days(1);
    let ids = scene
        .store(&[
            said("fox", 0.1, noon()),
            said("cat", 0.9, noon()),
            silver,
            none,
            said("owl", 0.9, later),
            said("fox", 0.6, later),
        ])
        .await;
    scene.review(ids[4], ReviewVerdict::Unsure).await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let mut listed = async |filter: ListFilter, sort| {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page =
                assessments::list(&mut conn, &filter, sort, after.as_ref(), 2).await.unwrap();
            names.extend(page.iter().map(|row| row.puuid["puuid-of-".len()..].to_owned()));
            if page.len() < 2 {
                return names.join(" ");
            }
            after = page.last().map(assessments::Listed::key);
        }
    };
    let all = ListFilter::default;
    assert_eq!(listed(all(), Sort::Probability).await, "owl cat fox dog elk");
    assert_eq!(listed(all(), Sort::Time).await, "fox owl elk dog cat");
    let bands = vec![Band::High, Band::Low];
    assert_eq!(listed(ListFilter { bands, ..all() }, Sort::Probability).await, "owl cat dog");
    let verdicts = vec!["not_enough_games".to_owned(), "inconclusive".to_owned()];
    assert_eq!(listed(ListFilter { verdicts, ..all() }, Sort::Probability).await, "fox dog elk");
    let tier = Some("SILVER".to_owned());
    assert_eq!(listed(ListFilter { tier, ..all() }, Sort::Time).await, "dog");
    let since = Some(later);
    assert_eq!(listed(ListFilter { since, ..all() }, Sort::Time).await, "fox owl");
    let platform = Some(riftwatch_domain::routing::Platform::Kr);
    assert_eq!(listed(ListFilter { platform, ..all() }, Sort::Time).await, "");
    assert_eq!(listed(ListFilter { reviewed: Some(true), ..all() }, Sort::Time).await, "owl");
    let reviewed = Some(false);
    assert_eq!(listed(ListFilter { reviewed, ..all() }, Sort::Time).await, "fox elk dog cat");

    let lines: Vec<String> = csv(
        scene.deps.clone(),
        ListFilter { verdicts: vec!["unusual_pattern".to_owned()], ..all() },
        Sort::Probability,
    )
    .try_collect()
    .await
    .unwrap();
    assert_eq!(
        lines.concat(),
        format!(
            "assessment_id,puuid,platform,assessed_at,verdict,probability,interval_low,interval_high,\
             smurf_probability,legacy_score,games,tier,model_version,review\r\n\
             {},puuid-of-owl,euw1,2026-01-02T12:00:00.000000Z,unusual_pattern,0.9,0.45,0.9,0.9,,20,GOLD,m,unsure\r\n\
             {},puuid-of-cat,euw1,2026-01-01T12:00:00.000000Z,unusual_pattern,0.9,0.45,0.9,0.9,,20,GOLD,m,\r\n",
            ids[4], ids[1]
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_export_comes_in_pieces() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO players (puuid, platform) SELECT 'p' || n, 'euw1' FROM generate_series(1, 1201) n;
             INSERT INTO player_analysis (puuid, model_version, games, verdict, document)
             SELECT puuid, 'm', 1, 'inconclusive', '{}' FROM players;",
        )
        .await;
    let pieces: Vec<String> =
        csv(scene.deps.clone(), ListFilter::default(), Sort::Time).try_collect().await.unwrap();
    let lines: Vec<usize> = pieces.iter().map(|piece| piece.lines().count()).collect();
    assert_eq!(lines, [1, 500, 500, 201]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_kept_beside_the_assessment_and_only_for_one_that_exists() {
    let scene = Scene::new().await;
    scene.players(&["fox"]).await;
    let id = scene.store(&[said("fox", 0.9, noon())]).await[0];
    scene.review(id, ReviewVerdict::Confirmed).await;
    let note = Some("saw the replays".to_owned());
    let new = NewReview { verdict: ReviewVerdict::FalsePositive, note, reviewer: "bob".to_owned() };
    review(&scene.deps, id, new).await.unwrap();
    let mut conn = scene.deps.store.get().await.unwrap();
    let all = reviews::of_assessment(&mut conn, id).await.unwrap();
    let brief: Vec<_> = all.iter().map(|r| (r.verdict, r.reviewer.as_str())).collect();
    assert_eq!(brief, [(ReviewVerdict::FalsePositive, "bob"), (ReviewVerdict::Confirmed, "ann")]);
    assert_eq!(assessments::find(&mut conn, id).await.unwrap().unwrap().document, "{}");

    let of = |note: Option<String>| NewReview {
        verdict: ReviewVerdict::Unsure,
        note,
        reviewer: "x".to_owned(),
    };
    let nobody = review(&scene.deps, id + 1, of(None)).await;
    assert!(matches!(nobody, Err(ReviewError::UnknownAssessment(_))), "{nobody:?}");
    let long = review(&scene.deps, id, of(Some("ä".repeat(2_001)))).await;
    assert!(matches!(long, Err(ReviewError::NoteTooLong { max: 2_000 })), "{long:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_told_story_counts_at_once_for_180_days_and_is_logged() {
    let scene = Scene::new().await;
    scene.play(0..20).await;
    let priors = Priors::default();
    let p = |document: &str| {
        serde_json::from_str::<Value>(document).unwrap()["p_any"].as_f64().unwrap()
    };
    let before = assess_player(&scene.deps, &priors, &puuid("fox")).await.unwrap();
    let story = |story| ToldStory { story, note: None, reported_by: "fox".to_owned() };
    let told = tell(&scene.deps, &priors, &puuid("fox"), story(Story::Returning)).await.unwrap();
    assert!(told.id > before.id && p(&told.document) < p(&before.document));
    let prior: Value = serde_json::from_str(&told.document).unwrap();
    assert_eq!(prior["prior"], json!({ "anomalies": 0.03, "told": "returning" }));
    // The job keeps to it, and says nothing anew.
    let mut memory = RunMemory::default();
    assess_due(&scene.deps, &priors, &mut memory, 100).await.unwrap();
    let mut conn = scene.deps.store.get().await.unwrap();
    assert_eq!(assessments::latest(&mut conn, &puuid("fox")).await.unwrap().unwrap(), told);
    let log = reviews::told(&mut conn, &puuid("fox")).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].story.as_str(), log[0].until), ("returning", noon() + TimeDelta::days(180)));

    scene.deps.clock.advance(TimeDelta::days(180));
    let after = assess_player(&scene.deps, &priors, &puuid("fox")).await.unwrap();
    assert!((p(&after.document) - p(&before.document)).abs() < 1e-12);

    let smurf = tell(&scene.deps, &priors, &puuid("fox"), story(Story::Smurf)).await;
    assert!(matches!(smurf, Err(TellError::NotInnocent(Story::Smurf))), "{smurf:?}");
    let nobody = tell(&scene.deps, &priors, &puuid("nobody"), story(Story::AltOk)).await;
    assert!(matches!(nobody, Err(TellError::UnknownPuuid)), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_false_positives_open_the_circuit_breaker_for_thirty_days() {
    let scene = Scene::new().await;
    scene.players(&["fox"]).await;
    let ids = scene.store(&vec![said("fox", 0.9, noon()); 100]).await;
    scene.review(ids[0], ReviewVerdict::FalsePositive).await;
    scene.review(ids[1], ReviewVerdict::FalsePositive).await;
    scene.review(ids[2], ReviewVerdict::Confirmed).await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let mut state = async |days| {
        circuit_breaker::state(&mut conn, noon() + TimeDelta::days(days)).await.unwrap()
    };
    // Two of a hundred are not more than 2 %.
    let closed = state(1).await;
    assert_eq!(
        (closed.open, closed.unusual_30_days, closed.false_positives_30_days),
        (false, 100, 2)
    );
    scene.review(ids[2], ReviewVerdict::FalsePositive).await;
    let open = state(1).await;
    assert_eq!(
        open.reasons,
        ["3 of 100 unusual results of the last 30 days were found false by review: more than 2 %"]
    );
    use riftwatch_detection::Verdict;
    assert_eq!(open.allows(Verdict::UnusualPattern), Verdict::Inconclusive);
    assert_eq!(open.allows(Verdict::NothingUnusual), Verdict::NothingUnusual);
    assert!(!state(31).await.open);
    // A reviewer who thinks again closes it.
    scene.review(ids[2], ReviewVerdict::Unsure).await;
    assert!(!state(1).await.open);
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_far_from_what_happened_open_the_circuit_breaker() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO assessment_outcomes SELECT n, '2025-12-10', 'm', 'inconclusive', 0.3, 0.3,
                 n % 5 = 0, 50, now() FROM generate_series(1, 199) n;",
        )
        .await;
    let mut conn = scene.deps.store.get().await.unwrap();
    // A tenth too high, and too few to say so.
    assert!(!circuit_breaker::state(&mut conn, noon()).await.unwrap().open);
    scene
        .sql(
            "INSERT INTO assessment_outcomes VALUES
                 (200, '2025-12-10', 'm', 'inconclusive', 0.3, 0.3, true, 50, now());",
        )
        .await;
    let open = circuit_breaker::state(&mut conn, noon()).await.unwrap();
    assert_eq!(
        open.reasons,
        ["in 2025-12, probabilities were off by 0.100 on average: more than 0.05"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reliability_is_what_happened_to_ranks_in_the_fifty_games_after() {
    let scene = Scene::new().await;
    scene.players(&["fox", "cat", "dog", "owl", "elk"]).await;
    let ids = scene
        .store(&["fox", "cat", "dog", "owl", "elk"].map(|name| said(name, 0.84, noon())))
        .await;
    // Everybody was Silver II (2.5) before, and 49 or 50 games were played after, one an hour.
    scene
        .sql(
            "CREATE FUNCTION seen(who text, hour numeric, tier text, division text) RETURNS void
             LANGUAGE sql AS $$
                 INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins,
                     losses, hot_streak, veteran, fresh_blood, inactive, seen_at)
                 VALUES ('puuid-of-' || who, 'RANKED_SOLO_5x5', tier, division, 0, 0, 0, false,
                     false, false, false, timestamptz '2026-01-01 12:00Z' + hour * interval '1 hour') $$;
             CREATE FUNCTION plays(who text, first integer, games integer) RETURNS void
             LANGUAGE sql AS $$
                 INSERT INTO ranked_games
                 SELECT number, timestamptz '2026-01-01 12:00Z' + n * interval '1 hour', 'EUW1_' || n,
                        1800, 'TOP', 1, true, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, '{}', '{}'
                 FROM players, generate_series(first, first + games - 1) n
                 WHERE puuid = 'puuid-of-' || who $$;
             SELECT seen(who, -1, 'SILVER', 'II') FROM unnest('{fox,cat,dog,owl,elk}'::text[]) who;
             -- Games before the assessment are none of its business.
             SELECT plays('fox', -60, 60), plays('cat', -60, 60);
             -- Fox rises by two tiers with the tenth game: that is decided.
             SELECT plays('fox', 1, 10), seen('fox', 10.5, 'PLATINUM', 'II');
             -- Cat rises by one tier and three divisions, and then further, too late to count.
             SELECT plays('cat', 1, 60), seen('cat', 40.5, 'PLATINUM', 'III'),
                    seen('cat', 52.5, 'PLATINUM', 'III'), seen('cat', 59.5, 'DIAMOND', 'I');
             -- Dog's rank was not seen after the fiftieth game; owl has one game to play.
             SELECT plays('dog', 1, 50), seen('dog', 30.5, 'GOLD', 'I'),
                    plays('owl', 1, 49), seen('owl', 60, 'GOLD', 'I');
             -- Elk was higher once, before the assessment.
             SELECT seen('elk', -0.5, 'PLATINUM', 'I'), plays('elk', 1, 55),
                    seen('elk', 56, 'GOLD', 'I');",
        )
        .await;
    let mut conn = scene.deps.store.get().await.unwrap();
    let later = noon() + TimeDelta::days(40);
    // In steps, as the job does.
    let first = outcomes::decide(&mut conn, 0, 2, later).await.unwrap();
    assert_eq!((first.last, first.looked, first.decided), (ids[1], 2, 2));
    let rest = outcomes::decide(&mut conn, first.last, 10, later).await.unwrap();
    assert_eq!((rest.looked, rest.decided), (3, 1));
    let again = outcomes::decide(&mut conn, 0, 10, later).await.unwrap();
    assert_eq!((again.looked, again.decided), (2, 0));
    scene.review(ids[0], ReviewVerdict::Confirmed).await;
    scene.review(ids[2], ReviewVerdict::FalsePositive).await;

    let said = report(&mut conn, 3, later).await.unwrap();
    let mut said = serde_json::to_value(said).unwrap();
    for float in ["predicted", "happened", "expected_calibration_error"] {
        let value = said["months"][0][float].as_f64().unwrap();
        said["months"][0][float] = json!((value * 1e6).round() / 1e6);
    }
    let bin = said["months"][0]["bins"][0].take();
    assert_eq!((bin["from"].as_f64(), bin["to"].as_f64()), (Some(0.8), Some(0.9)));
    assert_eq!((&bin["assessments"], &bin["gained"]), (&json!(3), &json!(1)));
    assert_eq!(
        said["months"],
        json!([{
            "month": "2026-01", "assessments": 5, "undecided": 2, "decided": 3,
            "predicted": 0.84, "happened": 0.333333, "expected_calibration_error": 0.506667,
            "bins": [null],
            "reviews": {
                "unusual": 5, "confirmed": 1, "false_positive": 1, "unsure": 0,
                "by_story": [{ "story": "returning", "reviewed": 2, "false_positive": 1,
                               "false_positive_rate": 0.5 }],
            },
        }])
    );
    // Nothing about anybody is needed for it any more.
    scene.sql("DELETE FROM players").await;
    let kept = report(&mut conn, 3, later).await.unwrap();
    assert_eq!((kept.months[0].decided, kept.months[0].assessments), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_everywhere_and_is_never_stored_again() {
    let scene = Scene::new().await;
    scene.play(0..10).await;
    let fox = puuid("fox");
    track_known(&scene.deps, &fox).await.unwrap();
    assess_player(&scene.deps, &Priors::default(), &fox).await.unwrap();
    scene
        .sql(
            "INSERT INTO job_executions (job_id, job_name, job_type, log_data)
             VALUES (1, 'x', 'x', '{\"rank_changes\": [{\"puuid\": \"puuid-of-fox\"}]}');
             INSERT INTO job_execution_logs (execution_id, seq, at, level, target, message)
             VALUES (1, 1, now(), 'INFO', 'x', 'tracking fox#EUW (euw1)');",
        )
        .await;
    let erased = erase(&scene.deps, &fox).await.unwrap();
    assert_eq!(
        serde_json::to_value(erased).unwrap(),
        json!({ "players": 1, "participants": 10, "ranked_games": 10, "ranks": 0,
                "assessments": 1, "mentions": 2 })
    );
    // In no column of any table.
    let traces = "SELECT count(*) FROM information_schema.columns c, LATERAL (
            SELECT query_to_xml(format('SELECT 1 FROM %I WHERE %I::text ~ ''puuid-of-fox|fox#EUW''',
                                       c.table_name, c.column_name), false, false, '')) found (xml)
        WHERE c.table_schema = 'public' AND found.xml::text LIKE '%<row>%'";
    assert_eq!(scene.number(traces).await, 0);
    assert_eq!(scene.number("SELECT count(*) FROM match_participants").await, 100);

    // Riot sends them again, with a match of the friend's: they come in as somebody hidden.
    let game = played(30);
    scene.riot.add_match(game.clone());
    let mut conn = scene.deps.store.get().await.unwrap();
    track_known(&scene.deps, &puuid("friend")).await.unwrap();
    let friend = players::find(&mut conn, &puuid("friend")).await.unwrap().unwrap();
    let cancel = CancellationToken::new();
    let synced = sync_player(&scene.deps, &Caller::default(), &friend, 20, &cancel, &|_| ()).await;
    assert_eq!(synced.unwrap(), Synced::Current);
    let id: MatchId = game.match_id;
    let stored = matches::find(&mut conn, &id).await.unwrap().unwrap();
    assert_eq!(stored.participants[0].puuid, None);
    assert_eq!(stored.participants[1].puuid, Some(puuid("friend")));
    assert_eq!(scene.number(traces).await, 0);
    let mates = "SELECT cardinality(g.mates)::bigint FROM ranked_games g JOIN players p
        ON p.number = g.player WHERE p.puuid = 'puuid-of-friend' ORDER BY game_start DESC LIMIT 1";
    assert_eq!(scene.number(mates).await, 3);
    // The API key changes, and every puuid with it: the name, in whatever case, still tells.
    let mut game = played(31);
    let other = Some(puuid("fox-of-another-key"));
    game.participants[0].puuid = other;
    game.participants[0].riot_id.as_mut().unwrap().game_name = "FOX".to_owned();
    let id = game.match_id.clone();
    let key = scene.deps.suppression_key.as_ref();
    matches::store_except(&mut conn, &[game], key, scene.deps.clock.now()).await.unwrap();
    let stored = matches::find(&mut conn, &id).await.unwrap().unwrap();
    assert_eq!((&stored.participants[0].puuid, &stored.participants[0].riot_id), (&None, &None));
    let back = "SELECT count(*) FROM players WHERE puuid = 'puuid-of-fox-of-another-key'";
    assert_eq!(scene.number(back).await, 0);
    // Nobody can track them, and erasing again is fine.
    scene.sql("INSERT INTO players (puuid, platform) VALUES ('puuid-of-fox', 'euw1')").await;
    let refused = track_known(&scene.deps, &fox).await;
    assert!(matches!(refused, Err(TrackError::Erased)), "{refused:?}");
    assert_eq!(erase(&scene.deps, &fox).await.unwrap().players, 1);
    assert_eq!(erase(&scene.deps, &fox).await.unwrap(), riftwatch_app::erasure::Erased::default());
    // The puuid's digest, and the name's.
    assert_eq!(scene.number("SELECT count(*) FROM suppressions").await, 2);
    let unkeyed = Deps { suppression_key: None, ..scene.deps.clone() };
    assert!(matches!(erase(&unkeyed, &fox).await, Err(EraseError::NoKey)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matchmaking_analysis_goes_on_where_a_stop_left_it_and_can_be_cancelled() {
    let scene = Scene::new().await;
    scene.play(-50..-1).await;
    scene
        .sql(
            "INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins, losses,
                 hot_streak, veteran, fresh_blood, inactive, seen_at)
             SELECT 'puuid-of-' || who, 'RANKED_SOLO_5x5', tier, 'IV', 0, 0, 0, false, false, false,
                    false, '2025-12-29'
             FROM (VALUES ('friend', 'GOLD'), ('d', 'SILVER'), ('fox', 'CHALLENGER')) v (who, tier);",
        )
        .await;
    let deps = &scene.deps;
    let wanted =
        |name: &str, games| Wanted { puuid: puuid(name), games, requested_by: "ann".to_owned() };
    let started = matchmaking::start(deps, &wanted("fox", 500)).await.unwrap();
    let twice = matchmaking::start(deps, &wanted("fox", 10)).await;
    assert!(
        matches!(twice, Err(MatchmakingError::AlreadyUnderWay(id)) if id == started.id),
        "{twice:?}"
    );
    let nobody = matchmaking::start(deps, &wanted("nobody", 10)).await;
    assert!(matches!(nobody, Err(MatchmakingError::UnknownPuuid)), "{nobody:?}");
    let many = matchmaking::start(deps, &wanted("friend", 501)).await;
    assert!(matches!(many, Err(MatchmakingError::Games)), "{many:?}");

    // Stopped after the first step.
    let stop = CancellationToken::new();
    let progress = |_: &str, done: usize, total: usize| {
        assert_eq!((done, total), (20, 49));
        stop.cancel();
    };
    assert_eq!(matchmaking::work(deps, &stop, &progress).await.unwrap(), Worked::Interrupted);
    let mut conn = deps.store.get().await.unwrap();
    let half = matchmaking::find(&mut conn, started.id).await.unwrap().unwrap();
    assert_eq!((half.status.as_str(), half.games_done, half.games_total), ("pending", 20, 49));
    // A match that comes in meanwhile does not move what is compared.
    scene.play([-60]).await;
    let steps = std::sync::Mutex::new(Vec::new());
    let go_on = CancellationToken::new();
    let progress = |_: &str, done: usize, _: usize| steps.lock().unwrap().push(done);
    assert_eq!(matchmaking::work(deps, &go_on, &progress).await.unwrap(), Worked::Ended);
    assert_eq!(*steps.lock().unwrap(), [40, 50]);
    assert_eq!(matchmaking::work(deps, &go_on, &progress).await.unwrap(), Worked::Nothing);
    let done = matchmaking::find(&mut conn, started.id).await.unwrap().unwrap();
    assert_eq!(done.status, "completed");
    let result = done.result.unwrap();
    // One team-mate and one opponent have a rank, seen before all of the games.
    assert_eq!((&result["games"], &result["games_compared"]), (&json!(50), &json!(50)));
    assert_eq!(
        result["difference"],
        json!({ "games": 50, "mean_tiers": 1.0, "interval_80": [1.0, 1.0] })
    );
    assert_eq!((&result["mates_known"], &result["opponents_known"]), (&json!(0.25), &json!(0.2)));

    let waiting = matchmaking::start(deps, &wanted("fox", 30)).await.unwrap();
    let ended = matchmaking::cancel(deps, waiting.id).await.unwrap();
    assert!(
        matches!(&ended, Cancelled::Now(analysis) if analysis.status == "cancelled"),
        "{ended:?}"
    );
    let before = matchmaking::cancel(deps, waiting.id).await.unwrap();
    assert!(matches!(before, Cancelled::EndedBefore(_)), "{before:?}");
    assert_eq!(matchmaking::cancel(deps, 999).await.unwrap(), Cancelled::Unknown);

    // Somebody cancels while it runs: the next step is the last.
    let running = matchmaking::start(deps, &wanted("fox", 500)).await.unwrap();
    let handle = tokio::runtime::Handle::current();
    let progress = |_: &str, _: usize, _: usize| {
        let asked = tokio::task::block_in_place(|| {
            handle.block_on(matchmaking::cancel(deps, running.id)).unwrap()
        });
        assert!(matches!(asked, Cancelled::Asked(_)), "{asked:?}");
    };
    assert_eq!(matchmaking::work(deps, &go_on, &progress).await.unwrap(), Worked::Ended);
    let all = matchmaking::for_player(&mut conn, &puuid("fox"), None, 10).await.unwrap();
    let brief: Vec<_> = all.iter().map(|a| (a.status.as_str(), a.games_done)).collect();
    assert_eq!(brief, [("cancelled", 40), ("cancelled", 0), ("completed", 50)]);
}
