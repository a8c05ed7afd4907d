//! What every handler gets: who asks, for what, and how the answer looks.

use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{StatusCode, header::HeaderName};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use chrono::{DateTime, Utc};
use riftwatch_domain::access::Role;
use riftwatch_http::{Acting, ApiState, AuthMode, Principal};
use riftwatch_runner::manage::Actor;
use riftwatch_store::{Db, PooledConn, StoreError};

use crate::args::{Args, encode};
use crate::assets;
use crate::error::PageError;
use crate::site::Site;

/// Nothing but our own files, and no code or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const THEME: &str = "riftwatch_theme";
const FLASH: &str = "riftwatch_flash";

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the reader's system has it.
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn read(text: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text).unwrap_or(Self::System)
    }
}

/// Parts of the dashboard, as the navigation has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Jobs,
    Runs,
    Players,
    Assessments,
    Riot,
    Audit,
    System,
    Settings,
    None,
}

/// The navigation: where, and what it is called.
pub(crate) const NAVIGATION: [(Section, &str, &str); 9] = [
    (Section::Overview, "/", "Overview"),
    (Section::Jobs, "/jobs", "Jobs"),
    (Section::Runs, "/runs", "Runs"),
    (Section::Players, "/players", "Players"),
    (Section::Assessments, "/assessments", "Assessments"),
    (Section::Riot, "/riot", "Riot budget"),
    (Section::Audit, "/audit", "Audit"),
    (Section::System, "/system", "System"),
    (Section::Settings, "/settings", "Settings"),
];

/// What the last form came to, told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Whether it worked.
    pub(crate) good: bool,
    pub(crate) text: String,
}

/// What stands around every page.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) theme: Theme,
    /// Who is logged in. `None`: nobody.
    pub(crate) who: Option<Principal>,
    /// Whether nobody has to log in.
    pub(crate) open: bool,
    pub(crate) flash: Option<Flash>,
    /// This page's own address, to come back to.
    pub(crate) here: String,
    pub(crate) now: DateTime<Utc>,
    /// Whether the page keeps itself current.
    pub(crate) live: bool,
}

impl Shell {
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::href(name)
    }

    fn may(&self, role: Role) -> bool {
        self.who.as_ref().is_some_and(|who| who.role >= role)
    }

    /// Whether the reader may trigger, cancel, track, edit.
    pub(crate) fn operator(&self) -> bool {
        self.may(Role::Operator)
    }

    /// Whether the reader may change settings and erase.
    pub(crate) fn admin(&self) -> bool {
        self.may(Role::Admin)
    }
}

/// What a handler works with.
#[derive(Debug)]
pub(crate) struct Cx {
    pub(crate) site: Data<Site>,
    pub(crate) args: Args,
    /// The path without its query.
    pub(crate) path: String,
    pub(crate) req: HttpRequest,
    who: Option<Principal>,
    theme: Theme,
    flash: Option<Flash>,
}

impl FromRequest for Cx {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = req.app_data::<Data<Site>>().expect("the pages are configured").clone();
        let cookie = |name| req.cookie(name).map(|cookie| cookie.value().to_owned());
        let flash = cookie(FLASH).and_then(|text| {
            let args = Args::parse(text.as_bytes());
            Some(Flash { good: args.get("good").is_some(), text: args.get("text")?.to_owned() })
        });
        ready(Ok(Self {
            site,
            args: Args::parse(req.query_string().as_bytes()),
            path: req.path().to_owned(),
            req: req.clone(),
            who: req.extensions().get::<Principal>().cloned(),
            theme: cookie(THEME).map_or(Theme::System, |theme| Theme::read(&theme)),
            flash,
        }))
    }
}

impl Cx {
    pub(crate) fn api(&self) -> &ApiState {
        &self.site.api
    }

    pub(crate) fn db(&self) -> &Db {
        &self.site.api.deps.store
    }

    pub(crate) async fn conn(&self) -> Result<PooledConn, StoreError> {
        self.db().get().await
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.site.api.deps.clock.now()
    }

