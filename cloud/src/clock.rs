//! The wall clock, as a value that shells are given: production reads the system's, tests stand still.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kitchen_contract::time::Timestamp;

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's wall clock.
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let unix_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_unix_ms(0).expect("invariant: 1970 is a timestamp").saturating_add_ms(unix_ms)
        }))
    }

    /// A clock that stands still.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(move || at))
    }

    /// The time now, UTC.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}
