//! The line itself: bytes in at one end, what is left of them out at the other.
//!
//! The owner passes every byte with the time at which its last bit was sent, in order, and tells which faults begin and
//! end; the line keeps no clock. Toward the host bytes are rewritten, interrupted, mixed with others, cut off, damaged and
//! delayed, in this order; toward the sensor held back, swallowed, damaged and echoed.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::exit::{BYTES_MAX, CHARACTER, Exit};
use super::fault::{EchoMode, LineFault, LineFaultKind};
use super::junk;
use super::reply::Reply;
use super::resample::{Resampler, SENSOR_BAUD};
use super::text::Editor;

/// Bytes of the host that are kept back; it is told long before that nothing more fits.
const HELD_BYTES_MAX: usize = 65_536;
/// The streams of chance of the two directions differ by this.
const OTHER_STREAM: u64 = 0x9E37_79B9_7F4A_7C15;

/// The wires between one host and one sensor.
#[derive(Debug)]
pub(crate) struct Line {
    faults: Vec<Standing>,
    reply: Reply,
    editor: Editor,
    exit: Exit,
    /// Bytes that come back, and when.
    echoes: VecDeque<(Duration, u8)>,
    /// Bytes of the host that the sensor does not read.
    held: VecDeque<u8>,
    /// When the host's last byte is at the sensor.
    arrival: Duration,
    reboot: Option<Reboot>,
    to_host: StdRng,
    to_sensor: StdRng,
}

/// The sensor has to start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reboot {
    pub(crate) at: Duration,
    pub(crate) forgets: bool,
}

/// A fault, and how far it is.
#[derive(Debug)]
struct Standing {
    fault: LineFault,
    /// Lines of the host when it came.
    line: u64,
    /// Bytes it has looked at.
    count: u64,
    /// When it does something by itself.
    next: Duration,
}

/// What comes to the host's end of the wires.
enum Source {
    Printed(u8),
    Echo(u8),
    Endless,
}

