//! An answer on its way out: what a fault makes of it, its headers, and how its bytes go.

use std::io::Write;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt, stream};

use crate::answers::Answer;
use crate::config::HeaderStyle;
use crate::faults::Fault;
use crate::json::Json;
use crate::limits::Limit;
use crate::server::{Shared, status_code};
use crate::shapes;
use crate::windows::Verdict;

pub(crate) const JSON: &str = "application/json;charset=utf-8";
/// Long enough for a loopback connection to take what was written to it.
const SENT_WITHIN: Duration = Duration::from_millis(30);
const HTML: &str = "text/html";
const ERROR_PAGE: &[u8] =
    b"<html><head><title>Error</title></head><body>Service unavailable</body></html>";

/// An answer with what goes around it.
pub(crate) struct Reply {
    answer: Answer,
    content_type: &'static str,
    limited_by: Option<&'static str>,
    retry_after_s: Option<u32>,
    tells_limits: bool,
    /// Application limits to tell in place of the true ones.
    other_limits: Option<String>,
    date: Option<DateTime<Utc>>,
    pub(crate) end: End,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Arrives,
    /// In pieces of so many bytes, with a pause after each.
    Drips {
        bytes: usize,
        pause: Duration,
    },
    /// Half of it, then the connection closes.
    BreaksHalfway,
    /// The connection closes instead.
    Breaks,
    /// Nothing comes while anybody waits.
    Never,
}

impl Reply {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            content_type: JSON,
            limited_by: None,
            retry_after_s: None,
            tells_limits: true,
            other_limits: None,
            date: None,
            end: End::Arrives,
        }
    }

    /// 429, by a scope that is told, with the seconds to wait where they are.
    pub(crate) fn rate_limited(scope: &'static str, retry_after_s: Option<u32>) -> Self {
        Self {
            limited_by: Some(scope),
            retry_after_s,
            ..Self::new(Answer::error(429, "Rate limit exceeded"))
        }
    }

    /// What a fault makes of it.
    pub(crate) fn spoilt(mut self, fault: Fault, now: DateTime<Utc>) -> Self {
        let page = |status: u16| Self {
            content_type: HTML,
            ..Self::new(Answer { status, body: Bytes::from_static(ERROR_PAGE) })
        };
        match fault {
            Fault::Slow { .. } | Fault::ShrunkList { .. } => self,
            Fault::RateLimited { scope, retry_after } => {
                Self::rate_limited(scope.as_str(), Some(retry_after))
            }
            Fault::NoRetryAfter { scope } => Self::rate_limited(scope.as_str(), None),
            Fault::BareRateLimited => Self::new(Answer::error(429, "Service rate limit exceeded")),
            Fault::ServerError { status } => page(status),
            Fault::ServiceError { status } => Self::new(service_error(status)),
            Fault::NotJson => page(200),
            Fault::EmptyBody => Self::new(Answer { status: 200, body: Bytes::new() }),
            Fault::TruncatedJson => {
                self.answer.body.truncate(self.answer.body.len() / 2);
                self
            }
            Fault::MalformedJson => {
                self.answer.body = malformed(&self.answer.body);
                self
            }
            Fault::DuplicateId => {
                self.answer.body = with_first_twice(&self.answer.body);
                self
            }
            Fault::Era { year } => {
                self.answer.body = shapes::of_year(&self.answer.body, year);
                self
            }
            Fault::Drift => {
                self.answer.body = shapes::of_the_future(&self.answer.body);
                self
            }
            Fault::WrongContentType => Self { content_type: "text/plain", ..self },
            Fault::Drip { bytes, pause_ms } => {
                let bytes = bytes.max(1) as usize;
                Self { end: End::Drips { bytes, pause: Duration::from_millis(pause_ms) }, ..self }
            }
            Fault::Cut => Self { end: End::BreaksHalfway, ..self },
            Fault::Reset => Self { end: End::Breaks, ..self },
            Fault::Hang => Self { end: End::Never, ..self },
            Fault::NotFound => Self::new(Answer::not_found()),
            Fault::Forbidden => Self::new(Answer::error(403, "Forbidden")),
            Fault::KeyExpired => Self::new(Answer::error(401, "Unknown apikey")),
            Fault::NoLimitHeaders => Self { tells_limits: false, ..self },
            Fault::OtherLimits { app } => Self { other_limits: Some(app), ..self },
            Fault::ClockSkew { seconds } => {
                // Beyond what dates can say there is no skew.
                let skew = TimeDelta::try_seconds(seconds).unwrap_or_default();
                Self { date: now.checked_add_signed(skew), ..self }
            }
        }
    }

    /// The status that is counted: 0 where no whole answer arrives.
    pub(crate) fn status(&self) -> u16 {
        match self.end {
            End::Arrives | End::Drips { .. } => self.answer.status,
            End::BreaksHalfway | End::Breaks | End::Never => 0,
        }
    }

    pub(crate) fn send(
        self,
        request: &HttpRequest,
        shared: &Shared,
        verdict: &Verdict,
    ) -> HttpResponse {
        let mut response = HttpResponse::build(status_code(self.answer.status));
        response.insert_header((header::CONTENT_TYPE, self.content_type));
        if self.tells_limits {
            tell_limits(&mut response, shared.headers, verdict);
        }
        if let Some(limits) = &self.other_limits {
            response.insert_header(("X-App-Rate-Limit", limits.as_str()));
        }
        if let Some(scope) = self.limited_by {
            response.insert_header(("X-Rate-Limit-Type", scope));
        }
        if let Some(after_s) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, after_s));
        }
        if let Some(date) = self.date {
            let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response.insert_header((header::DATE, date));
        }
        let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let body = self.answer.body;
        match self.end {
            End::Arrives => {}
            End::Drips { bytes, pause } => {
                let pieces: Vec<Bytes> = body.chunks(bytes).map(Bytes::copy_from_slice).collect();
                return response.streaming(stream::iter(pieces).then(move |piece| async move {
                    tokio::time::sleep(pause).await;
                    Ok::<Bytes, std::io::Error>(piece)
                }));
            }
            End::BreaksHalfway => {
                let half = body.slice(..body.len() / 2);
                // What waits is dropped with the connection: the half goes out first.
                return response.streaming(stream::iter([Ok(half), Err(broken())]).then(
                    |piece| async move {
                        if piece.is_err() {
                            tokio::time::sleep(SENT_WITHIN).await;
                        }
                        piece
                    },
                ));
            }
            // A body that fails at once takes the head that waits before it along.
            End::Breaks | End::Never => {
                return response.streaming(stream::iter([Err::<Bytes, _>(broken())]));
            }
        }
        let accepts = request.headers().get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
        if shared.gzip && accepts.is_some_and(|accepts| accepts.contains("gzip")) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            if let Ok(packed) = encoder.write_all(&body).and_then(|()| encoder.finish()) {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
                return response.body(packed);
            }
        }
        response.body(body)
    }
}

