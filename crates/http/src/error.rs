//! What the API says when it cannot do what was asked: one envelope, one table of codes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use riftwatch_app::assess::AssessError;
use riftwatch_app::erasure::EraseError;
use riftwatch_app::matchmaking::MatchmakingError;
use riftwatch_app::reviews::ReviewError;
use riftwatch_app::tracking::TrackError;
use riftwatch_riot::error::RiotError;
use riftwatch_runner::manage::ManageError;
use riftwatch_store::StoreError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Any error, boxed.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:literal;)*) => {
        /// What went wrong, as a word that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($variant,)*
        }

        impl Code {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word, and the HTTP status that goes with it.
            const fn parts(self) -> (&'static str, u16) {
                match self { $(Self::$variant => ($name, $status),)* }
            }
        }
    };
}

codes! {
    MalformedBody = "malformed_body", 400;
    UnknownField = "unknown_field", 400;
    InvalidValue = "invalid_value", 400;
    InvalidQuery = "invalid_query", 400;
    InvalidPath = "invalid_path", 400;
    InvalidCursor = "invalid_cursor", 400;
    InvalidHeader = "invalid_header", 400;
    BadRequest = "bad_request", 400;
    Unauthenticated = "unauthenticated", 401;
    InvalidToken = "invalid_token", 401;
    Forbidden = "forbidden", 403;
    ForeignHost = "foreign_host", 403;
    ForeignOrigin = "foreign_origin", 403;
    NotFound = "not_found", 404;
    JobNotFound = "job_not_found", 404;
    VersionNotFound = "version_not_found", 404;
    AnalysisNotFound = "analysis_not_found", 404;
    NoRiotKey = "no_riot_key", 404;
    ExecutionNotFound = "execution_not_found", 404;
    PlayerNotFound = "player_not_found", 404;
    RiotIdNotFound = "riot_id_not_found", 404;
    NotOnPlatform = "not_on_platform", 404;
    MatchNotFound = "match_not_found", 404;
    AssessmentNotFound = "assessment_not_found", 404;
    MethodNotAllowed = "method_not_allowed", 405;
    RequestTimeout = "request_timeout", 408;
    NameTaken = "name_taken", 409;
    AlreadyRunning = "already_running", 409;
    AlreadyEnded = "already_ended", 409;
    VersionConflict = "version_conflict", 409;
    TooManyMatch = "too_many_match", 409;
    NotRetriable = "not_retriable", 409;
    UnderWay = "under_way", 409;
    NoSecretKey = "no_secret_key", 409;
    KeyNotTaken = "key_not_taken", 422;
    TooManyTracked = "too_many_tracked", 409;
    PlayerErased = "player_erased", 409;
    PreconditionFailed = "precondition_failed", 412;
    BodyTooLarge = "body_too_large", 413;
    UnsupportedMediaType = "unsupported_media_type", 415;
    ValidationFailed = "validation_failed", 422;
    TooManyRequests = "too_many_requests", 429;
    Internal = "internal", 500;
    RiotUnavailable = "riot_unavailable", 502;
    DatabaseUnavailable = "database_unavailable", 503;
    RiotBudgetUsedUp = "riot_budget_used_up", 503;
    RiotKeyRefused = "riot_key_refused", 503;
    TooManyStreams = "too_many_streams", 503;
    NotReady = "not_ready", 503;
}

/// A request that was not done, with everything that its sender may know, and the cause, which only
/// the log sees.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    field: Option<String>,
    retry_after: Option<Duration>,
    more: Map<String, Value>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    recorded: bool,
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after: None,
            more: Map::new(),
            source: None,
            recorded: false,
        }
    }

    /// Names the field at fault by its path: `config_json.platforms[1]`.
    #[must_use]
    pub(crate) fn field(mut self, path: impl Into<String>) -> Self {
        self.field = Some(path.into());
        self
    }

    /// The same failure under another code.
    #[must_use]
    pub(crate) fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Adds a value that programs can act on.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Whether the audit log has it already.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// The answer for a status that the framework chose.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => (Code::NotFound, "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => {
                (Code::MethodNotAllowed, "this path does not take this method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => (Code::BodyTooLarge, "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (Code::UnsupportedMediaType, "expected application/json")
            }
            StatusCode::REQUEST_TIMEOUT => (Code::RequestTimeout, "the request came too slowly"),
            status if status.is_client_error() => {
                (Code::BadRequest, "the request cannot be understood")
            }
            _ => (Code::Internal, INTERNAL),
        };
        Self::new(code, message)
    }

    /// The answer, in the envelope. Logs what is the server's fault.
    pub(crate) fn render(&self, request_id: &str) -> HttpResponse {
        self.log();
        let mut response = HttpResponse::build(self.status_code());
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(ErrorEnvelope {
            error: ErrorBody {
                code: self.code.parts().0.to_owned(),
                message: self.message.clone(),
                field: self.field.clone(),
                request_id: request_id.to_owned(),
                more: self.more.clone(),
            },
        })
    }

    fn log(&self) {
        let (code, status) = self.code.parts();
        if status < 500 {
            return;
        }
        let cause = self.source.as_deref().map(|error| chain(error)).unwrap_or_default();
        if self.code == Code::Internal {
            tracing::error!(code, cause, "a request failed");
        } else {
            tracing::warn!(code, cause, "a request was put off: {}", self.message);
        }
    }
}

const INTERNAL: &str = "something went wrong on our side; the log has it under the request id";

/// An error with all its causes, in one line.
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

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.parts().1).expect("the table has statuses")
    }

    /// Reached only for errors that pass by the middleware, which knows the request id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The body of every answer that is not a success.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    error: ErrorBody,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