impl Line {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            faults: Vec::new(),
            reply: Reply::default(),
            editor: Editor::default(),
            exit: Exit::default(),
            echoes: VecDeque::new(),
            held: VecDeque::new(),
            arrival: Duration::ZERO,
            reboot: None,
            to_host: StdRng::seed_from_u64(seed),
            to_sensor: StdRng::seed_from_u64(seed ^ OTHER_STREAM),
        }
    }

    /// From now on that is wrong; instead of what was wrong of the same kind.
    pub(crate) fn begin(&mut self, now: Duration, fault: LineFault) {
        self.faults.retain(|standing| standing.fault.kind() != fault.kind());
        match &fault {
            LineFault::Baud { rate, direction } => {
                self.exit.resample(direction.is_to_host().then_some(*rate));
            }
            LineFault::Frozen => self.editor.thaw(),
            _ => {}
        }
        self.faults.push(Standing { fault, line: self.reply.number, count: 0, next: now });
    }

    /// That is mended; gives what was held back from the sensor.
    pub(crate) fn end(&mut self, now: Duration, kind: LineFaultKind) -> Vec<u8> {
        self.faults.retain(|standing| standing.fault.kind() != kind);
        match kind {
            LineFaultKind::Baud => self.exit.resample(None),
            LineFaultKind::Drip | LineFaultKind::Late | LineFaultKind::Endless => self.exit.rush(now),
            LineFaultKind::Reboot => self.reboot = None,
            LineFaultKind::Value | LineFaultKind::Swapped | LineFaultKind::Frozen => self.pass_on(now),
            LineFaultKind::NeverReads => {
                let held = Vec::from(std::mem::take(&mut self.held));
                return self.to_sensor(now, &held);
            }
            _ => {}
        }
        Vec::new()
    }

    /// What is wrong, in the order it came.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &LineFault> + '_ {
        self.faults.iter().map(|standing| &standing.fault)
    }

    /// The host sends bytes from `now` on; gives what the sensor gets of them.
    pub(crate) fn to_sensor(&mut self, now: Duration, bytes: &[u8]) -> Vec<u8> {
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

    /// Everything that comes to the host's end until `now`: `sent` are the sensor's bytes since the last time.
    pub(crate) fn carry(&mut self, now: Duration, sent: Vec<(Duration, u8)>) {
        let mut coming: Vec<(Duration, Source)> =
            sent.into_iter().map(|(at, byte)| (at, Source::Printed(byte))).collect();
        while let Some((at, byte)) = self.echoes.pop_front_if(|(at, _)| *at <= now) {
            coming.push((at, Source::Echo(byte)));
        }
        coming.extend(self.endless_until(now).into_iter().map(|at| (at, Source::Endless)));
        coming.sort_by_key(|(at, _)| *at);
        for (at, source) in coming {
            match source {
                Source::Printed(byte) => self.edited(at, byte),
                Source::Echo(byte) => self.put_out(at, byte),
                Source::Endless => self.endless(at),
            }
        }
        self.exit.settle(now);
    }

    /// When something comes to the host's end that the sensor does not send now.
    pub(crate) fn next_wakeup(&self) -> Option<Duration> {
        let endless = self.standing(LineFaultKind::Endless).map(|standing| standing.next + CHARACTER);
        let echo = self.echoes.front().map(|(at, _)| *at);
        [self.exit.next(), endless, echo].into_iter().flatten().min()
    }

    /// Removes what is completely out by `until`.
    pub(crate) fn take(&mut self, until: Duration) -> Vec<u8> {
        self.exit.take(until)
    }

    /// When the sensor has to start again; the owner does that then.
    pub(crate) fn reboot_due(&self) -> Option<Duration> {
        self.reboot.map(|reboot| reboot.at)
    }

    /// Whether the sensor may have to start again after any byte that it sends.
    pub(crate) fn counts_toward_reboot(&self) -> bool {
        self.reboot.is_none() && self.has(LineFaultKind::Reboot)
    }

    /// See [`Self::reboot_due`]; it happens once.
    pub(crate) fn take_reboot(&mut self) -> Option<Reboot> {
        self.faults.retain(|standing| self.reboot.is_none() || standing.fault.kind() != LineFaultKind::Reboot);
        self.reboot.take()
    }

    fn standing(&self, kind: LineFaultKind) -> Option<&Standing> {
        self.faults.iter().find(|standing| standing.fault.kind() == kind)
    }

    fn has(&self, kind: LineFaultKind) -> bool {
        self.standing(kind).is_some()
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
        (u64::from(*after)..end).contains(&position) && self.to_sensor.random_bool(share)
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

    fn edited(&mut self, at: Duration, byte: u8) {
        if !self.faults().any(Editor::edits) {
            return self.printed(at, byte);
        }
        let faults = self.faults.iter().map(|standing| &standing.fault);
        let passed = self.editor.byte(byte, faults);
        passed.into_iter().for_each(|byte| self.printed(at, byte));
    }

    /// A fault that kept a line back is over.
    fn pass_on(&mut self, now: Duration) {
        if !self.faults().any(Editor::edits) {
            self.editor.release().into_iter().for_each(|byte| self.printed(now, byte));
        }
    }

    /// A byte of a reply, or of what the sensor says by itself.
    fn printed(&mut self, at: Duration, byte: u8) {
        if !self.reply.begun {
            self.interrupt(at, 0);
        }
        self.reply.sensor_sends(byte);
        self.count_toward_reboot(at);
        if !self.is_cut_off() {
            self.mixed(at, byte);
        }
        if byte == b'\n' {
            self.interrupt(at, self.reply.lines);
        }
    }

    fn interrupt(&mut self, at: Duration, lines: u32) {
        let due = self.faults.iter().find_map(|standing| match &standing.fault {
            LineFault::Unsolicited { text, after, .. } if *after == lines && standing.line < self.reply.number => {
                Some(format!("{text}\r\n"))
            }
            _ => None,
        });
        if let Some(text) = due {
            text.bytes().for_each(|byte| self.put_out(at, byte));
        }
    }

    fn count_toward_reboot(&mut self, at: Duration) {
        let number = self.reply.number;
        for standing in self.faults.iter_mut().filter(|standing| standing.line < number) {
            if let LineFault::Reboot { bytes, forgets } = standing.fault {
                standing.count += 1;
                if bytes > 0 && standing.count == u64::from(bytes) {
                    self.reboot = Some(Reboot { at, forgets });
                }
            }
        }
    }

    fn is_cut_off(&mut self) -> bool {
        let number = self.reply.number;
        let truncated = self.faults.iter_mut().find(|standing| standing.line < number && standing.truncates());
        let Some(Standing { fault: LineFault::Truncated { bytes, .. }, count, .. }) = truncated else { return false };
        *count += 1;
        *count > u64::from(*bytes)
    }

    fn mixed(&mut self, at: Duration, byte: u8) {
        let junk = self.faults().find_map(|fault| match fault {
            LineFault::Junk { kind, rate } => Some((*kind, *rate)),
            _ => None,
        });
        if let Some((kind, rate)) = junk
            && self.to_host.random_bool(rate)
        {
            let sequence = junk::sequence(kind, &mut self.to_host);
            sequence.iter().for_each(|byte| self.put_out(at, *byte));
        }
        self.put_out(at, byte);
    }

    fn put_out(&mut self, at: Duration, byte: u8) {
        if !self.has(LineFaultKind::Stuck) && !self.has(LineFaultKind::Endless) {
            self.send(at, byte);
        }
    }

    /// The last stage: damage and delay.
    fn send(&mut self, at: Duration, byte: u8) {
        let byte = self.flipped(byte, true);
        let (mut delay, mut spacing) = (Duration::ZERO, CHARACTER);
        for standing in &self.faults {
            match standing.fault {
                LineFault::Late { delay: late, once } if !once || standing.line + 1 == self.reply.number => {
                    delay = late
                }
                LineFault::Drip { every } => spacing = every.max(CHARACTER),
                _ => {}
            }
        }
        self.exit.push(at + delay, spacing, byte);
    }

    fn flipped(&mut self, byte: u8, toward_host: bool) -> u8 {
        let rng = if toward_host { &mut self.to_host } else { &mut self.to_sensor };
        for standing in &self.faults {
            if let LineFault::Noise { rate, direction } = standing.fault
                && if toward_host { direction.is_to_host() } else { direction.is_to_sensor() }
                && rng.random_bool(rate)
            {
                return byte ^ (1 << rng.random_range(0..8));
            }
        }
        byte
    }

    /// The times of the endless bytes until `now`; of very many the last, as nobody could keep the others.
    fn endless_until(&mut self, now: Duration) -> Vec<Duration> {
        let endless = self.faults.iter_mut().find(|standing| standing.fault.kind() == LineFaultKind::Endless);
        let Some(standing) = endless else { return Vec::new() };
        let LineFault::Endless { bytes, .. } = standing.fault else { return Vec::new() };
        let mut times = Vec::new();
        while standing.next + CHARACTER <= now && bytes.is_none_or(|bytes| standing.count < bytes) {
            standing.next += CHARACTER;
            standing.count += 1;
            times.push(standing.next);
        }
        times.drain(..times.len().saturating_sub(BYTES_MAX));
        times
    }

    fn endless(&mut self, at: Duration) {
        let endless = self.standing(LineFaultKind::Endless);
        let Some(Standing { fault: LineFault::Endless { byte, bytes }, count, next, .. }) = endless else { return };
        let (byte, is_last) = (*byte, *bytes == Some(*count) && *next == at);
        self.send(at, byte);
        if is_last {
            self.faults.retain(|standing| standing.fault.kind() != LineFaultKind::Endless);
        }
    }
}

impl Standing {
    fn truncates(&self) -> bool {
        matches!(self.fault, LineFault::Truncated { .. })
    }
}
