//! A running API with two customers, and a client of few lines.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::accounts::write::{TenantRow, UserRow};
use crate::accounts::{Accounts, NewPassword, Passwords, Role};
use crate::api::serve::run;
use crate::api::token::Tokens;
use crate::api::{ApiState, Logins, Peers};
use crate::clock::Clock;
use crate::registry::Registry;
use crate::store::Store;

use super::data;

pub(super) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(super) const PASSWORD: &str = "correct horse battery";

/// The time at which the API stands still; tokens go by the system's clock.
pub(super) fn now() -> Timestamp {
    "2026-01-11T10:30:00.000Z".parse().unwrap()
}

pub(super) struct Bench {
    pub(super) address: SocketAddr,
    pub(super) state: Arc<ApiState>,
    _dir: TempDir,
    _shutdown: DropGuard,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Bench {
    pub(super) async fn start() -> Self {
        Self::start_with(Peers::Direct).await
    }

    pub(super) async fn start_with(peers: Peers) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let passwords = Passwords::cheap_for_tests();
        let store = Store::open_sqlite(&dir.path().join("store.sqlite")).await.unwrap();
        data::fill(&store).await;
        let state = Arc::new(ApiState {
            registry: Registry::new(store.clone()),
            store,
            accounts: accounts(&dir, &passwords).await,
            passwords,
            tokens: Tokens::new(SECRET, Duration::from_secs(24 * 60 * 60)),
            clock: Clock::fixed(now()),
            peers,
            logins: Logins::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(run(listener, Arc::clone(&state), shutdown.clone()));
        Self { address, state, _dir: dir, _shutdown: shutdown.drop_guard() }
    }

    /// Sends a request as it is and reads the answer to its end.
    pub(super) async fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or_default() }
    }

    pub(super) async fn send(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.raw(&format!("{method} {path} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n{headers}\r\n")).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send("GET", path, &format!("authorization: Bearer {token}\r\n")).await
    }

    pub(super) async fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n{headers}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    pub(super) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "email": email, "password": password }).to_string();
        self.post("/smartkitchen/v1/auth/login", "", &body).await
    }

    /// A token for one of the users, such as `owner-a`.
    pub(super) async fn token(&self, user: &str) -> String {
        let answer = self.login(&format!("{user}@example.ae"), PASSWORD).await;
        answer.body["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }
}

/// Customers `cust-a` and `cust-b`, each with `owner-…`, `manager-…` and `staff-…`, and `admin` of neither.
async fn accounts(dir: &TempDir, passwords: &Passwords) -> Accounts {
    let accounts = Accounts::open(&dir.path().join("accounts.sqlite")).await.unwrap();
    let hash = passwords.hash(&NewPassword::new(SecretString::from(PASSWORD)).unwrap());
    let tenant = |id: &str| TenantRow { id: id.parse().unwrap(), name: id.to_owned(), slug: id.to_owned() };
    let user = |name: String, role: Role, customer: Option<&str>| UserRow {
        id: name.parse().unwrap(),
        email: format!("{name}@example.ae").parse().unwrap(),
        name: None,
        password_hash: hash.clone(),
        role,
        customer_id: customer.map(|id| id.parse().unwrap()),
    };
    let mut users = vec![user("admin".to_owned(), Role::Admin, None)];
    for (letter, customer) in [("a", "cust-a"), ("b", "cust-b")] {
        for role in [Role::Owner, Role::Manager, Role::Staff] {
            users.push(user(format!("{}-{letter}", role.as_str()), role, Some(customer)));
        }
    }
    accounts.put(&[tenant("cust-a"), tenant("cust-b")], &users, now()).await.unwrap();
    accounts
}
