//! What an admin sets while the program runs.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use riftwatch_riot::error::RiotError;
use riftwatch_store::secret_key::SecretKey;
use riftwatch_store::settings_store::{self, RIOT_API_KEY, Sealed};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use utoipa::ToSchema;

use crate::access::Principal;
use crate::audit::note;
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::extract::{JsonBody, NoArgs, QueryArgs};
use crate::riot_key::{RiotKeySwitch, masked, open};
use crate::state::Api;

/// The key of the Riot API, as far as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RiotKeyView {
    /// Where the key in use comes from: `stored`, `environment` or `none`.
    source: &'static str,
    /// Its end.
    #[schema(example = "RGAPI-…4f2a")]
    masked: Option<String>,
    /// Riot refuses it: nothing is asked until there is another one.
    refused: bool,
    /// Of the stored key: raised by every change.
    version: Option<i64>,
    updated_at: Option<DateTime<Utc>>,
    /// The name of the token by which it was set.
    updated_by: Option<String>,
}

fn switch(api: &Api) -> Result<&RiotKeySwitch, ApiError> {
    api.riot_key.as_ref().ok_or_else(|| {
        ApiError::new(Code::NoRiotKey, "this process asks Riot by other means than a key")
    })
}

fn secret_key(api: &Api) -> Result<&SecretKey, ApiError> {
    api.secret_key.as_ref().ok_or_else(|| {
        ApiError::new(
            Code::NoSecretKey,
            "secrets cannot be stored before RIFTWATCH_SECRET_KEY or RIFTWATCH_SECRET_KEY_FILE is set",
        )
    })
}

fn view(api: &Api, stored: Option<Sealed>) -> Result<RiotKeyView, ApiError> {
    let switch = switch(api)?;
    let (source, key) = match &stored {
        Some(sealed) => ("stored", Some(open(secret_key(api)?, sealed)?)),
        None => match &switch.config.api_key {
            Some(key) => ("environment", Some(key.clone())),
            None => ("none", None),
        },
    };
    Ok(RiotKeyView {
        source,
        masked: key.as_ref().map(masked),
        refused: switch.client.key_refused(),
        version: stored.as_ref().map(|sealed| sealed.version),
        updated_at: stored.as_ref().map(|sealed| sealed.updated_at),
        updated_by: stored.map(|sealed| sealed.updated_by),
    })
}

/// Which key of the Riot API is in use.
#[utoipa::path(get, path = "/api/v1/settings/riot_api_key", tag = "service",
    responses(
        (status = 200, body = RiotKeyView),
        (status = 404, body = ErrorEnvelope, description = "The process has no key"),
        (status = 409, body = ErrorEnvelope, description = "The key that sealed the stored one is not set"),
    ))]
pub(crate) async fn riot_key(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<RiotKeyView>, ApiError> {
    let mut conn = api.deps.store.get().await?;
    let stored = settings_store::find(&mut conn, RIOT_API_KEY).await?;
    Ok(Json(view(&api, stored)?))
}

/// Another key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with key")]
pub(crate) struct RiotKeyRequest {
    #[schema(value_type = String, example = "RGAPI-01234567-89ab-cdef-0123-456789abcdef")]
    key: SecretString,
}

/// Use another key of the Riot API, from the next call on, in every process within a second.
///
/// It is tried on Riot first, and stored sealed. It takes the place of the one in the environment.
#[utoipa::path(put, path = "/api/v1/settings/riot_api_key", tag = "service",
    request_body = RiotKeyRequest,
    responses(
        (status = 200, body = RiotKeyView),
        (status = 404, body = ErrorEnvelope, description = "The process has no key"),
        (status = 409, body = ErrorEnvelope, description = "No key to seal it with is set"),
        (status = 422, body = ErrorEnvelope, description = "Riot does not take it"),
        (status = 502, body = ErrorEnvelope, description = "Riot gave no usable answer"),
    ))]
