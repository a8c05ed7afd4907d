//! The key of the Riot API: stored sealed, tried before it is stored, used from the next call on.

use std::time::Duration;

use riftwatch_domain::causes::chain;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;
use riftwatch_riot::api::{CallClass, Caller, RiotApi as _};
use riftwatch_riot::client::{RiotClient, RiotClientConfig};
use riftwatch_riot::error::RiotError;
use riftwatch_store::secret_key::SecretKey;
use riftwatch_store::settings_store::{self, RIOT_API_KEY, Sealed};
use riftwatch_store::{Db, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::error::{ApiError, Code};

/// How often a process looks whether there is another key.
const EVERY: Duration = Duration::from_secs(1);

/// How long a person waits for Riot's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a process needs to use another key while it runs.
#[derive(Debug, Clone)]
pub struct RiotKeySwitch {
    /// The client that uses the key.
    pub client: RiotClient,
    /// What it was made from: where the API is, and the key that holds while none is stored.
    pub config: RiotClientConfig,
}

impl RiotKeySwitch {
    /// Asks Riot for an account that nobody has: the cheapest call that proves a key.
    ///
    /// # Errors
    ///
    /// As Riot answers.
    pub async fn try_key(&self, key: SecretString) -> Result<(), RiotError> {
        // A client of its own: the one in use must not take the key before it is known to be good.
        let config =
            RiotClientConfig { api_key: Some(key), shared_records: None, ..self.config.clone() };
        let nobody =
            RiotId { game_name: "riftwatch check".to_owned(), tag_line: "0000".to_owned() };
        let caller = Caller::new(CallClass::Interactive).with_patience(PATIENCE);
        let client = RiotClient::new(config)?;
        match client.account_by_riot_id(&caller, Platform::Euw1.region(), &nobody).await {
            // It is a key, and at its limit.
            Ok(_) | Err(RiotError::RateLimited { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Uses what is stored; without that, the key that the process began with.
    pub(crate) fn use_stored(
        &self,
        secret_key: &SecretKey,
        stored: Option<&Sealed>,
    ) -> Result<(), ApiError> {
        match stored {
            Some(sealed) => self.client.set_api_key(open(secret_key, sealed)?),
            None => self.client.set_api_key(self.config.api_key.clone().unwrap_or_default()),
        }
        Ok(())
    }

    /// Follows what is stored, until it is dropped.
    pub(crate) async fn follow(self, db: Db, secret_key: SecretKey) {
        let mut used = None;
        let mut failing = false;
        loop {
            match self.look(&db, &secret_key, &mut used).await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    warn!(error = chain(&error), "the stored riot api key cannot be read");
                }
                Err(_) => {}
            }
            sleep(EVERY).await;
        }
    }

    async fn look(
        &self,
        db: &Db,
        secret_key: &SecretKey,
        used: &mut Option<i64>,
    ) -> Result<(), StoreError> {
        let mut conn = db.get().await?;
        let version = settings_store::version(&mut conn, RIOT_API_KEY).await?;
        if version == *used {
            return Ok(());
        }
        let stored = settings_store::find(&mut conn, RIOT_API_KEY).await?;
        if self.use_stored(secret_key, stored.as_ref()).is_err() {
            error!(
                "the stored riot api key was sealed with another RIFTWATCH_SECRET_KEY: set that one, or store the key again"
            );
        } else if let Some(stored) = &stored {
            info!(version = stored.version, "the stored riot api key is used from now on");
        } else {
            info!("the riot api key of the environment is used from now on");
        }
        *used = stored.map(|stored| stored.version);
        Ok(())
    }
}

/// The stored key.
pub(crate) fn open(secret_key: &SecretKey, sealed: &Sealed) -> Result<SecretString, ApiError> {
    sealed.open(secret_key).map_err(|error| {
        ApiError::new(
            Code::NoSecretKey,
            "the stored key was sealed with another RIFTWATCH_SECRET_KEY: store it again",
        )
        .caused_by(error)
    })
}

/// `RGAPI-…4f2a`: enough to tell two keys apart.
pub(crate) fn masked(key: &SecretString) -> String {
    let key = key.expose_secret().trim();
    let end: String = key.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    if key.chars().count() < 16 {
        // So short a thing would be half shown.
        return "…".to_owned();
    }
    let prefix = if key.starts_with("RGAPI-") { "RGAPI-" } else { "" };
    format!("{prefix}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_key_can_be_told_from_another_and_not_used() {
        let masked = |key: &str| masked(&key.into());
        assert_eq!(masked("RGAPI-01234567-89ab-cdef-0123-456789abcdef"), "RGAPI-…cdef");
        assert_eq!(masked("RGAPI-short"), "…");
        assert_eq!(masked("0123456789abcdef0123"), "…0123");
    }
}
