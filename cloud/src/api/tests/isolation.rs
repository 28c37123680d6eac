//! Every route of the list, for everybody: without a token, with every role, for what is one's own, somebody else's, and
//! nobody's.

use axum::http::Method;

use super::bench::Bench;
use crate::accounts::Role;
use crate::api::permission::Access;
use crate::api::routes::{Route, routes};

/// A path with its id: whose thing it is.
fn path(route: &Route, id: &str) -> String {
    route.path.replace("{id}", id)
}

/// The id that customer `letter` has for a route; empty if the route takes none.
fn own(route: &Route, letter: &str) -> String {
    match route.path {
        path if path.contains("/kitchens/{id}") => format!("kitchen-{letter}1"),
        path if path.contains("/sensors/{id}") => format!("sensor-{letter}1"),
        path => {
            assert!(!path.contains('{'), "{path}: say here whose ids it takes");
            String::new()
        }
    }
}

async fn status(bench: &Bench, route: &Route, path: &str, token: Option<&str>) -> u16 {
    let headers = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    bench.send(route.method.as_str(), path, &headers).await.status
}

#[tokio::test]
async fn every_route_but_the_public_ones_needs_a_token() {
    let bench = Bench::start().await;
    for route in routes() {
        let found = status(&bench, &route, &path(&route, &own(&route, "a")), None).await;
        match route.access {
            Access::Needs(_) => assert_eq!(found, 401, "{} {}", route.method, route.path),
            Access::Public => assert!(
                ["/healthz", "/smartkitchen/v1/auth/login"].contains(&route.path),
                "{} is public: is that meant?",
                route.path
            ),
        }
    }
}

#[tokio::test]
async fn every_role_gets_what_its_permission_says_of_its_own_customer() {
    let bench = Bench::start().await;
    for role in Role::ALL {
        let user = if role == Role::Admin { "admin".to_owned() } else { format!("{}-a", role.as_str()) };
        let token = bench.token(&user).await;
        for route in routes() {
            let Access::Needs(permission) = route.access else { continue };
            let expected = if role.may(permission) { 200 } else { 403 };
            let found = status(&bench, &route, &path(&route, &own(&route, "a")), Some(&token)).await;
            assert_eq!(found, expected, "{user} {} {}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_looks_like_what_is_not_there() {
    let bench = Bench::start().await;
    for (letter, other) in [("a", "b"), ("b", "a")] {
        for role in ["owner", "manager", "staff"] {
            let token = bench.token(&format!("{role}-{letter}")).await;
            for route in routes().iter().filter(|route| route.path.contains("{id}")) {
                let foreign = own(route, other);
                let missing = bench.get(&path(route, "no-such-thing"), &token).await;
                assert_eq!((missing.status, missing.code()), (404, "not-found"), "{}", route.path);
                for id in [&foreign, "NOT-AN-ID", "%00", "%FF", "..%2Fsensor-a1", &"x".repeat(200)] {
                    let answer = bench.get(&path(route, id), &token).await;
                    assert_eq!(answer.status, 404, "{role}-{letter} {} {id}", route.path);
                    assert_eq!(answer.body, missing.body, "{role}-{letter} {} {id}", route.path);
                }
            }
        }
    }
}

#[tokio::test]
async fn lists_hold_nothing_of_somebody_else() {
    let bench = Bench::start().await;
    for (letter, other) in [("a", "b"), ("b", "a")] {
        let token = bench.token(&format!("owner-{letter}")).await;
        for route in routes() {
            let Access::Needs(_) = route.access else { continue };
            let answer = bench.get(&path(&route, &own(&route, letter)), &token).await;
            let text = answer.body.to_string();
            for name in ["cust", "kitchen", "sensor", "gw"] {
                assert!(!text.contains(&format!("{name}-{other}")), "{} of {letter}: {text}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn an_admin_reaches_everything() {
    let bench = Bench::start().await;
    let token = bench.token("admin").await;
    for letter in ["a", "b"] {
        for route in routes().iter().filter(|route| route.method == Method::GET) {
            let found = status(&bench, route, &path(route, &own(route, letter)), Some(&token)).await;
            assert_eq!(found, 200, "{} {letter}", route.path);
        }
    }
}
