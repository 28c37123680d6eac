//! What goes wrong between agent and cloud.

use std::time::Duration;

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Agent to cloud.
    Up,
    /// Cloud to agent.
    Down,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// CONNECT.
    Connect,
    /// CONNACK.
    ConnAck,
    /// SUBSCRIBE.
    Subscribe,
    /// SUBACK.
    SubAck,
    /// PUBACK.
    PubAck,
    /// PINGREQ.
    PingReq,
    /// PINGRESP.
    PingResp,
    /// DISCONNECT.
    Disconnect,
    /// An envelope.
    Records,
    /// Birth or heartbeat.
    Status,
    /// The cloud's acknowledgement, or its answer.
    Acknowledgement,
    /// Anything else.
    Other,
}

/// What goes wrong, until something else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// A connection is accepted and closed at once.
    Refuse,
    /// A connection is accepted, and nothing is said.
    Silent,
    /// A connection is answered as a web page would be.
    WebPage,
    /// Connections stand, and nothing passes any more, either way.
    Stall,
    /// The same, from the next packet of a kind on.
    StallAt(Kind),
    /// The next connection that is made ends after so many bytes in one direction, and those behind it stand.
    Cut(Way, usize),
    /// Packets of a kind do not arrive.
    Drop(Kind),
    /// Packets of a kind arrive twice.
    Double(Kind),
    /// Packets of a kind take so long, and with them all behind.
    Delay(Kind, Duration),
    /// In one direction, one bit is wrong: of this byte of the connection, the lowest bits of the number choose which.
    Flip(Way, usize),
    /// From agent to cloud, no more than so many bytes pass in a second. The agent feels it soon if the proxy is a
    /// [`super::Proxy::start_narrow`].
    Rate(usize),
}
