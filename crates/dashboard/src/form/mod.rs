//! The form of a job: from a job or nothing to fields, from fields to what is wanted, and what that
//! changes.

mod schema;

pub(crate) use schema::{Control, Field, fields};

use riftwatch_domain::job::{JobConfiguration, MisfirePolicy};
use riftwatch_runner::JobType;
use riftwatch_runner::manage::{FieldError, JobChanges, NewJob};
use serde_json::Value;

use crate::args::Args;

/// Units of an interval: name and seconds.
pub(crate) const UNITS: [(&str, i64); 4] =
    [("seconds", 1), ("minutes", 60), ("hours", 3_600), ("days", 86_400)];

/// What a form asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) interval_seconds: Option<i32>,
    pub(crate) cron: Option<String>,
    pub(crate) manual_only: bool,
    pub(crate) time_zone: String,
    pub(crate) jitter_seconds: i32,
    pub(crate) timeout_seconds: Option<i32>,
    pub(crate) max_instances: i32,
    pub(crate) misfire_policy: MisfirePolicy,
    pub(crate) enabled: bool,
    pub(crate) config_json: Value,
}

/// The fields of a job as it is.
pub(crate) fn of_job(job: &JobConfiguration, kind: Option<&JobType>) -> Args {
    let mut args = Args::default();
    let mut set = |name: &str, value: String| args = args.with(name, &value);
    set("name", job.name.clone());
    set(
        "schedule",
        if job.manual_only {
            "manual"
        } else if job.cron.is_some() {
            "cron"
        } else {
            "interval"
        }
        .to_owned(),
    );
    if let Some(seconds) = job.interval_seconds {
        let seconds = i64::from(seconds);
        let unit = UNITS.iter().rev().find(|(_, size)| seconds % size == 0).unwrap_or(&UNITS[0]);
        set("interval_value", (seconds / unit.1).to_string());
        set("interval_unit", unit.0.to_owned());
    }
    set("cron", job.cron.clone().unwrap_or_default());
    set("time_zone", job.time_zone.clone());
    set("jitter_seconds", job.jitter_seconds.to_string());
    set("timeout_seconds", job.timeout_seconds.map_or_else(String::new, |s| s.to_string()));
    set("max_instances", job.max_instances.to_string());
    set("misfire_policy", job.misfire_policy.as_str().to_owned());
    set("enabled", if job.enabled { "true" } else { "" }.to_owned());
    if let Some(kind) = kind {
        for field in fields(kind) {
            let value = job.config_json.get(&field.key).unwrap_or(&field.default);
            set(&field.name(), field.show(value));
        }
    }
    args
}

/// The fields of a new job of a type.
pub(crate) fn of_type(kind: &JobType, name: &str) -> Args {
    let mut args = Args::default()
        .with("name", name)
        .with("schedule", "interval")
        .with("interval_value", &kind.default_interval.as_secs().to_string())
        .with("interval_unit", "seconds")
        .with("time_zone", "UTC")
        .with("jitter_seconds", "0")
        .with("max_instances", "1")
        .with("misfire_policy", "once")
        .with("enabled", "true");
    for field in fields(kind) {
        args = args.with(&field.name(), &field.show(&field.default));
    }
    args
}

fn wrong(path: &str, message: &str) -> FieldError {
    FieldError { path: path.to_owned(), message: message.to_owned() }
}

/// Reads a form. `before` is what the job's own settings were: what the form does not know of them
/// stays.
pub(crate) fn read(
    args: &Args,
    kind: Option<&JobType>,
    before: &Value,
) -> (Wanted, Vec<FieldError>) {
    let mut errors = Vec::new();
    let mut number = |name: &str, absent: Option<i32>| -> Option<i32> {
        match args.get(name) {
            None => absent,
            Some(text) => text.parse().ok().or_else(|| {
                errors.push(wrong(name, "must be a whole number"));
                absent
            }),
        }
    };
    let jitter_seconds = number("jitter_seconds", Some(0)).unwrap_or(0);
    let timeout_seconds = number("timeout_seconds", None);
    let max_instances = number("max_instances", Some(1)).unwrap_or(1);
    let schedule = args.text("schedule");
    let interval_seconds = match (schedule, args.get("interval_value")) {
        ("interval", Some(text)) => {
            let size = UNITS.iter().find(|(name, _)| *name == args.text("interval_unit"));
            let size = size.map_or(1, |(_, size)| *size);
            let seconds = text.parse::<i64>().ok().and_then(|value| value.checked_mul(size));
            let seconds = seconds.and_then(|seconds| i32::try_from(seconds).ok());
            if seconds.is_none() {
                errors.push(wrong("interval_seconds", "must be a whole number, of a year at most"));
            }
            seconds
        }
        _ => None,
    };
    let cron = (schedule == "cron").then(|| args.text("cron").to_owned());
    let mut config = before.as_object().cloned().unwrap_or_default();
    for field in kind.map(fields).unwrap_or_default() {
        match field.read(args) {
            Ok(Some(value)) => {
                // What was never said, and is the default, stays unsaid.
                if config.contains_key(&field.key) || value != field.default {
                    config.insert(field.key.clone(), value);
                }
            }
            Ok(None) => {}
            Err(message) => errors.push(wrong(&format!("config_json.{}", field.key), &message)),
        }
    }
    let wanted = Wanted {
        name: args.text("name").to_owned(),
        interval_seconds,
        cron,
        manual_only: schedule == "manual",
        time_zone: args.get("time_zone").unwrap_or("UTC").to_owned(),
        jitter_seconds,
        timeout_seconds,
        max_instances,
        misfire_policy: args.read("misfire_policy").unwrap_or(MisfirePolicy::Once),
        enabled: args.get("enabled").is_some(),
        config_json: Value::Object(config),
    };
    (wanted, errors)
}

