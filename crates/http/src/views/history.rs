//! What was done, and what jobs were.

use chrono::{DateTime, Utc};
use riftwatch_runner::manage::{
    AuditEntry, BulkDone, BulkPreview, Facets, FailureGroup, VersionView as Version,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A version of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    /// Raised by every edit.
    version: i64,
    /// Every column that somebody may set, by name.
    #[schema(value_type = Object)]
    configuration: Value,
    /// `{"column": [before, after]}` against the version before it; all of it for the first.
    #[schema(value_type = Object)]
    difference: Value,
    changed_at: DateTime<Utc>,
    /// An actor as in the audit log, or `sql:ROLE` for hand-written SQL.
    changed_by: String,
    /// In the actor's words.
    reason: Option<String>,
}

impl From<Version> for VersionView {
    fn from(view: Version) -> Self {
        let version = view.version;
        Self {
            version: version.version,
            configuration: version.configuration,
            difference: view.difference,
            changed_at: version.changed_at,
            changed_by: version.changed_by,
            reason: version.reason,
        }
    }
}

/// Something that was done, or refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    id: i64,
    at: DateTime<Utc>,
    /// The name of a token; `local` where nobody has to log in, `nobody` for requests without a
    /// token that is taken, `command line`, or a part of the program.
    actor: String,
    /// What the job runtime does has a word (`create`, `trigger`, `cancel`, …), what else the API
    /// does its method and path.
    action: String,
    /// `done` or `refused`.
    outcome: String,
    job_id: Option<i64>,
    /// The job's name at the time.
    job_name: Option<String>,
    execution_id: Option<i64>,
    /// For edits of jobs `{"column": [before, after]}`; for others what there is to say.
    #[schema(value_type = Object)]
    difference: Value,
    /// The actor's words, or why it was refused.
    reason: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            outcome: entry.outcome,
            job_id: entry.job_id,
            job_name: entry.job_name,
            execution_id: entry.execution_id,
            difference: entry.difference,
            reason: entry.reason,
        }
    }
}

/// Failures with the same error, but for numbers, ids and quoted texts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureGroupView {
    /// With `<n>`, `<uuid>` and `<text>` in the place of what differs.
    error: String,
    reason: Option<String>,
    count: i64,
    /// When the first of them ended.
    first_at: DateTime<Utc>,
    /// When the last of them ended.
    last_at: DateTime<Utc>,
    /// The newest of them.
    example_id: i64,
    job_ids: Vec<i64>,
}

impl From<FailureGroup> for FailureGroupView {
    fn from(group: FailureGroup) -> Self {
        Self {
            error: group.error,
            reason: group.reason,
            count: group.count,
            first_at: group.first_at,
            last_at: group.last_at,
            example_id: group.example_id,
            job_ids: group.job_ids,
        }
    }
}

/// Runs counted by one of their properties.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetView {
    /// The value: a status, a reason, a job type, a job's id.
    value: String,
    count: i64,
}

/// Runs counted by what they have in common. Each list matches all of the filter but its own part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsView {
    statuses: Vec<FacetView>,
    reasons: Vec<FacetView>,
    job_types: Vec<FacetView>,
    /// By job id.
    jobs: Vec<FacetView>,
    /// There are so many runs that older ones are left out.
    capped: bool,
}

impl From<Facets> for FacetsView {
    fn from(facets: Facets) -> Self {
        fn views<T: ToString>(counts: Vec<(T, i64)>) -> Vec<FacetView> {
            let view = |(value, count): (T, i64)| FacetView { value: value.to_string(), count };
            counts.into_iter().map(view).collect()
        }
        Self {
            statuses: views(facets.statuses),
            reasons: views(facets.reasons),
            job_types: views(facets.job_types),
            jobs: views(facets.jobs),
            capped: facets.capped,
        }
    }
}

/// What came of a wish about many runs, or would.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkView {
    /// Nothing was done: this says what would be.
    preview: bool,
    /// How many runs match; one more than `cap` stands for all that are more.
    matching: i64,
    /// The most runs that one wish may be about.
    cap: i64,
    /// The new runs of a retry; the runs that a cancel stops.
    done: Vec<i64>,
    /// Runs that were left as they are.
    refused: Vec<BulkRefusalView>,
}

/// A run that was left as it is.
#[derive(Debug, Serialize, ToSchema)]
struct BulkRefusalView {
    execution_id: i64,
    message: String,
}

impl From<BulkPreview> for BulkView {
    fn from(preview: BulkPreview) -> Self {
        let BulkPreview { matching, cap } = preview;
        Self { preview: true, matching, cap, done: vec![], refused: vec![] }
    }
}

impl BulkView {
    pub(crate) fn done(done: BulkDone, cap: i64) -> Self {
        let matching = done.done.len() + done.refused.len();
        Self {
            preview: false,
            matching: i64::try_from(matching).unwrap_or(i64::MAX),
            cap,
            done: done.done.into_iter().map(|id| id.0).collect(),
            refused: done
                .refused
                .into_iter()
                .map(|refusal| BulkRefusalView {
                    execution_id: refusal.id.0,
                    message: refusal.message,
                })
                .collect(),
        }
    }
}
