//! The one error envelope: RFC 9457 `application/problem+json`, with a stable `code` and a `hint`.
//!
//! ```json
//! { "type": "about:blank", "title": "Not Found", "status": 404, "code": "not-found",
//!   "detail": "there is no such thing here", "hint": "check the path and the id" }
//! ```
//!
//! A problem of ours (500) says nothing about its cause: it carries an `errorId` that stands in the log beside the cause.

use std::fmt::Display;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kitchen_contract::id::Epoch;
use serde::Serialize;

use crate::accounts::{AccountsError, Busy};
use crate::store::StoreError;

/// The media type of the envelope.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// No token, or one that does not stand (any more).
    Unauthenticated,
    /// Unknown address, wrong password, or switched off: never said which.
    LoginFailed,
    /// Too many failed logins; when the next one is looked at.
    TooManyAttempts(Duration),
    /// More logins at once than can be checked.
    Busy,
    /// The role does not allow it.
    Forbidden,
    /// No such route, or no such thing of this customer.
    NotFound,
    /// A query parameter is wrong: which one and why.
    InvalidQuery(String),
    /// The body is not what the route wants: why.
    InvalidBody(String),
    /// A status that a layer below the handlers answered with.
    Plain(StatusCode),
    /// Our own fault; the id stands in the log.
    Internal(String),
    /// Something we need does not answer; the id stands in the log.
    Unavailable(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_id: Option<&'a str>,
}

impl ApiError {
    /// An error of ours: its cause is logged here, once, and its id goes out.
    pub fn internal(cause: &dyn Display) -> Self {
        Self::Internal(logged(cause))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::LoginFailed => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::InvalidQuery(_) | Self::InvalidBody(_) => StatusCode::BAD_REQUEST,
            Self::Plain(status) => *status,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code, what happened, and what to do.
    fn texts(&self) -> (&'static str, &str, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", "a valid token is needed", LOGIN_HINT),
            Self::LoginFailed => (
                "login-failed",
                "e-mail address and password do not belong to an active account",
                "check both, or ask the owner of your account",
            ),
            Self::TooManyAttempts(_) => {
                ("too-many-attempts", "too many failed logins", "wait as long as `Retry-After` says (seconds)")
            }
            Self::Busy => ("busy", "too many logins at once", "try again in a second"),
            Self::Forbidden => ("forbidden", "your role does not allow this", "ask the owner of your account"),
            Self::NotFound => ("not-found", "there is no such thing here", "check the path and the id"),
            Self::InvalidQuery(detail) => ("invalid-query", detail, "correct the query parameter"),
            Self::InvalidBody(detail) => ("invalid-body", detail, "correct the JSON body"),
            Self::Plain(status) => plain(*status),
            Self::Internal(_) => ("internal", "something went wrong on our side", REPORT_HINT),
            Self::Unavailable(_) => ("unavailable", "a part of the service does not answer", REPORT_HINT),
        }
    }

    fn error_id(&self) -> Option<&str> {
        match self {
            Self::Internal(id) | Self::Unavailable(id) => Some(id),
            _ => None,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON))]);
        match self {
            Self::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooManyAttempts(wait) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            }
            Self::Busy | Self::Unavailable(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(1));
            }
            _ => {}
        }
        headers
    }
}

const LOGIN_HINT: &str = "log in with `POST /smartkitchen/v1/auth/login` and send `Authorization: Bearer <token>`";
const REPORT_HINT: &str = "try again; if it stays, report the `errorId`";

/// What is said when a layer below the handlers answered.
fn plain(status: StatusCode) -> (&'static str, &'static str, &'static str) {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method-not-allowed", "this path knows other methods only", "use one of those that `Allow` names")
        }
        StatusCode::REQUEST_TIMEOUT => ("timeout", "the request took too long", "send it faster, or ask for less"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the body is too large", "send less"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported-media-type", "the body must be JSON", "send `Content-Type: application/json`")
        }
        _ if status.is_server_error() => ("internal", "something went wrong on our side", "try again"),
        _ => ("invalid-request", "the request cannot be understood", "compare it with the description of the API"),
    }
}

fn logged(cause: &dyn Display) -> String {
    let id = Epoch::from_entropy(rand::random()).to_string();
    tracing::error!(error.id = %id, error = %cause, "request failed");
    id
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let (code, detail, hint) = self.texts();
        let title = status.canonical_reason().unwrap_or("Error");
        let error_id = self.error_id();
        let envelope = Envelope { r#type: "about:blank", title, status: status.as_u16(), code, detail, hint, error_id };
        let mut response = (status, Json(envelope)).into_response();
        response.headers_mut().extend(self.headers());
        response
    }
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
        Self::Unavailable(logged(&format!("{error}{cause}")))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(logged(&error))
    }
}

impl From<Busy> for ApiError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}
