//! Settings: the Riot key, tokens, what is kept for how long.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Path};
use askama::Template;
use chrono::TimeDelta;
use riftwatch_domain::access::Role;
use riftwatch_http::RiotKeySwitch;
use riftwatch_riot::error::RiotError;
use riftwatch_runner::manage::KEPT_VERSIONS;
use riftwatch_store::StoreError;
use riftwatch_store::api_tokens::{self, ApiToken};
use riftwatch_store::settings_store::{self, RIOT_API_KEY};
use secrecy::{ExposeSecret as _, SecretString};

use super::retention::{Limits, limits};
use crate::args::Args;
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::form::Control;
use crate::markup::Markup;
use crate::words;

struct TokenRow {
    token: ApiToken,
    made: Markup,
    used: Option<Markup>,
    ends: Option<Markup>,
    living: bool,
}

/// What is known of the Riot key.
struct KeyState {
    good: bool,
    words: String,
    note: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    shell: Shell,
    key: KeyState,
    tokens: Vec<TokenRow>,
    /// A token that was just made: told once.
    made: Option<(String, String)>,
    wrong: Option<String>,
    kept: Vec<(&'static str, String)>,
    limits: Vec<Limits>,
    why: &'static str,
    limits_why: &'static str,
}

/// What a form came to that the page itself tells.
#[derive(Default)]
pub(super) struct Told {
    /// A token that was just made: its name and the token.
    pub(super) made: Option<(String, String)>,
    pub(super) wrong: Option<String>,
    /// Limits that could not be stored, as they were sent.
    pub(super) limits: Option<Limits>,
}

impl Told {
    fn wrong(text: impl Into<String>) -> Self {
        Self { wrong: Some(text.into()), ..Self::default() }
    }
}

pub(super) async fn page(
    cx: &Cx,
    status: StatusCode,
    told: Told,
) -> Result<HttpResponse, PageError> {
    let now = cx.now();
    let limits = limits(cx, told.limits).await?;
    let mut conn = cx.conn().await?;
    let tokens = api_tokens::list(&mut conn).await?;
    let stored = settings_store::find(&mut conn, RIOT_API_KEY).await?;
    drop(conn);
    let refused = cx.api().riot_client.as_ref().is_some_and(|client| client.key_refused());
    let shell = cx.shell(Section::Settings, "Settings");
    let retention = cx.api().runner_config.retention;
    let page = Page {
        key: KeyState {
            good: !refused,
            words: if refused { "Riot refuses it" } else { "not refused" }.to_owned(),
            note: stored.map_or_else(
                || "It comes from the environment (RIOT_API_KEY).".to_owned(),
                |sealed| {
                    format!(
                        "It is stored here, sealed, since {} by {}.",
                        words::absolute(sealed.updated_at),
                        sealed.updated_by
                    )
                },
            ),
        },
        tokens: tokens
            .into_iter()
            .map(|token| TokenRow {
                made: words::when(token.created_at, now),
                used: token.last_used_at.map(|at| words::when(at, now)),
                ends: token.expires_at.map(|at| words::when(at, now)),
                living: token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now),
                token,
            })
            .rev()
            .collect(),
        made: told.made,
        wrong: told.wrong,
        kept: vec![
            (
                "Runs and their logs",
                retention.map_or_else(
                    || "for ever".to_owned(),
                    |kept| {
                        format!(
                            "for {}; the newest {} of each job at most",
                            words::duration(kept.age.as_secs_f64()),
                            words::count(kept.per_job)
                        )
                    },
                ),
            ),
            (
                "Versions of jobs",
                retention.map_or_else(
                    || "for ever".to_owned(),
                    |kept| {
                        format!(
                            "for {} after they were replaced; the newest {} of each job always",
                            words::duration(kept.age.as_secs_f64()),
                            words::count(KEPT_VERSIONS)
                        )
                    },
                ),
            ),
        ],
        limits,
        why: super::admin(&shell),
        limits_why: super::operator(&shell),
        shell,
    };
    cx.page_with(status, &page)
}

/// `GET /settings`
pub(crate) async fn show(cx: Cx) -> Result<HttpResponse, PageError> {
    page(&cx, StatusCode::OK, Told::default()).await
}

