//! An assessment: how likely, how sure, why and why not, what else it could be, and what people say.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use riftwatch_app::assess::{Priors, performance};
use riftwatch_app::reviews::{
    self, NewReview, Review, ReviewError, ReviewVerdict, TellError, ToldStory,
};
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::player::Puuid;
use riftwatch_domain::story::Story;
use riftwatch_store::assessments::{self, Band};
use riftwatch_store::{Conn, StoreError, matches, players};
use serde::Deserialize;

use crate::args::{Args, encode};
use crate::charts;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// What the page reads of the stored document; later ones may say more.
#[derive(Debug, Clone, Deserialize)]
struct Document {
    puuid: String,
    summary: String,
    verdict: String,
    p_any: f64,
    p_smurf: f64,
    p_shared: f64,
    interval_80: [f64; 2],
    #[serde(default)]
    story_posterior: BTreeMap<String, f64>,
    #[serde(default)]
    factors: Vec<Factor>,
    innocent_story: Innocent,
    legacy_score: Option<f64>,
    #[serde(default)]
    legacy_factors: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    legacy_version: String,
    games: u32,
    #[serde(default)]
    games_between: Option<[DateTime<Utc>; 2]>,
    model_version: String,
    prior: Prior,
    notice: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Factor {
    key: String,
    value: Option<f64>,
    baseline: Option<f64>,
    contribution_nats: f64,
    sentence: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Innocent {
    sentence: String,
    share: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Prior {
    anomalies: f64,
}

struct Reason {
    name: String,
    bar: Markup,
    nats: String,
    factor: Factor,
}

#[derive(Template)]
#[template(path = "assessment.html")]
struct Page {
    shell: Shell,
    id: i64,
    name: String,
    player: String,
    document: Document,
    enough: bool,
    p: String,
    low: String,
    high: String,
    prior: String,
    smurf: String,
    shared: String,
    band: &'static str,
    interval: Markup,
    reasons: Vec<Reason>,
    silent: Vec<String>,
    stories: Vec<(String, String, Markup)>,
    legacy: Vec<(String, String)>,
    at: Markup,
    reviews: Vec<(Review, Markup)>,
    told: Vec<(reviews::Told, Markup, String)>,
    honest: Vec<(&'static str, &'static str)>,
    history: Vec<(i64, String, String, Markup)>,
    matter: Vec<Matter>,
    why: &'static str,
}

/// A game that the assessment leans on: far from what is usual.
struct Matter {
    href: String,
    champion: String,
    role: &'static str,
    result: &'static str,
    kda: String,
    index: String,
    at: Markup,
}

/// Games that are listed.
const MATTERING: usize = 8;

/// The games farthest from what is usual, of those that the assessment has seen.
async fn matter(
    conn: &mut Conn,
    puuid: &Puuid,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Vec<Matter>, StoreError> {
    let mut games = performance(conn, puuid).await?;
    games.retain(|game| until.is_none_or(|until| game.at <= until));
    games.sort_by(|a, b| b.index.abs().total_cmp(&a.index.abs()));
    games.truncate(MATTERING);
    let solo = Some(QueueId::RANKED_SOLO);
    let played = matches::of_player(conn, puuid, solo, None, 150).await?;
    Ok(games
        .iter()
        .filter_map(|game| {
            let found = played.iter().find(|found| found.game.game_start == game.at)?;
            let part = &found.participant;
            Some(Matter {
                href: format!("/matches/{}", found.game.match_id),
                champion: part.champion_name.clone(),
                role: super::player::role(&part.team_position),
                result: if part.win { "won" } else { "lost" },
                kda: format!("{} / {} / {}", part.kills, part.deaths, part.assists),
                index: super::player::index(game),
                at: words::when(game.at, now),
            })
        })
        .collect())
}

fn story_words(key: &str) -> String {
    key.parse::<Story>().map_or_else(|_| words::spaced(key), |story| story.words().to_owned())
}

/// `GET /assessments/{assessment_id}`
pub(crate) async fn show(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let now = cx.now();
    let mut conn = cx.conn().await?;
    let stored = assessments::find(&mut conn, *id)
        .await?
        .ok_or_else(|| PageError::not_found(format!("assessment {id}")))?;
    let document: Document = serde_json::from_str(&stored.document)
        .map_err(|error| PageError::Internal(format!("assessment {id} cannot be read: {error}")))?;
    let puuid = Puuid::new(document.puuid.clone());
    let player = players::find(&mut conn, &puuid).await?;
    let said = reviews::of_assessment(&mut conn, *id).await?;
    let told = reviews::told(&mut conn, &puuid).await?;
    let history = assessments::history(&mut conn, &puuid, None, 12).await?;
    let until = document.games_between.map(|[_, until]| until);
    let matter = matter(&mut conn, &puuid, until, now).await?;
    drop(conn);

    let name = player.as_ref().map_or_else(|| "no name known".to_owned(), super::players::name);
    let largest =
        document.factors.iter().map(|factor| factor.contribution_nats.abs()).fold(0.0, f64::max);
    let mut factors = document.factors.clone();
    factors.sort_by(|a, b| b.contribution_nats.abs().total_cmp(&a.contribution_nats.abs()));
    let (speaking, silent): (Vec<Factor>, Vec<Factor>) =
        factors.into_iter().partition(|factor| factor.contribution_nats.abs() >= 0.005);
    let mut stories: Vec<(String, f64)> =
        document.story_posterior.iter().map(|(key, p)| (key.clone(), *p)).collect();
    stories.sort_by(|a, b| b.1.total_cmp(&a.1));
    let enough = document.verdict != "not_enough_games";
    let shell = cx.shell(Section::Assessments, format!("Assessment of {name}"));
    let page = Page {
        id: *id,
        player: format!("/players/{}", encode(puuid.as_str())),
        enough,
        p: words::probability(document.p_any),
        low: words::probability(document.interval_80[0]),
        high: words::probability(document.interval_80[1]),
        prior: words::probability(document.prior.anomalies),
        smurf: words::probability(document.p_smurf),
        shared: words::probability(document.p_shared),
        band: if enough { Band::of(document.p_any).as_str() } else { "minimal" },
        interval: charts::interval(
            document.p_any,
            document.interval_80[0],
            document.interval_80[1],
            Some(document.prior.anomalies),
        ),
        reasons: speaking
            .into_iter()
            .map(|factor| {
                let nats = format!("{:+.2}", factor.contribution_nats).replace('-', "−");
                let word = if factor.contribution_nats > 0.0 { "for" } else { "against" };
                Reason {
                    name: words::spaced(&factor.key),
                    bar: charts::signed_bar(
                        factor.contribution_nats,
                        largest,
                        &format!("{nats} nats, {word} an unusual pattern"),
                    ),
                    nats,
                    factor,
                }
            })
            .collect(),
        silent: silent.into_iter().map(|factor| words::spaced(&factor.key)).collect(),
        stories: stories
            .into_iter()
            .filter(|(_, p)| *p >= 0.005)
            .map(|(key, p)| {
                let said = words::probability(p);
                let bar = charts::gauge(p, 0.0, 1.0, &said);
                (story_words(&key), said, bar)
            })
            .collect(),
        legacy: document
            .legacy_factors
            .iter()
            .flatten()
            .map(|(key, value)| {
                let value = value.as_f64().map_or_else(|| value.to_string(), words::number);
                (words::spaced(key), value)
            })
            .collect(),
        at: words::when(stored.created_at, now),
        reviews: said
            .into_iter()
            .map(|review| {
                let at = words::when(review.created_at, now);
                (review, at)
            })
            .collect(),
        told: told
            .into_iter()
            .map(|told| {
                let (at, story) = (words::when(told.told_at, now), story_words(&told.story));
                (told, at, story)
            })
            .collect(),
        honest: Story::ALL[..Story::HONEST]
            .iter()
            .map(|story| (story.key(), story.words()))
            .collect(),
        history: history
            .into_iter()
            .map(|old| {
                let p = serde_json::from_str::<Document>(&old.document)
                    .map_or_else(|_| String::new(), |old| words::probability(old.p_any));
                let said = super::assessments::verdict_words(&old.verdict).to_owned();
                (old.id, said, p, words::when(old.created_at, now))
            })
            .collect(),
        matter,
        why: super::operator(&shell),
        name,
        document,
        shell,
    };
    cx.page(&page)
}

/// `POST /assessments/{assessment_id}/review`
pub(crate) async fn review(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let to = format!("/assessments/{id}#review");
    let Some(verdict) = fields.read::<ReviewVerdict>("verdict") else {
        return Ok(cx.refused(&to, "Choose what you found."));
    };
    let review =
        NewReview { verdict, note: fields.get("note").map(ToOwned::to_owned), reviewer: cx.name() };
    match reviews::review(&cx.api().deps, *id, review).await {
        Ok(_) => Ok(cx.done(&to, "Your review is stored; the assessment stays as it is.")),
        Err(ReviewError::UnknownAssessment(id)) => {
            Err(PageError::not_found(format!("assessment {id}")))
        }
        Err(ReviewError::Store(error)) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}

/// `POST /assessments/{assessment_id}/tell`: "this is wrong".
pub(crate) async fn tell(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let to = format!("/assessments/{id}#wrong");
    let Some(story) = fields.read::<Story>("story") else {
        return Ok(cx.refused(&to, "Choose what is true of the account."));
    };
    let puuid = {
        let mut conn = cx.conn().await?;
        let stored = assessments::find(&mut conn, *id)
            .await?
            .ok_or_else(|| PageError::not_found(format!("assessment {id}")))?;
        let document: Document = serde_json::from_str(&stored.document).map_err(|error| {
            PageError::Internal(format!("assessment {id} cannot be read: {error}"))
        })?;
        Puuid::new(document.puuid)
    };
    let told = ToldStory {
        story,
        note: fields.get("note").map(ToOwned::to_owned),
        reported_by: cx.name(),
    };
    match reviews::tell(&cx.api().deps, &Priors::default(), &puuid, told).await {
        Ok(stored) => Ok(cx.done(
            &format!("/assessments/{}", stored.id),
            "Taken down. The account was assessed anew, and this is what it says now.",
        )),
        Err(TellError::UnknownPuuid) => Err(PageError::not_found("such player")),
        Err(TellError::Store(error)) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}
