//! The API, as the commands use it: that of a server, or one of this program's own.
//!
//! Where `--server` names one, commands are its clients. Where none is named, the program serves
//! the API to itself on a socket that only its user can open, on the database of the settings: the
//! commands work with and without a running server, and there is one way for everything.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use riftwatch_riot::client::RiotClient;
use riftwatch_store::Db;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tempfile::TempDir;

use crate::Failure;
use crate::cli::Remote;
use crate::database::Database;
use crate::server;
use crate::settings::Settings;

/// The longest that an answer may take: a search through Riot's budget takes a while.
const PATIENCE: Duration = Duration::from_secs(150);

/// A client of the API.
pub(crate) struct Api {
    base: String,
    token: Option<SecretString>,
    client: reqwest::Client,
    own: Option<Own>,
}

/// The API that this program serves to itself.
pub(crate) struct Own {
    /// The database that it works on.
    pub(crate) db: Db,
    /// Where that is.
    pub(crate) database: Database,
    riot: RiotClient,
    http: riftwatch_http::ServerHandle,
    _socket: TempDir,
}

/// The API said no.
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", field.as_ref().map_or_else(String::new, |field| format!(" ({field})")))]
pub(crate) struct Refused {
    /// The error's name, as docs/api.md lists them.
    pub(crate) code: String,
    message: String,
    field: Option<String>,
    /// All that the answer said.
    pub(crate) details: Value,
}

impl Api {
    /// Reaches the server that was named, or serves the API itself.
    pub(crate) async fn open(settings: &Settings, remote: &Remote) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        if let Some(server) = &remote.server {
            return Ok(Self {
                base: server.as_str().trim_end_matches('/').to_owned(),
                token: remote.token.clone(),
                client: builder.build().map_err(Failure::Client)?,
                own: None,
            });
        }
        let database = Database::open(settings).await?;
        let db = database.pool(settings);
        let failed = |source| Failure::Said(format!("serving the API to ourselves: {source}"));
        // A folder of this name can be entered by its owner alone.
        let folder = tempfile::Builder::new().prefix("riftwatch-").tempdir().map_err(failed)?;
        let path = folder.path().join("api");
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let open = settings.clone().without_access_control();
        let outside = server::outside(&open, &database, settings.riot()?).await?;
        let riot = outside.riot_client();
        let state = server::api_state(&open, &database, outside)?;
        let mut config = open.http()?;
        config.workers = 1;
        let server = riftwatch_http::server(listener, state, config, |_| {}).map_err(failed)?;
        let http = server.handle();
        tokio::spawn(server);
        Ok(Self {
            base: "http://localhost".to_owned(),
            token: None,
            client: builder.unix_socket(path).build().map_err(Failure::Client)?,
            own: Some(Own { db, database, riot, http, _socket: folder }),
        })
    }

    /// What this program serves itself; `None`: it is the client of a server.
    pub(crate) fn own(&self) -> Option<&Own> {
        self.own.as_ref()
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        Ok(self.call(Method::GET, path, query, None, &[]).await?.1)
    }

    /// Does something.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        let body = Some(body).filter(|body| !body.is_null());
        Ok(self.call(Method::POST, path, &[], body, &[]).await?.1)
    }

    /// Any call, with the status of its success. `null` is the answer of those that answer nothing.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Value>,
        headers: &[(&str, String)],
    ) -> Result<(StatusCode, Value), Failure> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self.client.request(method, url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(Failure::Client)?;
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok((status, Value::Null));
        }
        let text = answer.text().await.map_err(Failure::Client)?;
        let value: Value = serde_json::from_str(&text).map_err(|_| {
            Failure::Said(format!("{} answered {status} without JSON: is it riftwatch?", self.base))
        })?;
        if status.is_success() {
            return Ok((status, value));
        }
        let error = &value["error"];
        let text = |key: &str| error[key].as_str().map(str::to_owned);
        Err(Refused {
            code: text("code").unwrap_or_else(|| status.to_string()),
            message: text("message").unwrap_or_else(|| format!("the server answered {status}")),
            field: text("field"),
            details: error.clone(),
        }
        .into())
    }

    /// The items of a list, from all of its pages, at most `limit`.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let page = (limit - items.len()).min(200);
            let mut query = query.to_vec();
            query.push(("limit", page.to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let mut answer = self.get(path, &query).await?;
            if let Value::Array(more) = answer["items"].take() {
                items.extend(more);
            }
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }

    /// Ends what was begun for the command.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        if let Some(own) = self.own {
            drop(self.client);
            own.http.stop(true).await;
            // Other processes would find this one's part of the budget free some seconds later.
            own.riot.leave().await;
            drop(own.riot);
            drop(own.db);
            own.database.close().await?;
        }
        Ok(())
    }
}