pub(crate) async fn set_riot_key(
    api: Data<Api>,
    principal: Principal,
    req: HttpRequest,
    _: QueryArgs<NoArgs>,
    JsonBody(wish): JsonBody<RiotKeyRequest>,
) -> Result<Json<RiotKeyView>, ApiError> {
    let (switch, secret_key) = (switch(&api)?.clone(), secret_key(&api)?);
    let key: SecretString = wish.key.expose_secret().trim().into();
    if key.expose_secret().is_empty() || !key.expose_secret().bytes().all(|b| b.is_ascii_graphic())
    {
        let message = "expected a key like RGAPI-01234567-89ab-cdef-0123-456789abcdef";
        return Err(ApiError::new(Code::ValidationFailed, message).field("key"));
    }
    let tried = try_key(&api, switch.clone(), key.clone()).await;
    tried.map_err(|error| match error {
        RiotError::Unauthorized | RiotError::Forbidden { .. } | RiotError::Invalid(_) => {
            ApiError::new(Code::KeyNotTaken, "riot does not take this key").field("key")
        }
        error => error.into(),
    })?;
    note(&req, "key", masked(&key));
    let mut conn = api.deps.store.get().await?;
    let stored =
        settings_store::set(&mut conn, secret_key, RIOT_API_KEY, &key, &principal.name).await?;
    switch.use_stored(secret_key, Some(&stored))?;
    Ok(Json(view(&api, Some(stored))?))
}

async fn try_key(api: &Api, switch: RiotKeySwitch, key: SecretString) -> Result<(), RiotError> {
    // Connections to Riot live on the program's runtime, which outlives the server's workers.
    let trying = async move { switch.try_key(key).await };
    let trying = api.runtime.spawn(trying.in_current_span());
    trying.await.unwrap_or_else(|error| Err(RiotError::Invalid(error.to_string())))
}

/// Forget the stored key: the one of the environment is used again.
#[utoipa::path(delete, path = "/api/v1/settings/riot_api_key", tag = "service",
    responses(
        (status = 200, body = RiotKeyView),
        (status = 404, body = ErrorEnvelope, description = "The process has no key"),
        (status = 409, body = ErrorEnvelope, description = "No key to seal secrets with is set"),
    ))]
pub(crate) async fn forget_riot_key(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<RiotKeyView>, ApiError> {
    let (switch, secret_key) = (switch(&api)?, secret_key(&api)?);
    let mut conn = api.deps.store.get().await?;
    settings_store::remove(&mut conn, RIOT_API_KEY).await?;
    switch.use_stored(secret_key, None)?;
    Ok(Json(view(&api, None)?))
}

/// What Riot says of the key in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyTest {
    /// Riot takes it.
    taken: bool,
    /// In words.
    message: String,
}

/// Try the key in use on Riot. Costs one call.
#[utoipa::path(post, path = "/api/v1/settings/riot_api_key/test", tag = "service",
    responses(
        (status = 200, body = KeyTest),
        (status = 404, body = ErrorEnvelope, description = "The process has no key"),
        (status = 409, body = ErrorEnvelope, description = "The key that sealed the stored one is not set"),
        (status = 502, body = ErrorEnvelope, description = "Riot gave no usable answer"),
    ))]
pub(crate) async fn test_riot_key(
    api: Data<Api>,
    _: QueryArgs<NoArgs>,
) -> Result<Json<KeyTest>, ApiError> {
    let switch = switch(&api)?.clone();
    let mut conn = api.deps.store.get().await?;
    let stored = settings_store::find(&mut conn, RIOT_API_KEY).await?;
    drop(conn);
    let key = match &stored {
        Some(sealed) => Some(open(secret_key(&api)?, sealed)?),
        None => switch.config.api_key.clone(),
    };
    let Some(key) = key else {
        return Ok(Json(KeyTest { taken: false, message: "there is no key".to_owned() }));
    };
    match try_key(&api, switch, key).await {
        Ok(()) => Ok(Json(KeyTest { taken: true, message: "riot takes the key".to_owned() })),
        Err(error @ (RiotError::Unauthorized | RiotError::Forbidden { .. })) => {
            Ok(Json(KeyTest { taken: false, message: error.to_string() }))
        }
        Err(error) => Err(error.into()),
    }
}
