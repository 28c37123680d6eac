//! Keeps a failure that repeats from filling the log: said at first, at every change, then once an hour with a count. Pure.

use std::time::Duration;

use crate::observation::Moment;

/// How often a failure that goes on is said again.
const AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// Remembers the last failure.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    last: Option<(String, Moment)>,
    unsaid: u64,
}

impl Repeats {
    /// A failure happened. Some: say it, and that it happened as often as given without being said.
    pub fn failed(&mut self, now: Moment, failure: &str) -> Option<u64> {
        let again = match &self.last {
            Some((last, said)) => last != failure || now.0.saturating_sub(said.0) >= AGAIN_AFTER,
            None => true,
        };
        if !again {
            self.unsaid += 1;
            return None;
        }
        self.last = Some((failure.to_owned(), now));
        Some(std::mem::take(&mut self.unsaid))
    }

    /// All is well again; true if it was not before.
    pub fn recovered(&mut self) -> bool {
        self.unsaid = 0;
        self.last.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_is_said_at_first_at_a_change_and_hourly() {
        let mut repeats = Repeats::default();
        let at = |seconds| Moment(Duration::from_secs(seconds));
        assert_eq!(repeats.failed(at(0), "a"), Some(0));
        assert_eq!(repeats.failed(at(1), "a"), None);
        assert_eq!(repeats.failed(at(2), "a"), None);
        assert_eq!(repeats.failed(at(3), "b"), Some(2));
        assert_eq!(repeats.failed(at(3602), "b"), None);
        assert_eq!(repeats.failed(at(3603), "b"), Some(1));
        assert!(repeats.recovered());
        assert!(!repeats.recovered());
        assert_eq!(repeats.failed(at(3604), "b"), Some(0));
    }
}
