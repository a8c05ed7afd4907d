//! A player: rank over time, matches, how each was played, form, and whom they meet.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use riftwatch_app::assess::{GamePerformance, Priors, assess_player, performance};
use riftwatch_app::erasure::{self, EraseError};
use riftwatch_app::tracking;
use riftwatch_domain::matches::{MatchId, Position, QueueId};
use riftwatch_domain::player::{Player, Puuid};
use riftwatch_domain::rank::{RANKED_SOLO, RankSnapshot};
use riftwatch_store::encounters::{self, Encounter};
use riftwatch_store::match_stats::{self, PlayedAs};
use riftwatch_store::matches::{self, Played};
use riftwatch_store::{assessments, players, ranks};

use crate::args::{Args, encode};
use crate::charts;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Matches on a page.
const ROWS: i64 = 25;

/// Ranks in the chart.
const RANKS: i64 = 200;

/// Games together from which on a meeting is listed.
const MET: i32 = 2;

/// Games that form is made of.
const FORM: usize = 10;

/// A match as the player played it.
pub(crate) struct Game {
    pub(crate) played: Played,
    pub(crate) at: Markup,
    pub(crate) queue: String,
    pub(crate) role: &'static str,
    pub(crate) took: String,
    pub(crate) kda: String,
    pub(crate) cs_per_minute: String,
    /// How it went against what is usual; `None` for games that say nothing about it.
    pub(crate) against_usual: Option<String>,
}

/// A queue's name.
pub(crate) fn queue(id: QueueId) -> String {
    match id.0 {
        420 => "Ranked solo".to_owned(),
        440 => "Ranked flex".to_owned(),
        400 => "Draft".to_owned(),
        430 => "Blind".to_owned(),
        450 => "ARAM".to_owned(),
        490 => "Quickplay".to_owned(),
        700 => "Clash".to_owned(),
        1700 => "Arena".to_owned(),
        other => format!("queue {other}"),
    }
}

/// A position as players call it.
pub(crate) fn role(position: &Position) -> &'static str {
    match position.as_str() {
        "TOP" => "top",
        "JUNGLE" => "jungle",
        "MIDDLE" => "mid",
        "BOTTOM" => "bottom",
        "UTILITY" => "support",
        _ => "–",
    }
}

/// A performance in words: `+1.2`, of a game's standard deviation.
pub(crate) fn index(performance: &GamePerformance) -> String {
    format!("{:+.1}", performance.index).replace('-', "−")
}

/// How each game went against what is usual, as a chart; oldest first.
fn performances(games: &[GamePerformance]) -> Option<Markup> {
    if games.len() < 3 {
        return None;
    }
    let newest = &games[games.len().saturating_sub(60)..];
    let above = newest.iter().filter(|game| game.index > 0.0).count();
    let columns: Vec<(f64, String)> = newest
        .iter()
        .map(|game| {
            let result = if game.win { "won" } else { "lost" };
            (game.index, format!("{}: {}, {result}", words::absolute(game.at), index(game)))
        })
        .collect();
    let label = format!(
        "The last {} ranked solo games against what is usual in the role at the height of the lobby: {above} above, {} below",
        newest.len(),
        newest.len() - above
    );
    Some(charts::signed_columns(&columns, 3.0, &label, ["well above", "usual", "well below"]))
}

fn game(played: Played, performances: &[GamePerformance], now: DateTime<Utc>) -> Game {
    let part = &played.participant;
    let minutes = (f64::from(part.time_played) / 60.0).max(1.0);
    Game {
        at: words::when(played.game.game_start, now),
        queue: queue(played.game.queue_id),
        role: role(&part.team_position),
        took: words::duration(f64::from(played.game.game_duration)),
        kda: format!("{} / {} / {}", part.kills, part.deaths, part.assists),
        cs_per_minute: format!("{:.1}", f64::from(part.cs()) / minutes),
        against_usual: performances
            .iter()
            .find(|performance| performance.at == played.game.game_start)
            .map(index),
        played,
    }
}

/// What the newest matches say.
struct Form {
    games: usize,
    wins: usize,
    /// Oldest first.
    results: Vec<bool>,
    kda: String,
}

#[expect(clippy::cast_precision_loss, reason = "ten games")]
fn form(games: &[Game]) -> Option<Form> {
    let counted: Vec<&Game> = games
        .iter()
        .filter(|game| !game.played.participant.game_ended_in_early_surrender)
        .take(FORM)
        .collect();
    if counted.is_empty() {
        return None;
    }
    let mean = counted.iter().map(|game| game.played.participant.kda()).sum::<f64>()
        / counted.len() as f64;
    Some(Form {
        games: counted.len(),
        wins: counted.iter().filter(|game| game.played.participant.win).count(),
        results: counted.iter().rev().map(|game| game.played.participant.win).collect(),
        kda: format!("{mean:.1}"),
    })
}

