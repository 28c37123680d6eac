//! `POST /auth/login`: e-mail and password become a token.
//!
//! Unknown address, wrong password, too long a password, and switched off look alike: same body, same time. Every login,
//! good or failed, is in the audit log.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use kitchen_contract::id::CustomerId;
use kitchen_contract::time::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::accounts::{AuditAction, AuditEntry, Credentials, Identity, Role, UserId};
use crate::api::listener::Peer;
use crate::api::problem::ApiError;
use crate::api::state::ApiState;
use crate::api::throttle::Attempt;

/// The body of a login.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    email: String,
    password: SecretString,
}

/// The answer to a login.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginAnswer {
    token: String,
    user_id: UserId,
    customer_id: Option<CustomerId>,
    role: Role,
    expires_at: Timestamp,
}

/// Who asks, as far as the connection says.
struct Caller {
    address: SocketAddr,
    headers: HeaderMap,
}

/// `POST /auth/login`.
///
/// # Errors
/// 400 a body that is no login, 401 refused, 429 too many failures, 503 too many at once.
pub async fn login(State(state): State<Arc<ApiState>>, request: Request) -> Result<Json<LoginAnswer>, ApiError> {
    let caller = caller(&request);
    let Json(body) = Json::<LoginBody>::from_request(request, &()).await.map_err(refused_body)?;
    let ip = state.peers.client(caller.address, &caller.headers);
    let attempt = Attempt::new(&body.email, ip);
    admit(&state, attempt)?;
    let found = check(&state, body).await.inspect_err(|_| state.logins.lock().1.withdraw(attempt))?;
    let user_id = found.as_ref().map(|found| found.0.user_id.clone());
    let identity = found.and_then(|found| found.1);
    let user_agent = caller.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (action, now) =
        (if identity.is_some() { AuditAction::Login } else { AuditAction::LoginFailed }, state.clock.now());
    let customer_id = identity.as_ref().and_then(|identity| identity.customer_id.clone());
    state.accounts.audit(AuditEntry { action, user_id, customer_id, ip: Some(ip), user_agent }, now).await?;
    metrics::counter!("api_logins_total", "result" => if identity.is_some() { "ok" } else { "failed" }).increment(1);
    let identity = identity.ok_or(ApiError::LoginFailed)?;
    let (elapsed, mut throttle) = state.logins.lock();
    throttle.succeeded(elapsed, attempt);
    Ok(Json(answer(&state, identity)))
}

fn caller(request: &Request) -> Caller {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let address = peer.map_or(SocketAddr::from(([0, 0, 0, 0], 0)), |ConnectInfo(peer)| peer.0);
    Caller { address, headers: request.headers().clone() }
}

fn admit(state: &ApiState, attempt: Attempt) -> Result<(), ApiError> {
    let (now, mut throttle) = state.logins.lock();
    throttle.attempt(now, attempt).map_err(|wait| {
        metrics::counter!("api_logins_total", "result" => "throttled").increment(1);
        ApiError::TooManyAttempts(wait)
    })
}

/// The account of the address, if there is one, and who may act if the password is right.
async fn check(state: &ApiState, body: LoginBody) -> Result<Option<(Credentials, Option<Identity>)>, ApiError> {
    let credentials = match body.email.parse() {
        Ok(email) => state.accounts.credentials(&email).await?,
        Err(_) => None,
    };
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let right = state.passwords.verify(body.password, hash).await?;
    let Some(credentials) = credentials else { return Ok(None) };
    let home = state.accounts.home(&credentials).await?;
    let identity = state.accounts.identity(&credentials.user_id, home.as_ref()).await?;
    Ok(Some((credentials, identity.filter(|_| right))))
}

fn answer(state: &ApiState, identity: Identity) -> LoginAnswer {
    let (token, expires_at) = state.tokens.issue(&identity);
    let Identity { user_id, customer_id, role } = identity;
    tracing::debug!(user.id = %user_id, role = role.as_str(), "login");
    LoginAnswer { token, user_id, customer_id, role, expires_at }
}

fn refused_body(rejection: JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            ApiError::InvalidBody("a login is {\"email\": \"…\", \"password\": \"…\"} and nothing else".to_owned())
        }
        other => ApiError::Plain(other.status()),
    }
}
