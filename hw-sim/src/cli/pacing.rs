//! When a script's next line may be typed. The device loses what comes before the answer to the line before; a person
//! sees that and waits, a pipe does not.

use std::time::Duration;

use tokio::time::Instant;

/// Every reply ends in one of these. Log lines end in a line end as well, but in none of these words.
const ENDINGS: [&[u8]; 4] = [b"OK\r\n\r\n", b"ERROR\r\n", b"Password Correct\r\n", b"Password Incorrect\r\n"];
/// A reply that ended is followed by nothing for this long: so `OK` within a longer text does not count.
const QUIET: Duration = Duration::from_millis(150);
/// Enough for the longest ending.
const TAIL_BYTES: usize = 32;

/// Decides when the line that was typed is dealt with.
#[derive(Debug)]
pub(super) struct Pacing {
    /// A line without any answer is given up after this time.
    patience: Duration,
    waiting: bool,
    last: Instant,
    tail: Vec<u8>,
}

impl Pacing {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, waiting: false, last: Instant::now(), tail: Vec::new() }
    }

    /// A line was typed.
    pub(super) fn typed(&mut self) {
        (self.waiting, self.last) = (true, Instant::now());
        self.tail.clear();
    }

    /// The device said something.
    pub(super) fn heard(&mut self, bytes: &[u8]) {
        self.last = Instant::now();
        self.tail.extend(bytes);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
    }

    /// When the next line may be typed; nothing: at once.
    pub(super) fn ready_at(&self) -> Option<Instant> {
        let answered = ENDINGS.iter().any(|ending| self.tail.ends_with(ending));
        self.waiting.then(|| self.last + if answered { QUIET } else { self.patience })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_the_wait_and_a_log_line_does_not() {
        let patience = Duration::from_secs(10);
        let mut pacing = Pacing::new(patience);
        assert_eq!(pacing.ready_at(), None);
        pacing.typed();
        pacing.heard(b"[12]*****Upload start:1*****\r\n");
        assert_eq!(pacing.ready_at(), Some(pacing.last + patience));
        pacing.heard(b"7200\r\n\r\nO");
        pacing.heard(b"K\r\n\r\n");
        assert_eq!(pacing.ready_at(), Some(pacing.last + QUIET));
        pacing.typed();
        assert_eq!(pacing.ready_at(), Some(pacing.last + patience));
    }
}
