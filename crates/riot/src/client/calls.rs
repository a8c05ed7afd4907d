//! A call: as many requests as it takes to have an answer, each at its turn in the budget.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderName;
use reqwest::{Method, Request};
use riftwatch_domain::routing::Route;
use tokio::time::{Instant, sleep};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, trace_span, warn};

use super::RiotClient;
use super::attempt::{Reply, TooLarge, send};
use super::health::Resting;
use super::key::{Key, Refusal};
use crate::api::Caller;
use crate::endpoints::{MATCH_BY_ID, Resource};
use crate::error::{LimitScope, RiotError};
use crate::limiter::Permit;

const KEY_HEADER: HeaderName = HeaderName::from_static("x-riot-token");
/// The pause before a failed request is repeated is a random part of this, doubled each time …
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A call that Riot refuses so often for its limits is given up, however patient the caller: the
/// job can save its progress and come back.
const REFUSALS: u32 = 8;

/// An answer, sorted by what to do next.
enum Read {
    Body(Bytes),
    NotFound,
    Refused { scope: LimitScope, retry_after: Duration },
    Failed { status: u16 },
}

impl RiotClient {
    /// Asks until there is an answer, or no hope of one. `None`: not found.
    pub(super) async fn get(
        &self,
        caller: &Caller,
        route: Route,
        resource: &Resource<'_>,
    ) -> Result<Option<Bytes>, RiotError> {
        // For traces. Without the path: puuids and names are in it.
        let span = trace_span!(
            target: "riftwatch_trace",
            "riot.call",
            otel.kind = "client",
            riot.endpoint = resource.endpoint,
            riot.route = %route,
            http.method = "GET",
            http.status = Empty,
            waited_ms = Empty,
            error = Empty,
        );
        let answer = self.ask(caller, route, resource).instrument(span.clone()).await;
        if answer.is_err() {
            span.record("error", true);
        }
        answer
    }

