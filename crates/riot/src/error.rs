//! Why a call to Riot gave no answer, and what to do about it.

use std::time::Duration;

/// Whose limit was reached, as Riot's `X-Rate-Limit-Type` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitScope {
    /// The key's, on the whole route.
    Application,
    /// The endpoint's, on the route.
    Method,
    /// Riot's own, shared by all keys.
    Service,
    /// Our own limiter: the turn is further away than the caller's patience.
    Local,
}

/// A call that gave no answer. Not found is no error.
#[derive(Debug, thiserror::Error)]
pub enum RiotError {
    /// No turn within the caller's patience, or Riot said so.
    #[error("the rate limit is used up for {retry_after:?}")]
    RateLimited {
        /// Whose limit.
        scope: LimitScope,
        /// How long until a call can be made.
        retry_after: Duration,
    },
    /// 401: the key is missing, unknown or expired.
    #[error("riot refuses the api key (401): set RIOT_API_KEY to a valid key")]
    Unauthorized,
    /// 403 on anything but a match: the key may not do this, or is blacklisted.
    #[error("riot forbids {endpoint} to the api key (403)")]
    Forbidden {
        /// Riot's method id.
        endpoint: &'static str,
    },
    /// 403 on a match: it is private.
    #[error("the match is private")]
    PrivateMatch,
    /// 400 "Exception decrypting": the puuid was given out to another API key. Ask for the account
    /// by its Riot ID to learn the puuid that this key knows it by.
    #[error("riot cannot read the puuid sent to {endpoint} (400): it belongs to another api key")]
    ForeignPuuid {
        /// Riot's method id.
        endpoint: &'static str,
    },
    /// 400: the request is malformed.
    #[error("riot refuses the request to {endpoint} (400)")]
    BadRequest {
        /// Riot's method id.
        endpoint: &'static str,
    },
    /// Riot's servers failed, repeatedly.
    #[error("riot answered {endpoint} with status {status}")]
    Upstream {
        /// Riot's method id.
        endpoint: &'static str,
        /// The HTTP status of the last attempt.
        status: u16,
    },
    /// No answer came, repeatedly.
    #[error("no answer from riot to {endpoint}")]
    Transport {
        /// Riot's method id.
        endpoint: &'static str,
        /// What happened to the last attempt.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer came and is not of the expected shape. Asking again does not help.
    #[error("riot's answer to {endpoint} is not of the expected shape at {path}")]
    Decode {
        /// Riot's method id.
        endpoint: &'static str,
        /// Where in the JSON.
        path: String,
        /// What was wrong there.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The client was misconfigured, or asked for what cannot be.
    #[error("{0}")]
    Invalid(String),
}

/// What an error means for the work in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Only this item fails: go on with the next.
    SkipItem,
    /// Nothing can be fetched for a while: save the progress, come back after this long.
    ComeBack(Duration),
    /// Nothing can be fetched until somebody acts.
    Stop,
}

impl RiotError {
    /// What the error means for a run over many items.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::RateLimited { retry_after, .. } => Verdict::ComeBack(*retry_after),
            Self::Unauthorized | Self::Forbidden { .. } | Self::Invalid(_) => Verdict::Stop,
            Self::PrivateMatch
            | Self::ForeignPuuid { .. }
            | Self::BadRequest { .. }
            | Self::Upstream { .. }
            | Self::Transport { .. }
            | Self::Decode { .. } => Verdict::SkipItem,
        }
    }
}
