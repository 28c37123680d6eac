//! The REST API as a customer's program uses it: log in, then read.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Readings asked for at once: the API's page limit.
const PAGE: &str = "1000";

/// A logged-in client.
#[derive(Clone, Debug)]
pub struct ApiClient {
    http: Client,
    base: String,
    token: String,
}

/// Why the API did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No connection, or it broke.
    #[error("cannot reach the API: {0}")]
    Http(#[from] reqwest::Error),
    /// Another status than 200.
    #[error("`{path}` answered {status}: {body}")]
    Status {
        /// What was asked.
        path: String,
        /// What was answered.
        status: StatusCode,
        /// The body, as text.
        body: String,
    },
    /// A field is missing.
    #[error("`{path}` answered without `{field}`")]
    Shape {
        /// What was asked.
        path: String,
        /// What is missing.
        field: &'static str,
    },
}

impl ApiClient {
    /// Logs in.
    ///
    /// # Errors
    /// Not reachable, or the login was refused.
    pub async fn login(base: &str, email: &str, password: &str) -> Result<Self, ApiError> {
        let http = Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build()?;
        let path = "/auth/login";
        let body = json!({ "email": email, "password": password });
        let answer = http.post(format!("{base}{path}")).json(&body).send().await?;
        let answer = accepted(path, answer).await?;
        let token = answer["token"].as_str().ok_or_else(|| shape(path, "token"))?.to_owned();
        Ok(Self { http, base: base.to_owned(), token })
    }

    /// The body of a GET below `/smartkitchen/v1`.
    ///
    /// # Errors
    /// Not reachable, or not 200.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await?;
        accepted(path, answer).await
    }

    /// All readings of a sensor, newest first, page by page.
    ///
    /// # Errors
    /// As [`ApiClient::get`], or a page without `readings`.
    pub async fn readings(&self, device: &str) -> Result<Vec<Value>, ApiError> {
        let mut readings = Vec::new();
        let mut path = format!("/sensors/{device}/readings?limit={PAGE}");
        loop {
            let page = self.get(&path).await?;
            let rows = page["readings"].as_array().ok_or_else(|| shape(&path, "readings"))?;
            readings.extend(rows.iter().cloned());
            match page["nextCursor"].as_str() {
                Some(cursor) => path = format!("/sensors/{device}/readings?limit={PAGE}&cursor={cursor}"),
                None => return Ok(readings),
            }
        }
    }
}

/// Whether the API answers at all.
pub async fn healthy(origin: &str) -> bool {
    let client = Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build();
    let Ok(client) = client else { return false };
    client.get(format!("{origin}/healthz")).send().await.is_ok_and(|answer| answer.status().is_success())
}

async fn accepted(path: &str, answer: reqwest::Response) -> Result<Value, ApiError> {
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(answer.json().await?);
    }
    Err(ApiError::Status { path: path.to_owned(), status, body: answer.text().await.unwrap_or_default() })
}

fn shape(path: &str, field: &'static str) -> ApiError {
    ApiError::Shape { path: path.to_owned(), field }
}
