//! The serial console's hardware side: 9600 baud both ways, one receive buffer, no echo (device reference section 3).
//!
//! Bytes from the host travel one character time apart. A receiver that is off loses them; otherwise they are stored
//! whatever the firmware is doing, and it is the firmware's clearing of the buffer after a command that loses them.

use std::collections::VecDeque;
use std::time::Duration;

/// One character at 9600 baud 8N1: ten bits.
pub(super) const CHARACTER: Duration = Duration::from_nanos(1_041_667);
/// Bytes under way from the host; what a caller feeds beyond is lost, as in an overrun. The pty shell stops long before.
const WIRE_BYTES_MAX: usize = 65_536;
/// Printed bytes nobody has taken yet; the oldest give way. A day of blocks is far below.
const OUTPUT_BYTES_MAX: usize = 1_048_576;

/// Receive buffer and both directions of the line.
#[derive(Debug)]
pub(super) struct Console {
    buffer_bytes_max: usize,
    receiver_on: bool,
    buffer: Vec<u8>,
    line_ready: bool,
    wire: VecDeque<(Duration, u8)>,
    output: VecDeque<(Duration, u8)>,
}

impl Console {
    pub(super) fn new(buffer_bytes_max: usize) -> Self {
        Self {
            buffer_bytes_max,
            receiver_on: false,
            buffer: Vec::new(),
            line_ready: false,
            wire: VecDeque::new(),
            output: VecDeque::new(),
        }
    }

    /// The processor starts again: buffer empty, receiver off. The line itself does not notice.
    pub(super) fn reset(&mut self) {
        self.receiver_on = false;
        self.clear();
    }

    /// The supply went away at `now`: what was not out by then is never sent.
    pub(super) fn cut(&mut self, now: Duration) {
        self.output.retain(|(sent, _)| *sent <= now);
        self.reset();
    }

    pub(super) fn switch_receiver_on(&mut self) {
        self.receiver_on = true;
    }

    /// The host sends bytes from `now` on, behind those still under way.
    pub(super) fn send(&mut self, now: Duration, bytes: &[u8]) {
        let mut arrival = self.wire.back().map_or(now, |(last, _)| now.max(*last));
        for byte in bytes.iter().take(WIRE_BYTES_MAX - self.wire.len()) {
            arrival += CHARACTER;
            self.wire.push_back((arrival, *byte));
        }
    }

