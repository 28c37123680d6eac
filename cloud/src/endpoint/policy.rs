//! Who may do what at the endpoint. Pure.
//!
//! A gateway is what its certificate's CN says. It publishes on its own topics and those of the kitchens it is assigned to,
//! and reads its own acks and commands; nothing else exists for it.

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::Topic;

/// Whether the client id is the certificate's name.
pub fn is_itself(gateway: &GatewayId, client_id: &str) -> bool {
    gateway.as_str() == client_id
}

/// The topic, if this gateway may publish on it.
pub fn may_publish(gateway: &GatewayId, kitchens: &[KitchenId], topic: &str) -> Option<Topic> {
    let topic: Topic = topic.parse().ok()?;
    Topic::published_by(gateway, kitchens).any(|own| own == topic).then_some(topic)
}

/// The topic, if this gateway may subscribe to it. Wildcards are no topics.
pub fn may_subscribe(gateway: &GatewayId, filter: &str) -> Option<Topic> {
    let topic: Topic = filter.parse().ok()?;
    Topic::read_by(gateway).contains(&topic).then_some(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_publishes_for_itself_and_its_kitchens_only() {
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let kitchens = ["kitchen-1".parse().unwrap(), "kitchen-2".parse().unwrap()];
        let rows = [
            ("visiondrive/kitchen/kitchen-1/temperature", true),
            ("visiondrive/kitchen/kitchen-2/temperature", true),
            ("visiondrive/kitchen/kitchen-3/temperature", false),
            ("visiondrive/gateway/gw-1/status", true),
            ("visiondrive/gateway/gw-1/command/reply", true),
            ("visiondrive/gateway/gw-1/ack", false),
            ("visiondrive/gateway/gw-1/command", false),
            ("visiondrive/gateway/gw-2/status", false),
            ("visiondrive/kitchen/+/temperature", false),
            ("$SYS/broker", false),
            ("", false),
        ];
        for (topic, allowed) in rows {
            assert_eq!(may_publish(&gateway, &kitchens, topic).is_some(), allowed, "{topic}");
        }
    }

    #[test]
    fn a_gateway_reads_its_own_acks_and_commands_only() {
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let rows = [
            ("visiondrive/gateway/gw-1/ack", true),
            ("visiondrive/gateway/gw-1/command", true),
            ("visiondrive/gateway/gw-2/ack", false),
            ("visiondrive/gateway/gw-1/status", false),
            ("visiondrive/gateway/+/ack", false),
            ("visiondrive/gateway/gw-1/#", false),
            ("#", false),
            ("$share/g/visiondrive/gateway/gw-1/ack", false),
        ];
        for (filter, allowed) in rows {
            assert_eq!(may_subscribe(&gateway, filter).is_some(), allowed, "{filter}");
        }
    }
}
