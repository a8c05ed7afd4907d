//! Creating and editing a job: fields from the type's schema, the schedule foretold while it is
//! written, the difference before it is saved, and what to do when somebody else was quicker.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Path};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::job::{JobConfiguration, JobId, MisfirePolicy};
use riftwatch_runner::JobType;
use riftwatch_runner::manage::{self, FieldError, ManageError};
use riftwatch_runner::schedule::Schedule;
use serde_json::{Value, json};

use super::job::{Coming, coming};
use crate::args::Args;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::form::{self, Change, Control, Field, UNITS, Wanted};
use crate::words;

/// Zones that are offered; any other can be typed.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Seoul",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Ho_Chi_Minh",
    "Australia/Sydney",
];

/// What a schedule comes to.
#[derive(Template, Debug)]
#[template(path = "preview.html")]
pub(crate) struct Preview {
    words: String,
    fires: Vec<Coming>,
    error: Option<String>,
    /// What the zone's next change of the clock does to it.
    change: Option<(String, Vec<String>)>,
}

fn foretell(job: &JobConfiguration, cx: &Cx) -> Preview {
    let config = &cx.api().runner_config;
    let now = cx.now();
    match Schedule::of(job, config.default_interval) {
        Ok(schedule) => Preview {
            words: words::schedule(job, config),
            fires: coming(job, &schedule, now, 5),
            error: None,
            change: job.cron.as_ref().and_then(|_| clock_change(job, &schedule, now)),
        },
        Err(error) => Preview {
            words: String::new(),
            fires: Vec::new(),
            error: Some(super::job::sentence(&error.to_string())),
            change: None,
        },
    }
}

/// The next time the zone's clock is put forward or back, within a year, and the fires around it.
fn clock_change(
    job: &JobConfiguration,
    schedule: &Schedule,
    now: DateTime<Utc>,
) -> Option<(String, Vec<String>)> {
    use chrono::Offset as _;
    let zone: chrono_tz::Tz = job.time_zone.parse().ok()?;
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
    let before = offset(now);
    let day = (1..=370).find(|day| offset(now + TimeDelta::days(*day)) != before)?;
    let (mut same, mut other) = (now + TimeDelta::days(day - 1), now + TimeDelta::days(day));
    while other - same > TimeDelta::seconds(1) {
        let middle = same + (other - same) / 2;
        if offset(middle) == before { same = middle } else { other = middle }
    }
    let hours = f64::from(offset(other) - before) / 3600.0;
    let told = format!(
        "In {} the clock is put {} by {} h on {}. Around it the job runs at:",
        job.time_zone,
        if hours > 0.0 { "forward" } else { "back" },
        words::number(hours.abs()),
        other.with_timezone(&zone).format("%d %b %Y"),
    );
    let mut fires = Vec::new();
    let mut at = other - TimeDelta::hours(26);
    while let Some(next) = schedule.next_after(at, at) {
        if next > other + TimeDelta::hours(26) || fires.len() == 6 {
            break;
        }
        fires.push(next.with_timezone(&zone).format("%a %d %b %H:%M:%S %Z").to_string());
        at = next;
    }
    (!fires.is_empty()).then_some((told, fires))
}

