use super::bench::{Answer, Bench};

fn is_dressed(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} of {}", answer.head);
    }
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        for field in ["type", "title", "status", "code", "detail", "hint"] {
            assert!(!answer.body[field].is_null(), "{field} of {}", answer.body);
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_and_every_error_the_envelope() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    let huge = "content-length: 1073741824\r\ncontent-type: application/json\r\n";
    let login = "/smartkitchen/v1/auth/login";
    for (answer, status, code) in [
        (bench.send("GET", "/healthz", "").await, 200, ""),
        (bench.send("GET", "/", "").await, 404, "not-found"),
        (bench.send("GET", "/smartkitchen/v1/nothing", "").await, 404, "not-found"),
        (bench.send("GET", "/smartkitchen/v1/kitchens", "").await, 401, "unauthenticated"),
        (bench.send("DELETE", "/smartkitchen/v1/kitchens", "").await, 405, "method-not-allowed"),
        (bench.send("TRACE", "/smartkitchen/v1/kitchens", "").await, 405, "method-not-allowed"),
        (bench.send("POST", login, huge).await, 413, "too-large"),
        (
            bench.send("POST", login, "content-type: text/plain\r\ncontent-length: 0\r\n").await,
            415,
            "unsupported-media-type",
        ),
        (bench.get("/smartkitchen/v1/kitchens?limit=1e9", &token).await, 400, "invalid-query"),
        (bench.get("/smartkitchen/v1/kitchens?limit=%FF", &token).await, 400, "invalid-query"),
    ] {
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.head);
        is_dressed(&answer);
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let bench = Bench::start().await;
    let answer = bench.send("POST", "/smartkitchen/v1/kitchens", "content-length: 0\r\n").await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test]
async fn a_panic_is_our_problem_and_says_nothing() {
    let router = crate::api::limits::limited(axum::Router::new().route("/", axum::routing::get(panics)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut bench = Bench::start().await;
    bench.address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = bench.send("GET", "/", "").await;
    is_dressed(&answer);
    insta::assert_json_snapshot!(answer.body, { ".errorId" => "[id]" });
}

async fn panics() -> &'static str {
    panic!("the secret is 42")
}
