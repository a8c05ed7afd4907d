//! A page of its own for tests, as the dashboard brings some: logs in and out, and has a button.

use actix_web::http::header::ContentType;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use riftwatch_http::{Access, Principal, Refusal, register, routes};

routes! {
    /// The pages.
    pub(super) const ROUTES =
    POST "/test/login/{token}" Anyone log_in;
    POST "/test/logout" Anyone log_out;
    GET  "/test/page" Viewer page_itself;
    POST "/test/button" Operator button;
}

pub(super) fn page(config: &mut ServiceConfig) {
    register(config, ROUTES, |_, refusal| match refusal {
        Refusal::NotLoggedIn => {
            HttpResponse::SeeOther().insert_header(("Location", "/login")).finish()
        }
        Refusal::RoleTooSmall { needs } => HttpResponse::Forbidden()
            .content_type(ContentType::html())
            .body(format!("<p>for {needs}</p>")),
    });
}

async fn log_in(access: Data<Access>, req: HttpRequest) -> HttpResponse {
    let token = req.match_info().get("token").unwrap();
    match access.log_in(&req, token).await.unwrap() {
        Some(cookie) => HttpResponse::NoContent().cookie(cookie).finish(),
        None => HttpResponse::Unauthorized().content_type(ContentType::html()).body("<p>no</p>"),
    }
}

async fn log_out(access: Data<Access>, req: HttpRequest) -> HttpResponse {
    HttpResponse::NoContent().cookie(access.log_out(&req).await.unwrap()).finish()
}

async fn page_itself(principal: Principal) -> String {
    format!("{} is {}", principal.name, principal.role)
}

async fn button() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