    /// Who acts, for the audit log. What the runtime writes there is enough: no second line.
    pub(crate) fn actor(&self) -> Actor {
        let acting = Acting::from_request(&self.req, &mut Payload::None).into_inner();
        acting.map_or_else(|_| Actor::new(self.name()), |acting| acting.0)
    }

    /// The name of who asks.
    pub(crate) fn name(&self) -> String {
        self.who.as_ref().map_or_else(|| "nobody".to_owned(), |who| who.name.clone())
    }

    pub(crate) fn shell(&self, section: Section, title: impl Into<String>) -> Shell {
        let open = self
            .req
            .app_data::<Data<riftwatch_http::Access>>()
            .is_some_and(|access| access.mode() == AuthMode::Off);
        Shell {
            title: title.into(),
            section,
            theme: self.theme,
            who: self.who.clone(),
            open,
            flash: self.flash.clone(),
            here: self.args.href(&self.path),
            now: self.now(),
            live: false,
        }
    }

    /// A shell of a page that keeps itself current.
    pub(crate) fn live(&self, section: Section, title: impl Into<String>) -> Shell {
        Shell { live: true, ..self.shell(section, title) }
    }

    /// A page.
    pub(crate) fn page(&self, template: &impl Template) -> Result<HttpResponse, PageError> {
        self.page_with(StatusCode::OK, template)
    }

    /// A page with another status.
    pub(crate) fn page_with(
        &self,
        status: StatusCode,
        template: &impl Template,
    ) -> Result<HttpResponse, PageError> {
        let body = template.render()?;
        let mut answer = html(status);
        // A page that only looks anew at what it shows has no place to tell it.
        if self.flash.is_some() && !self.req.headers().contains_key(LIVE) {
            answer.cookie(ended(FLASH));
        }
        Ok(answer.body(body))
    }

    /// After a form: on to a page, which says once what it came to.
    pub(crate) fn done(&self, to: &str, text: impl AsRef<str>) -> HttpResponse {
        self.told(to, true, text.as_ref())
    }

    /// The same, for what did not work.
    pub(crate) fn refused(&self, to: &str, text: impl AsRef<str>) -> HttpResponse {
        self.told(to, false, text.as_ref())
    }

    fn told(&self, to: &str, good: bool, text: &str) -> HttpResponse {
        // A cookie has 4096 bytes, and every character may take nine.
        let text: String = text.chars().take(400).collect();
        let value = format!("{}text={}", if good { "good=1&" } else { "" }, encode(&text));
        let cookie = Cookie::build(FLASH, value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(Duration::minutes(1))
            .finish();
        HttpResponse::SeeOther().insert_header((LOCATION, local(to))).cookie(cookie).finish()
    }
}

/// Says that a page is asked for by the script, to look for what has changed.
pub(crate) const LIVE: HeaderName = HeaderName::from_static("x-riftwatch-live");

/// The head of an answer in HTML.
pub(crate) fn html(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((CACHE_CONTROL, "no-store"));
    answer
}

/// The cookie that remembers the colours.
pub(crate) fn theme_cookie(theme: &str) -> Cookie<'static> {
    Cookie::build(THEME, Theme::read(theme).as_str())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(Duration::days(365))
        .finish()
}

fn ended(name: &'static str) -> Cookie<'static> {
    let mut cookie =
        Cookie::build(name, "").path("/").http_only(true).same_site(SameSite::Strict).finish();
    cookie.make_removal();
    cookie
}

/// An address on this server; the overview for any other.
pub(crate) fn local(to: &str) -> &str {
    let ours = to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && !to.chars().any(char::is_control);
    if ours { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_server() {
        assert_eq!(local("/jobs?x=1"), "/jobs?x=1");
        for foreign in
            ["https://example.com", "//example.com", "/\\example.com", "jobs", "", "/\r\nx"]
        {
            assert_eq!(local(foreign), "/", "{foreign}");
        }
    }
}
