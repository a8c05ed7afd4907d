//! What is measured.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::events::Feed;
use crate::extract::{NoArgs, QueryArgs};
use crate::metrics::Metrics;
use crate::state::Api;

/// What this process measures, in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(
    api: Data<Api>,
    feed: Data<Arc<Feed>>,
    metrics: Data<Metrics>,
    _: QueryArgs<NoArgs>,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(metrics.text(&api, &feed).await)
}