    async fn ask(
        &self,
        caller: &Caller,
        route: Route,
        resource: &Resource<'_>,
    ) -> Result<Option<Bytes>, RiotError> {
        if !resource.is_sendable() {
            return Ok(None);
        }
        let endpoint = resource.endpoint;
        let mut failures = 0;
        let mut refusals = 0;
        let mut refused_by = LimitScope::Local;
        let mut waited = Duration::ZERO;
        let admit = || self.0.health.admit(route, endpoint).map_err(|rests| rests.error(endpoint));
        let mut admission = admit()?;
        loop {
            let asked = Instant::now();
            let turn = self.turn(caller, route, endpoint, refused_by).await;
            waited += asked.elapsed();
            Span::current().record("waited_ms", i64::try_from(waited.as_millis()).ok());
            let (permit, key) = turn?;
            let request = self.request(route, resource, &key);
            let counted = caller.clone();
            let count = move || counted.count_request();
            let attendance = permit.attendance();
            let sent = tokio::spawn(send(self.0.http.clone(), request, permit, count)).await;
            drop(attendance);
            let failure = match sent {
                // The turn was over: nothing was sent, and there will be another.
                Ok(Ok(None)) => continue,
                Ok(Ok(Some(reply))) => match self.read(route, resource, reply, &key)? {
                    Read::Body(body) => return Ok(Some(body)),
                    Read::NotFound => return Ok(None),
                    Read::Refused { scope, retry_after } => {
                        refusals += 1;
                        refused_by = scope;
                        if refusals == REFUSALS {
                            return Err(RiotError::RateLimited { scope, retry_after });
                        }
                        // The limiter knows of it, and when the next turn can be.
                        continue;
                    }
                    Read::Failed { status } => RiotError::Upstream { endpoint, status },
                },
                Ok(Err(source)) if source.is::<TooLarge>() => {
                    return Err(RiotError::Decode { endpoint, path: "the end".to_owned(), source });
                }
                Ok(Err(source)) => RiotError::Transport { endpoint, source },
                // The runtime is shutting down.
                Err(stopped) => {
                    return Err(RiotError::Transport { endpoint, source: stopped.into() });
                }
            };
            let status = match &failure {
                RiotError::Upstream { status, .. } => Some(*status),
                _ => None,
            };
            self.0.health.failed(route, endpoint, status);
            drop(admission);
            failures += 1;
            if failures >= self.0.health.tries(route, endpoint) {
                return Err(failure);
            }
            debug!(%route, endpoint, failures, "{failure}, trying again");
            let longest = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(failures - 1));
            sleep(longest.mul_f64(rand::random())).await;
            admission = admit()?;
        }
    }

    /// Waits for a turn, as long as the caller has patience and the key is good.
    async fn turn(
        &self,
        caller: &Caller,
        route: Route,
        endpoint: &'static str,
        refused_by: LimitScope,
    ) -> Result<(Permit, Key), RiotError> {
        let deadline = caller.patience().and_then(|patience| Instant::now().checked_add(patience));
        loop {
            let key = self.0.keys.current()?;
            let limiter = self.limiter();
            let (class, job) = (caller.class(), caller.job());
            let permit = tokio::select! {
                permit = limiter.acquire(route, endpoint, class, job, deadline) => permit
                    .map_err(|retry_after| RiotError::RateLimited {
                        scope: refused_by,
                        retry_after,
                    })?,
                () = self.0.keys.ended(&key) => continue,
            };
            // A permit of one key's limits is none for another key.
            if self.0.keys.is_current(&key) {
                return Ok((permit, key));
            }
        }
    }

    fn request(&self, route: Route, resource: &Resource<'_>, key: &Key) -> Request {
        let mut url = self.0.base_url.join(route, &resource.path);
        if !resource.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&resource.query);
        }
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(KEY_HEADER, key.header.clone());
        request
    }

    /// What an answer means.
    fn read(
        &self,
        route: Route,
        resource: &Resource<'_>,
        reply: Reply,
        key: &Key,
    ) -> Result<Read, RiotError> {
        let endpoint = resource.endpoint;
        let Reply { status, answer, body } = reply;
        Span::current().record("http.status", status);
        debug!(%route, endpoint, status, bytes = body.len(), "riot answered {status}");
        if let Some((scope, retry_after)) = answer.refusal() {
            warn!(%route, endpoint, ?scope, ?retry_after, "riot answered 429 to {endpoint}");
            return Ok(Read::Refused {
                scope: scope.unwrap_or(LimitScope::Service),
                retry_after: retry_after.unwrap_or(Duration::from_secs(1)),
            });
        }
        if (500..600).contains(&status) || status == 408 {
            return Ok(Read::Failed { status });
        }
        match status {
            400 | 402 | 405..=499 => self.0.health.refused(route, endpoint, status),
            _ => self.0.health.answered(route, endpoint),
        }
        if !matches!(status, 401 | 403) {
            self.0.keys.vouch(key);
        }
        match status {
            200 => Ok(Read::Body(body)),
            204 | 404 => Ok(Read::NotFound),
            400 if is_foreign_puuid(&body) => Err(RiotError::ForeignPuuid { endpoint }),
            400 => Err(RiotError::BadRequest { endpoint }),
            401 => {
                self.0.keys.refuse(key, Refusal::Unauthorized);
                Err(RiotError::Unauthorized)
            }
            403 if endpoint == MATCH_BY_ID => {
                self.0.keys.forbidden(key, resource.path.last().copied().unwrap_or_default());
                Err(RiotError::PrivateMatch)
            }
            403 => {
                self.0.keys.refuse(key, Refusal::Forbidden { endpoint });
                Err(RiotError::Forbidden { endpoint })
            }
            status => {
                warn!(%route, endpoint, status, "riot answered {endpoint} with status {status}");
                Err(RiotError::Upstream { endpoint, status })
            }
        }
    }
}

impl Resting {
    fn error(self, endpoint: &'static str) -> RiotError {
        match self.status {
            Some(status) => RiotError::Upstream { endpoint, status },
            None => RiotError::Transport { endpoint, source: self.into() },
        }
    }
}

/// `{"status":{"message":"Bad Request - Exception decrypting …","status_code":400}}`: a puuid is
/// encrypted for each key, and this one was not for ours.
fn is_foreign_puuid(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).to_ascii_lowercase().contains("exception decrypting")
}
