//! The client against every fault of the simulator, one by one: what the caller gets, what it costs,
//! and that the next call is as if nothing had been.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{
    Fault, FaultRule, FaultScope, HeaderStyle, SimConfig, SimHandle, Simulator, Violations,
};
use tokio::time::{Instant, timeout_at};

const REGION: Region = Region::Europe;

async fn start(config: SimConfig) -> SimHandle {
    let config = SimConfig { seed: 7, players: 400, days: 6, ..config };
    Simulator::start(config).await.expect("a simulator")
}

fn client(sim: &SimHandle) -> RiotClient {
    client_with(sim, "RGAPI-any".to_owned())
}

fn client_with(sim: &SimHandle, key: String) -> RiotClient {
    let config = RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some(key.into()),
        timeout: Duration::from_secs(3),
        ..RiotClientConfig::default()
    };
    RiotClient::new(config).expect("a valid configuration")
}

async fn ids(riot: &RiotClient, caller: &Caller, puuid: &Puuid) -> Outcome {
    riot.match_ids(caller, REGION, puuid, &MatchIdsQuery::default()).await
}

type Outcome = Result<Option<Vec<MatchId>>, RiotError>;

/// What becomes of a call that meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// As without the fault, after so many requests.
    Answered {
        requests: u64,
    },
    /// A list that is not the usual one.
    OtherList,
    NotFound,
    /// Not of the expected shape: asking again would be a waste.
    Undecodable,
    /// The key is not used any more.
    KeyRefused,
}

/// The fate, and the least time that it takes.
fn faults() -> Vec<(Fault, Fate, Duration)> {
    use FaultScope::{Application, Method, Service};
    let once = Fate::Answered { requests: 1 };
    let again = Fate::Answered { requests: 2 };
    let at_once = |fault, fate| (fault, fate, Duration::ZERO);
    let waits = |fault, wait_ms| (fault, again, Duration::from_millis(wait_ms));
    vec![
        waits(Fault::RateLimited { scope: Application, retry_after: 2 }, 2000),
        waits(Fault::RateLimited { scope: Method, retry_after: 2 }, 2000),
        waits(Fault::RateLimited { scope: Service, retry_after: 2 }, 2000),
        // The window of which nothing is known but that it has a second.
        waits(Fault::NoRetryAfter { scope: Application }, 900),
        waits(Fault::NoRetryAfter { scope: Method }, 900),
        waits(Fault::NoRetryAfter { scope: Service }, 1000),
        waits(Fault::BareRateLimited, 1000),
        at_once(Fault::ServerError { status: 500 }, again),
        at_once(Fault::ServerError { status: 502 }, again),
        at_once(Fault::ServerError { status: 503 }, again),
        at_once(Fault::ServiceError { status: 504 }, again),
        at_once(Fault::EmptyBody, Fate::Undecodable),
        at_once(Fault::TruncatedJson, Fate::Undecodable),
        at_once(Fault::MalformedJson, Fate::Undecodable),
        at_once(Fault::NotJson, Fate::Undecodable),
        at_once(Fault::WrongContentType, once),
        (Fault::Slow { delay_ms: 300 }, once, Duration::from_millis(300)),
        at_once(Fault::Drip { bytes: 100, pause_ms: 5 }, once),
        at_once(Fault::Cut, again),
        at_once(Fault::Reset, again),
        (Fault::Hang, again, Duration::from_secs(3)),
        at_once(Fault::Forbidden, Fate::KeyRefused),
        at_once(Fault::KeyExpired, Fate::KeyRefused),
        at_once(Fault::NotFound, Fate::NotFound),
        at_once(Fault::NoLimitHeaders, once),
        at_once(Fault::OtherLimits { app: "50:1,7000:9".to_owned() }, once),
        at_once(Fault::ClockSkew { seconds: 86_400 }, once),
        at_once(Fault::ClockSkew { seconds: -86_400 }, once),
        at_once(Fault::DuplicateId, Fate::OtherList),
        at_once(Fault::ShrunkList { by: 1 }, Fate::OtherList),
    ]
}

