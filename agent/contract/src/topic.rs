//! Topics: built and parsed here, formatted nowhere else.
//!
//! | topic | direction | what |
//! |---|---|---|
//! | `visiondrive/kitchen/{kitchenId}/temperature` | gateway → sink | records (the customer's topic) |
//! | `visiondrive/gateway/{gatewayId}/status` | gateway → sink | birth, heartbeat, last will |
//! | `visiondrive/gateway/{gatewayId}/ack` | sink → gateway | what was stored and judged |
//! | `visiondrive/gateway/{gatewayId}/command` | sink → gateway | commands |
//! | `visiondrive/gateway/{gatewayId}/command/reply` | gateway → sink | what became of them |

use std::fmt;
use std::str::FromStr;

use crate::id::{GatewayId, KitchenId};

/// A topic of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Records of one kitchen.
    Temperature(KitchenId),
    /// Birth, heartbeat and last will of one gateway.
    Status(GatewayId),
    /// The sink's acknowledgements to one gateway.
    Ack(GatewayId),
    /// The sink's commands to one gateway.
    Command(GatewayId),
    /// One gateway's answers to commands.
    CommandReply(GatewayId),
}

/// What the sink subscribes to on an external broker: every topic on which gateways publish.
pub const SINK_FILTERS: [&str; 3] =
    ["visiondrive/kitchen/+/temperature", "visiondrive/gateway/+/status", "visiondrive/gateway/+/command/reply"];

/// Where only the sink may publish.
pub const SINK_PUBLISHES: [&str; 2] = ["visiondrive/gateway/+/ack", "visiondrive/gateway/+/command"];

/// Why a text is no topic of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a topic of the contract")]
pub struct TopicError(String);

impl Topic {
    /// The topics that a gateway may publish on, given the kitchens it is assigned to.
    pub fn published_by<'a>(
        gateway: &'a GatewayId,
        kitchens: impl IntoIterator<Item = &'a KitchenId> + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let own = [Self::Status(gateway.clone()), Self::CommandReply(gateway.clone())];
        kitchens.into_iter().map(|kitchen| Self::Temperature(kitchen.clone())).chain(own)
    }

    /// The topics that a gateway may subscribe to.
    pub fn read_by(gateway: &GatewayId) -> [Self; 2] {
        [Self::Ack(gateway.clone()), Self::Command(gateway.clone())]
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temperature(kitchen) => write!(formatter, "visiondrive/kitchen/{kitchen}/temperature"),
            Self::Status(gateway) => write!(formatter, "visiondrive/gateway/{gateway}/status"),
            Self::Ack(gateway) => write!(formatter, "visiondrive/gateway/{gateway}/ack"),
            Self::Command(gateway) => write!(formatter, "visiondrive/gateway/{gateway}/command"),
            Self::CommandReply(gateway) => write!(formatter, "visiondrive/gateway/{gateway}/command/reply"),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let error = || TopicError(text.to_owned());
        let levels: Vec<&str> = text.split('/').collect();
        match levels[..] {
            ["visiondrive", "kitchen", kitchen, "temperature"] => {
                kitchen.parse().map(Self::Temperature).map_err(|_| error())
            }
            ["visiondrive", "gateway", gateway, ref rest @ ..] => {
                let gateway = gateway.parse().map_err(|_| error())?;
                match rest {
                    ["status"] => Ok(Self::Status(gateway)),
                    ["ack"] => Ok(Self::Ack(gateway)),
                    ["command"] => Ok(Self::Command(gateway)),
                    ["command", "reply"] => Ok(Self::CommandReply(gateway)),
                    _ => Err(error()),
                }
            }
            _ => Err(error()),
        }
    }
}
