//! From the sensor to the host: rewritten, interrupted, cut off, mixed with others, swallowed, damaged, delayed; in this
//! order.

use std::time::Duration;

use super::exit::{BYTES_MAX, CHARACTER, CHARACTER_NS};
use super::fault::{LineFault, LineFaultKind};
use super::junk;
use super::text::Editor;
use super::wires::{Line, Reboot, Standing, happens};

/// What comes to the host's end of the wires.
enum Source {
    Printed(u8),
    Echo(u8),
    Endless,
}

impl Line {
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

    fn edited(&mut self, at: Duration, byte: u8) {
        if !self.faults().any(Editor::edits) {
            return self.printed(at, byte);
        }
        let faults = self.faults.iter().map(|standing| &standing.fault);
        let passed = self.editor.byte(byte, faults);
        passed.into_iter().for_each(|byte| self.printed(at, byte));
    }

    /// A fault that kept a line back is over.
    pub(super) fn pass_on(&mut self, now: Duration) {
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
            && happens(&mut self.to_host, rate)
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
        self.exit.push(at.saturating_add(delay), spacing, byte);
    }

    /// The times of the endless bytes until `now`; of very many the last, as nobody could keep the others.
    fn endless_until(&mut self, now: Duration) -> Vec<Duration> {
        let endless = self.faults.iter_mut().find(|standing| standing.fault.kind() == LineFaultKind::Endless);
        let Some(standing) = endless else { return Vec::new() };
        let LineFault::Endless { bytes, .. } = standing.fault else { return Vec::new() };
        let left = bytes.map_or(u64::MAX, |bytes| bytes - standing.count);
        let due = characters_in(now.saturating_sub(standing.next)).min(left);
        let kept = due.min(BYTES_MAX as u64);
        let skipped = standing.next + Duration::from_nanos((due - kept) * CHARACTER_NS);
        standing.next = skipped + Duration::from_nanos(kept * CHARACTER_NS);
        standing.count += due;
        (1..=kept).map(|number| skipped + Duration::from_nanos(number * CHARACTER_NS)).collect()
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

fn characters_in(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / CHARACTER_NS
}

impl Standing {
    fn truncates(&self) -> bool {
        matches!(self.fault, LineFault::Truncated { .. })
    }
}
