//! What comes in, checked at the door: path arguments, queries, bodies.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use riftwatch_domain::job::InvalidRowId;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

use crate::error::{ApiError, Code};

/// The largest body that is read: 1 MiB.
const MAX_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive. A sender who is slower holds a connection and nothing else.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// The one argument of a path, read as `T`.
#[derive(Debug)]
pub(crate) struct PathArg<T>(pub(crate) T);

impl<T> FromRequest for PathArg<T>
where
    T: FromStr + 'static,
    T::Err: Display,
{
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (name, text) = req.match_info().iter().next().unwrap_or_default();
        ready(text.parse().map(Self).map_err(|error: T::Err| {
            ApiError::new(Code::InvalidPath, error.to_string()).field(name)
        }))
    }
}

/// A key of a row that has no type of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowId(pub(crate) i64);

impl FromStr for RowId {
    type Err = InvalidRowId;

    fn from_str(text: &str) -> Result<Self, InvalidRowId> {
        text.parse().map(Self).map_err(|_| InvalidRowId)
    }
}

/// Path and query: all that the answer of a list depends on.
pub(crate) fn question(req: &HttpRequest) -> &str {
    req.uri().path_and_query().map_or("", |asked| asked.as_str())
}

/// The query, read as `T`, which should refuse unknown keys.
#[derive(Debug)]
pub(crate) struct QueryArgs<T>(pub(crate) T);

/// The query of a path that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArgs {}

impl<T: DeserializeOwned + 'static> FromRequest for QueryArgs<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(req.query_string()).map(Self))
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    for (key, value) in pairs {
        if key.contains('\0') || value.contains('\0') {
            return Err(ApiError::new(Code::InvalidQuery, NUL).field(key.replace('\0', "")));
        }
    }
    let pairs = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let (path, message) = (error.path().to_string(), error.inner().to_string());
        let (code, path) = match named_in(&message, "unknown field") {
            Some(name) => (Code::UnknownField, name.to_owned()),
            None => {
                let named = named_in(&message, "missing field")
                    .or_else(|| named_in(&message, "duplicate field"));
                (Code::InvalidQuery, named.map_or(path, ToOwned::to_owned))
            }
        };
        ApiError::new(code, message).field(path)
    })
}

/// PostgreSQL stores no NUL in texts.
const NUL: &str = "texts cannot contain the character NUL";

/// A JSON body, read as `T`, which should refuse unknown keys.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced = check_announced(req);
        let payload = payload.take();
        Box::pin(async move {
            announced?;
            let body = match tokio::time::timeout(BODY_PATIENCE, read(payload)).await {
                Ok(body) => body?,
                Err(_) => {
                    return Err(ApiError::new(
                        Code::RequestTimeout,
                        format!("the body took longer than {} s", BODY_PATIENCE.as_secs()),
                    ));
                }
            };
            parse_json(&body).map(Self)
        })
    }
}

/// What the headers say about the body.
fn check_announced(req: &HttpRequest) -> Result<(), ApiError> {
    let header = |name| req.headers().get(name).map(|value| value.as_bytes());
    let kind = header(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
    if !kind.eq_ignore_ascii_case(b"application/json") {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "expected a body with content-type: application/json",
        ));
    }
    if header(CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "expected a body without content-encoding",
        ));
    }
    let length = header(CONTENT_LENGTH).and_then(|text| std::str::from_utf8(text).ok());
    if length.and_then(|text| text.parse().ok()).is_some_and(|length: u64| length > MAX_BODY as u64)
    {
        return Err(too_large());
    }
    Ok(())
}

async fn read(mut payload: Payload) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(Code::MalformedBody, "the body broke off").caused_by(error.to_string())
        })?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large() -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("a body has at most {MAX_BODY} bytes"))
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let malformed = |error: &serde_json::Error| {
        ApiError::new(Code::MalformedBody, format!("not JSON: {error}"))
    };
    // serde reads the fields of a struct from a list, too.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::new(Code::InvalidValue, "expected an object, not a list"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        match error.inner().classify() {
            Category::Data => bad_data(&error.path().to_string(), error.inner()),
            Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    // A NUL can only come as an escape. The escape may itself be escaped, hence the second look.
    if body.windows(NUL_ESCAPE.len()).any(|window| window == NUL_ESCAPE) {
        let tree: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        if let Some(path) = path_of_nul(&tree) {
            return Err(ApiError::new(Code::InvalidValue, NUL).field(path));
        }
    }
    Ok(value)
}

