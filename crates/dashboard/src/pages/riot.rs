//! What the Riot key may still do, route by route, and the processes that do it.

use std::time::Duration;

use actix_web::HttpResponse;
use askama::Template;
use riftwatch_riot::limiter::{RouteSnapshot, WindowSnapshot};
use riftwatch_runner::manage::{self, Worker};

use crate::charts::gauge;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// One window of a limit.
#[derive(Debug)]
pub(crate) struct WindowRow {
    pub(crate) gauge: Markup,
    /// `12 of 100 in 2 min`.
    pub(crate) words: String,
    /// Used by others under the same key, when somebody does.
    pub(crate) others: Option<String>,
}

/// A method on a route.
#[derive(Debug)]
pub(crate) struct MethodRow {
    pub(crate) name: &'static str,
    pub(crate) windows: Vec<WindowRow>,
    pub(crate) known: bool,
    pub(crate) blocked: Option<String>,
    pub(crate) waiting: usize,
    pub(crate) sent: String,
    pub(crate) refused: String,
}

/// A route.
#[derive(Debug)]
pub(crate) struct RouteRow {
    pub(crate) name: &'static str,
    pub(crate) known: bool,
    pub(crate) windows: Vec<WindowRow>,
    /// Whether nothing is free now.
    pub(crate) used_up: bool,
    /// When something is free again; `None`: now.
    pub(crate) next_free: Option<String>,
    pub(crate) blocked: Option<String>,
    pub(crate) waiting: usize,
    pub(crate) waiting_words: String,
    pub(crate) in_flight: u32,
    pub(crate) sent: String,
    pub(crate) refused: String,
    pub(crate) methods: Vec<MethodRow>,
}

fn ago(wait: Duration) -> Option<String> {
    (!wait.is_zero()).then(|| format!("in {}", words::duration(wait.as_secs_f64().max(0.1))))
}

#[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
fn window(window: &WindowSnapshot) -> WindowRow {
    let period = words::duration(window.period.as_secs_f64());
    let said = format!("{} of {} in {period}", window.held + window.foreign, window.limit);
    WindowRow {
        gauge: gauge(window.held as f64, window.foreign as f64, f64::from(window.limit), &said),
        others: (window.foreign > 0).then(|| format!("{} by others", window.foreign)),
        words: said,
    }
}

fn route(snapshot: &RouteSnapshot) -> RouteRow {
    let refused = snapshot.refusals();
    let waiting = snapshot.waiting();
    let next = snapshot
        .windows
        .iter()
        .filter(|window| window.free == 0)
        .map(|window| window.next_free_in)
        .chain([snapshot.blocked_for])
        .max()
        .unwrap_or_default();
    let count = |number: u64| words::count(i64::try_from(number).unwrap_or(i64::MAX));
    RouteRow {
        name: snapshot.route.as_str(),
        known: snapshot.limits_known,
        windows: snapshot.windows.iter().map(window).collect(),
        used_up: !next.is_zero(),
        next_free: ago(next),
        blocked: ago(snapshot.blocked_for),
        waiting: waiting.total(),
        waiting_words: format!(
            "{} of people, {} to keep current, {} for the past",
            waiting.interactive, waiting.refresh, waiting.backfill
        ),
        in_flight: snapshot.in_flight,
        sent: count(snapshot.sent()),
        refused: count(refused.total()),
        methods: snapshot
            .methods
            .iter()
            .map(|method| MethodRow {
                name: method.method,
                windows: method.windows.iter().map(window).collect(),
                known: method.limits_known,
                blocked: ago(method.blocked_for),
                waiting: method.waiting.total(),
                sent: count(method.sent),
                refused: count(method.refusals.total()),
            })
            .collect(),
    }
}

/// Every route that this process has used. None without a client of its own.
pub(crate) fn routes(cx: &Cx) -> Vec<RouteRow> {
    let client = cx.api().riot_client.as_ref();
    client.map_or_else(Vec::new, |client| client.limits().routes.iter().map(route).collect())
}

#[derive(Template)]
#[template(path = "riot.html")]
struct Page {
    shell: Shell,
    routes: Vec<RouteRow>,
    has_client: bool,
    key_refused: bool,
    workers: Vec<(Worker, Markup, Markup, bool)>,
}

/// `GET /riot`
pub(crate) async fn show(cx: Cx) -> Result<HttpResponse, PageError> {
    let workers = manage::workers(cx.db()).await?;
    let now = cx.now();
    let own = cx.api().runner.as_ref().map(|runner| runner.worker_id());
    let client = cx.api().riot_client.as_ref();
    let page = Page {
        shell: cx.live(Section::Riot, "Riot budget and workers"),
        routes: routes(&cx),
        has_client: client.is_some(),
        key_refused: client.is_some_and(|client| client.key_refused()),
        workers: workers
            .into_iter()
            .map(|worker| {
                let started = words::when(worker.started_at, now);
                let beat = words::when(worker.heartbeat_at, now);
                let ours = Some(worker.id) == own;
                (worker, started, beat, ours)
            })
            .collect(),
    };
    cx.page(&page)
}
