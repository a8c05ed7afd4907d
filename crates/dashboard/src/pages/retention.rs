//! The limits of the job that lets go of what is old, where people look for them: under Settings.
//! They are that job's settings, with its versions and its audit.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Path};
use riftwatch_domain::job::{JobConfiguration, JobId};
use riftwatch_runner::manage::{self, FieldError, JobChanges, ManageError};

use super::job_form::{Setting, at_version, settings};
use super::overview::jobs;
use super::settings::{Told, page};
use crate::args::Args;
use crate::cx::Cx;
use crate::error::PageError;
use crate::form::{self, Change};

/// The type of that job.
const KIND: &str = "retention";

/// The limits of one job as a form.
pub(crate) struct Limits {
    pub(crate) job: i64,
    pub(crate) name: String,
    /// The version that the form was made for.
    pub(crate) version: i64,
    pub(crate) settings: Vec<Setting>,
    /// What somebody else changed since the form was opened.
    pub(crate) theirs: Option<Vec<Change>>,
    pub(crate) errors: Vec<FieldError>,
}

impl Limits {
    fn of(cx: &Cx, job: &JobConfiguration, args: &Args, errors: Vec<FieldError>) -> Self {
        Self {
            job: job.id.0,
            name: job.name.clone(),
            version: job.version,
            settings: settings(cx.api().catalog.find(KIND), args, &errors),
            theirs: None,
            errors,
        }
    }
}

/// The limits of every job of the type; `sent`, what its form said, in the place of what is stored.
pub(super) async fn limits(cx: &Cx, sent: Option<Limits>) -> Result<Vec<Limits>, PageError> {
    let mut all = Vec::new();
    for view in jobs(&cx.site).await?.into_iter().filter(|view| view.job.job_type == KIND) {
        let args = form::of_job(&view.job, cx.api().catalog.find(KIND));
        all.push(Limits::of(cx, &view.job, &args, Vec::new()));
    }
    if let Some(sent) = sent {
        match all.iter_mut().find(|limits| limits.job == sent.job) {
            Some(limits) => *limits = sent,
            None => all.push(sent),
        }
    }
    Ok(all)
}

/// `POST /settings/retention/{job_id}`
pub(crate) async fn save(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let args = Args::parse(&body);
    let current = manage::find(cx.db(), JobId(*id)).await?.job;
    if current.job_type != KIND {
        return Err(PageError::not_found(format!("job {id} that lets go of what is old")));
    }
    let seen = args.read("version").unwrap_or(current.version);
    let base = at_version(&cx, &current, seen).await?;
    let (wanted, mut errors) = form::read(&args, cx.api().catalog.find(KIND), &base.config_json);
    // Of the job only its settings are edited here.
    errors.retain(|error| error.path.starts_with("config_json"));
    if errors.is_empty() {
        let changes = JobChanges { config_json: Some(wanted.config_json), ..JobChanges::default() };
        let mut actor = cx.actor();
        if let Some(reason) = args.get("reason") {
            actor = actor.because(reason);
        }
        let api = cx.api();
        let (db, config) = (cx.db(), &api.runner_config);
        let saved =
            manage::update(db, &api.catalog, config, current.id, changes, Some(seen), &actor).await;
        cx.site.jobs.forget().await;
        match saved {
            Ok(view) => {
                let text = format!(
                    "Saved as version {} of the job {}. Its next run lets go by it.",
                    view.job.version, view.job.name
                );
                return Ok(cx.done("/settings#retention", text));
            }
            Err(ManageError::VersionConflict { .. }) => {
                let now = manage::find(cx.db(), current.id).await?.job;
                let mut limits = Limits::of(&cx, &now, &args, Vec::new());
                limits.theirs = Some(form::changes(&base, &now));
                let told = Told { limits: Some(limits), ..Told::default() };
                return page(&cx, StatusCode::CONFLICT, told).await;
            }
            Err(ManageError::Invalid(invalid)) => errors = invalid,
            Err(other) => return Err(other.into()),
        }
    }
    let mut limits = Limits::of(&cx, &current, &args, errors);
    limits.version = seen;
    let told = Told { limits: Some(limits), ..Told::default() };
    page(&cx, StatusCode::UNPROCESSABLE_ENTITY, told).await
}
