//! One match with everybody in it.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use riftwatch_domain::matches::{Match, MatchId, Participant};
use riftwatch_domain::player::{Puuid, RiotId};
use riftwatch_store::{matches, players};

use crate::args::encode;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

struct Row {
    name: String,
    href: Option<String>,
    part: Participant,
    role: &'static str,
    gold: String,
    damage: String,
}

struct Team {
    name: &'static str,
    won: bool,
    kills: i32,
    gold: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "match.html")]
struct Page {
    shell: Shell,
    game: Match,
    queue: String,
    at: Markup,
    took: String,
    teams: Vec<Team>,
}

fn row(part: Participant, names: &BTreeMap<Puuid, RiotId>) -> Row {
    let known = part.puuid.as_ref().and_then(|puuid| names.get(puuid));
    Row {
        // A player whom the game hides stays hidden.
        name: match (&part.puuid, known) {
            (_, Some(name)) => name.to_string(),
            (Some(puuid), None) if puuid.is_bot() => "computer".to_owned(),
            (Some(_), None) => "no name known".to_owned(),
            (None, None) => "hidden".to_owned(),
        },
        href: part
            .puuid
            .as_ref()
            .filter(|puuid| !puuid.is_bot())
            .map(|puuid| format!("/players/{}", encode(puuid.as_str()))),
        role: super::player::role(&part.team_position),
        gold: words::count(part.gold_earned.into()),
        damage: words::count(part.total_damage_dealt_to_champions.into()),
        part,
    }
}

/// `GET /matches/{match_id}`
pub(crate) async fn show(cx: Cx, id: Path<String>) -> Result<HttpResponse, PageError> {
    let match_id: MatchId = id.parse().map_err(|_| PageError::not_found("such match"))?;
    let mut conn = cx.conn().await?;
    let game = matches::find(&mut conn, &match_id)
        .await?
        .ok_or_else(|| PageError::not_found(format!("match {match_id}, or it is not stored")))?;
    let puuids: Vec<&Puuid> =
        game.participants.iter().filter_map(|part| part.puuid.as_ref()).collect();
    let names = players::names(&mut conn, &puuids).await?;
    drop(conn);
    let mut ids: Vec<i32> = game.participants.iter().map(|part| part.team_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let teams = ids
        .into_iter()
        .map(|id| {
            let of_team: Vec<&Participant> =
                game.participants.iter().filter(|part| part.team_id == id).collect();
            Team {
                name: match id {
                    100 => "Blue side",
                    200 => "Red side",
                    _ => "Team",
                },
                won: of_team.iter().any(|part| part.win),
                kills: of_team.iter().map(|part| part.kills).sum(),
                gold: words::count(of_team.iter().map(|part| i64::from(part.gold_earned)).sum()),
                rows: of_team.into_iter().map(|part| row(part.clone(), &names)).collect(),
            }
        })
        .collect();
    let page = Page {
        shell: cx.shell(Section::Players, format!("Match {match_id}")),
        queue: super::player::queue(game.queue_id),
        at: words::exact(game.game_start),
        took: words::duration(f64::from(game.game_duration)),
        teams,
        game,
    };
    cx.page(&page)
}
