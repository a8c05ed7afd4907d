//! What may be set on a job, and whether it fits together.

use std::time::Duration;

use riftwatch_domain::job::{JobConfiguration, MisfirePolicy};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::FieldError;
use crate::registry::Catalog;
use crate::schedule::{Schedule, ScheduleError};

/// The most seconds in an interval, a timeout or a jitter: a year and a day.
const MAX_SECONDS: i32 = 366 * 24 * 3600;

/// The most runs of one job side by side.
const MAX_INSTANCES: i32 = 1000;

/// A job to be created. Without `interval_seconds`, `cron` and `manual_only` it has the default
/// interval of the program.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as in JobConfiguration")]
pub struct NewJob {
    pub name: String,
    pub job_type: String,
    #[serde(default)]
    pub interval_seconds: Option<i32>,
    #[serde(default)]
    pub cron: Option<String>,
    #[serde(default)]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub manual_only: bool,
    #[serde(default)]
    pub jitter_seconds: i32,
    #[serde(default = "enabled")]
    pub enabled: bool,
    #[serde(default = "no_settings")]
    pub config_json: Value,
    #[serde(default)]
    pub timeout_seconds: Option<i32>,
    #[serde(default = "one")]
    pub max_instances: i32,
    #[serde(default)]
    pub misfire_policy: Option<MisfirePolicy>,
}

fn enabled() -> bool {
    true
}

fn one() -> i32 {
    1
}

fn no_settings() -> Value {
    json!({})
}

impl NewJob {
    /// A job with the defaults of everything but name and type.
    pub fn new(name: impl Into<String>, job_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            job_type: job_type.into(),
            interval_seconds: None,
            cron: None,
            time_zone: None,
            manual_only: false,
            jitter_seconds: 0,
            enabled: true,
            config_json: json!({}),
            timeout_seconds: None,
            max_instances: 1,
            misfire_policy: None,
        }
    }
}

/// An edit: what is `None` stays. Of the columns that can be null, `Some(None)` empties them.
/// Setting an interval removes the cron expression, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "as in JobConfiguration")]
pub struct JobChanges {
    pub name: Option<String>,
    pub job_type: Option<String>,
    #[serde(deserialize_with = "present")]
    pub interval_seconds: Option<Option<i32>>,
    #[serde(deserialize_with = "present")]
    pub cron: Option<Option<String>>,
    pub time_zone: Option<String>,
    pub manual_only: Option<bool>,
    pub jitter_seconds: Option<i32>,
    pub enabled: Option<bool>,
    pub config_json: Option<Value>,
    #[serde(deserialize_with = "present")]
    pub timeout_seconds: Option<Option<i32>>,
    pub max_instances: Option<i32>,
    pub misfire_policy: Option<MisfirePolicy>,
}

/// Tells `null` from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The columns that make a schedule: when one differs, the next tick is computed anew.
pub(super) fn same_schedule(a: &JobConfiguration, b: &JobConfiguration) -> bool {
    a.interval_seconds == b.interval_seconds
        && a.cron == b.cron
        && a.time_zone == b.time_zone
        && a.manual_only == b.manual_only
        && a.jitter_seconds == b.jitter_seconds
        && a.enabled == b.enabled
        && a.pause.is_some() == b.pause.is_some()
}

impl JobChanges {
    /// Puts the edit on a job.
    pub(super) fn apply(self, job: &mut JobConfiguration) {
        let Self {
            name,
            job_type,
            interval_seconds,
            cron,
            time_zone,
            manual_only,
            jitter_seconds,
            enabled,
            config_json,
            timeout_seconds,
            max_instances,
            misfire_policy,
        } = self;
        if let Some(interval) = interval_seconds {
            job.interval_seconds = interval;
            if interval.is_some() && cron.is_none() {
                job.cron = None;
            }
        }
        if let Some(expression) = cron {
            let cleared = expression.is_some() && interval_seconds.is_none();
            job.cron = expression;
            if cleared {
                job.interval_seconds = None;
            }
        }
        // A schedule that is given is wanted.
        if manual_only.is_none() && (interval_seconds.flatten().is_some() || job.cron.is_some()) {
            job.manual_only = false;
        }
        set(&mut job.name, name);
        set(&mut job.job_type, job_type);
        set(&mut job.time_zone, time_zone);
        set(&mut job.manual_only, manual_only);
        set(&mut job.jitter_seconds, jitter_seconds);
        set(&mut job.enabled, enabled);
        set(&mut job.config_json, config_json);
        set(&mut job.timeout_seconds, timeout_seconds);
        set(&mut job.max_instances, max_instances);
        set(&mut job.misfire_policy, misfire_policy);
    }
}

fn set<T>(column: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *column = value;
    }
}

/// Checks a job whole. Returns its schedule.
pub(super) fn check(
    job: &JobConfiguration,
    catalog: &Catalog,
    default_interval: Duration,
) -> Result<Schedule, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |path: &str, message: String| errors.push(FieldError::new(path, message));
    if job.name.trim().is_empty() || job.name.len() > 200 || job.name.chars().any(char::is_control)
    {
        wrong("name", "must have 1 to 200 characters, none of them a control character".to_owned());
    }
    if job.interval_seconds.is_some() && job.cron.is_some() {
        wrong(
            "cron",
            "a job has an interval or a cron expression, not both: set one to null".to_owned(),
        );
    }
    let range = |value: i32, from: i32, to: i32| (from..=to).contains(&value);
    if job.interval_seconds.is_some_and(|s| !range(s, 1, MAX_SECONDS)) {
        wrong("interval_seconds", format!("must be 1 to {MAX_SECONDS} seconds"));
    }
    if job.timeout_seconds.is_some_and(|s| !range(s, 1, MAX_SECONDS)) {
        wrong("timeout_seconds", format!("must be 1 to {MAX_SECONDS} seconds"));
    }
    if !range(job.max_instances, 1, MAX_INSTANCES) {
        wrong("max_instances", format!("must be 1 to {MAX_INSTANCES}"));
    }
    if !range(job.jitter_seconds, 0, MAX_SECONDS) {
        wrong("jitter_seconds", format!("must be 0 to {MAX_SECONDS} seconds"));
    }
    if let Err(error) = catalog.validate(&job.job_type, &job.config_json) {
        wrong(&error.path, error.message);
    }
    let schedule = Schedule::of(job, default_interval);
    if let Err(error) = &schedule
        && errors.iter().all(|known| known.path != "interval_seconds")
    {
        let path = match error {
            ScheduleError::Interval => "interval_seconds",
            ScheduleError::TimeZone(_) => "time_zone",
            ScheduleError::Jitter => "jitter_seconds",
            ScheduleError::CronTooLong | ScheduleError::Cron(_) | ScheduleError::NeverFires => {
                "cron"
            }
        };
        errors.push(FieldError::new(path, error.to_string()));
    }
    // A zone is checked also where nothing reads it, so that it is right when something does.
    if job.cron.is_none()
        && let Err(ScheduleError::TimeZone(zone)) = Schedule::cron("0 0 * * *", &job.time_zone)
    {
        let error = ScheduleError::TimeZone(zone);
        errors.push(FieldError::new("time_zone", error.to_string()));
    }
    match schedule {
        Ok(schedule) if errors.is_empty() => Ok(schedule),
        _ => Err(errors),
    }
}