/// An error as services behind the edge word it since 2024.
fn service_error(status: u16) -> Answer {
    let mut json = Json::with_capacity(160);
    json.open();
    json.int("httpStatus", i64::from(status));
    json.text("errorCode", "INTERNAL_SERVER_ERROR");
    json.text("message", "An unexpected error occurred.");
    json.text("implementationDetails", "upstream failure");
    json.close();
    Answer { status, body: Bytes::from(json.finish()) }
}

/// Without its first colon; a list of plain values, which has none, without its first quote.
fn malformed(body: &Bytes) -> Bytes {
    let at = [b':', b'"'].iter().find_map(|mark| body.iter().position(|byte| byte == mark));
    let mut bytes = body.to_vec();
    match at {
        Some(at) => drop(bytes.remove(at)),
        None => bytes.push(b'}'),
    }
    Bytes::from(bytes)
}

/// A list of texts with the first one repeated; any other body stays as it is.
fn with_first_twice(body: &Bytes) -> Bytes {
    match serde_json::from_slice::<Vec<String>>(body) {
        Ok(mut ids) if !ids.is_empty() => {
            ids.insert(0, ids[0].clone());
            serde_json::to_vec(&ids).map_or_else(|_| body.clone(), Bytes::from)
        }
        _ => body.clone(),
    }
}

fn tell_limits(response: &mut HttpResponseBuilder, style: HeaderStyle, verdict: &Verdict) {
    for (name, windows) in [("App", &verdict.app), ("Method", &verdict.method)] {
        let Some((limits, counts)) = limit_headers(style, windows) else { continue };
        response.insert_header((format!("X-{name}-Rate-Limit"), limits));
        response.insert_header((format!("X-{name}-Rate-Limit-Count"), counts));
    }
}

/// Limits and counts as headers tell them; `None` if they do not.
fn limit_headers(style: HeaderStyle, windows: &[(Limit, u32)]) -> Option<(String, String)> {
    let mut limits: Vec<String> = windows.iter().map(|(limit, _)| limit.to_string()).collect();
    let mut counts: Vec<String> =
        windows.iter().map(|(limit, used)| format!("{used}:{}", limit.per_s)).collect();
    match style {
        HeaderStyle::InOrder => {}
        HeaderStyle::Reversed => {
            limits.reverse();
            counts.reverse();
        }
        HeaderStyle::ShortCount => counts.truncate(1),
        HeaderStyle::Garbled => return Some(("many".to_owned(), "1:;:".to_owned())),
        HeaderStyle::Absent => return None,
    }
    Some((limits.join(","), counts.join(",")))
}
