//! Access rules for an external Mosquitto: who may publish and read what, by certificate name. Pure.
//!
//! For `use_identity_as_username true`: the user is the CN. Topics come from the contract only. A gateway may publish for
//! every kitchen it was ever assigned to, because its backlog may be of then; the sink still takes a reading only if the
//! assignment held at its time.

use std::fmt::Write;

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::{SINK_FILTERS, SINK_PUBLISHES, Topic};

use crate::pki::SINK_NAME;

/// A gateway and the kitchens that it may publish for.
pub type GatewayPlaces = (GatewayId, Vec<KitchenId>);

/// The text of an `acl_file`: the sink, then each gateway.
pub fn mosquitto(gateways: &[GatewayPlaces]) -> String {
    let mut text = String::from(
        "# Made by `kitchen-cloud gateway acl`: make it again after every change of gateways or kitchens.\n",
    );
    user(&mut text, SINK_NAME, &SINK_PUBLISHES, &SINK_FILTERS);
    for (gateway, kitchens) in gateways {
        let publishes: Vec<String> = Topic::published_by(gateway, kitchens).map(|topic| topic.to_string()).collect();
        let reads = Topic::read_by(gateway).map(|topic| topic.to_string());
        user(&mut text, gateway.as_str(), &publishes, &reads);
    }
    text
}

fn user<T: AsRef<str>, U: AsRef<str>>(text: &mut String, name: &str, publishes: &[T], reads: &[U]) {
    let _ = write!(text, "\nuser {name}\n");
    for topic in publishes {
        let _ = writeln!(text, "topic write {}", topic.as_ref());
    }
    for topic in reads {
        let _ = writeln!(text, "topic read {}", topic.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sink_and_every_gateway_have_exactly_their_topics() {
        let places = |id: &str, kitchens: &[&str]| {
            (id.parse().unwrap(), kitchens.iter().map(|kitchen| kitchen.parse().unwrap()).collect())
        };
        insta::assert_snapshot!(mosquitto(&[places("gw-1", &["kitchen-1", "kitchen-2"]), places("gw-2", &[])]));
    }
}
