//! The outermost layer: every request gets an id, every failure the envelope.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::access::Access;
use crate::audit;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::state::Api;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from the sender.
const MAX_ID_LEN: usize = 128;

/// Middleware, to be wrapped around everything else.
pub(crate) async fn edge<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id = request_id(req.headers());
    let span = tracing::info_span!(
        "request",
        request.id = %request_id,
        http.method = %req.method(),
        http.path = req.path(),
        http.route = Empty,
        http.status = Empty,
    );
    let access = req.app_data::<Data<Access>>().cloned().expect("the server registers it");
    let began = Instant::now();
    let metrics = req.app_data::<Data<Metrics>>().cloned().expect("the server registers it");
    let api = req.app_data::<Data<Api>>().cloned().expect("the server registers it");
    async {
        let response = match access.admit(&req).await {
            Ok(()) => next.call(req).await?.map_into_boxed_body(),
            Err(refusal) => req.error_response(refusal),
        };
        audit::record(&api.deps.store, &response, ours(&response)).await;
        let response = envelope(response, &request_id);
        let (request, status) = (response.request(), response.status().as_u16());
        let pattern = request.match_pattern();
        metrics.requests.answered(
            request.method().as_str(),
            pattern.as_deref(),
            status,
            began.elapsed(),
        );
        let span = tracing::Span::current();
        span.record("http.route", pattern.as_deref());
        span.record("http.status", status);
        tracing::debug!(http.status = response.status().as_u16(), "answered");
        Ok(response)
    }
    .instrument(span)
    .await
}

/// The sender's id if it is one that can stand in a log line, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        (1..=MAX_ID_LEN).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    sent.filter(plain).map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// Puts failures of handlers, extractors and the framework into one shape.
fn envelope(response: ServiceResponse, request_id: &str) -> ServiceResponse {
    let mut response = match failure(&response, request_id) {
        Some(told) => response.into_response(told),
        None => response,
    };
    let id = HeaderValue::from_str(request_id).expect("ids are made of plain characters");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn ours(response: &ServiceResponse) -> Option<&ApiError> {
    response.response().error().and_then(|error| error.as_error::<ApiError>())
}

/// A failure in the envelope; `None` for successes, and where it is in the envelope already.
fn failure(response: &ServiceResponse, request_id: &str) -> Option<HttpResponse> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    // Pages tell failures in their own way.
    let kept = [b"application/json".as_slice(), b"text/html"];
    let is_told =
        kind.is_some_and(|kind| kept.iter().any(|kept| kind.as_bytes().starts_with(kept)));
    if is_told || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let mut told = match ours(response) {
        Some(error) => error.render(request_id),
        None => ApiError::of_status(status).render(request_id),
    };
    if let Some(allowed) = response.headers().get(header::ALLOW) {
        told.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    Some(told)
}
