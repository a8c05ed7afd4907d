//! `riftwatch status`: whether all is well, in one look.

use serde_json::Value;

use crate::api::Api;
use crate::cli::Remote;
use crate::output::{self, moment};
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Exits with 1 if something is wrong.
pub(crate) async fn run(settings: &Settings, remote: &Remote, json: bool) -> Result<Exit, Failure> {
    let api = Api::open(settings, remote).await?;
    let overview = api.get("/jobs/status/overview", &[]).await;
    api.close().await?;
    let overview = overview?;
    let wrong = wrong(&overview);
    if json {
        output::json(&overview);
    } else {
        let day = &overview["last_24_hours"];
        output::pairs(&[
            ("jobs", format!("{} of {} active", overview["active_jobs"], overview["total_jobs"])),
            ("running", overview["running_executions"].to_string()),
            ("waiting", overview["pending_executions"].to_string()),
            ("next tick (UTC)", moment(&overview["next_run_time"])),
            ("workers", overview["live_workers"].to_string()),
            (
                "last 24 hours",
                format!(
                    "{} succeeded, {} failed, {} cancelled",
                    day["success"], day["failed"], day["cancelled"]
                ),
            ),
        ]);
        output::line("");
        if wrong.is_empty() {
            output::line("all is well");
        }
        for fault in &wrong {
            output::line(fault);
        }
    }
    Ok(if wrong.is_empty() { Exit::Fine } else { Exit::No })
}

/// What is not well, and what to do.
fn wrong(overview: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if overview["scheduler_running"] != true {
        wrong.push("no process makes ticks: start `riftwatch serve`".to_owned());
    }
    if overview["live_workers"] == 0 {
        wrong.push("no process runs jobs: start `riftwatch serve`".to_owned());
    }
    if overview["late_jobs"].as_i64().is_some_and(|late| late > 0) {
        wrong.push(format!("{} jobs are late: see `riftwatch job list`", overview["late_jobs"]));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_mend() {
        let well = json!({"scheduler_running": true, "live_workers": 1, "late_jobs": 0});
        assert_eq!(wrong(&well), Vec::<String>::new());
        let ill = json!({"scheduler_running": false, "live_workers": 0, "late_jobs": 2});
        assert_eq!(wrong(&ill).len(), 3);
    }
}
