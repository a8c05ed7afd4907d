//! Whose request it is.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};
use riftwatch_domain::access::Role;
use riftwatch_runner::manage::Actor;

use crate::error::{ApiError, Code};

/// Whose request it is: the bearer of a token, by the header or by a session. An extractor; also as
/// `Option<Principal>`, where nobody has to say who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's name; `local` where nobody has to log in.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Principal {
    /// For the audit log of the job runtime.
    pub fn actor(&self) -> Actor {
        Actor::new(&self.name)
    }
}

/// In the extensions of a request that showed a token which is not taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedToken;

impl FromRequest for Principal {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(req.extensions().get().cloned().ok_or_else(|| unauthenticated(req).into()))
    }
}

/// The refusal of a request that did not say whose it is, or said it wrongly.
pub(crate) fn unauthenticated(req: &HttpRequest) -> ApiError {
    if req.extensions().get::<RefusedToken>().is_some() {
        ApiError::new(Code::InvalidToken, "the token is unknown, expired or revoked")
    } else {
        ApiError::new(Code::Unauthenticated, "send a token: Authorization: Bearer rw_…")
    }
}
