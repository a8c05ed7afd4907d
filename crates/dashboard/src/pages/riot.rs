//! What the Riot key may still do, route by route and over all processes, and the processes that do it.

use std::time::Duration;

use actix_web::HttpResponse;
use askama::Template;
use riftwatch_riot::limiter::{
    MethodSnapshot, RouteSnapshot, SharedBudget, SharedRoute, Sharing, WindowSnapshot, read_shared,
};
use riftwatch_riot::sharing::Found;
use riftwatch_runner::manage::{self, Worker};
use riftwatch_store::riot_budgets;

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

/// A method on a route. Windows are those of all processes; what is counted is this one's.
#[derive(Debug)]
pub(crate) struct MethodRow {
    pub(crate) name: String,
    pub(crate) windows: Vec<WindowRow>,
    pub(crate) known: bool,
    pub(crate) blocked: Option<String>,
    pub(crate) waiting: usize,
    pub(crate) sent: String,
    pub(crate) refused: String,
}

/// A route. Windows and times are those of all processes; what is counted is this one's.
#[derive(Debug, Default)]
pub(crate) struct RouteRow {
    pub(crate) name: String,
    pub(crate) known: bool,
    pub(crate) windows: Vec<WindowRow>,
    /// Whether nothing is free now.
    pub(crate) used_up: bool,
    /// When something is free again; `None`: now.
    pub(crate) next_free: Option<String>,
    pub(crate) blocked: Option<String>,
    /// Who may send now, in words.
    pub(crate) turn: &'static str,
    /// Processes that wait for their turn.
    pub(crate) queue: usize,
    /// What the owner of the turn may have sent beyond what is shown.
    pub(crate) reserved: u32,
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

fn count(number: u64) -> String {
    words::count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// How long until every window has room and no refusal stops it.
fn next_free(windows: &[WindowSnapshot], blocked_for: Duration) -> Duration {
    let full = windows.iter().filter(|window| window.free == 0);
    full.map(|window| window.next_free_in).chain([blocked_for]).max().unwrap_or_default()
}

/// A route from what all processes wrote down (`shared`), and what this one knows (`own`): whoever
/// has the turn knows all that was spent, and newer than it is written.
fn route(name: &str, own: Option<&RouteSnapshot>, shared: Option<&SharedRoute>) -> RouteRow {
    let knows_all = own.is_some_and(|own| matches!(own.sharing, Sharing::Alone | Sharing::Here));
    let told = shared.filter(|_| !knows_all);
    let spent = match (told, own) {
        (Some(shared), _) => shared.spent.clone(),
        (None, Some(own)) => SharedBudget {
            limits_known: own.limits_known,
            windows: own.windows.clone(),
            blocked_for: own.blocked_for,
        },
        (None, None) => SharedBudget::default(),
    };
    let next = next_free(&spent.windows, spent.blocked_for);
    let counted = own.map_or_else(RouteRow::default, counted);
    RouteRow {
        name: name.to_owned(),
        known: spent.limits_known,
        windows: spent.windows.iter().map(window).collect(),
        used_up: !next.is_zero(),
        next_free: ago(next),
        blocked: ago(spent.blocked_for),
        turn: match own.map(|own| own.sharing) {
            Some(Sharing::Alone) => "this process alone",
            Some(Sharing::Here) => "this process",
            Some(Sharing::Unavailable) => "nobody: the shared record is out of reach",
            _ if shared.is_some_and(|shared| shared.is_taken) => "another process",
            _ => "nobody wants it",
        },
        queue: shared.map_or(0, |shared| shared.waiting),
        reserved: told.map_or(0, |shared| shared.reserved),
        methods: methods(own, told),
        ..counted
    }
}

/// What this process counts on a route.
fn counted(own: &RouteSnapshot) -> RouteRow {
    let waiting = own.waiting();
    RouteRow {
        waiting: waiting.total(),
        waiting_words: format!(
            "{} of people, {} to keep current, {} for the past",
            waiting.interactive, waiting.refresh, waiting.backfill
        ),
        in_flight: own.in_flight,
        sent: count(own.sent()),
        refused: count(own.refusals().total()),
        ..RouteRow::default()
    }
}

fn methods(own: Option<&RouteSnapshot>, told: Option<&SharedRoute>) -> Vec<MethodRow> {
    let own = own.map_or(&[][..], |own| own.methods.as_slice());
    let told = told.map_or(&[][..], |told| told.methods.as_slice());
    let mut names: Vec<&str> = own.iter().map(|method| method.method).collect();
    names.extend(told.iter().map(|(name, _)| name.as_str()));
    names.sort_unstable();
    names.dedup();
    let row = |name: &str| {
        let own = own.iter().find(|method| method.method == name);
        let told = told.iter().find(|(known, _)| known == name).map(|(_, budget)| budget);
        let windows = match (told, own) {
            (Some(budget), _) => &budget.windows,
            (None, Some(own)) => &own.windows,
            (None, None) => return None,
        };
        let own_or =
            |of: fn(&MethodSnapshot) -> u64| own.map_or_else(String::new, |own| count(of(own)));
        Some(MethodRow {
            name: name.to_owned(),
            windows: windows.iter().map(window).collect(),
            known: told.map_or_else(|| own.is_some_and(|own| own.limits_known), |b| b.limits_known),
            blocked: ago(told
                .map(|budget| budget.blocked_for)
                .or_else(|| own.map(|own| own.blocked_for))
                .unwrap_or_default()),
            waiting: own.map_or(0, |own| own.waiting.total()),
            sent: own_or(|own| own.sent),
            refused: own_or(|own| own.refusals.total()),
        })
    };
    names.into_iter().filter_map(row).collect()
}

/// Every route that a process with the key has used. Without a client of its own, this process shows
/// the key that was used last.
pub(crate) async fn routes(cx: &Cx) -> Result<Vec<RouteRow>, PageError> {
    let client = cx.api().riot_client.as_ref();
    let own = client.map_or_else(Vec::new, |client| client.limits().routes);
    let key_hash = client.map(|client| client.key_hash());
    let written = cx
        .site
        .budgets
        .get(key_hash.as_deref().unwrap_or_default(), async || {
            let mut conn = cx.conn().await?;
            riot_budgets::written(&mut conn, key_hash.as_deref()).await
        })
        .await?;
    let shared: Vec<(String, SharedRoute)> = written
        .into_iter()
        .filter_map(|written| {
            let age = written.age();
            Some((written.route, read_shared(Found { record: written.record, age })?))
        })
        .collect();
    let mut names: Vec<&str> = own.iter().map(|own| own.route.as_str()).collect();
    let others = shared.iter().map(|(name, _)| name.as_str());
    names.extend(others.filter(|name| own.iter().all(|own| own.route.as_str() != *name)));
    let rows = names.into_iter().map(|name| {
        let own = own.iter().find(|own| own.route.as_str() == name);
        let shared = shared.iter().find(|(known, _)| known == name).map(|(_, shared)| shared);
        route(name, own, shared)
    });
    Ok(rows.collect())
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
        routes: routes(&cx).await?,
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