/// A job that is not there yet, for what is the same for every job.
fn blank(kind: &str, now: DateTime<Utc>) -> JobConfiguration {
    JobConfiguration {
        id: JobId(0),
        name: String::new(),
        job_type: kind.to_owned(),
        interval_seconds: None,
        cron: None,
        time_zone: "UTC".to_owned(),
        manual_only: false,
        jitter_seconds: 0,
        enabled: true,
        config_json: json!({}),
        timeout_seconds: None,
        max_instances: 1,
        misfire_policy: MisfirePolicy::Once,
        version: 1,
        pause: None,
        next_run_at: None,
        next_nominal_at: None,
        last_run_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// A setting of the type, filled in.
pub(crate) struct Setting {
    pub(crate) field: Field,
    pub(crate) value: String,
    pub(crate) wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "job_form.html")]
struct Page {
    shell: Shell,
    title: String,
    /// The job that is edited.
    id: Option<i64>,
    version: i64,
    types: Vec<(String, String, bool)>,
    kind: String,
    args: Args,
    settings: Vec<Setting>,
    errors: Vec<FieldError>,
    preview: Preview,
    zones: [&'static str; 14],
    units: [(&'static str, i64); 4],
    default_timeout: String,
    /// Shown, and cannot be saved.
    locked: bool,
}

impl Page {
    fn wrong(&self, paths: &[&str]) -> Option<&str> {
        let error = self.errors.iter().find(|error| paths.contains(&error.path.as_str()));
        error.map(|error| error.message.as_str())
    }
}

/// The settings of a type, filled in with what a form says, and with what is wrong with that.
pub(super) fn settings(kind: Option<&JobType>, args: &Args, errors: &[FieldError]) -> Vec<Setting> {
    let fields = kind.map(form::fields).unwrap_or_default();
    fields
        .into_iter()
        .map(|field| {
            let path = format!("config_json.{}", field.key);
            // A path may go on: config_json.platforms[1].
            let wrong = errors.iter().find(|error| {
                error
                    .path
                    .strip_prefix(&path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            });
            Setting {
                value: args.text(&field.name()).to_owned(),
                wrong: wrong.map(|error| error.message.clone()),
                field,
            }
        })
        .collect()
}

/// The form, filled in, with what is wrong with it.
fn filled(
    cx: &Cx,
    job: Option<&JobConfiguration>,
    version: i64,
    kind_name: &str,
    args: Args,
    errors: Vec<FieldError>,
) -> Page {
    let kind = cx.api().catalog.find(kind_name);
    let before = job.map_or_else(|| json!({}), |job| job.config_json.clone());
    let (wanted, _) = form::read(&args, kind, &before);
    let base = job.cloned().unwrap_or_else(|| blank(kind_name, cx.now()));
    let title = job.map_or_else(|| "New job".to_owned(), |job| format!("Edit {}", job.name));
    let shell = cx.shell(Section::Jobs, title.clone());
    Page {
        id: job.map(|job| job.id.0),
        version,
        types: cx
            .api()
            .catalog
            .types()
            .map(|kind| (kind.kind.to_owned(), kind.description.to_owned(), kind.kind == kind_name))
            .collect(),
        kind: kind_name.to_owned(),
        settings: settings(kind, &args, &errors),
        preview: foretell(&wanted.applied(&base), cx),
        args,
        errors,
        zones: ZONES,
        units: UNITS,
        default_timeout: words::duration(cx.api().runner_config.default_timeout.as_secs_f64()),
        locked: !shell.operator(),
        title,
        shell,
    }
}

/// `GET /jobs/new`
pub(crate) async fn new(cx: Cx) -> Result<HttpResponse, PageError> {
    if let Some(id) = cx.args.read::<i64>("clone") {
        let mut job = manage::find(cx.db(), JobId(id)).await?.job;
        job.name = format!("{} copy", job.name);
        let kind = job.job_type.clone();
        let args = form::of_job(&job, cx.api().catalog.find(&kind)).with("from", &id.to_string());
        let page = filled(&cx, None, 0, &kind, args, Vec::new());
        return cx.page(&page);
    }
    let catalog = &cx.api().catalog;
    let kind =
        cx.args.get("type").and_then(|kind| catalog.find(kind)).or_else(|| catalog.types().next());
    let Some(kind) = kind else {
        return Err(PageError::BadRequest("This process knows no job type.".to_owned()));
    };
    let page = filled(&cx, None, 0, kind.kind, form::of_type(kind, ""), Vec::new());
    cx.page(&page)
}

/// `POST /jobs/new`
pub(crate) async fn create(cx: Cx, body: Bytes) -> Result<HttpResponse, PageError> {
    let args = Args::parse(&body);
    let kind_name = args.text("job_type").to_owned();
    let kind = cx.api().catalog.find(&kind_name);
    // A copy takes along what no field shows.
    let before = match args.read::<i64>("from") {
        Some(id) => manage::find(cx.db(), JobId(id)).await?.job.config_json,
        None => json!({}),
    };
    let (wanted, mut errors) = form::read(&args, kind, &before);
    if errors.is_empty() {
        let api = cx.api();
        let new = wanted.new_job(&kind_name);
        match manage::create(cx.db(), &api.catalog, &api.runner_config, new, &cx.actor()).await {
            Ok(view) => {
                cx.site.jobs.forget().await;
                return Ok(cx.done(&format!("/jobs/{}", view.job.id), "The job is there."));
            }
            Err(error) => errors = refusal(error)?,
        }
    }
    let page = filled(&cx, None, 0, &kind_name, args, errors);
    cx.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// What is wrong with a wish, by field.
fn refusal(error: ManageError) -> Result<Vec<FieldError>, PageError> {
    match error {
        ManageError::Invalid(errors) => Ok(errors),
        ManageError::NameTaken(_) => Ok(vec![FieldError {
            path: "name".to_owned(),
            message: "another job has this name".to_owned(),
        }]),
        other => Err(other.into()),
    }
}

/// `GET /jobs/{job_id}/edit`
pub(crate) async fn edit(cx: Cx, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let job = manage::find(cx.db(), JobId(*id)).await?.job;
    let args = form::of_job(&job, cx.api().catalog.find(&job.job_type));
    let page = filled(&cx, Some(&job), job.version, &job.job_type, args, Vec::new());
    cx.page(&page)
}

#[derive(Template)]
#[template(path = "job_review.html")]
struct Review {
    shell: Shell,
    job: JobConfiguration,
    changes: Vec<Change>,
    /// What somebody else changed since the form was opened.
    theirs: Option<Vec<Change>>,
    hidden: Vec<(String, String)>,
    version: i64,
    preview: Preview,
    schedule_changed: bool,
}

/// `POST /jobs/{job_id}/edit`: shows the difference, or with `step=save` saves it.
pub(crate) async fn save(cx: Cx, id: Path<i64>, body: Bytes) -> Result<HttpResponse, PageError> {
    let args = Args::parse(&body);
    // Looking at a difference is no act; saving is one that the runtime records.
    let mut actor = cx.actor();
    let current = manage::find(cx.db(), JobId(*id)).await?.job;
    let seen = args.read("version").unwrap_or(current.version);
    let base = at_version(&cx, &current, seen).await?;
    let kind = cx.api().catalog.find(&base.job_type);
    let (wanted, mut errors) = form::read(&args, kind, &base.config_json);
    if args.get("step") == Some("edit") {
        let page = filled(&cx, Some(&base), seen, &base.job_type, args, errors);
        return cx.page(&page);
    }
    if errors.is_empty() {
        errors = problems(&cx, &wanted, &base);
    }
    if !errors.is_empty() {
        let page = filled(&cx, Some(&base), seen, &base.job_type, args, errors);
        return cx.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let after = wanted.applied(&base);
    if args.get("step") == Some("save") {
        let api = cx.api();
        if let Some(reason) = args.get("reason") {
            actor = actor.because(reason);
        }
        let saved = manage::update(
            cx.db(),
            &api.catalog,
            &api.runner_config,
            current.id,
            wanted.clone().changes(),
            Some(seen),
            &actor,
        )
        .await;
        cx.site.jobs.forget().await;
        match saved {
            Ok(view) => {
                let next = view.job.next_run_at.map_or_else(String::new, |at| {
                    format!(" The next run is due {}.", words::absolute(at))
                });
                let text = format!("Saved as version {}.{next}", view.job.version);
                return Ok(cx.done(&format!("/jobs/{id}"), text));
            }
            Err(ManageError::VersionConflict { .. }) => {
                let now = manage::find(cx.db(), JobId(*id)).await?.job;
                return review(&cx, &base, &now, &after, args, StatusCode::CONFLICT);
            }
            Err(error) => {
                let page = filled(&cx, Some(&base), seen, &base.job_type, args, refusal(error)?);
                return cx.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
            }
        }
    }
    review(&cx, &base, &current, &after, args, StatusCode::OK)
}

/// The job as the form's writer saw it.
pub(super) async fn at_version(
    cx: &Cx,
    current: &JobConfiguration,
    seen: i64,
) -> Result<JobConfiguration, PageError> {
    if seen == current.version {
        return Ok(current.clone());
    }
    let found = manage::versions(cx.db(), current.id, Some(seen + 1), 1).await?.items;
    let old = found.into_iter().next().filter(|view| view.version.version == seen);
    let Some(old) = old else { return Ok(current.clone()) };
    Ok(as_job(&old.version.configuration, current))
}

/// A stored version as a job; what it does not say is as now.
pub(crate) fn as_job(configuration: &Value, current: &JobConfiguration) -> JobConfiguration {
    let text = |key: &str| configuration.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let whole = |key: &str| {
        configuration.get(key).and_then(Value::as_i64).and_then(|value| i32::try_from(value).ok())
    };
    let flag =
        |key: &str, absent: bool| configuration.get(key).and_then(Value::as_bool).unwrap_or(absent);
    JobConfiguration {
        name: text("name").unwrap_or_else(|| current.name.clone()),
        job_type: text("job_type").unwrap_or_else(|| current.job_type.clone()),
        interval_seconds: whole("interval_seconds"),
        cron: text("cron"),
        time_zone: text("time_zone").unwrap_or_else(|| "UTC".to_owned()),
        manual_only: flag("manual_only", current.manual_only),
        jitter_seconds: whole("jitter_seconds").unwrap_or(0),
        enabled: flag("enabled", current.enabled),
        config_json: configuration.get("config_json").cloned().unwrap_or_else(|| json!({})),
        timeout_seconds: whole("timeout_seconds"),
        max_instances: whole("max_instances").unwrap_or(1),
        misfire_policy: text("misfire_policy")
            .and_then(|word| word.parse().ok())
            .unwrap_or(current.misfire_policy),
        ..current.clone()
    }
}

/// What can be said before saving.
fn problems(cx: &Cx, wanted: &Wanted, base: &JobConfiguration) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let after = wanted.applied(base);
    if let Err(error) = cx.api().catalog.validate(&after.job_type, &after.config_json) {
        errors.push(FieldError { path: error.path, message: error.message });
    }
    if let Err(error) = Schedule::of(&after, cx.api().runner_config.default_interval) {
        let path = if after.cron.is_some() { "cron" } else { "interval_seconds" };
        errors.push(FieldError { path: path.to_owned(), message: error.to_string() });
    }
    errors
}

fn review(
    cx: &Cx,
    base: &JobConfiguration,
    current: &JobConfiguration,
    after: &JobConfiguration,
    args: Args,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let theirs = form::changes(base, current);
    let conflict =
        base.version != current.version || !theirs.is_empty() || status == StatusCode::CONFLICT;
    let changes = form::changes(base, after);
    let page = Review {
        shell: cx.shell(Section::Jobs, format!("Save {}", base.name)),
        schedule_changed: changes.iter().any(|change| {
            ["interval_seconds", "cron", "time_zone", "manual_only", "jitter_seconds", "enabled"]
                .contains(&change.field.as_str())
        }),
        changes,
        theirs: conflict.then_some(theirs),
        hidden: args.except(&["step", "version", "reason"]),
        version: current.version,
        preview: foretell(after, cx),
        job: base.clone(),
    };
    cx.page_with(status, &page)
}

/// `GET /jobs/preview`
pub(crate) async fn preview(cx: Cx) -> Result<HttpResponse, PageError> {
    let (wanted, errors) = form::read(&cx.args, None, &json!({}));
    let mut told = foretell(&wanted.applied(&blank("", cx.now())), &cx);
    if let Some(error) = errors.first() {
        told.error = Some(super::job::sentence(&format!(
            "{} {}",
            words::spaced(&error.path),
            error.message
        )));
    }
    cx.page(&told)
}
