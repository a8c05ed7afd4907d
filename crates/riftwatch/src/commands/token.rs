//! `riftwatch token`: who may use the API.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::access::Role;
use riftwatch_store::api_tokens::{self, ApiToken};
use riftwatch_store::audit_log::{self, NewEntry};
use riftwatch_store::{Conn, StoreError, server};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::cli::TokenCommand;
use crate::database::Database;
use crate::output;
use crate::settings::Settings;
use crate::{Exit, Failure};

pub(crate) async fn run(settings: &Settings, command: TokenCommand) -> Result<Exit, Failure> {
    let database = Database::open(settings).await?;
    let db = database.pool(settings);
    let mut conn = db.get().await?;
    let done = match command {
        TokenCommand::Create { name, role, expires_in, json } => {
            create(&mut conn, &name, role, expires_in, json).await
        }
        TokenCommand::List { json } => list(&mut conn, json).await,
        TokenCommand::Revoke { name } => revoke(&mut conn, &name).await,
    };
    drop(conn);
    drop(db);
    database.close().await?;
    done.map(|()| Exit::Fine)
}

async fn create(
    conn: &mut Conn,
    name: &str,
    role: Role,
    expires_in: Option<Duration>,
    json: bool,
) -> Result<(), Failure> {
    let now = server::facts(conn).await?.now;
    let expires_at = expires_in.map(|span| end(now, span)).transpose()?;
    let (token, secret) =
        api_tokens::create(conn, name, role, expires_at).await.map_err(|error| match error {
            StoreError::Conflict { constraint } if constraint == "api_tokens_name_key" => {
                Failure::Said(format!(
                    "there is a token named {name} already: revoke it first, or choose another name"
                ))
            }
            StoreError::Conflict { .. } => Failure::Said("a token needs a name".to_owned()),
            error => error.into(),
        })?;
    record(conn, "token create", &token).await?;
    if json {
        let mut line = view(&token);
        line["token"] = secret.expose_secret().into();
        output::json(&line);
    } else {
        output::line(secret.expose_secret());
        tracing::info!("{name} is {role}; the token is not stored, so keep it now");
    }
    Ok(())
}

fn end(now: DateTime<Utc>, span: Duration) -> Result<DateTime<Utc>, Failure> {
    // A hundred years are for ever, and within what every calendar can do.
    let span = TimeDelta::from_std(span).ok().filter(|span| *span <= TimeDelta::days(36_500));
    span.map(|span| now + span)
        .ok_or_else(|| Failure::Said("--expires-in: at most 100 years".to_owned()))
}

async fn list(conn: &mut Conn, json: bool) -> Result<(), Failure> {
    let tokens = api_tokens::list(conn).await?;
    if json {
        output::json(&tokens.iter().map(view).collect::<Vec<_>>());
        return Ok(());
    }
    let now = server::facts(conn).await?.now;
    let rows: Vec<Vec<String>> = tokens.iter().map(|token| row(token, now)).collect();
    output::table(&["NAME", "ROLE", "MADE (UTC)", "LAST USED", "STATE"], &rows);
    Ok(())
}

fn row(token: &ApiToken, now: DateTime<Utc>) -> Vec<String> {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) if at <= now => format!("expired {}", time(at)),
        (None, Some(at)) => format!("until {}", time(at)),
        (None, None) => "taken".to_owned(),
    };
    vec![
        token.name.clone(),
        token.role.to_string(),
        time(token.created_at),
        token.last_used_at.map_or_else(|| "never".to_owned(), time),
        state,
    ]
}

fn view(token: &ApiToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "role": token.role.as_str(),
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
}

async fn revoke(conn: &mut Conn, name: &str) -> Result<(), Failure> {
    let token = api_tokens::revoke(conn, name).await?.ok_or_else(|| {
        Failure::Said(format!("there is no token named {name}: see `riftwatch token list`"))
    })?;
    record(conn, "token revoke", &token).await?;
    output::line(&format!("{name} is revoked"));
    Ok(())
}

async fn record(conn: &mut Conn, action: &str, token: &ApiToken) -> Result<(), StoreError> {
    let entry = NewEntry {
        actor: "command line",
        action,
        outcome: "done",
        job_id: None,
        job_name: None,
        execution_id: None,
        difference: json!({ "token": token.name, "role": token.role.as_str() }),
        reason: None,
    };
    audit_log::record(conn, &entry).await
}