/// What a champion came to.
struct Champion {
    name: String,
    games: i64,
    rate: String,
    kda: String,
    cs_per_minute: String,
}

#[expect(clippy::cast_precision_loss, reason = "counts of games")]
fn champions(parts: &[PlayedAs]) -> Vec<Champion> {
    let mut sums: Vec<PlayedAs> = Vec::new();
    for part in parts {
        match sums.iter_mut().find(|sum| sum.champion_id == part.champion_id) {
            Some(sum) => {
                sum.games += part.games;
                sum.wins += part.wins;
                sum.kills += part.kills;
                sum.deaths += part.deaths;
                sum.assists += part.assists;
                sum.cs += part.cs;
                sum.time_played += part.time_played;
            }
            None => sums.push(part.clone()),
        }
    }
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.games));
    sums.truncate(8);
    sums.into_iter()
        .map(|sum| Champion {
            rate: words::percent(sum.wins as f64 * 100.0 / sum.games.max(1) as f64),
            kda: format!("{:.1}", (sum.kills + sum.assists) as f64 / sum.deaths.max(1) as f64),
            cs_per_minute: format!("{:.1}", sum.cs as f64 * 60.0 / sum.time_played.max(1) as f64),
            name: sum.champion_name,
            games: sum.games,
        })
        .collect()
}

/// Somebody whom the player meets.
struct Met {
    name: String,
    href: String,
    encounter: Encounter,
    at: Markup,
}

fn met(encounter: Encounter, now: DateTime<Utc>) -> Met {
    let name = encounter.game_name.as_ref().zip(encounter.tag_line.as_ref());
    Met {
        name: name
            .map_or_else(|| "no name known".to_owned(), |(name, tag)| format!("{name}#{tag}")),
        href: format!("/players/{}", encode(&encounter.puuid)),
        at: words::when(encounter.last_met_at, now),
        encounter,
    }
}

#[derive(Template)]
#[template(path = "player.html")]
struct Page {
    shell: Shell,
    player: Player,
    name: String,
    path: String,
    rank: String,
    rank_note: String,
    rank_chart: Option<Markup>,
    performance_chart: Option<Markup>,
    ranks: Vec<(String, Markup)>,
    games: Vec<Game>,
    next: Option<String>,
    form: Option<Form>,
    champions: Vec<Champion>,
    met: Vec<Met>,
    queues: Vec<super::runs::Chip>,
    assessment: Option<(i64, String, Markup)>,
    synced: Option<Markup>,
    why: &'static str,
    admin_why: &'static str,
}

async fn find(cx: &Cx, puuid: &str) -> Result<Player, PageError> {
    let puuid: Puuid = puuid.parse().map_err(|_| PageError::not_found("such player"))?;
    let mut conn = cx.conn().await?;
    players::find(&mut conn, &puuid).await?.ok_or_else(|| PageError::not_found("such player"))
}

