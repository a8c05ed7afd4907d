//! `riftwatch demo`: a database, a simulated Riot API and the server in one process.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use riftwatch_app::Deps;
use riftwatch_app::tracking;
use riftwatch_jobs::TrackedPlayerUpdater;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_runner::Job;
use riftwatch_sim::{SimConfig, SimHandle, Simulator};
use riftwatch_store::{job_executions, matches, players, server as database_server};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::DemoArgs;
use crate::database::{Database, data_dir};
use crate::output;
use crate::server::{self, Server};
use crate::settings::Settings;
use crate::signals;
use crate::{Exit, Failure};

/// Between two looks at what was done.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks between two plain lines, where there is no terminal to draw on.
const LINE_EVERY: u32 = 10;

/// The simulated world's history, when it begins.
const HISTORY_DAYS: u32 = 60;

pub(crate) async fn run(settings: &Settings, args: DemoArgs) -> Result<Exit, Failure> {
    let listener = server::listen(settings, args.bind.unwrap_or(settings.bind))?;
    let database = Database::open(settings).await?;
    let simulator = start_world(settings, &args, &database).await?;
    let riot = riftwatch_riot::client::RiotClientConfig {
        base_url: simulator.base_url(),
        api_key: Some("RGAPI-demo".into()),
        ..settings.riot()?
    };
    let outside = server::outside(settings, &database, riot).await?;
    // Before the first tick, which would find nobody to update otherwise.
    track_some(&outside.deps, &simulator, args.track).await?;
    let watch = Watch::begin(&outside.deps, &simulator).await?;
    let server = Server::start(settings, listener, database, outside).await?;
    let url = format!("http://{}", server.addr);
    say(
        &args,
        &format!("riftwatch demo: the API answers on {url}, for example {url}/api/v1/jobs/"),
    );
    // Days pass in minutes here, and a rhythm by our clock would sleep through most of them.
    server.configure(TrackedPlayerUpdater::KIND, "look_worth_min", json!(0.0)).await?;
    server.run_now(TrackedPlayerUpdater::KIND).await?;

    let show = Show::new(&args);
    let ended = tokio::select! {
        ended = watch_until(args.run_for, &watch, &show) => ended,
        () = signals::stop_asked() => Ok(()),
    };
    show.clear();
    ended?;
    say(&args, "stopping: running jobs may end first");
    let done = tokio::select! {
        done = finish(server, &watch) => done?,
        () = signals::exit_when_asked_again() => unreachable!("it does not come back"),
    };
    drop(watch);
    simulator.stop().await;
    if args.json {
        output::json(&done.as_json());
    } else {
        say(&args, &done.in_words());
    }
    Ok(if done.main_job_succeeded > 0 && done.matches > 0 { Exit::Fine } else { Exit::No })
}

/// Stops the server, so that every run has ended, and looks one last time.
async fn finish(server: Server, watch: &Watch<'_>) -> Result<Done, Failure> {
    server.stop_jobs().await;
    let done = watch.look().await;
    server.stop().await?;
    done
}

/// People read standard output; with `--json` it is for a program, and they read standard error.
fn say(args: &DemoArgs, text: &str) {
    if args.json {
        tracing::info!("{text}");
    } else {
        output::line(text);
    }
}

/// When the simulated world of this database began. The same world must come back after a restart,
/// or what is stored would not fit what is served.
#[derive(Debug, Serialize, Deserialize)]
struct World {
    seed: u64,
    origin: DateTime<Utc>,
}

async fn start_world(
    settings: &Settings,
    args: &DemoArgs,
    database: &Database,
) -> Result<SimHandle, Failure> {
    let db = database.pool(settings);
    let mut conn = db.get().await?;
    let now = database_server::facts(&mut conn).await?.now;
    let stored_until = matches::latest_end(&mut conn).await?;
    drop(conn);
    let path = data_dir(settings)?.join("demo.json");
    let remembered = remembered(&path)?.filter(|world| world.seed == args.seed);
    // Without what is stored there is nothing to fit: a fresh world is at its liveliest.
    let origin = match (remembered, stored_until) {
        (Some(world), Some(_)) => world.origin,
        _ => now - TimeDelta::days(HISTORY_DAYS.into()),
    };
    let text =
        serde_json::to_string(&World { seed: args.seed, origin }).expect("a world serialises");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| cannot("make", folder.into(), &error))?;
    }
    std::fs::write(&path, text).map_err(|error| cannot("write", path, &error))?;
    let simulator = Simulator::start(SimConfig {
        seed: args.seed,
        days: HISTORY_DAYS,
        speed: args.speed,
        origin: Some(origin),
        // The last demo's present may be ahead of ours, by its speed.
        present: stored_until.filter(|end| *end > now),
        limits: args.limits.clone(),
        ..SimConfig::default()
    })
    .await?;
    Ok(simulator)
}