const NUL_ESCAPE: &[u8] = br"\u0000";

/// JSON of another shape than asked for.
fn bad_data(path: &str, error: &serde_json::Error) -> ApiError {
    let message = error.to_string();
    let within = |name: &str| match path.rsplit_once('.') {
        _ if path == "." || path == name => name.to_owned(),
        Some((_, last)) if last == name => path.to_owned(),
        _ => format!("{path}.{name}"),
    };
    let (code, path) = if let Some(name) = named_in(&message, "unknown field") {
        (Code::UnknownField, within(name))
    } else if let Some(name) = named_in(&message, "missing field") {
        (Code::ValidationFailed, within(name))
    } else if let Some(name) = named_in(&message, "duplicate field") {
        (Code::InvalidValue, within(name))
    } else if path == "." {
        return ApiError::new(Code::InvalidValue, message);
    } else {
        (Code::InvalidValue, path.to_owned())
    };
    ApiError::new(code, message).field(path)
}

/// The name in serde's `unknown field `x`, expected …`.
fn named_in<'a>(message: &'a str, complaint: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(complaint)?.strip_prefix(" `")?;
    rest.split_once('`').map(|(name, _)| name)
}

/// Where in a tree a text or a key has a NUL.
fn path_of_nul(tree: &Value) -> Option<String> {
    let join = |step: String, rest: String| match rest.as_str() {
        "" => step,
        rest if rest.starts_with('[') => format!("{step}{rest}"),
        rest => format!("{step}.{rest}"),
    };
    match tree {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            path_of_nul(item).map(|rest| join(format!("[{index}]"), rest))
        }),
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            if key.contains('\0') {
                return Some(key.replace('\0', ""));
            }
            path_of_nul(item).map(|rest| join(key.clone(), rest))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The version of `If-Match: "3"`, which must be the stored one. `None`: no condition, or `*`.
pub(crate) fn if_match(req: &HttpRequest) -> Result<Option<i64>, ApiError> {
    let Some(header) = req.headers().get(IF_MATCH) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match version.and_then(|version| version.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(ApiError::new(
            Code::InvalidHeader,
            "If-Match takes the version of the row in quotes: \"3\"",
        )
        .field("If-Match")),
    }
}