#[tokio::test]
async fn every_fault_has_its_fate_and_the_next_call_does_not_know_of_it() {
    let sim = start(SimConfig { limits: "none".parse().expect("limits"), ..SimConfig::default() });
    let sim = sim.await;
    let faults = faults();
    let riot = client(&sim);
    let mut puuids = Vec::new();
    for (riot_id, _) in sim.some_riot_ids(faults.len()) {
        let account = riot.account_by_riot_id(&Caller::default(), REGION, &riot_id).await;
        puuids.push(account.expect("an answer").expect("known").puuid);
    }
    // Each fault befalls a player of its own, so that all can be met side by side.
    let rules = faults.iter().zip(&puuids).map(|((fault, ..), puuid)| FaultRule {
        path: Some(puuid.as_str().to_owned()),
        skip: 1,
        ..FaultRule::next(1, fault.clone())
    });
    sim.set_faults(rules.collect());
    let met = faults.iter().zip(&puuids).enumerate().map(|(n, ((fault, fate, least), puuid))| {
        let riot = client_with(&sim, format!("RGAPI-{n}"));
        async move {
            let usual = ids(&riot, &Caller::default(), puuid).await.expect("no fault yet");
            let caller = Caller::default();
            let asked = Instant::now();
            let outcome = ids(&riot, &caller, puuid).await;
            let took = asked.elapsed();
            let requests = caller.requests_sent();
            let seen = match &outcome {
                Ok(list) if *list == usual => Fate::Answered { requests },
                Ok(Some(_)) => Fate::OtherList,
                Ok(None) => Fate::NotFound,
                Err(RiotError::Decode { .. }) => Fate::Undecodable,
                Err(RiotError::Unauthorized | RiotError::Forbidden { .. }) => Fate::KeyRefused,
                Err(error) => panic!("{fault:?}: {error}"),
            };
            assert_eq!(seen, *fate, "{fault:?}");
            assert!(took >= *least, "{fault:?}: {took:?}");
            assert!(requests == 1 || matches!(fate, Fate::Answered { .. }), "{fault:?}");
            if *fate == Fate::KeyRefused {
                assert!(riot.key_refused(), "{fault:?}");
                riot.set_api_key("RGAPI-another".into());
            }
            let after = ids(&riot, &Caller::default(), puuid).await.expect("no fault any more");
            assert_eq!(after, usual, "after {fault:?}");
        }
    });
    join_all(met).await;
    assert_eq!(sim.stats().sent_while_blocked, 0, "who is told to stay away does");
    sim.stop().await;
}

#[tokio::test]
async fn limits_are_kept_however_they_are_told_and_when_they_change_on_the_way() {
    let styles = [
        HeaderStyle::InOrder,
        HeaderStyle::Reversed,
        HeaderStyle::ShortCount,
        HeaderStyle::Garbled,
        HeaderStyle::Absent,
    ];
    let met = styles.map(|headers| async move {
        let limits = "20:1,100:120".parse().expect("limits");
        let sim = start(SimConfig { headers, limits, ..SimConfig::default() }).await;
        let riot = Arc::new(client(&sim));
        let (riot_id, _) = sim.some_riot_ids(1).remove(0);
        let end = Instant::now() + Duration::from_secs(3);
        let calls = (0..30).map(|_| {
            let (riot, riot_id) = (riot.clone(), riot_id.clone());
            async move {
                loop {
                    let caller = Caller::default();
                    let call = riot.account_by_riot_id(&caller, REGION, &riot_id);
                    let Ok(account) = timeout_at(end, call).await else { break };
                    account.expect("an answer");
                }
            }
        });
        join_all(calls).await;
        let stats = sim.stats();
        assert_eq!(stats.violations, Violations::default(), "{headers:?}");
        assert!(stats.requests >= 40, "{headers:?}: {}", stats.requests);

        // From now on less is allowed. What is counted begins anew, and so no one is over it.
        sim.set_limits("5:1,40:120".parse().expect("limits"));
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let caller = Caller::default().with_patience(Duration::from_millis(1500));
        for _ in 0..6 {
            // Some say that there is no turn for long: also an answer.
            let _ = riot.account_by_riot_id(&caller, REGION, &riot_id).await;
        }
        let told = matches!(headers, HeaderStyle::InOrder | HeaderStyle::Reversed);
        let stats = sim.stats();
        assert!(!told || stats.violations == Violations::default(), "{headers:?} {stats:?}");
        sim.stop().await;
    });
    join_all(met).await;
}

#[tokio::test]
async fn a_player_of_every_platform_is_found_and_so_are_names_of_every_script() {
    let limits = "none".parse().expect("limits");
    let platforms = Platform::ACTIVE.to_vec();
    let sim = start(SimConfig { limits, platforms, ..SimConfig::default() }).await;
    let riot = client(&sim);
    let caller = Caller::default();
    let mut seen = std::collections::BTreeSet::new();
    let mut is_ascii = [0, 0];
    for (riot_id, platform) in sim.some_riot_ids(300) {
        let region = platform.region();
        let account = riot.account_by_riot_id(&caller, region, &riot_id).await.expect("an answer");
        let puuid = account.expect("known").puuid;
        is_ascii[usize::from(riot_id.game_name.is_ascii())] += 1;
        if !seen.insert(platform) {
            continue;
        }
        let summoner = riot.summoner_by_puuid(&caller, platform, &puuid).await;
        assert!(summoner.expect("an answer").is_some(), "{platform}");
        riot.league_entries_by_puuid(&caller, platform, &puuid).await.expect("an answer");
        let ids = riot.match_ids(&caller, region, &puuid, &MatchIdsQuery::default()).await;
        for id in ids.expect("an answer").expect("known").iter().take(1) {
            assert_eq!(id.platform(), Some(platform));
            let game = riot.match_by_id(&caller, id).await.expect("an answer");
            assert!(game.is_some(), "{id}");
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), Platform::ACTIVE);
    assert!(is_ascii.iter().all(|count| *count > 30), "{is_ascii:?}");
    sim.stop().await;
}
