//! When the console locks itself again: 290 to 300 s after the login, whatever was sent since (device reference 4). Pure.
//!
//! It cannot be put off. One command may be sent at any time, because it is repeated after the next login; a change of
//! several commands does not begin between 285 and 302 s, so that it is not torn apart half-way.

use std::time::Duration;

/// From this age of a login on, no change begins.
const HOLD_FROM: Duration = Duration::from_secs(285);
/// From this age on, the console is certainly locked, and the next command begins with a login.
const LOCKED_FROM: Duration = Duration::from_secs(302);

/// How long a change of several commands has to wait at that age of the login.
///
/// `None` for the age is a console that was found open (the agent started again, or it has no PIN): when it locks is not
/// known, so there is nothing to wait for, and a command that meets the lock is repeated after the login.
pub fn hold(login_age: Option<Duration>) -> Duration {
    match login_age {
        Some(age) if age >= HOLD_FROM => LOCKED_FROM.saturating_sub(age),
        Some(_) | None => Duration::ZERO,
    }
}

/// Whether a lock at that age is the ordinary one. An earlier lock means that the device has restarted.
pub fn is_due(login_age: Option<Duration>) -> bool {
    login_age.is_none_or(|age| age >= HOLD_FROM)
}

/// Whether the console of a login of that age is certainly locked.
pub fn is_over(login_age: Option<Duration>) -> bool {
    login_age.is_some_and(|age| age >= LOCKED_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_waits_only_around_the_lock() {
        for (age_s, hold_s) in [(0, 0), (284, 0), (285, 17), (296, 6), (301, 1), (302, 0), (1000, 0)] {
            assert_eq!(hold(Some(Duration::from_secs(age_s))), Duration::from_secs(hold_s), "{age_s} s");
        }
        assert_eq!(hold(None), Duration::ZERO);
    }

    #[test]
    fn a_lock_before_its_time_is_a_restart() {
        assert!(is_due(None) && is_due(Some(Duration::from_secs(290))));
        assert!(!is_due(Some(Duration::from_secs(100))));
    }
}
