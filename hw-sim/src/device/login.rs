//! Password state: locked or unlocked until a tick of a free-running timer (device reference section 4).

use std::time::Duration;

use crate::profile::{Profile, Quirk};

/// The console is locked at boot, and again a counted number of timer ticks after each login.
#[derive(Debug, Default)]
pub(super) struct Login {
    locks_at: Option<Duration>,
}

impl Login {
    /// The right password was typed at this uptime. The timer has been running since boot, so the first tick may come
    /// at once: 30 ticks of 10 s are 290 to 300 s.
    pub(super) fn unlock(&mut self, uptime: Duration, profile: &Profile) {
        if !profile.has(Quirk::Relock) {
            self.locks_at = Some(Duration::MAX);
            return;
        }
        let elapsed_ticks = uptime.as_millis() as u64 / profile.relock_tick_ms;
        let last_tick = elapsed_ticks + u64::from(profile.relock_ticks);
        self.locks_at = Some(Duration::from_millis(last_tick * profile.relock_tick_ms));
    }

    /// The time ends at this uptime, if it has begun.
    pub(super) fn lock(&mut self, uptime: Duration) {
        self.locks_at = self.locks_at.map(|locks_at| locks_at.min(uptime));
    }

    /// When the console locks again.
    pub(super) fn locks_at(&self) -> Option<Duration> {
        self.locks_at.filter(|at| *at != Duration::MAX)
    }

    /// Whether commands are executed at this uptime.
    pub(super) fn is_unlocked(&self, uptime: Duration) -> bool {
        self.locks_at.is_some_and(|locks_at| uptime < locks_at)
    }

    /// True once, when the time is over.
    pub(super) fn expire(&mut self, uptime: Duration) -> bool {
        self.locks_at.take_if(|locks_at| uptime >= *locks_at).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(login_ms: u64, expected_lock_ms: u64) {
        let mut login = Login::default();
        login.unlock(Duration::from_millis(login_ms), &Profile::load("nb-1.1").unwrap());
        assert!(login.is_unlocked(Duration::from_millis(expected_lock_ms - 1)));
        assert!(!login.is_unlocked(Duration::from_millis(expected_lock_ms)));
    }

    #[test]
    fn thirty_ticks_of_the_free_running_timer() {
        check(50_000, 350_000);
        check(50_001, 350_000);
        check(59_999, 350_000);
        check(60_000, 360_000);
    }

    #[test]
    fn locked_at_boot_and_expired_once() {
        let mut login = Login::default();
        assert!(!login.is_unlocked(Duration::ZERO));
        login.unlock(Duration::ZERO, &Profile::load("nb-1.1").unwrap());
        assert!(!login.expire(Duration::from_secs(299)));
        assert!(login.expire(Duration::from_secs(300)));
        assert!(!login.expire(Duration::from_secs(301)));
    }
}
