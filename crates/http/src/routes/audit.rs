//! Who did what.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use riftwatch_runner::manage::{self, AuditFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::extract::{QueryArgs, time};
use crate::paging::{List, Page};
use crate::state::Api;
use crate::views::history::AuditView;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditArgs {
    /// Only acts of this actor.
    actor: Option<String>,
    /// Only acts of this kind: `trigger`, `POST /api/v1/players/track`.
    action: Option<String>,
    /// `done` or `refused`.
    outcome: Option<String>,
    /// Only acts on this job.
    job_id: Option<i64>,
    /// Only acts at this time or later.
    #[serde(default, deserialize_with = "time")]
    since: Option<DateTime<Utc>>,
    /// Only acts before this time.
    #[serde(default, deserialize_with = "time")]
    until: Option<DateTime<Utc>>,
    /// Items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Who changed what, or was refused, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "service", params(AuditArgs),
    responses((status = 200, body = List<AuditView>)))]
pub(crate) async fn list(
    api: Data<Api>,
    QueryArgs(args): QueryArgs<AuditArgs>,
) -> Result<Json<List<AuditView>>, ApiError> {
    let page: Page<i64> = Page::of("audit", args.limit, args.cursor.as_deref())?;
    let filter = AuditFilter {
        actor: args.actor,
        action: args.action,
        outcome: args.outcome,
        job_id: args.job_id,
        since: args.since,
        until: args.until,
    };
    let before = page.after().copied();
    let entries = manage::audit_entries(&api.deps.store, &filter, before, page.rows()).await?;
    Ok(Json(page.answer(entries.items, |entry| entry.id, AuditView::from)))
}
