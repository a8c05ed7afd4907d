//! The client of the real API, or of anything that speaks like it.

mod attempt;
mod calls;
mod config;
mod flights;
mod health;
mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::redirect::Policy;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::{Account, Puuid, RiotId, Summoner};
use riftwatch_domain::rank::RankEntry;
use riftwatch_domain::routing::{Platform, Region, Route};
use secrecy::SecretString;

use self::config::BaseUrl;
pub use self::config::RiotClientConfig;
use self::flights::Flights;
use self::health::Health;
use self::key::KeyRing;
use crate::api::{Caller, MatchIdsQuery, RiotApi};
use crate::dto;
use crate::endpoints::Resource;
use crate::error::RiotError;
use crate::limiter::{KeySharing, Limiter, LimiterSnapshot};
use crate::sharing::{SharedRecords, key_hash};

/// The most match ids that Riot lists at once.
pub(crate) const LONGEST_PAGE: u32 = 100;

/// From a turn until a request's connection is begun, on a machine that is out of breath. Added to the
/// client's own time-out, it bounds how long a request can be on its way to Riot.
const STARTING: Duration = Duration::from_secs(5);

/// A client of the Riot API. Make one per process and clone it: clones share the key, the limits
/// and the connections.
#[derive(Clone)]
pub struct RiotClient(Arc<Shared>);

struct Shared {
    base_url: BaseUrl,
    http: Client,
    limits: Limits,
    /// The limiter of the last key that could be used, with the hash of that key.
    limiter: RwLock<(Arc<str>, Limiter)>,
    keys: KeyRing,
    health: Health,
    flights: Flights,
}

/// What limiters are made from.
struct Limits {
    usage_factor: f64,
    job_shares: Arc<BTreeMap<String, u32>>,
    records: Option<Arc<dyn SharedRecords>>,
    /// This start of the process, by a random number.
    process: u64,
    longest_request: Duration,
}

impl Limits {
    /// A limiter for a key: what was used of another key's limits is no matter to it.
    fn of_key(&self, key: &[u8]) -> (Arc<str>, Limiter) {
        let key_hash = key_hash(key);
        let sharing = self.records.clone().map(|records| KeySharing {
            records,
            key_hash: key_hash.clone(),
            process: self.process,
            longest_request: self.longest_request,
        });
        (key_hash, Limiter::of_key(self.usage_factor, self.job_shares.clone(), sharing))
    }
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
            // A machine without root certificates can still use a simulator. Its proxy, where it has
            // one, is not told the key: on the way through it, it would be readable.
            http = http.tls_certs_only([]).no_proxy();
        }
        let http = http.build().map_err(|error| {
            RiotError::Invalid(format!(
                "an http client cannot be made ({error:?}): are the system's root certificates \
                 (ca-certificates) installed?"
            ))
        })?;
        let limits = Limits {
            usage_factor: config.usage_factor,
            job_shares: Arc::new(config.job_shares),
            records: config.shared_records,
            process: rand::random(),
            longest_request: config.timeout + STARTING,
        };
        let keys = KeyRing::new(config.api_key.as_ref())?;
        let limiter = RwLock::new(limits.of_key(keys.bytes().as_ref()));
        let (health, flights) = (Health::default(), Flights::default());
        Ok(Self(Arc::new(Shared { base_url, http, limits, limiter, keys, health, flights })))
    }

    /// Replaces the key from the next request on, also of calls that wait already. After a
    /// refused key this lets calls through again. A key has limits of its own, so that what was
    /// learned and used of the old one's is forgotten.
    pub fn set_api_key(&self, key: SecretString) {
        self.0.keys.set(&key, |bytes| {
            let mut limiter =
                self.0.limiter.write().expect("no one panics while holding this lock");
            if !bytes.is_empty() && limiter.0 != key_hash(bytes) {
                *limiter = self.0.limits.of_key(bytes);
            }
        });
    }

    /// To be called before the program ends: hands back what this client holds of a budget that it
    /// shares with other processes, which would otherwise find out after a few seconds. Takes at
    /// most about a second.
    pub async fn leave(&self) {
        self.limiter().leave().await;
    }

    fn limiter(&self) -> Limiter {
        self.0.limiter.read().expect("no one panics while holding this lock").1.clone()
    }

    /// Whether Riot has refused the key, so that every call fails at once until there is a new one.
    pub fn key_refused(&self) -> bool {
        self.0.keys.is_refused()
    }

    /// The beginning of a hash of the key, by which its shared records are found.
    pub fn key_hash(&self) -> Arc<str> {
        self.0.limiter.read().expect("no one panics while holding this lock").0.clone()
    }

    /// The limits and their use on every route used so far.
    pub fn limits(&self) -> LimiterSnapshot {
        self.limiter().snapshot()
    }

    async fn fetch_match(
        &self,
        caller: &Caller,
        match_id: &MatchId,
    ) -> Result<Option<Match>, RiotError> {
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
    fn free_share(&self, route: Route) -> f64 {
        let routes = self.limits().routes;
        let windows = routes.iter().filter(|known| known.route == route).flat_map(|r| &r.windows);
        windows.map(|w| w.free as f64 / f64::from(w.limit.max(1))).fold(1.0, f64::min)
    }

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
        if match_id.region().is_none() {
            return Ok(None);
        }
        let ask = || {
            let (riot, caller, match_id) = (self.clone(), caller.clone(), match_id.clone());
            async move { riot.fetch_match(&caller, &match_id).await }
        };
        self.0.flights.share(match_id, caller.class(), ask).await
    }
}