fn remembered(path: &PathBuf) -> Result<Option<World>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(serde_json::from_str(&text).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path.clone(), &error)),
    }
}

fn cannot(verb: &str, path: PathBuf, error: &std::io::Error) -> Failure {
    Failure::Said(format!("cannot {verb} {}: {error}", path.display()))
}

async fn track_some(deps: &Deps, simulator: &SimHandle, wanted: u32) -> Result<(), Failure> {
    let wanted = wanted.min(deps.max_tracked_players);
    for (riot_id, platform) in simulator.some_riot_ids(wanted as usize) {
        let caller = Caller::new(CallClass::Interactive);
        match tracking::track_riot_id(deps, &caller, &riot_id, platform).await {
            Ok(_) => {}
            // Somebody tracked others in an earlier demo: they are as good.
            Err(tracking::TrackError::Full { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What the demo looks at.
struct Watch<'a> {
    deps: Deps,
    since: DateTime<Utc>,
    simulator: &'a SimHandle,
}

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    success: i64,
    failed: i64,
    main_job_succeeded: i64,
    players: i64,
    tracked: i64,
    matches: i64,
    participants: i64,
    riot_requests: u64,
    riot_429: u64,
}

impl<'a> Watch<'a> {
    async fn begin(deps: &Deps, simulator: &'a SimHandle) -> Result<Self, Failure> {
        let mut conn = deps.store.get().await?;
        let since = database_server::facts(&mut conn).await?.now;
        drop(conn);
        Ok(Self { deps: deps.clone(), since, simulator })
    }

    async fn look(&self) -> Result<Done, Failure> {
        let mut conn = self.deps.store.get().await?;
        let all = job_executions::outcomes_since(&mut conn, self.since, None).await?;
        let main_job = Some(TrackedPlayerUpdater::KIND);
        let main = job_executions::outcomes_since(&mut conn, self.since, main_job).await?;
        let (players, tracked) = players::count(&mut conn).await?;
        let (matches, participants) = matches::count(&mut conn).await?;
        let stats = self.simulator.stats();
        Ok(Done {
            success: all.success,
            failed: all.failed,
            main_job_succeeded: main.success,
            players,
            tracked,
            matches,
            participants,
            riot_requests: stats.requests,
            riot_429: stats.by_status.get(&429).copied().unwrap_or(0),
        })
    }
}

impl Done {
    fn as_json(self) -> serde_json::Value {
        json!({
            "executions": {"success": self.success, "failed": self.failed},
            "players": self.players,
            "tracked": self.tracked,
            "matches": self.matches,
            "participants": self.participants,
            "riot_requests": self.riot_requests,
            "riot_429": self.riot_429,
        })
    }

    fn in_words(self) -> String {
        format!(
            "{} runs succeeded, {} failed; {} tracked of {} players; {} matches, {} participants; \
             {} requests to Riot, {} over the limit",
            self.success,
            self.failed,
            self.tracked,
            self.players,
            self.matches,
            self.participants,
            self.riot_requests,
            self.riot_429,
        )
    }
}

async fn watch_until(
    run_for: Option<Duration>,
    watch: &Watch<'_>,
    show: &Show,
) -> Result<(), Failure> {
    let end = run_for.map(|run_for| tokio::time::Instant::now() + run_for);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut looked = 0;
    let mut shown = None;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = async { tokio::time::sleep_until(end.unwrap_or_else(tokio::time::Instant::now)).await }, if end.is_some() => {
                return Ok(());
            }
        }
        // A database that restarts is a hiccup here, not the end.
        let Ok(done) = watch.look().await else { continue };
        if shown != Some(done) && show.is_due(looked) {
            show.progress(done);
            shown = Some(done);
        }
        looked += 1;
    }
}

/// Shows progress: a bar on a terminal, plain lines otherwise.
struct Show {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Show {
    fn new(args: &DemoArgs) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = terminal.then(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")
                .expect("the template is one");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, quiet: args.json }
    }

    /// A bar may move at every look; lines stay.
    fn is_due(&self, looked: u32) -> bool {
        self.bar.is_some() || looked.is_multiple_of(LINE_EVERY)
    }

    fn progress(&self, done: Done) {
        match &self.bar {
            Some(bar) => bar.set_message(done.in_words()),
            None if !self.quiet => output::line(&done.in_words()),
            None => {}
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
