//! Why there is no connection, in words a technician can act on. Pure.

use std::error::Error;
use std::fmt;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};
use rustls::{AlertDescription, CertificateError};

/// Why there is no connection. Each is a state in which sampling goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// No route, no name, no answer, or the line went dead.
    Unreachable(String),
    /// The sink's certificate or ours was refused.
    TlsRefused(String),
    /// The sink's certificate is not valid now, or now is not what our clock says.
    CertificateTime(String),
    /// The sink knows who we are and does not let us in.
    NotAuthorised(String),
    /// The gateway's own certificate files cannot be used.
    Identity(String),
    /// The other side speaks, but not as agreed.
    Protocol(String),
    /// The connection stood, but no answer to the birth came in time.
    NoAnswer,
}

impl LinkFault {
    /// A word for the state, the same for all faults of a kind.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TlsRefused(_) | Self::CertificateTime(_) => "tls-refused",
            Self::NotAuthorised(_) => "not-authorised",
            Self::Identity(_) => "identity-unusable",
            Self::Protocol(_) => "protocol",
            Self::NoAnswer => "no-answer",
        }
    }

    /// Whether the other side was there and has said, or we have, what is wrong with a certificate or with who we are. What is
    /// only silent or gone may be out of order.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::TlsRefused(_) | Self::CertificateTime(_) | Self::NotAuthorised(_) => true,
            Self::Unreachable(_) | Self::Identity(_) | Self::Protocol(_) | Self::NoAnswer => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "check the network, `mqtt.host` and `mqtt.port`; readings are kept meanwhile",
            Self::TlsRefused(_) => {
                "check validity and issuer of the certificates at both ends; readings are kept meanwhile"
            }
            Self::CertificateTime(_) => {
                "check the certificate's dates and this gateway's clock; readings are kept meanwhile"
            }
            Self::NotAuthorised(_) => {
                "check that the gateway is registered, and that its id is the CN of its certificate"
            }
            Self::Identity(_) => "check the files named in `[mqtt]`; they are read again at every attempt",
            Self::Protocol(_) => "check that `mqtt.host` and `mqtt.port` lead to the cloud's gateway endpoint",
            Self::NoAnswer => {
                "the broker is there but the cloud behind it does not answer; readings are kept meanwhile"
            }
        }
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(formatter, "unreachable: {reason}"),
            Self::TlsRefused(reason) | Self::CertificateTime(reason) => write!(formatter, "TLS refused: {reason}"),
            Self::NotAuthorised(reason) => write!(formatter, "not authorised: {reason}"),
            Self::Identity(reason) => write!(formatter, "own certificate unusable: {reason}"),
            Self::Protocol(reason) => write!(formatter, "not understood: {reason}"),
            Self::NoAnswer => formatter.write_str("no answer to the birth"),
        }
    }
}

impl From<&ConnectionError> for LinkFault {
    fn from(error: &ConnectionError) -> Self {
        if let Some(tls) = find::<rustls::Error>(error) {
            return tls_fault(tls);
        }
        if let Some(io) = find::<io::Error>(error) {
            return unreachable_for(io);
        }
        match error {
            ConnectionError::ConnectionRefused(code) => refused(*code),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
                Self::Unreachable("no answer in time".to_owned())
            }
            ConnectionError::MqttState(StateError::AwaitPingResp) => {
                Self::Unreachable("the line went dead: no answer to a ping".to_owned())
            }
            ConnectionError::MqttState(StateError::ConnectionAborted) => {
                Self::Unreachable("the other side closed the connection".to_owned())
            }
            ConnectionError::Tls(error) => Self::TlsRefused(error.to_string()),
            ConnectionError::MqttState(_)
            | ConnectionError::NotConnAck(_)
            | ConnectionError::RequestsDone
            | ConnectionError::Io(_) => Self::Protocol(error.to_string()),
        }
    }
}

/// Looks through an error and its causes for one of a kind; an I/O error hides its cause from `source`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn tls_fault(error: &rustls::Error) -> LinkFault {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate_fault(problem),
        rustls::Error::AlertReceived(alert) => {
            LinkFault::TlsRefused(format!("our certificate: {}", alert_text(*alert)))
        }
        other => LinkFault::Protocol(format!("no TLS as agreed: {other}")),
    }
}

fn certificate_fault(error: &CertificateError) -> LinkFault {
    let dated = |text: &str| LinkFault::CertificateTime(format!("the cloud's certificate: {text}"));
    let problem = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => return dated("expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => return dated("not valid yet"),
        CertificateError::UnknownIssuer => "issued by an authority that is not in `mqtt.ca`".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "issued for another name than `mqtt.host`".to_owned()
        }
        other => other.to_string(),
    };
    LinkFault::TlsRefused(format!("the cloud's certificate: {problem}"))
}

fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateExpired => "expired".to_owned(),
        AlertDescription::CertificateRevoked => "revoked".to_owned(),
        AlertDescription::UnknownCA => "issued by an authority the cloud does not know".to_owned(),
        other => format!("refused by the cloud ({other:?})"),
    }
}

fn unreachable_for(error: &io::Error) -> LinkFault {
    let closed = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionAborted);
    LinkFault::Unreachable(if closed { "the other side closed the connection".to_owned() } else { error.to_string() })
}

fn refused(code: ConnectReturnCode) -> LinkFault {
    match code {
        ConnectReturnCode::ServiceUnavailable => LinkFault::Unreachable("the cloud is not available now".to_owned()),
        ConnectReturnCode::BadClientId => LinkFault::NotAuthorised("the client id is refused".to_owned()),
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
            LinkFault::NotAuthorised("the connection is refused".to_owned())
        }
        ConnectReturnCode::Success | ConnectReturnCode::RefusedProtocolVersion => {
            LinkFault::Protocol("MQTT 3.1.1 is refused".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::TlsError;

    use super::*;

    #[test]
    fn a_connection_that_breaks_is_unreachable_wherever_it_is_noticed() {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let hidden = [
            ConnectionError::Io(broken()),
            ConnectionError::MqttState(StateError::Deserialization(rumqttc::mqttbytes::Error::Io(broken()))),
        ];
        for error in hidden {
            let expected = LinkFault::Unreachable("the other side closed the connection".to_owned());
            assert_eq!(LinkFault::from(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_refused_certificate_is_found_wherever_it_hides() {
        let alert = || io::Error::other(rustls::Error::AlertReceived(AlertDescription::CertificateExpired));
        let expected = LinkFault::TlsRefused("our certificate: expired".to_owned());
        let hidden = [
            ConnectionError::Io(alert()),
            ConnectionError::Tls(TlsError::Io(alert())),
            ConnectionError::MqttState(StateError::Io(alert())),
        ];
        for error in hidden {
            assert_eq!(LinkFault::from(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_refused_connection_is_told_from_an_unreachable_one() {
        let refused = ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized);
        assert_eq!(LinkFault::from(&refused).state(), "not-authorised");
        assert_eq!(LinkFault::from(&ConnectionError::NetworkTimeout).state(), "unreachable");
    }
}
