//! The route table, walked: what must hold of every route.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use riftwatch_domain::access::Role;
use riftwatch_http::{ROUTES, Route, openapi};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness};

/// A path with arguments that can be, of things that are not there.
pub(crate) fn concrete(route: &Route) -> String {
    route
        .path
        .trim_end_matches('/')
        .replace("{job_id}", "99")
        .replace("{execution_id}", "99")
        .replace("{assessment_id}", "99")
        .replace("{analysis_id}", "99")
        .replace("{puuid}", "nobody")
        .replace("{match_id}", "EUW1_99")
}

pub(crate) fn method(route: &Route) -> Method {
    Method::from_bytes(route.method.as_str().as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_the_same_with_and_without_a_slash() {
    let api = Harness::new().await;
    for route in ROUTES {
        let path = concrete(route);
        let ask = async |path: &str| {
            Answer::of(api.request(method(route), path).json(&json!({ "surprise": 1 }))).await
        };
        let (bare, slashed) = (ask(&path).await, ask(&format!("{path}/")).await);
        let name = format!("{} {path}", route.method);
        assert_eq!(bare.brief(), slashed.brief(), "{name}");
        assert!(bare.status.as_u16() < 500, "{name}: {}", bare.shown());
        assert_ne!(bare.code(), "not_found", "{name}");
        assert_ne!(bare.code(), "method_not_allowed", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_unknown_keys_of_the_query() {
    let api = Harness::new().await;
    for route in ROUTES {
        let path = format!("{}?surprise=1", concrete(route));
        let refused = Answer::of(api.request(method(route), &path).json(&json!({}))).await;
        assert_eq!(refused.brief(), "400 unknown_field surprise", "{} {path}", route.method);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_other_methods_and_names_its_own() {
    let api = Harness::new().await;
    for route in ROUTES {
        let refused = Answer::of(api.request(Method::OPTIONS, &concrete(route))).await;
        assert_eq!(refused.brief(), "405 method_not_allowed -", "{}", route.path);
        let allowed = refused.header("allow").to_owned();
        assert!(allowed.contains(route.method.as_str()), "{}: {allowed}", route.path);
        if route.method == "GET" {
            let head = Answer::of(api.request(Method::HEAD, &concrete(route))).await;
            assert_ne!(head.status, 405, "{}", route.path);
            assert_eq!(head.text, "", "{}", route.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_foreign_pages() {
    let api = Harness::new().await;
    for route in ROUTES {
        let request = api.request(method(route), &concrete(route)).json(&json!({}));
        let refused = Answer::of(request.header("Origin", "https://example.com")).await;
        assert_eq!(refused.brief(), "403 foreign_origin -", "{}", route.path);
    }
}

#[test]
fn whoever_changes_something_needs_a_role_that_may() {
    for route in ROUTES {
        if route.method != "GET" {
            assert!(route.needs >= Some(Role::Operator), "{} {}", route.method, route.path);
        }
        if route.needs.is_none() {
            assert!(!route.path.starts_with("/api/"), "{}", route.path);
        }
    }
}

#[test]
fn the_description_has_the_routes_of_the_table_and_no_others() {
    let description = serde_json::to_value(openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routes: BTreeSet<String> =
        ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(described, routes);
}

#[test]
fn the_committed_description_is_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let ours = openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &ours).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let (ours, committed): (Value, Value) = (
        serde_json::from_str(&ours).unwrap(),
        serde_json::from_str(&committed).unwrap_or_default(),
    );
    assert!(ours == committed, "docs/openapi.json is old: run this test with UPDATE=1");
}
