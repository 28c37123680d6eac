//! What stands around every route: limits, security headers, and the one error envelope for whatever answers below.

use std::any::Any;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Router, http};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::api::problem::{ApiError, PROBLEM_JSON};

/// The largest request body, in bytes: a login is the largest thing anybody sends.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a request may take, its body included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers of every answer, errors included. HSTS means nothing over plain HTTP and is there for the proxy's side.
const HEADERS: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (http::header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (http::header::REFERRER_POLICY, "no-referrer"),
    (http::header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Puts the limits around a router.
pub fn limited(router: Router) -> Router {
    router
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(dress))
}

/// Gives every answer the headers, and every error the envelope.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let ours = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    if failed && !ours {
        response = enveloped(&response);
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn enveloped(answered: &Response) -> Response {
    let error = match answered.status() {
        StatusCode::NOT_FOUND => ApiError::NotFound,
        status => ApiError::Plain(status),
    };
    let mut response = error.into_response();
    for name in [ALLOW, RETRY_AFTER] {
        if let Some(value) = answered.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    metrics::counter!("api_panics_total").increment(1);
    ApiError::internal(&format_args!("panic: {}", text.unwrap_or("no text"))).into_response()
}
