//! Several processes that want the same matches: each match is asked for once by all of them together.
//!
//! A process here is a client and a pool of its own, which share nothing but the database, the way
//! processes do; over HTTP, from the simulator, which counts.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use riftwatch_app::Deps;
use riftwatch_app::backfill::{self, Filled, Sample};
use riftwatch_app::sync::{Synced, sync_player};
use riftwatch_app::tracking::track_riot_id;
use riftwatch_domain::clock::Clock;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{Fault, FaultRule, SimConfig, SimHandle, Simulator};
use riftwatch_store::{Db, matches};
use riftwatch_testkit::TestDb;
use tokio_util::sync::CancellationToken;

fn process(test: &TestDb, sim: &SimHandle) -> Deps {
    let riot = RiotClient::new(RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some("RGAPI-any".into()),
        ..RiotClientConfig::default()
    });
    Deps {
        store: Db::new(test.url(), 4),
        riot: Arc::new(riot.expect("a client")),
        clock: Clock::system(),
        max_tracked_players: 10,
        suppression_key: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_want_the_same_matches_ask_for_each_once() {
    let test = TestDb::new().await;
    let limits = "none".parse().unwrap();
    let config = SimConfig { players: 100, days: 20, limits, ..SimConfig::default() };
    let sim = Simulator::start(config).await.unwrap();
    let (a, b) = (process(&test, &sim), process(&test, &sim));
    let caller = Caller::new(CallClass::Refresh);
    let cancel = CancellationToken::new();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let tracked = track_riot_id(&a, &caller, &riot_id, platform).await.unwrap();

    // The same player, in two slots of one process and two of the other.
    let sync = async |deps: &Deps| {
        sync_player(deps, &caller, tracked.player(), 40, &cancel, &|_| ()).await.unwrap()
    };
    let synced = tokio::join!(sync(&a), sync(&b), sync(&a), sync(&b));
    assert_eq!(synced, (Synced::Current, Synced::Current, Synced::Current, Synced::Current));
    let asked = || sim.stats().by_endpoint["match-v5.getMatch"];
    let stored = async || {
        let mut conn = a.store.get().await.unwrap();
        u64::try_from(matches::count(&mut conn).await.unwrap().0).unwrap()
    };
    let of_one = stored().await;
    assert!(of_one > 5, "{of_one}");
    assert_eq!(asked(), of_one);

    // Everybody met in them, by two processes that work through the same list: each is filled in
    // batches, and what one has at hand the other wants.
    let list = backfill::fillable(&a, 200, 20, 6).await.unwrap();
    let sample = Sample { games: 20, since: DateTime::UNIX_EPOCH };
    let fill = async |deps: &Deps| {
        let mut full = 0;
        for player in &list {
            let filled =
                backfill::fill(deps, &caller, player, sample, &cancel, &|_| ()).await.unwrap();
            full += usize::from(filled == Filled::Full);
        }
        full
    };
    assert_eq!(tokio::join!(fill(&a), fill(&b)), (list.len(), list.len()));
    assert!(stored().await > of_one);
    assert_eq!(asked(), stored().await);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cancelled_sync_was_asking_for_is_anybodys_at_once() {
    let test = TestDb::new().await;
    let limits = "none".parse().unwrap();
    let config = SimConfig { players: 100, days: 20, limits, ..SimConfig::default() };
    let sim = Simulator::start(config).await.unwrap();
    let deps = process(&test, &sim);
    let caller = Caller::new(CallClass::Refresh);
    let cancel = CancellationToken::new();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let tracked = track_riot_id(&deps, &caller, &riot_id, platform).await.unwrap();
    let sync = || sync_player(&deps, &caller, tracked.player(), 40, &cancel, &|_| ());

    // One match is answered, so that the method's limits are known and not felt for with one call at a
    // time; the next are not, and then nobody waits for them any more.
    let hang = FaultRule::always(Fault::Hang).on("match-v5.getMatch");
    sim.set_faults(vec![FaultRule { skip: 1, ..hang }]);
    let asked = async {
        while sim.stats().by_endpoint.get("match-v5.getMatch").is_none_or(|calls| *calls < 2) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        synced = sync() => panic!("matches are not answered, but: {synced:?}"),
        () = asked => {}
    }
    sim.set_faults(Vec::new());
    // A third of the time that a claim holds when nobody lets go of it.
    let synced = tokio::time::timeout(Duration::from_secs(5), sync()).await;
    assert_eq!(synced.expect("nothing is held up").unwrap(), Synced::Current);
    sim.stop().await;
}
