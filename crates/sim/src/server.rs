//! The HTTP side: who asks, whether they may, what goes wrong, and the answer.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use riftwatch_domain::clock::Clock;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::{Platform, Route};

use crate::admin;
use crate::answers::{self, Answer};
use crate::calls::{self, Call};
use crate::config::{HeaderStyle, Latency, SimConfig, SimError};
use crate::dice::{Dice, Stream};
use crate::faults::{Fault, FaultRule, FaultScope, Faults};
use crate::limits::Limits;
use crate::replay::Recorded;
use crate::reply::{End, JSON, Reply};
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
    pub(crate) headers: HeaderStyle,
    latency: Option<Latency>,
    pub(crate) gzip: bool,
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
    /// The only key that is taken; `None` takes any.
    api_key: Option<String>,
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
        let now_us = config.clock.now().timestamp_micros();
        let edge = Edge {
            limiter: RateLimiter::new(config.limits.clone(), config.window_model, config.ban),
            faults: Faults::new(config.seed, config.faults.clone(), now_us),
            api_key: config.api_key.clone(),
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
        let now_us = self.shared.now_us();
        self.shared.edge().faults.replace(rules, now_us);
    }

    /// Another key from now on, the only one that is taken; `None` takes any.
    pub fn set_key(&self, key: Option<&str>) {
        self.shared.set_key(key.map(str::to_owned));
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

    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    pub(crate) fn set_key(&self, key: Option<String>) {
        self.edge().api_key = key;
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
    let is_taken = shared.edge().api_key.as_deref().is_none_or(|only| only == key);
    if !is_taken {
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
    let query = fault.as_ref().and_then(|fault| fault.query(request.query_string()));
    let query = query.as_deref().unwrap_or(request.query_string());
    let proper = match verdict.refusal {
        _ if verdict.is_banned => Reply::new(Answer::error(403, "Forbidden")),
        Some((scope, after_s)) => Reply::rate_limited(scope.as_str(), Some(after_s)),
        None => Reply::new(shared.answer(route, &call, query, key)),
    };
    let reply = match fault {
        Some(fault) => proper.spoilt(fault, shared.clock.now()),
        None => proper,
    };
    count_status(shared, reply.status());
    if reply.end == End::Never {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    reply.send(request, shared, &verdict)
}

pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

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
    edge.stats.sent_while_banned += u64::from(verdict.is_banned);
    let mut fault = None;
    match verdict.refusal {
        Some((Scope::Application, _)) => edge.stats.violations.application += 1,
        Some((Scope::Method, _)) => edge.stats.violations.method += 1,
        None if verdict.is_banned => {}
        None => fault = edge.faults.befall(call.method(), request.path(), now_us),
    }
    let is_service_limit = matches!(
        fault,
        Some(
            Fault::RateLimited { scope: FaultScope::Service, .. }
                | Fault::NoRetryAfter { scope: FaultScope::Service }
                | Fault::BareRateLimited
        )
    );
    edge.stats.violations.service += u64::from(is_service_limit);
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
