use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::bench::{Bench, SECRET};
use crate::clock::Clock;

/// What a token of owner-a says when it is good.
fn claims() -> Value {
    let now = Clock::system().now().unix_ms() / 1000;
    json!({
        "userId": "owner-a", "customerId": "cust-a", "role": "owner", "exp": now + 60, "iat": now, "nbf": now,
        "iss": "visiondrive-smart-kitchen", "aud": "smartkitchen-api", "sub": "owner-a", "typ": "access",
    })
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn signed(header: &Header, claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn good(claims: &Value) -> String {
    signed(&Header::new(Algorithm::HS256), claims)
}

/// A token with any header, and the signature of another one.
fn forged(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = good(claims).rsplit('.').next().unwrap().to_owned();
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn corpus() -> Vec<(&'static str, String)> {
    let now = Clock::system().now().unix_ms() / 1000;
    let valid = good(&claims());
    let none = forged(&json!({ "alg": "none", "typ": "JWT" }), &claims());
    let typ = |typ: Option<&str>| Header { typ: typ.map(str::to_owned), ..Header::new(Algorithm::HS256) };
    let mut corpus = vec![
        ("empty", String::new()),
        ("no token", "hello".to_owned()),
        ("alg none", none.clone()),
        ("alg none, no signature", none.rsplit_once('.').unwrap().0.to_owned() + "."),
        ("alg None", forged(&json!({ "alg": "None", "typ": "JWT" }), &claims())),
        ("alg HS512", signed(&Header::new(Algorithm::HS512), &claims())),
        ("alg HS384", signed(&Header::new(Algorithm::HS384), &claims())),
        ("alg RS256 over an HS256 signature", forged(&json!({ "alg": "RS256", "typ": "JWT" }), &claims())),
        (
            "own key inside",
            forged(&json!({ "alg": "HS256", "typ": "JWT", "jwk": { "kty": "oct", "k": "AA" } }), &claims()),
        ),
        ("other secret", encode(&Header::default(), &claims(), &EncodingKey::from_secret(b"other")).unwrap()),
        ("header typ missing", signed(&typ(None), &claims())),
        ("header typ other", signed(&typ(Some("at+jwt")), &claims())),
        ("truncated", valid[..valid.len() - 1].to_owned()),
        ("no signature", valid.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{valid}.x")),
        ("too long", good(&with(json!({ "padding": "x".repeat(5000) })))),
    ];
    for (name, changes) in [
        ("expired", json!({ "exp": now - 60 })),
        ("exp missing", json!({ "exp": null })),
        ("exp a string", json!({ "exp": (now + 60).to_string() })),
        ("exp negative", json!({ "exp": -1 })),
        ("exp a fraction", json!({ "exp": 1e40 })),
        ("nbf in the future", json!({ "nbf": now + 60 })),
        ("nbf missing", json!({ "nbf": null })),
        ("nbf a string", json!({ "nbf": now.to_string() })),
        ("iss other", json!({ "iss": "somebody" })),
        ("iss missing", json!({ "iss": null })),
        ("aud other", json!({ "aud": "another-api" })),
        ("aud missing", json!({ "aud": null })),
        ("sub missing", json!({ "sub": null })),
        ("sub is not userId", json!({ "sub": "owner-b" })),
        ("typ other", json!({ "typ": "refresh" })),
        ("typ missing", json!({ "typ": null })),
        ("user of another customer", json!({ "customerId": "cust-b" })),
        ("user that is no id", json!({ "userId": "x' OR 1=1", "sub": "x' OR 1=1" })),
        ("user unknown", json!({ "userId": "nobody", "sub": "nobody" })),
        ("role unknown", json!({ "role": "root" })),
    ] {
        corpus.push((name, good(&with(changes))));
    }
    corpus
}

#[tokio::test]
async fn only_a_whole_token_of_ours_is_taken() {
    let bench = Bench::start().await;
    assert_eq!(bench.get("/smartkitchen/v1/kitchens", &good(&claims())).await.status, 200);
    for (name, token) in corpus() {
        let answer = bench.get("/smartkitchen/v1/kitchens", &token).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{name}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{name}");
    }
}

#[tokio::test]
async fn the_role_that_counts_is_the_one_of_now() {
    let bench = Bench::start().await;
    let claims = bench.state.tokens.read(&good(&with(json!({ "role": "admin" })))).unwrap();
    let identity = bench.state.accounts.identity(&claims.user_id, claims.customer_id.as_ref()).await.unwrap().unwrap();
    assert_eq!(identity.role.as_str(), "owner");
}

#[tokio::test]
async fn a_user_who_is_switched_off_is_out_with_a_token_that_is_still_good() {
    let bench = Bench::start().await;
    let token = bench.token("owner-a").await;
    assert_eq!(bench.get("/smartkitchen/v1/kitchens", &token).await.status, 200);
    let statement = "UPDATE tenant_memberships SET status = 'INACTIVE' WHERE user_id = 'owner-a'";
    sqlx::query(statement).execute(&bench.state.accounts.pool).await.unwrap();
    assert_eq!(bench.get("/smartkitchen/v1/kitchens", &token).await.status, 401);
}

#[test]
fn the_secret_is_made_once_kept_secret_and_refused_when_it_is_not() {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use crate::api::token::{SecretError, Tokens};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/jwt-secret");
    let open = || Tokens::open(&path, Duration::from_secs(60));
    let chmod = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    open().unwrap();
    let made = std::fs::read(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    open().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), made);
    chmod(0o640);
    assert!(matches!(open(), Err(SecretError::Exposed { .. })));
    chmod(0o600);
    std::fs::write(&path, "short").unwrap();
    assert!(matches!(open(), Err(SecretError::Short { .. })));
}
