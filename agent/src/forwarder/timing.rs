//! How long the forwarder waits for what. Pure.

use std::time::Duration;

use crate::speed::Speed;

/// How long the forwarder waits for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From the first packet to the answer to the birth.
    pub connect: Duration,
    /// For the acknowledgement of an envelope, at first.
    pub patience: Duration,
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// For a connection to count as stable.
    pub stable: Duration,
    /// Between attempts to send what was passed over.
    pub retry: Duration,
    /// For a buffer that cannot be read.
    pub unreadable: Duration,
    /// At another address than the preferred one, before that is tried again.
    pub preferred: Duration,
    /// After certificate files were refused that are not those that worked, before they are tried again.
    pub refused_files: Duration,
    /// For what is under way at the end.
    pub drain: Duration,
    /// Divides the backoff; 1 in the field.
    pub speed: Speed,
}

impl Timing {
    /// The times of the field, heartbeat as configured, shortened for tests.
    pub fn new(heartbeat: Duration, speed: Speed) -> Self {
        Self {
            connect: speed.shorten(Duration::from_secs(20)),
            patience: speed.shorten(Duration::from_secs(10)),
            heartbeat: speed.shorten(heartbeat),
            stable: speed.shorten(Duration::from_secs(120)),
            retry: speed.shorten(Duration::from_secs(300)),
            unreadable: speed.shorten(Duration::from_secs(5)),
            preferred: speed.shorten(Duration::from_secs(900)),
            refused_files: speed.shorten(Duration::from_secs(900)),
            drain: Duration::from_secs(2),
            speed,
        }
    }
}
