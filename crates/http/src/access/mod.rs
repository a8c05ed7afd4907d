//! Who asks, whether they may ask at all, and how often.
//!
//! With `AUTH_MODE=on`, a request shows a token (`Authorization: Bearer`) or a session's cookie,
//! and the route table says which role it takes. With `AUTH_MODE=off`, whoever is on this machine
//! may do everything, and [`loopback`] keeps everybody else out.

mod cache;
mod limits;
mod loopback;
mod principal;

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderValue, ORIGIN};
use actix_web::{HttpMessage as _, cookie};
use riftwatch_domain::access::Role;
use riftwatch_store::api_tokens::{self, Bearer, SecretHash};
use riftwatch_store::{Db, StoreError, sessions};
use secrecy::ExposeSecret as _;

use self::cache::Cache;
use self::limits::Limiter;
use crate::error::{ApiError, Code};

pub use self::limits::Limit;
pub use self::principal::Principal;
pub(crate) use self::principal::{RefusedToken, unauthenticated};

/// The cookie of a session.
const COOKIE: &str = "riftwatch_session";

/// How long a session lasts.
const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Wrong tokens that one address may try before it has to wait. They cost a query and a line of
/// the audit log each.
const WRONG_TOKENS: Limit = Limit { per_second: 1, burst: 20 };

/// Whether requests have to say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// They show a token or a session.
    On,
    /// They come from this machine, and may do everything. Only for a loopback address.
    Off,
}

/// How access is kept.
#[derive(Debug, Clone)]
pub struct AccessConfig {
    /// Whether requests have to say who they are.
    pub mode: AuthMode,
    /// Requests of one address; of IPv6, of one /64. `None`: any number. Without effect with
    /// [`AuthMode::Off`].
    pub per_address: Option<Limit>,
    /// Requests with one token, and with the sessions that began with it. `None`: any number.
    pub per_token: Option<Limit>,
    /// Addresses of reverse proxies, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            mode: AuthMode::On,
            per_address: Some(Limit { per_second: 100, burst: 500 }),
            per_token: Some(Limit { per_second: 50, burst: 250 }),
            trusted_proxies: Vec::new(),
        }
    }
}

/// The door. Handlers reach it as `web::Data<Access>`.
#[derive(Debug)]
pub struct Access {
    config: AccessConfig,
    db: Db,
    bearers: Cache,
    addresses: Option<Limiter<IpAddr>>,
    tokens: Option<Limiter<i64>>,
    wrong_tokens: Limiter<IpAddr>,
}

impl Access {
    pub(crate) fn new(config: AccessConfig, db: Db) -> Self {
        Self {
            db,
            bearers: Cache::default(),
            addresses: config.per_address.map(Limiter::new),
            tokens: config.per_token.map(Limiter::new),
            wrong_tokens: Limiter::new(WRONG_TOKENS),
            config,
        }
    }

    /// Whether anybody has to log in.
    pub fn mode(&self) -> AuthMode {
        self.config.mode
    }

    /// Begins a session. `None`: there is no such token that lives, or too many wrong ones came
    /// from there.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn log_in(
        &self,
        req: &HttpRequest,
        token: &str,
    ) -> Result<Option<Cookie<'static>>, StoreError> {
        let from = address(&self.config, req.head());
        if self.wrong_tokens.check(&from, Instant::now()).is_err() {
            return Ok(None);
        }
        let mut conn = self.db.get().await?;
        let hash = SecretHash::of(token.trim());
        let Some(bearer) = api_tokens::authenticate(&mut conn, &hash).await? else {
            let _ = self.wrong_tokens.take(&from, Instant::now());
            return Ok(None);
        };
        let secret = sessions::begin(&mut conn, bearer.token_id, SESSION).await?;
        let age = cookie::time::Duration::try_from(SESSION).expect("some days");
        Ok(Some(session_cookie(req, secret.expose_secret().to_owned(), age)))
    }

    /// Ends the session of a request. The cookie takes the place of the session's.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn log_out(&self, req: &HttpRequest) -> Result<Cookie<'static>, StoreError> {
        if let Some(cookie) = req.cookie(COOKIE) {
            let hash = SecretHash::of(cookie.value());
            let mut conn = self.db.get().await?;
            sessions::end(&mut conn, &hash).await?;
            self.bearers.forget(&hash);
        }
        Ok(session_cookie(req, String::new(), cookie::time::Duration::ZERO))
    }

    /// Lets a request in and notes whose it is, or refuses it. A request that says nothing about
    /// itself, or shows a token that is not taken, is let in: the route decides.
    pub(crate) async fn admit(&self, req: &ServiceRequest) -> Result<(), ApiError> {
        if self.config.mode == AuthMode::Off {
            loopback::check(req.head())?;
            req.extensions_mut().insert(Principal::local());
            return Ok(());
        }
        let now = Instant::now();
        let from = address(&self.config, req.head());
        if let Some(limiter) = &self.addresses {
            limiter.take(&from, now).map_err(too_many)?;
        }
        let (hash, by_cookie) = match (req.headers().get(AUTHORIZATION), req.cookie(COOKIE)) {
            (Some(header), _) => match bearer_token(header) {
                Some(token) => (SecretHash::of(token), false),
                None => {
                    req.extensions_mut().insert(RefusedToken);
                    return Ok(());
                }
            },
            (None, Some(cookie)) => (SecretHash::of(cookie.value()), true),
            (None, None) => return Ok(()),
        };
        let bearer = match self.bearers.find(&hash, now) {
            Some(bearer) => bearer,
            None => {
                self.wrong_tokens.check(&from, now).map_err(too_many)?;
                match self.look_up(&hash, by_cookie).await? {
                    Some(bearer) => self.bearers.keep(hash, bearer, now),
                    // An old cookie is no attempt on anything.
                    None if by_cookie => return Ok(()),
                    None => {
                        let _ = self.wrong_tokens.take(&from, now);
                        req.extensions_mut().insert(RefusedToken);
                        return Ok(());
                    }
                }
            }
        };
        if let Some(limiter) = &self.tokens {
            limiter.take(&bearer.token_id, now).map_err(too_many)?;
        }
        req.extensions_mut().insert(Principal::from(&*bearer));
        if by_cookie {
            check_same_origin(req.head())?;
        }
        Ok(())
    }

    async fn look_up(
        &self,
        hash: &SecretHash,
        by_cookie: bool,
    ) -> Result<Option<Bearer>, StoreError> {
        let mut conn = self.db.get().await?;
        if by_cookie {
            sessions::find(&mut conn, hash).await
        } else {
            api_tokens::authenticate(&mut conn, hash).await
        }
    }
}