/// `GET /players/{puuid}`
pub(crate) async fn show(cx: Cx, puuid: Path<String>) -> Result<HttpResponse, PageError> {
    let player = find(&cx, &puuid).await?;
    let now = cx.now();
    let wanted: Option<i32> = cx.args.read("queue");
    let after = cx.args.get("after").and_then(|after| {
        let (start, id) = after.split_once('~')?;
        let start = DateTime::parse_from_rfc3339(start).ok()?.with_timezone(&Utc);
        Some((start, id.parse::<MatchId>().ok()?))
    });
    let mut conn = cx.conn().await?;
    let history = ranks::history(&mut conn, &player.puuid, RANKED_SOLO, None, RANKS).await?;
    let mut played =
        matches::of_player(&mut conn, &player.puuid, wanted.map(QueueId), after.as_ref(), ROWS + 1)
            .await?;
    let parts = match_stats::of_player(&mut conn, &player.puuid, wanted.map(QueueId)).await?;
    let latest = assessments::latest(&mut conn, &player.puuid).await?;
    let performed = performance(&mut conn, &player.puuid).await?;
    let met_rows = encounters::list(&mut conn, &player.puuid, MET, None, 12).await?;
    drop(conn);
    let more = i64::try_from(played.len()).is_ok_and(|count| count > ROWS);
    played.truncate(usize::try_from(ROWS).unwrap_or(25));
    let path = format!("/players/{}", encode(player.puuid.as_str()));
    let next = played.last().filter(|_| more).map(|last| {
        let after = format!("{}~{}", last.game.game_start.to_rfc3339(), last.game.match_id);
        format!("{}#matches", cx.args.with("after", &after).href(&path))
    });
    let games: Vec<Game> = played.into_iter().map(|played| game(played, &performed, now)).collect();
    let met_list: Vec<Met> = met_rows.into_iter().map(|row| met(row, now)).collect();
    let newest: Option<&RankSnapshot> = history.first();
    let oldest_first: Vec<RankSnapshot> = history.iter().rev().cloned().collect();
    let name = super::players::name(&player);
    let shell = cx.live(Section::Players, name.clone());
    let page = Page {
        rank: newest.map_or_else(|| "Unranked".to_owned(), charts::rank_name),
        rank_note: newest.map_or_else(String::new, |rank| {
            format!("{} won, {} lost this season", rank.entry.wins, rank.entry.losses)
        }),
        rank_chart: charts::ranks(&oldest_first),
        performance_chart: performances(&performed),
        ranks: history
            .iter()
            .take(20)
            .map(|rank| (charts::rank_name(rank), words::exact(rank.seen_at)))
            .collect(),
        form: form(&games),
        games,
        next,
        champions: champions(&parts),
        met: met_list,
        queues: [
            (None, "All"),
            (Some(420), "Ranked solo"),
            (Some(440), "Ranked flex"),
            (Some(450), "ARAM"),
        ]
        .into_iter()
        .map(|(id, text)| super::runs::Chip {
            text: text.to_owned(),
            count: None,
            href: id.map_or_else(
                || cx.args.without("queue").href(&path),
                |id: i32| cx.args.with("queue", &id.to_string()).href(&path),
            ),
            chosen: wanted == id,
        })
        .collect(),
        assessment: latest.map(|stored| {
            let said = super::assessments::verdict_words(&stored.verdict).to_owned();
            (stored.id, said, words::when(stored.created_at, now))
        }),
        synced: player.last_synced_at.map(|at| words::when(at, now)),
        why: super::operator(&shell),
        admin_why: super::admin(&shell),
        name,
        path,
        player,
        shell,
    };
    cx.page(&page)
}

fn path(player: &Player) -> String {
    format!("/players/{}", encode(player.puuid.as_str()))
}

/// `POST /players/{puuid}/track`
pub(crate) async fn track(cx: Cx, puuid: Path<String>) -> Result<HttpResponse, PageError> {
    let player = find(&cx, &puuid).await?;
    let tracking = tracking::track_known(&cx.api().deps, &player.puuid).await;
    super::players::tracked(&cx, &path(&player), tracking)
}

/// `POST /players/{puuid}/untrack`
pub(crate) async fn untrack(cx: Cx, puuid: Path<String>) -> Result<HttpResponse, PageError> {
    let player = find(&cx, &puuid).await?;
    match tracking::untrack(&cx.api().deps, &player.puuid).await {
        Ok(player) => Ok(cx.done(
            &path(&player),
            format!(
                "{} is not tracked any more. What is stored stays.",
                super::players::name(&player)
            ),
        )),
        Err(tracking::TrackError::Store(error)) => Err(error.into()),
        Err(error) => Ok(cx.refused(&path(&player), super::job::sentence(&error.to_string()))),
    }
}

/// `POST /players/{puuid}/assess`
pub(crate) async fn assess(cx: Cx, puuid: Path<String>) -> Result<HttpResponse, PageError> {
    let player = find(&cx, &puuid).await?;
    let stored = assess_player(&cx.api().deps, &Priors::default(), &player.puuid).await?;
    Ok(cx.done(&format!("/assessments/{}", stored.id), "Assessed from what is stored."))
}

/// `POST /players/{puuid}/erase`
pub(crate) async fn erase(
    cx: Cx,
    puuid: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, PageError> {
    let player = find(&cx, &puuid).await?;
    let fields = Args::parse(&body);
    if fields.get("sure") != Some("yes") {
        return Ok(
            cx.refused(&path(&player), "Nothing was erased: tick the box that you are sure.")
        );
    }
    match erasure::erase(&cx.api().deps, &player.puuid).await {
        Ok(_) => Ok(cx.done("/players", "The person was erased and will not be stored again.")),
        Err(EraseError::Store(error)) => Err(error.into()),
        Err(error) => Ok(cx.refused(&path(&player), super::job::sentence(&error.to_string()))),
    }
}
