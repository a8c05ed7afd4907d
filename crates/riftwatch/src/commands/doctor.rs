//! `riftwatch doctor`: is everything there that the program needs, and if not, what to do.

use chrono::{DateTime, Utc};
use riftwatch_app::key_sharing::PostgresRecords;
use riftwatch_domain::causes::chain;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller, RiotApi};
use riftwatch_riot::client::{RiotClient, RiotClientConfig};
use riftwatch_riot::error::RiotError;
use riftwatch_riot::sharing::SharedRecords;
use riftwatch_store::{migrations, server};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

use crate::database::Database;
use crate::output;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// A clock further off than this makes log lines and rows hard to put in order.
const SKEW_LIMIT_MS: i64 = 2_000;

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    fine: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, fine: true, found: found.into(), mend: None }
    }

    fn bad(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, fine: false, found: found.into(), mend: Some(mend.into()) }
    }
}

pub(crate) async fn run(settings: &Settings, json: bool) -> Result<Exit, Failure> {
    let mut checks = vec![Check::fine("settings", "can be used")];
    let database = check_database(settings, &mut checks).await;
    checks.push(check_riot(settings, database.as_ref()).await);
    if let Some(database) = database
        && let Err(error) = database.close().await
    {
        checks.push(Check::bad("private database", chain(&error), "see the cause"));
    }
    let all_fine = checks.iter().all(|check| check.fine);
    if json {
        output::json(&checks);
    } else {
        for check in &checks {
            let mark = if check.fine { "ok " } else { "NO " };
            output::line(&format!("{mark} {}: {}", check.name, check.found));
            if let Some(mend) = &check.mend {
                output::line(&format!("    → {mend}"));
            }
        }
    }
    Ok(if all_fine { Exit::Fine } else { Exit::No })
}

/// Gives the database if it can be worked with.
async fn check_database(settings: &Settings, checks: &mut Vec<Check>) -> Option<Database> {
    let database = match Database::reach(settings).await {
        Ok(database) => database,
        Err(error) => {
            let mend = "see the cause; with DATABASE_URL unset, riftwatch runs its own";
            checks.push(Check::bad("database", chain(&error), mend));
            return None;
        }
    };
    let db = database.pool(settings);
    match db.get().await {
        Ok(mut conn) => match server::facts(&mut conn).await {
            Ok(facts) => {
                checks.push(check_version(&facts.version, facts.version_number));
                checks.push(check_clock(facts.now));
            }
            Err(error) => {
                checks.push(Check::bad("database", chain(&error), "look into the server's log"));
            }
        },
        Err(error) => {
            let found = format!("{}: {}", database.url, chain(&error));
            checks.push(Check::bad("database", found, "start the server, or correct DATABASE_URL"));
            return None;
        }
    }
    let schema = match migrations::pending(&database.url).await {
        Ok(pending) if pending.is_empty() => Check::fine("schema", "up to date"),
        Ok(pending) => {
            let found = format!("{} migrations to run", pending.len());
            Check::bad("schema", found, "run `riftwatch migrate`, or start the server")
        }
        Err(error) => Check::bad("schema", chain(&error), "see the cause"),
    };
    drop(db);
    checks.push(schema);
    Some(database)
}

fn check_version(version: &str, number: i32) -> Check {
    if number >= 150_000 {
        Check::fine("database", format!("PostgreSQL {version} answers"))
    } else {
        Check::bad("database", format!("PostgreSQL {version}"), "use version 15 or newer")
    }
}

fn check_clock(theirs: DateTime<Utc>) -> Check {
    let ours = riftwatch_domain::clock::Clock::system().now();
    let off_ms = (ours - theirs).num_milliseconds();
    let found = format!("{off_ms} ms from the database's");
    if off_ms.abs() <= SKEW_LIMIT_MS {
        Check::fine("clock", found)
    } else {
        let mend = "set one of the clocks right (NTP); schedules follow the database's";
        Check::bad("clock", found, mend)
    }
}

/// Asks Riot for an account that nobody has: the cheapest call that proves the key. It takes its turn in
/// the budget that all processes on the database share.
async fn check_riot(settings: &Settings, database: Option<&Database>) -> Check {
    let config = match settings.riot() {
        Ok(config) => config,
        Err(error) => return Check::bad("riot key", chain(&error), "correct RIOT_API_KEY_FILE"),
    };
    if config.api_key.is_none() {
        return Check::bad(
            "riot key",
            "not set",
            "set RIOT_API_KEY (https://developer.riotgames.com), or try `riftwatch demo`, which needs none",
        );
    }
    let base = config.base_url.clone();
    // Where the records cannot be reached, the client goes by its own part of the limits.
    let records = database.map(|database| PostgresRecords::of(&database.pool(settings)));
    let shared_records = records.map(|records| Arc::new(records) as Arc<dyn SharedRecords>);
    let riot = match RiotClient::new(RiotClientConfig { shared_records, ..config }) {
        Ok(riot) => riot,
        Err(error) => return Check::bad("riot", chain(&error), "correct RIOT_API_BASE_URL"),
    };
    let nobody = riftwatch_domain::player::RiotId {
        game_name: "riftwatch doctor".to_owned(),
        tag_line: "0000".to_owned(),
    };
    let caller = Caller::new(CallClass::Interactive).with_patience(Duration::from_secs(5));
    let region = Platform::Euw1.region();
    let answer = riot.account_by_riot_id(&caller, region, &nobody).await;
    riot.leave().await;
    match answer {
        Ok(_) => Check::fine("riot key", format!("{base} takes it")),
        Err(RiotError::RateLimited { .. }) => {
            Check::fine("riot key", format!("{base} takes it; its limit is used up right now"))
        }
        Err(error @ (RiotError::Unauthorized | RiotError::Forbidden { .. })) => {
            let mend = "renew the key: development keys end after 24 hours";
            Check::bad("riot key", chain(&error), mend)
        }
        Err(error) => Check::bad("riot", chain(&error), "check the network and RIOT_API_BASE_URL"),
    }
}
