//! Building and parsing a topic are inverse, and nothing else parses.

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::Topic;
use proptest::prelude::*;

#[test]
fn the_customers_topic_is_the_customers() {
    let topic = Topic::Temperature("kitchen-001".parse().unwrap());
    assert_eq!(topic.to_string(), "visiondrive/kitchen/kitchen-001/temperature");
}

#[test]
fn only_topics_of_the_contract_parse() {
    for text in [
        "",
        "visiondrive/kitchen/+/temperature",
        "visiondrive/kitchen/#",
        "visiondrive/kitchen//temperature",
        "visiondrive/kitchen/a/temperature/",
        "/visiondrive/kitchen/a/temperature",
        "visiondrive/gateway/a",
        "visiondrive/gateway/a/command/reply/x",
        "visiondrive/gateway/A/status",
        "$SYS/broker",
    ] {
        assert!(text.parse::<Topic>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn every_topic_reads_back(gateway in "[a-z0-9-]{1,25}", kitchen in "[a-z0-9-]{1,25}") {
        let gateway: GatewayId = gateway.parse().unwrap();
        let kitchen: KitchenId = kitchen.parse().unwrap();
        let kitchens = [kitchen];
        for topic in Topic::published_by(&gateway, &kitchens).chain(Topic::read_by(&gateway)) {
            prop_assert_eq!(topic.to_string().parse(), Ok(topic));
        }
    }
}