struct ErrorBody {
    /// A word that programs can rely on.
    #[schema(example = "player_not_found")]
    code: String,
    /// A sentence for people; may change.
    message: String,
    /// The path of the field at fault, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// As in the `X-Request-Id` header.
    request_id: String,
    /// Values that go with the code, for example `execution_id` with `already_running`.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    more: Map<String, Value>,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            Self::new(Code::DatabaseUnavailable, "the database is not reachable at the moment")
                .retry_after(Duration::from_secs(1))
                .caused_by(error)
        } else {
            Self::new(Code::Internal, INTERNAL).caused_by(error)
        }
    }
}

impl From<RiotError> for ApiError {
    fn from(error: RiotError) -> Self {
        match error {
            RiotError::RateLimited { retry_after, .. } => Self::new(
                Code::RiotBudgetUsedUp,
                "the rate limit of the riot api key is used up: try again later",
            )
            .retry_after(retry_after),
            RiotError::Unauthorized | RiotError::Forbidden { .. } => Self::new(
                Code::RiotKeyRefused,
                "riot refuses the api key: the operator has to set a valid one",
            )
            .caused_by(error),
            RiotError::Invalid(_) => Self::new(Code::Internal, INTERNAL).caused_by(error),
            RiotError::PrivateMatch
            | RiotError::ForeignPuuid { .. }
            | RiotError::BadRequest { .. }
            | RiotError::Upstream { .. }
            | RiotError::Transport { .. }
            | RiotError::Decode { .. } => {
                Self::new(Code::RiotUnavailable, "riot gave no usable answer: try again later")
                    .caused_by(error)
            }
        }
    }
}

impl From<TrackError> for ApiError {
    fn from(error: TrackError) -> Self {
        let code = match error {
            TrackError::Riot(error) => return error.into(),
            TrackError::Store(error) => return error.into(),
            TrackError::UnknownRiotId(_) => Code::RiotIdNotFound,
            TrackError::UnknownPuuid => Code::PlayerNotFound,
            TrackError::NotOnPlatform { .. } => Code::NotOnPlatform,
            TrackError::Full { .. } => Code::TooManyTracked,
            TrackError::Erased => Code::PlayerErased,
        };
        Self::new(code, error.to_string())
    }
}

impl From<AssessError> for ApiError {
    fn from(error: AssessError) -> Self {
        match error {
            AssessError::Store(error) => error.into(),
            AssessError::UnknownPuuid => Self::new(Code::PlayerNotFound, error.to_string()),
        }
    }
}

impl From<ReviewError> for ApiError {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Store(error) => error.into(),
            ReviewError::UnknownAssessment(_) => {
                Self::new(Code::AssessmentNotFound, error.to_string())
            }
            ReviewError::NoteTooLong { .. } => {
                Self::new(Code::ValidationFailed, error.to_string()).field("note")
            }
        }
    }
}

impl From<MatchmakingError> for ApiError {
    fn from(error: MatchmakingError) -> Self {
        let message = error.to_string();
        match error {
            MatchmakingError::Store(error) => error.into(),
            MatchmakingError::UnknownPuuid => Self::new(Code::PlayerNotFound, message),
            MatchmakingError::Games => Self::new(Code::ValidationFailed, message).field("games"),
            MatchmakingError::AlreadyUnderWay(id) => {
                Self::new(Code::UnderWay, message).with("analysis_id", id)
            }
        }
    }
}

impl From<EraseError> for ApiError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Store(error) => error.into(),
            EraseError::NoKey => Self::new(Code::NoSecretKey, error.to_string()),
        }
    }
}

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        let message = error.to_string();
        // The runtime records what it refuses.
        let recorded = error.is_refusal();
        let told = match error {
            ManageError::NoJob(_) => Self::new(Code::JobNotFound, message),
            ManageError::NoExecution(_) => Self::new(Code::ExecutionNotFound, message),
            ManageError::NoVersion { .. } => Self::new(Code::VersionNotFound, message),
            ManageError::TooMany { matching, cap } => {
                Self::new(Code::TooManyMatch, message).with("matching", matching).with("cap", cap)
            }
            ManageError::Invalid(wrong) => {
                let first = wrong.first().map(|wrong| wrong.path.clone()).unwrap_or_default();
                let errors = wrong
                    .into_iter()
                    .map(|wrong| json!({ "field": wrong.path, "message": wrong.message }))
                    .collect::<Vec<_>>();
                Self::new(Code::ValidationFailed, message).field(first).with("errors", errors)
            }
            ManageError::NameTaken(_) => Self::new(Code::NameTaken, message).field("name"),
            ManageError::VersionConflict { current, .. } => {
                Self::new(Code::VersionConflict, message).with("current_version", current)
            }
            ManageError::AlreadyRunning { executions } => {
                let ids: Vec<i64> = executions.into_iter().map(|id| id.0).collect();
                Self::new(Code::AlreadyRunning, message)
                    .with("execution_id", ids.first().copied())
                    .with("execution_ids", ids)
            }
            ManageError::Ended { status, .. } => {
                Self::new(Code::AlreadyEnded, message).with("status", status.as_str())
            }
            ManageError::NotRetriable { status, .. } => {
                Self::new(Code::NotRetriable, message).with("status", status.as_str())
            }
            ManageError::Store(error) => error.into(),
        };
        Self { recorded, ..told }
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::new(Code::Internal, INTERNAL).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_code_with_its_status() {
        let page = include_str!("../../../docs/api.md");
        for code in Code::ALL {
            let (name, status) = code.parts();
            let row = format!("| `{name}` | {status} |");
            assert!(page.contains(&row), "docs/api.md lacks {row}");
        }
    }
}
