//! Players: found by Riot ID in any script, tracked.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use askama::Template;
use chrono::{DateTime, Utc};
use riftwatch_app::tracking::{self, TrackError, Tracking};
use riftwatch_domain::player::{Player, RiotId};
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller};
use riftwatch_store::players;

use crate::args::{Args, encode};
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Players on a page.
const ROWS: i64 = 50;

/// How long a person waits for a turn in the key's budget before being told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

struct Row {
    player: Player,
    name: String,
    synced: Option<Markup>,
    since: Option<Markup>,
}

#[derive(Template)]
#[template(path = "players.html")]
struct Page {
    shell: Shell,
    query: String,
    platforms: Vec<(&'static str, bool)>,
    searched: bool,
    rows: Vec<Row>,
    next: Option<String>,
    wanted: String,
    why: &'static str,
}

/// A player's Riot ID; who has none that we know is told by that.
pub(crate) fn name(player: &Player) -> String {
    player.riot_id.as_ref().map_or_else(|| "no name known".to_owned(), ToString::to_string)
}

/// `GET /players`
pub(crate) async fn list(cx: Cx) -> Result<HttpResponse, PageError> {
    let query: String = cx.args.text("q").chars().take(64).collect();
    let platform: Option<Platform> = cx.args.read("platform");
    let now = cx.now();
    let (found, next) = {
        let mut conn = cx.conn().await?;
        if query.is_empty() {
            // `after` is the beginning of the tracking and the id of the last player shown.
            let after = cx.args.get("after").and_then(|after| {
                let (began, puuid) = after.split_once('~')?;
                let began = DateTime::parse_from_rfc3339(began).ok()?.with_timezone(&Utc);
                Some((began, puuid.to_owned()))
            });
            let mut found =
                players::tracked_since(&mut conn, platform, after.as_ref(), ROWS + 1).await?;
            let more = i64::try_from(found.len()).is_ok_and(|count| count > ROWS);
            found.truncate(usize::try_from(ROWS).unwrap_or(50));
            let next = found.last().filter(|_| more).map(|last| {
                let began = last.tracked_at.unwrap_or(last.created_at);
                let after = format!("{}~{}", began.to_rfc3339(), last.puuid);
                cx.args.with("after", &after).href("/players")
            });
            (found, next)
        } else {
            (players::search(&mut conn, &query, platform, ROWS).await?, None)
        }
    };
    let shell = cx.shell(Section::Players, "Players");
    let page = Page {
        searched: !query.is_empty(),
        wanted: if query.contains('#') { query.clone() } else { String::new() },
        query,
        platforms: Platform::ACTIVE
            .iter()
            .map(|known| (known.as_str(), platform == Some(*known)))
            .collect(),
        rows: found
            .into_iter()
            .map(|player| Row {
                name: name(&player),
                synced: player.last_synced_at.map(|at| words::when(at, now)),
                since: player.tracked_at.map(|at| words::when(at, now)),
                player,
            })
            .collect(),
        next,
        why: super::operator(&shell),
        shell,
    };
    cx.page(&page)
}

/// `POST /players/track`
pub(crate) async fn track(cx: Cx, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let asked = fields.text("riot_id");
    let to = Args::default().with("q", asked).href("/players");
    let riot_id: RiotId = match asked.parse() {
        Ok(riot_id) => riot_id,
        Err(error) => return Ok(cx.refused(&to, super::job::sentence(&format!("{error}")))),
    };
    let platform = fields.read::<Platform>("platform");
    let Some(platform) = platform.filter(|platform| Platform::ACTIVE.contains(platform)) else {
        return Ok(cx.refused(&to, "Say on which platform the account plays."));
    };
    let deps = cx.api().deps.clone();
    let tracking = cx.site.runtime.spawn(async move {
        let caller = Caller::new(CallClass::Interactive).with_patience(PATIENCE);
        tracking::track_riot_id(&deps, &caller, &riot_id, platform).await
    });
    let tracking = tracking.await.map_err(|error| PageError::Internal(error.to_string()))?;
    tracked(&cx, &to, tracking)
}

/// What a wish to track came to.
pub(crate) fn tracked(
    cx: &Cx,
    to: &str,
    tracking: Result<Tracking, TrackError>,
) -> Result<HttpResponse, PageError> {
    match tracking {
        Ok(tracking) => {
            let player = tracking.player();
            let page = format!("/players/{}", encode(player.puuid.as_str()));
            let text = match &tracking {
                Tracking::Begun(player) => format!(
                    "{} is tracked. The next run of the main job fetches the newest matches.",
                    name(player)
                ),
                Tracking::Already(player) => format!("{} was tracked already.", name(player)),
            };
            Ok(cx.done(&page, text))
        }
        Err(TrackError::Store(error)) => Err(error.into()),
        Err(TrackError::UnknownPuuid) => Err(PageError::not_found("such player")),
        Err(error) => Ok(cx.refused(to, explained(&error))),
    }
}

fn explained(error: &TrackError) -> String {
    match error {
        TrackError::Riot(cause) => super::job::sentence(&format!("riot gave no answer: {cause}")),
        other => super::job::sentence(&other.to_string()),
    }
}
