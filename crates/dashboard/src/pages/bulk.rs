//! Many runs at once: first how many, then it is done.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use askama::Template;
use riftwatch_runner::manage::{self, BulkWish, ManageError};

use super::runs::filter;
use crate::args::Args;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::words;

#[derive(Template)]
#[template(path = "bulk.html")]
struct Page {
    shell: Shell,
    verb: &'static str,
    what: &'static str,
    matching: i64,
    words: String,
    cap: String,
    over: bool,
    conditions: Vec<(String, String)>,
    hidden: Vec<(String, String)>,
    back: String,
}

fn wish(args: &Args) -> Result<(BulkWish, &'static str, &'static str), PageError> {
    match args.text("wish") {
        "retry" => Ok((BulkWish::Retry, "Retry", "failed and cancelled runs")),
        "cancel" => Ok((BulkWish::Cancel, "Cancel", "waiting and running runs")),
        _ => {
            Err(PageError::BadRequest("Say what to do with the runs: retry or cancel.".to_owned()))
        }
    }
}

/// `GET /runs/bulk`
pub(crate) async fn ask(cx: Cx) -> Result<HttpResponse, PageError> {
    let (wish, verb, what) = wish(&cx.args)?;
    let preview = manage::preview(cx.db(), &filter(&cx.args), wish).await?;
    let conditions = cx.args.without("wish");
    let over = preview.matching > preview.cap;
    let page = Page {
        shell: cx.shell(Section::Runs, format!("{verb} many runs")),
        verb,
        what,
        words: words::count(preview.matching.min(preview.cap)),
        matching: preview.matching,
        cap: words::count(preview.cap),
        over,
        back: conditions.href("/runs"),
        conditions: conditions.pairs().to_vec(),
        hidden: cx.args.without("before").pairs().to_vec(),
    };
    cx.page(&page)
}

/// `POST /runs/bulk`
pub(crate) async fn perform(cx: Cx, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let (wish, ..) = wish(&fields)?;
    let filter = filter(&fields);
    let actor = cx.actor();
    let done = match wish {
        BulkWish::Retry => manage::retry_many(cx.db(), &filter, &actor).await,
        BulkWish::Cancel => manage::cancel_many(cx.db(), &filter, &actor).await,
    };
    let to = fields.without("wish").href("/runs");
    cx.site.jobs.forget().await;
    match done {
        Ok(done) => {
            let verb = match wish {
                BulkWish::Retry => "retried",
                BulkWish::Cancel => "told to stop",
            };
            let mut text = match done.done.len() {
                1 => format!("1 run was {verb}."),
                many => format!("{many} runs were {verb}."),
            };
            if let Some(refused) = done.refused.first() {
                text.push_str(&format!(
                    " {} left as they are; the first because {}.",
                    done.refused.len(),
                    refused.message
                ));
            }
            Ok(cx.done(if wish == BulkWish::Retry { "/runs" } else { &to }, text))
        }
        Err(ManageError::Store(error)) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}
