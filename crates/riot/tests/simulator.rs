//! The client against the simulator: whole answers of every endpoint, and load on a tight limit.

use std::time::Duration;

use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::Puuid;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::{RiotClient, RiotClientConfig};
use riftwatch_sim::{
    Fault, FaultRule, Latency, Limits, SimConfig, SimHandle, Simulator, Violations, WindowModel,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

async fn start(config: SimConfig) -> (SimHandle, RiotClient) {
    let config =
        SimConfig { seed: 7, players: 200, days: 20, platforms: vec![Platform::Euw1], ..config };
    let sim = Simulator::start(config).await.expect("a simulator");
    let riot = RiotClient::new(RiotClientConfig {
        base_url: sim.base_url(),
        api_key: Some("RGAPI-any".into()),
        ..RiotClientConfig::default()
    });
    (sim, riot.expect("a valid configuration"))
}

/// The busiest player and a page of their matches.
async fn somebody(sim: &SimHandle, riot: &RiotClient) -> (Puuid, Platform, Vec<MatchId>) {
    let caller = Caller::new(CallClass::Interactive);
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let region = platform.region();
    let account = riot.account_by_riot_id(&caller, region, &riot_id).await.expect("an answer");
    let account = account.expect("known");
    assert_eq!(account.riot_id, Some(riot_id));
    let query = MatchIdsQuery { count: 100, ..MatchIdsQuery::default() };
    let ids = riot.match_ids(&caller, region, &account.puuid, &query).await.expect("an answer");
    (account.puuid, platform, ids.expect("known"))
}

#[tokio::test]
async fn a_player_is_followed_through_every_endpoint() {
    let (sim, riot) = start(SimConfig { gzip: true, ..SimConfig::default() }).await;
    let caller = Caller::default();
    let (puuid, platform, ids) = somebody(&sim, &riot).await;
    let account = riot.account_by_puuid(&caller, platform.region(), &puuid).await;
    assert_eq!(account.expect("an answer").map(|account| account.puuid), Some(puuid.clone()));
    let summoner = riot.summoner_by_puuid(&caller, platform, &puuid).await.expect("an answer");
    assert!(summoner.expect("plays here").level > 0);
    let ranks = riot.league_entries_by_puuid(&caller, platform, &puuid).await.expect("an answer");
    assert!(
        ranks.iter().all(|rank| rank.tier.is_some() && rank.division.is_some())
            && !ranks.is_empty()
    );
    for id in ids.iter().take(5) {
        let game = riot.match_by_id(&caller, id).await.expect("an answer").expect("a match");
        assert_eq!(game.match_id, *id);
        assert!(game.participants.iter().any(|p| p.puuid.as_ref() == Some(&puuid)));
    }
    let unknown = "EUW1_1".parse().expect("a match id");
    assert_eq!(riot.match_by_id(&caller, &unknown).await.expect("an answer"), None);
    let stats = sim.stats();
    assert_eq!((stats.requests, stats.violations), (11, Violations::default()));
    sim.stop().await;
}

#[tokio::test]
async fn matches_of_earlier_years_and_of_later_ones_are_read() {
    let (sim, riot) = start(SimConfig::default()).await;
    let caller = Caller::default();
    let (puuid, platform, ids) = somebody(&sim, &riot).await;
    let known = riot.match_by_id(&caller, &ids[0]).await.expect("an answer").expect("a match");
    sim.set_faults(vec![FaultRule::always(Fault::Drift)]);
    let later = riot.match_by_id(&caller, &ids[0]).await.expect("an answer").expect("a match");
    assert_eq!((later.game_mode.as_str(), later.game_start), ("VOYAGE", known.game_start));
    let ranks = riot.league_entries_by_puuid(&caller, platform, &puuid).await.expect("an answer");
    let tier = ranks[0].tier.as_ref().expect("a tier");
    assert_eq!((tier.as_str(), ranks[0].divisions()), ("LEGEND", None));
    for year in [2020, 2022, 2024, 2026] {
        sim.set_faults(vec![FaultRule::always(Fault::Era { year })]);
        let then = riot.match_by_id(&caller, &ids[0]).await.expect("an answer").expect("a match");
        assert_eq!(then.game_duration, known.game_duration, "{year}");
        let kills = |game: &Match| game.participants.iter().map(|p| p.kills).collect::<Vec<_>>();
        assert_eq!(kills(&then), kills(&known), "{year}");
        let has_challenges = then.participants.iter().any(|p| !p.details.challenges.is_empty());
        assert_eq!(has_challenges, year >= 2022);
        let has_names = then.participants.iter().any(|p| p.riot_id.is_some());
        assert_eq!(has_names, year >= 2024);
    }
    sim.stop().await;
}

#[tokio::test]
async fn six_seconds_of_load_use_the_limit_and_never_break_it() {
    for window_model in [WindowModel::default(), WindowModel::Sliding] {
        let limits: Limits = "40:1,80:2".parse().expect("limits");
        let latency = Latency {
            base: Duration::from_millis(5),
            jitter: Duration::from_millis(15),
            spike_share: 0.02,
            spike: Duration::from_millis(200),
        };
        let config =
            SimConfig { limits, window_model, latency: Some(latency), ..SimConfig::default() };
        let (sim, riot) = start(config).await;
        let (_, _, ids) = somebody(&sim, &riot).await;
        let end = Instant::now() + Duration::from_secs(6);
        let mut callers = JoinSet::new();
        for first in 0..60 {
            let (riot, ids) = (riot.clone(), ids.clone());
            callers.spawn(async move {
                for id in ids.iter().cycle().skip(first) {
                    let caller = Caller::default();
                    let call = riot.match_by_id(&caller, id);
                    // Who goes away while waiting leaves the queue; what was sent comes to its end.
                    let Ok(game) = timeout_at(end, call).await else { break };
                    game.expect("an answer");
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.expect("a caller does not panic");
        }
        let stats = sim.stats();
        assert_eq!((stats.violations, stats.sent_while_blocked), (Violations::default(), 0));
        // Six seconds hold six windows; short ones, of which a round trip is a fortieth.
        assert!(stats.requests >= 200, "{}", stats.requests);
        sim.stop().await;
    }
}
