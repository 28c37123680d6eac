//! The mobile network as the modem finds it, and what goes wrong with it (device reference section 8.2).

use std::fmt;
use std::str::FromStr;

/// What the modem finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// All is well.
    Attached,
    /// No SIM card: the -GE as it leaves the factory.
    #[default]
    NoSim,
    /// A SIM card and no cell.
    NoSignal,
    /// The modem itself does not answer.
    NoResponse,
    /// The access point cannot be set.
    ApnFails,
    /// Names are not resolved.
    DnsFailure,
    /// The network does not tell the time.
    TimeFails,
    /// No socket.
    OpenFails,
    /// The server does not let us in.
    ServerRefuses,
    /// The server does not let us subscribe.
    SubscribeFails,
    /// Nothing is taken.
    UploadFails,
    /// Quirk Q15: nothing is even tried, for whole groups of cycles.
    Silent,
}

/// Not a state of the network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown network `{0}`: one of {known}", known = Network::ALL.map(Network::name).join(", "))]
pub struct NetworkError(String);

impl Network {
    /// Every state.
    pub const ALL: [Self; 12] = [
        Self::Attached,
        Self::NoSim,
        Self::NoSignal,
        Self::NoResponse,
        Self::ApnFails,
        Self::DnsFailure,
        Self::TimeFails,
        Self::OpenFails,
        Self::ServerRefuses,
        Self::SubscribeFails,
        Self::UploadFails,
        Self::Silent,
    ];

    /// The state's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::NoSim => "no-sim",
            Self::NoSignal => "no-signal",
            Self::NoResponse => "no-response",
            Self::ApnFails => "apn-fails",
            Self::DnsFailure => "dns-failure",
            Self::TimeFails => "time-fails",
            Self::OpenFails => "open-fails",
            Self::ServerRefuses => "server-refuses",
            Self::SubscribeFails => "subscribe-fails",
            Self::UploadFails => "upload-fails",
            Self::Silent => "silent",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::ALL.into_iter().find(|network| network.name() == text).ok_or_else(|| NetworkError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_again_and_another_names_them_all() {
        for network in Network::ALL {
            assert_eq!(network.name().parse(), Ok(network));
        }
        let error = "nosim".parse::<Network>().unwrap_err().to_string();
        assert!(error.contains("`nosim`") && error.contains("no-sim"), "{error}");
    }
}
