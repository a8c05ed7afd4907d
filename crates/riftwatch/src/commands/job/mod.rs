//! `riftwatch job`: see and steer jobs over the API.

mod run;
mod runs;
mod settings;
mod shown;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::{JobCommand, Remote};
use crate::output;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Jobs in one list. Nobody has more.
const ALL: usize = 10_000;

pub(crate) async fn run(
    settings: &Settings,
    remote: &Remote,
    command: JobCommand,
) -> Result<Exit, Failure> {
    let api = Api::open(settings, remote).await?;
    let done = obey(settings, &api, command).await;
    api.close().await?;
    done
}

async fn obey(settings: &Settings, api: &Api, command: JobCommand) -> Result<Exit, Failure> {
    match command {
        JobCommand::List { json } => shown::list(&api.list("/jobs/", &[], ALL).await?, json),
        JobCommand::Show { job, json } => {
            let job = find(api, &job).await?;
            let path = format!("/jobs/{}/executions", id(&job));
            shown::one(job, api.list(&path, &[], 10).await?, json);
        }
        JobCommand::Types { json } => shown::types(api.get("/jobs/types", &[]).await?, json),
        JobCommand::Create { name, job_type, settings, json } => {
            let mut body = settings::body(settings);
            body["name"] = name.into();
            body["job_type"] = job_type.into();
            shown::changed(&api.post("/jobs/", body).await?, "created", json);
        }
        JobCommand::Edit { job, name, settings, if_version, json } => {
            let mut body = settings::body(settings);
            if let Some(name) = name {
                body["name"] = name.into();
            }
            shown::changed(&edit(api, &job, body, if_version).await?, "changed", json);
        }
        JobCommand::Enable { job } => {
            shown::changed(
                &edit(api, &job, json!({"enabled": true}), None).await?,
                "enabled",
                false,
            );
        }
        JobCommand::Disable { job } => {
            let job = edit(api, &job, json!({"enabled": false}), None).await?;
            shown::changed(&job, "disabled", false);
        }
        JobCommand::Delete { job } => {
            let job = find(api, &job).await?;
            api.call(Method::DELETE, &format!("/jobs/{}", id(&job)), &[], None, &[]).await?;
            shown::changed(&job, "deleted", false);
        }
        JobCommand::Pause { job, reason, until } => {
            let path = format!("/jobs/{}/pause", id(&find(api, &job).await?));
            let mut body = json!({});
            if let Some(reason) = reason {
                body["reason"] = reason.into();
            }
            if let Some(until) = until {
                body["until"] = json!(until);
            }
            shown::changed(&api.post(&path, body).await?, "paused", false);
        }
        JobCommand::Resume { job } => {
            let path = format!("/jobs/{}/resume", id(&find(api, &job).await?));
            shown::changed(&api.post(&path, Value::Null).await?, "resumed", false);
        }
        JobCommand::Run { job, json } => return run::run(settings, api, &job, json).await,
        JobCommand::Runs { job, status, reason, limit, json } => {
            let path = match job {
                Some(job) => format!("/jobs/{}/executions", id(&find(api, &job).await?)),
                None => "/jobs/executions".to_owned(),
            };
            let mut query = Vec::new();
            query.extend(status.map(|status| ("status", status.to_string())));
            query.extend(reason.map(|reason| ("reason", reason.to_string())));
            runs::list(api.list(&path, &query, limit.into()).await?, json);
        }
        JobCommand::Cancel { run } => {
            api.post(&format!("/jobs/executions/{run}/cancel"), Value::Null).await?;
            output::line(&format!("asked run {run} to end"));
        }
        JobCommand::Retry { run } => {
            let made = api.post(&format!("/jobs/executions/{run}/retry"), Value::Null).await?;
            output::line(&format!("run {} repeats run {run}", made["execution_id"]));
        }
        JobCommand::Logs { run, follow, json } => return runs::logs(api, &run, follow, json).await,
        JobCommand::Versions { job, json } => {
            let path = format!("/jobs/{}/versions", id(&find(api, &job).await?));
            shown::versions(api.list(&path, &[], 200).await?, json);
        }
        JobCommand::Restore { job, version } => {
            let job = find(api, &job).await?;
            let path = format!("/jobs/{}/restore", id(&job));
            let if_match = [("If-Match", format!("\"{}\"", job["version"]))];
            let body = Some(json!({ "version": version }));
            let (_, job) = api.call(Method::POST, &path, &[], body, &if_match).await?;
            shown::changed(&job, &format!("as in version {version} again"), false);
        }
        JobCommand::Preview { cron, time_zone, json } => {
            let query = [("cron", cron), ("time_zone", time_zone)];
            shown::fires(api.get("/jobs/schedule/preview", &query).await?, json);
        }
    }
    Ok(Exit::Fine)
}

/// A job by its name or its id.
async fn find(api: &Api, name_or_id: &str) -> Result<Value, Failure> {
    let jobs = api.list("/jobs/", &[], ALL).await?;
    let id: Option<i64> = name_or_id.parse().ok();
    jobs.into_iter()
        .find(|job| job["name"] == name_or_id || (id.is_some() && job["id"].as_i64() == id))
        .ok_or_else(|| {
            Failure::Said(format!("there is no job named {name_or_id}: see `riftwatch job list`"))
        })
}

fn id(job: &Value) -> &Value {
    &job["id"]
}

async fn edit(
    api: &Api,
    job: &str,
    changes: Value,
    if_version: Option<i64>,
) -> Result<Value, Failure> {
    let path = format!("/jobs/{}", id(&find(api, job).await?));
    let headers: Vec<_> =
        if_version.map(|version| ("If-Match", format!("\"{version}\""))).into_iter().collect();
    Ok(api.call(Method::PATCH, &path, &[], Some(changes), &headers).await?.1)
}
