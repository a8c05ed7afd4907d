//! The HTTP side: who asks, whether they may, what goes wrong, and the answer.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::{Platform, Route};

use crate::admin;
use crate::answers::{self, Answer};
use crate::calls::{self, Call};
use crate::config::{HeaderStyle, Latency, SimConfig, SimError};
use crate::dice::{Dice, Stream};
use crate::faults::{Fault, FaultRule, FaultScope, Faults};
use crate::limits::{Limit, Limits};
use crate::replay::Recorded;
use crate::stats::SimStats;
use crate::truth::{self, Truth};
use crate::windows::{RateLimiter, Scope, Verdict};
use crate::world::World;

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A running simulator. Dropped, it stops without waiting.
#[derive(Debug)]
pub struct SimHandle {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: ServerHandle,
    task: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) source: Source,
    clock: Clock,
    api_key: Option<String>,
    headers: HeaderStyle,
    latency: Option<Latency>,
    gzip: bool,
    edge: Mutex<Edge>,
}

#[derive(Debug)]
pub(crate) enum Source {
    World(World),
    Recorded(Recorded),
}

/// What every call changes, behind one short lock.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) limiter: RateLimiter,
    pub(crate) faults: Faults,
    stats: SimStats,
    delays: Dice,
}

impl Simulator {
    /// Generates the world (or loads the recorded answers) and listens. Needs a tokio runtime of
    /// either kind; several simulators may run in a process.
    ///
    /// # Errors
    ///
    /// [`SimError`] says which setting, file or address is at fault.
    pub async fn start(config: SimConfig) -> Result<SimHandle, SimError> {
        config.check()?;
        let bind = |source| SimError::Bind { addr: config.bind, source };
        let listener = TcpListener::bind(config.bind).map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let edge = Edge {
            limiter: RateLimiter::new(config.limits.clone(), config.window_model),
            faults: Faults::new(config.seed, config.faults.clone()),
            stats: SimStats::default(),
            delays: Dice::new(config.seed, Stream::Latency, 0, 0),
        };
        let (workers, world_config) = (config.workers.max(1), config.clone());
        let source = tokio::task::spawn_blocking(move || match &world_config.replay {
            Some(folder) => Recorded::load(folder).map(Source::Recorded),
            None => Ok(Source::World(World::new(&world_config))),
        })
        .await
        .map_err(|error| SimError::Start(std::io::Error::other(error)))??;
        let shared = Arc::new(Shared {
            source,
            clock: config.clock,
            api_key: config.api_key,
            headers: config.headers,
            latency: config.latency,
            gzip: config.gzip,
            edge: Mutex::new(edge),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::to(handle))
        })
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)
        .map_err(SimError::Start)?
        .run();
        let handle = server.handle();
        let task = tokio::spawn(server);
        tracing::info!(%addr, "simulated Riot API listens on http://{addr}");
        Ok(SimHandle { addr, shared, server: handle, task: Some(task) })
    }
}

impl SimHandle {
    /// What to give a client as base URL; `{route}` stands for the routing value.
    pub fn base_url(&self) -> String {
        format!("http://{}/{{route}}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has counted so far.
    pub fn stats(&self) -> SimStats {
        self.shared.stats()
    }

    /// Riot IDs of ranked players that stay, busiest first. The same world gives the same ones.
    pub fn some_riot_ids(&self, n: usize) -> Vec<(RiotId, Platform)> {
        match &self.shared.source {
            Source::World(world) => world.busiest(n),
            Source::Recorded(recorded) => recorded.busiest(n),
        }
    }

    /// The labels, with puuids as every key sees them (as the empty key sees them where each key has its
    /// own). Empty for recorded answers.
    pub fn truth(&self) -> Vec<Truth> {
        match &self.shared.source {
            Source::World(world) => truth::all(world, ""),
            Source::Recorded(_) => Vec::new(),
        }
    }

    /// New limits for everybody; counting begins anew.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.edge().limiter.set_limits(limits);
    }

    /// Other faults from now on.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.shared.edge().faults.replace(rules);
    }

    /// Stops listening, breaks off what is under way, and waits until it has ended.
    pub async fn stop(mut self) {
        self.server.stop(false).await;
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the simulator's server ended badly");
        }
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        if self.task.is_some() {
            // The order to stop is given here; its future only waits for the end.
            drop(self.server.stop(false));
        }
    }
}

