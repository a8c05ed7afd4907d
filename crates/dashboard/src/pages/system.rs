//! The program and its database: schema, clocks, sizes, what holds things up.

use actix_web::HttpResponse;
use askama::Template;
use riftwatch_runner::{NotReady, RunnerStatus};
use riftwatch_store::diagnostics::{self, MigrationState, Pulse, TableSize};

use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Clocks that differ by more are a warning: leases and schedules follow the database's.
const SKEW_S: f64 = 2.0;

/// A transaction that is older keeps dead rows alive and slows claims.
const OLD_TRANSACTION_S: f64 = 300.0;

/// Something that is as it should be, or not.
struct Sign {
    name: &'static str,
    good: bool,
    value: String,
    note: String,
}

#[derive(Template)]
#[template(path = "system.html")]
struct Page {
    shell: Shell,
    signs: Vec<Sign>,
    tables: Vec<TableSize>,
    migrations: Vec<(MigrationState, Option<Markup>)>,
    version: &'static str,
    settings: Vec<(&'static str, String)>,
}

/// `GET /system`
pub(crate) async fn show(cx: Cx) -> Result<HttpResponse, PageError> {
    let (pulse, skew) = {
        let site = &cx.site;
        let pulse = site
            .pulse
            .get(async || diagnostics::pulse(&mut *site.api.deps.store.get().await?).await)
            .await?;
        // The value may be from memory: then its own time says nothing about the clocks.
        let mut conn = cx.conn().await?;
        let began = cx.now();
        let theirs = riftwatch_store::job_configurations::now(&mut conn).await?;
        let middle = began + (cx.now() - began) / 2;
        (pulse, (theirs - middle).as_seconds_f64())
    };
    let tables = cx
        .site
        .tables
        .get(async || diagnostics::tables(&mut *cx.site.api.deps.store.get().await?).await)
        .await?;
    let migrations = diagnostics::migrations(&mut *cx.conn().await?).await?;
    let status = cx.api().runner.as_ref().map(riftwatch_runner::RunnerHandle::status);
    let ready = match &cx.api().runner {
        Some(runner) => runner.readiness().await,
        None => Ok(()),
    };
    let now = cx.now();
    let config = &cx.api().runner_config;
    let span = |duration: std::time::Duration| words::duration(duration.as_secs_f64());
    let page = Page {
        signs: signs(&pulse, skew, status.as_ref(), &ready, &migrations),
        tables,
        migrations: migrations
            .into_iter()
            .rev()
            .map(|state| {
                let at = state.applied_at.map(|at| words::when(at, now));
                (state, at)
            })
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
        settings: vec![
            ("Makes ticks", yes(config.scheduler_enabled)),
            ("Runs jobs", yes(config.worker_enabled)),
            ("Runs side by side", config.concurrency.to_string()),
            ("Default interval", span(config.default_interval)),
            ("Default time limit", span(config.default_timeout)),
            ("Lease", span(config.lease)),
            ("Heartbeat", span(config.heartbeat)),
            ("Grace at shutdown", span(config.shutdown_grace)),
            ("Log lines kept from each end", config.log_lines.to_string()),
            (
                "Runs kept",
                config.retention.map_or_else(
                    || "all".to_owned(),
                    |kept| {
                        format!(
                            "for {}, {} of each job at most",
                            span(kept.age),
                            words::count(kept.per_job)
                        )
                    },
                ),
            ),
        ],
        shell: cx.live(Section::System, "System"),
    };
    cx.page(&page)
}

fn yes(it_does: bool) -> String {
    if it_does { "yes" } else { "no" }.to_owned()
}

fn signs(
    pulse: &Pulse,
    skew: f64,
    status: Option<&RunnerStatus>,
    ready: &Result<(), Vec<NotReady>>,
    migrations: &[MigrationState],
) -> Vec<Sign> {
    let missing = migrations.iter().filter(|state| state.applied_at.is_none()).count();
    let unknown = migrations.iter().filter(|state| !state.known).count();
    let mut signs = vec![
        Sign {
            name: "Ready for traffic",
            good: ready.is_ok(),
            value: if ready.is_ok() { "yes" } else { "no" }.to_owned(),
            note: ready.as_ref().err().map_or_else(String::new, |reasons| {
                reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }),
        },
        Sign {
            name: "Migrations",
            good: missing == 0,
            value: match missing {
                0 => "all applied".to_owned(),
                many => format!("{many} missing"),
            },
            note: if unknown > 0 {
                format!("{unknown} of a newer program: this one is older than its database")
            } else {
                String::new()
            },
        },
        Sign {
            name: "Clock skew",
            good: skew.abs() < SKEW_S,
            value: words::duration(skew.abs()),
            note: "between this machine and the database, whose clock counts".to_owned(),
        },
        Sign {
            name: "Oldest transaction",
            good: pulse.oldest_transaction_s.unwrap_or(0.0) < OLD_TRANSACTION_S,
            value: pulse.oldest_transaction_s.map_or_else(|| "none".to_owned(), words::duration),
            note: pulse.oldest_pid.map_or_else(String::new, |pid| {
                format!(
                    "server process {pid}, {}{}",
                    pulse.oldest_state.as_deref().unwrap_or("state unknown"),
                    pulse
                        .oldest_application
                        .as_deref()
                        .filter(|name| !name.is_empty())
                        .map_or_else(String::new, |name| format!(", {name}")),
                )
            }),
        },
        Sign {
            name: "Connections",
            good: pulse.connections * 10 < i64::from(pulse.max_connections) * 9,
            value: format!("{} of {}", pulse.connections, pulse.max_connections),
            note: "to this database, of everybody".to_owned(),
        },
        Sign {
            name: "Queue of notifications",
            good: pulse.notify_usage < 0.5,
            value: words::percent(pulse.notify_usage * 100.0),
            note: String::new(),
        },
        Sign {
            name: "Database size",
            good: true,
            value: words::bytes(pulse.bytes),
            note: String::new(),
        },
    ];
    if let Some(status) = status {
        signs.push(Sign {
            name: "Ticker of this process",
            good: status.scheduler_running,
            value: if status.scheduler_running { "in time" } else { "not running" }.to_owned(),
            note: match status.last_tick {
                Some(at) => format!(
                    "{} ticks since the start, the last at {}",
                    words::count(i64::try_from(status.ticks).unwrap_or(i64::MAX)),
                    words::absolute(at)
                ),
                None => "no tick since the start".to_owned(),
            },
        });
        signs.push(Sign {
            name: "Notifications",
            good: status.listening,
            value: if status.listening { "arrive" } else { "do not arrive" }.to_owned(),
            note: if status.listening {
                String::new()
            } else {
                "it polls until they do".to_owned()
            },
        });
        signs.push(Sign {
            name: "Heartbeat of this process",
            good: !status.fenced,
            value: format!("{} ago", words::duration(status.heartbeat_age.as_secs_f64())),
            note: if status.fenced {
                "it stopped its runs, because it cannot prove that it lives".to_owned()
            } else {
                String::new()
            },
        });
    }
    signs
}
