//! Tables of routes: paths, methods, who may use them, and the code behind them. The API has one in
//! `routes`; pages bring their own.

use std::collections::BTreeMap;
use std::rc::Rc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard, GuardContext};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Resource};
use riftwatch_domain::access::Role;

use crate::access::{Principal, unauthenticated};
use crate::error::{ApiError, Code};

/// A path, one method, who may use it, and the code behind it. Made by [`routes!`](crate::routes).
#[derive(Debug, Clone)]
pub struct Route {
    /// The method. `GET` answers `HEAD` too.
    pub method: Method,
    /// As the documentation has it; with and without a slash at the end it is the same path.
    pub path: &'static str,
    /// The smallest role that may use it. `None`: nobody has to say who they are.
    pub needs: Option<Role>,
    handler: fn() -> actix_web::Route,
}

impl Route {
    #[doc(hidden)]
    pub const fn new(
        method: Method,
        path: &'static str,
        needs: Needs,
        handler: fn() -> actix_web::Route,
    ) -> Self {
        let needs = match needs {
            Needs::Anyone => None,
            Needs::Viewer => Some(Role::Viewer),
            Needs::Operator => Some(Role::Operator),
            Needs::Admin => Some(Role::Admin),
        };
        Self { method, path, needs, handler }
    }
}

/// The words for [`Route::needs`] in a table.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    Anyone,
    Viewer,
    Operator,
    Admin,
}

/// A table of routes. A route without a role does not compile.
///
/// ```
/// # use actix_web::{HttpResponse, Responder};
/// async fn front() -> impl Responder { HttpResponse::Ok() }
/// riftwatch_http::routes! {
///     /// Every page.
///     pub const ROUTES =
///     GET "/" Viewer front;
/// }
/// assert_eq!(ROUTES[0].path, "/");
/// ```
#[macro_export]
macro_rules! routes {
    (
        $(#[$doc:meta])* $vis:vis const $name:ident =
        $($method:ident $path:literal $needs:ident $handler:path;)*
    ) => {
        $(#[$doc])*
        $vis const $name: &[$crate::Route] = &[
            $($crate::Route::new(
                ::actix_web::http::Method::$method,
                $path,
                $crate::Needs::$needs,
                || ::actix_web::web::to($handler),
            ),)*
        ];
    };
}

/// Why a route was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said whose request it is, or with a token that is not taken.
    NotLoggedIn,
    /// The role does not go that far.
    RoleTooSmall {
        /// The smallest role that does.
        needs: Role,
    },
}

/// What is said instead.
pub type Refuse = fn(&HttpRequest, Refusal) -> HttpResponse;

/// Registers a table. `refuse` answers where the role is missing.
pub fn register(config: &mut ServiceConfig, routes: &'static [Route], refuse: Refuse) {
    // Sorted, a literal segment comes before an argument in the same place, since `{` sorts after
    // letters: `/jobs/types` is found before `/jobs/{job_id}`.
    let mut paths: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path.trim_end_matches('/')).or_default().push(route);
    }
    for (path, routes) in paths {
        config.service(resource(path, &routes, refuse));
    }
}

fn resource(path: &str, routes: &[&Route], refuse: Refuse) -> Resource {
    let mut resource = web::resource([path.to_owned(), format!("{path}/")]);
    let mut allowed = Vec::new();
    for route in routes {
        allowed.push(route.method.as_str());
        let needs = route.needs;
        let handler =
            (route.handler)().wrap(from_fn(move |req, next| check_role(req, next, needs, refuse)));
        resource = resource.route(match route.method {
            Method::GET => handler.guard(get_or_head()),
            ref method => handler.method(method.clone()),
        });
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed: Rc<str> = allowed.join(", ").into();
    resource.default_service(web::to(move || {
        let response = HttpResponse::MethodNotAllowed().insert_header((ALLOW, &*allowed)).finish();
        async { response }
    }))
}

fn get_or_head() -> impl Guard {
    guard::fn_guard(|cx: &GuardContext<'_>| matches!(cx.head().method, Method::GET | Method::HEAD))
}

async fn check_role(
    req: ServiceRequest,
    next: Next<BoxBody>,
    needs: Option<Role>,
    refuse: Refuse,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(needs) = needs else { return next.call(req).await };
    let role = req.extensions().get::<Principal>().map(|principal| principal.role);
    let refusal = match role {
        Some(role) if role >= needs => return next.call(req).await,
        Some(_) => Refusal::RoleTooSmall { needs },
        None => Refusal::NotLoggedIn,
    };
    let answer = refuse(req.request(), refusal);
    // `into_response` would forget the error in the answer.
    Ok(ServiceResponse::new(req.into_parts().0, answer))
}

/// As the API refuses: in its envelope.
pub(crate) fn refuse(req: &HttpRequest, refusal: Refusal) -> HttpResponse {
    HttpResponse::from_error(match refusal {
        Refusal::NotLoggedIn => unauthenticated(req),
        Refusal::RoleTooSmall { needs } => {
            ApiError::new(Code::Forbidden, format!("this takes a token with the role {needs}"))
                .with("needs", needs.as_str())
        }
    })
}
