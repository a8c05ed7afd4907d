//! What is sent, and what is made of plain answers.

use chrono::DateTime;
use riftwatch_domain::matches::{MatchId, QueueId};
use riftwatch_domain::player::{Puuid, RiotId};
use riftwatch_domain::rank::{Division, Tier};
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::{RiotClient, RiotClientConfig};

use crate::server::{Server, ok, status};
use crate::{KEY, client};

fn puuid() -> Puuid {
    Puuid::new("p-1")
}

fn match_id(text: &str) -> MatchId {
    text.parse().expect("a match id")
}

const MATCH: &str = r#"{"metadata":{"matchId":"EUW1_1"},"info":{"gameStartTimestamp":1700000000000,
    "gameEndTimestamp":1700001800000,"gameDuration":1800,"participants":[
    {"championId":1,"kills":1,"deaths":2,"assists":3,"win":true,"puuid":"p-1"}]}}"#;

#[tokio::test]
async fn each_endpoint_has_its_path_its_route_and_the_key_in_a_header() {
    let server = Server::start(|_, request| {
        if request.target.contains("/accounts/") {
            ok(r#"{"puuid":"p-1","gameName":"Name","tagLine":"EUW"}"#)
        } else if request.target.contains("/summoners/") {
            ok(r#"{"puuid":"p-1","profileIconId":5,"summonerLevel":99,"revisionDate":1700000000000}"#)
        } else if request.target.contains("/entries/") {
            ok(r#"[{"queueType":"RANKED_SOLO_5x5","tier":"GOLD","rank":"II","leaguePoints":1}]"#)
        } else if request.target.contains("/ids") {
            ok(r#"["EUW1_2","EUW1_1"]"#)
        } else {
            ok(MATCH)
        }
    })
    .await;
    let riot = client(&server);
    let caller = Caller::default();
    let id: RiotId = "Name#EUW".parse().expect("a riot id");

    let account = riot.account_by_riot_id(&caller, Region::Europe, &id).await.expect("an answer");
    assert_eq!(account.expect("an account").riot_id, Some(id));
    riot.account_by_puuid(&caller, Region::Sea, &puuid()).await.expect("an answer");
    let summoner =
        riot.summoner_by_puuid(&caller, Platform::Kr, &puuid()).await.expect("an answer");
    assert_eq!(summoner.map(|summoner| (summoner.level, summoner.profile_icon_id)), Some((99, 5)));
    let ranks = riot.league_entries_by_puuid(&caller, Platform::Na1, &puuid()).await;
    let ranks = ranks.expect("an answer");
    assert_eq!((ranks[0].tier.clone(), ranks[0].division), (Some(Tier::Gold), Some(Division::II)));
    let query = MatchIdsQuery {
        start_time: DateTime::from_timestamp_millis(1_700_000_000_900),
        end_time: DateTime::from_timestamp_millis(1_700_000_100_100),
        queue: Some(QueueId::RANKED_SOLO),
        start: 100,
        count: 50,
    };
    let ids = riot.match_ids(&caller, Region::Europe, &puuid(), &query).await.expect("an answer");
    assert_eq!(ids.expect("known"), [match_id("EUW1_2"), match_id("EUW1_1")]);
    riot.match_ids(&caller, Region::Asia, &puuid(), &MatchIdsQuery::default())
        .await
        .expect("an answer");
    let game = riot.match_by_id(&caller, &match_id("TH2_1")).await.expect("an answer");
    assert_eq!(game.expect("a match").participants[0].assists, 3);

    assert_eq!(
        server.targets(),
        [
            "/europe/riot/account/v1/accounts/by-riot-id/Name/EUW",
            "/asia/riot/account/v1/accounts/by-puuid/p-1",
            "/kr/lol/summoner/v4/summoners/by-puuid/p-1",
            "/na1/lol/league/v4/entries/by-puuid/p-1",
            "/europe/lol/match/v5/matches/by-puuid/p-1/ids\
             ?startTime=1700000000&endTime=1700000101&queue=420&start=100&count=50",
            "/asia/lol/match/v5/matches/by-puuid/p-1/ids?start=0&count=20",
            "/sea/lol/match/v5/matches/TH2_1",
        ]
    );
    for request in server.requests() {
        assert_eq!(request.header("x-riot-token"), Some(KEY));
        assert!(request.header("accept-encoding").is_some_and(|value| value.contains("gzip")));
        assert!(request.header("user-agent").is_some_and(|value| value.starts_with("riftwatch/")));
    }
    assert_eq!(caller.requests_sent(), 7);
}

#[tokio::test]
async fn every_platform_has_its_region_and_the_nearest_cluster_for_accounts() {
    let server = Server::start(|_, _| status(404, "")).await;
    let riot = client(&server);
    let caller = Caller::default();
    let mut expected = Vec::new();
    // Of two platforms that are no more there are matches still.
    for (id, region) in [("PH2_7", "sea"), ("TH2_7", "sea"), ("PBE1_7", "americas")] {
        riot.match_by_id(&caller, &match_id(id)).await.expect("an answer");
        expected.push(format!("/{region}/lol/match/v5/matches/{id}"));
    }
    for platform in Platform::ACTIVE {
        let (region, accounts) = match platform.as_str() {
            "br1" | "la1" | "la2" | "na1" => ("americas", "americas"),
            "jp1" | "kr" => ("asia", "asia"),
            "eun1" | "euw1" | "me1" | "ru" | "tr1" => ("europe", "europe"),
            "oc1" | "sg2" | "tw2" | "vn2" => ("sea", "asia"),
            other => panic!("{other} is new"),
        };
        riot.account_by_puuid(&caller, platform.region(), &puuid()).await.expect("an answer");
        riot.summoner_by_puuid(&caller, platform, &puuid()).await.expect("an answer");
        let id = match_id(&format!("{}_7", platform.as_str().to_uppercase()));
        riot.match_by_id(&caller, &id).await.expect("an answer");
        expected.extend([
            format!("/{accounts}/riot/account/v1/accounts/by-puuid/p-1"),
            format!("/{platform}/lol/summoner/v4/summoners/by-puuid/p-1"),
            format!("/{region}/lol/match/v5/matches/{id}"),
        ]);
    }
    assert_eq!(server.targets(), expected);
}

#[tokio::test]
async fn names_in_any_script_arrive_as_one_segment_each() {
    let server = Server::start(|_, _| status(404, "")).await;
    let riot = client(&server);
    for (name, tag) in [("夜の 狐", "日本1"), ("a/b", "#?"), ("50%", "é&="), ("a+b %2F", "한국")]
    {
        let id = RiotId { game_name: name.to_owned(), tag_line: tag.to_owned() };
        let found = riot.account_by_riot_id(&Caller::default(), Region::Asia, &id).await;
        assert_eq!(found.expect("an answer"), None);
    }
    let prefix = "/asia/riot/account/v1/accounts/by-riot-id";
    assert_eq!(
        server.targets(),
        [
            format!("{prefix}/%E5%A4%9C%E3%81%AE%20%E7%8B%90/%E6%97%A5%E6%9C%AC1"),
            format!("{prefix}/a%2Fb/%23%3F"),
            format!("{prefix}/50%25/%C3%A9&="),
            format!("{prefix}/a+b%20%252F/%ED%95%9C%EA%B5%AD"),
        ]
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_sent_belongs_to_nobody() {
    let server = Server::start(|_, _| status(500, "")).await;
    let riot = client(&server);
    for (name, tag) in [("..", "EUW"), ("Name", "."), ("", "EUW")] {
        let id = RiotId { game_name: name.to_owned(), tag_line: tag.to_owned() };
        let found = riot.account_by_riot_id(&Caller::default(), Region::Asia, &id).await;
        assert_eq!(found.expect("no request"), None);
    }
    assert_eq!(server.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn not_found_is_none_whatever_the_body() {
    for code in [404, 204] {
        let server = Server::start(move |_, _| {
            let body = if code == 204 { "" } else { "<html>not here</html>" };
            status(code, body)
        })
        .await;
        let riot = client(&server);
        let caller = Caller::default();
        let query = MatchIdsQuery::default();
        let account = riot.account_by_puuid(&caller, Region::Europe, &puuid()).await;
        assert_eq!(account.expect("an answer"), None);
        let summoner = riot.summoner_by_puuid(&caller, Platform::Euw1, &puuid()).await;
        assert_eq!(summoner.expect("an answer"), None);
        let ranks = riot.league_entries_by_puuid(&caller, Platform::Euw1, &puuid()).await;
        assert_eq!(ranks.expect("an answer"), []);
        let ids = riot.match_ids(&caller, Region::Europe, &puuid(), &query).await;
        assert_eq!(ids.expect("an answer"), None);
        let game = riot.match_by_id(&caller, &match_id("EUW1_1")).await;
        assert_eq!(game.expect("an answer"), None);
    }
}

#[tokio::test]
async fn a_page_of_more_than_a_hundred_and_a_match_of_no_region_cost_no_request() {
    let server = Server::start(|_, _| status(500, "")).await;
    let riot = client(&server);
    let query = MatchIdsQuery { count: 101, ..MatchIdsQuery::default() };
    let ids = riot.match_ids(&Caller::default(), Region::Europe, &puuid(), &query).await;
    assert!(matches!(ids, Err(RiotError::Invalid(_))));
    let game = riot.match_by_id(&Caller::default(), &match_id("ESPORTSTMNT01_1")).await;
    assert_eq!(game.expect("no request"), None);
    assert_eq!(server.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lobby_where_nobody_played_is_no_match() {
    let body = MATCH.split_at(MATCH.find("{\"championId").expect("there")).0.to_owned() + "]}}";
    let server = Server::start(move |_, _| ok(body.clone())).await;
    let game = client(&server).match_by_id(&Caller::default(), &match_id("EUW1_1")).await;
    assert_eq!(game.expect("an answer"), None);
}

#[tokio::test]
async fn compressed_answers_are_read() {
    // `["KR_1"]`
    let body: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 139, 86, 242, 14, 138, 55, 84, 138, 5, 0, 114, 133, 175,
        22, 8, 0, 0, 0,
    ];
    let server = Server::start(move |_, _| ok(body).with("Content-Encoding", "gzip")).await;
    let query = MatchIdsQuery::default();
    let ids = client(&server).match_ids(&Caller::default(), Region::Asia, &puuid(), &query).await;
    assert_eq!(ids.expect("an answer").expect("known"), [match_id("KR_1")]);
}

#[test]
fn a_bad_configuration_is_refused_with_what_is_wrong() {
    let refused =
        |config: RiotClientConfig| RiotClient::new(config).expect_err("not valid").to_string();
    let default = RiotClientConfig::default;
    let base_url = "https://euw1.api.riotgames.com".to_owned();
    assert!(refused(RiotClientConfig { base_url, ..default() }).contains("{route}"));
    for usage_factor in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(refused(RiotClientConfig { usage_factor, ..default() }).contains("usage factor"));
    }
    let api_key = Some("RGAPI-\u{7}-secret".into());
    let error = refused(RiotClientConfig { api_key, ..default() });
    assert!(error.contains("key") && !error.contains("secret"), "{error}");
}
