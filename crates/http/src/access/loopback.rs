//! Who may talk to the server while nobody has to log in: only programs and pages of this machine.
//!
//! The server listens on loopback, but a web page from anywhere runs in a browser on this machine.
//! What gives it away is the `Host` that it was told (a name that an attacker points at 127.0.0.1)
//! or the `Origin` that the browser adds.

use std::net::IpAddr;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HOST, HeaderValue, ORIGIN};

use crate::error::{ApiError, Code};

/// Refuses a request whose host or origin is not this machine.
pub(crate) fn check(head: &RequestHead) -> Result<(), ApiError> {
    let host = head.headers.get(HOST).map(HeaderValue::to_str);
    let host_is_ours = matches!(host, Some(Ok(host)) if is_loopback(host));
    // A request line with a whole URL overrides the header.
    let target_is_ours = head.uri.authority().is_none_or(|target| is_loopback(target.as_str()));
    if !host_is_ours || !target_is_ours {
        return Err(ApiError::new(
            Code::ForeignHost,
            "this server answers only to localhost, 127.0.0.1 and [::1]",
        ));
    }
    for origin in head.headers.get_all(ORIGIN) {
        if !origin.to_str().is_ok_and(is_loopback_origin) {
            return Err(ApiError::new(
                Code::ForeignOrigin,
                "requests from web pages of other origins are refused",
            ));
        }
    }
    Ok(())
}

/// `http://localhost:8000`; `null` (a sandboxed page, a file) is foreign.
fn is_loopback_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(is_loopback)
}

/// `localhost:8000`, `127.0.0.1`, `[::1]:8000`.
fn is_loopback(authority: &str) -> bool {
    let (name, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) => (address, port.strip_prefix(':').or(Some(port))),
        Some(None) => return false,
        None => match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        },
    };
    let port_is_number = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let name_is_ours = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    port_is_number && name_is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_ours() {
        for ours in ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:80"]
        {
            assert!(is_loopback(ours), "{ours}");
        }
        for foreign in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.nip.io:8000",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "[::1]x",
            "user@localhost",
            "localhost:80@example.com",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_page_without_an_origin_of_its_own_is_foreign() {
        assert!(is_loopback_origin("http://localhost:3000"));
        assert!(!is_loopback_origin("null"));
        assert!(!is_loopback_origin("https://example.com"));
    }
}