/// Asks Riot whether it takes a key. `Err` says in words why not.
async fn tried(cx: &Cx, switch: &RiotKeySwitch, key: SecretString) -> Result<(), String> {
    let switch = switch.clone();
    let trying = cx.site.runtime.spawn(async move { switch.try_key(key).await });
    match trying.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(RiotError::Unauthorized | RiotError::Forbidden { .. } | RiotError::Invalid(_))) => {
            Err("Riot does not take this key.".to_owned())
        }
        Ok(Err(error)) => {
            Err(super::job::sentence(&format!("riot gave no usable answer: {error}")))
        }
        Err(error) => Err(super::job::sentence(&error.to_string())),
    }
}

/// `POST /settings/riot-key`
pub(crate) async fn set_key(cx: Cx, body: Bytes) -> Result<HttpResponse, PageError> {
    let to = "/settings#riot-key";
    let (Some(switch), Some(secret_key)) = (&cx.api().riot_key, &cx.api().secret_key) else {
        return Ok(cx.refused(to, "A key cannot be stored here: this process has no key of its own, or no secret to seal it with (RIFTWATCH_SECRET_KEY)."));
    };
    let key = Args::parse(&body).text("key").to_owned();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(cx.refused(
            to,
            "That does not look like a key: expected one like RGAPI-01234567-89ab-…",
        ));
    }
    let key = SecretString::from(key);
    if let Err(why) = tried(&cx, switch, key.clone()).await {
        return Ok(cx.refused(to, why));
    }
    let mut conn = cx.conn().await?;
    settings_store::set(&mut conn, secret_key, RIOT_API_KEY, &key, &cx.name()).await?;
    Ok(cx.done(
        to,
        "Riot takes the key. It is stored sealed, and every process uses it within a second.",
    ))
}

/// `POST /settings/riot-key/test`
pub(crate) async fn test_key(cx: Cx) -> Result<HttpResponse, PageError> {
    let to = "/settings#riot-key";
    let Some(switch) = &cx.api().riot_key else {
        return Ok(cx.refused(to, "This process asks Riot by other means than a key."));
    };
    let stored = {
        let mut conn = cx.conn().await?;
        settings_store::find(&mut conn, RIOT_API_KEY).await?
    };
    let key = match (stored, &cx.api().secret_key) {
        (Some(sealed), Some(secret_key)) => match sealed.open(secret_key) {
            Ok(key) => key,
            Err(error) => return Ok(cx.refused(to, super::job::sentence(&error.to_string()))),
        },
        _ => match &switch.config.api_key {
            Some(key) => key.clone(),
            None => return Ok(cx.refused(to, "There is no key.")),
        },
    };
    match tried(&cx, switch, key).await {
        Ok(()) => Ok(cx.done(to, "Riot takes the key.")),
        Err(why) => Ok(cx.refused(to, why)),
    }
}

/// `POST /settings/tokens`
pub(crate) async fn make_token(cx: Cx, body: Bytes) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let Some(role) = fields.read::<Role>("role") else {
        return page(&cx, StatusCode::UNPROCESSABLE_ENTITY, Told::wrong("Choose a role.")).await;
    };
    let days: Option<i64> = fields.read("days").filter(|days| (1..=3_650).contains(days));
    let expires_at = days.map(|days| cx.now() + TimeDelta::days(days));
    let name = fields.text("name").to_owned();
    let made = {
        let mut conn = cx.conn().await?;
        api_tokens::create(&mut conn, &name, role, expires_at).await
    };
    match made {
        Ok((token, secret)) => {
            let made = Some((token.name, secret.expose_secret().to_owned()));
            page(&cx, StatusCode::OK, Told { made, ..Told::default() }).await
        }
        Err(StoreError::Conflict { .. }) => {
            let told = Told::wrong("The name is empty, or a living token has it.");
            page(&cx, StatusCode::UNPROCESSABLE_ENTITY, told).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/tokens/{name}/revoke`
pub(crate) async fn revoke_token(cx: Cx, name: Path<String>) -> Result<HttpResponse, PageError> {
    let revoked = {
        let mut conn = cx.conn().await?;
        api_tokens::revoke(&mut conn, &name).await?
    };
    match revoked {
        Some(token) => Ok(cx.done(
            "/settings",
            format!(
                "The token {} is ended, and so are the sessions that began with it.",
                token.name
            ),
        )),
        None => Ok(cx.refused("/settings", "No living token has this name.")),
    }
}
