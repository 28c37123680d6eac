//! Why a peer is refused, and how each version of the protocol says so.

use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode};

/// Why a peer is not let in, or not served any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client id is not the certificate's name.
    NotItself,
    /// Not registered, or not allowed to do what it tried.
    NotAuthorized,
    /// It publishes with QoS 2, which is not offered.
    QosNotSupported,
    /// It subscribes to more at once than is offered.
    TooManyFilters,
    /// Another connection with the same identity has come.
    TakenOver,
    /// We are going down.
    ShuttingDown,
    /// We cannot work now; the peer may come again.
    Unavailable,
    /// It was silent for one and a half times its keep-alive.
    KeepAlive,
}

impl Refusal {
    pub(super) const fn connect_reason(self) -> ConnectReasonCode {
        match self {
            Self::NotItself => ConnectReasonCode::ClientIdentifierNotValid,
            Self::NotAuthorized | Self::TakenOver => ConnectReasonCode::NotAuthorized,
            Self::QosNotSupported => ConnectReasonCode::QosNotSupported,
            Self::TooManyFilters => ConnectReasonCode::QuotaExceeded,
            Self::ShuttingDown | Self::Unavailable | Self::KeepAlive => ConnectReasonCode::ServerUnavailable,
        }
    }

    pub(super) const fn connect_return(self) -> ConnectReturnCode {
        match self {
            Self::NotItself => ConnectReturnCode::IdentifierRejected,
            Self::NotAuthorized | Self::TakenOver | Self::QosNotSupported | Self::TooManyFilters => {
                ConnectReturnCode::NotAuthorized
            }
            Self::ShuttingDown | Self::Unavailable | Self::KeepAlive => ConnectReturnCode::ServerUnavailable,
        }
    }

    pub(super) const fn disconnect_reason(self) -> DisconnectReasonCode {
        match self {
            Self::NotItself | Self::NotAuthorized => DisconnectReasonCode::NotAuthorized,
            Self::QosNotSupported => DisconnectReasonCode::QosNotSupported,
            Self::TooManyFilters => DisconnectReasonCode::QuotaExceeded,
            Self::TakenOver => DisconnectReasonCode::SessionTakenOver,
            Self::ShuttingDown => DisconnectReasonCode::ServerShuttingDown,
            Self::Unavailable => DisconnectReasonCode::ServerBusy,
            Self::KeepAlive => DisconnectReasonCode::KeepAliveTimeout,
        }
    }
}
