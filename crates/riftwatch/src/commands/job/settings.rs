//! What a create or an edit sends.

use serde_json::{Value, json};

use crate::cli::JobSettings;

/// The options that were given, as the API's fields.
pub(super) fn body(settings: JobSettings) -> Value {
    let JobSettings {
        interval,
        cron,
        time_zone,
        manual,
        config_json,
        timeout,
        max_instances,
        jitter,
        misfire_policy,
        enabled,
    } = settings;
    let mut body = json!({});
    let mut given = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[key] = value;
        }
    };
    given("interval_seconds", interval.map(Value::from));
    given("cron", cron.map(Value::from));
    given("time_zone", time_zone.map(Value::from));
    given("manual_only", manual.then_some(Value::from(true)));
    given("config_json", config_json);
    given("timeout_seconds", timeout.map(Value::from));
    given("max_instances", max_instances.map(Value::from));
    given("jitter_seconds", jitter.map(Value::from));
    given("misfire_policy", misfire_policy.map(Value::from));
    given("enabled", enabled.map(Value::from));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_not_sent() {
        assert_eq!(body(JobSettings::default()), json!({}));
        let settings =
            JobSettings { interval: Some(300), enabled: Some(false), ..JobSettings::default() };
        assert_eq!(body(settings), json!({"interval_seconds": 300, "enabled": false}));
    }
}
