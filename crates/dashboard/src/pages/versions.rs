//! What a job was before, what each version changed, and going back to one.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use askama::Template;
use riftwatch_domain::job::JobId;
use riftwatch_runner::manage::{self, ManageError, VersionView};
use serde_json::Value;

use super::job_form::as_job;
use crate::args::Args;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::form::{self, Change};
use crate::markup::Markup;
use crate::words;

/// Versions on a page.
const ROWS: i64 = 30;

struct Row {
    version: i64,
    at: Markup,
    by: String,
    reason: Option<String>,
    changes: Vec<Change>,
    /// What going back to it would change now.
    back: Vec<Change>,
    whole: String,
}

#[derive(Template)]
#[template(path = "versions.html")]
struct Page {
    shell: Shell,
    id: i64,
    name: String,
    current: Option<i64>,
    rows: Vec<Row>,
    next: Option<String>,
    why: &'static str,
}

/// `GET /jobs/{job_id}/versions`
pub(crate) async fn list(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let job_id = JobId(*id);
    let job = match manage::find(cx.db(), job_id).await {
        Ok(view) => Some(view.job),
        Err(ManageError::NoJob(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let page = manage::versions(cx.db(), job_id, cx.args.read("before"), ROWS).await?;
    if job.is_none() && page.items.is_empty() {
        return Err(PageError::not_found(format!("job {id}")));
    }
    let now = cx.now();
    let row = |view: VersionView| {
        let VersionView { version, difference } = view;
        Row {
            changes: told(&difference),
            back: job
                .as_ref()
                .filter(|job| job.version != version.version)
                .map_or_else(Vec::new, |job| {
                    form::changes(job, &as_job(&version.configuration, job))
                }),
            whole: serde_json::to_string_pretty(&version.configuration).unwrap_or_default(),
            version: version.version,
            at: words::when(version.changed_at, now),
            by: version.changed_by,
            reason: version.reason,
        }
    };
    let name = job.as_ref().map(|job| job.name.clone()).or_else(|| {
        let last = page.items.first()?;
        Some(last.version.configuration.get("name")?.as_str()?.to_owned())
    });
    let name = name.unwrap_or_else(|| format!("job {id}"));
    let shell = cx.shell(Section::Jobs, format!("Versions of {name}"));
    let page = Page {
        id: *id,
        current: job.as_ref().map(|job| job.version),
        next: page.next_cursor.map(|version| {
            cx.args.with("before", &version.to_string()).href(&format!("/jobs/{id}/versions"))
        }),
        rows: page.items.into_iter().map(row).collect(),
        why: if job.is_some() { super::operator(&shell) } else { "the job is deleted" },
        name,
        shell,
    };
    cx.page(&page)
}

/// `{"column": [before, after]}` as rows.
pub(crate) fn told(difference: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for (column, pair) in difference.as_object().into_iter().flatten() {
        match pair.as_array().map(Vec::as_slice) {
            Some([before, after]) => form::differ(column, (before, after), &mut changes),
            _ => changes.push(Change {
                field: column.clone(),
                before: String::new(),
                after: form::say(pair),
            }),
        }
    }
    changes
}

/// `POST /jobs/{job_id}/restore`
pub(crate) async fn restore(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let to = format!("/jobs/{id}/versions");
    let Some(version) = fields.read::<i64>("version") else {
        return Ok(cx.refused(&to, "Say which version."));
    };
    let api = cx.api();
    let actor = cx.actor().because(format!("restores version {version}"));
    let restored = manage::restore(
        cx.db(),
        &api.catalog,
        &api.runner_config,
        JobId(*id),
        version,
        fields.read("expected"),
        &actor,
    )
    .await;
    cx.site.jobs.forget().await;
    match restored {
        Ok(view) => Ok(cx.done(
            &format!("/jobs/{id}"),
            format!(
                "The job is as it was at version {version}; this is version {}.",
                view.job.version
            ),
        )),
        Err(error @ (ManageError::Store(_) | ManageError::NoJob(_))) => Err(error.into()),
        Err(error) => Ok(cx.refused(&to, super::job::sentence(&error.to_string()))),
    }
}
