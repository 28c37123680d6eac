//! Whether a call of sled's hangs.
//!
//! sled 0.34 forgets a failed write while it opens its file, and waits for it for ever at its next flush; nothing brings
//! back a thread that waits so. Only another process can open the store again, so somebody beside the thread has to look.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one call may take; a disk that is only slow takes seconds.
const CALL_MAX: Duration = Duration::from_secs(20);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Since when a store has been in a call that changes the disk: noted by the thread that makes it, seen by others.
#[derive(Clone, Debug, Default)]
pub struct HangWatch(Arc<Mutex<Option<Instant>>>);

impl HangWatch {
    /// Notes the call while it is made.
    pub(super) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.note(Some(Instant::now()));
        let outcome = call();
        self.note(None);
        outcome
    }

    /// Whether a call takes longer than any disk.
    pub fn is_hung(&self) -> bool {
        self.noted().is_some_and(|since| since.elapsed() > CALL_MAX)
    }

    /// Returns once a call hangs.
    pub async fn hangs(&self) {
        while !self.is_hung() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn noted(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_goes_on_for_long_hangs() {
        let watch = HangWatch::default();
        assert!(!watch.is_hung());
        watch.during(|| {
            assert!(!watch.is_hung());
            let long_ago = watch.noted().and_then(|since| since.checked_sub(CALL_MAX)).unwrap();
            watch.note(Some(long_ago));
            assert!(watch.is_hung());
        });
        assert!(!watch.is_hung());
    }
}
