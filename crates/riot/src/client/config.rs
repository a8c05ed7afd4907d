//! What a client is made from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use riftwatch_domain::routing::{Region, Route};
use secrecy::SecretString;
use url::Url;

use crate::error::RiotError;
use crate::sharing::SharedRecords;

/// The part of the base address that becomes the route.
const PLACEHOLDER: &str = "{route}";

/// Settings of a [`RiotClient`](super::RiotClient). `Debug` does not show the key.
#[derive(Debug, Clone)]
pub struct RiotClientConfig {
    /// Where the API is, with `{route}` in place of the routing value (`euw1`, `europe`).
    pub base_url: String,
    /// Without a key every call fails at once; it can be set later.
    pub api_key: Option<SecretString>,
    /// How we name ourselves to Riot.
    pub user_agent: String,
    /// The share of the key's limits to use, above 0 and up to 1: less than 1 when another tool
    /// uses the same key.
    pub usage_factor: f64,
    /// Shares of the turns by [job](crate::api::Caller::for_job), for those whose share is not 1: of
    /// two that always wait, one with share 3 has three turns of four.
    pub job_shares: BTreeMap<String, u32>,
    /// Where all processes that use the key write down what they spend of its limits. `None`: this
    /// process has the key to itself.
    pub shared_records: Option<Arc<dyn SharedRecords>>,
    /// For a connection to come about.
    pub connect_timeout: Duration,
    /// For a whole request, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

impl Default for RiotClientConfig {
    fn default() -> Self {
        Self {
            base_url: format!("https://{PLACEHOLDER}.api.riotgames.com"),
            api_key: None,
            user_agent: concat!("riftwatch/", env!("CARGO_PKG_VERSION")).to_owned(),
            usage_factor: 1.0,
            job_shares: BTreeMap::new(),
            shared_records: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
        }
    }
}

/// An address with a place for the route, known to be one for every route.
#[derive(Debug, Clone)]
pub(super) struct BaseUrl(String);

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, RiotError> {
        let invalid = |why: &str| {
            Err(RiotError::Invalid(format!(
                "the base address of the riot api, {text:?}, {why}: expected one like \
                 https://{PLACEHOLDER}.api.riotgames.com"
            )))
        };
        if !text.contains(PLACEHOLDER) {
            return invalid("has no {route} in it");
        }
        let Ok(url) = Url::parse(&text.replace(PLACEHOLDER, Region::Europe.as_str())) else {
            return invalid("is not an address");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return invalid("is neither http nor https");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return invalid("ends in a query or a fragment");
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn is_plain_http(&self) -> bool {
        self.0.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
    }

    /// The address of a resource. Every segment is encoded, so that a slash or a `#` in a name
    /// stays part of the name.
    pub(super) fn join(&self, route: Route, segments: &[&str]) -> Url {
        let mut url = Url::parse(&self.0.replace(PLACEHOLDER, route.as_str())).expect(
            "it was an address with one route in it, and routes are all letters and digits",
        );
        url.path_segments_mut()
            .expect("http and https addresses have paths")
            .pop_if_empty()
            .extend(segments);
        url
    }
}

#[cfg(test)]
mod tests {
    use riftwatch_domain::routing::Platform;

    use super::*;

    #[test]
    fn the_route_takes_its_place_anywhere_in_the_address() {
        for (base, expected) in [
            ("https://{route}.api.riotgames.com", "https://euw1.api.riotgames.com/lol/x"),
            ("http://127.0.0.1:9000/{route}", "http://127.0.0.1:9000/euw1/lol/x"),
            ("http://127.0.0.1:9000/{route}/", "http://127.0.0.1:9000/euw1/lol/x"),
        ] {
            let url =
                BaseUrl::parse(base).expect("valid").join(Platform::Euw1.into(), &["lol", "x"]);
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn names_in_any_script_and_with_any_character_stay_one_segment() {
        let base = BaseUrl::parse("http://{route}.test").expect("valid");
        let url = base.join(Region::Asia.into(), &["夜の 狐", "a/b#c?d%e\\f"]);
        assert_eq!(url.path(), "/%E5%A4%9C%E3%81%AE%20%E7%8B%90/a%2Fb%23c%3Fd%25e%5Cf",);
    }

    #[test]
    fn a_bad_address_says_what_is_wrong() {
        for (base, why) in [
            ("https://euw1.api.riotgames.com", "has no {route} in it"),
            ("{route}", "is not an address"),
            ("ftp://{route}.test", "is neither http nor https"),
            ("https://{route}.test/?a=b", "ends in a query"),
        ] {
            let error = BaseUrl::parse(base).expect_err(base).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
