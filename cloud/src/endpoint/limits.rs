//! The endpoint's limits, each with its reason.

use std::time::Duration;

use kitchen_contract::envelope::ENVELOPE_BYTES_MAX;

/// The largest MQTT packet: an envelope, its topic and the packet's own fields.
pub const PACKET_BYTES_MAX: u32 = (ENVELOPE_BYTES_MAX + 1024) as u32;
/// Unconfirmed QoS 1 messages per connection; at the limit we stop reading until one is stored.
pub const WINDOW: u16 = 64;
/// Topics in one SUBSCRIBE; a gateway has two to read, and a packet could name twenty thousand.
pub const FILTERS_MAX: usize = 16;
/// Forbidden topics that a connection may try; with one more it ends, for each costs a look into the registry.
pub const FORBIDDEN_MAX: u32 = 10;
/// Bytes of a peer's own words in a log line: the longest topic that we know, and room to see what it is instead.
pub const SHOWN_BYTES_MAX: usize = 128;
/// Between two log lines that the same peer causes by the same matter.
pub const COMPLAINT_PAUSE: Duration = Duration::from_secs(60);
/// Peers and matters whose log lines are told apart; those beyond share one.
pub const COMPLAINTS_MAX: usize = 4096;
/// Gateways connected at once; at the limit a new connection is closed before its handshake.
pub const CONNECTIONS_MAX: usize = 20_000;
/// Connections at once that are not let in yet; at the limit a new one is closed, and its gateway comes again. With
/// [`CONNECT_TIMEOUT`] fifty strangers a second can be borne who connect and say nothing.
pub const ADMISSIONS_MAX: usize = 512;
/// Files and sockets beside the endpoint's: the databases, the API's clients, the bridge, the log.
pub const OTHER_FILES: usize = 512;
/// How long to accept nothing when the system has no room for a connection (out of file handles, say).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for the TLS handshake and the CONNECT packet together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for one write; a peer that does not read for that long is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a peer without a keep-alive of its own is dropped.
pub const SILENCE_MAX: Duration = Duration::from_secs(20 * 60);
/// How long running connections may take to end when the endpoint stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stopping connection waits for what it has handed in to be stored, so that it need not be sent again; shorter
/// than [`STOP_TIMEOUT`].
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes read from a socket at once.
pub const READ_BYTES: usize = 16 * 1024;
