//! Did the measurement command leave when it was due, and if not, what held it up? Pure.
//!
//! The monotonic clock says when a poll is due. A command that leaves within [`PUNCTUAL`] of that is punctual; every other
//! has exactly one cause, the one that explains the most: a restart, then the console's lock, then a device that was busy,
//! then another command in flight.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So late is on time.
pub const PUNCTUAL: Duration = Duration::from_secs(1);

/// What holds a measurement command up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The sensor started, or was just plugged in: it is deaf, logged in to and set first.
    Restart,
    /// The console had locked itself; the command was sent again after the login.
    Relock,
    /// The device was at an uplink and did not answer in time; or the line was damaged.
    Uplink,
    /// Another command was in flight: a second measurement of a value that surprised.
    Command,
}

/// What was going on around one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// From due to sent.
    pub delay: Duration,
    /// The sensor was greeted after the poll was due.
    pub greeted: bool,
    /// The command met a locked console.
    pub relocked: bool,
    /// The command had to be repeated.
    pub repeated: bool,
}

/// Late polls of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Late {
    /// How many.
    pub polls: u64,
    /// The longest delay, in ms.
    pub longest_ms: u64,
}

/// How punctual the polls of one sensor were since the agent's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Punctuality {
    /// Polls whose command left within a second.
    pub punctual: u64,
    /// See [`Cause::Restart`].
    pub restart: Late,
    /// See [`Cause::Relock`].
    pub relock: Late,
    /// See [`Cause::Uplink`].
    pub uplink: Late,
    /// See [`Cause::Command`].
    pub command: Late,
}

impl Circumstances {
    /// What held the command up; nothing if it was punctual.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self { delay, .. } if *delay <= PUNCTUAL => None,
            Self { greeted: true, .. } => Some(Cause::Restart),
            Self { relocked: true, .. } => Some(Cause::Relock),
            Self { repeated: true, .. } => Some(Cause::Uplink),
            _ => Some(Cause::Command),
        }
    }
}

impl Punctuality {
    /// Counts one poll.
    pub fn count(&mut self, poll: &Circumstances) -> Option<Cause> {
        let cause = poll.cause();
        let late = match cause {
            None => {
                self.punctual += 1;
                return None;
            }
            Some(Cause::Restart) => &mut self.restart,
            Some(Cause::Relock) => &mut self.relock,
            Some(Cause::Uplink) => &mut self.uplink,
            Some(Cause::Command) => &mut self.command,
        };
        late.polls += 1;
        late.longest_ms = late.longest_ms.max(u64::try_from(poll.delay.as_millis()).unwrap_or(u64::MAX));
        cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(delay_ms: u64, [greeted, relocked, repeated]: [bool; 3]) -> Circumstances {
        Circumstances { delay: Duration::from_millis(delay_ms), greeted, relocked, repeated }
    }

    #[test]
    fn every_late_poll_has_one_cause() {
        let mut punctuality = Punctuality::default();
        assert_eq!(punctuality.count(&poll(1000, [true, true, true])), None);
        assert_eq!(punctuality.count(&poll(1001, [true, true, true])), Some(Cause::Restart));
        assert_eq!(punctuality.count(&poll(7000, [false, true, true])), Some(Cause::Relock));
        assert_eq!(punctuality.count(&poll(5000, [false, true, false])), Some(Cause::Relock));
        assert_eq!(punctuality.count(&poll(9000, [false, false, true])), Some(Cause::Uplink));
        assert_eq!(punctuality.count(&poll(2000, [false, false, false])), Some(Cause::Command));
        let late = |polls, longest_ms| Late { polls, longest_ms };
        let expected = Punctuality {
            punctual: 1,
            restart: late(1, 1001),
            relock: late(2, 7000),
            uplink: late(1, 9000),
            command: late(1, 2000),
        };
        assert_eq!(punctuality, expected);
    }
}
