//! The pages' table: every address, who may use it, and the code behind it.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use riftwatch_http::{ApiState, Refusal, register, routes};

use crate::args::encode;
use crate::assets;
use crate::error::plain;
use crate::pages::overview;
use crate::pages::{
    assessment, assessments, audit, bulk, job, job_form, jobs, matches, player, players, retention,
    riot, run, runs, session, settings, system, versions,
};
use crate::site::{Dashboard, Site};

routes! {
    /// Every page and every form.
    pub const ROUTES =
    GET  "/" Viewer overview::show;
    GET  "/assets/{hash}/{name}" Anyone assets::serve;
    GET  "/login" Anyone session::form;
    POST "/login" Anyone session::log_in;
    POST "/logout" Anyone session::log_out;
    POST "/theme" Anyone session::theme;
    GET  "/jobs" Viewer jobs::list;
    GET  "/jobs/new" Operator job_form::new;
    POST "/jobs/new" Operator job_form::create;
    GET  "/jobs/preview" Viewer job_form::preview;
    GET  "/jobs/{job_id}" Viewer job::show;
    GET  "/jobs/{job_id}/edit" Viewer job_form::edit;
    POST "/jobs/{job_id}/edit" Operator job_form::save;
    POST "/jobs/{job_id}/run" Operator job::run;
    POST "/jobs/{job_id}/pause" Operator job::pause;
    POST "/jobs/{job_id}/resume" Operator job::resume;
    POST "/jobs/{job_id}/switch" Operator job::switch;
    POST "/jobs/{job_id}/delete" Operator job::delete;
    GET  "/jobs/{job_id}/versions" Viewer versions::list;
    POST "/jobs/{job_id}/restore" Operator versions::restore;
    GET  "/runs" Viewer runs::list;
    GET  "/runs/failures" Viewer runs::failures;
    GET  "/runs/bulk" Operator bulk::ask;
    POST "/runs/bulk" Operator bulk::perform;
    GET  "/runs/{execution_id}" Viewer run::show;
    POST "/runs/{execution_id}/cancel" Operator run::cancel;
    POST "/runs/{execution_id}/retry" Operator run::retry;
    GET  "/players" Viewer players::list;
    POST "/players/track" Operator players::track;
    GET  "/players/{puuid}" Viewer player::show;
    POST "/players/{puuid}/track" Operator player::track;
    POST "/players/{puuid}/untrack" Operator player::untrack;
    POST "/players/{puuid}/assess" Operator player::assess;
    POST "/players/{puuid}/erase" Admin player::erase;
    GET  "/matches/{match_id}" Viewer matches::show;
    GET  "/assessments" Viewer assessments::list;
    GET  "/assessments/export" Viewer assessments::export;
    GET  "/assessments/reliability" Viewer assessments::reliability;
    GET  "/assessments/{assessment_id}" Viewer assessment::show;
    POST "/assessments/{assessment_id}/review" Operator assessment::review;
    POST "/assessments/{assessment_id}/tell" Operator assessment::tell;
    GET  "/riot" Viewer riot::show;
    GET  "/audit" Viewer audit::list;
    GET  "/system" Viewer system::show;
    GET  "/settings" Viewer settings::show;
    POST "/settings/retention/{job_id}" Operator retention::save;
    POST "/settings/riot-key" Admin settings::set_key;
    POST "/settings/riot-key/test" Admin settings::test_key;
    POST "/settings/tokens" Admin settings::make_token;
    POST "/settings/tokens/{name}/revoke" Admin settings::revoke_token;
}

/// Makes the dashboard of an API. Call it on the program's runtime: what must outlive the server's
/// workers runs there.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn dashboard(api: ApiState) -> Dashboard {
    Dashboard(Data::new(Site::new(api, tokio::runtime::Handle::current())))
}

/// Registers the pages.
pub fn configure(config: &mut ServiceConfig, dashboard: &Dashboard) {
    config.app_data(Data::clone(&dashboard.0));
    register(config, ROUTES, refuse);
}

/// What those see who may not.
fn refuse(req: &HttpRequest, refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::NotLoggedIn => {
            let here = req.uri().path_and_query().map_or("/", |here| here.as_str());
            let to = if req.method() == actix_web::http::Method::GET && here != "/" {
                format!("/login?to={}", encode(here))
            } else {
                "/login".to_owned()
            };
            HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
        }
        Refusal::RoleTooSmall { needs } => plain(
            StatusCode::FORBIDDEN,
            "Not with your role",
            &format!(
                "This needs the role of {needs}. Ask somebody who has it, or log in with another token."
            ),
        ),
    }
}