impl Shared {
    pub(crate) fn edge(&self) -> MutexGuard<'_, Edge> {
        self.edge.lock().expect("no one panics while holding this lock")
    }

    fn now_us(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    pub(crate) fn stats(&self) -> SimStats {
        let now_us = self.now_us();
        let edge = self.edge();
        SimStats { utilisation: edge.limiter.utilisation(now_us), ..edge.stats.clone() }
    }

    fn answer(&self, route: Route, call: &Call, query: &str, key: &str) -> Answer {
        match &self.source {
            Source::World(world) => answers::answer(world, route, call, query, key),
            Source::Recorded(recorded) => recorded.answer(route, call, query),
        }
    }
}

async fn handle(request: HttpRequest, body: Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let mut segments = calls::segments(request.path());
    if segments.first().is_some_and(|first| first == "sim") {
        return admin::answer(&request, &segments[1..], &body, &shared);
    }
    let by_path = segments.first().and_then(|first| calls::route(first));
    let route = match by_path {
        Some(route) => {
            segments.remove(0);
            Some(route)
        }
        None => by_host(&request),
    };
    serve(&request, route, &segments, &shared).await
}

/// The route of `Host: euw1.api…`.
fn by_host(request: &HttpRequest) -> Option<Route> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    calls::route(host.split(['.', ':']).next()?)
}

async fn serve(
    request: &HttpRequest,
    route: Option<Route>,
    segments: &[String],
    shared: &Shared,
) -> HttpResponse {
    let refuse = |status: u16, message: &str| {
        shared.edge().stats.requests += 1;
        count_status(shared, status);
        respond(Answer::error(status, message))
    };
    if request.method() != Method::GET {
        return refuse(405, "Method not allowed");
    }
    let key = request.headers().get("x-riot-token").and_then(|key| key.to_str().ok());
    let key = key.map(str::trim).filter(|key| !key.is_empty());
    let Some(key) = key else { return refuse(401, "Unauthorized") };
    if shared.api_key.as_deref().is_some_and(|only| only != key) {
        return refuse(401, "Unknown apikey");
    }
    let Some((route, call)) = route.and_then(|route| Some((route, calls::call(route, segments)?)))
    else {
        return refuse(404, "Data not found");
    };
    let (verdict, fault, delay) = judge(request, shared, key, route, &call);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let proper = match verdict.refusal {
        Some((scope, after_s)) => Reply {
            limited_by: Some(scope.as_str()),
            retry_after_s: Some(after_s),
            ..Reply::new(Answer::error(429, "Rate limit exceeded"))
        },
        None => Reply::new(shared.answer(route, &call, request.query_string(), key)),
    };
    let reply = match fault {
        Some(fault) => proper.spoilt(&fault),
        None => proper,
    };
    count_status(shared, reply.status());
    if reply.end == End::Never {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    reply.send(request, shared, &verdict)
}

/// An answer with what goes around it.
struct Reply {
    answer: Answer,
    content_type: &'static str,
    limited_by: Option<&'static str>,
    retry_after_s: Option<u32>,
    tells_limits: bool,
    end: End,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Arrives,
    /// The connection closes instead.
    Breaks,
    /// Nothing comes while anybody waits.
    Never,
}

impl Reply {
    fn new(answer: Answer) -> Self {
        Self {
            answer,
            content_type: JSON,
            limited_by: None,
            retry_after_s: None,
            tells_limits: true,
            end: End::Arrives,
        }
    }

    /// What a fault makes of it.
    fn spoilt(mut self, fault: &Fault) -> Self {
        let page = |status: u16| Self {
            content_type: HTML,
            ..Self::new(Answer { status, body: Bytes::from_static(ERROR_PAGE) })
        };
        match *fault {
            Fault::Slow { .. } => self,
            Fault::RateLimited { scope, retry_after } => Self {
                limited_by: Some(scope.as_str()),
                retry_after_s: Some(retry_after),
                ..Self::new(Answer::error(429, "Rate limit exceeded"))
            },
            Fault::BareRateLimited => Self::new(Answer::error(429, "Service rate limit exceeded")),
            Fault::ServerError { status } => page(status),
            Fault::NotJson => page(200),
            Fault::EmptyBody => Self::new(Answer { status: 200, body: Bytes::new() }),
            Fault::TruncatedJson => {
                self.answer.body.truncate(self.answer.body.len() / 2);
                self
            }
            Fault::Reset => Self { end: End::Breaks, ..self },
            Fault::Hang => Self { end: End::Never, ..self },
            Fault::Forbidden => Self::new(Answer::error(403, "Forbidden")),
            Fault::KeyExpired => Self::new(Answer::error(401, "Unknown apikey")),
            Fault::NoLimitHeaders => Self { tells_limits: false, ..self },
        }
    }

    /// The status that is counted: 0 where none arrives.
    fn status(&self) -> u16 {
        if self.end == End::Arrives { self.answer.status } else { 0 }
    }

    fn send(self, request: &HttpRequest, shared: &Shared, verdict: &Verdict) -> HttpResponse {
        let mut response = HttpResponse::build(status_code(self.answer.status));
        response.insert_header((header::CONTENT_TYPE, self.content_type));
        if self.tells_limits {
            tell_limits(&mut response, shared.headers, verdict);
        }
        if let Some(scope) = self.limited_by {
            response.insert_header(("X-Rate-Limit-Type", scope));
        }
        if let Some(after_s) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, after_s));
        }
        if self.end != End::Arrives {
            // A body that fails at once takes the head that waits before it along.
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            return response.streaming(futures::stream::iter([Err::<Bytes, _>(broken)]));
        }
        let accepts = request.headers().get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
        if shared.gzip && accepts.is_some_and(|accepts| accepts.contains("gzip")) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            if let Ok(packed) = encoder.write_all(&self.answer.body).and_then(|()| encoder.finish())
            {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
                return response.body(packed);
            }
        }
        response.body(self.answer.body)
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html";
const ERROR_PAGE: &[u8] =
    b"<html><head><title>Error</title></head><body>Service unavailable</body></html>";

