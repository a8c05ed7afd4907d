//! Logging in and out, and the choice of colours.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use askama::Template;
use riftwatch_http::{Access, Acting, AuthMode};

use crate::args::Args;
use crate::cx::{Cx, Section, Shell, local, theme_cookie};
use crate::error::PageError;

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    shell: Shell,
    to: String,
    wrong: bool,
}

/// `GET /login`
pub(crate) async fn form(cx: Cx) -> Result<HttpResponse, PageError> {
    let page = Page {
        shell: cx.shell(Section::None, "Log in"),
        to: local(cx.args.text("to")).to_owned(),
        wrong: false,
    };
    cx.page(&page)
}

/// `POST /login`
pub(crate) async fn log_in(
    cx: Cx,
    req: HttpRequest,
    access: Data<Access>,
    body: Bytes,
) -> Result<HttpResponse, PageError> {
    let fields = Args::parse(&body);
    let to = local(fields.text("to")).to_owned();
    if access.mode() == AuthMode::Off {
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, to)).finish());
    }
    match access.log_in(&req, fields.text("token")).await? {
        Some(cookie) => {
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, to)).cookie(cookie).finish())
        }
        None => {
            let page = Page { shell: cx.shell(Section::None, "Log in"), to, wrong: true };
            cx.page_with(StatusCode::FORBIDDEN, &page)
        }
    }
}

/// `POST /logout`
pub(crate) async fn log_out(
    req: HttpRequest,
    access: Data<Access>,
) -> Result<HttpResponse, PageError> {
    let cookie = access.log_out(&req).await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/login")).cookie(cookie).finish())
}

/// `POST /theme`
pub(crate) async fn theme(req: HttpRequest, body: Bytes) -> HttpResponse {
    // Nothing is changed but the reader's own cookie, so it is no act for the audit log.
    Acting::from_request(&req, &mut Payload::None).into_inner().ok();
    let fields = Args::parse(&body);
    HttpResponse::SeeOther()
        .insert_header((LOCATION, local(fields.text("back"))))
        .cookie(theme_cookie(fields.text("theme")))
        .finish()
}
