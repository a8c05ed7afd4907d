//! Assessments of stored players, over the API.

use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::{ListArgs, Remote, SortBy, StoredCommand};
use crate::commands::player;
use crate::output::{self, moment, text};
use crate::settings::Settings;
use crate::{Exit, Failure};

pub(super) async fn run(
    settings: &Settings,
    remote: &Remote,
    command: StoredCommand,
) -> Result<Exit, Failure> {
    let api = Api::open(settings, remote).await?;
    let done = obey(&api, command).await;
    api.close().await?;
    done.map(|()| Exit::Fine)
}

async fn obey(api: &Api, command: StoredCommand) -> Result<(), Failure> {
    match command {
        StoredCommand::List(args) => list(api, args).await?,
        StoredCommand::Show { player, json } => {
            let found = player::find(api, &player).await?;
            let path = format!("/player-analysis/player/{}/latest", player::puuid(&found));
            show(&found, &api.get(&path, &[]).await?, json);
        }
        StoredCommand::Analyze { player, json } => {
            let found = player::find(api, &player).await?;
            let wish = json!({ "puuid": found["puuid"] });
            show(&found, &api.post("/player-analysis/analyze", wish).await?, json);
        }
        StoredCommand::Review { assessment, verdict, note, json } => {
            let verdict = verdict.to_possible_value().expect("every verdict has a name");
            let review = json!({ "verdict": verdict.get_name(), "note": note });
            let path = format!("/player-analysis/{assessment}/review");
            let stored = api.post(&path, review).await?;
            if json {
                output::json(&stored);
            } else {
                let verdict = text(&stored["verdict"]);
                output::line(&format!("assessment {assessment} is reviewed: {verdict}"));
            }
        }
        StoredCommand::History { player, limit, json } => {
            let found = player::find(api, &player).await?;
            let path = format!("/player-analysis/player/{}/history", player::puuid(&found));
            history(&api.list(&path, &[], limit.into()).await?, json);
        }
    }
    Ok(())
}

async fn list(api: &Api, args: ListArgs) -> Result<(), Failure> {
    let sort = match args.sort {
        SortBy::Probability => "probability",
        SortBy::Time => "time",
    };
    let mut query = vec![("sort", sort.to_owned())];
    let wishes = [
        ("band", args.band),
        ("verdict", args.verdict),
        ("platform", args.platform.map(|platform| platform.to_string())),
        ("tier", args.tier),
        ("since", args.since.map(|since| since.to_rfc3339())),
        ("reviewed", args.reviewed.map(|reviewed| reviewed.to_string())),
    ];
    query.extend(wishes.into_iter().filter_map(|(name, wish)| Some((name, wish?))));
    let items = api.list("/player-analysis", &query, args.limit.into()).await?;
    if args.json {
        output::json(&items);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let header = [
        "ASSESSMENT",
        "PLAYER",
        "PLATFORM",
        "TIER",
        "PROBABILITY",
        "4 IN 5",
        "GAMES",
        "REVIEW",
        "ASSESSED (UTC)",
    ];
    output::table(&header, &rows);
    Ok(())
}

fn row(item: &Value) -> Vec<String> {
    vec![
        text(&item["assessment_id"]),
        player::name(item),
        text(&item["platform"]),
        text(&item["tier"]),
        share(&item["probability"]),
        between(&item["interval_low"], &item["interval_high"]),
        text(&item["games"]),
        text(&item["review"]),
        moment(&item["assessed_at"]),
    ]
}

fn show(found: &Value, document: &Value, json: bool) {
    if json {
        return output::json(document);
    }
    let interval = &document["interval_80"];
    output::pairs(&[
        ("player", player::name(found)),
        ("assessed (UTC)", moment(&document["assessed_at"])),
        ("games", text(&document["games"])),
        ("probability", share(&document["p_any"])),
        ("four times in five", between(&interval[0], &interval[1])),
        ("in words", text(&document["summary"])),
        ("model", text(&document["model_version"])),
    ]);
    for (title, reasons) in [("for", "reasons_for"), ("against", "reasons_against")] {
        for reason in document[reasons].as_array().into_iter().flatten() {
            let sentence = if reason.is_object() { &reason["sentence"] } else { reason };
            output::line(&format!("{title}: {}", text(sentence)));
        }
    }
    output::line("");
    output::line(&text(&document["notice"]));
}

fn history(documents: &[Value], json: bool) {
    if json {
        return output::json(&documents);
    }
    let row = |document: &Value| {
        let interval = &document["interval_80"];
        vec![
            moment(&document["assessed_at"]),
            share(&document["p_any"]),
            between(&interval[0], &interval[1]),
            text(&document["games"]),
            text(&document["model_version"]),
            text(&document["summary"]),
        ]
    };
    let rows: Vec<Vec<String>> = documents.iter().map(row).collect();
    let header = ["ASSESSED (UTC)", "PROBABILITY", "4 IN 5", "GAMES", "MODEL", "IN WORDS"];
    output::table(&header, &rows);
}

/// A probability as a cell; none with too few games.
fn share(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"))
}

fn between(low: &Value, high: &Value) -> String {
    match (low.as_f64(), high.as_f64()) {
        (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
        _ => "-".to_owned(),
    }
}