impl Wanted {
    pub(crate) fn new_job(self, job_type: &str) -> NewJob {
        NewJob {
            interval_seconds: self.interval_seconds,
            cron: self.cron,
            time_zone: Some(self.time_zone),
            manual_only: self.manual_only,
            jitter_seconds: self.jitter_seconds,
            enabled: self.enabled,
            config_json: self.config_json,
            timeout_seconds: self.timeout_seconds,
            max_instances: self.max_instances,
            misfire_policy: Some(self.misfire_policy),
            ..NewJob::new(self.name, job_type)
        }
    }

    pub(crate) fn changes(self) -> JobChanges {
        JobChanges {
            name: Some(self.name),
            job_type: None,
            interval_seconds: Some(self.interval_seconds),
            cron: Some(self.cron),
            time_zone: Some(self.time_zone),
            manual_only: Some(self.manual_only),
            jitter_seconds: Some(self.jitter_seconds),
            enabled: Some(self.enabled),
            config_json: Some(self.config_json),
            timeout_seconds: Some(self.timeout_seconds),
            max_instances: Some(self.max_instances),
            misfire_policy: Some(self.misfire_policy),
        }
    }

    /// The job as it would be.
    pub(crate) fn applied(&self, job: &JobConfiguration) -> JobConfiguration {
        JobConfiguration {
            name: self.name.clone(),
            interval_seconds: self.interval_seconds,
            cron: self.cron.clone(),
            manual_only: self.manual_only,
            time_zone: self.time_zone.clone(),
            jitter_seconds: self.jitter_seconds,
            timeout_seconds: self.timeout_seconds,
            max_instances: self.max_instances,
            misfire_policy: self.misfire_policy,
            enabled: self.enabled,
            config_json: self.config_json.clone(),
            ..job.clone()
        }
    }
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) field: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A value as people read it.
pub(crate) fn say(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What differs between two jobs, of what somebody may set.
pub(crate) fn changes(before: &JobConfiguration, after: &JobConfiguration) -> Vec<Change> {
    let (old, new) = (serde_json::to_value(before), serde_json::to_value(after));
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) = (old, new) else { return Vec::new() };
    let mut changes = Vec::new();
    for key in [
        "name",
        "interval_seconds",
        "cron",
        "time_zone",
        "manual_only",
        "jitter_seconds",
        "timeout_seconds",
        "max_instances",
        "misfire_policy",
        "enabled",
        "config_json",
    ] {
        let pair = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
        differ(key, pair, &mut changes);
    }
    changes
}

/// Differences between two values; those of objects are told key by key.
pub(crate) fn differ(name: &str, (old, new): (&Value, &Value), changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if let (Value::Object(a), Value::Object(b)) = (old, new) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let pair = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
            let path = if name == "config_json" { key.clone() } else { format!("{name}.{key}") };
            differ(&path, pair, changes);
        }
        return;
    }
    changes.push(Change { field: name.to_owned(), before: say(old), after: say(new) });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_of_settings_are_told_key_by_key() {
        let mut changes = Vec::new();
        let (old, new) = (json!({"a": 1, "b": [1]}), json!({"a": 2, "b": [1], "c": "x"}));
        differ("config_json", (&old, &new), &mut changes);
        let told: Vec<String> =
            changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect();
        assert_eq!(told, ["a: 1 → 2", "c: nothing → x"]);
    }
}
