//! From the host to the sensor: held back, swallowed, damaged, echoed.

use std::time::Duration;

use super::exit::CHARACTER;
use super::fault::{EchoMode, LineFault, LineFaultKind};
use super::resample::{Resampler, SENSOR_BAUD};
use super::wires::{Line, Reboot, Standing, happens};

/// Bytes of the host that are kept back; it is told long before that nothing more fits.
const HELD_BYTES_MAX: usize = 65_536;

impl Line {
    /// The host sends bytes from `now` on; gives what the sensor gets of them.
    pub(crate) fn deliver_to_sensor(&mut self, now: Duration, bytes: &[u8]) -> Vec<u8> {
        if self.has(LineFaultKind::NeverReads) {
            let room = HELD_BYTES_MAX - self.held.len();
            self.held.extend(bytes.iter().take(room));
            return Vec::new();
        }
        let sent: Vec<u8> = bytes.iter().map(|byte| self.flipped(*byte, false)).collect();
        let received = if self.has(LineFaultKind::Stuck) { Vec::new() } else { self.at_another_rate(&sent) };
        bytes.iter().for_each(|byte| self.host_sends(*byte));
        for byte in &received {
            self.arrive(now, *byte);
        }
        received
    }

    /// Bytes of the host that have not been passed on.
    pub(crate) fn bytes_held(&self) -> usize {
        self.held.len()
    }

    /// A new line of the host: what was for one reply only is over with the next.
    fn host_sends(&mut self, byte: u8) {
        if self.reply.host_sends(byte) {
            let number = self.reply.number;
            self.faults.retain(|standing| !standing.fault.is_for_one_reply() || number <= standing.line + 1);
        }
    }

    /// A byte that will be at the sensor: it may come back, and it may be its last.
    fn arrive(&mut self, now: Duration, byte: u8) {
        self.arrival = self.arrival.max(now) + CHARACTER;
        let at = self.arrival;
        if self.is_echoed() {
            self.echoes.push_back((at, byte));
        }
        let reboot = self.standing(LineFaultKind::Reboot).map(|standing| &standing.fault);
        if let Some(LineFault::Reboot { bytes: 0, forgets }) = reboot
            && matches!(byte, b'\r' | b'\n')
        {
            self.reboot = self.reboot.or(Some(Reboot { at, forgets: *forgets }));
        }
    }

    fn is_echoed(&mut self) -> bool {
        let echo = self.faults.iter_mut().find(|standing| standing.fault.kind() == LineFaultKind::Echo);
        let Some(Standing { fault: LineFault::Echo { mode, part, after, bytes }, count, .. }) = echo else {
            return false;
        };
        let position = *count;
        *count += 1;
        let end = bytes.map_or(u64::MAX, |bytes| u64::from(*after) + u64::from(bytes));
        let share = match mode {
            EchoMode::On => 1.0,
            EchoMode::Off => 0.0,
            EchoMode::Partial => *part,
        };
        (u64::from(*after)..end).contains(&position) && happens(&mut self.to_sensor, share)
    }

    /// One batch at a time: a byte that is sent alone is read alone.
    fn at_another_rate(&self, bytes: &[u8]) -> Vec<u8> {
        let Some(LineFault::Baud { rate, direction }) = self.standing(LineFaultKind::Baud).map(|baud| &baud.fault)
        else {
            return bytes.to_vec();
        };
        if !direction.is_to_sensor() {
            return bytes.to_vec();
        }
        Resampler::new(*rate, SENSOR_BAUD).batch(bytes)
    }
}