/// Counts the call, and says what is to become of it.
fn judge(
    request: &HttpRequest,
    shared: &Shared,
    key: &str,
    route: Route,
    call: &Call,
) -> (Verdict, Option<Fault>, Duration) {
    let now_us = shared.now_us();
    let mut edge = shared.edge();
    let edge = &mut *edge;
    let verdict = edge.limiter.judge(key, route.as_str(), call.method(), now_us);
    edge.stats.requests += 1;
    match edge.stats.by_endpoint.get_mut(call.method()) {
        Some(count) => *count += 1,
        None => {
            edge.stats.by_endpoint.insert(call.method().to_owned(), 1);
        }
    }
    edge.stats.sent_while_blocked += u64::from(verdict.while_blocked);
    let mut fault = None;
    match verdict.refusal {
        Some((Scope::Application, _)) => edge.stats.violations.application += 1,
        Some((Scope::Method, _)) => edge.stats.violations.method += 1,
        None => fault = edge.faults.befall(call.method(), request.path()),
    }
    if let Some(Fault::RateLimited { scope: FaultScope::Service, .. } | Fault::BareRateLimited) =
        fault
    {
        edge.stats.violations.service += 1;
    }
    let mut delay = shared.latency.map_or(Duration::ZERO, |latency| {
        let jitter = edge.delays.exponential(latency.jitter.as_secs_f64());
        let spike =
            if edge.delays.chance(latency.spike_share) { latency.spike } else { Duration::ZERO };
        latency.base + Duration::from_secs_f64(jitter) + spike
    });
    if let Some(Fault::Slow { delay_ms }) = fault {
        delay += Duration::from_millis(delay_ms);
    }
    (verdict, fault, delay)
}

fn count_status(shared: &Shared, status: u16) {
    *shared.edge().stats.by_status.entry(status).or_default() += 1;
}

/// An answer without limits.
pub(crate) fn respond(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(status_code(answer.status));
    response.insert_header((header::CONTENT_TYPE, JSON)).body(answer.body)
}

fn tell_limits(response: &mut HttpResponseBuilder, style: HeaderStyle, verdict: &Verdict) {
    for (name, windows) in [("App", &verdict.app), ("Method", &verdict.method)] {
        let Some((limits, counts)) = limit_headers(style, windows) else { continue };
        response.insert_header((format!("X-{name}-Rate-Limit"), limits));
        response.insert_header((format!("X-{name}-Rate-Limit-Count"), counts));
    }
}

/// Limits and counts as headers tell them; `None` if they do not.
fn limit_headers(style: HeaderStyle, windows: &[(Limit, u32)]) -> Option<(String, String)> {
    let mut limits: Vec<String> = windows.iter().map(|(limit, _)| limit.to_string()).collect();
    let mut counts: Vec<String> =
        windows.iter().map(|(limit, used)| format!("{used}:{}", limit.per_s)).collect();
    match style {
        HeaderStyle::InOrder => {}
        HeaderStyle::Reversed => {
            limits.reverse();
            counts.reverse();
        }
        HeaderStyle::ShortCount => counts.truncate(1),
        HeaderStyle::Garbled => return Some(("many".to_owned(), "1:;:".to_owned())),
        HeaderStyle::Absent => return None,
    }
    Some((limits.join(","), counts.join(",")))
}
