//! A line in the audit log for each request that wants to change something, also for those that
//! are refused.
//!
//! What the job runtime does, it records itself, with the difference: those requests say so
//! ([`Acting`]). For everything else the line is written here, before the answer is sent.

use std::future::{Ready, ready};

use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};
use riftwatch_domain::causes::chain;
use riftwatch_domain::player::Puuid;
use riftwatch_runner::manage::Actor;
use riftwatch_store::Db;
use riftwatch_store::api_tokens::SecretHash;
use riftwatch_store::audit_log::{self, NewEntry};
use serde_json::{Map, Value};

use crate::access::Principal;
use crate::error::ApiError;

/// Who acts on a job. An extractor for handlers that call `riftwatch_runner::manage`, which
/// records what it does and refuses: a handler that takes it leaves its success to the runtime.
#[derive(Debug, Clone)]
pub struct Acting(pub Actor);

#[derive(Clone, Copy)]
struct LeftToRuntime;

/// What a handler wants to be said about what was done.
#[derive(Default)]
struct Notes(Map<String, Value>);

impl FromRequest for Acting {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        req.extensions_mut().insert(LeftToRuntime);
        let principal = Principal::from_request(req, payload).into_inner();
        ready(principal.map(|principal| Self(principal.actor())))
    }
}

/// Adds something to the line about a request. No secrets, and nothing about persons that would
/// outlive their erasure: see [`note_player`].
pub(crate) fn note(req: &HttpRequest, key: &str, value: impl Into<Value>) {
    let mut extensions = req.extensions_mut();
    if !extensions.contains::<Notes>() {
        extensions.insert(Notes::default());
    }
    if let Some(notes) = extensions.get_mut::<Notes>() {
        notes.0.insert(key.to_owned(), value.into());
    }
}

/// Notes which player it was about, by a mark: whoever has the puuid finds the line, and the line
/// gives no puuid away.
pub(crate) fn note_player(req: &HttpRequest, puuid: &Puuid) {
    note(req, "player", mark(puuid.as_str()));
}

fn mark(puuid: &str) -> String {
    SecretHash::of(puuid).hex()[..16].to_owned()
}

/// Writes the line, if the request is one that wants a line. `error`: why it was refused.
pub(crate) async fn record(db: &Db, response: &ServiceResponse, error: Option<&ApiError>) {
    let req = response.request();
    let status = response.status();
    // Without a pattern there is no such path, and with another method no such act.
    let Some(pattern) = req.match_pattern() else { return };
    let nothing = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::TOO_MANY_REQUESTS];
    if matches!(*req.method(), Method::GET | Method::HEAD) || nothing.contains(&status) {
        return;
    }
    let done = !(status.is_client_error() || status.is_server_error());
    let left_to_runtime = req.extensions().get::<LeftToRuntime>().is_some();
    let recorded = error.is_none_or(ApiError::is_recorded);
    if left_to_runtime && recorded {
        return;
    }
    let principal = req.extensions().get::<Principal>().cloned();
    let actor = principal.as_ref().map_or("nobody", |principal| principal.name.as_str());
    let action = format!("{} {}", req.method(), pattern.trim_end_matches('/'));
    let mut details = Map::new();
    details.insert("status".to_owned(), status.as_u16().into());
    if let Some(puuid) = req.match_info().get("puuid") {
        details.insert("player".to_owned(), mark(puuid).into());
    }
    if let Some(notes) = req.extensions_mut().remove::<Notes>() {
        details.extend(notes.0);
    }
    let id = |name| req.match_info().get(name).and_then(|text| text.parse().ok());
    let reason = error.map(ToString::to_string);
    let entry = NewEntry {
        actor,
        action: &action,
        outcome: if done { "done" } else { "refused" },
        job_id: id("job_id"),
        job_name: None,
        execution_id: id("execution_id"),
        difference: details.into(),
        reason: reason.as_deref(),
    };
    let written = async { audit_log::record(&mut *db.get().await?, &entry).await };
    if let Err(error) = written.await {
        tracing::warn!(error = chain(&error), %action, "an act was not recorded in the audit log");
    }
}
