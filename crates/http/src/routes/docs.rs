//! The API's own description, and a page to read and try it.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, Json, ServiceConfig};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::extract::{NoArgs, QueryArgs};
use crate::openapi::openapi;

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub(crate) async fn openapi_json(_: QueryArgs<NoArgs>) -> Json<OpenApi> {
    Json(openapi())
}

/// Registers the page. Its files are compiled in: it needs no other server.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/docs").route(web::get().to(async || {
        HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
    })));
    config.service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
}