    pub(super) fn bytes_under_way(&self) -> usize {
        self.wire.len()
    }

    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.wire.front().map(|(arrival, _)| *arrival)
    }

    /// The receive interrupt for every byte that has arrived by `now`.
    pub(super) fn receive(&mut self, now: Duration) {
        while let Some((_, byte)) = self.wire.pop_front_if(|(arrival, _)| *arrival <= now) {
            if self.receiver_on {
                self.store(byte);
            }
        }
    }

    pub(super) fn line_is_ready(&self) -> bool {
        self.line_ready
    }

    /// The line up to the first CR or LF. The buffer stays as it is until [`Self::clear`].
    pub(super) fn line(&self) -> Vec<u8> {
        self.buffer.iter().copied().take_while(|byte| !is_line_end(*byte)).collect()
    }

    /// What the firmware does after each command: everything that came meanwhile is gone.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.line_ready = false;
    }

    /// What the firmware does after each command when it is a moment too quick: a LF right behind the CR is still on its way
    /// or was stored after the wiping, and is a line of its own.
    pub(super) fn clear_but_for_the_line_feed(&mut self) {
        let end = self.buffer.iter().position(|byte| is_line_end(*byte)).unwrap_or(self.buffer.len());
        let line_feed = self.buffer[end..].starts_with(b"\r\n");
        self.clear();
        if line_feed {
            self.store(b'\n');
        }
    }

    /// Quirk Q1 off: only the line that was served goes, with the LF of its CR LF; what came behind it is served next.
    pub(super) fn clear_line(&mut self) {
        let end = self.buffer.iter().position(|byte| is_line_end(*byte)).unwrap_or(self.buffer.len());
        let line_end = if self.buffer[end..].starts_with(b"\r\n") { 2 } else { 1 };
        self.buffer.drain(..self.buffer.len().min(end + line_end));
        self.line_ready = self.buffer.iter().copied().any(is_line_end);
    }

    /// The receiver was asleep and loses the character that wakes it.
    pub(super) fn lose_one(&mut self, now: Duration) {
        self.wire.pop_front_if(|(arrival, _)| *arrival <= now);
    }

    /// Blocking print: returns when the last character is out.
    pub(super) fn print(&mut self, now: Duration, bytes: &[u8]) -> Duration {
        let mut sent = now;
        for byte in bytes {
            sent += CHARACTER;
            self.output.push_back((sent, *byte));
        }
        let excess = self.output.len().saturating_sub(OUTPUT_BYTES_MAX);
        self.output.drain(..excess);
        sent
    }

    pub(super) fn next_output(&self) -> Option<Duration> {
        self.output.front().map(|(sent, _)| *sent)
    }

    /// Removes what was completely sent by `until`.
    pub(super) fn take_output(&mut self, until: Duration) -> Vec<u8> {
        let sent = self.output.partition_point(|(sent, _)| *sent <= until);
        self.output.drain(..sent).map(|(_, byte)| byte).collect()
    }

    /// As [`Self::take_output`], each byte with the time at which it was sent.
    pub(super) fn take_sent(&mut self, until: Duration) -> Vec<(Duration, u8)> {
        let sent = self.output.partition_point(|(sent, _)| *sent <= until);
        self.output.drain(..sent).collect()
    }

    /// The real interrupt has no bounds check and an over-long line damages memory; here the excess is lost and the
    /// line end still counts.
    fn store(&mut self, byte: u8) {
        self.line_ready |= is_line_end(byte);
        if self.buffer.len() < self.buffer_bytes_max {
            self.buffer.push(byte);
        }
    }
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\r' || byte == b'\n'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console_after(bytes: &[u8]) -> Console {
        let mut console = Console::new(300);
        console.switch_receiver_on();
        console.send(Duration::ZERO, bytes);
        console.receive(Duration::from_secs(3));
        console
    }

    #[test]
    fn a_line_is_cut_at_the_first_cr_or_lf() {
        for (bytes, line) in [(&b"AT\rATZ\r"[..], &b"AT"[..]), (b"AT\n", b"AT"), (b"\rAT\r", b"")] {
            let console = console_after(bytes);
            assert!(console.line_is_ready());
            assert_eq!(console.line(), line);
        }
        assert!(!console_after(b"AT").line_is_ready());
    }

    #[test]
    fn bytes_arrive_one_character_time_apart() {
        let mut console = Console::new(300);
        console.switch_receiver_on();
        console.send(Duration::ZERO, b"AT\r");
        console.receive(CHARACTER * 2);
        assert!(!console.line_is_ready());
        console.receive(CHARACTER * 3);
        assert!(console.line_is_ready());
    }

    #[test]
    fn a_receiver_that_is_off_loses_everything() {
        let mut console = Console::new(300);
        console.send(Duration::ZERO, b"AT\r");
        console.receive(Duration::from_secs(1));
        console.switch_receiver_on();
        console.receive(Duration::from_secs(2));
        assert!(!console.line_is_ready());
    }

    #[test]
    fn the_buffer_holds_three_hundred_bytes() {
        let console = console_after(&[[b'x'; 1000].as_slice(), b"\r"].concat());
        assert!(console.line_is_ready());
        assert_eq!(console.line().len(), 300);
    }

    #[test]
    fn output_is_paced_at_9600_baud() {
        let mut console = Console::new(300);
        assert_eq!(console.print(Duration::ZERO, &[b'x'; 960]).as_millis(), 1000);
        assert_eq!(console.take_output(Duration::from_millis(500)).len(), 479);
        assert_eq!(console.take_output(Duration::from_millis(1001)).len(), 481);
    }
}
