use sqlx::Row;

use super::bench::{Bench, PASSWORD};
use crate::api::Peers;

const LOGIN: &str = "/smartkitchen/v1/auth/login";

#[tokio::test]
async fn a_login_answers_with_a_token_and_who_it_is() {
    let bench = Bench::start().await;
    let answer = bench.login("Owner-A@example.ae", PASSWORD).await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.body, { ".token" => "[token]", ".expiresAt" => "[in 24 h]" });
    let admin = bench.login("admin@example.ae", PASSWORD).await;
    insta::assert_json_snapshot!(admin.body, { ".token" => "[token]", ".expiresAt" => "[in 24 h]" });
}

#[tokio::test]
async fn every_refusal_looks_the_same() {
    let bench = Bench::start().await;
    sqlx::query("UPDATE users SET status = 'INACTIVE' WHERE id = 'staff-a'")
        .execute(&bench.state.accounts.pool)
        .await
        .unwrap();
    let refusals = [
        bench.login("nobody@example.ae", PASSWORD).await,
        bench.login("not an address", PASSWORD).await,
        bench.login("owner-a@example.ae", "wrong password").await,
        bench.login("owner-a@example.ae", &"x".repeat(5000)).await,
        bench.login("owner-a@example.ae", "").await,
        bench.login("staff-a@example.ae", PASSWORD).await,
    ];
    for answer in &refusals {
        assert_eq!((answer.status, &answer.body), (401, &refusals[0].body));
    }
    insta::assert_json_snapshot!(refusals[0].body);
}

#[tokio::test]
async fn every_login_is_in_the_audit_log_without_what_was_typed() {
    let bench = Bench::start().await;
    bench.login("owner-a@example.ae", PASSWORD).await;
    bench.login("owner-a@example.ae", "wrong password").await;
    bench.login("my-password@typed.here", "wrong password").await;
    let rows = sqlx::query("SELECT action, tenant_id, actor_user_id, entity_id, ip FROM audit_logs ORDER BY rowid")
        .fetch_all(&bench.state.accounts.pool)
        .await
        .unwrap();
    let columns = ["action", "tenant_id", "actor_user_id", "entity_id", "ip"];
    let rows: Vec<[Option<String>; 5]> = rows.iter().map(|row| columns.map(|column| row.get(column))).collect();
    let some = |text: &str| Some(text.to_owned());
    let local = some("127.0.0.1");
    assert_eq!(
        rows,
        [
            [some("auth.login"), some("cust-a"), some("owner-a"), some("owner-a"), local.clone()],
            [some("auth.login_failed"), None, None, some("owner-a"), local.clone()],
            [some("auth.login_failed"), None, None, None, local],
        ]
    );
}

#[tokio::test]
async fn guessing_is_throttled_and_says_when_to_come_back() {
    let bench = Bench::start().await;
    for _ in 0..10 {
        assert_eq!(bench.login("owner-a@example.ae", "wrong password").await.status, 401);
    }
    let throttled = bench.login("owner-a@example.ae", PASSWORD).await;
    assert_eq!((throttled.status, throttled.code()), (429, "too-many-attempts"));
    let wait: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
    assert!((800..=901).contains(&wait), "{wait}");
    assert_eq!(bench.login("owner-b@example.ae", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn only_a_proxy_is_believed_about_the_clients_address() {
    let body = r#"{"email":"owner-a@example.ae","password":"wrong password"}"#;
    for (peers, expected) in [(Peers::Direct, "127.0.0.1"), (Peers::BehindProxy, "192.0.2.9")] {
        let bench = Bench::start_with(peers).await;
        bench.post(LOGIN, "x-forwarded-for: 203.0.113.1, 192.0.2.9\r\n", body).await;
        let row = sqlx::query("SELECT ip FROM audit_logs").fetch_one(&bench.state.accounts.pool).await.unwrap();
        assert_eq!(row.get::<String, _>("ip"), expected);
    }
}

#[tokio::test]
async fn a_body_that_is_no_login_is_refused_with_advice() {
    let bench = Bench::start().await;
    for body in ["", "{", "[]", "{}", r#"{"email":"a@b"}"#, r#"{"email":"a@b","password":"12345678","role":"admin"}"#] {
        let answer = bench.post(LOGIN, "", body).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-body"), "{body}");
    }
    let nested = "[".repeat(10_000);
    assert_eq!(bench.post(LOGIN, "", &nested).await.status, 400);
}
