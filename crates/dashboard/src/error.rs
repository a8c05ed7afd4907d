//! What a page says when there is none.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use riftwatch_app::assess::AssessError;
use riftwatch_runner::manage::ManageError;
use riftwatch_store::StoreError;

use crate::cx::html;
use crate::markup::escape;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// There is nothing at this address.
    #[error("{0}")]
    NotFound(String),
    /// What was sent cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The database gave no answer.
    #[error("asking the database")]
    Store(#[from] StoreError),
    /// A template failed.
    #[error("rendering a page")]
    Template(#[from] askama::Error),
    /// A task was lost, or a document cannot be read.
    #[error("{0}")]
    Internal(String),
}

impl PageError {
    pub(crate) fn not_found(what: impl fmt::Display) -> Self {
        Self::NotFound(format!("There is no {what}."))
    }
}

impl From<ManageError> for PageError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NoJob(id) => Self::not_found(format!("job {id}")),
            ManageError::NoExecution(id) => Self::not_found(format!("run {id}")),
            ManageError::Store(error) => Self::Store(error),
            other => Self::BadRequest(other.to_string()),
        }
    }
}

impl From<AssessError> for PageError {
    fn from(error: AssessError) -> Self {
        match error {
            AssessError::UnknownPuuid => Self::not_found("such player"),
            AssessError::Store(error) => Self::Store(error),
            #[expect(unreachable_patterns, reason = "the verbs may come to fail in other ways")]
            other => Self::Internal(other.to_string()),
        }
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Store(StoreError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Template(_) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let (title, text) = match self {
            Self::NotFound(text) => ("Nothing here", text.clone()),
            Self::BadRequest(text) => ("That did not work", text.clone()),
            Self::Store(StoreError::Unavailable(_)) => (
                "The database does not answer",
                "Riftwatch tries again with every request. Runs that go on elsewhere are not touched by this."
                    .to_owned(),
            ),
            _ => {
                tracing::error!(error = chain(self), "a page failed");
                (
                    "Something went wrong on our side",
                    "The log says what, under the request id of this answer.".to_owned(),
                )
            }
        };
        plain(status, title, &text)
    }
}

/// A page without anything that has to be asked for.
pub(crate) fn plain(status: StatusCode, title: &str, text: &str) -> HttpResponse {
    html(status).body(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · riftwatch</title><link rel=\"stylesheet\" href=\"{}\"></head>\
         <body class=\"plain\"><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">To the overview</a></p></main></body></html>",
        crate::assets::href("app.css"),
        escape(text),
    ))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
