//! Another key of the Riot API, while the program runs.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::Method;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use riftwatch_http::{ApiState, RiotKeySwitch};
use riftwatch_riot::api::{CallClass, Caller, RiotApi as _};
use riftwatch_riot::client::{RiotClient, RiotClientConfig};
use serde_json::json;

use crate::harness::Harness;

const GOOD: &str = "RGAPI-00000000-0000-0000-0000-00000000900d";

/// A Riot API that takes one key and knows nobody; where it is.
fn riot() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/{{route}}", listener.local_addr().unwrap());
    let answer = async |req: HttpRequest| {
        let key = req.headers().get("X-Riot-Token").and_then(|key| key.to_str().ok());
        match key {
            Some(GOOD) => {
                HttpResponse::NotFound().json(json!({ "status": { "status_code": 404 } }))
            }
            _ => HttpResponse::Unauthorized().json(json!({ "status": { "status_code": 401 } })),
        }
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(answer)));
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    base_url
}

fn switch(base_url: &str) -> RiotKeySwitch {
    let config = RiotClientConfig {
        base_url: base_url.to_owned(),
        api_key: Some("RGAPI-00000000-0000-0000-0000-0000000001d1".into()),
        ..RiotClientConfig::default()
    };
    RiotKeySwitch { client: RiotClient::new(config.clone()).unwrap(), config }
}

async fn is_taken(switch: &RiotKeySwitch) -> bool {
    let nobody = RiotId { game_name: "a".to_owned(), tag_line: "b".to_owned() };
    let caller = Caller::new(CallClass::Interactive);
    switch.client.account_by_riot_id(&caller, Platform::Euw1.region(), &nobody).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_tried_sealed_and_used_in_every_process() {
    let base_url = riot();
    let (here, there) = (switch(&base_url), switch(&base_url));
    let with = |switch: &RiotKeySwitch, state: ApiState| ApiState {
        riot_client: Some(switch.client.clone()),
        riot_key: Some(switch.clone()),
        ..state
    };
    let api = Harness::with_state(|state| with(&here, state)).await;
    // Another process on the same database, with the same sealing key.
    api.beside_with(|state| with(&there, state));

    let path = "/api/v1/settings/riot_api_key";
    let before = api.get(path).await;
    assert_eq!(before.body["source"], "environment");
    assert_eq!(before.body["masked"], "RGAPI-…01d1");
    assert!(!is_taken(&here).await);
    let tested = api.post(&format!("{path}/test")).await;
    assert_eq!(tested.body["taken"], false, "{}", tested.text);

    let put = async |key: &str| api.send(Method::PUT, path, json!({ "key": key })).await;
    assert_eq!(put("RGAPI-wrong-wrong-wrong-wrong").await.brief(), "422 key_not_taken key");
    assert_eq!(put(" ").await.brief(), "422 validation_failed key");
    let set = put(GOOD).await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(
        (&set.body["source"], &set.body["masked"]),
        (&json!("stored"), &json!("RGAPI-…900d"))
    );
    assert!(!set.text.contains(GOOD) && !api.dump("settings").await.contains(GOOD));
    assert!(!api.dump("audit_log").await.contains(GOOD));

    assert!(is_taken(&here).await, "the next call uses it");
    assert_eq!(api.post(&format!("{path}/test")).await.body["taken"], true);
    let mut other = is_taken(&there).await;
    for _ in 0..200 {
        if other {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        other = is_taken(&there).await;
    }
    assert!(other, "the other process uses it");

    let forgotten = api.delete(path).await;
    assert_eq!(forgotten.body["source"], "environment");
    assert!(!is_taken(&here).await);
}
