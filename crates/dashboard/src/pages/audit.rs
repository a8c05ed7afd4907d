//! Who did what, also when it was refused.

use actix_web::HttpResponse;
use askama::Template;
use riftwatch_runner::manage::{self, AuditEntry, AuditFilter};

use super::versions::told;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::form::Change;
use crate::markup::Markup;
use crate::words;

/// Acts on a page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    shell: Shell,
    rows: Vec<(AuditEntry, Markup, Vec<Change>)>,
    next: Option<String>,
    first: Option<String>,
    actor: String,
    action: String,
    outcome: String,
    job: String,
    filtered: bool,
}

/// `GET /audit`
pub(crate) async fn list(cx: Cx) -> Result<HttpResponse, PageError> {
    let text = |name: &str| cx.args.get(name).map(ToOwned::to_owned);
    let filter = AuditFilter {
        actor: text("actor"),
        action: text("action"),
        outcome: text("outcome"),
        job_id: cx.args.read("job"),
        ..AuditFilter::default()
    };
    let before: Option<i64> = cx.args.read("before");
    let page = manage::audit_entries(cx.db(), &filter, before, ROWS).await?;
    let now = cx.now();
    let page = Page {
        shell: cx.shell(Section::Audit, "Audit"),
        next: page.next_cursor.map(|id| cx.args.with("before", &id.to_string()).href("/audit")),
        first: before.map(|_| cx.args.without("before").href("/audit")),
        rows: page
            .items
            .into_iter()
            .map(|entry| {
                let at = words::when(entry.at, now);
                let changes = told(&entry.difference);
                (entry, at, changes)
            })
            .collect(),
        actor: cx.args.text("actor").to_owned(),
        action: cx.args.text("action").to_owned(),
        outcome: cx.args.text("outcome").to_owned(),
        job: cx.args.text("job").to_owned(),
        filtered: filter != AuditFilter::default(),
    };
    cx.page(&page)
}
