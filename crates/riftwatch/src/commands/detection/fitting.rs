//! `riftwatch detection fit`: what a model is fitted on, and where it goes.

use std::fs;
use std::path::Path;

use riftwatch_app::assess::stored_accounts;
use riftwatch_detection::Model;
use riftwatch_detection::fit::{Plan, RealAccounts, RealAccountsFrom, fit, fit_with};
use serde_json::json;

use super::{failed, files, say};
use crate::database::Database;
use crate::output;
use crate::settings::Settings;
use crate::{Exit, Failure};

/// Stored accounts without which the innocent side is better known from the worlds.
const FEWEST_ACCOUNTS: usize = 200;

fn report(step: &str) {
    say(&format!("{step} …"));
}

/// On generated worlds alone.
pub(super) fn on_worlds(plan: &Plan) -> Model {
    fit(plan, report)
}

/// The innocent side on a file of evidence.
pub(super) fn on_file(plan: &Plan, path: &Path) -> Result<Model, Failure> {
    files::open(path).map_err(failed(path))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).display().to_string();
    let accounts = RealAccounts { name, source: RealAccountsFrom::Lines(&|| files::open(path)) };
    Ok(fit_with(plan, &accounts, report)?)
}

/// The innocent side on up to `most` of the accounts that are stored.
pub(super) async fn on_database(
    plan: &Plan,
    settings: &Settings,
    most: usize,
) -> Result<Model, Failure> {
    let database = Database::open(settings).await?;
    report("stored accounts");
    let accounts = stored_accounts(&database.pool(settings), most).await;
    database.close().await?;
    let accounts = accounts?;
    if accounts.len() < FEWEST_ACCOUNTS {
        return Err(Failure::Said(format!(
            "{} stored accounts have enough ranked games to be learnt from, and it takes \
             {FEWEST_ACCOUNTS}",
            accounts.len()
        )));
    }
    say(&format!("{} stored accounts are learnt from", accounts.len()));
    let plan = plan.clone();
    let work = tokio::task::spawn_blocking(move || {
        let source = RealAccountsFrom::Held(&accounts);
        fit_with(&plan, &RealAccounts { name: "stored matches".to_owned(), source }, report)
    });
    Ok(work.await.expect("a fit does not panic, and is not cancelled")?)
}

/// Writes the model, and prints what it is.
pub(super) fn write(model: &Model, path: &Path) -> Result<Exit, Failure> {
    fs::write(path, model.to_json() + "\n").map_err(failed(path))?;
    output::json(&json!({
        "model_version": model.version(),
        "provenance": model.provenance(),
        "written_to": path,
    }));
    Ok(Exit::Fine)
}
