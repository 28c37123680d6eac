//! What a receiver at one bit rate makes of characters sent at another: 8N1, each bit looked at in its middle.
//!
//! A stop bit that is not there is a framing error; the byte is handed over as NUL, as a Linux terminal does.

use std::collections::VecDeque;
use std::time::Duration;

use super::exit::CHARACTER;

/// What the sensor sends and receives at.
pub(super) const SENSOR_BAUD: u32 = 9600;
/// Start, eight data, stop.
const BITS: u64 = 10;

/// Longer than a character at any rate.
const SILENCE: Duration = Duration::from_secs(1);

/// A receiver that watches a line.
#[derive(Debug)]
pub(super) struct Resampler {
    /// Sent characters that a frame may still begin in: start on the line, and the byte.
    sent: VecDeque<(u64, u8)>,
    sender_bit_ns: u64,
    receiver_bit_ns: u64,
    /// No start bit is looked for before.
    ready_ns: u64,
}

impl Resampler {
    pub(super) fn new(sender_baud: u32, receiver_baud: u32) -> Self {
        let bit_ns = |baud: u32| 1_000_000_000 / u64::from(baud.max(1));
        let (sender_bit_ns, receiver_bit_ns) = (bit_ns(sender_baud), bit_ns(receiver_baud));
        Self { sent: VecDeque::new(), sender_bit_ns, receiver_bit_ns, ready_ns: 0 }
    }

    /// A character whose last bit is out at `end`; later than the one before by a character at least.
    pub(super) fn push(&mut self, end: Duration, byte: u8) {
        self.sent.push_back((ns(end).saturating_sub(self.sender_bit_ns * BITS), byte));
    }

    /// What becomes of characters that are sent without a pause, with silence before and behind.
    pub(super) fn batch(mut self, bytes: &[u8]) -> Vec<u8> {
        let character = Duration::from_nanos(self.sender_bit_ns * BITS);
        let ends = (1..).map(|number| character * number);
        ends.zip(bytes).for_each(|(end, byte)| self.push(end, *byte));
        let settled = character * u32::try_from(bytes.len()).unwrap_or(u32::MAX) + SILENCE;
        self.take(settled).into_iter().map(|(_, byte)| byte).collect()
    }

    /// What has been received when nothing more will be sent that ends before `now`. Each byte comes a character's time
    /// after it was received: only then is it certain.
    pub(super) fn take(&mut self, now: Duration) -> Vec<(Duration, u8)> {
        let pushed = self.sent.back().map_or(0, |(start, _)| start + self.sender_bit_ns * BITS);
        let known_ns = pushed.max(ns(now.saturating_sub(CHARACTER)));
        let mut received = Vec::new();
        while let Some(start) = self.next_start() {
            let (middle, last) = self.samples(start);
            if last > known_ns {
                break;
            }
            // High again in the middle of the start bit: it was none.
            let begins = !self.level_at(middle);
            received.extend(begins.then(|| (Duration::from_nanos(last) + CHARACTER, self.frame(middle))));
            self.ready_ns = if begins { last } else { middle };
        }
        received
    }

    /// When [`Self::take`] has something to look at, if nothing more is sent.
    pub(super) fn next(&self) -> Option<Duration> {
        let start = self.sent.iter().find_map(|character| self.edge_in(character))?;
        Some(Duration::from_nanos(self.samples(start).1) + CHARACTER)
    }

    /// Where the frame that starts there is looked at first, and last.
    fn samples(&self, start: u64) -> (u64, u64) {
        let middle = start + self.receiver_bit_ns / 2;
        (middle, middle + self.receiver_bit_ns * (BITS - 1))
    }

    /// The first falling edge in a character that a frame may begin with.
    fn edge_in(&self, (start, byte): &(u64, u8)) -> Option<u64> {
        let falls = |bit: &u64| !level(*byte, *bit) && (*bit == 0 || level(*byte, *bit - 1));
        (0..BITS).filter(falls).map(|bit| start + bit * self.sender_bit_ns).find(|at| *at >= self.ready_ns)
    }

    /// The next falling edge. Characters that lie behind are forgotten.
    fn next_start(&mut self) -> Option<u64> {
        loop {
            let character = self.sent.front()?;
            let edge = self.edge_in(character);
            if edge.is_some() {
                return edge;
            }
            let (start, _) = *character;
            // Kept while a frame that began in it may still look at its end.
            if self.sent.len() < 2 && self.ready_ns <= start + BITS * self.sender_bit_ns {
                return None;
            }
            self.sent.pop_front();
        }
    }

    /// The byte whose start bit has its middle here.
    fn frame(&self, middle: u64) -> u8 {
        let bit = |number: u64| self.level_at(middle + number * self.receiver_bit_ns);
        let byte = (0..8).fold(0, |byte, number| byte | (u8::from(bit(number + 1)) << number));
        if bit(BITS - 1) { byte } else { 0 }
    }

    fn level_at(&self, at: u64) -> bool {
        let length = self.sender_bit_ns * BITS;
        let character = self.sent.iter().find(|(start, _)| (*start..start + length).contains(&at));
        character.is_none_or(|(start, byte)| level(*byte, (at - start) / self.sender_bit_ns))
    }
}

/// The line's level in one bit of a character: start low, data from the lowest bit, stop high.
fn level(byte: u8, bit: u64) -> bool {
    match bit {
        0 => false,
        1..=8 => byte >> (bit - 1) & 1 == 1,
        _ => true,
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(sender: u32, receiver: u32, bytes: &[u8]) -> Vec<u8> {
        Resampler::new(sender, receiver).batch(bytes)
    }

    #[test]
    fn the_same_rate_and_nearly_the_same_are_read_as_sent() {
        let bytes: Vec<u8> = (0..=255).collect();
        for receiver in [9600, 9400, 9800] {
            assert_eq!(received(9600, receiver, &bytes), bytes, "{receiver}");
        }
    }

    #[test]
    fn another_rate_reads_something_else() {
        // Each bit of `U` is seen twice at twice the rate. There is no stop bit; the rest of it begins another byte.
        assert_eq!(received(9600, 19_200, b"U"), [0, 0xE6]);
        assert_eq!(received(9600, 115_200, b"\0"), [0]);
        assert!(received(9600, 4800, b"\xff").is_empty());
        assert_ne!(received(9600, 4800, b"OK\r\n"), b"OK\r\n");
        assert!(received(9600, 4800, b"AT+CFG\r\n").len() < 8);
    }
}
