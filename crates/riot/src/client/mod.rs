//! The client of the real API, or of anything that speaks like it.

mod attempt;
mod calls;
mod config;
mod health;
mod key;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::redirect::Policy;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::{Account, Puuid, RiotId, Summoner};
use riftwatch_domain::rank::RankEntry;
use riftwatch_domain::routing::{Platform, Region};
use secrecy::SecretString;

use self::config::BaseUrl;
pub use self::config::RiotClientConfig;
use self::health::Health;
use self::key::KeyRing;
use crate::api::{Caller, MatchIdsQuery, RiotApi};
use crate::dto;
use crate::endpoints::Resource;
use crate::error::RiotError;
use crate::limiter::{Limiter, LimiterSnapshot};

/// The most match ids that Riot lists at once.
pub(crate) const LONGEST_PAGE: u32 = 100;

/// A client of the Riot API. Make one per process and clone it: clones share the key, the limits
/// and the connections.
#[derive(Clone)]
pub struct RiotClient(Arc<Shared>);

struct Shared {
    base_url: BaseUrl,
    http: Client,
    limiter: Limiter,
    keys: KeyRing,
    health: Health,
}

impl fmt::Debug for RiotClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RiotClient")
            .field("base_url", &self.0.base_url)
            .field("key_refused", &self.key_refused())
            .finish_non_exhaustive()
    }
}

impl RiotClient {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`RiotError::Invalid`] says which setting is wrong, and how it should be.
    pub fn new(config: RiotClientConfig) -> Result<Self, RiotError> {
        let base_url = BaseUrl::parse(&config.base_url)?;
        if !(config.usage_factor > 0.0 && config.usage_factor <= 1.0) {
            return Err(RiotError::Invalid(format!(
                "the usage factor of the riot api key is {}: expected more than 0 and at most 1",
                config.usage_factor
            )));
        }
        // The binary installs it first thing. Whoever uses this crate alone need not know about
        // it; a second installation fails, and that is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = Client::builder()
            .user_agent(&config.user_agent)
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .gzip(true)
            .redirect(Policy::none())
            // By default reqwest repeats some requests, unseen by the limiter.
            .retry(reqwest::retry::never());
        if base_url.is_plain_http() {
            // A machine without root certificates can still use a simulator.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| {
            RiotError::Invalid(format!(
                "an http client cannot be made ({error:?}): are the system's root certificates \
                 (ca-certificates) installed?"
            ))
        })?;
        Ok(Self(Arc::new(Shared {
            base_url,
            http,
            limiter: Limiter::new(config.usage_factor),
            keys: KeyRing::new(config.api_key.as_ref())?,
            health: Health::default(),
        })))
    }

    /// Replaces the key from the next request on, also of calls that wait already. After a
    /// refused key this lets calls through again.
    pub fn set_api_key(&self, key: SecretString) {
        self.0.keys.set(&key);
    }

    /// Whether Riot has refused the key, so that every call fails at once until there is a new one.
    pub fn key_refused(&self) -> bool {
        self.0.keys.is_refused()
    }

    /// The limits and their use on every route used so far.
    pub fn limits(&self) -> LimiterSnapshot {
        self.0.limiter.snapshot()
    }

    /// A match was forbidden. After several in a row, something that is forbidden to bad keys
    /// only tells which it is: a queue that is private by design, or a dead key.
    async fn private_match(&self, caller: &Caller, match_id: &MatchId) -> RiotError {
        if let Some(platform) = match_id.platform().filter(|_| self.0.keys.is_doubtful()) {
            // Whatever else comes of it, only a refusal of the key counts, and the key ring knows.
            let _ = self.get(caller, platform.into(), &Resource::platform_status()).await;
        }
        self.0.keys.current().map_or_else(|refused| refused, |_| RiotError::PrivateMatch)
    }
}

#[async_trait]
impl RiotApi for RiotClient {
    async fn account_by_riot_id(
        &self,
        caller: &Caller,
        region: Region,
        riot_id: &RiotId,
    ) -> Result<Option<Account>, RiotError> {
        let resource = Resource::account_by_riot_id(riot_id);
        let body = self.get(caller, region.for_accounts().into(), &resource).await?;
        body.map(|body| dto::account(resource.endpoint, &body)).transpose()
    }

    async fn account_by_puuid(
        &self,
        caller: &Caller,
        region: Region,
        puuid: &Puuid,
    ) -> Result<Option<Account>, RiotError> {
        let resource = Resource::account_by_puuid(puuid);
        let body = self.get(caller, region.for_accounts().into(), &resource).await?;
        body.map(|body| dto::account(resource.endpoint, &body)).transpose()
    }

    async fn summoner_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Option<Summoner>, RiotError> {
        let resource = Resource::summoner_by_puuid(puuid);
        let body = self.get(caller, platform.into(), &resource).await?;
        body.map(|body| dto::summoner(resource.endpoint, &body)).transpose()
    }

    async fn league_entries_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Vec<RankEntry>, RiotError> {
        let resource = Resource::league_entries_by_puuid(puuid);
        match self.get(caller, platform.into(), &resource).await? {
            Some(body) => dto::league_entries(resource.endpoint, &body),
            None => Ok(Vec::new()),
        }
    }

    async fn match_ids(
        &self,
        caller: &Caller,
        region: Region,
        puuid: &Puuid,
        query: &MatchIdsQuery,
    ) -> Result<Option<Vec<MatchId>>, RiotError> {
        if query.count > LONGEST_PAGE {
            return Err(RiotError::Invalid(format!(
                "riot lists at most {LONGEST_PAGE} matches at once, not {}",
                query.count
            )));
        }
        let resource = Resource::match_ids(puuid, query);
        let body = self.get(caller, region.into(), &resource).await?;
        body.map(|body| dto::match_ids(resource.endpoint, &body)).transpose()
    }

    async fn match_by_id(
        &self,
        caller: &Caller,
        match_id: &MatchId,
    ) -> Result<Option<Match>, RiotError> {
        // Matches of tournament realms are on no host of the public API.
        let Some(region) = match_id.region() else { return Ok(None) };
        let resource = Resource::match_by_id(match_id);
        let body = match self.get(caller, region.into(), &resource).await {
            Ok(Some(body)) => body,
            Ok(None) => return Ok(None),
            Err(RiotError::PrivateMatch) => return Err(self.private_match(caller, match_id).await),
            Err(error) => return Err(error),
        };
        let game = dto::parse_match(resource.endpoint, &body)?;
        // An aborted lobby: listed, but nobody played.
        Ok(Some(game).filter(|game| !game.participants.is_empty()))
    }
}
