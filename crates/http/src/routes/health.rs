//! Whether the process lives, and whether it can work.

use std::time::Duration;

use actix_web::web::{Data, Json};
use riftwatch_store::{StoreError, migrations, server};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{NoArgs, QueryArgs};
use crate::state::Api;

/// How long the database may take to say that it is there.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// The process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    #[schema(example = "live")]
    status: &'static str,
}

/// Whether the process lives. Asks nobody else.
#[utoipa::path(get, path = "/health/live", tag = "service",
    responses((status = 200, body = Live)))]
pub(crate) async fn live(_: QueryArgs<NoArgs>) -> Json<Live> {
    Json(Live { status: "live" })
}

/// The process can work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    /// What was looked at, each `ok`: `database`, `schema`, `runtime`, `ticker`, `riot_key`.
    #[schema(value_type = Object)]
    checks: Map<String, Value>,
}

/// Whether the process can work: database, schema, ticker, key.
///
/// The body of a 503 has what failed under `error.checks`.
#[utoipa::path(get, path = "/health/ready", tag = "service",
    responses(
        (status = 200, body = Ready),
        (status = 503, body = ErrorEnvelope, description = "Something that the process needs is missing"),
    ))]
pub(crate) async fn ready(api: Data<Api>, _: QueryArgs<NoArgs>) -> Result<Json<Ready>, ApiError> {
    let (database, schema) = database_and_schema(&api).await;
    let found = [
        ("database", database),
        ("schema", schema),
        ("runtime", runtime(&api)),
        ("ticker", ticker(&api)),
        ("riot_key", riot_key(&api)),
    ];
    let failed: Vec<String> = found
        .iter()
        .filter_map(|(name, result)| result.as_ref().err().map(|why| format!("{name}: {why}")))
        .collect();
    let checks: Map<String, Value> = found
        .into_iter()
        .map(|(name, result)| (name.to_owned(), result.err().unwrap_or("ok".to_owned()).into()))
        .collect();
    if failed.is_empty() {
        Ok(Json(Ready { status: "ready", checks }))
    } else {
        Err(ApiError::new(Code::NotReady, failed.join("; ")).with("checks", checks))
    }
}

/// Whether the database answers, and whether its schema is ours or newer: one connection of the
/// pool, two queries.
async fn database_and_schema(api: &Api) -> (Result<(), String>, Result<(), String>) {
    let ask = async {
        let mut conn = api.deps.store.get().await?;
        server::facts(&mut conn).await?;
        Ok::<_, StoreError>(migrations::missing(&mut conn).await)
    };
    let unread = || Err("cannot be read".to_owned());
    match timeout(DATABASE_PATIENCE, ask).await {
        Ok(Ok(Ok(missing))) if missing.is_empty() => (Ok(()), Ok(())),
        Ok(Ok(Ok(missing))) => {
            (Ok(()), Err(format!("migrations are missing: {}", missing.join(", "))))
        }
        Ok(Ok(Err(_))) => (Ok(()), unread()),
        Ok(Err(_)) => (Err("not reachable".to_owned()), unread()),
        Err(_) => {
            let silent = format!("no answer within {} s", DATABASE_PATIENCE.as_secs());
            (Err(silent), unread())
        }
    }
}

fn runtime(api: &Api) -> Result<(), String> {
    let Some(runner) = &api.runner else { return Ok(()) };
    let status = runner.status();
    if status.draining {
        return Err("it is shutting down".to_owned());
    }
    if status.fenced {
        return Err("its heartbeat cannot be written".to_owned());
    }
    Ok(())
}

fn ticker(api: &Api) -> Result<(), String> {
    let Some(runner) = &api.runner else { return Ok(()) };
    let status = runner.status();
    if runner.config().scheduler_enabled && !status.draining && !status.scheduler_running {
        return Err("it is two ticks late".to_owned());
    }
    Ok(())
}

fn riot_key(api: &Api) -> Result<(), String> {
    match &api.riot_client {
        Some(client) if client.key_refused() => {
            Err("riot refuses it: set RIOT_API_KEY to a valid key".to_owned())
        }
        _ => Ok(()),
    }
}