fn too_many(wait: Duration) -> ApiError {
    ApiError::new(Code::TooManyRequests, "too many requests: come back later").retry_after(wait)
}

/// The token of `Bearer rw_…`.
fn bearer_token(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn session_cookie(
    req: &HttpRequest,
    value: String,
    age: cookie::time::Duration,
) -> Cookie<'static> {
    Cookie::build(COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        // Says a proxy in front of us, or nobody: a wrong word only hurts who says it.
        .secure(req.connection_info().scheme() == "https")
        .max_age(age)
        .finish()
}

/// A browser says which page sends its cookie. `SameSite` already keeps other sites out; this keeps
/// out other ports of the same host, too.
fn check_same_origin(head: &RequestHead) -> Result<(), ApiError> {
    let host = head.headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    for origin in head.headers.get_all(ORIGIN) {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        if !authority.is_some_and(|(_, own)| own.as_bytes().eq_ignore_ascii_case(host)) {
            return Err(ApiError::new(
                Code::ForeignOrigin,
                "requests from web pages of other origins are refused",
            ));
        }
    }
    Ok(())
}

/// Where a request comes from: the peer, or what a trusted proxy says.
fn address(config: &AccessConfig, head: &RequestHead) -> IpAddr {
    let peer = head.peer_addr.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    let peer = peer.to_canonical();
    if !config.trusted_proxies.contains(&peer) {
        return network(peer);
    }
    // The proxy adds the address that it saw at the end; what stands before is anybody's word.
    let told = head.headers.get_all("x-forwarded-for").last();
    let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    network(told.unwrap_or(peer))
}

/// An IPv6 host has a whole /64 to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        v4 => v4,
    }
}

impl From<&Bearer> for Principal {
    fn from(bearer: &Bearer) -> Self {
        Self { name: bearer.name.clone(), role: bearer.role }
    }
}

impl Principal {
    /// Whoever is on this machine.
    fn local() -> Self {
        Self { name: "local".to_owned(), role: Role::Admin }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn from(config: &AccessConfig, peer: &str, forwarded: &[&str]) -> String {
        let mut req = TestRequest::default().peer_addr(peer.parse().unwrap());
        for value in forwarded {
            req = req.append_header(("X-Forwarded-For", *value));
        }
        address(config, req.to_http_request().head()).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        let config = AccessConfig {
            trusted_proxies: vec!["10.0.0.1".parse().unwrap()],
            ..AccessConfig::default()
        };
        assert_eq!(from(&config, "10.0.0.2:1", &["1.2.3.4"]), "10.0.0.2");
        assert_eq!(from(&config, "10.0.0.1:1", &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(from(&config, "10.0.0.1:1", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(from(&config, "10.0.0.1:1", &["nonsense"]), "10.0.0.1");
        assert_eq!(from(&config, "[::ffff:10.0.0.1]:1", &["1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let config = AccessConfig::default();
        assert_eq!(from(&config, "[2001:db8::1:2:3:4]:1", &[]), "2001:db8::");
        assert_eq!(from(&config, "[2001:db8::5:6:7:8]:1", &[]), "2001:db8::");
    }

    #[test]
    fn a_page_of_another_port_is_foreign_to_a_session() {
        let check = |origin: &str| {
            let req = TestRequest::default()
                .insert_header((HOST, "riftwatch.example:8000"))
                .insert_header((ORIGIN, origin))
                .to_http_request();
            check_same_origin(req.head()).is_ok()
        };
        assert!(check("https://riftwatch.example:8000"));
        assert!(check("http://RIFTWATCH.example:8000"));
        for foreign in ["http://riftwatch.example:9000", "null", "https://evil.example", ""] {
            assert!(!check(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        let token =
            |text: &'static str| bearer_token(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(token("Bearer rw_x").as_deref(), Some("rw_x"));
        assert_eq!(token("bearer  rw_x ").as_deref(), Some("rw_x"));
        assert_eq!(token("Basic rw_x"), None);
        assert_eq!(token("rw_x"), None);
    }
}