/// For fields that tell "not given" from `null`: serde calls this only for what is given.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A time of a query. Stricter than chrono's own reading, which takes years that PostgreSQL lacks.
pub(crate) fn time<'de, D>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(|_| {
        D::Error::custom(format!("{text:?} is not a time: expected RFC 3339, 2026-01-31T18:00:00Z"))
    })?;
    Ok(Some(time.to_utc()))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Job {
        name: String,
        #[serde(default, deserialize_with = "given")]
        timeout: Option<Option<i32>>,
        #[serde(default)]
        schedule: Option<Schedule>,
        #[serde(default)]
        config: Value,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Schedule {
        every: i32,
    }

    fn refusal(body: &str) -> String {
        match parse_json::<Job>(body.as_bytes()) {
            Ok(job) => panic!("{job:?} was taken"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn a_bad_body_is_refused_with_the_path_of_what_is_wrong() {
        for (body, code, field) in [
            ("{", "MalformedBody", "None"),
            (r#"{"name": "a"} x"#, "MalformedBody", "None"),
            (r#"{"name": "a", "x": 1}"#, "UnknownField", r#"Some("x")"#),
            (r#"{"name": "a", "schedule": {"x": 1}}"#, "UnknownField", r#"Some("schedule.x")"#),
            ("{}", "ValidationFailed", r#"Some("name")"#),
            (r#"{"name": "a", "schedule": {}}"#, "ValidationFailed", r#"Some("schedule.every")"#),
            (
                r#"{"name": "a", "schedule": {"every": "x"}}"#,
                "InvalidValue",
                r#"Some("schedule.every")"#,
            ),
            (r#"{"name": "a", "timeout": 9999999999}"#, "InvalidValue", r#"Some("timeout")"#),
            (r#"{"name": "\u0000"}"#, "InvalidValue", r#"Some("name")"#),
            (
                r#"{"name": "a", "config": {"list": [1, "\u0000"]}}"#,
                "InvalidValue",
                r#"Some("config.list[1]")"#,
            ),
        ] {
            let refusal = refusal(body);
            assert!(refusal.contains(&format!("code: {code}")), "{body}: {refusal}");
            assert!(refusal.contains(&format!("field: {field}")), "{body}: {refusal}");
        }
    }

    #[test]
    fn null_and_nothing_are_different() {
        let timeout = |body: &str| parse_json::<Job>(body.as_bytes()).unwrap().timeout;
        assert_eq!(timeout(r#"{"name": "a"}"#), None);
        assert_eq!(timeout(r#"{"name": "a", "timeout": null}"#), Some(None));
        assert_eq!(timeout(r#"{"name": "a", "timeout": 5}"#), Some(Some(5)));
    }

    #[test]
    fn a_backslash_before_u0000_is_text() {
        let job: Job = parse_json(br#"{"name": "\\u0000"}"#).unwrap();
        assert_eq!(job.name, r"\u0000");
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        limit: Option<i64>,
        #[serde(default, deserialize_with = "time")]
        since: Option<DateTime<Utc>>,
    }

    #[test]
    fn a_bad_query_is_refused_with_its_key() {
        for (query, code, field) in [
            ("x=1", "UnknownField", "x"),
            ("limit=ten", "InvalidQuery", "limit"),
            ("limit=1&limit=2", "InvalidQuery", "limit"),
            ("since=yesterday", "InvalidQuery", "since"),
            ("since=%2B20000-01-01T00:00:00Z", "InvalidQuery", "since"),
            ("x=%00", "InvalidQuery", "x"),
        ] {
            let error = parse_query::<Args>(query).expect_err(query);
            let text = format!("{error:?}");
            assert!(text.contains(&format!("code: {code}")), "{query}: {text}");
            assert!(text.contains(&format!("field: Some({field:?})")), "{query}: {text}");
        }
        assert!(parse_query::<Args>("limit=1&since=2026-01-01T00:00:00Z").is_ok());
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic_and_a_refusal_is_the_senders_fault(query in "\\PC{0,100}") {
            if let Err(error) = parse_query::<Args>(&query) {
                prop_assert!(error.status_code().is_client_error(), "{error:?}");
            }
        }

        #[test]
        fn a_query_that_was_encoded_reads_back(limit: i64, seconds in 0..4_000_000_000_i64) {
            let since = DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339();
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("limit", &limit.to_string())
                .append_pair("since", &since)
                .finish();
            let args = parse_query::<Args>(&query).unwrap();
            prop_assert_eq!((args.limit, args.since.map(|t| t.timestamp())), (Some(limit), Some(seconds)));
        }

        #[test]
        fn no_body_makes_it_panic_and_a_refusal_is_the_senders_fault(
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[\\[\\]{}\",:0-9a-z\\\\ ]{0,100}".prop_map(String::into_bytes),
            ],
        ) {
            if let Err(error) = parse_json::<Job>(&body) {
                prop_assert!(error.status_code().is_client_error(), "{error:?}");
            }
        }

        #[test]
        fn no_if_match_makes_it_panic(text in "\\PC{0,30}", version: i64) {
            let ask = |header: &str| {
                if_match(&TestRequest::default().insert_header((IF_MATCH, header)).to_http_request())
            };
            if HeaderValue::from_str(&text).is_ok() {
                let _ = ask(&text);
            }
            prop_assert_eq!(ask(&format!("\"{version}\"")).unwrap(), Some(version));
        }
    }
}
