use std::collections::BTreeSet;

use serde_json::Value;

use super::bench::Bench;

const READINGS: &str = "/smartkitchen/v1/sensors/sensor-a1/readings";

#[tokio::test]
async fn answers_have_the_customers_fields() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    for (name, path) in [
        ("kitchens", "/smartkitchen/v1/kitchens"),
        ("sensors", "/smartkitchen/v1/kitchens/kitchen-a1/sensors"),
        ("sensor", "/smartkitchen/v1/sensors/sensor-a1"),
        ("current", "/smartkitchen/v1/sensors/sensor-a1/current"),
        ("current_without_readings", "/smartkitchen/v1/sensors/sensor-a2/current"),
        ("readings", READINGS),
        ("alerts", "/smartkitchen/v1/alerts"),
        ("not_found", "/smartkitchen/v1/sensors/nothing"),
        ("invalid_query", "/smartkitchen/v1/alerts?limit=0"),
    ] {
        let answer = bench.get(path, &token).await;
        insta::with_settings!({ snapshot_suffix => name }, { insta::assert_json_snapshot!(answer.body) });
    }
}

#[tokio::test]
async fn an_admin_sees_what_all_customers_have() {
    let bench = Bench::start().await;
    let token = bench.token("admin").await;
    let kitchens = bench.get("/smartkitchen/v1/kitchens", &token).await;
    assert_eq!(texts(&kitchens.body["kitchens"], "id"), ["kitchen-a1", "kitchen-a2", "kitchen-b1"]);
    let alerts = bench.get("/smartkitchen/v1/alerts?limit=1", &token).await;
    assert_eq!(alerts.body["totalActive"], 2);
    assert_eq!(texts(&alerts.body["alerts"], "deviceId"), ["sensor-b1"], "the newest first");
}

#[tokio::test]
async fn pages_of_readings_follow_each_other_newest_first() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    let (mut path, mut seen) = (format!("{READINGS}?limit=2"), Vec::new());
    loop {
        let answer = bench.get(&path, &token).await;
        seen.extend(answer.body["readings"].as_array().unwrap().iter().map(|reading| reading["seq"].as_u64().unwrap()));
        let Some(cursor) = answer.body["nextCursor"].as_str() else { break };
        path = format!("{READINGS}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn pages_of_kitchens_follow_each_other() {
    let bench = Bench::start().await;
    let token = bench.token("owner-a").await;
    let first = bench.get("/smartkitchen/v1/kitchens?limit=1", &token).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = bench.get(&format!("/smartkitchen/v1/kitchens?limit=1&cursor={cursor}"), &token).await;
    assert_eq!(texts(&second.body["kitchens"], "id"), ["kitchen-a2"]);
    assert!(second.body["nextCursor"].is_null());
}

#[tokio::test]
async fn a_span_takes_its_begin_and_not_its_end() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    for (query, expected) in [
        ("from=2026-01-11T10:19:30Z", &[5, 4, 3][..]),
        ("to=2026-01-11T10:19:30Z", &[2, 1]),
        ("from=2026-01-11T14:14:30%2B04:00&to=2026-01-11T10:24:30.000Z", &[3, 2]),
        ("from=2027-01-01T00:00:00Z", &[]),
    ] {
        let answer = bench.get(&format!("{READINGS}?{query}"), &token).await;
        let seen: Vec<u64> = answer.body["readings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reading| reading["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn a_cursor_that_was_never_given_out_is_refused() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    for cursor in ["x", "fn5-", "bm9uc2Vuc2U", &"A".repeat(300)] {
        let answer = bench.get(&format!("{READINGS}?cursor={cursor}"), &token).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid-query"), "{cursor}");
    }
}

#[tokio::test]
async fn every_null_has_its_reason_beside_it() {
    let bench = Bench::start().await;
    let token = bench.token("staff-a").await;
    let mut bodies = bench.get(READINGS, &token).await.body["readings"].as_array().unwrap().clone();
    bodies.push(bench.get("/smartkitchen/v1/sensors/sensor-a2/current", &token).await.body);
    for body in bodies {
        let reasons: BTreeSet<&str> = body["missing"].as_object().unwrap().keys().map(String::as_str).collect();
        for name in ["temperature", "batteryVoltage", "signalStrength", "humidity", "rawMa", "timestamp"] {
            let explained = reasons.contains(name) || (name == "temperature" && !body["fault"].is_null());
            assert_eq!(body[name].is_null(), explained, "{name} of {body}");
        }
    }
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}
