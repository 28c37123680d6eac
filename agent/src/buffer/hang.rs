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

    /// Returns once a call hangs: seen twice, since a process that was stopped for long finds every call long.
    pub async fn hangs(&self) {
        let mut seen = None;
        while !(self.is_hung() && seen == self.noted()) {
            seen = self.noted();
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

    fn long_ago() -> Instant {
        Instant::now().checked_sub(CALL_MAX * 2).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_stopped_in_a_call_has_not_hung() {
        let watch = HangWatch::default();
        watch.note(Some(long_ago()));
        // The first look finds the call; before the second it has returned.
        let hangs = watch.hangs();
        tokio::pin!(hangs);
        assert!(tokio::time::timeout(LOOK_EVERY / 2, &mut hangs).await.is_err());
        watch.note(None);
        assert!(tokio::time::timeout(LOOK_EVERY * 10, &mut hangs).await.is_err());
        watch.note(Some(long_ago()));
        tokio::time::timeout(LOOK_EVERY * 10, hangs).await.unwrap();
    }

    #[test]
    fn only_a_call_that_goes_on_for_long_hangs() {
        let watch = HangWatch::default();
        assert!(!watch.is_hung());
        watch.during(|| {
            assert!(!watch.is_hung());
            watch.note(Some(long_ago()));
            assert!(watch.is_hung());
        });
        assert!(!watch.is_hung());
    }
}
